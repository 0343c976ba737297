"""What is built: a commit and its tree, as git names them, and where people can look at it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from infrastructure.images.errors import ImagesError
from infrastructure.images.parts import PROJECT

# user@host:path, which is git's own way to write ssh://user@host/path
SCP = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?!/)(?P<path>.+)")
# What stands between repository and commit in the address of a file, where it is another word than GitHub's.
FILES = {"gitlab": "-/blob", "bitbucket": "src"}


@dataclass(frozen=True, slots=True)
class Source:
    """A checkout. Two commits with one tree are the same source: a merge of dev into main has a commit of its own.

    `repository` is the address of its remote `origin` for a browser; empty where there is none.
    """

    commit: str
    tree: str
    clean: bool
    repository: str = ""

    @property
    def tag(self) -> str:
        """The tag of the images made from it."""
        return f"commit-{self.commit}" + ("" if self.clean else "-changed")

    @property
    def files_url(self) -> str:
        """What the addresses of the commit's files begin with, without a slash at the end; empty where nobody knows."""
        if not (self.clean and self.repository):
            return ""
        host = urlsplit(self.repository).hostname or ""
        word = next((word for name, word in FILES.items() if name in host), "blob")
        return f"{self.repository}/{word}/{self.commit}"


def read_source(folder: Path = PROJECT) -> Source:
    """The checkout in a folder.

    Raises:
        ImagesError: it is no git checkout.
    """
    commit, tree = _git(folder, "rev-parse", "HEAD"), _git(folder, "rev-parse", "HEAD^{tree}")
    clean = not _git(folder, "status", "--porcelain")
    return Source(commit, tree, clean, browsed(_git(folder, "config", "--default", "", "--get", "remote.origin.url")))


def browsed(remote: str) -> str:
    """The address of a git remote for a browser, without a login that may stand in it; empty where it has none."""
    written = SCP.fullmatch(remote)
    parts = urlsplit(f"ssh://{written['host']}/{written['path']}" if written else remote)
    if parts.scheme not in ("https", "http", "ssh", "git") or not parts.hostname:
        return ""
    port = f":{parts.port}" if parts.port and parts.scheme in ("https", "http") else ""
    scheme = parts.scheme if parts.scheme == "http" else "https"
    return f"{scheme}://{parts.hostname}{port}/{parts.path.strip('/').removesuffix('.git')}"


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise ImagesError("git is not installed") from error
    if done.returncode:
        raise ImagesError(f"{folder} is no git checkout: {done.stderr.strip()}")
    return done.stdout.strip()
