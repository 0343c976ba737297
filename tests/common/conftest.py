from pathlib import Path

import pytest

from tests.common.mistakes import CONTRACT, DEFS


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """A folder assets/ with one source, without a mistake."""
    folder = tmp_path / "sources" / "things"
    folder.mkdir(parents=True)
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "defs.yaml").write_text(DEFS)
    return tmp_path
