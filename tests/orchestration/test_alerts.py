"""Alerts: each cause reaches a queue that is subscribed to the topic, once."""

import datetime as dt
import json

import dagster as dg
import pytest

from orchestration.alerts import alerts
from orchestration.loads import LANDING_TAG, SOURCE_TAG
from tests.orchestration.conftest import set_back
from tests.orchestration.test_reloads import ERRORS, load

CORE = dg.AssetKey(["core", "quakes"])
HOLDS, FRESH, USUAL = (dg.AssetCheckKey(CORE, name) for name in ("ledger_holds", "data_is_fresh", "rows_are_as_usual"))


@dg.multi_asset_check(specs=[dg.AssetCheckSpec(key.name, asset=CORE) for key in (HOLDS, FRESH, USUAL)])
def checks():
    yield from ()


def proof_of(source):
    """A check that fails as the run's tag of that source says."""

    @dg.multi_asset_check(specs=[dg.AssetCheckSpec("holds", asset=["core", source])], name=f"prove__{source}")
    def prove(context):
        if error := ERRORS.get(context.run.tags.get(source)):
            raise error()
        yield dg.AssetCheckResult(passed=True, asset_key=["core", source], check_name="holds")

    return prove


PROOFS = [proof_of(source) for source in ("dropoff", "weather")]
PROOF = dg.define_asset_job("proof", dg.AssetSelection.checks(*PROOFS))
DEFINITIONS = dg.Definitions([load], asset_checks=[checks, *PROOFS], jobs=[PROOF], sensors=[alerts])


class Alerts:
    """The sensor on an instance of its own, and a queue that is subscribed to its topic."""

    definitions = DEFINITIONS

    def __init__(self, instance, scratch):
        self.instance, self.scratch, self.cursor = instance, scratch, None
        self.job = DEFINITIONS.resolve_implicit_global_asset_job_def()
        self.sns, self.sqs = scratch.local.client("sns"), scratch.local.client("sqs")
        topic = self.sns.create_topic(Name=scratch.environment)["TopicArn"]
        found = self.sqs.get_queue_attributes(QueueUrl=scratch.queue, AttributeNames=["QueueArn"])
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=found["Attributes"]["QueueArn"])
        scratch.set("alarms/topic", topic)

    def fail(self, error, source="quakes"):
        tags = {"error": error, SOURCE_TAG: source, "dagster/asset_partition_range_start": "2018-02-01"}
        tags["dagster/asset_partition_range_end"] = "2018-02-01"
        assert not dg.materialize([load], instance=self.instance, tags=tags, raise_on_error=False).success

    def succeed(self, source):
        tags = {SOURCE_TAG: source, "dagster/partition": "2018-02-01"}
        assert dg.materialize([load], instance=self.instance, tags=tags).success

    def prove(self, **errors):
        """A run that proves two sources; of what fails there, by source."""
        job = DEFINITIONS.resolve_job_def("proof")
        done = job.execute_in_process(instance=self.instance, tags=errors, raise_on_error=False)
        assert done.success is not bool(errors)

    def lose(self, source):
        """A run whose process is gone."""
        started = {"status": dg.DagsterRunStatus.STARTED, "tags": {SOURCE_TAG: source}}
        self.instance.report_run_failed(self.instance.create_run_for_job(self.job, **started))

    def evaluate(self, key, *, passed, severity=dg.AssetCheckSeverity.ERROR):
        evaluation = dg.AssetCheckEvaluation(
            asset_key=CORE, check_name=key.name, passed=passed, metadata={}, severity=severity, description="3 rows"
        )
        self.instance.report_runless_asset_event(evaluation)

    def told(self):
        """Subject and message of what a tick publishes, sorted."""
        context = dg.build_sensor_context(
            instance=self.instance,
            definitions=self.definitions,
            cursor=self.cursor,
            resources={"cloud": self.scratch.resource},
        )
        self.cursor = alerts(context).cursor
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.scratch.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                found.append((body["Subject"].partition("] ")[2], body["Message"]))
                self.sqs.delete_message(QueueUrl=self.scratch.queue, ReceiptHandle=message["ReceiptHandle"])
        return sorted(found)


@pytest.fixture
def told(instance, scratch, monkeypatch):
    monkeypatch.setenv("DAGSTER_URL", "http://dagster.example/")
    return Alerts(instance, scratch)


def test_a_failed_run_is_told_once_with_its_reason_and_a_link(told):
    told.fail("refused")
    ((subject, message),) = told.told()
    (run,) = told.instance.get_runs()
    assert subject == "load of quakes failed"
    assert message == f"load of quakes failed\n\nrefused\n\nhttp://dagster.example/runs/{run.run_id}\n"
    told.fail("refused")
    assert told.told() == [], "the same cause"
    told.fail("busy")
    assert [subject for subject, _ in told.told()] == ["load of quakes failed"]


def test_a_failure_that_carries_a_moment_before_the_last_tick_is_told(told):
    before = dt.datetime.now(dt.UTC)
    assert told.told() == []
    told.fail("refused")
    (run,) = told.instance.get_runs()
    set_back(told.instance, run.run_id, before)
    assert [subject for subject, _ in told.told()] == ["load of quakes failed"]
    assert told.told() == []


