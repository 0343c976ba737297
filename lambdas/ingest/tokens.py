"""The tokens of a defs.yaml: {start}, {end}, {env:NAME}, {secret:NAME}. Nothing else in braces is touched.

{start:epoch} and {start:epoch_ms} (and so for the end) are the seconds and milliseconds since 1970-01-01 in UTC.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.common.errors import ContractError, SettingsError
from lambdas.ingest.redaction import looks_like_key, passwords, redact

TOKEN = re.compile(r"\{(?:((?:start|end)(?::epoch(?:_ms)?)?)|(env|secret):([^{}]*))\}")
NAMES = {"env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), "secret": re.compile(r"[A-Za-z0-9/_+=.@-]+")}
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
STEPS = {
    "day": dt.timedelta(days=1),
    "second": dt.timedelta(seconds=1),
    "millisecond": dt.timedelta(milliseconds=1),
    "microsecond": dt.timedelta(microseconds=1),
}
TIMESPECS = {"second": "seconds", "millisecond": "milliseconds", "microsecond": "microseconds"}


@dataclass(slots=True)
class Vault:
    """Secrets by name, each asked for once; it remembers them so that no message shows one."""

    client: Any
    _known: dict[str, str] = field(default_factory=dict)
    _hidden: set[str] = field(default_factory=set)

    def read(self, name: str) -> str:
        """The secret's text.

        Raises:
            SettingsError: there is none of that name, or this function may not read it.
        """
        if name not in self._known:
            try:
                self._known[name] = str(self.client.get_secret_value(SecretId=name)["SecretString"])
            except (self.client.exceptions.ClientError, KeyError) as error:
                hint = "keep it under that whole name in Secrets Manager, on AWS below analytics/<env>/sources/"
                raise SettingsError(f"secret {name!r} cannot be read: {error}; {hint}") from error
            self.hide(self._known[name])
        return self._known[name]

    def hide(self, secret: str) -> None:
        """Let no message show this text, nor the password of an address in it."""
        self._hidden.update((secret, *passwords(secret)))

    def redact(self, text: str) -> str:
        """The text with every secret that was read replaced by ***, however it is spelled."""
        return redact(text, self._hidden)


def fill(value: Any, window: Mapping[str, str], variables: Mapping[str, str], vault: Vault) -> Any:
    """A copy of the configuration with its tokens filled; what was filled in is not looked at again.

    Args:
        value: YAML as read; keys of mappings are left alone.
        window: the texts of start and end.
        variables: values of {env:NAME}.
        vault: values of {secret:NAME}.

    Raises:
        ContractError: a token names nothing, or a variable of AWS's, such as the function's own credentials.
        SettingsError: a variable or a secret is missing; names it.
    """
    if isinstance(value, Mapping):
        return {key: fill(item, window, variables, vault) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, window, variables, vault) for item in value]
    if isinstance(value, str):
        return TOKEN.sub(lambda match: _token(match, window, variables, vault), value)
    return value


def window_texts(start: dt.date, end: dt.date, *, inclusive: bool, precision: str) -> dict[str, str]:
    """How {start} and {end} read: ISO 8601 in UTC, days alone where the precision is a day; and as epochs.

    An inclusive end is the last step of time before the half-open one.
    """
    last = _midnight(end) - (STEPS[precision] if inclusive else dt.timedelta())
    texts = {}
    for side, instant in (("start", _midnight(start)), ("end", last)):
        texts[side] = _text(instant, precision)
        texts[f"{side}:epoch"] = str((instant - EPOCH) // STEPS["second"])
        texts[f"{side}:epoch_ms"] = str((instant - EPOCH) // STEPS["millisecond"])
    return texts


def _token(match: re.Match[str], window: Mapping[str, str], variables: Mapping[str, str], vault: Vault) -> str:
    side, kind, name = match.groups()
    if side:
        return window[side] if side in window else match[0]
    if not NAMES[kind].fullmatch(name):
        raise ContractError(f"{match[0]}: names nothing that can be filled in; write {{{kind}:NAME}}")
    return vault.read(name) if kind == "secret" else _variable(name, variables, vault)


def _variable(name: str, variables: Mapping[str, str], vault: Vault) -> str:
    if name.startswith("AWS_"):
        raise ContractError(f"{{env:{name}}}: variables that begin with AWS_ are the function's own; take another name")
    if name not in variables:
        raise SettingsError(
            f"{{env:{name}}}: no such variable; on the local cloud export it before `make up`, on AWS add it to "
            f"SourceVariables of the parameter file and deploy; a key belongs in Secrets Manager, as {{secret:NAME}}"
        )
    value = str(variables[name])
    for secret in (value,) if looks_like_key(name, value) else passwords(value):
        vault.hide(secret)
    return value


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _text(instant: dt.datetime, precision: str) -> str:
    if precision == "day":
        return instant.date().isoformat()
    timespec = TIMESPECS[precision] if instant.microsecond else "seconds"
    return instant.isoformat(timespec=timespec).replace("+00:00", "Z")
