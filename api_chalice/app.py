"""The query API's entry points, and what Chalice packages and deploys.

`app.app` answers requests, `app.export` writes the files of one export.
"""

import os
from functools import cache
from typing import Any

from chalice import Chalice

# In the package this folder is the root; see ruff.toml.
from chalicelib import aws, warehouse  # type: ignore[import-not-found]
from chalicelib.exports import Exports  # type: ignore[import-not-found]
from chalicelib.routes import authorizer_of, register  # type: ignore[import-not-found]
from chalicelib.schemas import load_catalogue  # type: ignore[import-not-found]
from chalicelib.service import Service  # type: ignore[import-not-found]
from chalicelib.storage import Storage  # type: ignore[import-not-found]

app = Chalice(app_name="analytics-api")
catalogue = cache(load_catalogue)
storage = Storage.from_environment(os.environ, aws.s3)
exports = Exports(catalogue, warehouse.export_session, storage, aws.start_export, warehouse.utc_now)
# read when the app is packaged or deployed: the gateway asks, not the function
authorizer = authorizer_of(os.environ.get("API_AUTHORIZER", ""))
guard = authorizer.name if authorizer else ""
register(app, Service(catalogue, warehouse.default_warehouse(), warehouse.utc_today, guard), exports, authorizer)


@app.lambda_function(name="export")  # type: ignore[untyped-decorator]
def export(event: dict[str, Any], _context: Any) -> None:
    """Write the files of the export that the event names. An error lets Lambda try again."""
    exports.run(event["export"])
