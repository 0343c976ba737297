"""docs/deploy.md: each command of it is one that the AWS CLI, make or the workflows know."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from awscli.clidriver import create_clidriver

from infrastructure.deploy import dry_run
from tests.cloud import PROJECT
from tests.infrastructure.test_templates import load

TEXT = (PROJECT / "docs" / "deploy.md").read_text()
BLOCKS = re.findall(r"^ *```\n(.*?)^ *```", TEXT, re.MULTILINE | re.DOTALL)
LINES = [line.strip() for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
COMMANDS = [line for line in LINES if line.startswith("aws ")]
# of the AWS CLI, where a call was made and refused
REFUSED = 255


class Cli:
    """Runs commands of the AWS CLI without a network."""

    def __init__(self) -> None:
        self._driver = create_clidriver()
        self._driver.session.register("before-call", self._refuse)
        self._made: list[str] = []

    def _refuse(self, model: Any, **_: Any) -> Any:
        self._made.append(f"{model.service_model.service_name}.{model.name}")
        return SimpleNamespace(status_code=400), {"Error": {"Code": "Refused", "Message": "it was only tried"}}

    def run(self, command: str) -> tuple[int, list[str]]:
        """The exit status of a command, and the calls that it made."""
        self._made = []
        try:
            status = self._driver.main(shlex.split(command)[1:])
        except SystemExit as ended:
            status = int(str(ended.code))
        return status, self._made


@pytest.fixture(scope="module")
def cli() -> Iterator[Cli]:
    """The AWS CLI in this process: the first call of each command is noted and refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "of nobody")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield Cli()


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 10


def test_a_dry_run_prints_every_command_to_prod_in_order() -> None:
    printed = [line.strip() for line in dry_run.lines(TEXT)]
    steps = [line[:2] for line in printed if line[:1].isdigit()]
    assert steps == ["1.", "2.", "3.", "4.", "5."]
    commands = [line for line in printed if line.startswith(("aws ", "make "))]
    assert commands[0].startswith("aws cloudformation deploy --template-file infrastructure/bootstrap.yaml")
    assert commands[-3:] == ["make promote ENV=prod", "make deploy ENV=prod", "make smoke ENV=prod"]
    tried = [" ".join(command.split()) for command in COMMANDS]
    assert [command for command in commands if command.startswith("aws ")] == tried[: len(commands) - 8]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("command", COMMANDS)
def test_the_real_cli_understands_it(command: str, cli: Cli, tmp_path: Path) -> None:
    if " s3 cp " in command:
        (tmp_path / "file").touch()
        command = command.replace(shlex.split(command)[4], f"{tmp_path}/", 1)
    status, made = cli.run(command)
    assert made, f"status {status}: nothing would have been called"
    assert status == (1 if " s3 cp " in command else REFUSED)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_command_with_a_slip_would_be_noticed(cli: Cli) -> None:
    for wrong in (
        "aws ecr describe-images --repositoryname x",
        "aws ecr describe-image --repository-name x",
        "aws iam update-access-key --user-name x",
        "aws cloudformation deploy --template-file infrastructure/none.yaml --stack-name x",
    ):
        status, made = cli.run(wrong)
        assert status, wrong
        assert not made, wrong


def test_bootstrap_is_given_parameters_that_it_has() -> None:
    declared = load("bootstrap.yaml")["Parameters"]
    for command in COMMANDS:
        if "bootstrap.yaml" in command:
            given = dict(word.split("=", 1) for word in re.findall(r"(?<= )[A-Z]\w+=\S+", command))
            assert given
            assert set(given) <= set(declared)
            assert {name for name, spec in declared.items() if "Default" not in spec} <= set(given)
    named = set(re.findall(r"`(\w+)=\d{12}`", TEXT))
    assert named <= set(declared)


def test_outputs_that_are_named_are_outputs_of_bootstrap() -> None:
    outputs = set(load("bootstrap.yaml")["Outputs"])
    named = set(re.findall(r"output `(\w+)`", TEXT))
    assert {"DeployRoleArn", "ArtifactBucket", "DeployPolicyArn"} == named
    assert named <= outputs


def test_make_targets_and_workflows_that_are_named_exist() -> None:
    made = set(re.findall(r"^([a-z-]+):.*##", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", TEXT, re.MULTILINE)) <= made
    named = set(re.findall(r"`((?:pr|deploy)-[a-z]+)`", TEXT))
    assert named == {path.stem for path in (PROJECT / ".github" / "workflows").iterdir()}


def test_variables_and_secrets_that_are_named_are_those_that_the_workflows_read() -> None:
    workflows = "".join(path.read_text() for path in (PROJECT / ".github" / "workflows").iterdir())
    read = set(re.findall(r"(?:vars|secrets)\.(\w+)", workflows))
    assert set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+|RELEASES)`", TEXT)) == read


def test_the_commands_by_hand_are_those_of_the_workflows_in_their_order() -> None:
    folder = PROJECT / ".github" / "workflows"
    files = [folder / f"{name}.yml" for name in ("deploy-dev", "deploy-prod")]
    jobs = [yaml.safe_load(file.read_text())["jobs"]["deploy"] for file in files]
    wanted = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert [line for line in LINES if line.startswith("make ")] == wanted
