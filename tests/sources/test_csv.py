"""CSV as people send it: everything is text until the contract says otherwise."""

import datetime as dt
import gzip
import io
import zipfile

import pytest

from lambdas.common.errors import SourceError
from tests.sources.pipeline import AT, ID, UTC, prop

DAY = "2024-01-01"


def csv(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def zipped(**members: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.csv", text)
    return target.getvalue()


@pytest.mark.parametrize(
    "pack",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: gzip.compress(b"\xef\xbb\xbf" + text.encode()),
        lambda text: zipped(a=text),
    ],
    ids=["byte order mark", "CRLF", "gzip", "gzip with mark", "zip"],
)
def test_packing_and_marks_do_not_show(pipeline, pack):
    text = csv("id,at,name", f"007,{DAY},é")
    done = pipeline.run(pipeline.write("a.csv", pack(text), "csv"), [ID, AT, prop("name", "varchar(2)")], rows=1)
    assert done.raw == [{"id": "007", "at": DAY, "name": "é"}]
    assert done.accepted == [{"id": 7, "at": dt.datetime(2024, 1, 1, tzinfo=UTC), "name": "é"}]


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        f'id,at,name\r\n1,{DAY},x\n2,{DAY},"y\r\nz"\r\n3,{DAY},\n',
        f'id,at,name\n1,{DAY},x\r\n"2",{DAY},"y\r\nz"\n3,{DAY},""\r\n',
        f'id,at,name\r1,{DAY},x\n"2",{DAY},"y\r\nz"\r3,{DAY},""\r\n',
    ],
    ids=["first CRLF", "first LF", "first CR"],
)
def test_lines_may_end_in_several_ways_and_values_keep_theirs(pipeline, text, ragged):
    extract = pipeline.write("a.csv", text, "csv", csv={"ragged": ragged})
    done = pipeline.run(extract, [ID, AT, prop("name", "varchar(8)")], rows=3)
    assert done.raw_values("name") == ["x", "y\r\nz", ""]


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'id,at\n1,{DAY}\n2,"{DAY}\n3,{DAY}\n', r"a.csv: line 3: a quote does not end"),
        (f'id,at\r\n1,{DAY}\n2,"{DAY}\r\n3,{DAY}\n', r"a.csv: line 3: a quote does not end"),
        (f'id,at\n1,{DAY}\n"2"x,{DAY}\n', r"a.csv: line 3: ',' expected after '\"'; are csv.quote"),
    ],
    ids=["no end", "no end and mixed lines", "behind a quote"],
)
def test_a_quote_that_is_wrong_is_told_with_its_line_and_loses_no_row(pipeline, text, said, ragged):
    with pytest.raises(SourceError, match=said):
        pipeline.run(pipeline.write("a.csv", text, "csv", csv={"ragged": ragged}), [ID, AT])


def test_zip_with_several_files_is_one_source(pipeline):
    content = zipped(a=csv("id,at", f"1,{DAY}"), b=csv("at,id", f"{DAY},2"))
    assert pipeline.run(pipeline.write("a.zip", content, "csv"), [ID, AT], rows=2).values("id") == [1, 2]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("latin-1", "Zoë"), ("cp1252", "5 € “x”"), ("utf-16", "Zoë €"), ("cp932", "東京"), ("utf-8", "😀")],
)
def test_encoding_is_what_the_source_says(pipeline, encoding, text):
    content = csv("id,at,name", f"1,{DAY},{text}").encode(encoding)
    extract = pipeline.write("a.csv", content, "csv", csv={"encoding": encoding})
    assert pipeline.run(extract, [ID, AT, prop("name", "varchar(32)")], rows=1).values("name") == [text]


def test_text_of_another_encoding_is_refused_with_the_file(pipeline):
    extract = pipeline.write("a.csv", csv("id,at,name", f"1,{DAY},Zoë").encode("latin-1"), "csv")
    with pytest.raises(SourceError, match=r"a\.csv.*csv\.encoding") as caught:
        pipeline.run(extract, [ID, AT])
    assert "Zo" not in str(caught.value)


@pytest.mark.parametrize("ends", [b"\r\n", b"\n"], ids=["mixed line ends", "one line end"])
def test_a_late_byte_that_is_no_utf_8_is_refused_with_the_file_and_what_to_set(pipeline, ends):
    rows = b"".join(b"%d,%s,plain\n" % (n, DAY.encode()) for n in range(100_000))
    content = b"id,at,name" + ends + rows + f"0,{DAY},Zoë\n".encode("latin-1")
    with pytest.raises(SourceError, match=r"a\.csv.* is not utf-8.*; set csv\.encoding") as caught:
        pipeline.run(pipeline.write("a.csv", content, "csv"), [ID, AT])
    assert "Zo" not in str(caught.value)


