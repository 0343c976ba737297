"""dlt's Redshift destination with its staging in S3: append, merge, replace, nested rows, a new column."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import Any

import dlt
import redshift_connector
from dlt.destinations import filesystem, redshift

told: dict[str, Any] = {}


def pipeline() -> dlt.Pipeline:
    target = redshift(
        credentials={
            "host": "127.0.0.1",
            "port": int(os.environ["PORT"]),
            "database": "analytics",
            "username": "admin",
            "password": os.environ["PASSWORD"],
        },
        staging_iam_role="arn:aws:iam::000000000000:role/any",
    )
    staging = filesystem(
        bucket_url=f"s3://{os.environ['BUCKET']}/hub",
        credentials={
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "endpoint_url": os.environ["AWS_ENDPOINT_URL"],
            "region_name": "us-east-1",
        },
    )
    return dlt.pipeline(
        "hub", destination=target, staging=staging, dataset_name="hub", pipelines_dir=os.environ["FOLDER"] + "/dlt"
    )


def rows(first: int, many: int, **more: Any) -> list[dict[str, Any]]:
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return [
        {"id": n, "word": f"wörd {n}", "share": n / 4, "at": at, "parts": [{"part": n}, {"part": -n}], **more}
        for n in range(first, first + many)
    ]


def count(sql: str) -> list[Any]:
    with redshift_connector.connect(
        host="127.0.0.1", port=int(os.environ["PORT"]), database="analytics", user="admin",
        password=os.environ["PASSWORD"], ssl=False,
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        return list(cursor.execute(sql).fetchone())


def main() -> None:
    hub = pipeline()
    way = {"table_name": "things", "loader_file_format": "parquet"}
    hub.run(rows(1, 3), write_disposition="append", **way)
    told["appended"] = count("select count(*), sum(id) from hub.things")
    told["nested"] = count("select count(*), sum(part) from hub.things__parts")
    hub.run(rows(50, 2, colour="red"), write_disposition="replace", **way)
    told["replaced"] = count("select count(*), sum(id), count(colour) from hub.things")
    merged = {"table_name": "keyed", "loader_file_format": "parquet", "write_disposition": "merge", "primary_key": "id"}
    hub.run(rows(1, 3), **merged)
    hub.run(rows(2, 4, colour="red"), **merged)
    told["merged"] = count("select count(*), sum(id), count(colour) from hub.keyed")
    told["children"] = count("select count(*) from hub.keyed__parts")
    told["loads"] = count("select count(*), sum(status) from hub._dlt_loads")
    hub.run(rows(9, 1), table_name="inserted", loader_file_format="jsonl", write_disposition="append")
    told["jsonl"] = count("select count(*), max(word) from hub.inserted")
    print(json.dumps(told, default=str))


main()
