"""psycopg 3 and psycopg2: text and binary, cursors with names, pipelines, COPY by hand."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from typing import Any

import psycopg
import psycopg2

told: dict[str, Any] = {}
DSN = f"host=127.0.0.1 port={os.environ['PORT']} dbname=analytics user=admin password={os.environ['PASSWORD']}"


def three() -> None:
    with psycopg.connect(DSN, client_encoding="utf8") as connection:
        connection.execute("create table three (a int, n numeric(10, 2), s varchar(20), t timestamp, p super)")
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into three (a, n, s) values (%s, %s, %s)",
                [(number, Decimal("1.5"), f"row {number}") for number in range(100)],
            )
        connection.commit()
        binary = connection.cursor(binary=True)
        told["binary"] = [
            str(value) for value in binary.execute("select a, n, s from three where a = %s", (7,)).fetchone()
        ]
        told["interval"] = [str(v) for v in binary.execute("select t - t, 'x'::varchar from three limit 1").fetchone()]
        with connection.cursor(name="slow") as server:
            server.itersize = 30
            server.execute("select a from three order by a")
            told["cursor"] = sum(row[0] for row in server)
        connection.commit()
        with connection.pipeline():
            first = connection.execute("insert into three (a) values (1000)")
            second = connection.execute("select count(*) from three")
            told["pipeline"] = [first.rowcount, second.fetchone()[0]]
        connection.rollback()
        told["after"] = connection.execute("select count(*) from three").fetchone()[0]
        told["error"] = refused(connection, "select * from nowhere")
        told["copy"] = refused(connection, "copy three from stdin")
        connection.execute("drop table three")


def refused(connection: Any, sql: str) -> list[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    except (psycopg.Error, psycopg2.Error) as problem:
        connection.rollback()
        return [getattr(problem, "sqlstate", None) or problem.pgcode, str(problem).split("\n")[0]]
    return []


def prepared() -> None:
    with psycopg.connect(DSN, client_encoding="utf8", autocommit=True, prepare_threshold=0) as connection:
        connection.execute("create temp table kept (a int)")
        for number in range(3):
            connection.execute("insert into kept values (%s)", (number,))
        with connection.transaction():
            connection.execute("update kept set a = a + 1")
        told["prepared"] = connection.execute("select sum(a) from kept").fetchone()[0]
        with connection.pipeline():
            for number in range(3):
                connection.execute("insert into kept values (%s)", (number,))
        told["piped"] = connection.execute("select count(*) from kept").fetchone()[0]


def two() -> None:
    connection = psycopg2.connect(DSN)
    with connection, connection.cursor() as cursor:
        cursor.execute("create temp table two (a int, b varchar(20))")
        cursor.execute("insert into two values (%s, %s), (%s, %s)", (1, "it's", 2, "back\\slash"))
        cursor.execute("select * from two order by a")
        told["two"] = cursor.fetchall()
    with connection, connection.cursor(name="named") as cursor:
        cursor.execute("select a from two order by a")
        told["named"] = cursor.fetchall()
    told["two_copy"] = refused(connection, "copy two to stdout")
    connection.close()


for work in (three, prepared, two):
    work()
print(json.dumps(told))
