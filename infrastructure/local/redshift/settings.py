"""What the endpoint is told on its command line and by its environment."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

ADMIN = "admin"
DATABASE = "analytics"
HOST = "127.0.0.1"
# as many as a provisioned cluster's (MG/amazon-redshift-limits)
MOST_CONNECTIONS = 500
SSL_MODES = ("disable", "require", "verify-ca")


@dataclass(frozen=True)
class Settings:
    """Settings of one endpoint.

    Attributes:
        state: Folder that holds data, certificate, log and lock.
        port: TCP port on 127.0.0.1.
        sslmode: disable refuses TLS; require and verify-ca demand it.
        s3_endpoint: URL of the local S3, or None for boto3's own default.
        admin_password: Password of the superuser `admin`.
        faults: Whether faults may be ordered at DIR/faults.sock; for tests.
    """

    state: Path
    port: int
    sslmode: str
    s3_endpoint: str | None
    admin_password: str
    faults: bool = False

    @property
    def tls(self) -> bool:
        """Whether clients have to speak TLS."""
        return self.sslmode != "disable"


def parser() -> argparse.ArgumentParser:
    """The command line; every option but --check may come from the environment instead."""
    env = os.environ
    options = argparse.ArgumentParser(prog="infrastructure.local.redshift", description="Local Redshift endpoint")
    options.add_argument("--state", default=env.get("WAREHOUSE_STATE"), help="state directory (WAREHOUSE_STATE)")
    options.add_argument("--port", type=int, default=int(env.get("WAREHOUSE_PORT", "5439")), help="TCP port")
    options.add_argument("--s3-endpoint", default=env.get("AWS_ENDPOINT_URL"), help="URL of the local S3")
    options.add_argument("--sslmode", choices=SSL_MODES, default=env.get("WAREHOUSE_SSLMODE", "disable"))
    options.add_argument("--faults", action="store_true", help="for tests: take orders for faults at STATE/faults.sock")
    options.add_argument("--check", action="store_true", help="exit with 0 if an endpoint answers on the port")
    return options


def from_arguments(arguments: argparse.Namespace) -> Settings:
    """Settings from parsed arguments and WAREHOUSE_ADMIN_PASSWORD.

    Raises:
        ValueError: Something needed is missing; the message names it.
    """
    password = os.environ.get("WAREHOUSE_ADMIN_PASSWORD", "")
    if not password:
        raise ValueError("WAREHOUSE_ADMIN_PASSWORD is not set: it is the password of the superuser `admin`")
    if not arguments.state:
        raise ValueError("--state (or WAREHOUSE_STATE) is needed: the folder that keeps the data")
    state = Path(arguments.state).resolve()
    return Settings(state, arguments.port, arguments.sslmode, arguments.s3_endpoint, password, arguments.faults)
