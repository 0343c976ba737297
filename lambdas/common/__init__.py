"""Shared by all functions, scripts, the API and orchestration; knows neither Dagster nor Chalice."""
