"""The check of each mart that it shows what its inputs hold: what a refresh that failed leaves behind is found here.

It runs with the proofs; the sensor `healing` asks for the refresh.
"""

from collections.abc import Iterator

import dagster as dg

from lambdas.common.contract import Contract
from orchestration.calls import ask_function
from orchestration.components.common import RETRIES
from orchestration.components.verdicts import Verdict, check_result, check_spec
from orchestration.resources import Cloud

CURRENT = "mart_is_current"
DESCRIPTION = "The last refresh has seen all that the mart's sources have committed."


def build_current(contract: Contract) -> dg.AssetChecksDefinition:
    """The check of mart/<mart>, from one call of the process function."""

    @dg.multi_asset_check(
        specs=[check_spec(contract, CURRENT, DESCRIPTION)], name=f"current__{contract.name}", retry_policy=RETRIES
    )
    def current(context: dg.AssetCheckExecutionContext, cloud: Cloud) -> Iterator[dg.AssetCheckResult]:
        behind = ask_function(context, cloud, "process", event={"action": "prove", "mart": contract.name})["behind"]
        text = f"{', '.join(behind)} changed after the last refresh" if behind else DESCRIPTION
        verdict = Verdict(not behind, text, {"behind": behind})
        yield check_result(contract, CURRENT, verdict, dg.AssetCheckSeverity.WARN)

    return current
