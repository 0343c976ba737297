"""A cloud of one's own whose AWS judges each call by the policies of who calls, and notes it (`judge`)."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from infrastructure.local.state import update_env
from tests.aws import running
from tests.cloud import Cloud

# the middle of the name that CloudFormation gives a role, or a user of ours
LOGICAL = re.compile(r"(?:analytics-[a-z]+-[a-z]+-)?(\w+?)(?:-[0-9A-F]+)?$")


JUDGE = "tests.infrastructure.agreement.judge"


@dataclass(frozen=True)
class Call:
    """One call that reached AWS: the logical name of the role, the action, the resource, keys of conditions."""

    who: str
    action: str
    resource: str
    keys: tuple[tuple[str, str], ...]
    allowed: bool


@dataclass(frozen=True)
class Grant:
    """One action that a role has on one resource: `where` names the latter as the template does, `only` its prefix."""

    who: str
    action: str
    resource: str
    only: str = ""

    def covers(self, call: Call) -> bool:
        """Whether it is this grant that a call was allowed by."""
        return (
            self.who == call.who
            and fnmatchcase(call.action, self.action)
            and fnmatchcase(call.resource, self.resource)
            and (not self.only or fnmatchcase(dict(call.keys).get("s3:prefix", ""), self.only))
        )


@dataclass(frozen=True)
class Court:
    """The cloud, and the notes of its judge."""

    cloud: Cloud
    notes: Path

    def calls(self) -> list[Call]:
        """Each call of a role or of a user so far; those of the account's root are the tests' own."""
        lines = self.notes.read_text(encoding="utf-8").splitlines() if self.notes.exists() else []
        return [_call(json.loads(line)) for line in lines if ":root" not in line]

    def user(self, name: str, documents: dict[str, Any], attached: tuple[str, ...] = ()) -> dict[str, str]:
        """Make a user who may do what these policies say; its keys, as the env file names them."""
        iam = self.cloud.client("iam")
        iam.create_user(UserName=name)
        for policy, document in documents.items():
            iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        for arn in attached:
            iam.attach_user_policy(UserName=name, PolicyArn=arn)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    @contextmanager
    def acting(self, keys: dict[str, str]) -> Iterator[None]:
        """The env file has these keys while the block runs: whoever reads it there works as that user."""
        former = {name: self.cloud.env[name] for name in keys}
        update_env(self.cloud.root / "env", keys)
        try:
            yield
        finally:
            update_env(self.cloud.root / "env", former)


def _call(note: dict[str, Any]) -> Call:
    name = note["who"].split("/")[1]
    (who,) = LOGICAL.findall(name)
    return Call(who, note["action"], note["resource"], tuple(sorted(note["keys"].items())), note["allowed"])


def grants(who: str, document: dict[str, Any]) -> Iterator[Grant]:
    """Each action on each resource that a policy allows, by prefix where it says prefixes."""
    for statement in document["Statement"]:
        prefixes = _listed(statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ""))
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                # a prefix belongs to a listing alone
                yield from (Grant(who, action, resource, one) for one in prefixes)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@contextmanager
def sitting(folder: Path) -> Iterator[Court]:
    """A cloud in that folder with nothing deployed, its judge in place of its AWS; it is down when the block ends."""
    notes = folder / "calls.jsonl"
    with running(
        folder, {"AUTH": "true", "RECORD": str(notes)}, module="tests.infrastructure.agreement.judge"
    ) as cloud:
        yield Court(cloud, notes)
