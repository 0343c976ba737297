"""Whatever fails, no secret leaves: not in the error, its causes or the log."""

import errno

import pytest

from lambdas.common.errors import PermanentError, RequestError, TransientError, WorkspaceFull
from lambdas.ingest import extract, passes
from lambdas.ingest.guard import guarded
from lambdas.ingest.tokens import Vault


def fail_with(error):
    """What takes the place of a part of the work and fails."""

    def work(*_arguments, **_options):
        raise error

    return work


@pytest.fixture
def source(bench):
    """A file that could be landed, and a secret that was read for it."""
    found = bench.source({"filesystem": {**bench.write("a.csv", "id,at\n1,2024-01-01\n"), "format": "csv"}})
    found.vault.hide("hunter2/x")
    return found


def test_an_error_that_nobody_foresaw_shows_no_secret(bench, source, monkeypatch, caplog):
    monkeypatch.setattr(extract, "_extractor", lambda _kind: fail_with(ValueError("no hunter2%2Fx")))
    with pytest.raises(PermanentError, match=r"things: ValueError: no \*\*\*$") as caught:
        bench.call(source)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "extract.py" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), WorkspaceFull),
        (MemoryError(), WorkspaceFull),
        (RequestError("start is hunter2/x"), RequestError),
        (RuntimeError("hunter2/x"), PermanentError),
    ],
)
def test_an_error_while_rows_are_landed_shows_none_either(bench, source, monkeypatch, error, kind):
    monkeypatch.setattr(passes, "land", fail_with(error))
    with pytest.raises(kind) as caught:
        bench.call(source)
    assert type(caught.value) is kind
    assert "hunter2" not in str(caught.value)


def test_a_lake_that_fails_may_be_there_again_later(bench):
    with pytest.raises(TransientError, match="NoSuchBucket"), guarded("things", Vault(None)):
        bench.s3.list_objects_v2(Bucket="no-such-bucket-anywhere")
