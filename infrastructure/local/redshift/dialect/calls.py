"""What becomes of the function calls that PostgreSQL lacks or understands differently."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from infrastructure.local.redshift.dialect.functions import DATE_PARTS
from infrastructure.local.redshift.dialect.inference import number
from infrastructure.local.redshift.errors import NOT_SUPPORTED, RedshiftError, not_covered


def cast(node: exp.Expr, name: str) -> exp.Cast:
    """A cast to a type of the backend."""
    target = exp.DataType(this=exp.DType.VARCHAR)
    target.meta["backend"] = name
    return exp.Cast(this=node, to=target)


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A function call by name."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def date_part(node: exp.Expr, *, read: bool = False) -> str:
    """The part of a date that an argument names, under its one name. Those of its zone can only be `read`."""
    name = node.name.lower()
    if name not in DATE_PARTS or (name.startswith("timezone") and not read):
        raise RedshiftError("22023", f'"{name}" is not a valid date part')
    return DATE_PARTS[name]


def arguments(node: exp.Anonymous, least: int, most: int | None = None) -> list[exp.Expr]:
    """Copies of a call's arguments.

    Raises:
        RedshiftError: 42883 where there are fewer than `least` or more than `most` (default: `least`).
    """
    given: list[exp.Expr] = node.expressions
    if not least <= len(given) <= (most or least):
        raise RedshiftError("42883", f"function {node.name}() does not take {len(given)} arguments")
    return [argument.copy() for argument in given]


def _concat(node: exp.Anonymous) -> exp.Expr:
    left, right = arguments(node, 2)
    return exp.Paren(this=exp.DPipe(this=cast(left, "varchar"), expression=cast(right, "varchar")))


def _decode(node: exp.Anonymous) -> exp.Expr:
    value, *rest = arguments(node, 3, 10_000)
    default = rest.pop() if len(rest) % 2 else None
    branches = []
    for search, result in zip(rest[::2], rest[1::2], strict=True):
        same: exp.Expr = exp.EQ(this=value.copy(), expression=search.copy())
        if not isinstance(search, exp.Literal):
            both = exp.And(this=_is_null(value), expression=_is_null(search))
            same = exp.Or(this=same, expression=exp.Paren(this=both))
        branches.append(exp.If(this=same, true=result))
    return exp.Case(ifs=branches, default=default)


def _is_null(node: exp.Expr) -> exp.Expr:
    return exp.Is(this=node.copy(), expression=exp.Null())


def _array(node: exp.Anonymous) -> exp.Expr:
    items = [_element(item) for item in node.expressions]
    return call("rs_super_array", *items) if items else call("json_parse", exp.Literal.string("[]"))


def _object(node: exp.Anonymous) -> exp.Expr:
    if len(node.expressions) % 2:
        raise RedshiftError("42883", "function object() takes pairs of a name and a value")
    if not node.expressions:
        return call("json_parse", exp.Literal.string("{}"))
    names = exp.Array(expressions=[cast(name.copy(), "text") for name in node.expressions[::2]])
    return call("rs_super_object", names, exp.Array(expressions=[_element(item) for item in node.expressions[1::2]]))


def _element(node: exp.Expr) -> exp.Expr:
    return cast(call("rs_super", node.copy()), "json")


def _date(node: exp.Anonymous) -> exp.Expr:
    """A type's name as a function: a cast."""
    (value,) = arguments(node, 1)
    return cast(value, "date")


def _end(node: exp.Anonymous) -> exp.Expr:
    """LEFT and RIGHT, which take a positive number."""
    value, size = arguments(node, 2)
    if isinstance(size, exp.Neg):
        raise not_covered(f"{node.name.upper()} of a negative number of characters")
    return call(node.name, value, size)


def _double(node: exp.Anonymous) -> exp.Expr:
    """A function of double precision numbers, which PostgreSQL has for decimals as well."""
    return call(node.name, *(cast(value, "double precision") for value in arguments(node, 1, 2)))


def _logarithm(node: exp.Anonymous) -> exp.Expr:
    """LN, which on tables takes no decimals (DG/r_LN)."""
    (value,) = arguments(node, 1)
    found = number(node.expressions[0])
    if found and found.kind == "decimal" and value.find(exp.Column):
        text = "Specified types or functions (one per INFO message) not supported on Redshift tables."
        raise RedshiftError(NOT_SUPPORTED, text, f"{node.name} of a decimal runs on the leader node only")
    return call(node.name, value)


def _json_text(node: exp.Anonymous) -> exp.Expr:
    """JSON_EXTRACT_PATH_TEXT and JSON_EXTRACT_ARRAY_ELEMENT_TEXT, whose last argument may be null_if_invalid."""
    value, *path = arguments(node, 2, 7)
    null_if_invalid = path.pop() if isinstance(path[-1], exp.Boolean) else exp.false()
    parsed = call("rs_json_or_null", cast(value, "text"), null_if_invalid)
    if node.name == "json_extract_path_text":
        return call("rs_path_text", parsed, *(cast(part, "text") for part in path))
    return call("rs_array_text", parsed, *path)


def _nvl(node: exp.Anonymous) -> exp.Expr:
    return call("coalesce", *arguments(node, 1, 10_000))


def _nvl2(node: exp.Anonymous) -> exp.Expr:
    value, present, absent = arguments(node, 3)
    return exp.Case(ifs=[exp.If(this=_is_null(value), true=absent)], default=present)


def _regexp(node: exp.Anonymous) -> exp.Expr:
    value, pattern, *rest = arguments(node, 2, 6)
    if isinstance(pattern, exp.Literal) and any(mark in pattern.name for mark in ("(?=", "(?!", "(?<")):
        raise RedshiftError("XX000", "Invalid preceding regular expression prior to repetition operator.")
    return call(f"rs_{node.name}", cast(value, "text"), pattern, *rest)


def _split_part(node: exp.Anonymous) -> exp.Expr:
    value, delimiter, part = arguments(node, 3)
    if isinstance(part, exp.Neg):
        raise RedshiftError("22023", "field position must be greater than zero")
    return call("split_part", cast(value, "text"), delimiter, part)


CALLS: dict[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "array": _array,
    "concat": _concat,
    "date": _date,
    "decode": _decode,
    "grouping_id": lambda node: call("grouping", *arguments(node, 1, 31)),
    "json_serialize": lambda node: call("rs_json_serialize", *arguments(node, 1)),
    "json_extract_array_element_text": _json_text,
    "json_extract_path_text": _json_text,
    "left": _end,
    "nvl": _nvl,
    "nvl2": _nvl2,
    "object": _object,
    "regexp_count": _regexp,
    "regexp_instr": _regexp,
    "regexp_replace": _regexp,
    "regexp_substr": _regexp,
    "right": _end,
    "split_part": _split_part,
    **dict.fromkeys(("dlog1", "ln"), _logarithm),
    **dict.fromkeys(("dexp", "dlog10", "exp", "log", "pow", "power", "sqrt"), _double),
}
