"""What the demo asks of the deployed system, as any client would: S3, the warehouse and the API."""

import datetime as dt
import json
import os
import shlex
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from lambdas.common.contract import load_sources
from lambdas.common.db.ledger import read_in_force
from lambdas.common.db.redshift import query, session
from lambdas.common.db.sql import identifier
from lambdas.common.lake import RawObject, list_objects, parse_raw_key

ALWAYS = (dt.date(1, 1, 1), dt.date(9999, 12, 31))


def read_env(path: Path) -> dict[str, str]:
    """The exports of a `.local/env` file as a dict."""
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line)
        if len(words) == 2 and words[0] == "export":
            name, _, value = words[1].partition("=")
            values[name] = value
    return values


class Account:
    """One environment seen from outside, by the names in `.local/env`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        import boto3

        self.env = env
        self.bucket = env["LAKE_BUCKET"]
        self.s3 = boto3.client(
            "s3",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            region_name=env["AWS_DEFAULT_REGION"],
        )

    @classmethod
    def from_env_file(cls, path: Path) -> "Account":
        """The environment that the file describes."""
        return cls(read_env(path))

    def _session(self) -> AbstractContextManager[Any]:
        secret = {
            "host": self.env["WAREHOUSE_HOST"],
            "port": self.env["WAREHOUSE_PORT"],
            "dbname": self.env["WAREHOUSE_DATABASE"],
            "username": self.env["WAREHOUSE_USER"],
            "password": self.env["WAREHOUSE_PASSWORD"],
        }
        return session(secret, self.env["WAREHOUSE_SSLMODE"], name="analytics demo")

    def select(self, sql: str) -> list[dict[str, Any]]:
        """Rows of one SELECT."""
        with self._session() as connection:
            return query(connection, sql)

    def raw(self, source: str) -> list[RawObject]:
        """The raw objects of a source."""
        return list(list_objects(self.s3, self.bucket, f"raw/{source}/"))

    def in_force(self, source: str) -> dict[str, dict[str, Any]]:
        """The ledger's entries in force of a source, by raw key."""
        with self._session() as connection:
            return read_in_force(connection, source, *ALWAYS)

    def waiting(self, source: str) -> tuple[int, int]:
        """How many raw objects the tables do not hold yet, and how many there are."""
        objects = self.raw(source)
        known = self.in_force(source)
        return sum(o.key not in known or known[o.key]["etag"] != o.etag for o in objects), len(objects)

    def counts(self, sources: Sequence[str]) -> dict[str, int]:
        """Loads committed so far, by source."""
        rows = self.select("SELECT source, generation FROM ops.generation")
        found = {row["source"]: int(row["generation"]) for row in rows}
        return {source: found.get(source, 0) for source in sources}

    def current_rows(self, source: str) -> int:
        """Rows in core.<source>."""
        return int(self.select(f"SELECT COUNT(*) AS n FROM {identifier('core.' + source)}")[0]["n"])  # noqa: S608

    def history_rows(self, source: str) -> int:
        """Rows in history.<source>; those of core where the source has no key."""
        schema = "history" if load_sources()[source].key else "core"
        return int(self.select(f"SELECT COUNT(*) AS n FROM {identifier(f'{schema}.{source}')}")[0]["n"])  # noqa: S608

    def ask(self, path: str) -> dict[str, Any]:
        """The API's answer to GET, with the key."""
        url = self.env["API_URL"].rstrip("/") + path
        request = urllib.request.Request(url, headers={"x-api-key": self.env["API_KEY"]})  # noqa: S310 - our own API
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as reply:
            answer: dict[str, Any] = json.load(reply)
            return answer


def raw_days(objects: Sequence[RawObject]) -> int:
    """How many days these objects lie on."""
    return len({parse_raw_key(o.key).day for o in objects})


def child_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that shall use that account: no AWS profile of the user's leaks in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DAGSTER_"))}
    return kept | dict(env)
