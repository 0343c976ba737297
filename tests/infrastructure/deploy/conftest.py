"""A second environment beside `local` on the shared cloud, so that these tests break nobody's stacks."""

from collections.abc import Iterator

import pytest

from infrastructure.deploy import local, settings, steps
from infrastructure.deploy.target import Target
from tests.cloud import Cloud

ENV = "spare"
OF_DATA = ("lake/", "queue/", "dlq/")


@pytest.fixture(scope="package")
def spare(cloud: Cloud) -> Iterator[Target]:
    """The target of an environment `spare`: data of its own, the warehouse of `local`."""
    env = cloud.env
    with pytest.MonkeyPatch.context() as patch:
        session = cloud.reached(patch)
        parameters = {name: _own(value) for name, value in settings.parameters("local").items()}
        parameters |= local.parameters(env) | {"Environment": ENV, "CodeBucket": cloud.parameter("artifacts/bucket")}
        target = Target(session, ENV, parameters)
        steps.deploy_template(target, "data", settings.template("data.yaml"), {})
        yield target


def _own(value: str) -> str:
    ours = any(value.startswith(f"/analytics/local/{path}") for path in OF_DATA)
    return value.replace("/analytics/local/", f"/analytics/{ENV}/") if ours else value
