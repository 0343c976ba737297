"""COPY and UNLOAD: what the endpoint itself does in place of a statement for the backend."""

from __future__ import annotations

from pathlib import Path

from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.copying.run import Copier
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.interruption import Interruption
from infrastructure.local.redshift.journal import Journal
from infrastructure.local.redshift.s3 import S3
from infrastructure.local.redshift.unloading.run import Unloader


class Transfers:
    """Carries out the COPY or the UNLOAD of a plan.

    Args:
        endpoint: URL of the local S3, or None for boto3's default.
        state: The endpoint's state directory.
    """

    def __init__(self, endpoint: str | None, state: Path) -> None:
        s3 = S3(endpoint, state / "tmp")
        journal = Journal(state / "pgdata")
        self._copier = Copier(s3, journal)
        self._unloader = Unloader(s3, journal)

    async def run(self, backend: Backend, plan: Plan, interruption: Interruption) -> list[str]:
        """Do what the plan asks for, in the open transaction of the session; nothing if it asks for neither.

        Returns:
            What the client is told about it.

        Raises:
            RedshiftError: It failed; the transaction has to be rolled back.
        """
        if plan.copy:
            return await self._copier.copy(backend, plan.copy, interruption)
        if plan.unload:
            return await self._unloader.unload(backend, plan.unload, interruption.query_id)
        return []
