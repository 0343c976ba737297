"""SQLAlchemy with sqlalchemy-redshift over both drivers, and pandas on top of it."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pandas as pd
import sqlalchemy as sa

told: dict[str, Any] = {}


def engine(driver: str) -> sa.Engine:
    url = sa.URL.create(
        f"redshift+{driver}", "admin", os.environ["PASSWORD"], "127.0.0.1", int(os.environ["PORT"]), "analytics"
    )
    off = {"sslmode": "disable"} if driver == "psycopg2" else {"ssl": False, "sslmode": "verify-ca"}
    return sa.create_engine(url, connect_args=off)


def tables(metadata: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    places = sa.Table(
        "places",
        metadata,
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("since", sa.DateTime),
        sa.Column("share", sa.Numeric(10, 4)),
        schema="shop",
        redshift_diststyle="KEY",
        redshift_distkey="id",
        redshift_sortkey=("since", "id"),
    )
    visits = sa.Table(
        "visits",
        metadata,
        sa.Column("place", sa.BigInteger, sa.ForeignKey("shop.places.id")),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("many", sa.Integer, server_default="1"),
        schema="shop",
    )
    return places, visits


def reflect(made: sa.Engine) -> None:
    seen = sa.inspect(made)
    told["tables"] = sorted(seen.get_table_names(schema="shop"))
    told["views"] = seen.get_view_names(schema="shop")
    told["has"] = [seen.has_table("places", schema="shop"), seen.has_table("nothing", schema="shop")]
    columns = seen.get_columns("places", schema="shop")
    told["columns"] = [[column["name"], str(column["type"]), column["nullable"]] for column in columns]
    told["pk"] = seen.get_pk_constraint("places", schema="shop")["constrained_columns"]
    keys = seen.get_foreign_keys("visits", schema="shop")
    told["fk"] = [[key["constrained_columns"], key["referred_table"], key["referred_columns"]] for key in keys]
    told["seen"] = [[column["name"], str(column["type"])] for column in seen.get_columns("named", schema="shop")]
    told["schemas"] = "shop" in seen.get_schema_names()
    reflected = sa.Table("places", sa.MetaData(), autoload_with=made, schema="shop")
    told["options"] = [reflected.dialect_options["redshift"][name] for name in ("diststyle", "distkey", "sortkey")]


def main() -> None:
    made = engine(sys.argv[1])
    metadata = sa.MetaData()
    places, visits = tables(metadata)
    with made.begin() as connection:
        connection.execute(sa.text("drop schema if exists shop cascade"))
        connection.execute(sa.text("create schema shop"))
    metadata.create_all(made)
    with made.begin() as connection:
        connection.execute(
            places.insert(), [{"id": 1, "name": "Köln", "share": None}, {"id": 2, "name": "Ulm", "share": 0.5}]
        )
        connection.execute(visits.insert().values(place=1, at=sa.text("'2026-01-02 03:04:05'")))
        connection.execute(sa.text("create view shop.named as select name, upper(name) as loud from shop.places"))
    with made.connect() as connection:
        joined = sa.select(places.c.name, visits.c.at, visits.c.many).join(visits, visits.c.place == places.c.id)
        told["rows"] = [[str(value) for value in row] for row in connection.execute(joined)]
        told["share"] = [
            None if row[0] is None else str(row[0]) for row in connection.execute(sa.select(places.c.share))
        ]
    reflect(made)
    frame = pd.DataFrame({"n": [1, 2, 3], "word": ["a", "b", None], "at": pd.to_datetime(["2026-01-01"] * 3)})
    frame.to_sql("framed", made, schema="shop", index=False, method="multi")
    frame.to_sql("framed", made, schema="shop", index=False, if_exists="append")
    back = pd.read_sql("select n, word, at from shop.framed order by n", made)
    told["frame"] = [back["n"].tolist(), back["word"].isna().sum().item(), str(back["at"].iloc[0])]
    told["whole"] = len(pd.read_sql_table("framed", made, schema="shop"))
    with made.begin() as connection:
        connection.execute(sa.text("drop view shop.named"))
    metadata.drop_all(made)
    with made.begin() as connection:
        connection.execute(sa.text("drop schema shop cascade"))
    print(json.dumps(told))


main()
