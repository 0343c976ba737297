"""`make check` over contracts: each mistake with its file, its line and a hint."""

import pytest

from lambdas.common.contract.check import check_all
from tests.common.mistakes import changed, line_of, shown


def test_files_without_a_mistake_pass(assets):
    assert check_all(assets) == []


def test_a_rule_over_the_table_is_redshift_s_sql(assets):
    path = assets / "sources" / "things" / "contract.yaml"
    query = "SELECT MEDIAN(price) FROM ${table} AS t WHERE t.at > DATEADD(day, -7, GETDATE())"
    path.write_text(path.read_text().replace("SELECT count(*) FROM ${object}", query))
    assert check_all(assets) == []


MISTAKES = [
    # what stands there, what is written instead, the text that marks the line, words of the message
    ("required: true", "requird: true", "requird", "unknown key 'requird'; did you mean 'required'?"),
    (
        "status: active",
        "status: active\nslaProperties:\n  - {property: frequency, value: 1, unit: d}\n"
        "  - {property: freshness, value: 2, unit: weeks}",
        "property: freshness",
        "freshness 2 with unit 'weeks' must be a number above 0 with a unit among d, day",
    ),
    ("status: active", "statos: active", "statos", "unknown key 'statos'; did you mean 'status'?"),
    ("minimum: 0", "minimun: 0", "minimun", "unknown key 'minimun'; did you mean 'minimum'?"),
    ("property: onDrift", "property: onDrfit", "onDrfit", "'onDrfit' is not read by anything; did you mean 'onDrift'?"),
    ("value: warn", "value: explode", "- name: things", "onDrift 'explode' must be one of warn, fail, ignore"),
    ("id: things", "id: thing", "id: thing", "it must be the folder's name, 'things'"),
    ("transformLogic: raw_at", "transformLogic: rawat", "transformLogic: rawat", "does not bind"),
    ("transformLogic: raw_at", "transformLogic: raw_at +", "transformLogic", "as it is written: 'raw_at +'"),
    ("varchar(8)", "varchar(65536)", "varchar(65536)", "Redshift's varchar holds 1 to 65535 bytes"),
    ("varchar(8)", "char(4097)", "char(4097)", "Redshift's char holds 1 to 4096 bytes"),
    ("varchar(8)", "char(max)", "char(max)", "Redshift's char holds 1 to 4096 bytes"),
    ("decimal(9,2)", "decimal(39,2)", "decimal(39,2)", "precision goes from 1 to 38"),
    ("decimal(9,2)", "decimal(9,10)", "decimal(9,10)", "scale from 0 to precision"),
    ("decimal(9,2)", "money", "money", "physicalType 'money' is not among smallint"),
    ("decimal(9,2)", "varchar(9)", "varchar(9)", "logicalType number does not go with physicalType varchar(9)"),
    ("logicalType: string", "logicalType: time", "logicalType: time", "use string"),
    ("logicalType: string", "logicalType: datetime", "datetime", "use string, or did you mean 'timestamp'?"),
    (
        "minimum: 0",
        "minimum: 0\n        quality: [{type: library}]",
        "[{type: library}]",
        "library  is not checked here",
    ),
    ("        required: true\n        primaryKey", "        primaryKey", "primaryKey", "must be `required: true`"),
    ("        partitioned: true\n", "", "- name: things", "exactly one column must be `partitioned: true`"),
    ("- name: price", "- name: order", "- name: order", "'order' is a reserved word of Redshift"),
    ("- name: price", "- name: _raw_key", "- name: _raw_key", "names with _ in front belong to the platform"),
    ("- name: price", "- name: ctid", "- name: ctid", "is a system column of Redshift"),
    ("- name: price", "- name: id", "", "id: is declared twice"),
    (
        "logicalType: number",
        "logicalType: number\n        unique: false\n        unique: true",
        "unique: true",
        "'unique' stands twice",
    ),
    ("minimum: 0", "minimum: 5\n          maximum: 4", "logicalTypeOptions", "minimum 5 lies above maximum 4"),
    ("minimum: 0", "format: i32", "format: i32", "format is read for dates and timestamps alone"),
    ("implementation: price > 0", "implementation: prise > 0", "name: positive", "did you mean 'price'?"),
    ("implementation: price > 0", "implementation: price + 1", "name: positive", "no truth value"),
    ("name: positive\n        implementation: price > 0", "implementation: prise > 0", "quality:", "mean 'price'?"),
    ("engine: duckdb", "engine: soda", "- type: custom", "custom soda is not checked here"),
    ("mustBeGreaterThan: 0", "description: x", "- type: sql", "needs exactly one of mustBe"),
    ("SELECT count(*) FROM ${object}", "SELECT count(*) FROM core.things", "- type: sql", "must read FROM ${object}"),
    ("count(*)", "sum(prise)", "name: some", "did you mean 'price'?"),
    ("${object}", "${object}, ${table}", "- type: sql", "all rows of the table in Redshift's SQL, and not both"),
    (
        "count(*) FROM ${object}",
        "sum(prise) FROM ${table}",
        "name: some",
        "no column of core.things; did you mean 'p",
    ),
    ("SELECT count(*) FROM ${object}", "DELETE FROM ${table}", "name: some", "holds DELETE; one SELECT is meant"),
    ("FROM ${object}", "FROM ${table}, core.others", "name: some", "there is no source others"),
    ("FROM ${object}", "FROM ${object} WHERE", "name: some", "'some' does not run"),
    ("required: true\n        partitioned", "required: [\n        partitioned", "", "no YAML"),
    ("physicalType: varchar(8)", "description: x", "- name: id", "id: has no physicalType"),
    ("    properties:", "    propertys:", "propertys", "unknown key 'propertys'; did you mean 'properties'?"),
    ("status: active", "status active", "schema:", "no YAML: could not find expected ':'"),
    ("    properties:", "\tproperties:", "properties:", "indent with blanks, not with tabs"),
    ("varchar(8)", "text", "text", "'text' is not among smallint"),
    ("decimal(9,2)", "datetime", "datetime", "super; perhaps timestamp"),
    (
        "transformLogic: raw_at",
        "transformLogic: rawat",
        "transformLogic",
        "did you mean 'raw_at'?; write them as raw_at",
    ),
    ("required: true", 'required: "yes"', '"yes"', "id.required: 'yes' is not of type 'boolean'"),
    ("{property: onDrift, value: warn}", "{property: nullWords, value: NA}", "nullWords", "as in value: ['NA']"),
    ("      - {property: onDrift", "      {property: onDrift", "customProperties", "customProperties lists mappings"),
    ("varchar(8)", "varchar(8)\n        enum: [a]", "enum", "enum lists mappings, as in [{value: a}, {value: b}]"),
    (
        "logicalType: string",
        "logicalType: sting",
        "sting",
        "'sting' has no type in Redshift; use string, or did you mean 'string'?",
    ),
    ("- name: things", "- name: thing", "- name: thing", "must be named like its folder: things"),
    ("        transformSourceObjects: [raw_at]\n", "", "transformLogic", "transformLogic needs transformSourceObjects"),
    ("[raw_at]", "raw_at", "transformSourceObjects", "transformSourceObjects is a list, as in [raw_name]"),
    (
        "varchar(8)",
        "varchar(8)\n        classification: secret",
        "secret",
        "'secret' would hide nothing; restricted does",
    ),
    (
        "varchar(8)",
        "varchar(8)\n        classification: restriced",
        "restriced",
        "public and internal do not; did you mean 'restricted'?",
    ),
    (
        "        required: true\n        partitioned",
        "        partitioned",
        "partitioned",
        "a row without it has no day",
    ),
    ("minimum: 0", "maxLength: 3", "maxLength", "maxLength is for texts; decimal(9,2) is none"),
    (
        "varchar(8)",
        "varchar(8)\n        logicalTypeOptions: {maximum: 3}",
        "maximum",
        "for texts take minLength, maxLength or pattern",
    ),
    ("decimal(9,2)", "decimal(9,2)\n        enum: [{value: some}]", "enum", "enum value 'some' is no decimal(9,2)"),
    ("varchar(8)", "char(8)\n        enum: [{value: \u00d6}]", "enum", "is not ASCII, and char(8) takes nothing else"),
    ("varchar(8)", "varchar(8)\n        enum: [{value: 123456789}]", "enum", "has more bytes than varchar(8) holds"),
]


