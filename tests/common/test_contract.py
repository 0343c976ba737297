"""Reading contracts: one source alone, names of types, and messages that say what to mend."""

from pathlib import Path

import pytest

from lambdas.common.contract import load_source, load_sources, source_names
from lambdas.common.contract.check import check_all
from lambdas.common.contract.formats import parse_format
from lambdas.common.errors import ContractError, RequestError

GOOD = """
apiVersion: v3.1.0
kind: DataContract
id: {name}
version: 1.0.0
status: active
schema:
  - name: {name}
    properties:
      - {{name: at, logicalType: timestamp, physicalType: timestamp, required: true, partitioned: true}}
      - {{name: price, logicalType: number, physicalType: "NUMERIC(10, 2)"}}
"""


DEFS = """type: orchestration.components.Source
attributes:
  start: "2024-01-01"
"""


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    for name in ("good", "bad"):
        folder = tmp_path / "sources" / name
        folder.mkdir(parents=True)
        (folder / "contract.yaml").write_text(GOOD.format(name=name))
        (folder / "defs.yaml").write_text(DEFS)
    return tmp_path


def change(assets: Path, old: str, new: str) -> Path:
    path = assets / "sources" / "bad" / "contract.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_mistake_in_one_contract_does_not_touch_another_source(assets):
    change(assets, "physicalType: timestamp", "physicalType: moment")
    assert source_names(assets) == ["bad", "good"]
    assert load_source("good", assets).name == "good"
    with pytest.raises(ContractError, match="'moment' is not among smallint"):
        load_source("bad", assets)
    with pytest.raises(ContractError):
        load_sources(assets)


def test_an_empty_contract_says_that_it_holds_none(assets):
    (assets / "sources" / "bad" / "contract.yaml").write_text("")
    with pytest.raises(ContractError, match=r"bad/contract.yaml: holds no contract: .* found NoneType"):
        load_source("bad", assets)


@pytest.mark.parametrize("folder", ["/var/task", "/tmp/a state/3", "/home/assets/x"])
def test_files_are_named_from_assets_on(folder):
    text = f"see {folder}/assets/sources/a/contract.yaml: b\n{folder}/assets/marts/c/mart.sql: a/assets/d"
    assert str(ContractError(text)) == "see assets/sources/a/contract.yaml: b\nassets/marts/c/mart.sql: a/assets/d"


def test_unknown_source_is_told_with_the_known_ones(assets):
    with pytest.raises(RequestError, match="'nope' is unknown; known are bad, good"):
        load_source("nope", assets)


def test_other_names_of_a_type_are_understood(assets):
    assert load_source("good", assets).column("price").physical_type == "decimal(10, 2)"


def test_repository_s_contracts_and_these_are_all_well(assets):
    assert check_all() == []
    assert check_all(assets) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("required: true", "requird: true", "requird"),
        (", partitioned: true", "", "exactly one column must be `partitioned: true`"),
        ("name: price", "name: Price", "column name 'Price'"),
        ("name: price", "name: at", "at: is declared twice"),
        ("name: bad", "name: other", "named like its folder: bad"),
        ("logicalType: number,", "logicalType: number, primaryKey: true,", "must be `required: true`"),
        ("logicalType: number,", 'logicalType: number, transformLogic: "a + 1",', "transformSourceObjects"),
        (
            "logicalType: number,",
            'logicalType: number, transformLogic: "a + b", transformSourceObjects: [a],',
            "does not bind",
        ),
    ],
)
def test_check_names_the_file_and_the_mistake(assets, old, new, words):
    change(assets, old, new)
    mistakes = check_all(assets)
    assert any(text.startswith("assets/sources/bad/contract.yaml:") and words in text for text in mistakes), mistakes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[yyyy]" * 9, "more than 8 sections in brackets"),
        ("yyyy[-][.][/][ ][MM]", "32 alternatives, where 16 are the most"),
        ("[yyyy-MM-dd", "has no partner"),
        ("QQ", "'QQ' is not understood"),
    ],
)
def test_a_format_that_cannot_be_read_is_told_why(text, said):
    with pytest.raises(ValueError, match=said):
        parse_format(text)


def test_eight_sections_are_eight_formats():
    days = ["dd.MM.yyyy", "yyyy-MM-dd", "dd/MM/yyyy", "yyyyMMdd", "d MMM yyyy", "MMM d, yyyy", "yyyy/MM/dd", "dd-MM-yy"]
    assert len(parse_format("".join(f"[{day}]" for day in days))) == 8
