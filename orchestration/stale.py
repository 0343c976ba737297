"""Marts that a refresh that failed left behind are refreshed after all, once an hour while it fails.

The marts' automation asks once for a change, whether or not the refresh succeeds.
"""

import datetime as dt
from collections.abc import Iterator, Mapping

import dagster as dg

from orchestration.blocking import holds_marts
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
        held = any(holds_marts(asset_graph(context), context.instance, parent) for parent in parents)
        if not waits and not held and not _is_settled(context, key, moment):
            yield _request(key, now)


def _request(key: dg.AssetKey, now: dt.datetime) -> dg.RunRequest:
    # with all checks of the mart, as its automation's refreshes have them: marts on it may wait for one
    return dg.RunRequest(asset_selection=[key], run_key=f"stale|{key.path[-1]}|{now:%Y-%m-%dT%H}")


def _is_settled(context: dg.SensorEvaluationContext, key: dg.AssetKey, moment: float) -> bool:
    """Whether a refresh has succeeded since the mart was found stale."""
    event = context.instance.get_latest_materialization_event(key)
    return event is not None and event.timestamp > moment
