"""The check of each mart that it shows what its inputs hold: what a refresh that failed leaves behind is found here.

It runs with the proofs; the sensor `healing` asks for the refresh.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration.calls import ask_function
from orchestration.components.common import RETRIES
from orchestration.resources import Cloud

CURRENT = "mart_is_current"
DESCRIPTION = "The last refresh has seen all that the mart's sources have committed."


def build_current(mart: str) -> dg.AssetChecksDefinition:
    """The check of mart/<mart>, from one call of the process function."""
    key = dg.AssetKey(["mart", mart])
    spec = dg.AssetCheckSpec(CURRENT, asset=key, description=DESCRIPTION)

    @dg.multi_asset_check(specs=[spec], name=f"current__{mart}", retry_policy=RETRIES)
    def current(context: dg.AssetCheckExecutionContext, cloud: Cloud) -> Iterator[dg.AssetCheckResult]:
        behind = ask_function(context, cloud, "process", event={"action": "prove", "mart": mart})["behind"]
        text = f"{', '.join(behind)} changed after the last refresh"
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=CURRENT,
            passed=not behind,
            severity=dg.AssetCheckSeverity.WARN,
            description=text if behind else DESCRIPTION,
            metadata={"behind": behind},
        )

    return current
