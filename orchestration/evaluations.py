"""The last evaluations of checks."""

from typing import Any

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

# The error of a run whose work is done and of which a blocking check failed.
BLOCKED = "DagsterAssetCheckFailedError"
DONE = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


def latest_evaluation(
    instance: dg.DagsterInstance, key: dg.AssetCheckKey
) -> tuple[dg.AssetCheckEvaluation, Any] | None:
    """The last evaluation of that check with Dagster's record of it; None where it was never evaluated.

    A run that has only planned to evaluate it, or passed it over, says nothing of it: what was found before
    still holds.
    """
    for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=DONE):
        event = record.event.dagster_event if record.event is not None else None
        if event is not None and event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            return event.asset_check_evaluation_data, record
    return None
