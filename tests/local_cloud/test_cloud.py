"""The cloud as a whole: what listens, what a second start does, what it gives to clients."""

import json
import os
import stat

import psutil

from infrastructure.local import processes
from tests.cloud import PARTS, Cloud


def test_everything_listens_on_loopback_only(cloud: Cloud) -> None:
    listening = set()
    for process in processes.marked(cloud.state):
        for connection in process.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip in ("127.0.0.1", "::1"), (process.cmdline(), connection)
                listening.add(connection.laddr.port)
    assert listening >= {cloud.ports[part] for part in PARTS}


def test_second_up_finds_everything_running(cloud: Cloud) -> None:
    before = [cloud.leader(part) for part in PARTS]
    assert "everything is running already" in cloud.up()
    assert [cloud.leader(part) for part in PARTS] == before


def test_status_names_every_part(cloud: Cloud) -> None:
    said = cloud.run("status")
    assert said.count("answers (pid") == len(PARTS)


def test_env_file_is_private_and_complete(cloud: Cloud) -> None:
    assert stat.S_IMODE((cloud.root / "env").stat().st_mode) == 0o600
    assert stat.S_IMODE((cloud.root / "secrets.json").stat().st_mode) == 0o600
    wanted = "AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION WAREHOUSE_HOST WAREHOUSE_PORT"
    wanted += " WAREHOUSE_DATABASE WAREHOUSE_USER WAREHOUSE_PASSWORD WAREHOUSE_SSLMODE DAGSTER_URL ANALYTICS_ENV"
    assert set(wanted.split()) <= set(cloud.env)


def test_the_warehouse_is_described_as_its_stack_would(cloud: Cloud) -> None:
    for user in ("admin", "loader", "reader"):
        arn = cloud.parameter(f"warehouse/secret-{user}")
        secret = json.loads(cloud.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        assert secret["username"] == user
        assert secret["engine"] == "redshift"
        assert secret["port"] == int(cloud.parameter("warehouse/port")) == cloud.ports["redshift"]
    assert cloud.parameter("warehouse/copy-role") == "default"


def test_a_callers_profile_and_proxy_do_not_matter(cloud: Cloud) -> None:
    nowhere = "http://127.0.0.1:9"
    hostile = {"AWS_PROFILE": "nobody", "AWS_ENDPOINT_URL": nowhere, "HTTP_PROXY": nowhere, "http_proxy": nowhere}
    assert "everything is running" in cloud.run("up", "--while-pid", str(os.getpid()), env={**os.environ, **hostile})


def test_nothing_of_the_callers_aws_settings_reaches_the_parts(cloud: Cloud) -> None:
    for part in PARTS:
        variables = cloud.leader(part).environ()
        assert not {"AWS_PROFILE", "PYTHONPATH", "DAGSTER_HOME", "PYTEST_CURRENT_TEST"} & set(variables)
        assert variables["HOME"].startswith(str(cloud.root))
        assert "127.0.0.1" in variables["NO_PROXY"]
