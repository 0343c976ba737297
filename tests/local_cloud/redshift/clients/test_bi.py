"""docs/bi.md holds: the dialect that Superset uses finds the schema bi, its views and their columns, and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdas.common.contract import load_contract
from lambdas.common.db import access, bi, ddl, redshift
from tests.local_cloud.redshift.processes import ADMIN_PASSWORD, Endpoint

pytestmark = pytest.mark.long

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: readings
version: 1.0.0
schema:
  - name: readings
    properties:
      - {name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true}
      - {name: station, logicalType: string, physicalType: varchar(16)}
      - {name: secret, logicalType: string, physicalType: varchar(16), classification: restricted}
      - {name: level, logicalType: number, physicalType: double precision}
"""


def test_superset_finds_the_views_and_no_more(
    told: Callable[..., dict[str, Any]], endpoint: Endpoint, tmp_path: Path
) -> None:
    path = tmp_path / "readings" / "contract.yaml"
    path.parent.mkdir()
    path.write_text(CONTRACT)
    contract = load_contract(path)
    login = {"host": "127.0.0.1", "port": endpoint.port, "dbname": "analytics", "password": ADMIN_PASSWORD}
    with (
        redshift.session(login | {"username": "admin"}, "disable", name="tests") as admin,
        redshift.autocommit(admin),
    ):
        for user in ("loader", "reader", "bi"):
            access.migrate_user(admin, user, ADMIN_PASSWORD)
        access.migrate_schemas(admin)
    with redshift.session(login | {"username": "loader"}, "disable", name="tests") as loader:
        ddl.migrate_ops(loader)
        ddl.migrate_source(loader, contract)
        bi.migrate_views(loader, [contract])
        with redshift.transaction(loader):
            redshift.execute(
                loader,
                "INSERT INTO core.readings VALUES ('2024-03-01 10:00', 's', 'x', 1.5, 'raw/x', 0, '2024-03-02'), "
                "('2024-03-01 11:00', 't', 'y', 2.5, 'raw/x', 1, '2024-03-02')",
            )
    found = told("bi")
    assert "bi" in found["schemas"]
    assert found["views"] == ["readings"]
    assert found["columns"] == [["at", "TIMESTAMP"], ["station", "VARCHAR(16)"], ["level", "DOUBLE PRECISION"]]
    assert found["chart"] == [["2024-03-01 00:00:00", 2]]
    assert found["refused"] is True
