"""dbt on the endpoint: debug, seed, models of every kind, a second run, tests; then what is there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import redshift_connector
from dbt.cli.main import dbtRunner

FOLDER = Path(os.environ["FOLDER"]) / "dbt"
FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
profile: shop
model-paths: [models]
seed-paths: [seeds]
snapshot-paths: [snapshots]
flags: {send_anonymous_usage_stats: false}
models: {shop: {+persist_docs: {relation: true, columns: true}}}
""",
    "profiles.yml": f"""
shop:
  target: local
  outputs:
    local:
      type: redshift
      method: database
      host: 127.0.0.1
      port: {os.environ["PORT"]}
      user: admin
      password: {os.environ["PASSWORD"]}
      dbname: analytics
      schema: built
      sslmode: disable
      threads: 2
      ra3_node: false
""",
    "seeds/orders.csv": "id,customer,amount,at\n1,ann,2.50,2026-01-01\n2,bob,3.00,2026-01-02\n3,ann,4.25,2026-01-03\n",
    "models/customers.sql": """
{{ config(materialized='table', dist='customer', sort=['customer']) }}
select customer, sum(amount) as amount, count(*) as orders from {{ ref('orders') }} group by customer
""",
    "models/big.sql": """
{{ config(materialized='view') }}
select * from {{ ref('customers') }} where amount > 5
""",
    "models/days.sql": """
{{ config(materialized='incremental', unique_key='at', incremental_strategy='delete+insert') }}
select at, amount, {{ 1 if is_incremental() else 0 }} as pass from {{ ref('orders') }}
{% if is_incremental() %} where at >= (select max(at) from {{ this }}) {% endif %}
""",
    "models/merged.sql": """
{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge') }}
select id, amount, {{ 1 if is_incremental() else 0 }} as pass from {{ ref('orders') }}
""",
    "models/strict.sql": """
{{ config(materialized='table', contract={'enforced': true}) }}
select id, customer, amount::decimal(10,2) as amount from {{ ref('orders') }}
""",
    "models/summed.sql": """
{{ config(materialized='materialized_view', dist='customer', sort=['customer'], auto_refresh=false) }}
select customer, sum(amount) as amount from {{ ref('orders') }} group by customer
""",
    "snapshots/kept.yml": """
snapshots:
  - name: kept
    relation: ref('strict')
    config: {unique_key: id, strategy: check, check_cols: [amount], hard_deletes: invalidate}
""",
    "models/schema.yml": """
version: 2
models:
  - name: strict
    description: "It's strict; 100% so"
    constraints:
      - {type: primary_key, columns: [id], name: strict_pk}
    columns:
      - {name: id, data_type: integer, constraints: [{type: not_null}]}
      - {name: customer, data_type: varchar(256), constraints: [{type: unique}]}
      - {name: amount, data_type: "decimal(10,2)"}
  - name: customers
    columns:
      - name: customer
        data_tests: [unique, not_null]
  - name: days
    columns:
      - name: at
        data_tests: [unique]
""",
}


def dbt(*arguments: str) -> list[str]:
    done = dbtRunner().invoke([*arguments, "--project-dir", str(FOLDER), "--profiles-dir", str(FOLDER)])
    if not done.success:
        raise SystemExit(f"dbt {arguments} failed: {done.exception or [r.message for r in done.result]}")
    return sorted(str(result.status) for result in done.result) if hasattr(done.result, "__iter__") else []


def rows(sql: str) -> list[list[str]]:
    with redshift_connector.connect(
        host="127.0.0.1", port=int(os.environ["PORT"]), database="analytics", user="admin",
        password=os.environ["PASSWORD"], ssl=False,
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        return [[str(value) for value in row] for row in cursor.execute(sql).fetchall()]


def main() -> None:
    for name, text in FILES.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(text, encoding="utf-8")
    told: dict[str, Any] = {}
    dbt("debug")
    told["seed"] = dbt("seed")
    told["run"] = dbt("run")
    told["again"] = dbt("run")
    told["test"] = dbt("test")
    told["snapshot"] = dbt("snapshot") + dbt("snapshot")
    told["kept"] = rows("select count(*), count(dbt_valid_to) from built.kept")
    told["strict"] = rows(
        "select conname, contype from pg_constraint where conrelid = 'built.strict'::regclass order by 1"
    )
    told["said"] = rows("select obj_description('built.strict'::regclass)")
    told["customers"] = rows("select customer, amount, orders from built.customers order by 1")
    told["big"] = rows("select customer from built.big")
    told["days"] = rows("select count(*), sum(pass) from built.days")
    told["merged"] = rows("select count(*), sum(pass) from built.merged")
    told["layout"] = rows("select diststyle, sortkey1 from svv_table_info where \"table\" = 'customers'")
    dbt("docs", "generate")
    told["catalog"] = sorted(json.loads((FOLDER / "target" / "catalog.json").read_text())["nodes"])
    print("\n" + json.dumps(told))


main()
