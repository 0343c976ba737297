"""What was pushed: .local/images-<env>.json, and in S3 releases/<tree>.json once DEV has run it green."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infrastructure.images.errors import ImagesError
from infrastructure.images.source import Source


@dataclass(frozen=True, slots=True)
class Record:
    """The images of one source in one environment, by digest, and the objects of its artifact bucket that go with them.

    Attributes:
        commit: from which they were built.
        tree: of that commit; whatever has this tree is the same source.
        images: part -> repository@sha256:...
        objects: keys in the artifact bucket: the API's package, the record of the deploy with its templates.
    """

    commit: str
    tree: str
    images: Mapping[str, str]
    objects: tuple[str, ...] = ()

    def text(self) -> str:
        """The record as JSON, the same for the same record."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def parse(text: str | bytes) -> Record:
    """The record in a text that `Record.text` has made.

    Raises:
        ImagesError: it is none.
    """
    try:
        values: dict[str, Any] = json.loads(text)
        return Record(values["commit"], values["tree"], values["images"], tuple(values.get("objects", ())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImagesError(f"no record of images: {error!r}") from error


def path(state: Path, env: str) -> Path:
    """Where the record of an environment lies on this machine."""
    return state / f"images-{env}.json"


def keep(state: Path, env: str, record: Record) -> None:
    """Write the record of an environment for the deploy that follows."""
    state.mkdir(parents=True, exist_ok=True)
    path(state, env).write_text(record.text(), encoding="utf-8")


def find(state: Path, env: str) -> Record | None:
    """The record that `push` or `promote` left for an environment; None without one.

    Raises:
        ImagesError: what lies there is none.
    """
    file = path(state, env)
    return parse(file.read_text(encoding="utf-8")) if file.exists() else None


def pushed(state: Path, env: str, source: Source) -> Record:
    """The record that `push` or `promote` left for this source.

    Raises:
        ImagesError: there is none, or it is of another source.
    """
    file, record = path(state, env), find(state, env)
    if record is None:
        raise ImagesError(f"{file} is missing: run `make push ENV={env}` first")
    if record.tree != source.tree:
        raise ImagesError(f"{file} is of commit {record.commit}, and this checkout has other files: push them first")
    return record
