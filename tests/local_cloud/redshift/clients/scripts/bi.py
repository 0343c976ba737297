"""What Superset does on a schema: SQLAlchemy lists its views and their columns, and pandas reads a chart's query."""

from __future__ import annotations

import json
import os

import pandas as pd
import sqlalchemy as sa

url = sa.URL.create(
    "redshift+redshift_connector", "bi", os.environ["PASSWORD"], "127.0.0.1", int(os.environ["PORT"]), "analytics"
)
engine = sa.create_engine(url, connect_args={"ssl": False})
seen = sa.inspect(engine)
told = {
    "schemas": seen.get_schema_names(),
    "views": sorted(seen.get_view_names(schema="bi")),
    "columns": [[column["name"], str(column["type"])] for column in seen.get_columns("readings", schema="bi")],
}
view = sa.Table("readings", sa.MetaData(), autoload_with=engine, schema="bi")
# a grain of time is a text of Superset's own
day = sa.literal_column("DATE_TRUNC('day', at)", type_=sa.DateTime).label("day")
chart = sa.select(day, sa.func.count().label("many")).select_from(view).group_by(day).order_by(day).limit(1000)
with engine.connect() as connection:
    told["chart"] = [[str(row.day), row.many] for row in pd.read_sql(chart, connection).itertuples()]
    try:
        connection.execute(sa.text("SELECT secret FROM core.readings"))
    except sa.exc.SQLAlchemyError as error:
        told["refused"] = "permission denied" in str(error)
print(json.dumps(told))
