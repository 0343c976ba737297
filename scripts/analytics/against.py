"""What the contracts would change for those who deliver and read the data, against another state of the repository."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml

from lambdas.common.contract import Contract, assets_folder, load_contract
from lambdas.common.contract.places import find_places
from lambdas.common.contract.read import read_contract
from lambdas.common.db.compare import compare_contracts
from lambdas.common.db.compare_rules import Change
from lambdas.common.errors import ContractError, RequestError

STEPS = """What to do about a breaking change: take it back; or add a column of another name and retire the old one; or,
where it is meant, raise the first number of the contract's `version`, tell those who read the data, and build the
tables anew: analytics retire NAME --drop, deploy, analytics rebuild NAME."""
Kind = Literal["source", "mart"]
KINDS: dict[str, Kind] = {"sources": "source", "marts": "mart"}


def check_against(base: str) -> bool:
    """Print the changes of all contracts since `base` was left (a commit, branch or tag of git).

    Returns:
        False where a breaking change is not said to be meant: by a greater first number of the contract's version.

    Raises:
        RequestError: git does not know the base.
    """
    assets = assets_folder()
    commit, before = _read(assets.parent, base)
    told = {True: 0, False: 0}
    unsaid = False
    for path in sorted({*before, *_present(assets)}):
        for line, change, meant in _changes(assets.parent / path, path, before.get(path)):
            told[change.breaking] += 1
            unsaid |= change.breaking and not meant
            kind = "additive" if not change.breaking else "breaking, and meant" if meant else "BREAKING"
            print(f"{path}:{line}: {kind}: {change.column + ': ' if change.column else ''}{change.text}")
    print(f"against {base} ({commit[:10]}): {told[True]} breaking changes, {told[False]} additive")
    if unsaid:
        print(STEPS)
    return not unsaid


def _present(assets: Path) -> Iterator[str]:
    for folder in KINDS:
        yield from (str(path.relative_to(assets.parent)) for path in (assets / folder).glob("*/contract.yaml"))


def _changes(path: Path, shown: str, text: str | None) -> Iterator[tuple[int, Change, bool]]:
    """Each with its line in the file, and whether the version says that it is meant."""
    if text is None:
        yield 1, Change("is new", breaking=False), True
        return
    if not path.exists():
        gone = f"is gone; its tables stay until `analytics retire {path.parent.name} --drop`"
        yield 1, Change(gone), False
        return
    document, kind = yaml.safe_load(text), KINDS[path.parents[1].name]
    try:
        former, contract = read_contract(document, path, kind), load_contract(path, kind)
    except ContractError:
        return  # told by the check itself, or wrong at that time, when nothing could be loaded by it
    now = path.read_text(encoding="utf-8")
    meant = _major(yaml.safe_load(now)) > _major(document)
    places = find_places(now)
    for change in compare_contracts(former, contract):
        yield _line(places, contract, change), change, meant


def _line(places: Any, contract: Contract, change: Change) -> int:
    names = [column.name for column in contract.columns]
    if change.column not in names:
        return int(places.line(("schema", 0)))
    document = yaml.safe_load(contract.path.read_text(encoding="utf-8"))
    order = [prop["name"] for prop in document["schema"][0]["properties"]]
    return int(places.line(("schema", 0, "properties", order.index(change.column))))


def _major(document: Any) -> int:
    first = str(document.get("version", "0")).partition(".")[0].lstrip("v")
    return int(first) if first.isdecimal() else 0


def _read(root: Path, base: str) -> tuple[str, dict[str, str]]:
    """The commit from which the work began, and the contracts as they were there, by their paths from assets/ on."""
    found = _git(root, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
    if found is None:
        raise RequestError(f"git knows no {base!r}; in a shallow clone fetch it first, or give another --against")
    commit = (_git(root, "merge-base", found.strip(), "HEAD") or found).strip()
    listed = (_git(root, "ls-tree", "-r", "--name-only", commit, "assets") or "").splitlines()
    names = [name for name in listed if Path(name).name == "contract.yaml" and name.split("/")[1] in KINDS]
    return commit, {name: _git(root, "show", f"{commit}:./{name}") or "" for name in names}


def _git(root: Path, *arguments: str) -> str | None:
    """What git says; None where it refuses."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise RequestError("git is not installed: --against needs it") from error
    return done.stdout if done.returncode == 0 else None
