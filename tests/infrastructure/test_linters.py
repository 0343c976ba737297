"""Every exception that a linter is told of has its reason beside it."""

import re

import pytest

from tests.cloud import PROJECT


def lines(name: str) -> list[str]:
    return (PROJECT / name).read_text(encoding="utf-8").splitlines()


def has_reason(text: list[str], number: int) -> bool:
    """Whether a line has a comment, or stands in a block of its kind below one."""
    mark = text[number].lstrip()[:2]
    if " # " in text[number]:
        return True
    while number >= 0 and text[number].lstrip().startswith(mark):
        number -= 1
    return text[number].lstrip().startswith("# ")


def test_each_check_that_checkov_skips() -> None:
    text = lines(".checkov.yaml")
    skipped = [number for number, line in enumerate(text) if "- CKV" in line]
    assert len(skipped) > 10
    assert [text[number] for number in skipped if not has_reason(text, number)] == []


def test_each_rule_that_sqlfluff_leaves_out() -> None:
    (found,) = re.findall(r"^exclude_rules = (.*)$", "\n".join(lines(".sqlfluff")), re.MULTILINE)
    told = re.findall(r"^# ([A-Z]{2}\d\d): ", "\n".join(lines(".sqlfluff")), re.MULTILINE)
    assert found.split(", ") == told


def test_each_rule_that_yamllint_is_told() -> None:
    text = lines(".yamllint")
    rules = text.index("rules:") + 1
    assert len(text) > rules
    for first, second in zip(text[rules::2], text[rules + 1 :: 2], strict=True):
        assert first.startswith("  # "), second
        assert not second.startswith("  # "), first


@pytest.mark.parametrize(
    "linter", ["hadolint", "zizmor", "yamllint", "checkov", "cfn-lint", "actionlint", "shellcheck"]
)
def test_no_file_switches_a_linter_off_within_itself(linter: str) -> None:
    folders = ("infrastructure", ".github", "lambdas", "orchestration", "assets", "api_chalice")
    files = [file for folder in folders for file in (PROJECT / folder).rglob("*") if "vendor" not in file.parts]
    kinds = (".yaml", ".yml", ".sql", "Dockerfile")
    switch = re.compile(rf"#\s*{linter}[ :]+(ignore|disable|skip)|ignore_checks")
    found = [file for file in files if file.is_file() and file.name.endswith(kinds)]
    assert len(found) > 10
    assert [file.name for file in found if switch.search(file.read_text(encoding="utf-8"))] == []
