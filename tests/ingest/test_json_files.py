"""JSON of any size, piece by piece: the records are those that reading it whole would give."""

import json
import random
import tracemalloc

import pytest

from lambdas.common.errors import SourceError
from lambdas.ingest import json_files
from lambdas.ingest.exact_json import parse
from lambdas.ingest.json_files import read_json

VALUES = ['{"a": [1, {"b": "]}"}], "c": null}', '"\\\\"', '"\\ud83d\\ude00 é"', "[]", "{}", "-12.5e+3", "true", "NaN",
          "7", '{"n": 12345678901234567890.123}', '{"a": "x\\u005d\\"y"}']  # fmt: skip


@pytest.fixture(params=[1, 2, 3, 7, 1 << 20])
def chunk(request, monkeypatch):
    monkeypatch.setattr(json_files, "CHUNK", request.param)


def read(folder, content, selector=None):
    path = folder / "in.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_json(path, selector))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
def test_records_are_read_wherever_the_text_is_cut(tmp_path, chunk, encoding):
    chosen = random.Random(1).choices(VALUES, k=60)
    whole = [parse(text) for text in chosen]
    array = "[" + " ,\n".join(chosen) + "]\r\n"
    assert repr(read(tmp_path, array.encode(encoding))) == repr(whole)
    envelope = '{"meta": {"items": [1, 2], "x": [[], {}]}, "n": 12, "data" : {"items":' + array + ', "z": 1}, "y": "}"}'
    assert repr(read(tmp_path, envelope.encode(encoding), "data.items")) == repr(whole)
    assert repr(read(tmp_path, "\n".join(["{}", *chosen]).encode(encoding))) == repr([{}, *whole])


@pytest.mark.parametrize("selector", [None, "$.items"])
def test_no_records_are_none(tmp_path, chunk, selector):
    assert read(tmp_path, '{"items": [ ] }' if selector else "[ ]", selector) == []
    assert read(tmp_path, "") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "nothing at 'a'"),
        ("[1]", "nothing at 'a'"),
        ('{"b": {"a": []}}', "character 17: nothing at 'a' of json.data_selector 'a'"),
        ('{"a": {"b": []}}', "character 7: json.data_selector 'a' is no list"),
        ('{"a": [1], "a": [2]}', "'a' of json.data_selector 'a' comes twice"),
        ('{"a": [1, 2', "no JSON: , or ] must stand there, not the end"),
        ('{"a": [1, 2]', "no JSON: , or } must stand there, not the end"),
        ('{"a": [1 2]}', "character 10: no JSON: , or ] must stand there, not 2"),
        ('{"a": [1,]}', "character 10: no JSON: Expecting value"),
        ('{"a": [1], b: 2}', 'character 12: no JSON: " must stand there, not b'),
        ('{"a": [1]} {}', "no JSON: more follows behind the end"),
        ('{"a": ["no end]}', "character 8: no JSON: Unterminated string"),
        ('{"a": [' + "[" * 100_000, "nested too deep"),
        (b'{"a": ["\xff"]}', "no JSON: 'utf-8' codec"),
    ],
)
def test_what_is_broken_is_told_with_its_place(tmp_path, content, said):
    with pytest.raises(SourceError) as caught:
        read(tmp_path, content, "a")
    assert "in.json: " in str(caught.value)
    assert said in str(caught.value)


def test_a_mistake_early_in_a_large_file_is_told_without_reading_on(tmp_path, monkeypatch):
    monkeypatch.setattr(json_files, "CHUNK", 100)
    monkeypatch.setattr(json_files, "LARGEST", 1000)
    text = '[{"x": 1, y: 2}' + ', {"x": 1}' * 1000 + "]"
    with pytest.raises(SourceError, match=r"character 11: no JSON: Expecting property name"):
        read(tmp_path, text)


@pytest.mark.parametrize("content", ['["%s"]', '{"a": "%s", "items": []}'])
def test_a_value_that_is_too_large_is_refused_with_the_limit(tmp_path, monkeypatch, content):
    monkeypatch.setattr(json_files, "CHUNK", 100)
    monkeypatch.setattr(json_files, "LARGEST", 1000)
    with pytest.raises(SourceError, match=r"more than 1,000 signs, or does not end; say by json.data_selector"):
        read(tmp_path, content % ("x" * 3000), "items" if "items" in content else None)
    large = json.dumps({"more": [{"x": [1] * 900}] * 9, "items": [1]})
    assert read(tmp_path, large, "items") == [1], "what is passed over may be larger"


@pytest.mark.parametrize("selector", [None, "items"])
def test_no_more_is_held_than_a_record_needs(tmp_path, monkeypatch, selector):
    monkeypatch.setattr(json_files, "CHUNK", 2000)
    records = [{"id": n, "x": "x" * 80} for n in range(5000)]
    path = tmp_path / "in.json"
    path.write_text(json.dumps({"items": records, "more": records} if selector else records))
    tracemalloc.start()
    assert sum(1 for _ in read_json(path, selector)) == len(records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000 < path.stat().st_size // 4
