"""Which tables hold the marts on them: those that a blocking check does not call well.

A blocking check holds while its last evaluation is a failure of severity error, whatever was loaded since and whoever
loaded it. It holds as well behind a run that was to evaluate it and ended without: what that run left in the table is
unknown until the check is evaluated again, by the next load or pass. A check of which nothing is known holds nothing,
and neither does a run that waits, works, or succeeded without it.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from orchestration.evaluations import DONE

PLANNED = {AssetCheckExecutionRecordStatus.PLANNED}
ENDED_BADLY = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
# Dagster lists a check's runs by when they were asked for; the one that evaluated it last is among these.
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
    moment, evaluation = max(_evaluations(instance, key), key=lambda found: found[0], default=(0.0, None))
    if evaluation and not evaluation.passed and evaluation.severity == dg.AssetCheckSeverity.ERROR:
        return True
    return any(end > moment for end in _ends_without(instance, key))


def _evaluations(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> Iterator[tuple[float, Any]]:
    """When the check was evaluated (seconds since 1970), and what was found."""
    storage = instance.event_log_storage
    for record in storage.get_asset_check_execution_history(key, limit=LAST_RUNS, status=DONE):
        if record.event is not None:
            yield record.event.timestamp, record.evaluation


def _ends_without(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> Iterator[float]:
    """When runs failed or were cancelled that were to evaluate the check and did not."""
    storage = instance.event_log_storage
    planned = storage.get_asset_check_execution_history(key, limit=LAST_RUNS, status=PLANNED)
    if planned:
        ended = dg.RunsFilter(run_ids=[record.run_id for record in planned], statuses=ENDED_BADLY)
        yield from (record.end_time or 0.0 for record in instance.get_run_records(ended))
