"""The rules of a contract beside their former selves: which data that passed before they refuse from now on."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lambdas.common.contract import Column, Contract
from lambdas.common.contract.casts import is_text
from lambdas.common.contract.model import QueryRule, RowRule

# rules that only grow stricter or looser, by which way a number has to go to be stricter
STRICTER = {"minimum": 1, "exclusive_minimum": 1, "min_length": 1, "maximum": -1, "exclusive_maximum": -1,
            "max_length": -1}  # fmt: skip
NAMES = {"exclusive_minimum": "exclusiveMinimum", "exclusive_maximum": "exclusiveMaximum", "min_length": "minLength",
         "max_length": "maxLength"}  # fmt: skip
ROWS = "rows that were accepted may be rejected"
OBJECTS = "objects that were loaded may be refused as a whole"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, in words; `column` is where it is, empty for the contract as a whole."""

    text: str
    column: str = ""
    breaking: bool = True


def compare_column_rules(was: Column, now: Column) -> Iterator[Change]:
    """Bounds and allowed values of one column."""
    for name, sign in STRICTER.items():
        before, after = getattr(was, name), getattr(now, name)
        if before != after:
            # texts of times compare as texts where they are written alike
            looser = after is None or (
                before is not None and type(before) is type(after) and _less(after, before, sign)
            )
            yield _rule(now.name, NAMES.get(name, name), before, after, breaking=not looser)
    if was.multiple_of != now.multiple_of:
        stricter = now.multiple_of is not None and not _is_multiple(was.multiple_of, now.multiple_of)
        yield _rule(now.name, "multipleOf", was.multiple_of, now.multiple_of, breaking=stricter)
    if was.pattern != now.pattern:
        yield _rule(now.name, "pattern", was.pattern, now.pattern, breaking=now.pattern is not None)
    if was.enum != now.enum:
        gone = set(was.enum) - set(now.enum) if was.enum else set(now.enum)
        yield _rule(now.name, "enum", list(was.enum), list(now.enum), breaking=bool(now.enum and gone))


def _less(after: object, before: object, sign: int) -> bool:
    low, high = (after, before) if sign > 0 else (before, after)
    return bool(low < high)  # type: ignore[operator]


def _is_multiple(before: float | None, after: float) -> bool:
    return before is not None and math.isclose(before / after, round(before / after), rel_tol=1e-12)


def _rule(column: str, name: str, before: object, after: object, *, breaking: bool) -> Change:
    effect = ROWS if breaking else "more rows are accepted"
    return Change(f"{name} {_said(before)} becomes {_said(after)}: {effect}", column, breaking)


def _said(value: object) -> str:
    return "(none)" if value is None or value == [] else repr(value)


def compare_source_rules(former: Contract, contract: Contract) -> Iterator[Change]:
    """What a source's contract says of rows and objects: quality rules, limits, drift, words for no value."""
    yield from _row_rules(former.row_rules, contract.row_rules)
    yield from _object_rules(former.object_rules, contract.object_rules)
    before, after = former.max_rejected_ratio, contract.max_rejected_ratio
    if before != after:
        stricter = after is not None and after < (1 if before is None else before)
        effect = OBJECTS if stricter else "more objects are loaded"
        yield Change(f"maxRejectedRatio {_said(before)} becomes {_said(after)}: {effect}", breaking=stricter)
    yield from _drift(former, contract)
    yield from _raw_types(former, contract)
    yield from _null_words(former, contract)


def _row_rules(former: Sequence[RowRule], rules: Sequence[RowRule]) -> Iterator[Change]:
    known, kept = {rule.name: rule.sql for rule in former}, {rule.sql for rule in rules}
    for rule in rules:
        if rule.sql not in known.values():
            # which of two expressions refuses more nobody can say in general
            how = "is another" if known.get(rule.name, rule.sql) not in kept else "is new"
            yield Change(f"row rule {rule.name!r} {how}: {ROWS}", rule.column)
    names = {rule.name for rule in rules}
    for rule in former:
        if rule.sql not in kept and rule.name not in names:
            yield Change(f"row rule {rule.name!r} is gone: more rows are accepted", breaking=False)


def _object_rules(former: Sequence[QueryRule], rules: Sequence[QueryRule]) -> Iterator[Change]:
    known, names = {rule.name: rule for rule in former}, {rule.name for rule in rules}
    before, after = ({replace(rule, name="") for rule in stated} for stated in (former, rules))
    for rule in rules:
        if replace(rule, name="") not in before:
            yield _object_rule(known.get(rule.name), rule)
    for rule in former:
        if replace(rule, name="") not in after and rule.name not in names:
            effect = "more objects are loaded" if rule.fatal else "nothing is remarked for it"
            yield Change(f"quality rule {rule.name!r} is gone: {effect}", breaking=False)


