"""`make check` over what a defs.yaml says of its source: kinds of login and of pages, places and dialects of files."""

from pathlib import Path

import pytest

from lambdas.common.contract.check import check_source

HEAD = """type: orchestration.components.Source
attributes:
  start: "2024-01-01"
  extract:
"""
REST_API = """    rest_api:
      client:
        base_url: "https://host/v1"
        auth:
          type: oauth2_client_credentials
          access_token_url: "https://host/token"
          client_id: me
          client_secret: "{secret:local/key}"
        paginator: auto
      resources:
        - name: things
          endpoint:
            path: things
            params:
              since: "{start}"
            paginator:
              type: offset
              limit: 100
              total_path: null
"""
FILES = """    filesystem:
      bucket_url: "{env:THINGS}/files"
      format: csv
      csv:
        delimiter: ";"
"""
DATABASE = """    sql_database:
      url: sqlite:////data/things.db
      query: SELECT * FROM things WHERE at >= '{start}' AND at < {end:epoch} AND kind <> '{a}'
"""
REST_MISTAKES = [
    ("type: offset", "type: ofset", "type: ofset", "type is 'ofset'; did you mean 'offset'?"),
    ("type: oauth2_client_credentials", "type: oauth", "type: oauth", "type is 'oauth'"),
    ("type: oauth2_client_credentials", "type: bearr", "bearr", "type is 'bearr'; did you mean 'bearer'?"),
    ("client_id: me", "clientid: me", "clientid", "unknown keys of oauth2_client_credentials 'clientid'; did you mean"),
    ("client_id: me", "access_token: me", "auth:", "oauth2_client_credentials needs client_id"),
    ("limit: 100", "limits: 100", "limits", "unknown keys of offset 'limits'; did you mean 'limit'?"),
    ("              limit: 100\n", "", "paginator:", "offset needs limit"),
    ("paginator: auto", "paginator: autop", "autop", "type is 'autop'; did you mean 'auto'?"),
    ("paginator: auto", "paginator: [auto]", "[auto]", "paginator must be a mapping with type"),
    ("base_url: ", "base_ulr: ", "base_ulr", "unknown keys 'base_ulr'; did you mean 'base_url'?"),
    ('base_url: "https://host', 'base_url: "host', "base_url", "it must begin with https:// or http://"),
    ("params:", "parms:", "parms", "unknown keys 'parms'; did you mean 'params'?"),
    ("- name: things", "- primary_key: id\n          name: things", "primary_key", "primary_key means nothing here"),
    ("- name: things", "- nam: things", "- nam: things", "unknown keys 'nam'; did you mean 'name'?"),
    ("path: things", "path: things\n            method: FETCH", "FETCH", "method is 'FETCH'; allowed are GET, POST"),
    ("resources:", "resource:", "resource:", "unknown keys 'resource'; did you mean 'resources'?"),
    ("type: oauth2", "location: cookie\n          type: oauth2", "location", "it must be header or query"),
]


FILE_MISTAKES = [
    ('delimiter: ";"', 'delimiter: ";;"', "delimiter", "delimiter is ';;'; it must be one character"),
    ('delimiter: ";"', 'delimiter: ""', "delimiter", "delimiter is ''; it must be one character"),
    ('delimiter: ";"', "names: id", "names", "names is 'id'; it must be a list, as in [id, at]"),
    ('delimiter: ";"', "encoding: utf-9", "encoding", "encoding 'utf-9' is not one that Python knows"),
    ('delimiter: ";"', "skip: two", "skip", "skip is 'two'; it must be a number of lines"),
    ('delimiter: ";"', "ragged: maybe", "ragged", "ragged must be true or false"),
    ("{env:THINGS}/files", "/no/such/folder", "/no/such", "/no/such/folder does not exist here"),
    ("{env:THINGS}/files", "files", "bucket_url", "'files' is neither a whole path, from / on, nor s3://"),
    ("{env:THINGS}/files", "gs://files", "gs://", "gs:// is not supported"),
]

DATABASE_MISTAKES = [
    ("sqlite:////", "mysqlx://", "url", "mysqlx:// is no kind of database that SQLAlchemy knows"),
    ("sqlite:////", "mysqlx://", "url", "did you mean 'mysql'?"),
    ("sqlite:////", "postgresql+pg8001://h/", "url", "postgresql+pg8001:// is no kind of database"),
    (
        "sqlite:////",
        "oracle://h/",
        "url",
        "the driver that oracle:// asks for is not there; it goes into requirements/ingest.in",
    ),
    ("sqlite:////", "postgresql://h/", "url", "write postgresql+psycopg2://"),
    ("sqlite:////", "/", "url", "url is no address of a database"),
    ("{end:epoch}", "{begin}", "query", "token {begin} is not filled; known are end, start"),
    ("'{start}'", "'{strat}'", "query", "token {strat} is not filled; did you mean 'start'?"),
    ("query", "querry", "querry", "unknown keys 'querry'; did you mean 'query'?"),
]

TRIED = ((REST_API, REST_MISTAKES), (FILES, FILE_MISTAKES), (DATABASE, DATABASE_MISTAKES))


def told(tmp_path: Path, text: str) -> list[str]:
    """What is said of that defs.yaml, without the contract that is not there."""
    folder = tmp_path / "sources" / "things"
    folder.mkdir(parents=True)
    (folder / "defs.yaml").write_text(text)
    shown = "assets/sources/things/defs.yaml:"
    return [line.removeprefix(shown) for line in check_source(folder) if line.startswith(shown)]


@pytest.mark.parametrize("extract", [REST_API, FILES, DATABASE, DATABASE.replace("sqlite:////data", "postgresql+psycopg2://{env:WHERE}"),
                                     DATABASE.replace("sqlite:////data/things.db", "'{secret:address}'")])  # fmt: skip
def test_a_right_one_passes(tmp_path, extract):
    assert told(tmp_path, HEAD + extract) == []


@pytest.mark.parametrize(
    ("extract", "mistake"),
    [(extract, mistake) for extract, found in TRIED for mistake in found],
    ids=[mistake[3] for mistake in (*REST_MISTAKES, *FILE_MISTAKES, *DATABASE_MISTAKES)],
)
def test_a_mistake_has_its_line_and_a_hint(tmp_path, extract, mistake):
    old, new, mark, words = mistake
    assert old in extract
    text = HEAD + extract.replace(old, new, 1)
    found = [line for line in told(tmp_path, text) if words in line]
    assert len(found) == 1
    assert mark in text.splitlines()[int(found[0].partition(":")[0]) - 1]
