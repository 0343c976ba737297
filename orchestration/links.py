"""Where the links of an asset to its contract and its code lead: to files of this machine, or to a repository's pages.

Dagster's own `link_code_references_to_git` passes external assets over, and refuses repositories of hosts whose name it
does not know.
"""

from pathlib import Path

import dagster as dg
from dagster._utils.warnings import disable_dagster_warnings

REFERENCES = "dagster/code_references"
PROJECT = Path(__file__).resolve().parents[1]


def link_files(definitions: dg.Definitions, files_url: str) -> dg.Definitions:
    """The definitions with links to the files below `files_url`; as they are where that is empty.

    Args:
        definitions: whose assets name files of this project.
        files_url: what the address of a file begins with, the project's root at its end.
    """
    if not files_url:
        return definitions

    def link(spec: dg.AssetSpec) -> dg.AssetSpec:
        found = spec.metadata[REFERENCES].code_references
        linked = dg.CodeReferencesMetadataValue(code_references=[_link(one, files_url) for one in found])
        return spec.replace_attributes(metadata={**spec.metadata, REFERENCES: linked})

    # links are in beta, as they are where Dagster loads the folders
    with disable_dagster_warnings():
        return definitions.map_asset_specs(func=link)


def _link(reference: dg.LocalFileCodeReference, files_url: str) -> dg.UrlCodeReference:
    path = Path(reference.file_path).resolve().relative_to(PROJECT)
    return dg.UrlCodeReference(url=f"{files_url}/{path.as_posix()}", label=reference.label or path.name)
