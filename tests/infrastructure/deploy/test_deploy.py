"""The deploy program as it is typed."""

import os
import sys
from pathlib import Path

from infrastructure.local.state import read_json
from tests.cloud import Cloud, run


def test_a_second_deploy_says_that_nothing_changed(cloud: Cloud, deployed: dict[str, str]) -> None:
    said = cloud.deploy()
    assert "analytics-local-data: no changes" in said
    assert "analytics-local-functions: no changes" in said
    assert "migrate: nothing to do" in said
    assert "analytics-local-api: no changes" in said


def test_the_env_file_says_where_the_data_is(cloud: Cloud, deployed: dict[str, str]) -> None:
    assert deployed["LAKE_BUCKET"] == cloud.parameter("lake/bucket")
    assert cloud.parameter("functions/migrate") == "analytics-local-migrate"
    assert deployed["API_URL"] == cloud.parameter("api/url")
    assert len(deployed["API_KEY"]) >= 20


def test_a_deploy_survives_a_crash_of_the_cloud(cloud: Cloud, deployed: dict[str, str]) -> None:
    checkpoint = cloud.root / "ministack" / "state" / "checkpoint.json"
    before = read_json(checkpoint)["began"]
    cloud.deploy()
    assert read_json(checkpoint)["began"] > before


def test_without_a_cloud_it_says_how_to_start_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infrastructure.deploy", "local", "--state", str(tmp_path)]
    assert "make up" in run(command, code=1)


def test_what_an_environment_lacks_is_said_before_anything_is_touched(cloud: Cloud) -> None:
    said = run([sys.executable, "-m", "infrastructure.deploy", "dev"], code=1, env={**os.environ, **cloud.env})
    for name in ("warehouse/host", "artifacts/bucket"):
        assert f"/analytics/dev/{name} in SSM" in said
    for name in ("IngestImageUri", "ProcessImageUri"):
        assert f"--set {name}=" in said
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    assert not [stack["StackName"] for stack in stacks if stack["StackName"].startswith("analytics-dev-")]


def test_a_setting_without_a_value_is_refused(cloud: Cloud) -> None:
    assert "NAME=VALUE" in cloud.deploy("--set", "ProcessMemory", code=1)
