"""Forgetting: rows leave raw, curated, rejected, history and core; a crash on the way is completed by asking again."""

import pytest

from lambdas.common.errors import RequestError, WarehouseBusy
from lambdas.process import forget_key, forgetting
from lambdas.process.erase import derived_from
from tests.process.forgetting import bytes_with, forget, versions
from tests.process.test_load import DAY, A, B, assert_equations_hold, row


def test_forgotten_object_leaves_lake_and_tables_and_its_keys_are_decided_anew(keyed):
    keyed.put(DAY, A, [row("a", n=1, v=1)])
    for n in (7, 8):
        gone = keyed.put(DAY, B, [row("a", n=n, v=2), row("secret"), row("bad", n=101)])
        keyed.load(DAY)
    done = forget(keyed, gone)
    assert (done.objects, done.rows) == (1, 3)
    assert keyed.rows() == [("a", 1, 1)]
    assert bytes_with(keyed, "secret") == []
    assert [e["status"] for e in keyed.ledger()] == ["loaded", "loaded", "loaded", "forgotten"]
    assert keyed.load(DAY).skipped == 1
    assert_equations_hold(keyed)


def test_object_forgotten_twice_is_forgotten_once(keyed):
    key = keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    forget(keyed, key)
    entries = len(keyed.ledger())
    again = forget(keyed, key)
    assert (again.objects, again.rows, again.versions) == (0, 0, 0)
    assert len(keyed.ledger()) == entries


def test_object_that_is_put_again_after_it_was_forgotten_loads_again(keyed):
    for _ in range(2):
        key = keyed.put(DAY, A, [row("a")])
        assert keyed.load(DAY).objects == 1
        assert keyed.rows() == [("a", 1, 1)]
        forget(keyed, key)
        assert keyed.rows() == []
    assert_equations_hold(keyed)


@pytest.mark.long
def test_object_that_was_deleted_before_can_be_forgotten(make_source):
    source = make_source(keyed=False)
    key = source.put(DAY, A, [row("a")])
    source.load(DAY)
    source.s3.delete_object(Bucket=source.bucket, Key=key)
    assert forget(source, key).rows == 1
    assert source.rows() == versions(source, "raw") == []


@pytest.mark.long
def test_object_put_while_it_is_forgotten_is_forgotten_too(keyed, monkeypatch):
    key = keyed.put(DAY, A, [row("a")])
    keyed.load(DAY)
    original, puts = forgetting.delete_versions, []

    def delete_then_put(*args):
        count = original(*args)
        if not puts:
            puts.append(keyed.put(DAY, A, [row("b")]))
            keyed.load(DAY)
        return count

    monkeypatch.setattr(forgetting, "delete_versions", delete_then_put)
    forget(keyed, key)
    assert keyed.rows() == versions(keyed, "raw") == versions(keyed, "curated") == []


@pytest.mark.parametrize(
    "key", ["raw/other/2024/03/01/data_a.parquet", "raw/x", "raw/{name}/2024/03/01/data_no.parquet"]
)
def test_object_that_is_not_there_is_named(keyed, key: str):
    with pytest.raises(RequestError, match="raw"):
        forget(keyed, key.format(name=keyed.contract.name))


@pytest.mark.long
@pytest.mark.parametrize("step", ["_put", "loader.load", "delete_versions"])
def test_crash_at_any_step_is_completed_by_asking_again(keyed, monkeypatch, step: str):
    keyed.put(DAY, A, [row("secret"), row("a")])
    keyed.load(DAY)

    def die(*args, **kwargs):
        raise WarehouseBusy("killed")

    with monkeypatch.context() as patch:
        if step == "delete_versions":
            patch.setattr(forget_key, step, die)
        elif step == "_put":
            patch.setattr(forget_key._Search, step, die)
        else:
            patch.setattr("lambdas.process.work.Loader.load", die)
        with pytest.raises(WarehouseBusy):
            forget(keyed, id="secret")
    forget(keyed, id="secret")
    assert keyed.rows() == [("a", 1, 1)]
    assert bytes_with(keyed, "secret") == []
    assert_equations_hold(keyed)


def test_object_that_is_overwritten_while_it_is_cleaned_keeps_the_newer_content(keyed, monkeypatch):
    keyed.put(DAY, A, [row("secret"), row("a", n=1)])
    keyed.load(DAY)
    original, puts = forget_key.KeyRows.write_without, []

    def overwrite_then_write(*args):
        original(*args)
        if not puts:
            puts.append(keyed.put(DAY, A, [row("secret"), row("a", n=9, v=9)]))

    monkeypatch.setattr(forget_key.KeyRows, "write_without", overwrite_then_write)
    forget(keyed, id="secret")
    assert keyed.rows() == [("a", 9, 9)]
    assert bytes_with(keyed, "secret") == []


@pytest.mark.parametrize("zone", ["curated", "rejected"])
def test_derived_names_say_what_they_were_made_of(zone: str):
    folder, etag = "s/2024/03/01/", "0123456789abcdef0123456789abcdef-2"
    for tail in ("", "_01234567"):
        found = derived_from(f"{zone}/{folder}data_a_b_{etag}_0123456789ab{tail}.parquet")
        assert found
        assert (found.raw_key, found.etag) == (f"raw/{folder}data_a_b.parquet", etag)
    assert derived_from(f"{zone}/{folder}notes.txt") is None
