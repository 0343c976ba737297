"""Crashes, leftovers and crowds: after each of them `up` brings the cloud back whole or says why not."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infrastructure.local import processes
from tests.cloud import PARTS, PROJECT, Cloud, running

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud that only the tests of this file break."""
    with running(tmp_path_factory.mktemp("crash")) as found:
        yield found
    assert not processes.marked(found.state)


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_comes_back(own: Cloud, part: str) -> None:
    killed = own.leader(part)
    others = [own.leader(other) for other in PARTS if other != part]
    killed.kill()
    assert "clients source" in own.up()
    assert own.leader(part) != killed
    assert [own.leader(other) for other in PARTS if other != part] == others
    own.run("status")


def test_a_killed_database_comes_back(own: Cloud) -> None:
    for process in processes.marked(own.state, "redshift"):
        if process.name().startswith("postgres"):
            process.kill()
    own.up()
    own.run("status")


def test_two_clouds_side_by_side(own: Cloud, cloud: Cloud) -> None:
    assert not set(own.ports.values()) & set(cloud.ports.values())
    own.client("s3").create_bucket(Bucket="only-here")
    assert "only-here" not in [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]


def test_notifications_lost_in_a_crash_are_sent_again(own: Cloud) -> None:
    data = (PROJECT / "infrastructure" / "data.yaml").read_text()
    own.client("cloudformation").create_stack(
        StackName="analytics-local-data",
        TemplateBody=data,
        Parameters=[{"ParameterKey": "Environment", "ParameterValue": "local"}],
    )
    own.client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName="analytics-local-data", WaiterConfig={"Delay": 1}
    )
    own.run("checkpoint")
    bucket, queue = own.parameter("lake/bucket"), own.parameter("queue/url")
    own.client("s3").put_object(Bucket=bucket, Key="raw/late/2018/02/01/data 1.parquet", Body=b"x")
    own.client("s3").put_object(Bucket=bucket, Key="late/2018/02/01/data_1.parquet", Body=b"x")
    own.leader("ministack").kill()
    assert "notifications were sent again" in own.up()
    assert "raw/late/2018/02/01/data+1.parquet" in received(own, queue)
    assert "late/2018/02/01/data_1.parquet" not in received(own, queue)


def received(cloud: Cloud, queue: str) -> list[str]:
    answer = cloud.client("sqs").receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2, VisibilityTimeout=0
    )
    bodies = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
    return [record["s3"]["object"]["key"] for body in bodies for record in body.get("Records", [])]


def test_a_lost_pid_record_is_no_reason_to_start_twice(own: Cloud) -> None:
    before = [own.leader(part) for part in PARTS]
    for part in PARTS:
        own.state.pid_file(part).write_text("half a p")
    assert "everything is running already" in own.up()
    assert [own.leader(part) for part in PARTS] == before


def test_down_where_nothing_ever_was(tmp_path: Path) -> None:
    nowhere = Cloud(tmp_path / "nowhere")
    assert "nothing was running" in nowhere.run("down")
    assert "no cloud" in nowhere.run("status", code=1)
    assert not nowhere.root.exists()


def test_two_ups_at_once_start_each_part_once(own: Cloud) -> None:
    own.run("down")
    crowd = [
        subprocess.Popen(own.command("up", "--while-pid", str(os.getpid())), cwd=PROJECT, stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait(100) for process in crowd] == [0, 0]
    for part in PARTS:
        module = own.leader(part).cmdline()[2]
        assert sum(module in process.cmdline() for process in processes.marked(own.state, part)) == 1


def test_a_reused_pid_is_not_ours(own: Cloud) -> None:
    own.run("down")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        own.state.pid_file("usgs").write_text(str(stranger.pid))
        assert "nothing was running" in own.run("down")
        assert stranger.poll() is None
        own.state.pid_file("usgs").write_text(str(stranger.pid))
        own.up()
        assert stranger.poll() is None
        stranger.kill()


def test_a_taken_port_is_named_with_its_owner(own: Cloud) -> None:
    own.run("down")
    port = own.ports["usgs"]
    with socket.create_server(("127.0.0.1", port)):
        said = own.run("up", code=1)
    assert f"port {port}" in said
    assert f"pid {os.getpid()}" in said
    own.up()


def test_a_broken_ports_file_is_named(own: Cloud) -> None:
    path = own.root / "ports.json"
    whole = path.read_text()
    path.write_text(whole[:10])
    assert str(path) in own.run("up", code=1)
    assert "stopped usgs, redshift, ministack" in own.run("down")
    path.write_text(whole)
    own.up()


def test_everything_ends_when_the_process_that_wanted_it_is_killed(own: Cloud) -> None:
    own.run("down")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as owner:
        own.run("up", "--while-pid", str(owner.pid))
        assert processes.marked(own.state)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    deadline = time.monotonic() + 20
    while processes.marked(own.state) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not processes.marked(own.state)
