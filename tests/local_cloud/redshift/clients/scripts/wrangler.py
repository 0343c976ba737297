"""awswrangler: data frames in and out by COPY and UNLOAD over S3."""

from __future__ import annotations

import datetime as dt
import json
import os
from typing import Any

import awswrangler as wr
import boto3
import pandas as pd
import redshift_connector

told: dict[str, Any] = {}
PATH = f"s3://{os.environ['BUCKET']}/wrangler/"
ROLE = "arn:aws:iam::000000000000:role/any"


def frame(first: int, rows: int) -> pd.DataFrame:
    numbers = range(first, first + rows)
    return pd.DataFrame(
        {
            "id": pd.array(list(numbers), dtype="Int64"),
            "word": [f"wörd {number}" for number in numbers],
            "share": [number / 4 for number in numbers],
            "at": pd.to_datetime(
                [dt.datetime(2026, 1, 1) + dt.timedelta(hours=number) for number in numbers], utc=True
            ),
            "on": [number % 2 == 0 for number in numbers],
        }
    )


def main() -> None:
    session = boto3.Session()
    connection = redshift_connector.connect(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        database="analytics",
        user="admin",
        password=os.environ["PASSWORD"],
        ssl=False,
    )
    to = {"con": connection, "schema": "public", "table": "wrangled", "iam_role": ROLE, "boto3_session": session}
    count = "select count(*), count(distinct id), sum(id) from wrangled"
    wr.redshift.copy(df=frame(1, 5), path=PATH, mode="overwrite", primary_keys=["id"], **to)
    wr.redshift.copy(df=frame(6, 5), path=PATH, mode="append", **to)
    told["copied"] = wr.redshift.read_sql_query(count, con=connection).iloc[0].tolist()
    wr.redshift.copy(df=frame(9, 4), path=PATH, mode="upsert", primary_keys=["id"], lock=True, **to)
    told["upserted"] = wr.redshift.read_sql_query(count, con=connection).iloc[0].tolist()
    back = wr.redshift.read_sql_query("select * from wrangled where id = 3", con=connection)
    told["row"] = [str(value) for value in back.iloc[0]]
    wr.redshift.to_sql(
        df=frame(100, 3), con=connection, schema="public", table="inserted", mode="overwrite", index=False
    )
    told["inserted"] = len(wr.redshift.read_sql_table("inserted", con=connection, schema="public"))
    out = wr.redshift.unload(
        sql="select id, word, share from wrangled where id <= 4", path=PATH + "out/", con=connection, iam_role=ROLE,
        boto3_session=session,
    )  # fmt: skip
    told["unloaded"] = [sorted(out["id"].tolist()), sorted(out["word"])[0], out["share"].sum().item()]
    for table in ("wrangled", "inserted"):
        with connection.cursor() as cursor:
            cursor.execute(f"drop table public.{table}")
    connection.commit()
    connection.close()
    print(json.dumps(told, default=int))


main()
