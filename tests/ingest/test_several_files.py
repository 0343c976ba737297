"""Several files are one source, whatever their names, folders and the capitals of their columns."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.common.errors import RequestError, SourceError
from lambdas.common.propose import read_sample

AT = "2024-01-01 10:00:00"


def write(folder, name, columns):
    """Write a file of the format that its name ends with: values of columns by name."""
    path, table = folder / name, columns if isinstance(columns, pa.Table) else pa.table(columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith("parquet"):
        pq.write_table(table, path)
    elif name.endswith("arrow"):
        with pa.ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table)
    elif name.endswith("csv"):
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in (table.column_names, *rows)))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))


def read(bench, kind, **more):
    """Land all files of that format, also those in folders; the answer."""
    block = {"bucket_url": str(bench.folder), "file_glob": f"**/*.{kind}", "format": kind}
    return bench.ingest({"filesystem": block | more})


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_capitals_of_a_column_do_not_matter(bench, kind):
    write(bench.folder, f"1.{kind}", {"id": ["1"], "at": [AT], "Amount": ["10"]})
    write(bench.folder, f"2.{kind}", {"amount": ["20"], "ID": ["2"], "AT": [AT]})
    write(bench.folder, f"3.{kind}", {"AMOUNT": ["30"], "At": [AT], "Ä": ["x"]})
    write(bench.folder, f"4.{kind}", {"ä": ["y"], "aT": [AT]})
    read(bench, kind)
    wanted = [("1", "10", None), ("2", "20", None), (None, "30", "x"), (None, None, "y")]
    assert bench.rows("2024-01-01") == [
        {"id": number, "at": AT, "Amount": amount, "Ä": letter} for number, amount, letter in wanted
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_files_may_have_all_names_in_other_capitals(bench, kind):
    write(bench.folder, f"1.{kind}", {"ID": ["1"], "AT": [AT]})
    write(bench.folder, f"2.{kind}", {"id": ["2"], "at": [AT]})
    read(bench, kind)
    assert bench.rows("2024-01-01") == [{"ID": "1", "AT": AT}, {"ID": "2", "AT": AT}]


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "ndjson"])
def test_the_name_of_a_folder_is_no_column(bench, kind):
    write(bench.folder, f"id=99/extra=5/a.{kind}", {"id": ["1"], "at": [AT]})
    write(bench.folder, f"id=98/extra=6/a.{kind}", {"id": ["2"], "at": [AT]})
    read(bench, kind)
    assert [row["id"] for row in bench.rows("2024-01-01")] == ["2", "1"]
    assert "extra" not in bench.rows("2024-01-01")[0]


NAMES = ["data[1]", "da*ta", "d?ta1", "it's", "a{1,2}", "x\ny", "back\\[1]slash", "[]", "d[!x]ta1", "~", "a b=c"]


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "ndjson"])
def test_signs_in_a_name_stand_for_no_other_file(bench, kind):
    names = sorted([*NAMES, "data1", "data2", "back1slash", "a1"])
    for number, name in enumerate(names):
        write(bench.folder, f"{name}/{name}.{kind}", {"id": [str(number)], "at": [AT]})
    assert read(bench, kind)["rows"] == len(names)
    assert sorted(int(row["id"]) for row in bench.rows("2024-01-01")) == list(range(len(names)))


def test_an_error_names_the_file_whatever_it_is_called(bench):
    for name in ("data[1]", "it's"):
        (bench.folder / f"{name}.csv").write_text("id,at\n1,2,3\n")
        with pytest.raises(SourceError) as error:
            read(bench, "csv")
        assert f"filesystem: {name}.csv: line 2: 3 values, not 2" in str(error.value)
        (bench.folder / f"{name}.csv").unlink()


SECRET = "078-05-1120"


def test_an_error_shows_no_value_and_names_file_and_column(bench):
    whole = pa.table({"id": [1], "at": [AT], "ssn": [SECRET]})
    broken = whole.set_column(2, "ssn", pa.array([SECRET.encode() + b"\xff"]).view(pa.string()))
    pq.write_table(whole, bench.folder / "a.parquet")
    pq.write_table(broken, bench.folder / "b.parquet")
    with pytest.raises(SourceError) as error:
        read(bench, "parquet")
    told = "b.parquet: column ssn (VARCHAR) cannot be read as parquet; is it whole, and is its text UTF-8?"
    assert str(error.value) == f"things: filesystem: {told}"
    assert error.value.__suppress_context__


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("twin", ["ID", "id"])
def test_two_columns_of_one_name_in_a_file_are_refused(bench, kind, twin):
    write(bench.folder, f"a.{kind}", pa.table([[1], [AT], [7]], names=["id", "at", twin]))
    with pytest.raises(SourceError) as error:
        read(bench, kind)
    assert f"filesystem: a.{kind}: two columns are named 'id' and {twin!r}: which one is meant?" in str(error.value)
    with pytest.raises(RequestError, match="two columns are named 'id' and"):
        read_sample(str(bench.folder / f"a.{kind}"))


RUN_ENDS = pa.RunEndEncodedArray.from_arrays([2, 3], pa.array(["x", None]))
ODD = {
    "month_day_nano_interval": pa.array([pa.MonthDayNano([1, 2, 3])]),
    "struct<>": pa.array([{}], pa.struct([])),
    "list<item: run_end_encoded<run_ends: int64, values: string>>": pa.ListArray.from_arrays([0, 3], RUN_ENDS),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_type_of_arrow_that_parquet_has_not_is_named(bench, kind):
    write(bench.folder, "a.arrow", {"id": [1], "at": [AT], "odd": ODD[kind]})
    with pytest.raises(SourceError) as error:
        read(bench, "arrow")
    assert f"a.arrow: column odd ({kind}) has a type that raw objects cannot have" in str(error.value)


def test_runs_of_one_value_are_written_out(bench):
    write(bench.folder, "a.arrow", {"id": [1, 2, 3], "at": [AT] * 3, "x": RUN_ENDS})
    read(bench, "arrow")
    assert [row["x"] for row in bench.rows("2024-01-01")] == ["x", "x", None]
    assert read_sample(str(bench.folder / "a.arrow")).table["x"].to_pylist() == ["x", "x", None]
