"""`make check` over marts: what the warehouse would refuse of a mart.sql, told by the contracts, with its line."""

import pytest

from lambdas.common.contract.check import PLATFORM, check_all
from lambdas.common.db import ddl
from tests.common.mistakes import changed

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: {name}
version: 1.0.0
status: active
schema:
  - name: {name}
    properties:
      - {{name: day, logicalType: date, physicalType: date, partitioned: true}}
      - {{name: things, logicalType: integer, physicalType: bigint}}
"""
RIGHT = "SELECT CAST(at AS DATE) AS day, count(*) AS things FROM core.things GROUP BY 1"


@pytest.fixture
def mart(assets):
    """Writes a mart with that SELECT beside the source `things` and a mart `days` without a mistake."""

    def write(sql: str, name: str = "mine") -> None:
        folder = assets / "marts" / name
        folder.mkdir(parents=True)
        (folder / "mart.sql").write_text(sql)
        (folder / "defs.yaml").write_text("type: orchestration.components.Mart\n")
        (folder / "contract.yaml").write_text(CONTRACT.format(name=name))

    write(RIGHT, "days")
    return write


MISTAKES = [
    # the SELECT, the line of the mistake, words of the message
    ("SELECT day, things\nFROM core.thingz", 2, "there is no source thingz; did you mean 'things'?"),
    ("SELECT day, things\nFROM mart.day", 2, "there is no mart day; did you mean 'days'?"),
    ("SELECT day, things\nFROM core.days", 2, "there is no source days; did you mean 'mart.days'?"),
    ("SELECT day, things\nFROM days", 2, "a mart reads core.<source> and mart.<mart> only; did you mean 'mart.days'?"),
    ("SELECT day, things\nFROM history.things", 2, "reads history.things; a mart reads core.<source>"),
    ("SELECT at AS day,\n prise AS things\nFROM core.things", 2, "prise is no column of core.things; did you mean 'p"),
    ("SELECT day, things\nFROM mart.days\nWHERE dey > 1", 3, "dey is no column of mart.days; did you mean 'day'?"),
    ("SELECT d.day, t.things\nFROM mart.days d\nJOIN core.things t ON d.day = t.at", 1, "t.things is no column of"),
    ("SELECT day, n AS things FROM (\nSELECT at AS day, 1 AS m FROM core.things) x", 1, "n is no column of x"),
    ("WITH a AS (SELECT * FROM core.things)\nSELECT at AS day, prise AS things FROM a", 2, "prise is no column of a"),
    ("SELECT day, things FROM mart.days AS d\nWHERE EXISTS (SELECT 1 FROM core.things AS t\nWHERE t.aat = d.day)", 3,
     "t.aat is no column of core.things; did you mean 'at'?"),
    ("SELECT day, things FROM mart.days UNION ALL\nSELECT day, 1 FROM core.things", 2, "day is no column of"),
    ("SELECT\nat AS day, count(*) AS things\nFROM core.things", 2, "at stands neither in GROUP BY nor in an aggregate"),
    ("SELECT\nprice, at AS day, count(*) AS things\nFROM core.things GROUP BY 2", 2, "price stands neither"),
    ("SELECT at AS day, sum(price) OVER () AS things\nFROM core.things GROUP BY at", 1, "price stands neither"),
    ("SELECT day, things\nFROM mart.days WHERE (", 2, "cannot be read as one SELECT"),
    ("DELETE FROM core.things", None, "holds DELETE; one SELECT is meant"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "line", "words"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_mistake_in_a_query_has_its_line_and_a_hint(assets, mart, sql, line, words):
    mart(sql)
    found = [text for text in check_all(assets) if words in text]
    place = f"assets/marts/mine/mart.sql{f':{line}' if line else ''}: "
    assert [text.startswith(place) for text in found] == [True], check_all(assets)


FINE = [
    "SELECT day, things FROM mart.days",
    "SELECT * FROM mart.days",
    "SELECT d.* FROM mart.days AS d JOIN core.things AS t ON t.at = d.day",
    "SELECT at AS day, _raw_row AS things FROM core.things",
    'SELECT "At" AS DAY, PRICE AS things FROM Core.Things',
    "WITH a AS (SELECT * FROM core.things) SELECT at AS day, price AS things FROM a",
    "WITH a(d, n) AS (SELECT at, 1 FROM core.things) SELECT d AS day, n AS things FROM a",
    "WITH a AS (SELECT price * 2 AS p, p + 1 AS q, at FROM core.things) SELECT at AS day, q AS things FROM a",
    "SELECT DATE_TRUNC('day', t.at) AS day, count(*) AS things FROM core.things AS t GROUP BY DATE_TRUNC('DAY', at)",
    "SELECT at AS day, SUM(SUM(price)) OVER (ORDER BY at) AS things FROM core.things GROUP BY day",
    "SELECT at::date AS day, sum(price) / count(*) AS things FROM core.things GROUP BY at::date HAVING count(*) > 1",
    "SELECT TRUNC(at) AS day, 1 AS things FROM core.things QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY at) = 1",
    "SELECT at AS day, CASE WHEN price > 1 THEN 1 ELSE 0 END AS things FROM core.things GROUP BY ROLLUP (1, 2)",
    "SELECT MAX(at) AS day, (SELECT count(*) FROM mart.days) AS things FROM core.things",
    "SELECT at AS day, count(*) AS things FROM core.things GROUP BY at ORDER BY things",
    "SELECT day, things FROM mart.days WHERE day IN (SELECT t.at FROM core.things t WHERE t.price = things)",
    "SELECT t.at AS day, i.n AS things FROM core.things AS t, t.price.items AS i",
]


@pytest.mark.parametrize("sql", FINE)
def test_query_that_works_is_not_complained_of(assets, mart, sql):
    mart(sql)
    assert check_all(assets) == []


# everyday words of Redshift, some of which sqlglot or DuckDB do not know
SCALAR = """DATE_PART(dow, at); DATE_PART(month, at); EXTRACT(epoch FROM at); DATEADD(day, 1, at); NVL(id, 'x')
DATEDIFF(hour, at, GETDATE()); NVL2(id, 1, 2); DECODE(id, 'a', 1, 2); CONVERT_TIMEZONE('Europe/Berlin', at)
LAST_DAY(at); NEXT_DAY(at, 'Mon'); MONTHS_BETWEEN(at, at); TO_CHAR(at, 'YYYY'); CONVERT(integer, price); price::int
SYSDATE; CURRENT_DATE; LEN(id); STRTOL(id, 16); TIMESTAMP_CMP(at, at); JSON_EXTRACT_PATH_TEXT(id, 'a'); id || 'x'
JSON_PARSE(id); ADD_MONTHS(at, 1); BTRIM(id); at + INTERVAL '1 day'; id ~ 'x'; CURRENT_USER; FNV_HASH(id)
at AT TIME ZONE 'UTC'; SPLIT_PART(id, 'a', 1); REGEXP_SUBSTR(id, 'a'); id ILIKE 'a%'; LAG(price) OVER (ORDER BY at)
RATIO_TO_REPORT(price) OVER (PARTITION BY id); COUNT(*) OVER (); our_own_function(price)"""
AGGREGATE = """APPROXIMATE COUNT(DISTINCT id); LISTAGG(id, ',') WITHIN GROUP (ORDER BY at); MEDIAN(price)
BOOL_OR(price > 1); PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY price)
APPROXIMATE PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY price)
STDDEV_SAMP(price); VAR_POP(price); BIT_AND(price::int); ANY_VALUE(id); HLL(id); COUNT(DISTINCT id); AVG(price) + 1
LISTAGG(DISTINCT id, ',') WITHIN GROUP (ORDER BY id); our_own_aggregate(price); NVL(SUM(price), 0)"""


@pytest.mark.parametrize(("expressions", "end"), [(SCALAR, ""), (AGGREGATE, " GROUP BY at")])
def test_words_of_redshift_raise_no_alarm(assets, mart, expressions, end):
    for number, text in enumerate(expressions.replace("\n", ";").split(";")):
        mart(f"SELECT at AS day, {text} AS things FROM core.things{end}", f"mine{number}")
    assert check_all(assets) == []


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (RIGHT.replace("things FROM", "thinks FROM"), "things: is no column of mart.sql"),
        ("SELECT count(*) AS things, at AS day FROM core.things GROUP BY 2", "in another order: things, day"),
        ("SELECT day, 1 AS things, 2 AS more FROM mart.days", "a column 'more' that the contract does not declare"),
    ],
)
def test_columns_of_a_mart_are_those_of_its_query(assets, mart, sql, words):
    mart(sql)
    found = check_all(assets)
    assert any(words in text for text in found), found


def test_all_mistakes_of_a_mart_are_told_at_once(assets, mart):
    mart("SELECT at AS day, prise AS order_, 1 AS other FROM core.things, core.thinks")
    contract = assets / "marts" / "mine" / "contract.yaml"
    contract.write_text(contract.read_text().replace("name: things", "name: order"))
    said = "\n".join(check_all(assets))
    for words in ("'order' is a reserved word", "there is no source thinks", "column 'other'", "order: is no column"):
        assert words in said


def test_contract_that_cannot_be_read_is_told_once_and_not_for_every_column(assets, mart):
    mart("SELECT at AS day, price AS things FROM core.things")
    changed(assets, "contract.yaml", "decimal(9,2)", "money")
    found = check_all(assets)
    assert ["physicalType 'money'" in text for text in found] == [True], found


def test_columns_of_the_platform_are_those_of_the_tables():
    assert [definition.split()[0] for definition in ddl.SYSTEM_COLUMNS] == list(PLATFORM)


def test_a_mart_has_rules_over_its_table_alone(mart, assets):
    path = assets / "marts" / "days" / "contract.yaml"
    rule = "    quality: [{type: sql, name: some, query: 'SELECT count(*) FROM ${object}', mustBe: 0}]\n    properties:"
    text = path.read_text().replace("    properties:", rule)
    path.write_text(text)
    (told,) = check_all(assets)
    assert "'some' is over raw objects, which a mart has not; write a query FROM ${table}" in told
    path.write_text(text.replace("object", "table"))
    assert check_all(assets) == []