def test_one_mistake_is_one_message(assets):
    for old, new in (("decimal(9,2)", "money"), ("      - {property: onDrift", "      {property: onDrift"),
                     ("partitioned: true", "partitoned: true"), ("required: true\n        primaryKey",
                      "requird: true\n        primaryKey")):  # fmt: skip
        before = (assets / "sources" / "things" / "contract.yaml").read_text()
        path = changed(assets, "contract.yaml", old, new)
        assert len(check_all(assets)) == 1, check_all(assets)
        path.write_text(before)


def test_all_mistakes_of_all_files_are_told_at_once(assets):
    for old, new in (("decimal(9,2)", "money"), ("varchar(8)", "varchar(8)\n        classification: secret"),
                     ("property: onDrift", "property: onDrfit"), ("status: active", "statos: active")):  # fmt: skip
        changed(assets, "contract.yaml", old, new)
    changed(assets, "defs.yaml", "15 2 * * *", "15 2 * *")
    changed(assets, "defs.yaml", "delimiter:", "delimeter:")
    said = "\n".join(check_all(assets))
    for words in ("'money'", "'secret'", "'onDrfit'", "'statos'", "no cron line", "'delimeter'"):
        assert words in said


@pytest.mark.parametrize(("old", "new", "mark", "words"), MISTAKES, ids=[m[3] for m in MISTAKES])
def test_mistake_in_a_contract_has_its_line_and_a_hint(assets, old, new, mark, words):
    path = changed(assets, "contract.yaml", old, new)
    found = [text for text in check_all(assets) if words in text]
    assert found, check_all(assets)
    assert found[0].startswith(f"{shown(path)}:{line_of(path, mark)}: " if mark else shown(path))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("pattern: '('", "pattern cannot be read"),
        ("pattern: 'a(?!b)'", "pattern cannot be read"),
    ],
)
def test_pattern_that_duckdb_cannot_run_is_told(assets, options, words):
    changed(assets, "contract.yaml", "varchar(8)", f"varchar(8)\n        logicalTypeOptions: {{{options}}}")
    assert any(words in text for text in check_all(assets)), check_all(assets)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("format: yyyy-MM-DD", "'DD' is not understood"),
        ("format: '[yyyy'", "has no partner"),
        ("defaultTimezone: Europe/Berlim", "defaultTimezone cannot be read"),
        ("minimum: soon", "minimum cannot be read"),
    ],
)
def test_options_of_times_are_checked(assets, options, words):
    changed(assets, "contract.yaml", "physicalType: timestamp", "physicalType: timestamp\n        logicalTypeOptions:\n"
            f"          {options}")  # fmt: skip
    assert any(words in text for text in check_all(assets)), check_all(assets)


