"""Which variables the sources ask for by {env:NAME}, and which of these a deploy does not give to the functions."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "assets" / "sources"
TOKEN = re.compile(r"\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


def named_by_sources(sources: Path) -> dict[str, list[str]]:
    """The variables that the defs.yaml under assets/sources name, each with the sources that do, sorted."""
    named: dict[str, list[str]] = {}
    for path in sorted(sources.glob("*/defs.yaml")):
        for name in sorted(set(TOKEN.findall(COMMENT.sub("", path.read_text(encoding="utf-8"))))):
            named.setdefault(name, []).append(path.parent.name)
    return dict(sorted(named.items()))


def tell_missing(named: Mapping[str, list[str]], source_variables: str, env: str) -> list[str]:
    """A line for each variable that SourceVariables (JSON) lacks: its sources cannot be ingested."""
    way = "export it and run `make up` again" if env == "local" else f"add it to parameters-{env}.json and deploy"
    given = json.loads(source_variables or "{}")
    return [
        f"WARNING: {', '.join(sources)} cannot be ingested: {{env:{name}}} is not in SourceVariables; {way}"
        for name, sources in named.items()
        if name not in given
    ]
