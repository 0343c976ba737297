"""What a metric is in Redshift's SQL."""

from lambdas.common.db.sql import identifier

from .schemas import Field

PLAIN = {"min": "MIN", "max": "MAX", "sum": "SUM", "count": "COUNT"}
DOUBLES = {"avg": "AVG", "stddev": "STDDEV_SAMP"}


def metric_sql(field: Field, function: str) -> str:
    """The aggregate over a column, one of the column's `metrics`."""
    column = identifier(field.name)
    if function in PLAIN:
        return f"{PLAIN[function]}({column})"
    if function in DOUBLES:
        # Redshift's AVG keeps the type: of whole numbers a whole number, of decimals no more digits than they have.
        return f"{DOUBLES[function]}(CAST({column} AS double precision))"
    if function == "approx_distinct":
        return f"APPROXIMATE COUNT(DISTINCT {column})"
    # PERCENTILE_CONT may stand over one column alone (DG/r_PERCENTILE_CONT, usage notes); this one over many.
    return f"APPROXIMATE PERCENTILE_DISC({int(function.removeprefix('p')) / 100}) WITHIN GROUP (ORDER BY {column})"
