"""asyncpg: binary values, statements that are kept, a pool whose connections are reset as it does on Redshift."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import asyncpg

DSN = f"postgresql://admin:{os.environ['PASSWORD']}@127.0.0.1:{os.environ['PORT']}/analytics"
told: dict[str, Any] = {}


async def alone() -> None:
    connection = await asyncpg.connect(DSN, ssl=False)
    async with connection.transaction():
        await connection.execute("create temp table a (n bigint, t timestamp, s varchar(20), d decimal(10, 2))")
        await connection.executemany("insert into a (n, s) values ($1, $2)", [(n, f"row {n}") for n in range(50)])
        await connection.execute("update a set d = n / 4.0, t = timestamp '2026-01-02 03:04:05'")
    told["row"] = [str(value) for value in await connection.fetchrow("select * from a where n = $1", 7)]
    async with connection.transaction():
        told["cursor"] = [row["n"] async for row in connection.cursor("select n from a where n < 3 order by n")]
    try:
        await connection.fetch("select * from nowhere")
    except asyncpg.PostgresError as problem:
        told["error"] = [problem.sqlstate, str(problem)]
    await connection.close()


async def pooled() -> None:
    async with asyncpg.create_pool(DSN, ssl=False, min_size=2, max_size=3) as pool:
        found = await asyncio.gather(*(pool.fetchval("select $1::int * 2", number) for number in range(6)))
        told["pool"] = found


asyncio.run(alone())
asyncio.run(pooled())
print(json.dumps(told))
