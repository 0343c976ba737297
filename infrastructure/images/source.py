"""What is built: a commit and its tree, as git names them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from infrastructure.images.errors import ImagesError
from infrastructure.images.parts import PROJECT


@dataclass(frozen=True, slots=True)
class Source:
    """A checkout. Two commits with one tree are the same source: a merge of dev into main has a commit of its own."""

    commit: str
    tree: str
    clean: bool

    @property
    def tag(self) -> str:
        """The tag of the images made from it."""
        return f"commit-{self.commit}" + ("" if self.clean else "-changed")


def read_source(folder: Path = PROJECT) -> Source:
    """The checkout in a folder.

    Raises:
        ImagesError: it is no git checkout.
    """
    commit, tree = _git(folder, "rev-parse", "HEAD"), _git(folder, "rev-parse", "HEAD^{tree}")
    return Source(commit, tree, clean=not _git(folder, "status", "--porcelain"))


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise ImagesError("git is not installed") from error
    if done.returncode:
        raise ImagesError(f"{folder} is no git checkout: {done.stderr.strip()}")
    return done.stdout.strip()
