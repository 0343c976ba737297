"""Python environments beside .venv, whose pins are not the project's: made once, from requirements/<name>.txt."""

import hashlib
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def python_of(name: str) -> Path:
    """The Python of an environment that holds these packages and nothing of this project."""
    home, pinned = ROOT / ".local" / name, ROOT / "requirements" / f"{name}.txt"
    stamp, python = home / ".complete", home / "bin" / "python"
    wanted = hashlib.sha256(f"{sys.version}{home}{pinned.read_text()}".encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "requirements" / "bootstrap.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError("requirements/bootstrap.py")
        bootstrap = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(bootstrap)
        uv = bootstrap.install_uv()
        bootstrap.run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home))
        bootstrap.run(uv, "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(pinned))
        stamp.write_text(wanted)
    return python
