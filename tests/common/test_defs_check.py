"""`make check` over defs.yaml files: each mistake with its file, its line and a hint."""

from pathlib import Path

import pytest

from lambdas.common.contract.check import check_all
from tests.common.mistakes import DEFS, changed, line_of, shown

SQL_DATABASE = """    sql_database:
      url: "sqlite://"
      table: t
      window_column: raw_at
"""


DEFS_MISTAKES = [
    ("components.Source", "components.Sauce", "Sauce", "it must be orchestration.components.Source"),
    ("attributes:", "atributes:", "", "must hold type"),
    ('start: "2024-01-01"', "start: soon", "start", "start is 'soon'; it must be a UTC day"),
    (
        'start: "2024-01-01"',
        'start: "2024-01-01"\n  end: "2023-12-31"',
        "end:",
        "end 2023-12-31 lies before start 2024-01-01",
    ),
    ('start: "2024-01-01"', 'start: "2024-01-01"\n  paused: soon', "paused", "paused must be true or false"),
    ("schedule:", "scedule:", "scedule", "unknown attributes 'scedule'; did you mean 'schedule'?"),
    ("15 2 * * *", "15 2 * *", "schedule", "no cron line of five fields"),
    ("15 2 * * *", "75 2 * * *", "schedule", "no cron line of five fields"),
    ("timeout: 9", "timout: 9", "timout", "unknown keys 'timout'; did you mean 'timeout'?"),
    ("schedule:", "pass_days: 5\n  schedule:", "pass_days", "unknown attributes 'pass_days'; it stands under extract"),
    ("schedule:", "format: csv\n  schedule:", "format", "'format'; it stands under extract.filesystem"),
    ("timeout: 9", "schedule: x", "    schedule", "unknown keys 'schedule'; it stands under attributes"),
    ("timeout: 9", "delimiter: x", "delimiter", "'delimiter'; it stands under filesystem.csv"),
    ("format: csv", "attempts: 9\n      format: csv", "attempts", "unknown keys 'attempts'; it stands under extract"),
    ("timeout: 9", "may_be_empty: once", "may_be_empty", "may_be_empty must be true or false"),
    (
        "format: csv",
        "members: [a]\n      format: csv",
        "members",
        "members is ['a']; it must be a glob of names in a ZIP",
    ),
    ("timeout: 9", "precision: minute", "precision", "precision must be one of day"),
    ("filesystem:", "filesytem:", "extract", "with exactly one of rest_api, filesystem, sql_database; did you mean"),
    ("bucket_url:", "bucket:", "bucket:", "unknown keys 'bucket'"),
    ("format: csv", "format: cvs", "format", "format is 'cvs'; allowed are csv, ndjson, json, parquet, arrow; did you"),
    ("delimiter:", "delimeter:", "delimeter", "did you mean 'delimiter'?"),
    ("bucket_url:", "bucket_uri:", "bucket_uri", "unknown keys 'bucket_uri'; did you mean 'bucket_url'?"),
    ("timeout: 9", "timeout: soon", "timeout", "timeout is 'soon'; it must be a number above 0"),
    ("format: csv", "format: json", "csv:", "csv is read for format csv alone; format is json"),
    ("format: csv", "format: CSV", "format", "did you mean 'csv'?"),
    ("{env:THINGS}", "{env:}", "bucket_url", "token {env:} names nothing that can be filled"),
    ("{env:THINGS}", "{secret:a b}", "bucket_url", "token {secret:a b} names nothing that can be filled"),
    ("{env:", "{start:epoch}{end:day}{env:", "bucket_url", "token {end:day} is not filled; write {end}, {end:epoch}"),
    ("{env:", "{evn:", "bucket_url", "token {evn:...} is not filled; did you mean 'env'?"),
]


@pytest.mark.parametrize(("old", "new", "mark", "words"), DEFS_MISTAKES, ids=[m[3] for m in DEFS_MISTAKES])
def test_mistake_in_a_defs_file_has_its_line_and_a_hint(assets, old, new, mark, words):
    path = changed(assets, "defs.yaml", old, new)
    found = [text for text in check_all(assets) if words in text]
    assert found, check_all(assets)
    assert found[0].startswith(f"{shown(path)}:{line_of(path, mark) if mark else 1}: ")


def windowed(assets: Path, column: str) -> None:
    path = assets / "sources" / "things" / "defs.yaml"
    head = DEFS[: DEFS.index("    filesystem")]
    path.write_text(head + SQL_DATABASE.replace("raw_at", column))


def test_window_must_be_over_the_partition_column(assets):
    windowed(assets, "raw_at")
    assert check_all(assets) == []
    windowed(assets, "created")
    assert any("rows of other days than asked for would be left out" in text for text in check_all(assets))


@pytest.mark.parametrize(
    ("form", "refused"),
    [("yyyy-MM-dd HH:mm", False), ("[yyyy/MM/dd][yyyy/MM/dd HH]", False), ("dd.MM.yyyy", True),
     ("[yyyy-MM-dd][dd.MM.yyyy]", True), ("[yyyy-MM-dd][yyyy/MM/dd]", True), ("yyyy-M-d", True)],
)  # fmt: skip
def test_window_needs_a_format_whose_order_is_that_of_time(assets, form, refused):
    windowed(assets, "raw_at")
    old = "transformSourceObjects: [raw_at]"
    changed(assets, "contract.yaml", old, f'{old}\n        logicalTypeOptions: {{format: "{form}"}}')
    found = check_all(assets)
    line = line_of(assets / "sources" / "things" / "defs.yaml", "window_column")
    said = (
        f"assets/sources/things/defs.yaml:{line}: window_column raw_at holds texts of the format {form!r}, whose order"
    )
    assert [text.startswith(said) for text in found] == [True] * refused


def test_window_by_update_time_needs_a_version(assets):
    windowed(assets, "updated_at")
    for old, new in (("transformLogic: raw_at", "transformLogic: updated_at"), ("[raw_at]", "[updated_at]")):
        changed(assets, "contract.yaml", old, new)
    assert any("the contract needs a key and a versionColumn" in text for text in check_all(assets))
    changed(assets, "contract.yaml", "property: onDrift, value: warn", "property: versionColumn, value: at")
    assert check_all(assets) == []
