"""What the ledger may keep of a warehouse's refusal, and a server that never answers."""

import gc
import socket
import time

import pytest

from lambdas.common.contract import load_source
from lambdas.common.db.redshift import connect
from lambdas.common.errors import WarehouseBusy
from lambdas.process.objects import conceal


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('22P02 invalid input syntax for type bigint: "4711X"', '22P02 invalid input syntax for type bigint: "..."'),
        ("The length of the data column 'place' is longer", "The length of the data column 'place' is longer"),
        ('Token \'a "b" c\' is invalid: "x\ny"', "Token '...' is invalid: \"...\""),
    ],
)
def test_values_that_the_warehouse_quotes_are_not_kept(said, kept):
    assert conceal(said, load_source("earthquakes")) == kept


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_takes_the_connection_and_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        secret = {"host": host, "port": port, "dbname": "x", "username": "x", "password": "x"}
        began = time.monotonic()
        with pytest.raises(WarehouseBusy):
            connect(secret, "disable", timeout=1)
        assert time.monotonic() - began < 10
    gc.collect()  # the driver leaves its socket to the collector
