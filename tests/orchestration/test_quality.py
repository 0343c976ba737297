"""What the numbers of a table mean: each check passes and fails where its contract says."""

import datetime as dt
from dataclasses import replace

import dagster as dg
import pytest

from lambdas.common.contract import load_marts, load_source, sound
from lambdas.common.contract.model import QueryRule
from lambdas.common.source import load_source_config, parse_source_config
from orchestration.components.current import CURRENT, build_current
from orchestration.components.quality import (
    CHECKS,
    FRESH,
    GRAIN,
    MART_CHECKS,
    TABLE_RULES,
    build_mart_quality,
    build_quality,
    judge_aside,
    judge_doubled,
    judge_drift,
    judge_fresh,
    judge_nulls,
    judge_rejected,
    judge_rules,
    judge_table,
    judge_usual,
)
from orchestration.components.verdicts import Verdict, check_result
from orchestration.definitions import defs
from orchestration.loads import OF_LEDGER, core_key, load_request
from orchestration.resources import Cloud, build_resources
from tests.orchestration import function

NOW = dt.datetime(2024, 3, 10, 12, tzinfo=dt.UTC)
QUAKES = replace(load_source("earthquakes"), sla={"freshness": (36, "h")})
MART = load_marts()["daily_seismicity"]
RULE = QueryRule("no_gap", "SELECT COUNT(*) FROM ${table}", "mustBe 0", "{value} = 0")


def days(*rows: int, rejected: int = 0) -> dict:
    first = dt.date(2024, 1, 1)
    return {
        "days": [
            {"day": str(first + dt.timedelta(days=n)), "rows_in": count, "rows_accepted": count - rejected}
            | {"rows_rejected": rejected}
            for n, count in enumerate(rows)
        ]
    }


@pytest.mark.parametrize(
    ("limit", "rejected", "passed"),
    [(None, 5, True), (None, 6, False), (0.01, 1, True), (0.01, 2, False), (0, 0, True)],
)
def test_rejected_rows_are_held_against_the_contract_s_limit(limit, rejected, passed):
    found = judge_rejected(replace(QUAKES, max_rejected_ratio=limit), days(100, rejected=rejected), NOW)
    assert found.passed is passed
    assert f"{rejected} of 100 rows" in found.text


@pytest.mark.parametrize("rows", [(), (0, 0)])
def test_a_source_without_rows_rejects_none(rows):
    assert judge_rejected(QUAKES, days(*rows), NOW).passed


def test_a_bad_day_is_told_however_many_good_ones_stand_beside_it():
    answer = days(*[300] * 28, 300, 3)
    assert judge_rejected(QUAKES, answer, NOW).passed
    answer["days"][28]["rows_rejected"], answer["days"][29]["rows_rejected"] = 300, 1
    found = judge_rejected(QUAKES, answer, NOW)
    assert not found.passed
    assert found.text.startswith("2024-01-29: 300 of 300 rows are rejected (100.00%), at most 5.00% may be; 1 more ")
    assert found.wrong_days == ["2024-01-29/2024-01-30"]


@pytest.mark.parametrize(("last", "passed"), [(100, True), (29, False), (31, True), (301, False), (0, False)])
def test_a_day_with_unusually_many_or_few_rows_is_told(last, passed):
    found = judge_usual(QUAKES, {"latest": {"day": "2024-01-08", "rows": last, "before": [100] * 7}}, NOW)
    assert found.passed is passed
    assert found.text == f"2024-01-08 has {last} rows, the days before it 100 (median of 7)"


@pytest.mark.parametrize("latest", [None, {"day": "2024-01-07", "rows": 1, "before": [100] * 6}])
def test_few_days_are_compared_with_nothing(latest):
    assert judge_usual(QUAKES, {"latest": latest}, NOW).passed


@pytest.mark.parametrize(
    ("newest", "passed"),
    [
        ("2024-03-09T00:00:00", True),
        ("2024-03-08T23:59:59", False),
        ("2024-03-09T02:00:00+02:00", True),
        ("2024-03-09", True),
        ("2024-03-08", False),
        (None, False),
    ],
)
def test_the_newest_event_is_held_against_the_contract_s_freshness(newest, passed):
    assert judge_fresh(QUAKES, {"newest": newest}, NOW).passed is passed


