"""A cloud whose Redshift endpoint asks for TLS: everything deploys to it, clients reach it by the env file alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import PROJECT, Cloud, running

CLIENT = """
import os, redshift_connector

options = dict(host=os.environ["WAREHOUSE_HOST"], port=int(os.environ["WAREHOUSE_PORT"]), database="analytics",
               user=os.environ["WAREHOUSE_USER"], password=os.environ["WAREHOUSE_PASSWORD"])
cursor = redshift_connector.connect(**options, ssl=True, sslmode=os.environ["WAREHOUSE_SSLMODE"]).cursor()
cursor.execute("SELECT COUNT(*) FROM ops.load_ledger")
print("rows", cursor.fetchall()[0][0])
try:
    redshift_connector.connect(**options, ssl=False)
except redshift_connector.Error as error:
    print("refused", error)
"""

pytestmark = pytest.mark.long


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Cloud]:
    with running(tmp_path / "tls", "--sslmode", "verify-ca") as cloud:
        yield cloud


def test_everything_is_deployed_and_read_over_verified_tls(secure: Cloud):
    assert "migrate: " in secure.deploy()
    command = [sys.executable, "-c", CLIENT]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | secure.env, capture_output=True, text=True)
    assert done.stdout.startswith("rows 0\nrefused"), done.stdout + done.stderr
