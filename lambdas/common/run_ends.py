"""Arrow's run-end encoding, which Parquet has not."""

from typing import Any


def without_run_ends(table: Any) -> Any:
    """The Arrow table or record batch with each value of such columns written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, field in enumerate(table.schema):
        if pa.types.is_run_end_encoded(field.type):
            table = table.set_column(place, field.name, pc.run_end_decode(table.column(place)))
    return table
