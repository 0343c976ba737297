"""The command line of the local Redshift endpoint."""

from __future__ import annotations

import logging
import sys

from infrastructure.local.redshift import health, settings
from infrastructure.local.redshift.postgres import PostgresError
from infrastructure.local.redshift.server import Server, StartError


def main() -> int:
    """Serve in the foreground, or check; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
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
