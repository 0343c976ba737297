"""Variables that sources name and a deploy does not give to the functions."""

import json
import logging
import sys

from infrastructure.deploy import __main__ as deploy
from infrastructure.deploy.variables import named_by_sources, tell_missing


def write(folder, name, text):
    path = folder / name / "defs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_variable_that_no_function_gets_is_told_with_its_sources_and_the_way_to_give_it(tmp_path):
    write(tmp_path, "meters", 'extract: {bucket_url: "{env:METERS}/{env:GIVEN}"}')
    write(tmp_path, "counts", 'extract: {bucket_url: "{env:METERS}"}\n  # bucket_url: "{env:FORMER}"\n')
    named = named_by_sources(tmp_path)
    assert named == {"GIVEN": ["meters"], "METERS": ["counts", "meters"]}
    (local,) = tell_missing(named, json.dumps({"GIVEN": "x"}), "local")
    assert local.startswith(
        "WARNING: counts, meters cannot be ingested: {env:METERS} is not in SourceVariables; export it"
    )
    assert "parameters-prod.json" in tell_missing(named, "", "prod")[0]


def test_a_deploy_says_so_at_its_end(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "infrastructure")  # main sets it as well: put back behind the test
    write(tmp_path, "meters", 'extract: {bucket_url: "{env:METERS}"}')
    monkeypatch.setattr(deploy, "SOURCES", tmp_path)
    monkeypatch.setitem(deploy.ACTIONS, "deploy", lambda *_: deploy.logger.warning("deployed"))
    monkeypatch.setattr(sys, "argv", ["deploy", "dev"])
    assert deploy.main() == 0
    assert [text.partition(":")[0] for text in caplog.messages[:2]] == ["deployed", "WARNING"]
