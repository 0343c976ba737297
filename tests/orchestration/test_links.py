"""Where the links of an asset to its files lead."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.links import link_files
from tests.cloud import PROJECT

FILES_URL = "https://git.example/team/lake/blob/" + "c" * 40


def links(definitions):
    """The references of each asset to its files, by its key."""
    graph = definitions.resolve_asset_graph()
    return {
        key.to_user_string(): graph.get(key).metadata["dagster/code_references"].code_references
        for key in graph.get_all_asset_keys()
    }


@pytest.fixture
def deployed(monkeypatch):
    monkeypatch.setenv("FILES_URL", FILES_URL)
    return links(defs())


@pytest.fixture
def here(monkeypatch):
    monkeypatch.delenv("FILES_URL", raising=False)
    return links(defs())


def test_where_a_commit_is_deployed_its_pages_are_linked(deployed):
    for asset, found in deployed.items():
        layer, name = asset.split("/")
        kind = "mart" if layer == "mart" else "source"
        files = ["contract.yaml", "defs.yaml", *(["mart.sql"] if kind == "mart" else [])]
        paths = [f"orchestration/components/{kind}.py", *(f"assets/{kind}s/{name}/{file}" for file in files)]
        assert sorted(one.url for one in found) == sorted(f"{FILES_URL}/{path}" for path in paths)
        assert all((PROJECT / path).is_file() for path in paths)
        assert {one.label for one in found} == {*files, f"{kind}.py"}


def test_on_a_laptop_the_files_themselves_are_linked(here, deployed):
    assert here.keys() == deployed.keys()
    for asset, found in here.items():
        paths = [Path(one.file_path) for one in found]
        assert all(path.is_file() for path in paths)
        assert {f"{FILES_URL}/{path.relative_to(PROJECT)}" for path in paths} == {one.url for one in deployed[asset]}


@pytest.mark.filterwarnings("ignore:Class `CodeReferencesMetadataValue` is currently in beta")
def test_what_others_drop_is_linked_too():
    readme = dg.LocalFileCodeReference(file_path=str(PROJECT / "README.md"))
    metadata = {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[readme])}
    # an external asset has no step
    dropped = dg.Definitions([dg.AssetSpec("dropped", metadata=metadata)])
    ((found,),) = links(link_files(dropped, FILES_URL)).values()
    assert (found.url, found.label) == (f"{FILES_URL}/README.md", "README.md")
