"""Who is told when something needs a person: the topic /analytics/<env>/alarms/topic, once a cause.

A cause is a failed step with one kind of error, or one check that does not pass. A step is named by what its run is for
where that is one source, so that whoever asks for a landing or a load is told of under one name. What fails all runs
alike (the warehouse, AWS, lost processes) is one cause, whichever runs it fails. A cause is told again after a day, and
when it comes back after having been well: after the check passed, or after the step succeeded in a run of that name (of
what fails all runs alike, after any run), then an hour later at the earliest. What tries again by itself is told at its
first failure: a person may know more.

Causes of one kind that come up together are told together.
"""

import datetime as dt
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import dagster as dg

from orchestration.evaluations import BLOCKED, FAILED, latest_evaluations
from orchestration.failures import Failure, failures
from orchestration.loads import LANDING_TAG, SOURCE_TAG, asset_graph
from orchestration.resources import Cloud

INTERVAL_SECONDS = 30
TOLD_AGAIN_AFTER = dt.timedelta(days=1)
# What comes and goes is told once an hour at most.
AGAIN_AFTER = dt.timedelta(hours=1)
# A check that no proof has evaluated for longer says nothing of today.
OLDEST = dt.timedelta(days=2)
# Of what ended since: enough to find one of a name.
MOST_RUNS = 500
# A run that ends while a tick looks may carry a moment before that tick.
OVERLAP = dt.timedelta(minutes=5)
# More kinds of trouble than these at once are told in one message more.
MOST_MESSAGES = 5
MOST_LINES = 100
MOST_TEXT = 100_000
SUBJECT_LENGTH = 100
# Errors that are no single source's: of the warehouse, of Lambda, and those of boto3 itself, with which AWS was asked.
SHARED = {"WarehouseBusy", "LoginRefused", "TooManyRequestsException"}
LOST = "lost"
NO_STEP = Failure("", (), "the run ended without a failed step: its process was lost, or it never began")
# What a run of one source is for, by the tag that names the source.
PURPOSES = {LANDING_TAG: "landing", SOURCE_TAG: "load"}
LAYERS = ("raw", "core", "mart")
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
# Checks whose failure is a warning in the page and still needs somebody.
TOLD_WARNINGS = {"data_is_fresh"}


@dataclass(frozen=True)
class Trouble:
    """What is wrong: `cause` is the same as long as it is one and the same, `path` leads to the page that shows it.

    `kind` is what it has in common with others that are told with it. `again`: it was well since it was told last.
    """

    cause: str
    kind: str
    subject: str
    text: str
    path: str
    again: bool = False


@dg.sensor(
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the alarms' topic of failed runs and failed checks, once a cause.",
)
def alerts(context: dg.SensorEvaluationContext, cloud: Cloud) -> dg.SensorResult | dg.SkipReason:
    """Publishes what is new; the cursor holds what was told, so that a tick that dies tells it again."""
    topic = cloud.parameters("alarms/topic").get("alarms/topic")
    if topic is None:
        return dg.SkipReason("/alarms/topic does not exist: nobody is told")
    now = dt.datetime.now(dt.UTC)
    state = json.loads(context.cursor or "{}")
    since = dt.datetime.fromisoformat(state["since"]) if "since" in state else now - OVERLAP
    failing = list(_checks(context, now - OLDEST))
    told = _still_told(state.get("told", {}), {trouble.cause for trouble in failing}, now)
    runs = _runs(context, since, told)
    news = [*(t for t in runs if t.cause not in told or t.again), *(t for t in failing if t.cause not in told)]
    _publish(cloud, topic, _by_kind(news))
    causes = {t.cause for t in news}
    told |= dict.fromkeys(causes, now.isoformat())
    cursor = json.dumps({"since": (now - OVERLAP).isoformat(), "told": told})
    return dg.SensorResult(skip_reason=f"told of {len(causes)} causes, {len(told)} are known", cursor=cursor)


def _still_told(told: dict[str, str], failing: set[str], now: dt.datetime) -> dict[str, str]:
    """What need not be told again: not older than a day, and of the checks only those that have failed ever since."""
    return {
        cause: moment
        for cause, moment in told.items()
        if now - dt.datetime.fromisoformat(moment) < TOLD_AGAIN_AFTER and (cause[:5] != "check" or cause in failing)
    }


def _runs(context: dg.SensorEvaluationContext, since: dt.datetime, told: Mapping[str, str]) -> Iterator[Trouble]:
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    for record in context.instance.get_run_records(failed):
        run_id = record.dagster_run.run_id
        for failure in list(failures(context.instance, run_id)) or [NO_STEP]:
            # a check that blocks is told as a check
            if failure.kinds != (BLOCKED,):
                yield _trouble(context.instance, record, failure, told)


def _trouble(instance: dg.DagsterInstance, record: dg.RunRecord, failure: Failure, told: Mapping[str, str]) -> Trouble:
    what = _name(record.dagster_run, failure.step)
    # not by the error's text, in which ids differ from try to try
    kinds = ",".join(sorted(failure.kinds))
    shared = _shared(failure.kinds)
    cause = f"run|{shared or f'{what}|{kinds}'}"
    since = dt.datetime.fromisoformat(told[cause]) if cause in told else None
    again = since is not None and _was_well(instance, record, since, "" if shared else failure.step)
    return Trouble(cause, kinds, f"{what} failed", failure.reason, f"runs/{record.dagster_run.run_id}", again)


