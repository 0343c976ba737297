"""Every command from an account to PROD, in order, as docs/deploy.md has them; nothing is run.

python -m infrastructure.deploy.dry_run
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "deploy.md"
SECTION = re.compile(r"^## First set-up\n(.*?)^## ", re.MULTILINE | re.DOTALL)
# the title of a step, or a block of commands
PIECE = re.compile(r"^(\d+\. \*\*.+?\*\*)|^The same without GitHub|^ *```\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def lines(text: str) -> Iterator[str]:
    """The titles of the steps of a guide, and below each its commands, one a line, indented."""
    section = SECTION.search(text)
    for piece in PIECE.finditer(section[1] if section else ""):
        title, block = piece.groups()
        if block is None:
            yield re.sub(r"\*\*", "", title) if title else "Without GitHub, all of it by hand"
            continue
        for command in block.replace("\\\n", " ").splitlines():
            yield f"    {' '.join(command.split())}"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in lines(GUIDE.read_text(encoding="utf-8"))))