def test_without_a_freshness_no_event_is_too_old():
    assert judge_fresh(replace(QUAKES, sla={}), {"newest": "1999-01-01"}, NOW).passed


def watched(functions, contract, **attributes):
    """The evaluation of data_is_fresh of a source with that defs.yaml; its newest event is of 2013-01-01."""
    functions("proved")
    config = parse_source_config(contract.name, {"start": "2012-12-01", **attributes})
    checks = build_quality(contract, config)
    job = dg.define_asset_job("fresh", dg.AssetSelection.checks(*(k for k in checks.check_keys if k.name == FRESH)))
    loaded = dg.Definitions(asset_checks=[checks], jobs=[job], resources=build_resources())
    (found,) = loaded.resolve_job_def("fresh").execute_in_process().get_asset_check_evaluations()
    return found


@pytest.mark.parametrize(
    ("attributes", "passed", "text"),
    [
        ({}, False, "the newest event is of 2013-01-01 00:00 UTC"),
        ({"end": "2013-01-01"}, True, "at 2013-01-02 00:00 it may be 36 hours old"),
        ({"end": "2013-01-02"}, False, "at 2013-01-03 00:00 it may be 36 hours old"),
        ({"end": "9999-12-30"}, False, "the newest event is of 2013-01-01 00:00 UTC"),
        ({"paused": True}, True, "the source is paused"),
    ],
    ids=["goes on", "was fresh when it ended", "was not", "ends later", "paused"],
)
def test_nothing_new_is_expected_of_a_source_that_has_ended_or_is_paused(functions, attributes, passed, text):
    found = watched(functions, QUAKES, **attributes)
    assert (found.passed, text in found.description) == (passed, True)


def test_what_stands_twice_and_what_lacks_a_value_is_named_with_its_column():
    assert judge_doubled(QUAKES, {"doubled": {"event_id": 0}}, NOW).passed
    assert judge_doubled(QUAKES, {"doubled": {"event_id": 2}}, NOW).text == "event_id: 2 stand more than once"
    assert judge_nulls(QUAKES, {"nulls": {"place": 1200, "status": 0}}, NOW).text == "place: 1,200 rows lack it"


def test_what_was_remarked_of_objects_is_told_by_the_check_that_it_concerns():
    answer = {"remarks": function.REMARKS}
    assert judge_drift(QUAKES, answer, NOW).text == (
        f"2 objects, {function.KEY} the newest: new raw column 'x' (VARCHAR): name it"
    )
    assert judge_rules(QUAKES, answer, NOW).text.endswith("quality rule 'some': the query gives 1, mustBe 2")
    assert judge_aside(QUAKES, answer, NOW).text.endswith("not a Parquet file")
    assert all(judge(QUAKES, {"remarks": []}, NOW).passed for judge in (judge_drift, judge_rules, judge_aside))


@pytest.mark.parametrize(("kind", "judge"), [("drift", judge_drift), ("rule", judge_rules)])
def test_a_remark_in_other_words_is_told_by_the_same_check(kind, judge):
    answer = {"remarks": [{**remark, "reason": "said otherwise"} for remark in function.REMARKS]}
    assert not judge(QUAKES, answer, NOW).passed
    others = {"remarks": [remark for remark in function.REMARKS if kind not in remark["kinds"]]}
    assert judge(QUAKES, others, NOW).passed


WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
FAILED = Verdict(passed=False, text="it is wrong", metadata={})
SEVERITIES = [(None, WARN, WARN), ("error", WARN, ERROR), ("blocking", WARN, ERROR), ("warning", ERROR, WARN)]


