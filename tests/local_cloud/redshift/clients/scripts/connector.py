"""redshift_connector's public ways, on the endpoint that the environment names."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import redshift_connector

told: dict[str, Any] = {}


def connect(**options: Any) -> redshift_connector.Connection:
    return redshift_connector.connect(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        database="analytics",
        user="admin",
        password=os.environ["PASSWORD"],
        ssl=False,
        **options,
    )


def paramstyles(cursor: redshift_connector.Cursor) -> None:
    ways = {
        "qmark": ("select ? + 1, ?", (1, "a")),
        "numeric": ("select :1 + 1, :2", (1, "a")),
        "named": ("select :n + 1, :t", {"n": 1, "t": "a"}),
        "format": ("select %s + 1, %s", (1, "a")),
        "pyformat": ("select %(n)s + 1, %(t)s", {"n": 1, "t": "a"}),
    }
    for style, (sql, arguments) in ways.items():
        cursor.paramstyle = style
        told[style] = [list(row) for row in cursor.execute(sql, arguments).fetchall()]
    cursor.paramstyle = "format"


def values(cursor: redshift_connector.Cursor) -> None:
    cursor.execute(
        "create table types (i smallint, n numeric(12, 3), d date, t timestamp, z timestamptz, b boolean, f float8,"
        " s super, v varchar(20), big bigint)"
    )
    row = (
        7,
        decimal.Decimal("12345.678"),
        dt.date(2026, 2, 28),
        dt.datetime(2026, 2, 28, 23, 59, 59, 123456),
        dt.datetime(2026, 2, 28, 23, 59, 59, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        True,
        0.1,
    )
    cursor.execute(
        "insert into types values (%s, %s, %s, %s, %s, %s, %s, json_parse(%s), %s, %s)",
        (*row, '{"a": [1, "é"]}', "ü", 2**62),
    )
    cursor.execute("insert into types (i) values (%s)", (None,))
    cursor.execute("select * from types order by i nulls last")
    first, second = cursor.fetchall()
    told["back"] = list(first[:7]) == list(row)
    told["super"] = json.loads(first[7])
    told["text"], told["big"] = first[8], first[9] == 2**62
    told["nulls"] = [value is None for value in second]
    told["description"] = [column[0] for column in cursor.description]
    cursor.execute("drop table types")


def frames(cursor: redshift_connector.Cursor) -> None:
    cursor.execute("create table frame (a int, b varchar(10))")
    cursor.write_dataframe(pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}), "frame")
    cursor.execute("select * from frame order by a")
    frame = cursor.fetch_dataframe()
    told["frame"] = [list(frame.columns), frame["a"].tolist(), frame["b"].tolist()]
    cursor.executemany("insert into frame values (%s, %s)", [(4, "p"), (5, "q")])
    told["executemany"] = cursor.execute("select count(*) from frame").fetchone()[0]


def bulk(cursor: redshift_connector.Cursor) -> None:
    path = Path(os.environ["FOLDER"]) / "bulk.csv"
    path.write_text("a,b\n10,k\n11,l\n12,m\n", encoding="utf-8")
    cursor.insert_data_bulk(str(path), "frame", [0, 1], ["a", "b"], ",", 2)
    told["bulk"] = cursor.execute("select count(*) from frame where a >= 10").fetchone()[0]


def metadata(cursor: redshift_connector.Cursor) -> None:
    cursor.execute("create table keyed (id bigint not null, name varchar(30), primary key (id))")
    told["tables"] = [list(row)[1:4] for row in cursor.get_tables(schema_pattern="public", table_name_pattern="keyed")]
    columns = cursor.get_columns(schema_pattern="public", tablename_pattern="keyed")
    told["columns"] = [[row[3], row[5], row[6]] for row in columns]
    told["keys"] = [[row[2], row[3]] for row in cursor.get_primary_keys(schema="public", table="keyed")]
    told["schemas"] = "public" in [row[0] for row in cursor.get_schemas()]
    told["catalogs"] = [list(row) for row in cursor.get_catalogs()]
    cursor.execute("drop table keyed")
    cursor.execute("drop table frame")


def unnamed() -> None:
    connection = connect(max_prepared_statements=0)
    cursor = connection.cursor()
    cursor.execute("create table unnamed (a int)")
    for number in range(3):
        cursor.execute("insert into unnamed values (%s)", (number,))
    told["unnamed"] = cursor.execute("select sum(a) from unnamed").fetchone()[0]
    cursor.execute("truncate unnamed")
    connection.rollback()
    told["truncated"] = cursor.execute("select count(*) from unnamed").fetchone()[0]
    connection.rollback()
    connection.autocommit = True
    cursor.execute("vacuum unnamed")
    cursor.execute("drop table unnamed")
    connection.close()


def main() -> None:
    with connect() as connection, connection.cursor() as cursor:
        for work in (paramstyles, values, frames, bulk, metadata):
            work(cursor)
            connection.commit()
    unnamed()
    print(json.dumps(told))


main()
