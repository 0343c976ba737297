"""When things run: Dagster, and the only place that imports it."""
