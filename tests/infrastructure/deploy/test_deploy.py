"""The deploy program as it is typed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.local.state import read_json
from tests.cloud import PROJECT, Cloud, run


def test_a_second_deploy_says_that_nothing_changed(cloud: Cloud, deployed: dict[str, str]) -> None:
    said = cloud.deploy()
    assert "analytics-local-data: no changes" in said
    assert "analytics-local-functions: no changes" in said
    assert "migrate: nothing to do" in said
    assert "analytics-local-api: no changes" in said
    assert f"the page: {deployed['API_URL']}/#key={deployed['API_KEY']}" in said


def test_the_env_file_says_where_the_data_is(cloud: Cloud, deployed: dict[str, str]) -> None:
    assert deployed["LAKE_BUCKET"] == cloud.parameter("lake/bucket")
    assert cloud.parameter("functions/migrate") == "analytics-local-migrate"
    assert deployed["API_URL"] == cloud.parameter("api/url")
    assert len(deployed["API_KEY"]) >= 20


@pytest.mark.long
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
    assert "/analytics/dev/artifacts/bucket in SSM" in said
    for name in ("IngestImageUri", "ProcessImageUri"):
        assert f"--set {name}=" in said
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    assert not [stack["StackName"] for stack in stacks if stack["StackName"].startswith("analytics-dev-")]


def test_a_setting_without_a_value_is_refused(cloud: Cloud) -> None:
    assert "NAME=VALUE" in cloud.deploy("--set", "ProcessMemory", code=1)


@pytest.mark.long
def test_a_contract_that_cannot_be_had_in_place_is_refused_once_and_leaves_all_as_it_was(
    cloud: Cloud, deployed: dict[str, str], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(PROJECT, tree, ignore=shutil.ignore_patterns(".git", ".venv", ".local", "__pycache__", ".*cache"))
    contract = tree / "assets" / "sources" / "weather" / "contract.yaml"
    was = "name: temp\n        logicalType: number\n        physicalType: double precision"
    text = contract.read_text()
    assert was in text
    contract.write_text(text.replace(was, was.replace("double precision", "bigint").replace("number", "integer")))
    before = functions(cloud)
    command = [sys.executable, "-m", "infrastructure.deploy", "local", "--state", str(cloud.root)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("deploy: migrate failed: assets/sources/weather/contract.yaml: the tables cannot")
    assert done.stderr.count("core.weather.temp is double precision, the contract says bigint") == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert functions(cloud) == before


def functions(cloud: Cloud) -> dict[str, str]:
    """The code of each function, and the parameters of their stack."""
    listed = cloud.client("lambda").list_functions()["Functions"]
    stack = cloud.client("cloudformation").describe_stacks(StackName="analytics-local-functions")["Stacks"][0]
    given = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
    return {f["FunctionName"]: f["CodeSha256"] for f in listed if f["FunctionName"].startswith("analytics-")} | given
