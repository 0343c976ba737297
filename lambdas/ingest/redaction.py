"""Secrets in messages: however an address, a login or an answer spells them, *** stands in their place."""

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote

HIDDEN = "***"
# the password of an address, and parameters of a query that are named like a key: also those that no token filled in
PASSWORD = re.compile(r"(://[^\s:/@]*):[^\s@]*@")
PARAMETER = re.compile(r"([?&][^=&\s]*(?:key|token|secret|passw|pwd|signature|credential)[^=&\s]*=)[^&\s'\")]+", re.I)
KEY_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|PWD|CREDENTIAL|AUTH", re.I)
KEY_VALUE = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[A-Za-z0-9+/_=.~-]{20,}")
BASE64 = "[A-Za-z0-9+/_-]{0,500}"
LEAST_BASE64, LEAST_KEY = 5, 4


def looks_like_key(name: str, value: str) -> bool:
    """Whether the variable holds a key, by its name or by what it is: a long run of letters and digits."""
    if len(value) < LEAST_KEY or value.isdecimal():
        return False
    plain_address = "://" in value or value.startswith(("/", "."))
    return not plain_address and bool(KEY_NAME.search(name) or KEY_VALUE.fullmatch(value))


def passwords(text: str) -> Iterator[str]:
    """The password of an address such as postgresql://user:password@host/name, as written and as sent."""
    for found in re.findall(r"://[^\s:/@]*:([^\s@]+)@", text):
        yield from {found, unquote(found)}


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets: as they are, percent-encoded, escaped in JSON, or within a base64 login."""
    text = PARAMETER.sub(rf"\1{HIDDEN}", PASSWORD.sub(rf"\1:{HIDDEN}@", text))
    for secret in sorted({part for given in secrets for part in (given, given.strip()) if part}, key=len, reverse=True):
        text = re.sub("|".join((*_base64(secret), _spelled(secret))), HIDDEN, text)
    return text


def _spelled(secret: str) -> str:
    return "".join(f"(?:{'|'.join(dict.fromkeys(_spellings(character)))})" for character in secret)


def _spellings(character: str) -> Iterator[str]:
    yield re.escape(character)
    yield rf"\\{re.escape(character)}" if not character.isalnum() else re.escape(character)
    percent = "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
    yield f"(?i:{percent})"
    if character == " ":
        yield r"\+"
    if quote(character) != character and ord(character) > 127:
        yield rf"(?i:\\u{ord(character):04x})"


def _base64(secret: str) -> Iterator[str]:
    """The digits that the secret alone decides, for each of the three places where it can begin in a login."""
    content = secret.encode("utf-8", "replace")
    for shift in range(3):
        digits = base64.b64encode(b"\0" * shift + content).decode().rstrip("=")
        last = (shift + len(content)) * 8 // 6
        core = digits[-(-shift * 8 // 6) : last]
        if len(core) >= LEAST_BASE64:
            yield BASE64 + re.escape(core).replace("/", "[/_]").replace(r"\+", r"[+\-]") + BASE64 + "={0,2}"
