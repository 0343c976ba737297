"""Which texts of a defs.yaml are tokens, and what stands in their place."""

import base64
import contextlib
import datetime as dt
import json
from types import SimpleNamespace
from urllib.parse import quote, quote_plus

import pytest

from lambdas.common.errors import ContractError, SettingsError
from lambdas.common.source import holds_window
from lambdas.ingest.tokens import Vault, fill, window_texts

WINDOW = {"start": "S", "end": "E", "start:epoch": "1", "end:epoch_ms": "23"}


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
        ("{start:epoch}{end:epoch_ms}", "123"),
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


@pytest.mark.parametrize("token", ["{env:}", "{env:1}", "{secret:}", "{secret:a b}", "{env: A}"])
def test_a_token_that_names_nothing_is_refused(token):
    with pytest.raises(ContractError, match="names nothing that can be filled in") as caught:
        fill(f"x{token}", WINDOW, {"A": "a"}, Vault(None))
    assert token in str(caught.value)


def test_a_missing_variable_says_where_to_set_it():
    with pytest.raises(SettingsError, match=r"export it before `make up`.*SourceVariables.*\{secret:NAME\}"):
        fill("{env:NOT_THERE}", WINDOW, {}, Vault(None))


@pytest.mark.parametrize(
    ("inclusive", "start", "end"), [(False, 1706659200, 1706745600000), (True, 1706659200, 1706745599999)]
)
def test_a_window_is_told_in_seconds_and_milliseconds(inclusive, start, end):
    day = dt.date(2024, 1, 31)
    texts = window_texts(day, day + dt.timedelta(days=1), inclusive=inclusive, precision="microsecond")
    assert fill("{start:epoch} {end:epoch_ms}", texts, {}, Vault(None)) == f"{start} {end}"
    assert texts["end:epoch"] == str(end // 1000)
    assert holds_window(["{end:epoch_ms}"])


SECRET = 'p/w+=ä" x%9'


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET).lower(),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        *(base64.b64encode(f"{user}:{SECRET}".encode()).decode() for user in ("u", "us", "use")),
        base64.urlsafe_b64encode(f"user:{SECRET}".encode()).decode(),
    ],
)
def test_no_spelling_of_a_secret_is_shown(shown):
    vault = Vault(SimpleNamespace(get_secret_value=lambda **_: {"SecretString": SECRET}))
    fill("{secret:a}", {}, {}, vault)
    assert vault.redact(f"asked https://h/x?q={shown} and") in (
        "asked https://h/x?q=*** and",
        'asked https://h/x?q="***" and',
    )


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("API_KEY", "abcd", "abcd"),
        ("MINE", "3f786850e387550fdab836ed7e6dc881de23001b", "3f786850e387550fdab836ed7e6dc881de23001b"),
        ("DB", "postgresql://me:p%40ss@host/x", "p@ss"),
    ],
)
def test_a_variable_that_holds_a_key_is_not_shown(name, value, hidden):
    vault = Vault(None)
    fill(f"{{env:{name}}}", {}, {name: value}, vault)
    assert vault.redact(f"<{hidden}>") == "<***>"


@pytest.mark.parametrize(
    ("name", "value"), [("DATA", "/srv/data-2024-files-of-all"), ("URL", "https://h/a1"), ("KEY_ID", "7000")]
)
def test_an_ordinary_variable_is_shown(name, value):
    vault = Vault(None)
    fill(f"{{env:{name}}}", {}, {name: value}, vault)
    assert vault.redact(value) == value


def test_passwords_and_keys_of_addresses_are_not_shown():
    text = "no https://me:hunter2@h/x?api_key=hunter3&start=1&X-Amz-Signature=hunter4"
    assert Vault(None).redact(text) == "no https://me:***@h/x?api_key=***&start=1&X-Amz-Signature=***"


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
