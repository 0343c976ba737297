"""The queries behind Dagster's pages, and a backfill of three years, where every day of every source is loaded.

Dagster writes an event in milliseconds: it writes the first day's, which its database copies for the other days.
"""

import asyncio
import json
import logging
import os
import sqlite3
import statistics
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg

from tests.bench.timing import seconds

LINEAGE = """{ assetNodes { assetKey { path } dependencyKeys { path } kinds groupName owners { __typename } isExecutable
  assetChecksOrError { __typename } partitionStats { numMaterialized numFailed numPartitions } } }"""
STATUS = """{ assetNodeOrError(assetKey: {path: ["core", "source_0"]}) { __typename ... on AssetNode {
  partitionKeyConnection(limit: 2000, ascending: false) { results } assetPartitionStatuses {
  ... on TimePartitionStatuses { ranges { status startKey endKey } } } } } }"""
PARTITION = """{ assetOrError(assetKey: {path: ["core", "source_0"]}) { __typename ... on Asset {
  assetMaterializations(partitions: ["%s"], limit: 1) { timestamp partition metadataEntries { label } } } } }"""
BACKFILL = """mutation { launchPartitionBackfill(backfillParams: {assetSelection: [{path: ["core", "source_0"]}],
  partitionNames: [%s]}) { __typename ... on LaunchBackfillSuccess { backfillId } } }"""
COPY = """INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition)
  SELECT run_id, replace(event, partition, day.value), dagster_event_type, timestamp, step_key, asset_key, day.value
  FROM event_logs, json_each(?) AS day"""
MOST_LOOKS = 10
REPEATED = 5


def measure() -> dict[str, float]:
    """Seconds of what people wait for, by its name; DAGSTER_HOME is an empty instance."""
    from orchestration.definitions import defs
    from tests.orchestration.daemon import workspace

    graph = defs().get_repository_def().asset_graph
    keys = sorted(key for key in graph.get_all_asset_keys() if key.path[0] == "core")
    days = graph.get(keys[0]).partitions_def.get_partition_keys()
    with workspace() as context:
        _load(context.instance, keys, days)
        names = ", ".join(f'"{day}"' for day in days)
        # the first answer counts the days, later ones those that have come since
        first = {"lineage, first": _ask(context, LINEAGE)}
        texts = {"lineage": LINEAGE, "status of a source": STATUS, "a day": PARTITION % days[-1]}
        pages = {name: statistics.median(_ask(context, text) for _ in range(REPEATED)) for name, text in texts.items()}
        launched = {f"backfill of {len(days):,}": _ask(context, BACKFILL % names)}
        return first | pages | launched | {"its run": seconds(lambda: _run_backfill(context))}


def _load(instance: dg.DagsterInstance, keys: list[dg.AssetKey], days: list[str]) -> None:
    """Every day of all keys is materialized."""
    metadata = {"dagster/partition_row_count": 1000, "objects": 1}
    for key in keys:
        event = dg.AssetMaterialization(key, partition=days[0], metadata=metadata)
        instance.report_runless_asset_event(event)
    file = Path(os.environ["DAGSTER_HOME"]) / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(COPY, [json.dumps(days[1:])])
    if instance.get_materialized_partitions(keys[-1]) != set(days):
        raise RuntimeError("Dagster does not take the copied days for loaded")


def _ask(context: Any, query: str) -> float:
    from dagster_graphql.schema import create_schema

    schema = create_schema()
    return seconds(lambda: _answer(schema, context, query))


def _answer(schema: Any, context: Any, query: str) -> None:
    result = asyncio.run(schema.execute_async(query, context_value=context.create_request_context()))
    if result.errors or "Error'" in str(result.data).replace("OrError'", ""):
        raise RuntimeError(str(result.errors or result.data)[:1000])


def _run_backfill(context: Any) -> None:
    """What the daemon does until the backfill's run waits in the queue."""
    from dagster._daemon.backfill import execute_backfill_iteration

    for _ in range(MOST_LOOKS):
        for error in execute_backfill_iteration(context, logging.getLogger(__name__)):
            if error is not None:
                raise RuntimeError(str(error))
        if context.instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
            return
    raise RuntimeError("the backfill has asked for no run")
