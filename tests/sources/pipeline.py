"""A source written for one test, all the way: its file, ingest, raw objects in a bucket, contract, engine."""

import datetime as dt
import io
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from lambdas.common.contract import load_contract
from lambdas.common.contract.check import check_contract
from lambdas.common.errors import ContractError, ObjectError
from lambdas.common.lake import parse_raw_key
from lambdas.common.source import load_source_config, parse_source_config
from lambdas.ingest.extract import Source
from lambdas.ingest.naming import Lake
from lambdas.ingest.passes import ingest
from lambdas.ingest.request import read_window
from lambdas.ingest.tokens import Vault
from lambdas.process.engine import Engine, open_engine

LOGICAL = {
    "smallint": "integer", "integer": "integer", "bigint": "integer", "real": "number", "double precision": "number",
    "boolean": "boolean", "date": "date", "timestamp": "timestamp", "timestamptz": "timestamp", "super": "object",
}  # fmt: skip
UTC = dt.UTC


def prop(name: str, physical: str, **more: Any) -> dict[str, Any]:
    """A property; `custom` as a mapping, the rest as ODCS has it."""
    logical = LOGICAL.get(physical, "number" if physical.startswith("decimal") else "string")
    custom = [{"property": key, "value": value} for key, value in more.pop("custom", {}).items()]
    extra = {"customProperties": custom} if custom else {}
    return {"name": name, "logicalType": logical, "physicalType": physical, **more, **extra}


AT = prop("at", "timestamp", required=True, partitioned=True)
ID = prop("id", "bigint")


@dataclass
class Outcome:
    """What came of a source. Rows of all days in the order of keys; reasons as (column, rule, value).

    `places` are the objects and the row numbers of the accepted rows, `key` the columns of the contract's key.
    """

    answer: dict[str, Any]
    tables: dict[str, pa.Table]
    accepted: list[dict[str, Any]] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    late: int = 0
    drift: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    key: tuple[str, ...] = ()

    @property
    def core(self) -> int:
        """How many rows the accepted ones leave in core."""
        return len({tuple(row[name] for name in self.key) for row in self.accepted} if self.key else self.accepted)

    @property
    def raw(self) -> list[dict[str, Any]]:
        """The raw rows as they lie in the lake."""
        return [row for table in self.tables.values() for row in table.to_pylist()]

    @property
    def days(self) -> dict[str, int]:
        """Rows by the day of their objects' keys."""
        return {parse_raw_key(f"raw/things/{key}").day.isoformat(): t.num_rows for key, t in self.tables.items()}

    @property
    def reasons(self) -> list[tuple[str, str, str | None]]:
        """All reasons, row by row."""
        return [(r["column"], r["rule"], r["value"]) for row in self.rejected for r in row["reasons"]]

    def values(self, column: str) -> list[Any]:
        """One column of the accepted rows."""
        return [row[column] for row in self.accepted]

    def raw_values(self, column: str) -> list[Any]:
        """One column of the raw rows."""
        return [row.get(column) for row in self.raw]


