"""Rows of a REST API: dlt's rest_api as an extractor, without a dlt pipeline."""

import copy
import logging
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.ingest.job import Job
from lambdas.ingest.request import Options
from lambdas.ingest.spool import Rows

CONNECT_SECONDS = 10
LONGEST_WAIT_SECONDS = 30
PASSING = (408, 425, 429)


def extract_rest(job: Job) -> Rows:
    """The records of the source's resource: the one named like the source, or the only one.

    Raises:
        SourceError: dlt refuses the configuration, or the API answers with an error that stays.
        SourceUnavailable: no answer, or 429 or 5xx after all attempts.
    """
    prepare_dlt()
    from dlt.common.exceptions import DltException
    from requests.exceptions import RequestException

    try:
        return job.keep(_records(job))
    except (DltException, RequestException) as error:
        raise _translated(error) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"rest_api: {type(error).__name__}: {error}") from error


def prepare_dlt() -> None:
    """Set what dlt reads when it is imported: it must neither call home nor write beside the temporary directory."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("DLT_DATA_DIR", os.path.join(tempfile.gettempdir(), "dlt"))  # noqa: PTH118


def session(options: Options) -> Any:
    """A requests session that tries again on 429, 5xx and lost connections, and honours Retry-After."""
    prepare_dlt()
    # at DEBUG it would log each URL, and a URL may hold a secret
    logging.getLogger("urllib3").setLevel(logging.INFO)
    from dlt.sources.helpers.requests import Client

    client = Client(
        request_timeout=(CONNECT_SECONDS, options.timeout),
        raise_for_status=False,
        request_max_attempts=options.attempts,
        request_max_retry_delay=LONGEST_WAIT_SECONDS,
    )
    return client.session


def _records(job: Job) -> Iterator[Any]:
    from dlt.sources.rest_api import rest_api_resources

    config: Any = copy.deepcopy(dict(job.config))
    config.setdefault("client", {})["session"] = session(job.options)
    _compile_selectors(config)
    found = {resource.name: resource for resource in rest_api_resources(config)}
    if job.source not in found and len(found) != 1:
        raise SourceError(f"rest_api: resources are {sorted(found)}; name the one to land {job.source!r}")
    return iter(found.get(job.source) or next(iter(found.values())))


def _compile_selectors(config: Any) -> None:
    """Parse each data_selector once; dlt would do so for every page, which costs as much as reading the page's JSON."""
    from dlt.common.jsonpath import compile_path

    for resource in [config.get("resource_defaults"), *config.get("resources", [])]:
        endpoint = resource.get("endpoint") if isinstance(resource, dict) else None
        if isinstance(endpoint, dict) and isinstance(endpoint.get("data_selector"), str):
            endpoint["data_selector"] = compile_path(endpoint["data_selector"])


def _translated(error: BaseException) -> SourceError | SourceUnavailable:
    """The request's failure within dlt's error, as ours; or dlt's, which then is about the configuration."""
    from requests.exceptions import HTTPError, RequestException

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, RequestException):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return SourceError(f"rest_api: {error}")
    asked = f" (asked: {cause.request.method} {cause.request.url!s})" if cause.request is not None else ""
    if isinstance(cause, HTTPError) and cause.response is not None:
        status = cause.response.status_code
        message = f"answered {status}: {cause.response.text[:300].strip()}{asked}"
        return SourceUnavailable(message) if status >= 500 or status in PASSING else SourceError(message)
    return SourceUnavailable(f"no answer: {type(cause).__name__}: {cause}{asked}")
