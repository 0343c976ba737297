"""Runs all benchmarks, or those named: `python -m tests.bench engine growth`."""

import os
import sys
import tempfile
from pathlib import Path

from tests.bench import api, definitions, engine, growth, ingest, load, peers, sensor

ALL = {
    "engine": engine.run,
    "peers": peers.run,
    "ingest": ingest.run,
    "load": load.run,
    "api": api.run,
    "growth": growth.run,
    "sensor": sensor.run,
    "definitions": definitions.run,
}


def main(names: list[str]) -> int:
    """Print a line a figure; 2 for a name that is unknown."""
    unknown = set(names) - ALL.keys()
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(ALL)}", file=sys.stderr)
        return 2
    # what a load tells CloudWatch would stand between the figures
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"
    print(f"{'what: ours | theirs':58} {'ours':>10} {'theirs':>10}")
    for name in names or ALL:
        with tempfile.TemporaryDirectory() as folder:
            ALL[name](Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
