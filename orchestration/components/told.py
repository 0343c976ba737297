"""Days that are loaded and that Dagster does not know: a pass tells them, so that its pages show what the ledger has.

The process function alone may have loaded them, or Dagster's database is younger than the warehouse. What is told are
materializations of the pass's own run. Dagster takes a check for evaluated as long as no other run has materialized the
asset since: behind an event of no run, marts would wait for blocking checks that have passed in this one.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from lambdas.common.lake import hull, parse_range
from orchestration.calls import Answer, ask_function
from orchestration.components.landed import days_of
from orchestration.days import LOADED, Day, day_metadata
from orchestration.known import failed_at, read_known
from orchestration.landings import of_ledger, raw_key
from orchestration.loads import REBUILD_TAG, core_key
from orchestration.passes import ALL, LOOKED_AT
from orchestration.resources import Cloud

# Days of an asset that one pass tells, the newest first: three years. Each is an event; the next pass tells the rest.
MOST_TOLD = 1_200


def tell_loaded(
    context: dg.AssetCheckExecutionContext, cloud: Cloud, source: str, answer: Answer, began: dt.datetime
) -> Answer:
    """Materializations of raw/<source> and core/<source> for what the pass has found loaded and Dagster does not know.

    A day that failed is told only where it is loaded all the same: not one of whose objects is missing or damaged, not
    one whose rebuild failed, and no failed landing, of which nobody knows how much it has put.

    Args:
        context: of the step that proves.
        cloud: where the process function is; asked once, and not at all where Dagster knows every day.
        source: whose days.
        answer: of the proof.
        began: aware; what has failed since may be newer than what the pass read.

    Returns:
        told (days by layer) and told_next (those left to the next pass), where there are any.
    """
    looked = _partitions(context, source, answer)
    unknown = {
        "raw": _unknown(context.instance, raw_key(source), looked, None),
        "core": _unknown(context.instance, core_key(source), looked, began),
    }
    if not any(unknown.values()):
        return {}
    first, after = parse_range(*hull(day for days in unknown.values() for day in days))
    event = {"action": "days", "source": source, "start": str(first), "end": str(after)}
    wrong = set(map(str, days_of([*answer["missing"], *answer["damaged"]])))
    found = [day for day in ask_function(context, cloud, "process", event=event)["days"] if day["day"] not in wrong]
    return _tell(context, source, {layer: _among(found, days) for layer, days in unknown.items()})


def _tell(context: dg.AssetCheckExecutionContext, source: str, days: Mapping[str, list[Day]]) -> Answer:
    events = {"raw": of_ledger, "core": _of_core}
    for layer, found in days.items():
        for day in found[:MOST_TOLD]:
            context.op_execution_context.log_event(events[layer](source, day))
    told = {layer: min(len(found), MOST_TOLD) for layer, found in days.items()}
    if not any(told.values()):
        return {}
    left = sum(map(len, days.values())) - sum(told.values())
    context.log.info(
        "%s: Dagster did not know these loaded days: %s; %d more wait for the next pass", source, told, left
    )
    return {"told": told, "told_next": left}


def _of_core(source: str, day: Day) -> dg.AssetMaterialization:
    text = f"{day['objects']} objects, {day['rows_accepted']:,} rows: a pass found the day loaded, by the ledger"
    return dg.AssetMaterialization(
        core_key(source), partition=day["day"], description=text, metadata=day_metadata(day, LOADED)
    )


def _among(found: Iterable[Day], days: set[str]) -> list[Day]:
    return sorted((day for day in found if day["day"] in days), key=lambda day: str(day["day"]), reverse=True)


def _partitions(context: dg.AssetCheckExecutionContext, source: str, answer: Answer) -> set[str]:
    """The source's days at which the pass has looked."""
    graph: Any = context.op_execution_context.job_def.asset_layer.asset_graph
    days = set(graph.get(core_key(source)).partitions_def.get_partition_keys())
    return days if answer[LOOKED_AT] == ALL else days & set(map(str, days_of(answer[LOOKED_AT].split(", "))))


def _unknown(instance: dg.DagsterInstance, key: dg.AssetKey, days: set[str], began: dt.datetime | None) -> set[str]:
    """Those of the days that are not materialized, and of which no run has the last word."""
    known, attempts = read_known(instance, key, days)
    return {day for day in days - known if _is_open(attempts.get(day), began)}


def _is_open(attempt: dg.RunRecord | None, began: dt.datetime | None) -> bool:
    """Whether a pass may tell the day behind that run; of one that failed where it did before the pass `began`."""
    if attempt is None:
        return True
    end = failed_at(attempt)
    return bool(began and end and end < began and REBUILD_TAG not in attempt.dagster_run.tags)
