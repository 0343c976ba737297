"""Marts that a refresh that failed left behind are refreshed after all, once an hour while it fails.

The marts' automation asks once for a change, whether or not the refresh succeeds.
"""

import datetime as dt
from collections.abc import Iterator, Mapping

import dagster as dg

from orchestration.evaluations import latest_evaluation
from orchestration.loads import asset_graph, unfinished_runs


def refresh_requests(
    context: dg.SensorEvaluationContext, stale: Mapping[dg.AssetKey, float], now: dt.datetime
) -> Iterator[dg.RunRequest]:
    """Runs of these marts, by when each was found stale (seconds since 1970), as far as nothing else refreshes them.

    A mart on another stale one is its automation's, once that one is refreshed.
    """
    for key, moment in stale.items():
        parents = set(asset_graph(context).get(key).parent_keys)
        waits = parents & stale.keys() or unfinished_runs(context.instance, {key, *parents})
        if not waits and not _is_settled(context, key, moment) and not _is_held(context, parents):
            yield _request(key, now)


def _request(key: dg.AssetKey, now: dt.datetime) -> dg.RunRequest:
    # with all checks of the mart, as its automation's refreshes have them: marts on it may wait for one
    return dg.RunRequest(asset_selection=[key], run_key=f"stale|{key.path[-1]}|{now:%Y-%m-%dT%H}")


def _is_settled(context: dg.SensorEvaluationContext, key: dg.AssetKey, moment: float) -> bool:
    """Whether a refresh has succeeded since the mart was found stale."""
    event = context.instance.get_latest_materialization_event(key)
    return event is not None and event.timestamp > moment


def _is_held(context: dg.SensorEvaluationContext, parents: set[dg.AssetKey]) -> bool:
    """Whether a blocking check of an input fails: the mart is to keep what it has."""
    graph = asset_graph(context)
    blocking = (key for key in graph.get_check_keys_for_assets(parents) if graph.get(key).blocking)
    return any(found and not found[0].passed for found in (latest_evaluation(context.instance, k) for k in blocking))
