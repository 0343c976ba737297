"""What browsers get: from here alone, under a strict policy, small, and nothing else by any name."""

import gzip
import json
import re

import pytest

from tests.api.conftest import Api
from tests.api.warehouse import ROOT

STATIC = ROOT / "api_chalice" / "chalicelib" / "static"
PAGE = ("/", "/docs")


@pytest.mark.parametrize("path", PAGE)
def test_a_page_loads_only_from_the_app(api: Api, path: str) -> None:
    found = api.raw(path)
    assert (found.status_code, found.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = found.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in policy
    for reference in re.findall(r'(?:src|href)="([^"]+)"', found.body.decode()):
        if reference.startswith("assets/"):
            assert api.raw(f"/{reference}").status_code == 200, reference
        else:
            assert reference in ("docs", "openapi.json", "data:,"), reference


def test_no_inline_script_or_style(api: Api) -> None:
    for path in PAGE:
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", api.raw(path).body.decode())
    assert "'unsafe-inline'" not in api.raw("/").headers["Content-Security-Policy"]


def test_the_page_takes_less_than_80_kb_on_its_way(api: Api) -> None:
    loaded = {"/", *(f"/assets/{path.name}" for path in STATIC.glob("*.js")), "/assets/page.css", "/assets/uplot.css"}
    assert sum(len(gzip.compress(api.raw(path).body)) for path in loaded) < 80_000


def test_modules_load_only_what_is_there(api: Api) -> None:
    for path in STATIC.glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', path.read_text()):
            assert (STATIC / name).exists(), (path.name, name)


@pytest.mark.parametrize("name", ["x.js", "README.md", "..%2Fapp.py", "swagger-ui.js.gz", "%2e%2e", "page.js%00", "C:"])
def test_nothing_else_is_there(api: Api, name: str) -> None:
    found = api.raw(f"/assets/{name}")
    assert found.status_code == 404
    assert found.headers["Content-Type"] == "application/problem+json"


def test_a_file_that_the_browser_has_is_304(api: Api) -> None:
    tag = api.raw("/assets/page.js").headers["ETag"]
    assert api.send("GET", "/assets/page.js", if_none_match=tag).status_code == 304


def test_vendored_files_carry_their_licences(api: Api) -> None:
    told = (STATIC / "README.md").read_text()
    for name, word in (("uplot", "MIT"), ("swagger-ui", "Apache-2.0")):
        assert api.raw(f"/assets/{name}.LICENSE.txt").status_code == 200
        assert re.search(rf"{name}.*{word}", told)


def test_answers_are_not_sniffed(api: Api) -> None:
    for path in ("/", "/v1/health", "/v1/datasets/x", "/v1/datasets/earthquakes/records?format=csv"):
        assert api.raw(path).headers["X-Content-Type-Options"] == "nosniff"
    assert json.loads(api.raw("/v1/health").body) == {"status": "ok"}
