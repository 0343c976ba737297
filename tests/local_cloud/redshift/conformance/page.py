"""The part of docs/local-redshift.md that the lines make: how many there are, and where PostgreSQL would have lied.

`python -m tests.local_cloud.redshift.conformance.page` writes it anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.local_cloud.redshift.conformance.lines import LIES, LINES, Line

PAGE = Path(__file__).parents[4] / "docs" / "local-redshift.md"
_BEGIN = "<!-- made by tests/local_cloud/redshift/conformance/page.py -->"
_GUIDE = {
    "DG": "https://docs.aws.amazon.com/redshift/latest/dg/",
    "MG": "https://docs.aws.amazon.com/redshift/latest/mgmt/",
}
_LONGEST = 110


def _cell(text: str) -> str:
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
    return "`" + cut.replace("|", "\\|").replace("\n", " ").replace("`", "'") + "`"


def _rows(rows: Any) -> str:
    if not isinstance(rows, list):
        return "accepted"
    shown = ["null" if value is None else str(value) for row in rows[:3] for value in row]
    return _cell(", ".join(shown) + (", ..." if len(rows) > 3 else ""))


def _row(line: Line) -> str:
    guide, _, name = line.page.partition("/")
    redshift = _cell(line.refused) if line.refused else _rows(line.rows)
    postgres = "accepts it" if line.postgres == "accepts" else _rows(line.postgres)
    sql = "; ".join([line.sql, line.then] if line.then else [line.sql])
    return f"| {line.name} | {_cell(sql)} | {redshift} | {postgres} | [{name}]({_GUIDE[guide]}{name}.html) |"


def wanted() -> str:
    """What the page has to say after its mark."""
    same = sum(line.postgres == "same" for line in LINES)
    refused = sum(bool(line.refused) for line in LINES)
    stopped = len(LINES) - same - len(LIES)
    head = [
        f"{len(LINES)} lines, {refused} of them refusals. PostgreSQL alone does the same in {same}, stops with an",
        f"error of its own where Redshift has an answer in {stopped}, and lies in {len(LIES)}: it accepts what",
        "Redshift refuses, or gives another value.",
        "",
        "| line | statement | Redshift | PostgreSQL | page |",
        "| --- | --- | --- | --- | --- |",
    ]
    return "\n".join(head + [_row(line) for line in LIES]) + "\n"


def written() -> str:
    """What the page says after its mark."""
    return PAGE.read_text(encoding="utf-8").partition(_BEGIN + "\n")[2]


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8").partition(_BEGIN)[0]
    PAGE.write_text(f"{before}{_BEGIN}\n{wanted()}", encoding="utf-8")
