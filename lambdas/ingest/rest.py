"""Rows of a REST API: dlt's rest_api as an extractor, without a dlt pipeline."""

import copy
import datetime as dt
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

from lambdas.common.errors import SourceError, SourceUnavailable
from lambdas.ingest.exact_json import parse
from lambdas.ingest.job import Job
from lambdas.ingest.selectors import compile_selector
from lambdas.ingest.spool import Rows

CONNECT_SECONDS = 10
PASSING = (408, 425, 429)
BUSY = (429, 503)
MOST_SHOWN = 300


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
        raise _translated(error, job) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"rest_api: {type(error).__name__}: {error}") from error


def prepare_dlt() -> None:
    """Set what dlt reads when it is imported: it must neither call home nor write beside the temporary directory."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("DLT_DATA_DIR", os.path.join(tempfile.gettempdir(), "dlt"))  # noqa: PTH118


def session(job: Job) -> Any:
    """A requests session that tries again on 429, 5xx and lost connections, and honours Retry-After.

    It gives up at once where the server says to come again after the job's deadline, and on the request that is one
    too many.
    """
    prepare_dlt()
    # at DEBUG it would log each URL, and a URL may hold a secret
    logging.getLogger("urllib3").setLevel(logging.INFO)
    from dlt.sources.helpers.requests import Client

    client = Client(
        request_timeout=(CONNECT_SECONDS, job.options.timeout),
        raise_for_status=False,
        request_max_attempts=job.options.attempts,
        request_max_retry_delay=max(1.0, job.deadline - time.monotonic()),
    )
    found = client.session
    for scheme in ("http://", "https://"):
        found.mount(scheme, _watched(job))
    return found


def _watched(job: Job) -> Any:
    """What sends the requests, counting the answers and reading when the server wants to be asked again.

    Not a hook of the session: dlt's client replaces those.
    """
    from requests.adapters import HTTPAdapter

    class Watched(HTTPAdapter):
        answered = 0

        def send(self, *arguments: Any, **options: Any) -> Any:
            if self.answered >= job.options.max_pages:
                raise SourceError(
                    f"the source still has pages after {job.options.max_pages} requests; if that is right, raise "
                    "extract.max_pages, else let the paginator know where the pages end"
                )
            job.require_time(f"{self.answered} answers")
            connect, read = options["timeout"]
            options["timeout"] = (connect, min(read, max(1.0, job.deadline - time.monotonic())))
            response = super().send(*arguments, **options)
            response.raw.stream = _stream_of(response.raw, job)
            self.answered += 1
            response.json = _json_of(response)  # type: ignore[method-assign]
            wait = _retry_after(response.headers.get("Retry-After", "")) if response.status_code in BUSY else 0.0
            if wait > max(0.0, job.deadline - time.monotonic()):
                response.close()
                status = response.status_code
                raise SourceUnavailable(f"answered {status}: to be asked again in {wait:.0f} s at the earliest")
            return response

    return Watched()


def _stream_of(raw: Any, job: Job) -> Callable[..., Iterator[bytes]]:
    """What reads the body, and looks at the time with each piece that has come: of a server that drips, each byte.

    requests reads by it, and turns its errors into those that are tried again.
    """

    def stream(amount: int, **options: Any) -> Iterator[bytes]:
        count = 0
        while piece := raw.read1(amount, **options):
            count += len(piece)
            try:
                job.require_time(f"{count:,} bytes of an answer")
            except SourceUnavailable:
                raw.close()  # nobody else does: the response has not reached who asked
                raise
            yield piece

    return stream


def _json_of(response: Any) -> Callable[..., Any]:
    """What reads the answer's JSON: once, though dlt asks for it again to find the next page, and exactly."""
    plain = response.json

    @cache
    def read() -> Any:
        try:
            return parse(response.content)
        except ValueError:
            return plain()  # which knows other encodings, and says that an answer is no JSON

    return lambda **_options: read()


def _retry_after(header: str) -> float:
    """Seconds of a Retry-After header, which holds a number or a date; 0 where it says nothing."""
    if header.strip().isdecimal():
        return float(header)
    try:
        return (parsedate_to_datetime(header) - dt.datetime.now(dt.UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0


def _records(job: Job) -> Iterator[Any]:
    from dlt.sources.rest_api import rest_api_resources

    config: Any = copy.deepcopy(dict(job.config))
    config.setdefault("client", {})["session"] = session(job)
    _ask_for_tokens_alike(config, job)
    _compile_selectors(config, job)
    found = {resource.name: resource for resource in rest_api_resources(config)}
    if job.source not in found and len(found) != 1:
        raise SourceError(f"rest_api: resources are {sorted(found)}; name the one to land {job.source!r}")
    return iter(found.get(job.source) or next(iter(found.values())))


def _ask_for_tokens_alike(config: Any, job: Job) -> None:
    """Give each login that fetches tokens a session such as the pages': dlt's own waits a minute.

    Of its own, because a token is no page of which max_pages counts the requests.
    """
    for place in [config["client"], *_endpoints(config)]:
        auth = place.get("auth")
        if isinstance(auth, dict) and auth.get("type") == "oauth2_client_credentials":
            auth["session"] = session(job)


def _endpoints(config: Any) -> Iterator[dict[str, Any]]:
    for resource in [config.get("resource_defaults"), *config.get("resources", [])]:
        endpoint = resource.get("endpoint") if isinstance(resource, dict) else None
        if isinstance(endpoint, dict):
            yield endpoint


def _compile_selectors(config: Any, job: Job) -> None:
    for endpoint in _endpoints(config):
        if isinstance(endpoint.get("data_selector"), str):
            text = endpoint["data_selector"]
            endpoint["data_selector"] = compile_selector(text, may_be_absent=job.options.data_may_be_absent)


def _translated(error: BaseException, job: Job) -> SourceError | SourceUnavailable:
    """The request's failure within dlt's error, as ours; or dlt's, which then is about the configuration."""
    from requests.exceptions import HTTPError, JSONDecodeError, RequestException

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, RequestException | SourceError | SourceUnavailable):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return SourceError(f"rest_api: {error}")
    if not isinstance(cause, RequestException):
        return cause
    asked = f" (asked: {cause.request.method} {cause.request.url!s})" if cause.request is not None else ""
    if isinstance(cause, HTTPError) and cause.response is not None:
        status = cause.response.status_code
        message = f"answered {status}: {_shown(cause.response.text, job)}{asked}"
        return SourceUnavailable(message) if status >= 500 or status in PASSING else SourceError(message)
    if isinstance(cause, JSONDecodeError):
        return SourceError(f"answered, but not with JSON: {_shown(cause.doc, job)}{asked}")
    return SourceUnavailable(f"no answer: {type(cause).__name__}: {cause}{asked}")


def _shown(text: str, job: Job) -> str:
    """The beginning of an answer. Secrets go out before it is cut: a half of one would not be found."""
    return job.redact(text[: 20 * MOST_SHOWN])[:MOST_SHOWN].strip()
