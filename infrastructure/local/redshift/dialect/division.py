"""Division of decimals with Redshift's precision and scale; where they are not known, an operator refuses decimals."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from infrastructure.local.redshift.dialect.calls import call, cast
from infrastructure.local.redshift.dialect.inference import number, under_both
from infrastructure.local.redshift.dialect.numbers import Number, quotient_type


def division(node: exp.Div) -> Callable[[], object]:
    """What gives a quotient its type, in place, once its operands have theirs.

    Raises:
        ColumnsNeeded: The types of columns have to be known first.
    """
    quotient = _quotient(node)
    return lambda: node.replace(_division(node, quotient))


def _quotient(node: exp.Div) -> Number | None:
    divisor = node.expression.unnest()
    if isinstance(divisor, exp.Literal) and "." in divisor.name and float(divisor.name) < 1:
        # whether the zero before the point counts as a digit is not documented
        return None
    return under_both(lambda: _type(number(node.this), number(node.expression)))


def _type(left: Number | None, right: Number | None) -> Number | None:
    return quotient_type(left, right) if left and right else None


def _division(node: exp.Div, quotient: Number | None) -> exp.Expr:
    left, right = node.this.copy(), node.expression.copy()
    if quotient is None:
        return exp.Paren(this=exp.Operator(this=left, operator="pg_catalog.//", expression=right))
    if quotient.kind != "decimal":
        return node.copy()
    divided = call("rs_divide", left, right, exp.Literal.number(quotient.scale))
    return cast(divided, f"numeric({quotient.precision},{quotient.scale})")
