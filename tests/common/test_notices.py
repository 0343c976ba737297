"""What a message of the queue says: one reading for Dagster's sensor and for the function that SQS calls."""

import datetime as dt
import json

import pytest

from lambdas.common.notices import Put, read_notices

KEY = "raw/quakes/2018/02/01/data_1.parquet"


def event(key=KEY, *, name="ObjectCreated:Put", bucket="lake", **item):
    return {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": key, **item}}}


def kinds(*events, body=None):
    return [notice.kind for notice in read_notices(body or json.dumps({"Records": events}), "lake")]


def test_a_put_says_key_content_and_day():
    (found,) = read_notices(json.dumps({"Records": [event(eTag="e", sequencer="1")]}), "lake")
    assert (found.kind, found.put) == ("put", Put(KEY, "e", "1"))
    assert (found.raw.source, str(found.raw.day)) == ("quakes", "2018-02-01")


@pytest.mark.parametrize(
    ("text", "moment"),
    [("2018-02-01T10:00:00.123Z", dt.datetime(2018, 2, 1, 10, 0, 0, 123000, dt.UTC)), ("soon", None), (None, None)],
)
def test_a_put_says_when_it_was_where_the_message_does_and_is_the_same_put_all_the_same(text, moment):
    (found,) = read_notices(json.dumps({"Records": [event(eTag="e", sequencer="1") | {"eventTime": text}]}), "lake")
    assert (found.put, found.put.at) == (Put(KEY, "e", "1"), moment)


def test_keys_arrive_encoded_as_in_a_url():
    (found,) = read_notices(json.dumps({"Records": [event("raw/q/2018/02/01/data_a%2Bb%3A1+c.parquet")]}), "lake")
    assert (found.kind, found.put.key) == ("put", "raw/q/2018/02/01/data_a+b:1 c.parquet")


@pytest.mark.parametrize("name", ["export.csv", "DATA_1.PARQUET", "sub/data_1.parquet", "data_%C3%A4.parquet", ""])
def test_a_name_that_breaks_the_pattern_makes_its_day_dirty_like_any_other(name):
    (found,) = read_notices(json.dumps({"Records": [event(f"raw/quakes/2018/02/01/{name}")]}), "lake")
    assert (found.kind, found.raw.source, str(found.raw.day)) == ("put", "quakes", "2018-02-01")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (event(name="ObjectCreated:CompleteMultipartUpload"), "put"),
        (event(name="ObjectRemoved:Delete"), "removed"),
        (event(name="ReducedRedundancyLostObject"), "foreign"),
        (event(bucket="another"), "foreign"),
        (event("raw/quakes/2018/02/31/data_1.parquet"), "undated"),
        (event("raw/quakes/data_1.parquet"), "undated"),
        (event("raw/Quakes/2018/02/01/data_1.parquet"), "undated"),
        (event("raw/quakes/٢٠١٨/02/01/data_1.parquet"), "undated"),
        (event("raw/quakes/2018/02/01/data_%00.parquet"), "undated"),
        (event("raw/quakes/"), "folder"),
        (event("raw/quakes/2018/02/"), "folder"),
        (event("raw/"), "folder"),
        (event("curated/quakes/2018/02/01/data_1.parquet"), "foreign"),
        ({"eventName": "ObjectCreated:Put"}, "malformed"),
        (None, "malformed"),
    ],
)
def test_each_event_is_of_one_kind(given, kind):
    assert kinds(given) == [kind]


@pytest.mark.parametrize("body", ["no json", "[1]", "1", "{}", '{"Records": 1}'])
def test_a_message_that_is_no_notification_is_malformed(body):
    assert kinds(body=body) == ["malformed"]


def test_s3_s_own_test_message_is_none():
    assert kinds(body='{"Service": "Amazon S3", "Event": "s3:TestEvent"}') == ["test"]


def test_an_event_that_nobody_understands_holds_no_other_of_its_message_back():
    assert kinds({"x": 1}, event()) == ["malformed", "put"]
