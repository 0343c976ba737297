"""A local Redshift endpoint: embedded PostgreSQL behind a proxy that speaks and checks Redshift.

`python -m infrastructure.local.redshift --state DIR --port N` serves it in the foreground.
"""