@dataclass
class Pipeline:
    """A bucket of its own and a folder for one source named `things`."""

    s3: Any
    secrets: Any
    bucket: str
    folder: Path

    def write(self, name: str, content: bytes | str, kind: str, **more: Any) -> dict[str, Any]:
        """Write a file; the extract block that reads it."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return {"filesystem": {"bucket_url": str(self.folder), "file_glob": name, "format": kind, **more}}

    def run(
        self,
        extract: dict[str, Any] | None,
        properties: list[dict[str, Any]],
        *,
        rows: int | None = None,
        window: tuple[str, str] | None = None,
        **schema: Any,
    ) -> Outcome:
        """Ingest, then split every raw object. `rows` is what the source has, counted by the test.

        `schema`: customProperties (as a mapping under `custom`) and quality.
        """
        path = self._contract(properties, **schema)
        answer: dict[str, Any] = {"rows": None}
        if extract is not None:
            config = parse_source_config("things", {"start": "2024-01-01", "extract": extract})
            source = Source(config, load_contract(path), {}, Vault(self.secrets))
            asked = {"start": window[0], "end": window[1]} if window else {}
            lake = Lake(self.s3, self.bucket)
            answer = ingest(source, read_window(asked, config), lake, time.monotonic() + 60)
        outcome = self._split_all(path, answer)
        if rows is not None:
            assert len(outcome.accepted) + len(outcome.rejected) == rows
            assert answer["rows"] in (rows, None)
        return outcome

    def run_folder(self, folder: Path, variables: dict[str, str]) -> Outcome:
        """The same for a source's folder with its two files, read whole."""
        config = load_source_config(folder.name, folder.parents[1])
        source = Source(config, load_contract(folder / "contract.yaml"), variables, Vault(self.secrets))
        answer = ingest(source, None, Lake(self.s3, self.bucket), time.monotonic() + 60)
        return self._split_all(folder / "contract.yaml", answer, folder.name)

    def put(self, key: str, body: bytes) -> None:
        """Drop an object under raw/things/, as others do."""
        self.s3.put_object(Bucket=self.bucket, Key=f"raw/things/{key}", Body=body)

    def _contract(self, properties: list[dict[str, Any]], **schema: Any) -> Path:
        path = self.folder / "contracts" / "things" / "contract.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        custom = [{"property": key, "value": value} for key, value in schema.pop("custom", {}).items()]
        extra = {"customProperties": custom} if custom else {}
        head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "things", "version": "1.0.0", "status": "active"}
        table = {"name": "things", "properties": properties, **schema, **extra}
        path.write_text(yaml.safe_dump({**head, "schema": [table]}, sort_keys=False))
        mistakes = check_contract(path, "source")
        if mistakes:
            raise ContractError("\n".join(mistakes))
        return path

    def _split_all(self, path: Path, answer: dict[str, Any], name: str = "things") -> Outcome:
        contract = load_contract(path)
        outcome = Outcome(answer, {}, key=tuple(contract.key))
        with open_engine(self.folder) as connection:
            engine = Engine(connection, contract)
            for key in self.raw_keys(name):
                self._split(engine, key, outcome)
        return outcome

    def raw_keys(self, name: str) -> list[str]:
        """The keys of the raw objects of that source, in their order."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"raw/{name}/").get("Contents", [])
        return sorted(item["Key"] for item in listed)

    def _split(self, engine: Engine, key: str, outcome: Outcome) -> None:
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        raw, curated, rejected = (self.folder / name for name in ("o.raw", "o.curated", "o.rejected"))
        raw.write_bytes(body)
        rejected.unlink(missing_ok=True)
        try:
            split = engine.split(raw, key, parse_raw_key(key).day, curated=curated, rejected=rejected)
        except ObjectError as error:
            outcome.bad.append(str(error))
            return
        outcome.tables[key.split("/", 2)[2]] = pq.read_table(io.BytesIO(body))
        table = pq.read_table(curated)
        numbers = table["_raw_row"].to_pylist()
        assert numbers == sorted(set(numbers) & set(range(split.rows_in)))
        assert set(table["_raw_key"].to_pylist()) <= {key}
        accepted = table.drop_columns(["_raw_key", "_raw_row"]).to_pylist()
        bad = pq.read_table(rejected).to_pylist() if rejected.exists() else []
        assert (split.rows_in, split.rows_accepted, split.rows_rejected) == (
            len(accepted) + len(bad),
            len(accepted),
            len(bad),
        )
        assert pq.read_metadata(raw).num_rows == split.rows_in
        outcome.accepted += accepted
        outcome.places += [(key.split("/", 2)[2], number) for number in numbers]
        outcome.rejected += bad
        outcome.late += split.rows_late
        outcome.drift += [text for text in split.drift if text not in outcome.drift]
        outcome.warnings += split.warnings
