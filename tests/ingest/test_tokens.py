"""Which texts of a defs.yaml are tokens, and what stands in their place."""

import contextlib
from types import SimpleNamespace

import pytest

from lambdas.common.errors import ContractError
from lambdas.ingest.tokens import Vault, fill

WINDOW = {"start": "S", "end": "E"}


@pytest.fixture
def vault(cloud):
    secrets = cloud.client("secretsmanager")
    with contextlib.suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name="tokens/test-1", SecretString="{start}{env:A}")
    return Vault(secrets)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{start}/{end}", "S/E"),
        ("{env:A}{env:A}", "aa"),
        ("{secret:tokens/test-1}!", "{start}{env:A}!"),
        ("{{start}}", "{S}"),
        ("{ start}{START}{end }{start:x}", "{ start}{START}{end }{start:x}"),
        ("{env:}{env:1}{secret:}{secret:a b}", "{env:}{env:1}{secret:}{secret:a b}"),
        (
            "{resources.list.id} {incremental.start_value} {{ x }}",
            "{resources.list.id} {incremental.start_value} {{ x }}",
        ),
    ],
)
def test_only_tokens_are_filled_and_what_they_hold_is_not_looked_at_again(vault, text, filled):
    assert fill({"{start}": [text, {"deep": text}], "n": 1}, WINDOW, {"A": "a"}, vault) == {
        "{start}": [filled, {"deep": filled}],
        "n": 1,
    }


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"])
def test_the_functions_own_credentials_are_nobodys_variables(name):
    with pytest.raises(ContractError, match=rf"{{env:{name}}}") as caught:
        fill({"deep": [f"https://example.com/{{env:{name}}}"]}, WINDOW, {name: "hunter2"}, Vault(None))
    assert "hunter2" not in str(caught.value)


def test_a_message_shows_no_secret_that_was_read(vault):
    fill("{secret:tokens/test-1}", {}, {}, vault)
    assert vault.redact("asked with {start}{env:A} twice {start}{env:A}") == "asked with *** twice ***"


def test_a_secret_is_asked_for_once():
    asked = []
    client = SimpleNamespace(get_secret_value=lambda **name: asked.append(name) or {"SecretString": "x"})
    vault = Vault(client)
    assert fill(["{secret:a}", "{secret:a}"], {}, {}, vault) == ["x", "x"]
    assert asked == [{"SecretId": "a"}]
