"""One call of the ingest function in a process of its own, with what it took: a line of JSON.

Run as a module, in a folder that has lambdas/ and assets/, with a temp folder that nobody else uses.

Args: the event as JSON.
"""

import json
import sys

from lambdas.ingest import app
from tests.peaks import measure

if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(lambda: app.handler(json.loads(sys.argv[1]), None))) + "\n")
