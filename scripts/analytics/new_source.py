"""analytics new-source: the two files of a source, proposed from a sample of it."""

import argparse
from pathlib import Path

from lambdas.common.contract import assets_folder
from lambdas.common.contract.check import check_source
from lambdas.common.contract.sound import NAME
from lambdas.common.errors import RequestError
from lambdas.common.propose import Proposal, propose, read_sample


def new_source(options: argparse.Namespace) -> bool:
    """Write assets/sources/NAME/ and say what is unsure; whether the files pass the check. Overwrites nothing."""
    assets = assets_folder()
    folder = assets / "sources" / options.name
    if not NAME.fullmatch(options.name):
        raise RequestError(f"NAME is {options.name!r}; it must match {NAME.pattern}: lower case, digits and _")
    for taken in (folder, assets / "marts" / options.name):
        if taken.exists():
            raise RequestError(f"assets/{taken.relative_to(assets)} exists already; nothing was written")
    proposal = propose(options.name, read_sample(options.sample))
    folder.mkdir(parents=True)
    (folder / "contract.yaml").write_text(proposal.contract, encoding="utf-8")
    (folder / "defs.yaml").write_text(proposal.defs, encoding="utf-8")
    _tell(options.name, proposal)
    mistakes = check_source(folder)
    for text in mistakes:
        print(text)
    return not mistakes


def _tell(name: str, proposal: Proposal) -> None:
    print(f"assets/sources/{name}/contract.yaml and defs.yaml are written, from {proposal.rows:,} rows.")
    if proposal.unsure:
        print("Unsure; look at:")
    for text in proposal.unsure:
        print(f"  - {text}")
    loads = "all rows of the sample load" if not proposal.rejected else f"{proposal.rejected:,} rows are rejected"
    print(f"With this contract {loads}. Next: edit the files, then `make check`, `make up`, and")
    print(f"  . .local/env && {Path('.venv/bin/python')} scripts/data_ingest.py {name}")