def test_an_empty_cell_is_no_value_of_anything_but_a_text(pipeline):
    kinds = {"n": "integer", "f": "double precision", "b": "boolean", "d": "date", "j": "super", "t": "varchar(8)"}
    extract = pipeline.write("a.csv", csv(f"id,at,{','.join(kinds)}", f"1,{DAY},,,,,,"), "csv")
    (row,) = pipeline.run(extract, [ID, AT, *(prop(*item) for item in kinds.items())], rows=1).accepted
    assert [row[name] for name in kinds] == [None, None, None, None, None, ""]


def test_odd_column_names_stay_and_are_read_by_expressions(pipeline):
    text = csv('"Größe (m)",select,"a ""b""",at,at,,row:', f"1.5,x,y,{DAY},twin,nameless,r")
    columns = [
        AT,
        prop("size", "real", transformLogic='"Größe (m)"', transformSourceObjects=["Größe (m)"]),
        prop("chosen", "varchar(8)", transformLogic='"select"', transformSourceObjects=["select"]),
        prop("b", "varchar(8)", transformLogic='"a ""b"""', transformSourceObjects=['a "b"']),
    ]
    done = pipeline.run(pipeline.write("a.csv", text, "csv"), columns, rows=1)
    assert list(done.raw[0]) == ["at", "Größe (m)", "select", 'a "b"', "at_1", "column5", "row:"]
    assert [done.accepted[0][name] for name in ("size", "chosen", "b")] == [1.5, "x", "y"]
    assert len(done.drift) == 3


def test_capitals_of_a_header_do_not_matter(pipeline):
    done = pipeline.run(pipeline.write("a.csv", csv("ID,At", f"1,{DAY}"), "csv"), [ID, AT], rows=1)
    assert done.raw == [{"ID": "1", "At": DAY}]
    assert done.values("id") == [1]
    assert done.drift == []


def test_quoted_newlines_and_delimiters_are_values(pipeline):
    text = csv("id;at;name", f'1;{DAY};"a\nb;""c"""')
    extract = pipeline.write("a.csv", text, "csv", csv={"delimiter": ";"})
    assert pipeline.run(extract, [ID, AT, prop("name", "varchar(16)")], rows=1).values("name") == ['a\nb;"c"']


@pytest.mark.parametrize(("line", "number"), [(f"2,{DAY}", 3), (f"2,{DAY},x,surplus", 3)])
def test_ragged_row_is_refused_with_file_and_line(pipeline, line, number):
    extract = pipeline.write("a.csv", csv("id,at,name", f"1,{DAY},x", line), "csv")
    with pytest.raises(SourceError, match=rf"a\.csv: line {number}") as caught:
        pipeline.run(extract, [ID, AT])
    assert "csv.ragged" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('"id\n",at\n' + f"1,{DAY}\n" * 50 + "bad\n", 53),
        ("id,at\r\n" + "\n" * 20 + f"1,{DAY}\nbad\n1\n", 23),
        (f'before\nid,at\r\n"1\n\n",{DAY}\nbad\n', 6),
    ],
)
def test_the_line_is_the_file_s_where_its_rows_are_written_anew(pipeline, text, number):
    skip = {"csv": {"skip": 1}} if text.startswith("before") else {}
    with pytest.raises(SourceError, match=rf"a\.csv: line {number}: 1 values, not 2; set csv.ragged"):
        pipeline.run(pipeline.write("a.csv", text.encode(), "csv", **skip), [ID, AT])


def test_ragged_rows_are_kept_where_the_source_is_known_to_have_them(pipeline):
    text = csv("id,at,name", f"1,{DAY}", f"2,{DAY},x,surplus,", f'3,{DAY},"y\nz"')
    extract = pipeline.write("a.csv", text, "csv", csv={"ragged": True})
    done = pipeline.run(extract, [ID, AT, prop("name", "varchar(8)")], rows=3)
    assert done.values("name") == [None, "x", "y\nz"]
    assert done.raw_values("column3") == [None, "surplus", None]


def test_header_rules(pipeline):
    text = csv("Report of 2024", "", "1|2024-01-01", "2|2024-01-02")
    extract = pipeline.write("a.csv", text, "csv", csv={"delimiter": "|", "skip": 2, "names": ["id", "at"]})
    assert pipeline.run(extract, [ID, AT], rows=2).values("id") == [1, 2]


def test_code_that_looks_like_null_is_one_where_the_contract_says_so(pipeline):
    text = csv("id,at,country,value", f"1,{DAY},NA,NA", f"2,{DAY},null,null", f"3,{DAY},DE,-")
    columns = [ID, AT, prop("country", "varchar(4)", custom={"nullWords": []}), prop("value", "integer")]
    done = pipeline.run(pipeline.write("a.csv", text, "csv"), columns, rows=3, custom={"nullWords": ["NA", "null"]})
    assert done.raw_values("country") == ["NA", "null", "DE"]
    assert done.values("country") == ["NA", "null"]
    assert done.values("value") == [None, None]
    assert done.reasons == [("value", "cast", "-")]


