"""Images of a store of their own, by buildah without privileges of the kernel: no engine has to run."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cloud import PROJECT

INSTALL = "buildah is not installed; images are built with it, without an engine: apt-get install buildah"


class Store:
    """A folder with images. All that is in it goes with the folder; steps of a build see `mounts`, path -> folder."""

    def __init__(self, folder: Path, mounts: Mapping[str, Path] | None = None) -> None:
        assert shutil.which("buildah"), INSTALL
        self.folder = folder
        for name in ("tmp", "graph", "run"):
            (folder / name).mkdir(parents=True)
        settings = folder / "storage.conf"
        lines = ["[storage]", 'driver = "vfs"', f'graphroot = "{folder}/graph"', f'runroot = "{folder}/run"']
        settings.write_text("\n".join(lines) + "\n")
        volumes = [f"{mounted}:{path}:ro" for path, mounted in (mounts or {}).items()]
        (folder / "containers.conf").write_text(f"[containers]\nvolumes = {json.dumps(volumes)}\n")
        # what engines are told of this store
        self.settings = {
            "CONTAINERS_STORAGE_CONF": str(settings),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "BUILDAH_ISOLATION": "chroot",
            # this store copies a whole tree for each layer: all steps in one
            "BUILDAH_LAYERS": "false",
            "ENGINE": "buildah",
            "TMPDIR": str(folder / "tmp"),
        }
        self.environ = {**os.environ, **self.settings}

    def buildah(self, *arguments: str) -> str:
        """What a buildah command prints; it has to succeed."""
        done = subprocess.run(["buildah", *arguments], env=self.environ, cwd=PROJECT, capture_output=True, text=True)
        assert done.returncode == 0, f"buildah {' '.join(arguments)}:\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
        return done.stdout.strip()

    def commit_tree(self, root: Path, name: str, entry: str, environment: Mapping[str, str]) -> None:
        """Make an image of a folder."""
        container = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", container, str(root), "/")
        variables = [word for key, value in environment.items() for word in ("--env", f"{key}={value}")]
        entry_point = json.dumps([entry])
        self.buildah("config", *variables, "--workingdir", "/var/task", "--entrypoint", entry_point, container)
        self.buildah("commit", "--quiet", "--format", "docker", "--rm", container, name)

    def remove(self) -> None:
        """Take the folder away, files of other users in it too."""
        self.buildah("rm", "--all")
        unshare = [] if os.geteuid() == 0 else ["buildah", "unshare"]
        subprocess.run([*unshare, "rm", "-rf", str(self.folder)], env=self.environ, check=True)
