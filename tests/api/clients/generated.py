"""Asks the API by the package that openapi-python-client made; what it understood, as JSON."""

import json
import os

from analytics_client import AuthenticatedClient
from analytics_client.api.earthquakes import (
    earthquakes,
    earthquakes_aggregate,
    earthquakes_days,
    earthquakes_records,
    earthquakes_stats,
    earthquakes_values,
)
from analytics_client.api.exports import export
from analytics_client.api.loads import loads
from analytics_client.api.service import datasets, health
from analytics_client.models import EarthquakesAggregateBucket as Bucket
from analytics_client.models import EarthquakesAggregateMetricsItem as Metric
from analytics_client.models import EarthquakesValuesColumn as Groupable

client = AuthenticatedClient(
    base_url=os.environ["API_URL"],
    token=os.environ["API_KEY"],
    prefix="",
    auth_header_name="x-api-key",
    raise_on_unexpected_status=True,
)
february = {"client": client, "from_": "2018-02-01", "to": "2018-02-08"}
records = earthquakes_records.sync(**february, limit=3)
metrics = [Metric("count"), Metric("max:magnitude")]
mistaken = earthquakes_records.sync(client=client, from_="2018-02-30")
unknown = export.sync("0" * 32, client=client)
told = {
    "health": health.sync(client=client).status,
    "datasets": [found.name for found in datasets.sync(client=client).data],
    "columns": [column.name for column in earthquakes.sync(client=client).data.columns],
    "records": [row.to_dict() for row in records.data],
    "hour": records.data[0].event_time.hour,
    "coverage": records.meta.coverage.to_dict(),
    "groups": [
        group.to_dict() for group in earthquakes_aggregate.sync(**february, bucket=Bucket.DAY, metrics=metrics).data
    ],
    "days": [(day.day.isoformat(), day.state.value, day.rows_in) for day in earthquakes_days.sync(**february).data],
    "stats": [found.column for found in earthquakes_stats.sync(**february).data],
    "values": [value.to_dict() for value in earthquakes_values.sync(Groupable.STATUS, **february).data],
    "loads": len(loads.sync(client=client).data),
    "mistake": [mistake.to_dict() for mistake in mistaken.errors],
    "unknown": unknown.status,
}
print(json.dumps(told))
