"""The tokens of a defs.yaml: {start}, {end}, {env:NAME}, {secret:NAME}. Nothing else in braces is touched."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.common.errors import ContractError, SettingsError

TOKEN = re.compile(r"\{(?:(start|end)|env:([A-Za-z_][A-Za-z0-9_]*)|secret:([A-Za-z0-9/_+=.@-]+))\}")
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

    def read(self, name: str) -> str:
        """The secret's text.

        Raises:
            SettingsError: there is none of that name, or this function may not read it.
        """
        if name not in self._known:
            try:
                self._known[name] = str(self.client.get_secret_value(SecretId=name)["SecretString"])
            except (self.client.exceptions.ClientError, KeyError) as error:
                raise SettingsError(f"secret {name!r} cannot be read: {error}") from error
        return self._known[name]

    def redact(self, text: str) -> str:
        """The text with every secret that was read replaced by ***."""
        for secret in sorted(self._known.values(), key=len, reverse=True):
            text = text.replace(secret, "***") if secret else text
        return text


def fill(value: Any, window: Mapping[str, str], variables: Mapping[str, str], vault: Vault) -> Any:
    """A copy of the configuration with its tokens filled; what was filled in is not looked at again.

    Args:
        value: YAML as read; keys of mappings are left alone.
        window: the texts of start and end.
        variables: values of {env:NAME}.
        vault: values of {secret:NAME}.

    Raises:
        ContractError: a token names a variable of AWS's, such as the function's own credentials.
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
    """How {start} and {end} read: ISO 8601 in UTC, days alone where the precision is a day.

    An inclusive end is the last step of time before the half-open one.
    """
    last = _midnight(end) - (STEPS[precision] if inclusive else dt.timedelta())
    return {"start": _text(_midnight(start), precision), "end": _text(last, precision)}


def _token(match: re.Match[str], window: Mapping[str, str], variables: Mapping[str, str], vault: Vault) -> str:
    side, variable, secret = match.groups()
    if side:
        return window[side] if side in window else match[0]
    if secret:
        return vault.read(secret)
    if variable.startswith("AWS_"):
        raise ContractError(f"{match[0]}: variables that begin with AWS_ are the function's own; take another name")
    if variable not in variables:
        raise SettingsError(f"{match[0]}: no such variable; set it in SOURCE_VARIABLES of the ingest function")
    return str(variables[variable])


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _text(instant: dt.datetime, precision: str) -> str:
    if precision == "day":
        return instant.date().isoformat()
    timespec = TIMESPECS[precision] if instant.microsecond else "seconds"
    return instant.isoformat(timespec=timespec).replace("+00:00", "Z")
