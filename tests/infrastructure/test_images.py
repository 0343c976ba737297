"""The Dockerfiles of the functions whose code comes as images: what they copy is there, what they start exists."""

import importlib
import re

import pytest

from tests.cloud import PROJECT


@pytest.mark.parametrize("part", ["ingest", "process"])
def test_an_image_copies_what_is_there_and_starts_its_function(part: str) -> None:
    lines = (PROJECT / "lambdas" / part / "Dockerfile").read_text().splitlines()
    sources = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    assert {f"lambdas/{part}", f"lambdas/{part}/requirements.txt", "lambdas/common", "assets"} <= set(sources)
    assert not [source for source in sources if not (PROJECT / source).exists()]
    assert lines[-1] == f'CMD ["lambdas.{part}.app.handler"]'


def test_migrates_own_command_is_in_the_image_of_process() -> None:
    commands = re.findall(r"Command:\n\s+- (\S+)", (PROJECT / "infrastructure" / "template.yaml").read_text())
    assert commands == ["lambdas.process.migrate.handler"]
    module, _, name = commands[0].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
