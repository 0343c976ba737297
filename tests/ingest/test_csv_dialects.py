"""What a CSV file may look like: its header, its signs, its comments and its line ends."""

import pytest

from lambdas.common.errors import SourceError
from tests.ingest.test_files import files


def test_csv_dialect_encoding_bom_and_repeated_names(bench):
    text = "\ufeffid;at;name;name;Name;\r\n1;2024-01-01;'a;b';c;d;e\r\n"
    extract = files(bench.write("a.csv", text), "csv", csv={"delimiter": ";", "quote": "'", "escape": "'"})
    bench.ingest(extract)
    assert bench.rows("2024-01-01") == [
        {"id": "1", "at": "2024-01-01", "name": "a;b", "Name_2": "d", "column5": "e", "name_1": "c"}
    ]
    latin = "id,at,name\n1,2024-01-01,Zürich\n".encode("latin-1")
    bench.ingest(files(bench.write("b.csv", latin), "csv", csv={"encoding": "latin-1"}))
    assert bench.rows("2024-01-01")[0]["name"] == "Zürich"


def test_csv_escapes_in_the_header_and_comments(bench):
    text = '# made by hand\nid,at,"the \\"name\\", quoted"\n# more\n1,2024-01-01,"a \\"b\\""\n'
    bench.ingest(files(bench.write("a.csv", text), "csv", csv={"escape": "\\", "comment": "#"}))
    assert bench.rows("2024-01-01") == [{"id": "1", "at": "2024-01-01", 'the "name", quoted': 'a "b"'}]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('\ufeff"name,",id,at\nx,1,2024-01-01\n', "name,"),
        ('\ufeff"name\nof it",id,at\nx,1,2024-01-01\n', "name\nof it"),
        ('id,at,"name\nof it"\r\n1,2024-01-01,x\r\n', "name\nof it"),
        ('id,at,"name\r\nof it"\n1,2024-01-01,x\n', "name\r\nof it"),
        ('id,at,name\r\n1,2024-01-01,x\n', "name"),
    ],
)  # fmt: skip
def test_rows_below_a_header_with_signs_of_its_own_are_read(bench, text, name):
    bench.ingest(files(bench.write("a.csv", text), "csv"))
    assert bench.rows("2024-01-01") == [{"id": "1", "at": "2024-01-01", name: "x"}]


def test_line_ends_within_values_are_kept_whatever_ends_the_lines(bench):
    text = 'id,at,name\r\n1,2024-01-01,"\r"\n2,2024-01-01,"a\r\nb"\r\n3,2024-01-01,"a\nb"\r4,2024-01-01,"\rx"\n'
    bench.ingest(files(bench.write("a.csv", text), "csv"))
    assert [row["name"] for row in bench.rows("2024-01-01")] == ["\r", "a\r\nb", "a\nb", "\rx"]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("C# and so", "C# and so"),
        ("#x", "#x"),
        ('"a#b"', "a#b"),
        ('"a\n# no comment\nb"', "a\n# no comment\nb"),
        ("x\n# said, by hand", "x"),
        ("x\r\n#\r\n# \u00e9", "x"),
    ],
)
def test_the_sign_of_a_comment_within_a_line_is_part_of_its_value(bench, row, name):
    for ragged in (False, True):
        text = f"# first\nid,at,name\n1,2024-01-01,{row}\n"
        bench.ingest(files(bench.write("a.csv", text), "csv", csv={"comment": "#", "ragged": ragged}))
        assert bench.rows("2024-01-01") == [{"id": "1", "at": "2024-01-01", "name": name}]


def test_names_of_csv_columns_are_a_list(bench):
    with pytest.raises(SourceError, match=r"csv.names is 'abc'; it must be a list"):
        bench.ingest(files(bench.write("a.csv", "1,2024-01-01\n"), "csv", csv={"names": "abc"}))
