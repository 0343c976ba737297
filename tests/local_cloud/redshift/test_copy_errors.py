"""Bad rows, refused options and authorizations of COPY from text, and where loaders look for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from infrastructure.local.redshift.dialect.translate import translate
from infrastructure.local.redshift.errors import RedshiftError
from tests.local_cloud.redshift.conftest import fails, runner
from tests.local_cloud.redshift.lake import Put, Run, errors, text_putter
from tests.local_cloud.redshift.lake import copy_text as copy

COLUMNS = "id int not null, name varchar(10), amount decimal(8,2), at timestamp, d date, ok boolean, f float8"


@pytest.fixture
def put(s3: Any) -> Put:
    return text_putter(s3)


@pytest.fixture
def table(run: Run, connection: Any) -> None:
    run(f"create temp table t ({COLUMNS})")
    connection.commit()


BAD_ROWS = [
    ("int", "1a2", 1207, "Invalid digit, Value 'a', Pos 1, Type: Integer"),
    ("smallint", "x", 1207, "Invalid digit, Value 'x', Pos 0, Type: Short"),
    ("bigint", "1.0", 1207, "Invalid digit, Value '.', Pos 1, Type: Long"),
    ("int", "2147483648", 1222, "Overflow"),
    ("decimal(4,2)", "1e1", 1207, "Type: Decimal"),
    ("decimal(4,2)", "100.00", 1204, "NUMERIC(4,2)"),
    ("float8", "1,5", 1208, "floating point"),
    ("boolean", "maybe", 1210, "Unknown boolean format"),
    ("varchar(4)", "éé1", 1204, "String length exceeds DDL length"),
    ("char(2)", "abc", 1204, "Char length exceeds DDL length"),
    ("char(8)", "é", 1220, "Multibyte character not supported for CHAR"),
    ("date", "2020-1-1", 1205, "length must be 10 or more"),
    ("date", "2020-02-30", 1205, "Invalid Date Format"),
    ("timestamp", "2020-01-01T00:00:00", 1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"),
    ("super", "{a}", 1224, "JSON"),
    ("int not null", "\\N", 1213, "Missing data for not-null field"),
    ("varchar(3)", "a|b", 1202, "Extra column(s) found"),
    ("varchar(3)", "a\0", 1218, "Invalid null byte"),
]


def test_bad_rows_are_named_with_redshifts_codes(run: Run, connection: Any, put: Put) -> None:
    for kind, text, code, reason in BAD_ROWS:
        run("drop table if exists one")
        run(f"create temp table one (v {kind})")
        connection.commit()
        error = fails(run, copy(put(f"{text}\n"), target="one"))
        assert error["C"] == "XX000", text
        assert error["M"] == "Load into table 'one' failed.  Check 'sys_load_error_detail' system table for details."
        connection.rollback()
        assert run("select count(*) from one") == [[0]]
        ((line, _, found, message),) = errors(run)
        assert (line, found) == (1, code), (kind, text)
        assert reason in message, (kind, text)


def test_invalid_utf8_is_refused_or_replaced(run: Run, connection: Any, put: Put) -> None:
    run("create temp table one (v varchar(10))")
    connection.commit()
    url = put(b"a\xe9b\nok\n")
    fails(run, copy(url, target="one"))
    connection.rollback()
    assert errors(run) == [
        [1, "v", 1220, "String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: e9 (error 4)"]
    ]
    run(copy(url, "acceptinvchars '^'", target="one"))
    assert sorted(run("select v from one")) == [["a^b"], ["ok"]]


@pytest.mark.usefixtures("table")
def test_maxerror_lets_fewer_bad_rows_pass(run: Run, connection: Any, put: Put) -> None:
    url = put("1|||||\nx||||||\n3||||||\ny||||||\n")
    assert fails(run, copy(url, "maxerror 3"))["C"] == "XX000"
    connection.rollback()
    run(copy(url, "maxerror 4"))
    assert run("select id from t") == [[3]]
    assert [row[:3] for row in errors(run)] == [[1, "", 1214], [2, "id", 1207], [4, "id", 1207]]
    assert run("select pg_last_copy_count()") == [[1]]
    notices = b"".join(notice.get(b"M", b"") for notice in connection.notices)
    assert b"3 record(s) could not be loaded" in notices
    connection.rollback()


@pytest.mark.usefixtures("table")
def test_maxerror_one_fails_at_the_first_bad_row_and_ignoreallerrors_never(run: Run, connection: Any, put: Put) -> None:
    url = put("x||||||\ny||||||\n3||||||\n")
    fails(run, copy(url, "maxerror 1"))
    connection.rollback()
    assert len(errors(run)) == 1
    run(copy(url, "ignoreallerrors"))
    assert run("select id from t") == [[3]]


@pytest.mark.usefixtures("table")
def test_noload_checks_and_loads_nothing(run: Run, connection: Any, put: Put) -> None:
    run(copy(put("1||||||\n"), "noload"))
    assert run("select count(*) from t") == [[0]]
    fails(run, copy(put("x||||||\n"), "noload"))
    connection.rollback()
    assert errors(run)[0][2] == 1207


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ("csv escape", "42601", "ESCAPE is not compatible with COPY from CSV"),
        ("quote '%'", "42601", "QUOTE is not compatible"),
        ("json 'auto' delimiter ','", "42601", "DELIMITER is not compatible"),
        ("csv json", "42601", "conflicting or redundant options"),
        ("gzip bzip2", "42601", "conflicting or redundant options"),
        ("csv csv", "42601", "conflicting or redundant options"),
        ("maxerror 100001", "22023", "MAXERROR"),
        ("maxerror 5 ignoreallerrors", "42601", "conflicting"),
        ("delimiter ',,'", "22023", "single ASCII character"),
        ("lzop", "0A000", "LZOP"),
        ("format as orc", "0A000", "ORC"),
        ("fixedwidth '1:2'", "0A000", "FIXEDWIDTH"),
        ("encoding utf16", "0A000", "ENCODING UTF16"),
        ("bogus", "42601", "bogus"),
    ],
)
def test_options_that_do_not_go_are_refused(options: str, code: str, text: str) -> None:
    with pytest.raises(RedshiftError, match=re.escape(text)) as refused:
        translate(copy("s3://lake/x", options))
    assert refused.value.code == code


@pytest.mark.usefixtures("table")
def test_a_format_of_dates_that_is_not_covered_is_refused_by_name(run: Run, put: Put) -> None:
    error = fails(run, copy(put("1||||||\n"), "dateformat 'DAY'"))
    assert (error["C"], "date or time format 'DAY'" in error["M"]) == ("0A000", True)


@pytest.mark.parametrize(
    "authorization",
    [
        "iam_role 'arn:aws:iam::123456789012:role/loader,arn:aws:iam::210987654321:role/reader'",
        "credentials 'aws_iam_role=arn:aws:iam::123456789012:role/loader'",
        "with credentials as 'aws_access_key_id=AKIA;aws_secret_access_key=s;token=t'",
        "access_key_id 'AKIA' secret_access_key 'secret' session_token 'token'",
    ],
)
def test_forms_of_authorization(authorization: str) -> None:
    (plan,) = translate(f"copy t from 's3://lake/x' {authorization}")
    assert plan.copy is not None


@pytest.mark.parametrize(
    "authorization",
    ["credentials 'topsecret'", "credentials 'aws_access_key_id=topsecret'", "access_key_id 'a' secret_access_key ''",
     "credentials as 'aws_iam_role=default' 'topsecret'"],
)  # fmt: skip
def test_a_wrong_authorization_is_refused_and_not_repeated(authorization: str) -> None:
    with pytest.raises(RedshiftError) as refused:
        translate(f"copy t from 's3://lake/x' {authorization}")
    assert "topsecret" not in str(refused.value.fields())


def test_where_loaders_look_for_errors_and_history(connect: Callable[..., Any], put: Put) -> None:
    connection = connect()
    connection.autocommit = True
    run = runner(connection)
    run("drop table if exists looked_at")
    run("create table looked_at (id int, v varchar(3))")
    good, bad = put("1,a\n", "good"), put("2,b\n3,toolong\n", "bad")
    run(copy(good, "csv", "looked_at"))
    history = "select status, table_name, loaded_rows, source_file_count, file_format, data_source, error_count"
    loaded = run(f"{history} from sys_load_history where query_id = pg_last_copy_id()")
    assert loaded == [["completed", "looked_at", 1, 1, "csv", good, 0]]
    assert run("select trim(filename) from stl_load_commits where query = pg_last_copy_id()") == [[good]]
    fails(run, copy(bad, "csv", "looked_at"))
    assert run(f"{history} from sys_load_history where query_id = pg_last_copy_id()")[0][:3] == [
        "aborted", "looked_at", 0,
    ]  # fmt: skip
    detail = run(
        "select trim(filename), line_number, trim(colname), trim(type), trim(col_length), err_code, trim(raw_line),"
        " trim(raw_field_value), trim(err_reason) from stl_load_errors where query = pg_last_copy_id()"
    )
    assert detail == [[bad, 2, "v", "varchar", "3", 1204, "3,toolong", "toolong", "String length exceeds DDL length"]]
    assert run("select pg_last_copy_count()") == [[0]]
    run("drop table looked_at")


def test_a_user_sees_the_errors_of_their_own_loads_only(connect: Callable[..., Any], put: Put) -> None:
    admin = connect()
    admin.autocommit = True
    run = runner(admin)
    run("create user copy_guest password 'Guest-Password-1'")
    run("create temp table one (v int)")
    fails(run, copy(put("x\n"), target="one"))
    theirs = connect("copy_guest", "Guest-Password-1")
    guest = runner(theirs)
    assert guest("select count(*) from sys_load_error_detail") == [[0]]
    guest("create temp table mine (v int)")
    guest("commit")
    fails(guest, copy(put("x\n"), target="mine"))
    theirs.rollback()
    assert guest("select count(*) from sys_load_error_detail") == [[1]]
    guest("drop table mine")
    guest("commit")
    run("drop user copy_guest")


def test_copy_into_what_is_no_table(run: Run, connection: Any, put: Put) -> None:
    url = put("1\n")
    assert fails(run, copy(url, target="nowhere"))["M"] == "Cannot COPY into nonexistent table nowhere"
    connection.rollback()
    run("create view a_view as select 1 as v")
    assert fails(run, copy(url, target="a_view"))["C"] in {"42809", "0A000"}
    connection.rollback()
