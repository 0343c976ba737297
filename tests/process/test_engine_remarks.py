"""What the ledger's entry says of an object that loads and yet is not as its contract has it."""

import io
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.contract import load_contract
from lambdas.common.db.ledger import BAD, LOADED
from lambdas.common.lake import list_objects
from lambdas.common.remarks import kinds_of
from lambdas.process.engine import Engine, open_engine
from lambdas.process.objects import Stager

CONTRACT = """
schema:
  - name: readings
    customProperties: [{property: onDrift, value: POLICY}]
    quality:
      - {type: sql, name: enough, query: "SELECT count(*) FROM ${object}", mustBeGreaterThan: 9, severity: warning}
    properties:
      - {name: at, logicalType: timestamp, physicalType: timestamp, partitioned: true}
"""


@pytest.mark.parametrize(
    ("policy", "status", "kinds", "words"),
    [
        ("warn", LOADED, ["drift", "rule"], ["new raw column 'surprise'", "quality rule 'enough': the query gives 1"]),
        ("ignore", LOADED, ["rule"], ["quality rule 'enough'"]),
        ("fail", BAD, ["drift"], ["drift, and onDrift is fail: new raw column 'surprise'"]),
    ],
)
def test_remarks_stand_in_the_entry(cloud, tmp_path, policy, status, kinds, words):
    s3, bucket = cloud.client("s3"), f"remarks-{uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    body = io.BytesIO()
    pq.write_table(pa.table({"at": ["2024-03-01"], "surprise": [1]}), body)
    s3.put_object(Bucket=bucket, Key="raw/readings/2024/03/01/data_x.parquet", Body=body.getvalue())
    path = tmp_path / "readings" / "contract.yaml"
    path.parent.mkdir()
    path.write_text(CONTRACT.replace("POLICY", policy))
    contract = load_contract(path)
    with open_engine(tmp_path) as connection:
        stager = Stager(s3, bucket, contract, Engine(connection, contract), tmp_path)
        staged = stager.stage(list(list_objects(s3, bucket, "raw/"))).staged
    assert [item.entry.status for item in staged] == [status]
    reason = staged[0].entry.reason or ""
    assert kinds_of(reason) == kinds
    assert all(word in reason for word in words)
    assert reason.count("; ") == len(words) - 1
