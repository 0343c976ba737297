"""Which tables hold the marts on them: those that a blocking check does not call well.

A blocking check holds while its last evaluation is a failure of severity error, whatever was loaded since and whoever
loaded it. It holds as well behind a run that was to evaluate it and ended without: what that run left in the table is
unknown until the check is evaluated again, by the next load or pass; and so it is while a load works that has yet to
evaluate it, for Dagster calls its days materialized before that. A check of which nothing is known holds nothing, and
neither does a run that waits, a pass at work, or a run that succeeded without it.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from orchestration.evaluations import latest_evaluation, runs_without_evaluation

AT_WORK = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
ENDED_BADLY = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
# Newest first by when they were asked for; the one that ended last is among these.
LAST_RUNS = 25


class HoldsMarts(dg.AutomationCondition[dg.AssetKey]):
    """True of a table that holds the marts on it."""

    @property
    def name(self) -> str:
        """What the page calls it."""
        return "a blocking check does not call it well"

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        """All of the table, or nothing."""
        held = holds_marts(context.asset_graph, context.asset_graph_view.instance, context.key)
        return dg.AutomationResult(context, context.candidate_subset if held else context.get_empty_subset())


def holds_marts(graph: Any, instance: dg.DagsterInstance, table: dg.AssetKey) -> bool:
    """Whether marts on the table are to keep what they have; `graph` is that of the code location."""
    keys = graph.get_check_keys_for_assets({table})
    return any(_holds(instance, key) for key in sorted(keys) if graph.get(key).blocking)


def _holds(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> bool:
    found = latest_evaluation(instance, key)
    if found and not found[0].passed and found[0].severity == dg.AssetCheckSeverity.ERROR:
        return True
    moment = found[1].event.timestamp if found else 0.0
    return any(_leaves_unknown(run, key.asset_key, moment) for run in _runs_without(instance, key))


def _leaves_unknown(record: dg.RunRecord, table: dg.AssetKey, moment: float) -> bool:
    """Whether the run ended since that moment, or is a load at work: its checks come behind what it has loaded."""
    if record.dagster_run.status in ENDED_BADLY:
        return (record.end_time or 0.0) > moment
    return table in (record.dagster_run.asset_selection or ())


def _runs_without(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> Sequence[dg.RunRecord]:
    """The runs that are to evaluate the check and have not: at work, failed or cancelled."""
    planned = runs_without_evaluation(instance, key, LAST_RUNS)
    if not planned:
        return []
    return instance.get_run_records(dg.RunsFilter(run_ids=planned, statuses=[*ENDED_BADLY, *AT_WORK]))
