"""Which images there are, and from which bases."""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Part:
    """One image: its Dockerfile in the project, and the variable that may name another base, by digest for instance.

    `links`: it shows people where its files can be read.
    """

    name: str
    dockerfile: str
    variable: str
    links: bool = False

    @property
    def base(self) -> str | None:
        """The base that the environment names; None for the Dockerfile's own."""
        return os.environ.get(self.variable) or None


PARTS = (
    Part("ingest", "lambdas/ingest/Dockerfile", "LAMBDA_BASE"),
    Part("process", "lambdas/process/Dockerfile", "LAMBDA_BASE"),
    Part("api", "lambdas/api/Dockerfile", "LAMBDA_BASE"),
    Part("dagster", "orchestration/Dockerfile", "PYTHON_BASE", links=True),
)