def _object_rule(was: QueryRule | None, now: QueryRule) -> Change:
    asks_same = was is not None and (was.query, was.column) == (now.query, now.column)
    looser = was is not None and asks_same and was.fatal and _is_looser(was.bound, now.bound)
    if was is None or not asks_same:
        said = "is another" if was else "is new"
    elif was.fatal != now.fatal:
        said = "refuses now" if now.fatal else "only warns now"
    else:
        said = f"{was.bound} becomes {now.bound}"
    effect = "objects that break it are remarked" if not now.fatal else "more objects are loaded" if looser else OBJECTS
    return Change(f"quality rule {now.name!r} {said}: {effect}", now.column, breaking=now.fatal and not looser)


def compare_table_rules(former: Contract, contract: Contract) -> Iterator[Change]:
    """Rules over the whole table of a source or a mart: they refuse nothing."""
    known = {rule.name: rule for rule in former.table_rules}
    for rule in contract.table_rules:
        if rule not in former.table_rules:
            said = "is another" if rule.name in known else "is new"
            text = f"quality rule {rule.name!r} over the table {said}: its check may fail, nothing is refused"
            yield Change(text, rule.column, breaking=False)
    for name in known.keys() - {rule.name for rule in contract.table_rules}:
        yield Change(f"quality rule {name!r} over the table is gone: nothing was refused for it", breaking=False)


def _is_looser(before: str, after: str) -> bool:
    """Whether each value within the former bound is within the later one; False where that is not plain."""
    (operator, _, value), (other, _, later) = before.partition(" "), after.partition(" ")
    if operator != other or not operator.startswith(("mustBeGreater", "mustBeLess", "mustBeBetween")):
        return before == after
    old, new = ([float(number) for number in text.strip("[]").split(",")] for text in (value, later))
    lower = operator.startswith("mustBeLess") or new[0] <= old[0]
    return lower and (operator.startswith("mustBeGreater") or new[-1] >= old[-1])


def _drift(former: Contract, contract: Contract) -> Iterator[Change]:
    before, after = former.on_drift, contract.on_drift
    if before != after:
        stricter = after == "fail"
        effect = "objects whose raw columns differ from the contract's are refused" if stricter else "less is refused"
        if "fail" not in (before, after):
            effect = "drift is reported" if after == "warn" else "drift is not reported"
        yield Change(f"onDrift {before} becomes {after}: {effect}", breaking=stricter)
    elif after == "fail":
        yield from _drift_fatal(former, contract)


def _drift_fatal(former: Contract, contract: Contract) -> Iterator[Change]:
    """Raw columns that an object may lack, or may have, no more."""
    was_read, read = (_folded(c.raw_columns) for c in (former, contract))
    was_named, named = was_read | _folded(former.ignored_columns), read | _folded(contract.ignored_columns)
    if fresh := sorted(read - was_read):
        yield Change(f"objects without {', '.join(fresh)} are refused: they are read, and onDrift is fail")
    if "*" not in named and (gone := sorted(was_named - named)):
        what = "other raw columns" if "*" in gone else ", ".join(gone)
        yield Change(f"objects with {what} are refused: the contract does not name them, and onDrift is fail")


def _folded(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _raw_types(former: Contract, contract: Contract) -> Iterator[Change]:
    known = {column.name: column for column in former.columns}
    effects = {"fail": "objects with another are refused", "warn": "another is reported", "ignore": "nobody looks"}
    for now in contract.columns:
        was = known.get(now.name)
        if was and was.raw_type != now.raw_type:
            stricter = now.raw_type is not None and contract.on_drift == "fail"
            effect = effects[contract.on_drift] if now.raw_type else "any that can be read will do"
            text = f"rawType {_said(was.raw_type)} becomes {_said(now.raw_type)}: {effect}"
            yield Change(text, now.name, breaking=stricter)


def _null_words(former: Contract, contract: Contract) -> Iterator[Change]:
    known = {column.name: column for column in former.columns}
    alike: dict[tuple[frozenset[str], frozenset[str]], list[Column]] = {}
    for now in contract.columns:
        if was := known.get(now.name):
            before, after = _words(former, was), _words(contract, now)
            if before != after:
                alike.setdefault((after - before, before - after), []).append(now)
    for (fresh, gone), columns in alike.items():
        place = columns[0].name if len(columns) == 1 else ""
        of = "" if place else f" of {', '.join(column.name for column in columns)}"
        if fresh:
            yield Change(f"nullWords{of} gain {_listed(fresh)}: {_fresh_effect(columns)}", place)
        if gone:
            cast = any(not is_text(column.physical_type) for column in columns)
            effect = "rows that have them are rejected" if cast else "they are values now"
            yield Change(f"nullWords{of} lose {_listed(gone)}: {effect}", place, breaking=cast)


def _fresh_effect(columns: Sequence[Column]) -> str:
    required = [column.name for column in columns if column.required]
    rejected = f", and rows that have them in {', '.join(required)} are rejected" if required else ""
    return f"values that were kept are none from now on{rejected}"


def _words(contract: Contract, column: Column) -> frozenset[str]:
    return frozenset(word for name in column.sources for word in contract.words_of(name))


def _listed(words: frozenset[str]) -> str:
    return ", ".join(repr(word) for word in sorted(words))