@pytest.mark.parametrize("contract", [QUAKES, MART], ids=["source", "mart"])
@pytest.mark.parametrize(("said", "usual", "severity"), SEVERITIES)
def test_the_contract_says_how_severe_a_failure_is(contract, said, usual, severity):
    every = sound.CHECKS[contract.kind]
    saying = replace(contract, table_rules=(RULE,), sla=QUAKES.sla, checks=dict.fromkeys(every, said) if said else {})
    config = load_source_config("earthquakes")
    marts = [build_current(saying), *build_mart_quality(saying)]
    built = [build_quality(saying, config)] if contract is QUAKES else marts
    specs = {spec.name: spec for checks in built for spec in checks.check_specs}
    assert {name: spec.blocking for name, spec in specs.items()} == dict.fromkeys(every, said == "blocking")
    found = check_result(saying, every[0], FAILED, usual)
    keeps = f"; until it is well, marts on {contract.schema}/{contract.name} keep what they have"
    assert (found.severity, found.description) == (severity, "it is wrong" + (keeps if said == "blocking" else ""))
    assert found.asset_key == specs[every[0]].asset_key
    mild = check_result(saying, every[0], replace(FAILED, mild=True), usual)
    assert (mild.severity, mild.description) == (WARN, "it is wrong"), "a warning keeps nothing from happening"


@pytest.mark.parametrize("contract", [QUAKES, MART], ids=["source", "mart"])
def test_the_contract_may_name_each_check_and_no_other(contract):
    assert set(sound.CHECKS[contract.kind]) == set(CHECKS if contract is QUAKES else {CURRENT, *MART_CHECKS})
    right = replace(contract, checks=dict.fromkeys(sound.CHECKS[contract.kind], "warning"))
    assert list(sound.find_mistakes(right)) == []
    other = "grain_is_unique" if contract is QUAKES else "rows_are_as_usual"
    wrong = replace(contract, checks={other: "error", "table_rules_hold": "fatal"})
    told = [mistake.text for mistake in sound.find_mistakes(wrong)]
    assert any(f"a {contract.kind} has no check '{other}'; known are" in text for text in told)
    assert any("table_rules_hold is 'fatal'; it must be one of warning, error, blocking" in text for text in told)


@pytest.mark.parametrize(("mode", "passed"), [("proved", True), ("broken", False)])
def test_the_grain_of_a_mart_is_looked_at(functions, mode, passed):
    functions(mode)
    keys = {dg.AssetCheckKey(dg.AssetKey(["mart", "daily_seismicity"]), GRAIN)}
    job = defs().get_repository_def().get_job("proof")
    result = job.get_subset(asset_selection=set(), asset_check_selection=keys).execute_in_process()
    (found,) = result.get_asset_check_evaluations()
    assert (found.passed, found.severity) == (passed, ERROR)


@pytest.mark.parametrize(("said", "severity", "ends_well"), [("warning", WARN, True), ("blocking", ERROR, False)])
def test_a_doubled_grain_is_as_severe_as_the_mart_s_contract_says(functions, said, severity, ends_well):
    functions("broken")
    checks = build_mart_quality(replace(MART, checks={GRAIN: said}))
    job = dg.define_asset_job("grain", dg.AssetSelection.checks(*checks))
    loaded = dg.Definitions(asset_checks=checks, jobs=[job], resources=build_resources())
    result = loaded.resolve_job_def("grain").execute_in_process(raise_on_error=False)
    (found,) = result.get_asset_check_evaluations()
    assert (found.passed, found.severity, result.success) == (False, severity, ends_well)


@pytest.mark.parametrize(("hours", "passed"), [(36, False), (9e6, True)])
def test_a_mart_is_held_against_its_contract_s_freshness(functions, hours, passed):
    functions("proved")
    checks = build_mart_quality(replace(MART, sla={"freshness": (hours, "h")}))
    job = dg.define_asset_job("fresh", dg.AssetSelection.checks(*checks))
    loaded = dg.Definitions(asset_checks=checks, jobs=[job], resources=build_resources())
    result = loaded.resolve_job_def("fresh").execute_in_process()
    found = {e.check_name: e for e in result.get_asset_check_evaluations()}[FRESH]
    assert (found.passed, found.severity, found.asset_key.path) == (passed, WARN, ["mart", "daily_seismicity"])
    assert "the newest event is of 2013-01-01 00:00 UTC" in found.description


