"""A new account lets few functions run at once: a deploy says so before it begins."""

from pathlib import Path

import pytest

from infrastructure.deploy import settings
from infrastructure.deploy.release import Release
from infrastructure.deploy.settings import template
from infrastructure.deploy.stack import DeployError
from infrastructure.deploy.target import LEAST_CONCURRENCY, Target, require
from tests.aws import running

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
TEMPLATES = {"data": template("data.yaml"), "functions": template("template.yaml")}


def test_an_account_that_runs_too_few_functions_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path / "state", {"LAMBDA_ACCOUNT_CONCURRENCY": "10"}) as cloud:
        session = cloud.reached(monkeypatch)
        target = Target(session, "dev", settings.parameters("dev"))
        with pytest.raises(DeployError) as caught:
            require(target, Release(TEMPLATES, {"CodeKey": "x"}))
    assert f"a Lambda quota of {LEAST_CONCURRENCY} concurrent executions or more (it is 10)" in str(caught.value)
    assert "/analytics/dev/artifacts/bucket in SSM" in str(caught.value), "all that is missing is said at once"
