"""The command line of the local Redshift endpoint."""

from __future__ import annotations

import logging
import sys
import threading

from infrastructure.local.redshift import health, settings
from infrastructure.local.redshift.postgres import PostgresError
from infrastructure.local.redshift.server import Server, StartError

# an expression of some depth takes ten Python frames a level to be read, in the main thread and in others
_RECURSION = 10_000
_STACK = 16 << 20


def main() -> int:
    """Serve in the foreground, or check; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    sys.setrecursionlimit(_RECURSION)
    threading.stack_size(_STACK)
    arguments = settings.parser().parse_args()
    if arguments.check:
        return 0 if health.check(arguments.port) else 1
    try:
        return Server(settings.from_arguments(arguments)).serve()
    except (StartError, PostgresError, ValueError) as problem:
        print(f"redshift endpoint: {problem}", file=sys.stderr)  # noqa: T201 - a command line's last word
        return 1


if __name__ == "__main__":
    sys.exit(main())
