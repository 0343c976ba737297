"""The proof: checks of each source that hold lake, ledger and tables against each other, and days against defs.yaml.

They read whole tables: a run that brings about assets passes them over, even where Dagster's page selects them too. An
hourly pass reads the last days and those that failed last, a nightly one all. What they find missing, damaged or never
landed is asked for by the sensor `healing`, which reads their metadata; days that are loaded are told to Dagster where
it does not know them.
"""

import datetime as dt
from collections.abc import Iterator

import dagster as dg

from lambdas.common.contract import Contract
from lambdas.common.lake import RAW_KEY_WORDS
from orchestration.calls import Answer, call_function, metadata
from orchestration.components.common import RETRIES
from orchestration.components.landed import LANDED, describe, with_former, wrong_days
from orchestration.components.told import tell_loaded
from orchestration.evaluations import latest_evaluation
from orchestration.landings import OUTSIDE, raw_key
from orchestration.loads import LAST_DAYS_TAG, core_key, last_days
from orchestration.passes import ALL, LOOKED_AT, counted_of, look
from orchestration.resources import Cloud

HOLDS = "ledger_holds"
LOADED = "days_loaded"
KEPT = "raw_kept"
DECLARED = "days_declared"
OF_RAW = (DECLARED, LANDED)
DESCRIPTIONS = {
    HOLDS: "The ledger's equations hold against the tables: no row is missing, doubled or unexpected.",
    LOADED: "Every object that lies under raw/ is loaded.",
    KEPT: "Every object that was loaded still lies under raw/.",
    DECLARED: "Every object under raw/ is of a day that the source has.",
    LANDED: "Of every day that schedule or end promise something was landed, be it an object without rows.",
}


def build_proof(contract: Contract, *, extracted: bool) -> dg.AssetChecksDefinition:
    """The checks of core/<source> and of raw/<source>, all from one call of the process function.

    `extracted`: the platform lands the source's days itself, so that one that was never landed is its own to find.
    """
    specs = [
        dg.AssetCheckSpec(name, asset=checked_asset(contract.name, name), description=text)
        for name, text in DESCRIPTIONS.items()
        if extracted or name != LANDED
    ]

    @dg.multi_asset_check(specs=specs, name=f"prove__{contract.name}", retry_policy=RETRIES, can_subset=True)
    def prove(context: dg.AssetCheckExecutionContext, cloud: Cloud) -> Iterator[dg.AssetCheckResult]:
        if context.op_execution_context.job_def.asset_layer.executable_asset_keys:
            context.log.info("This run brings about assets; the hourly and the nightly proof look at all of it.")
            return
        began = dt.datetime.now(dt.UTC)
        days = last_days(context.run.tags.get(LAST_DAYS_TAG), began.date())
        event = {"action": "prove", "source": contract.name}
        answer = look(context, days, lambda d: call_function(context, cloud, "process", event={**event, **d}))
        answer |= tell_loaded(context, cloud, contract.name, answer, began)
        answer = with_former(context.instance, contract.name, _with_undated(context.instance, contract.name, answer))
        results = _results(contract.name, answer)
        asked = {key.name for key in context.selected_asset_check_keys}
        yield from (result for result in results if result.check_name in asked)

    return prove


def checked_asset(source: str, name: str) -> dg.AssetKey:
    """The asset whose check of that name it is: the table's, or the raw objects'."""
    return raw_key(source) if name in OF_RAW else core_key(source)


def _with_undated(instance: dg.DagsterInstance, source: str, answer: Answer) -> Answer:
    """The answer with what the latest pass found in no day, where this one looked at some days alone."""
    found = latest_evaluation(instance, dg.AssetCheckKey(checked_asset(source, DECLARED), DECLARED))
    if answer[LOOKED_AT] == ALL or found is None:
        return answer
    former = found[0].metadata
    return {**answer, **{name: former[name].value for name in ("undated", "undated_key") if name in former}}


def _results(source: str, answer: Answer) -> Iterator[dg.AssetCheckResult]:
    pending, gone, missing = answer["pending"], answer["gone"], ", ".join(answer["missing"])
    wrong = {
        HOLDS: _broken(answer) if answer["broken"] else "",
        LOADED: f"{pending} objects are not loaded, of {missing}" if pending else "",
        KEPT: f"{gone} objects are gone from raw/; their rows stay until they are forgotten" if gone else "",
        DECLARED: "; ".join(_undeclared(answer)),
        LANDED: "; ".join(describe(source, answer)),
    }
    counted = counted_of(f"{answer['objects']} objects, {answer['rows_accepted']} accepted rows", answer)
    for name, text in wrong.items():
        yield dg.AssetCheckResult(
            asset_key=checked_asset(source, name),
            check_name=name,
            passed=not text,
            severity=dg.AssetCheckSeverity.ERROR if name == HOLDS else dg.AssetCheckSeverity.WARN,
            description=text or counted,
            metadata=metadata({**answer, **(wrong_days(answer) if name == LANDED else {})}),
        )


def _undeclared(answer: Answer) -> Iterator[str]:
    if answer["outside"]:
        days = ", ".join(answer["outside_days"])
        yield f"{answer['outside']} objects of {days} are not loaded: {OUTSIDE}. A day to come loads once it has begun"
    if answer["undated"]:
        yield f"{answer['undated']} objects lie in no day, {answer['undated_key']} among them; expected {RAW_KEY_WORDS}"


def _broken(answer: Answer) -> str:
    # what concerns the keys of all days is found in each part of them
    broken, findings = answer["broken"], list(dict.fromkeys(answer["findings"]))
    more = f"; {broken - len(findings)} more in the function's log" if broken > len(findings) else ""
    return "; ".join(findings) + more