def test_rules_over_the_table_are_told_with_what_they_found():
    kept = {"rule": "few", "fatal": True, "holds": True, "text": "its query gives 1, mustBeLessThan 2"}
    broken = {"rule": "none", "fatal": False, "holds": False, "text": "its query gives 3, mustBe 0"}
    assert judge_table(QUAKES, {"rules": [kept]}, NOW).text == "all 1 hold"
    found = judge_table(QUAKES, {"rules": [kept, broken]}, NOW)
    assert (found.passed, found.mild, found.text) == (False, True, "none: its query gives 3, mustBe 0")
    assert not judge_table(QUAKES, {"rules": [broken, {**broken, "fatal": True}]}, NOW).mild


@pytest.mark.parametrize(("source", "severity"), [("flights", "ERROR"), ("earthquakes", "WARN")])
def test_a_broken_rule_over_the_table_is_as_severe_as_it_says(functions, source, severity):
    functions("broken")
    checks = build_quality(replace(load_source(source), table_rules=(RULE,)), load_source_config(source))
    job = dg.define_asset_job("rules", dg.AssetSelection.checks(checks))
    loaded = dg.Definitions(asset_checks=[checks], jobs=[job], resources=build_resources())
    result = loaded.resolve_job_def("rules").execute_in_process()
    found = {e.check_name: e for e in result.get_asset_check_evaluations()}[TABLE_RULES]
    assert (found.passed, found.severity.name, found.description) == (False, severity, "no_gap: its query gives 3")


PAST = {"data_is_fresh"}
BROKEN = {*PAST, "keys_are_unique", "required_values_are_there"}
REMARKED = {"no_object_is_set_aside", "rules_hold", "columns_are_as_agreed"}


@pytest.mark.parametrize(("mode", "wrong"), [("proved", PAST), ("broken", BROKEN | REMARKED)])
def test_all_checks_come_from_one_call(functions, mode, wrong):
    functions(mode)
    keys = {dg.AssetCheckKey(core_key("earthquakes"), name) for name in CHECKS if name != TABLE_RULES}
    job = defs().get_repository_def().get_job("proof")
    result = job.get_subset(asset_selection=set(), asset_check_selection=keys).execute_in_process()
    found = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert {name for name, e in found.items() if not e.passed} == wrong
    assert found["keys_are_unique"].severity == dg.AssetCheckSeverity.ERROR


@pytest.fixture
def asked(monkeypatch):
    """What the function is asked by calls that change nothing."""
    found, invoke = [], Cloud.invoke

    def told(cloud, name, event):
        found.append(event)
        return invoke(cloud, name, event)

    monkeypatch.setattr(Cloud, "invoke", told)
    return found


def load_as_the_sensors_ask():
    """A load of a day with the checks that its request names; their evaluations by name."""
    repository, day = defs().get_repository_def(), dt.date(2018, 2, 1)
    request = load_request(
        dg.build_sensor_context(repository_def=repository), "earthquakes", (day, day), run_key="a load"
    )
    job = repository.get_implicit_job_def_for_assets(request.asset_selection)
    load = job.get_subset(
        asset_selection=set(request.asset_selection), asset_check_selection=set(request.asset_check_keys)
    )
    result = load.execute_in_process(tags=request.tags)
    assert result.success
    return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}


@pytest.mark.filterwarnings("ignore:.*PipesMessageReader.expected_writer_count")
@pytest.mark.parametrize(("mode", "wrong"), [("plain", set()), ("broken", REMARKED)])
def test_a_load_tells_what_the_ledger_knows_of_it_without_reading_a_table(functions, asked, mode, wrong):
    functions(mode)
    found = load_as_the_sensors_ask()
    assert found.keys() == OF_LEDGER
    assert {name for name, evaluation in found.items() if not evaluation.passed} == wrong
    days = {"start": "2018-02-01", "end": "2018-02-02"}
    (event,) = (event for event in asked if event["action"] == "examine")
    assert event == {"action": "examine", "source": "earthquakes", "only": "ledger", **days}


def test_a_proof_reads_the_tables_too(functions, asked):
    functions("proved")
    keys = {dg.AssetCheckKey(core_key("earthquakes"), name) for name in (*OF_LEDGER, "keys_are_unique")}
    job = defs().get_repository_def().get_job("proof")
    assert job.get_subset(asset_selection=set(), asset_check_selection=keys).execute_in_process().success
    assert asked == [{"action": "examine", "source": "earthquakes"}]
