"""What a check of a table found, and how severe that is: as the contract says, or else as is usual of that check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from lambdas.common.contract import Contract

BLOCKING = "blocking"


@dataclass(frozen=True)
class Verdict:
    """Whether a check passed, why, the numbers behind it, and from which to which day something is wrong (`hull`).

    Without days it depends on no range: whoever asks again will know. A `mild` failure is a warning of any
    check, and keeps nothing from happening where that is a blocking one.
    """

    passed: bool
    text: str
    metadata: Mapping[str, Any]
    wrong_days: Sequence[str] = ()
    mild: bool = False


def check_spec(contract: Contract, name: str, description: str | None) -> dg.AssetCheckSpec:
    """The check of that name of the contract's table, blocking where the contract says so."""
    blocking = contract.checks.get(name) == BLOCKING
    return dg.AssetCheckSpec(name, asset=_table(contract), description=description, blocking=blocking)


def check_result(
    contract: Contract,
    name: str,
    verdict: Verdict,
    usual: dg.AssetCheckSeverity,
    more: Mapping[str, Any] | None = None,
) -> dg.AssetCheckResult:
    """The evaluation of that check; it says what its failure keeps from happening. `more` is metadata."""
    held = contract.checks.get(name) == BLOCKING and not verdict.passed and not verdict.mild
    table = _table(contract)
    keeps = f"; until it is well, marts on {table.to_user_string()} keep what they have" if held else ""
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=name,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.WARN if verdict.mild else _severity(contract, name, usual),
        description=verdict.text + keeps,
        metadata={**verdict.metadata, **(more or {})},
    )


def _severity(contract: Contract, name: str, usual: dg.AssetCheckSeverity) -> dg.AssetCheckSeverity:
    """A blocking check's failure is an error."""
    said = contract.checks.get(name)
    if said is None:
        return usual
    return dg.AssetCheckSeverity.WARN if said == "warning" else dg.AssetCheckSeverity.ERROR


def _table(contract: Contract) -> dg.AssetKey:
    return dg.AssetKey([contract.schema, contract.name])
