"""By what right COPY and UNLOAD reach S3 (DG/copy-parameters-authorization): checked for its form, then forgotten.

The local S3 asks for no credentials. No message of this module repeats what was given.
"""

from __future__ import annotations

import re

from infrastructure.local.redshift.dialect.lexer import Tokens
from infrastructure.local.redshift.errors import RedshiftError, not_covered

_ROLE = r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+"
_ROLES = re.compile(rf"^{_ROLE}(,{_ROLE})*$")
_CREDENTIAL_KEYS = {"aws_access_key_id", "aws_secret_access_key", "token", "aws_iam_role"}
_STARTS = {"IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "WITH"}


def starts(tokens: Tokens) -> bool:
    """Whether an authorization comes next."""
    return tokens.peek() in _STARTS


def read(tokens: Tokens) -> bool:
    """Use up an authorization.

    Raises:
        RedshiftError: It has not the form that it must have.
    """
    tokens.accept("WITH")
    word = tokens.accept_any("IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID")
    if word == "IAM_ROLE":
        if not tokens.accept("DEFAULT"):
            tokens.accept("AS")
            _check_role(_secret(tokens))
    elif word == "CREDENTIALS":
        tokens.accept("AS")
        _check_credentials(_secret(tokens))
    elif word == "ACCESS_KEY_ID":
        _check_keys(tokens)
    else:
        raise tokens.error()
    return True


def _secret(tokens: Tokens) -> str:
    if tokens.current is None or tokens.current.kind != "string":
        raise tokens.error()
    return tokens.string()


def _check_role(role: str) -> None:
    if role.lower() != "default" and not _ROLES.match(role):
        raise RedshiftError("XX000", f"Invalid IAM role ARN '{role}'")


def _check_keys(tokens: Tokens) -> None:
    tokens.accept("AS")
    values = [_secret(tokens)]
    tokens.expect("SECRET_ACCESS_KEY")
    tokens.accept("AS")
    values.append(_secret(tokens))
    if tokens.accept_any("SESSION_TOKEN", "TOKEN"):
        tokens.accept("AS")
        values.append(_secret(tokens))
    if not all(values):
        raise _invalid()


def _check_credentials(text: str) -> None:
    pairs = (part.partition("=") for part in text.split(";") if part)
    parts = {name: value for name, _, value in pairs}
    if "master_symmetric_key" in parts:
        raise not_covered("client-side encryption")
    if not set(parts) <= _CREDENTIAL_KEYS or not all(parts.values()):
        raise _invalid()
    if "aws_iam_role" in parts:
        _check_role(parts["aws_iam_role"])
    elif not {"aws_access_key_id", "aws_secret_access_key"} <= set(parts):
        raise _invalid()


def _invalid() -> RedshiftError:
    return RedshiftError(
        "XX000",
        "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
        "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'",
    )
