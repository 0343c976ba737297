"""The query API's entry point: `app.app` is the Lambda handler, and what Chalice packages and deploys."""

from functools import cache

from chalice import Chalice

# In the package this folder is the root; see ruff.toml.
from chalicelib.routes import register  # type: ignore[import-not-found]
from chalicelib.schemas import load_catalogue  # type: ignore[import-not-found]
from chalicelib.service import Service  # type: ignore[import-not-found]
from chalicelib.warehouse import default_warehouse, utc_today  # type: ignore[import-not-found]

app = Chalice(app_name="analytics-api")
register(app, Service(cache(load_catalogue), default_warehouse(), utc_today))
