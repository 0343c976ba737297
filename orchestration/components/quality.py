"""The quality of each table: checks of what it holds, against the contract and against its own past.

They run with the proofs: hourly for the last days and those that failed last, nightly for all. What the ledger alone
answers runs with each load too, and so do blocking ones, because marts wait for them: the same check by the same
numbers, whoever asks. What the numbers mean is decided here, what they are by the process function.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any

import dagster as dg

from lambdas.common.contract import Contract
from lambdas.common.lake import hull
from lambdas.common.remarks import DRIFT, RULE
from lambdas.common.source import SourceConfig
from orchestration.calls import Answer, ask_function
from orchestration.components.common import RETRIES
from orchestration.components.verdicts import Verdict, check_result, check_spec
from orchestration.loads import OF_LEDGER, days_of_run
from orchestration.passes import LOOKED_AT, WRONG_DAYS, look
from orchestration.resources import Cloud

# Where the contract sets no maxRejectedRatio: a row in twenty that nobody can use should be looked at.
REJECTED_RATIO = 0.05
# A day is compared with the median of up to 28 before it, once there are 7; weekends and holidays stay within.
LEAST_DAYS = 7
LEAST_SHARE, MOST_SHARE = 0.3, 3.0
REMARKS_SHOWN = 3
GRAIN = "grain_is_unique"
TABLE_RULES = "table_rules_hold"
FRESH = "data_is_fresh"


PAUSED = Verdict(passed=True, text="the source is paused in its defs.yaml: nothing new is expected of it", metadata={})
Judge = Callable[[Contract, Answer, dt.datetime], Verdict]


def judge_rejected(contract: Contract, answer: Answer, _now: dt.datetime) -> Verdict:
    """No day has more rejected rows than the contract allows: each is judged by itself, the worst is told."""
    limit = REJECTED_RATIO if contract.max_rejected_ratio is None else contract.max_rejected_ratio
    ratios = {day["day"]: day["rows_rejected"] / day["rows_in"] for day in answer["days"] if day["rows_in"]}
    wrong = [day for day, ratio in ratios.items() if ratio > limit]
    worst = max(answer["days"], key=lambda day: (ratios.get(day["day"], 0.0), day["rows_in"]), default=None)
    if worst is None:
        return Verdict(passed=True, text="no day has rows", metadata={"limit": limit})
    day, rows, rejected = (worst[name] for name in ("day", "rows_in", "rows_rejected"))
    ratio = ratios.get(day, 0.0)
    text = f"{day}: {rejected:,} of {rows:,} rows are rejected ({ratio:.2%}), at most {limit:.2%} may be"
    more = f"; {len(wrong) - 1} more days have too many" if len(wrong) > 1 else ""
    told = {"day": day, "ratio": ratio, "limit": limit, "rows_rejected": rejected}
    return Verdict(not wrong, text + more, told, hull(wrong))


def judge_usual(_contract: Contract, answer: Answer, _now: dt.datetime) -> Verdict:
    """The last UTC day that is over and loaded has about as many rows as those before it."""
    last = answer["latest"] or {"before": []}
    counts = last["before"]
    if len(counts) < LEAST_DAYS:
        text = f"{len(counts)} days before the latest are too few to compare it with"
        return Verdict(passed=True, text=text, metadata={})
    usual, rows = median(counts), last["rows"]
    passed = LEAST_SHARE * usual <= rows <= MOST_SHARE * usual
    text = f"{last['day']} has {rows:,} rows, the days before it {usual:,.0f} (median of {len(counts)})"
    return Verdict(passed, text, {"day": last["day"], "rows": rows, "median": float(usual)})


def judge_fresh(contract: Contract, answer: Answer, now: dt.datetime) -> Verdict:
    """The newest event is no older than slaProperties.freshness says; of a source that has ended, than it said then."""
    allowed, newest = contract.freshness, answer["newest"]
    if allowed is None or newest is None:
        return Verdict(allowed is None, "no event yet" if allowed else "the contract asks for no freshness", {})
    moment = dt.datetime.fromisoformat(newest)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    text = f"the newest event is of {moment:%Y-%m-%d %H:%M} UTC; at {now:%Y-%m-%d %H:%M} it may be "
    text += f"{allowed.total_seconds() / 3600:g} hours old"
    return Verdict(now - moment <= allowed, text, {"newest": dg.MetadataValue.timestamp(moment)})


def judge_doubled(_contract: Contract, answer: Answer, _now: dt.datetime) -> Verdict:
    """No key and no unique value stands twice."""
    return _none_of(answer, "doubled", "stand more than once", "every key and unique value stands once")


def judge_nulls(_contract: Contract, answer: Answer, _now: dt.datetime) -> Verdict:
    """No row lacks a required value."""
    return _none_of(answer, "nulls", "rows lack it", "every required value is there")


def judge_rules(_contract: Contract, answer: Answer, _now: dt.datetime) -> Verdict:
    """No raw object breaks a quality rule of the contract over its rows."""
    return _remarked(answer, lambda r: RULE in r["kinds"], "no object breaks a rule over its rows")


def judge_table(_contract: Contract, answer: Answer, _now: dt.datetime) -> Verdict:
    """The whole table keeps the quality rules that the contract has over it."""
    found = {rule["rule"]: rule["text"] for rule in answer["rules"]}
    broken = [rule for rule in answer["rules"] if not rule["holds"]]
    # each part of the days says the same of the whole table
    told = dict.fromkeys(f"{rule['rule']}: {rule['text']}" for rule in broken)
    text = "; ".join(told) or f"all {len(found)} hold"
    return Verdict(not broken, text, found, mild=not any(rule["fatal"] for rule in broken))


def judge_drift(_contract: Contract, answer: Answer, _now: dt.datetime) -> Verdict:
    """The raw columns are those that the contract was written for."""
    return _remarked(answer, lambda r: DRIFT in r["kinds"], "no object has columns unknown, lost or changed")


def judge_aside(_contract: Contract, answer: Answer, _now: dt.datetime) -> Verdict:
    """No raw object is set aside: the rows of one that is are in no table."""
    return _remarked(answer, lambda r: r["status"] == "bad", "no object is set aside")


def _remarked(answer: Answer, concerns: Callable[[Mapping[str, Any]], bool], well: str) -> Verdict:
    found = [remark for remark in answer["remarks"] if concerns(remark)]
    objects = sum(remark["objects"] for remark in found)
    lines = [f"{r['objects']} objects, {r['newest']} the newest: {r['reason']}" for r in found[:REMARKS_SHOWN]]
    days = [day for remark in found for day in (remark["first"], remark["last"])]
    return Verdict(not found, "; ".join(lines) or well, {"objects": objects}, hull(days))


def _none_of(answer: Answer, counted: str, wrong: str, well: str) -> Verdict:
    counts = answer[counted]
    found = {name: count for name, count in counts.items() if count}
    text = "; ".join(f"{name}: {count:,} {wrong}" for name, count in found.items())
    return Verdict(not found, text or well, counts, answer.get(f"{counted}_days", ()))


# A broken promise of the warehouse's is an error; what depends on the source is a warning.
CHECKS: dict[str, tuple[Judge, dg.AssetCheckSeverity]] = {
    "keys_are_unique": (judge_doubled, dg.AssetCheckSeverity.ERROR),
    "required_values_are_there": (judge_nulls, dg.AssetCheckSeverity.ERROR),
    "no_object_is_set_aside": (judge_aside, dg.AssetCheckSeverity.WARN),
    TABLE_RULES: (judge_table, dg.AssetCheckSeverity.ERROR),
    "rules_hold": (judge_rules, dg.AssetCheckSeverity.WARN),
    "columns_are_as_agreed": (judge_drift, dg.AssetCheckSeverity.WARN),
    "few_rows_are_rejected": (judge_rejected, dg.AssetCheckSeverity.WARN),
    "rows_are_as_usual": (judge_usual, dg.AssetCheckSeverity.WARN),
    FRESH: (judge_fresh, dg.AssetCheckSeverity.WARN),
}
MART_CHECKS = {
    GRAIN: (judge_doubled, dg.AssetCheckSeverity.ERROR),
    TABLE_RULES: CHECKS[TABLE_RULES],
    FRESH: CHECKS[FRESH],
}


def build_quality(contract: Contract, config: SourceConfig) -> dg.AssetChecksDefinition:
    """The checks of core/<source>, all from one call of the process function."""
    specs = [
        check_spec(contract, name, judge.__doc__)
        for name, (judge, _) in CHECKS.items()
        if name != TABLE_RULES or contract.table_rules
    ]

    @dg.multi_asset_check(specs=specs, name=f"quality__{contract.name}", retry_policy=RETRIES, can_subset=True)
    def quality(context: dg.AssetCheckExecutionContext, cloud: Cloud) -> Iterator[dg.AssetCheckResult]:
        now = dt.datetime.now(dt.UTC)
        names = sorted(check.name for check in context.selected_asset_check_keys)
        # a load waits for no table to be read
        only = {"only": "ledger"} if set(names) <= OF_LEDGER else {}
        event = {"action": "examine", "source": contract.name, **only}
        days = days_of_run(context.run.tags, now.date())
        answer = look(context, days, lambda d: ask_function(context, cloud, "process", event={**event, **d}))
        for name in names:
            judge, usual = CHECKS[name]
            until = config.watched_until(now)
            verdict = PAUSED if name == FRESH and until is None else judge(contract, answer, until or now)
            told = {LOOKED_AT: answer[LOOKED_AT], WRONG_DAYS: list(verdict.wrong_days)}
            yield check_result(contract, name, verdict, usual, told)

    return quality


def build_mart_quality(contract: Contract) -> list[dg.AssetChecksDefinition]:
    """The checks of mart/<mart>: its key, the contract's rules and its freshness, as far as the contract has them."""
    has = {GRAIN: contract.key, TABLE_RULES: contract.table_rules, FRESH: contract.freshness}
    specs = [check_spec(contract, name, judge.__doc__) for name, (judge, _) in MART_CHECKS.items() if has[name]]
    if not specs:
        return []

    @dg.multi_asset_check(specs=specs, name=f"quality__{contract.name}", retry_policy=RETRIES)
    def quality(context: dg.AssetCheckExecutionContext, cloud: Cloud) -> Iterator[dg.AssetCheckResult]:
        answer = ask_function(context, cloud, "process", event={"action": "examine", "mart": contract.name})
        for spec in specs:
            judge, usual = MART_CHECKS[spec.name]
            yield check_result(contract, spec.name, judge(contract, answer, dt.datetime.now(dt.UTC)), usual)

    return [quality]
