"""The smoke test: what a client and a caller see right after a deploy.

Every function starts, the API answers health, lists its datasets and gives a row to who has a key, and refuses who
has none.
"""

import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from infrastructure.deploy.api import find_api
from infrastructure.deploy.stack import DeployError
from infrastructure.deploy.target import INVOKE, Target

logger = logging.getLogger(__name__)

FUNCTIONS = ("ingest", "process", "forget", "migrate")
# A new key takes a moment to be known at the gateway, and a warehouse that slept to wake up.
PATIENCE_SECONDS = 90
REQUEST_SECONDS = 30
# what may pass when it is asked again
PASSING = (0, 403, 429, 500, 502, 503, 504)


class SmokeError(DeployError):
    """What was deployed does not work."""


def smoke(target: Target, *, patience: float = PATIENCE_SECONDS) -> None:
    """Look at an environment as its users do.

    Args:
        target: the environment.
        patience: seconds in which an answer may become the right one.

    Raises:
        SmokeError: says everything that does not work.
    """
    failures = [failure for part in FUNCTIONS if (failure := _start(target, part))]
    if not failures:
        api = find_api(target.session, target.env)
        failures = _ask_api(api["url"], api["key"], time.monotonic() + patience)
    if failures:
        raise SmokeError(f"the smoke test of {target.env} failed: {'; '.join(failures)}")
    logger.info("smoke test passed: %s start, the API answers", ", ".join(FUNCTIONS))


def _start(target: Target, part: str) -> str:
    """What keeps a function from starting; empty where nothing does."""
    client = target.session.client("lambda", config=INVOKE)
    reply = client.invoke(FunctionName=target.name(part), Payload=b'{"action": "ping"}')
    answer = json.loads(reply["Payload"].read())
    if "FunctionError" not in reply and answer == {"function": part}:
        return ""
    told = answer.get("errorMessage", answer) if isinstance(answer, dict) else answer
    return f"{target.name(part)}: {str(told)[:500]}"


def _ask_api(url: str, key: str, until: float) -> list[str]:
    """What is wrong with the answers of the API at `url`."""
    failures = [
        _await(until, f"{url}/v1/health", "", 200, lambda found: found == {"status": "ok"}),
        _await(until, f"{url}/v1/datasets", "", 403, lambda _: True),
        _await(until, f"{url}/v1/datasets", key, 200, lambda found: bool(found.get("data"))),
    ]
    if not any(failures):
        dataset = _get(f"{url}/v1/datasets", key)[1]["data"][0]["name"]
        address = f"{url}/v1/datasets/{dataset}/records?limit=1"
        failures.append(_await(until, address, key, 200, lambda found: {"data", "meta"} <= set(found)))
    return [failure for failure in failures if failure]


def _await(until: float, url: str, key: str, status: int, is_right: Callable[[Any], bool]) -> str:
    """What is wrong with an address after it was asked until it was right or the time was over."""
    pause = 0.5
    while True:
        found, body = _get(url, key)
        if found == status and isinstance(body, dict) and is_right(body):
            return ""
        # an answer that is cut off may be whole the next time
        if (found not in PASSING and body is not None) or time.monotonic() + pause > until:
            told = json.dumps(body)[:300] if body is not None else "no JSON"
            return f"{url} {'with' if key else 'without'} a key answers {found} ({told}), not {status} as it should"
        time.sleep(pause)
        pause = min(2 * pause, 5)


def _get(url: str, key: str) -> tuple[int, Any]:
    """Status and JSON of an address; 0 where nobody answers, None where it is no JSON."""
    request = urllib.request.Request(url, headers={"x-api-key": key} if key else {})  # noqa: S310 - our own API
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:  # noqa: S310
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError:
        return 0, None
    try:
        return status, json.loads(text)
    except ValueError:
        return status, None