def test_a_failed_check_is_told_when_it_begins_to_fail(told):
    assert told.told() == []
    told.evaluate(HOLDS, passed=False)
    ((subject, message),) = told.told()
    assert subject == "core/quakes: ledger_holds failed"
    assert "3 rows" in message
    assert "/assets/core/quakes?view=checks&checkDetail=ledger_holds" in message
    told.evaluate(HOLDS, passed=False)
    assert told.told() == []
    told.evaluate(HOLDS, passed=True)
    assert told.told() == []
    told.evaluate(HOLDS, passed=False)
    assert len(told.told()) == 1


def test_of_the_warnings_only_overdue_data_is_told(told):
    for key in (FRESH, USUAL):
        told.evaluate(key, passed=False, severity=dg.AssetCheckSeverity.WARN)
    assert [subject for subject, _ in told.told()] == ["core/quakes: data_is_fresh failed"]


def test_a_tick_that_never_committed_tells_again(told):
    told.evaluate(HOLDS, passed=False)
    assert len(told.told()) == 1
    told.cursor = None
    assert len(told.told()) == 1


def test_a_broken_warehouse_is_one_message_whatever_it_fails(told):
    for source in ("a", "b", "c"):
        told.fail("busy", source)
    ((subject, message),) = told.told()
    runs = {run.tags[SOURCE_TAG]: run.run_id for run in told.instance.get_runs()}
    assert subject.endswith(" and 2 more")
    for source, run in runs.items():
        assert f"load of {source} failed\n\nbusy\n\nhttp://dagster.example/runs/{run}\n" in message
    for source in ("a", "d", "e"):
        told.fail("busy", source)
    assert told.told() == [], "the same warehouse, and other sources"


@pytest.mark.long
@pytest.mark.parametrize(
    ("error", "well", "times"),
    [("busy", "b", 1), ("refused", "a", 1), ("refused", "b", 0)],
    ids=["any run ends what fails all alike", "a run of its own", "a run of another source"],
)
def test_what_comes_back_after_a_success_is_told_again_once(told, monkeypatch, error, well, times):
    monkeypatch.setattr("orchestration.alerts.AGAIN_AFTER", dt.timedelta(0))
    told.fail(error, "a")
    assert len(told.told()) == 1
    told.succeed(well)
    assert told.told() == [], "the failure was before the success"
    told.fail(error, "a")
    assert len(told.told()) == times
    told.fail(error, "a")
    assert told.told() == []


@pytest.mark.long
def test_what_comes_and_goes_is_told_once_an_hour(told):
    for _ in range(2):
        told.fail("busy", "a")
        told.succeed("a")
    assert len(told.told()) == 1
    told.fail("busy", "a")
    assert told.told() == []


@pytest.mark.long
def test_twenty_lost_processes_are_one_message(told):
    found = []
    for number in range(20):
        told.lose(f"source{number}")
        found += told.told() if number % 5 == 0 else []
    ((subject, message),) = [*found, *told.told()]
    assert subject == "load of source0 failed"
    assert "its process was lost" in message


@pytest.mark.long
def test_two_sources_of_one_proof_are_two_causes(told):
    told.prove(dropoff="refused")
    assert [subject for subject, _ in told.told()] == ["proof: prove__dropoff failed"]
    told.prove(dropoff="refused", weather="unset")
    ((subject, message),) = told.told()
    assert subject == "proof: prove__weather failed", "the other one is known"
    assert "failed\n\nlambdas.common.errors.SettingsError: no such parameter\n" in message


@pytest.mark.long
def test_a_source_that_was_well_in_a_proof_that_failed_is_told_again(told, monkeypatch):
    monkeypatch.setattr("orchestration.alerts.AGAIN_AFTER", dt.timedelta(0))
    both = {"dropoff": "refused", "weather": "refused"}
    for errors, told_of in ((both, 2), ({"dropoff": "refused"}, 0), (both, 1), (both, 0)):
        told.prove(**errors)
        found = told.told()
        assert sum(message.count("refused") for _, message in found) == told_of
    told.prove()
    told.prove(dropoff="refused")
    assert [subject for subject, _ in told.told()] == ["proof: prove__dropoff failed"]


@pytest.mark.long
def test_whoever_asks_for_a_landing_it_is_one_cause(told):
    tags = {"error": "refused", LANDING_TAG: "quakes", "dagster/partition": "2018-02-01"}
    job = dg.Definitions([load], jobs=[dg.define_asset_job("quakes_landing", "*")]).resolve_job_def("quakes_landing")
    assert not job.execute_in_process(instance=told.instance, tags=tags, raise_on_error=False).success
    assert [subject for subject, _ in told.told()] == ["landing of quakes failed"]
    assert not dg.materialize([load], instance=told.instance, tags=tags, raise_on_error=False).success
    assert told.told() == [], "healing's landing of the same day"


@pytest.mark.long
def test_what_sources_have_of_their_own_is_told_of_each_and_together_where_it_comes_together(told):
    for source in ("a", "b"):
        told.fail("refused", source)
    ((subject, message),) = told.told()
    assert subject.endswith(" and 1 more")
    assert message.count("refused") == 2
    told.fail("refused", "c")
    assert [subject for subject, _ in told.told()] == ["load of c failed"]


@pytest.mark.long
def test_many_causes_at_once_are_no_storm(told, monkeypatch):
    monkeypatch.setattr("orchestration.alerts.MOST_MESSAGES", 1)
    told.evaluate(HOLDS, passed=False)
    for error in ("refused", "busy", "unknown"):
        told.fail(error)
    subjects = [subject for subject, _ in told.told()]
    assert len(subjects) == 2
    assert "3 more failed" in subjects
