"""Tries and stages objects on a disk of some megabytes, which is another process's in part.

`python -m tests.process.small_disk S3 BUCKET PREFIX CONTRACT FILLED LARGE`, where this process alone sees a mount:
`FILLED` bytes are another's, and objects above `LARGE` bytes are taken in slices.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from lambdas.common.contract import load_contract
from lambdas.common.db.ledger import Entry
from lambdas.common.errors import WorkspaceFull
from lambdas.common.lake import list_objects
from lambdas.process import slices
from lambdas.process.engine import Engine, open_engine
from lambdas.process.objects import Stager, is_large

SIZE = 40 << 20


def main(url: str, bucket: str, prefix: str, contract: str, filled: str, large: str) -> None:
    """Print status, rows and reason of each object, or the error: as a plan has them, and as a load."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    s3, source = boto3.client("s3", endpoint_url=url, **keys), load_contract(Path(contract))
    slices.SLICE_BYTES = int(large)
    with tempfile.TemporaryDirectory() as disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", disk], check=True)
        (Path(disk) / "of others").write_bytes(bytes(int(filled)))
        workspace = Path(disk) / "work"
        workspace.mkdir()
        left, planned, told = list(list_objects(s3, bucket, prefix)), [], []
        with open_engine(workspace) as connection:
            stager = Stager(s3, bucket, source, Engine(connection, source), workspace)
            with telling(planned):
                planned += map(shown, (trial.entry for trial in stager.tries(left)))
            with telling(told):
                while left:
                    done = stager.stage(left[:1] if is_large(left[0]) else left)
                    left = left[done.taken :]
                    told += map(shown, (staged.entry for staged in done.staged))
        sys.stdout.write(json.dumps([planned, told]) + "\n")
        subprocess.run(["umount", "-l", disk], check=True)


def shown(entry: Entry) -> list[Any]:
    """What a test looks at."""
    return [entry.status, entry.rows_in, entry.reason]


@contextmanager
def telling(told: list[list[Any]]) -> Iterator[None]:
    """The error behind what was told before it."""
    try:
        yield
    except WorkspaceFull as error:
        told.append(["WorkspaceFull", 0, str(error)])


if __name__ == "__main__":
    main(*sys.argv[1:])
