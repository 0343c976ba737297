"""What leaves the function when something fails: an error of the platform's own, and no secret in it."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from lambdas.common.errors import AnalyticsError, PermanentError, TransientError, WorkspaceFull
from lambdas.common.room import is_disk_full
from lambdas.ingest.tokens import Vault

logger = logging.getLogger(__name__)


@contextmanager
def guarded(source: str, vault: Vault) -> Iterator[None]:
    """Let every error of the block leave without secrets, and without its cause, which may show one in a URL.

    Raises:
        AnalyticsError: as it was raised, or, for an error that nobody foresaw, WorkspaceFull where disk or memory did
            not suffice, TransientError where S3 failed, else PermanentError. The log has that one's trace.
    """
    try:
        yield
    except AnalyticsError as error:
        raise type(error)(vault.redact(str(error))) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not show a secret
        trace = "".join(traceback.format_exception(error))
        logger.error("%s", vault.redact(trace))
        raise _kind(error)(f"{source}: {type(error).__name__}: {vault.redact(str(error))}") from None


def _kind(error: Exception) -> type[AnalyticsError]:
    """Named by class, because not every call has loaded the libraries that raise them."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, MemoryError) or "OutOfMemoryException" in names or is_disk_full(error):
        return WorkspaceFull
    return TransientError if names & {"BotoCoreError", "ClientError"} else PermanentError
