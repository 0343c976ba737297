"""A list of customProperties that is a text is a mistake: it would be read letter by letter."""

import shutil

import pytest

from lambdas.common.contract import load_contract
from lambdas.common.errors import ContractError
from tests.cloud import PROJECT


@pytest.mark.parametrize("name", ["nullWords"])
def test_text_in_place_of_a_list_is_refused(tmp_path, name):
    path = tmp_path / "earthquakes" / "contract.yaml"
    shutil.copytree(PROJECT / "assets" / "sources" / "earthquakes", path.parent)
    head, schema, rest = path.read_text().partition("  - name: earthquakes\n")
    head2, props, rest2 = rest.partition("    customProperties:\n")
    assert schema
    assert props
    path.write_text(f"{head}{schema}{head2}{props}      - {{property: {name}, value: n/a}}\n{rest2}")
    with pytest.raises(ContractError, match=f"{name} must be a list"):
        load_contract(path)
