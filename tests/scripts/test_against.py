"""`analytics check --against`: what breaks others is told apart from what adds, in a repository of git."""

import subprocess

import pytest

from scripts.analytics import against
from tests.common.mistakes import CONTRACT, DEFS

LONGER = "physicalType: varchar(8)", "physicalType: varchar(16)"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    folder = tmp_path / "assets" / "sources" / "things"
    folder.mkdir(parents=True)
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "defs.yaml").write_text(DEFS)
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "first"), ("tag", "before")):
        name = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(tmp_path), *name, *command], check=True, capture_output=True)
    monkeypatch.setattr(against, "assets_folder", lambda: tmp_path / "assets")
    return folder


def change(folder, *pairs):
    path = folder / "contract.yaml"
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


BREAKING = [
    (("varchar(8)", "varchar(4)"), "id: core.things.id is varchar(8), the contract says varchar(4); migrate refuses"),
    (("decimal(9,2)", "decimal(12,2)"), "price: core.things.price is decimal(9,2), the contract says decimal(12,2)"),
    (("- name: price", "- name: amount"), "core.things.price is no column of the contract"),
    (("decimal(9,2)\n", "decimal(9,2)\n        required: true\n"), "price: becomes required"),
    (("        primaryKey: true\n", ""), "with primary key (id), the contract says (none)"),
    (("minimum: 0", "minimum: 1"), "price: minimum 0 becomes 1: rows that were accepted may be rejected"),
    (("minimum: 0", "minimum: 0\n          maximum: 9"), "price: maximum (none) becomes 9"),
    (("varchar(8)", "varchar(8)\n        enum: [{value: a}]"), "id: enum (none) becomes ['a']"),
    (("varchar(8)", "varchar(8)\n        unique: true"), "id: becomes unique"),
    (("price > 0", "price > 1"), "BREAKING: row rule 'positive' is another: rows that were accepted may be rejected"),
    (("Than: 0", "Than: 5"), "becomes mustBeGreaterThan 5: objects that were loaded may be refused as a whole"),
    (("onDrift, value: warn", "onDrift, value: fail"), "onDrift warn becomes fail: objects whose raw columns differ"),
    (("decimal(9,2)", "decimal(9,2)\n        classification: restricted"), "price: becomes restricted"),
]  # fmt: skip


@pytest.mark.parametrize(("pair", "words"), BREAKING, ids=[words for _, words in BREAKING])
def test_breaking_change_is_told_and_fails_unless_the_version_says_that_it_is_meant(repository, capsys, pair, words):
    change(repository, *([pair] if pair[0] != "- name: price" else [pair, ("price > 0", "amount > 0")]))
    assert not against.check_against("before")
    said = capsys.readouterr().out
    line = next(line for line in said.splitlines() if words in line)
    assert line.startswith("assets/sources/things/contract.yaml:")
    assert ": BREAKING: " in line
    assert "analytics retire NAME --drop" in said
    change(repository, ("version: 1.0.0", "version: 2.0.0"))
    assert against.check_against("before")
    assert "breaking, and meant" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (LONGER, 'id: migrate runs ALTER TABLE "core"."things" ALTER COLUMN "id" TYPE varchar(16)'),
        (("      - name: at\n", "      - {name: n, logicalType: integer, physicalType: bigint}\n      - name: at\n"),
         'n: migrate runs ALTER TABLE "core"."things" ADD COLUMN "n" bigint'),
        (("minimum: 0", "minimum: -1"), "price: minimum 0 becomes -1: more rows are accepted"),
        (("transformLogic: raw_at", "transformLogic: raw_at || ''"), "at: is read in another way"),
    ],
)  # fmt: skip
def test_additive_change_is_told_and_passes(repository, capsys, pair, words):
    change(repository, pair)
    assert against.check_against("before")
    said = capsys.readouterr().out
    assert f": additive: {words}" in said
    assert "0 breaking changes, 1 additive" in said


def test_sources_that_come_and_go_are_told(repository, capsys):
    for file in repository.iterdir():
        file.unlink()
    other = repository.with_name("others")
    other.mkdir()
    (other / "contract.yaml").write_text(CONTRACT.replace("things", "others"))
    assert not against.check_against("before")
    said = capsys.readouterr().out
    assert "things/contract.yaml:1: BREAKING: is gone; its tables stay until `analytics retire things --drop`" in said
    assert "others/contract.yaml:1: additive: is new" in said


def test_without_a_change_nothing_is_told(repository, capsys):
    assert against.check_against("before")
    assert capsys.readouterr().out.startswith("against before (")


def test_base_that_git_does_not_know_is_named(repository):
    with pytest.raises(against.RequestError, match="git knows no 'nope'"):
        against.check_against("nope")
