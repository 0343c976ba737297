"""The workflows and the build in CodeBuild: wiring only, by commit and with no right too many."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cloud import PROJECT

FOLDER = PROJECT / ".github" / "workflows"
NAMES = ("pr-checks", "deploy-dev", "deploy-prod")
DEPLOYS = ("deploy-dev", "deploy-prod")
PINNED = re.compile(r"uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
# A make target, and perhaps the environment that it is for: nothing that a shell would have to understand.
TARGET = re.compile(r"make ([a-z-]+)(?: ENV=(dev|prod))?")


def workflow(name: str) -> dict[str, Any]:
    """A workflow; YAML reads its key `on` as true."""
    found: dict[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return {"on" if key is True else key: value for key, value in found.items()}


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in workflow(name)["jobs"].values():
        yield from job["steps"]


def targets(name: str) -> list[str]:
    """What a workflow has make do, in its order."""
    return [step["run"] for step in steps(name) if "run" in step]


def expressions(value: Any) -> set[str]:
    return set(re.findall(r"secrets\.(\w+)", str(value)))


def made() -> set[str]:
    """The targets that the Makefile has."""
    return set(re.findall(r"^([a-z-]+):.*##", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def test_there_are_these_workflows_and_no_others() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_step_is_an_action_by_commit_or_one_make_target_that_exists(name: str) -> None:
    for line in (FOLDER / f"{name}.yml").read_text().splitlines():
        assert "uses:" not in line or PINNED.search(line), line
    for run in targets(name):
        found = TARGET.fullmatch(run)
        assert found, run
        assert found[1] in made(), run


@pytest.mark.parametrize("name", NAMES)
def test_nobody_has_a_right_but_those_who_need_it(name: str) -> None:
    found = workflow(name)
    assert found["permissions"] == {}
    for job in found["jobs"].values():
        wanted = {"contents": "read"} | ({"id-token": "write"} if name in DEPLOYS else {})
        assert job["permissions"] == wanted
        assert job["timeout-minutes"] <= 90
    for step in steps(name):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_triggers_follow_the_branches() -> None:
    assert workflow("pr-checks")["on"] == {"pull_request": {"branches": ["dev", "main"]}}
    assert workflow("deploy-dev")["on"] == {"push": {"branches": ["dev"]}}
    assert workflow("deploy-prod")["on"] == {"push": {"branches": ["main"]}}


@pytest.mark.parametrize("name", DEPLOYS)
def test_deploys_wait_for_each_other_and_are_never_cut_off(name: str) -> None:
    assert workflow(name)["concurrency"] == {"group": name, "cancel-in-progress": False}


@pytest.mark.parametrize("name", DEPLOYS)
def test_a_deploy_has_the_secrets_of_its_environment_alone(name: str) -> None:
    (job,) = workflow(name)["jobs"].values()
    assert job["environment"] == name.removeprefix("deploy-")
    assert expressions(job) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}
    by_token, by_key = (step for step in job["steps"] if "configure-aws-credentials" in step.get("uses", ""))
    assert (by_token["if"], by_key["if"]) == ("vars.AWS_ROLE_ARN != ''", "vars.AWS_ROLE_ARN == ''")
    assert not expressions(by_token["with"]) - {"AWS_REGION"}


def test_a_pull_request_sees_no_secret() -> None:
    text = (FOLDER / "pr-checks.yml").read_text()
    assert not expressions(text)
    assert "pull_request_target" not in text


def test_a_pull_request_is_held_against_the_branch_it_goes_into() -> None:
    job = workflow("pr-checks")["jobs"]["check"]
    assert job["steps"][0]["with"]["fetch-depth"] == 0
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make check"]
    assert workflow("pr-checks")["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]


def test_dev_builds_once_and_records_what_ran_green() -> None:
    assert targets("deploy-dev") == [
        "make images",
        "make push ENV=dev",
        "make deploy ENV=dev",
        "make smoke ENV=dev",
        "make release ENV=dev",
    ]


def test_prod_gets_what_dev_has_run_and_builds_nothing() -> None:
    assert targets("deploy-prod") == ["make promote ENV=prod", "make deploy ENV=prod", "make smoke ENV=prod"]


def test_images_are_built_before_any_key_is_there() -> None:
    order = [step.get("run") or step["uses"].partition("@")[0] for step in steps("deploy-dev")]
    assert order.index("make images") < order.index("aws-actions/configure-aws-credentials")


def test_codebuild_runs_make_targets_too() -> None:
    spec = yaml.safe_load((PROJECT / "buildspec.yml").read_text())
    commands = [command for phase in spec["phases"].values() for command in phase.get("commands", [])]
    assert commands == ["make images", "make push"]
    assert {TARGET.fullmatch(command)[1] for command in commands} <= made()  # type: ignore[index]
    assert spec["artifacts"]["files"] == ["images-*.json"]


def test_every_file_of_the_project_is_looked_at_by_its_linter(tmp_path: Path) -> None:
    recipe = subprocess.run(["make", "-n", "check"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert "actionlint" in recipe
    assert "zizmor --offline" in recipe
    dockerfiles = {path.relative_to(PROJECT).as_posix() for path in PROJECT.glob("*/**/Dockerfile")}
    (linted,) = re.findall(r"hadolint (.*)", recipe)
    assert set(linted.split()) == {path for path in dockerfiles if not path.startswith(".")}
    (composed,) = re.findall(r"compose-spec (.*)", recipe)
    assert composed == "docker-compose.yml"


def test_screenshots_of_the_browsers_are_kept_of_red_tests_too() -> None:
    *_, tested, kept = workflow("pr-checks")["jobs"]["test"]["steps"]
    assert (tested["run"], kept["if"]) == ("make test-all", "${{ !cancelled() }}")
    assert kept["with"]["include-hidden-files"] is True
    for tests in ("orchestration/test_ui.py", "browser/conftest.py"):
        assert 'PROJECT / ".local" / "screenshots"' in (PROJECT / "tests" / tests).read_text()
    assert kept["with"]["path"] == ".local/screenshots"
