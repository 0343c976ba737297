"""Where in a YAML file something stands, and names that are nearly right."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Places:
    """The lines of a YAML document by path, from 1, its texts, and the keys that stand twice in one mapping."""

    lines: dict[Path, int] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    doubled: list[tuple[str, int]] = field(default_factory=list)

    def line(self, path: Sequence[str | int]) -> int:
        """The line of that path, or of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            if tuple(path[:length]) in self.lines:
                return self.lines[tuple(path[:length])]
        return 1

    def beneath(self, path: Path, key: str) -> int:
        """The line of the first key or text `key` beneath the path; that of the path where there is none."""
        inside = [(at, line) for at, line in self.lines.items() if len(at) > len(path) and at[: len(path)] == path]
        keys = [line for at, line in inside if at[-1] == key]
        return min(keys or [line for at, line in inside if self.texts.get(at) == key], default=self.line(path))


def find_places(text: str) -> Places:
    """The places of a document that yaml.safe_load reads.

    Raises:
        yaml.YAMLError: the text is no YAML.
    """
    places = Places()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        _walk(root, (), places)
    return places


def _walk(node: Any, path: Path, places: Places) -> None:
    places.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        places.texts[path] = str(node.value)
    for key, line, value in _children(node):
        if (*path, key) in places.lines:
            places.doubled.append((str(key), line))
        places.lines[*path, key] = line
        _walk(value, (*path, key), places)


def _children(node: Any) -> Iterator[tuple[str | int, int, Any]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield number, item.start_mark.line + 1, item


def no_yaml(path: object, error: Exception) -> str:
    """The message for a file that is no YAML, with the line where reading ended."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f"{path}: no YAML: {' '.join(str(error).split())}"
    text = f"{path}:{mark.line + 1}: no YAML: {getattr(error, 'problem', None) or 'cannot be read'}"
    return f"{text}; indent with blanks, not with tabs" if "\\t" in text else text


def near(name: str, known: Iterable[str]) -> str:
    """What is meant perhaps, as `hint` says it; nothing where no known name is near."""
    found = hint(name.lower(), known)
    return found if "did you mean" in found else ""


def hint(name: str, known: Iterable[str]) -> str:
    """What is meant perhaps: `; did you mean 'required'?`, or what is allowed where nothing is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(names)}" if len(names) <= 20 else ""
