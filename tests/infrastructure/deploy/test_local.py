"""What a deploy to the local cloud takes from the shell that it is called in."""

import json

from infrastructure.deploy import local


def test_variables_that_sources_name_come_from_the_callers_environment(monkeypatch, tmp_path):
    defs = tmp_path / "assets" / "sources" / "meters" / "defs.yaml"
    defs.parent.mkdir(parents=True)
    defs.write_text('attributes: {extract: {filesystem: {bucket_url: "{env:METERS}"}}}')
    monkeypatch.setattr(local, "SOURCES", tmp_path / "assets" / "sources")
    monkeypatch.setenv("METERS", "/data/meters")
    monkeypatch.setenv("NOBODY_ASKED", "x")
    told = json.loads(local.parameters({"EARTHQUAKES_URL": "http://127.0.0.1:1"})["SourceVariables"])
    assert told["METERS"] == "/data/meters"
    assert "NOBODY_ASKED" not in told
