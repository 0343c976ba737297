"""The endpoint's certificate, made once per state directory and kept there."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def certificate_authority(state: Path) -> Path:
    """Where the certificate of the authority lies that clients have to trust (PEM)."""
    return state / "tls" / "ca.pem"


def server_context(state: Path) -> ssl.SSLContext:
    """A TLS context for the server side; authority and certificate are made on first use."""
    chain = state / "tls" / "server.pem"
    if not chain.exists():
        _make(state, chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def _make(state: Path, chain: Path) -> None:
    chain.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="local Redshift endpoint")
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(certificate_authority(state)))
    # renamed into place last: a chain that exists is complete and its authority is beside it
    partial = chain.with_suffix(".part")
    partial.touch(mode=0o600)
    partial.write_bytes(issued.private_key_pem.bytes() + b"".join(c.bytes() for c in issued.cert_chain_pems))
    partial.rename(chain)