def _was_well(instance: dg.DagsterInstance, failed: dg.RunRecord, told: dt.datetime, step: str) -> bool:
    """Whether a run succeeded between the moment of telling and that failure; with a step, that step in one like it."""
    run, ended = failed.dagster_run, failed.end_time or 0.0
    if ended - told.timestamp() < AGAIN_AFTER.total_seconds():
        return False
    since = [r for r in _ended(instance, run if step else None, told) if (r.end_time or ended) < ended]
    if not step:
        return any(r.dagster_run.status == dg.DagsterRunStatus.SUCCESS for r in since)
    same = (r.dagster_run for r in since if _name(r.dagster_run, step) == _name(run, step))
    return any(_succeeded(instance, r.run_id, step) for r in same)


def _ended(instance: dg.DagsterInstance, like: dg.DagsterRun | None, since: dt.datetime) -> Iterable[dg.RunRecord]:
    """The runs that ended since then, the newest first; those that may have that run's name, where one is given."""
    tags = {name: like.tags[name] for name in PURPOSES if name in like.tags} if like else {}
    job = like.job_name if like and not tags else None
    filters = dg.RunsFilter(statuses=ENDED, updated_after=since, tags=tags, job_name=job)
    return instance.get_run_records(filters, limit=MOST_RUNS)


def _succeeded(instance: dg.DagsterInstance, run_id: str, step: str) -> bool:
    stats = instance.get_run_step_stats(run_id, [step])
    return any(one.status is not None and one.status.value == "SUCCESS" for one in stats)


def _shared(kinds: Iterable[str]) -> str:
    """The kind among these that fails all runs alike; empty where it is the run's own, or a source's."""
    from botocore import exceptions

    found = sorted(kinds)
    return next((kind for kind in found if kind in SHARED or hasattr(exceptions, kind)), "") if found else LOST


def _name(run: dg.DagsterRun, step: str) -> str:
    """What a run of one source is for; of any other its step, under its job where somebody has named that."""
    for tag, purpose in PURPOSES.items():
        if tag in run.tags:
            return f"{purpose} of {run.tags[tag]}"
    layer, _, name = step.partition("__")
    job = "" if run.job_name.startswith("__") else run.job_name
    assets = sorted(key.to_user_string() for key in run.asset_selection or ())
    named = ": ".join(filter(None, (job, f"{layer}/{name}" if layer in LAYERS else step)))
    return named or ", ".join(assets[:3]) or "a run of checks"


def _checks(context: dg.SensorEvaluationContext, since: dt.datetime) -> Iterator[Trouble]:
    """Checks whose latest evaluation since then failed, as errors or as one of TOLD_WARNINGS."""
    found = latest_evaluations(context.instance, asset_graph(context).asset_check_keys, since, FAILED)
    for key, (evaluation, _) in sorted(found.items(), key=lambda item: str(item[0])):
        if evaluation.severity == dg.AssetCheckSeverity.ERROR or key.name in TOLD_WARNINGS:
            asset = key.asset_key.to_user_string()
            path = f"assets/{asset}?view=checks&checkDetail={key.name}"
            text = evaluation.description or "it did not pass"
            yield Trouble(f"check|{asset}|{key.name}", key.name, f"{asset}: {key.name} failed", text, path)


def _by_kind(news: Iterable[Trouble]) -> list[list[Trouble]]:
    """What is new, by its kind; of what failed several times with one cause the first."""
    kinds: dict[str, dict[tuple[str, str], Trouble]] = {}
    for trouble in news:
        kinds.setdefault(trouble.kind, {}).setdefault((trouble.cause, trouble.subject), trouble)
    return [list(found.values()) for found in kinds.values()]


def _publish(cloud: Cloud, topic: str, news: list[list[Trouble]]) -> None:
    if not news:
        return
    sns = cloud.client("sns")
    for troubles in news[:MOST_MESSAGES]:
        more = f" and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        text = "\n".join(map(_message, troubles[:MOST_LINES]))
        sns.publish(TopicArn=topic, Subject=_subject(cloud, troubles[0].subject + more), Message=text[:MOST_TEXT])
    if rest := [trouble for troubles in news[MOST_MESSAGES:] for trouble in troubles]:
        lines = "\n".join(f"{t.subject}: {t.text}" for t in rest)
        sns.publish(TopicArn=topic, Subject=_subject(cloud, f"{len(rest)} more failed"), Message=lines[:MOST_TEXT])


def _subject(cloud: Cloud, text: str) -> str:
    """SNS takes up to 100 ASCII characters."""
    subject = f"[analytics {cloud.environment}] {text}"
    return subject.encode("ascii", "replace").decode()[:SUBJECT_LENGTH]


def _message(trouble: Trouble) -> str:
    url = os.environ.get("DAGSTER_URL", "").rstrip("/")
    return f"{trouble.subject}\n\n{trouble.text}\n\n{url}/{trouble.path}\n"
