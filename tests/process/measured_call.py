"""One call of the process function in a process of its own, with what it took: a line of JSON.

Run as a module, in a folder that has lambdas/ and assets/, with a temp folder that nobody else uses.

Args: the event as JSON, and the bytes of a slice.
"""

import json
import sys

from lambdas.process import app, slices
from tests.peaks import measure

if __name__ == "__main__":
    slices.SLICE_BYTES = int(sys.argv[2])
    sys.stdout.write(json.dumps(measure(lambda: app.handler(json.loads(sys.argv[1]), None))) + "\n")