NUMBERS = [
    ("1,234,567.89", "1234567.89"), ("1234567.89", "1234567.89"), ("-1,000", "-1000"), ("+5", "5"), (" 7 ", "7"),
    ("1,00", None), ("1,0000", None), ("1.000,5", None), ("1_000", None), ("0x10", None), ("", None),
]  # fmt: skip


def test_thousands_separators_stand_between_three_digits(pipeline):
    text = csv("id,at,price", *(f'{n},{DAY},"{text}"' for n, (text, _) in enumerate(NUMBERS)))
    columns = [ID, AT, prop("price", "decimal(12,2)", custom={"thousandsSeparator": ","})]
    done = pipeline.run(pipeline.write("a.csv", text, "csv"), columns, rows=len(NUMBERS))
    assert {str(row["id"]): row["price"] and f"{row['price'].normalize():f}" for row in done.accepted} == {
        str(n): value for n, (text, value) in enumerate(NUMBERS) if value or not text
    }
    assert done.reasons == [("price", "cast", text) for text, value in NUMBERS if text and not value]


def test_comma_may_be_the_decimal_sign(pipeline):
    text = csv("id;at;price", f"1;{DAY};1.234,5", f"2;{DAY};0,25", f"3;{DAY};1.5", f"4;{DAY};,5")
    marks = {"decimalSeparator": ",", "thousandsSeparator": "."}
    extract = pipeline.write("a.csv", text, "csv", csv={"delimiter": ";"})
    done = pipeline.run(extract, [ID, AT, prop("price", "double precision", custom=marks)], rows=4)
    assert done.values("price") == [1234.5, 0.25, 0.5]
    assert done.reasons == [("price", "cast", "1.5")]


def test_leading_zeros_and_numbers_beyond_64_bits_stay(pipeline):
    text = csv("id,at,zip,big", f"1,{DAY},00501,12345678901234567890123456789012345678", f"2,{DAY},1e3,9")
    columns = [prop("id", "integer"), AT, prop("zip", "char(5)"), prop("big", "decimal(38,0)")]
    done = pipeline.run(pipeline.write("a.csv", text, "csv"), columns, rows=2)
    assert done.values("zip") == ["00501", "1e3"]
    assert [str(value) for value in done.values("big")] == ["12345678901234567890123456789012345678", "9"]


TRUTHS = ["true", "T", "yes", "Y", "1", "FALSE", "f", "no", "n", "0", "", "on", "ja", "2", "1.0"]


def test_booleans_in_many_spellings(pipeline):
    text = csv("id,at,flag", *(f"{n},{DAY},{truth}" for n, truth in enumerate(TRUTHS)))
    done = pipeline.run(pipeline.write("a.csv", text, "csv"), [ID, AT, prop("flag", "boolean")], rows=len(TRUTHS))
    assert done.values("flag") == [True] * 5 + [False] * 5 + [None]
    assert done.reasons == [("flag", "cast", truth) for truth in TRUTHS[11:]]


def test_words_for_true_and_false_are_the_contract_s_alone(pipeline):
    text = csv("id,at,flag", *(f"{n},{DAY},{truth}" for n, truth in enumerate(["ja", "nein", "", "true", "Ja"])))
    flag = prop("flag", "boolean", custom={"trueWords": ["ja"], "falseWords": ["nein"]})
    done = pipeline.run(pipeline.write("a.csv", text, "csv"), [ID, AT, flag], rows=5)
    assert done.values("flag") == [True, False, None]
    assert done.reasons == [("flag", "cast", "true"), ("flag", "cast", "Ja")]


def test_long_text_is_measured_in_bytes_and_kept_whole_in_raw(pipeline):
    texts = ["é" * 40_000, "x" * 3_000_000, "y"]
    text = csv("id,at,body", *(f"{n},{DAY},{body}" for n, body in enumerate(texts)))
    done = pipeline.run(pipeline.write("a.csv", text, "csv"), [ID, AT, prop("body", "varchar(65535)")], rows=3)
    assert done.raw_values("body") == texts
    assert done.values("id") == [2]
    assert [(column, rule) for column, rule, _ in done.reasons] == [("body", "bytes")] * 2


def test_empty_file_is_refused_and_one_with_a_header_alone_is_an_empty_day(pipeline):
    with pytest.raises(SourceError, match="is empty"):
        pipeline.run(pipeline.write("a.csv", "", "csv"), [ID, AT])
    done = pipeline.run(pipeline.write("a.csv", "id,at\n", "csv"), [ID, AT], rows=0)
    assert done.days == {"2024-01-01": 0}


def test_thousands_of_columns_are_no_table(pipeline):
    names = [f"c{number}" for number in range(9_998)]
    text = csv(",".join(["id", "at", *names]), ",".join(["1", DAY, *("x" for _ in names)]))
    with pytest.raises(SourceError, match=r"a\.csv: 10,000 columns; a raw object has at most 1,600"):
        pipeline.run(pipeline.write("a.csv", text, "csv"), [ID, AT])
