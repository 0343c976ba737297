"""`dg scaffold defs orchestration.components.Source sources/orders` (or Mart): the files of a folder, to be edited."""

import datetime as dt
from pathlib import Path
from string import Template

import dagster as dg

TEMPLATES = Path(__file__).parent / "templates"


class _FolderScaffolder(dg.Scaffolder):
    """Writes the files of a template folder; $name is the new folder's, $title the same in words."""

    folder: str

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Write them where dg has made the folder."""
        name = request.target_path.name
        words = {"name": name, "title": name.replace("_", " ").capitalize(), "today": f"{dt.datetime.now(dt.UTC):%F}"}
        for template in sorted((TEMPLATES / self.folder).iterdir()):
            text = Template(template.read_text(encoding="utf-8")).substitute(words)
            (request.target_path / template.name).write_text(text, encoding="utf-8")


class SourceScaffolder(_FolderScaffolder):
    """contract.yaml and defs.yaml of a source."""

    folder = "source"


class MartScaffolder(_FolderScaffolder):
    """contract.yaml, mart.sql and defs.yaml of a mart."""

    folder = "mart"
