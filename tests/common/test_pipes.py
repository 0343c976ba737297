import base64
import json
import zlib

import pytest

from lambdas.common.pipes import reporting

MESSAGES = {"buffered_stdio": "stderr"}
CONTEXT = {
    "asset_keys": ["raw/weather"],
    "code_version_by_asset_key": {"raw/weather": None},
    "provenance_by_asset_key": {"raw/weather": None},
    "partition_key": None,
    "partition_key_range": None,
    "partition_time_window": None,
    "run_id": "run",
    "job_name": "job",
    "retry_number": 0,
    "extras": {},
}


def encoded(value):
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


def pipes_event():
    # what PipesLambdaClient adds to an event
    return {"DAGSTER_PIPES_CONTEXT": encoded({"data": CONTEXT}), "DAGSTER_PIPES_MESSAGES": encoded(MESSAGES)}


def invoke(event, answer):
    with reporting(event) as report:
        report(answer)


def messages(text):
    return [json.loads(line) for line in text.splitlines() if "__dagster_pipes_version" in line]


def test_one_process_serves_direct_calls_and_pipes_calls_in_any_order(capsys):
    invoke({"source": "weather"}, {"rows": 1})
    assert messages(capsys.readouterr().err) == []
    for rows in (2, 3):
        invoke(pipes_event(), {"rows": rows, "remaining": None})
        sent = messages(capsys.readouterr().err)
        assert [message["method"] for message in sent] == ["opened", "report_custom_message", "closed"]
        assert sent[1]["params"]["payload"] == {"rows": rows, "remaining": None}
    invoke({"source": "weather"}, {"rows": 4})
    assert messages(capsys.readouterr().err) == []


def test_an_error_in_the_call_reports_no_answer_and_passes_on(capsys):
    with pytest.raises(RuntimeError, match="no answer"), reporting(pipes_event()):
        raise RuntimeError("no answer")
    assert [message["method"] for message in messages(capsys.readouterr().err)] == ["opened", "closed"]


def test_the_report_of_an_answer_stays_small(capsys):
    answer = {"source": "s" * 41, "start": "2013-01-01", "end": "2014-01-02", "rows": 10**9, "bytes": 10**12}
    invoke(pipes_event(), {**answer, "objects": {"put": 366, "unchanged": 366, "emptied": 366}, "remaining": answer})
    assert len(capsys.readouterr().err) < 2048


def test_a_report_has_no_position_of_a_slice_and_the_answer_keeps_it(capsys):
    part = {"number": 1, "at": {"after": ["u3@example.org"]}, "run": "0" * 32}
    answer = {"rows": 1, "remaining": {"start": "2024-01-01", "end": "2024-01-02", "slice": part}}
    invoke(pipes_event(), answer)
    err = capsys.readouterr().err
    assert messages(err)[1]["params"]["payload"]["remaining"] == {
        "start": "2024-01-01",
        "end": "2024-01-02",
        "slice": {"number": 1, "run": "0" * 32},
    }
    assert "example" not in err
    assert answer["remaining"]["slice"] is part
