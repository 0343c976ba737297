"""When marts are refreshed: once after their inputs changed and came to rest."""

import dagster as dg

from orchestration.blocking import HoldsMarts

EVALUATION_SECONDS = 10


def refresh_after_inputs() -> dg.AutomationCondition:  # type: ignore[type-arg]
    """True once after any input changed since the last refresh was asked for, and no run of an input is under way.

    While a blocking check of an input does not call it well, the mart keeps what it has.

    Unlike `eager` it does not ask that every day of the inputs exists (a gap in history would hold the mart back for
    ever), and a late day counts like any other. A refresh that ends is no sign that the change of a moment ago is in
    it; neither is one that was asked for while an input changed. So only the request itself settles a change, and
    only one that was there before it.
    """
    condition = dg.AutomationCondition
    updated = condition.any_deps_updated()
    changed = updated.since((condition.newly_requested() | condition.initial_evaluation()) & ~updated)
    at_rest = ~condition.any_deps_in_progress() & ~condition.in_progress()
    held = condition.any_deps_match(HoldsMarts())
    return (changed & at_rest & ~held).with_label("inputs changed, are at rest and fail no blocking check")


def build_automation() -> dg.AutomationConditionSensorDefinition:
    """The sensor that evaluates the marts' conditions, running from the start."""
    return dg.AutomationConditionSensorDefinition(
        "marts_after_inputs",
        target=dg.AssetSelection.groups("marts"),
        minimum_interval_seconds=EVALUATION_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        # the daemon knows Dagster's own conditions only
        use_user_code_server=True,
    )