def test_missing_files_are_told(assets):
    (assets / "sources" / "things" / "defs.yaml").unlink()
    (assets / "sources" / "empty").mkdir()
    found = "\n".join(check_all(assets))
    assert "things/defs.yaml: is missing" in found
    assert "empty: has no contract.yaml" in found


def test_expression_over_numbers_binds_though_text_would_not(assets):
    changed(assets, "contract.yaml", "transformLogic: raw_at", "transformLogic: to_timestamp(raw_at / 1000)")
    assert check_all(assets) == []


def test_a_column_named_as_a_word_of_sql_is_told_in_the_quotes_that_it_needs(assets):
    changed(assets, "contract.yaml", "transformSourceObjects: [raw_at]", "transformSourceObjects: [when]")
    assert any('is not among transformSourceObjects; write them as "when"' in text for text in check_all(assets))
    changed(assets, "contract.yaml", "transformLogic: raw_at", "transformLogic: '\"when\"'")
    assert check_all(assets) == []


@pytest.mark.long
def test_more_columns_than_a_table_has_are_told(assets):
    more = "".join(f"      - {{name: c{n}, logicalType: string, physicalType: varchar(8)}}\n" for n in range(1_597))
    changed(assets, "contract.yaml", "    properties:\n", f"    properties:\n{more}")
    assert any("columns; a table of Redshift has at most 1,597" in text for text in check_all(assets))
