"""One client's session after its authentication: statements in, answers out.

Messages of the extended protocol are gathered up to the next Sync and run Execute by Execute, so that what has to run
around a statement can be put before and after it on the same backend connection.
"""

from __future__ import annotations

from infrastructure.local.redshift import wire
from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect.plan import Plan
from infrastructure.local.redshift.errors import BackendError, RedshiftError
from infrastructure.local.redshift.execution import Execution
from infrastructure.local.redshift.faults import Faults
from infrastructure.local.redshift.history import History
from infrastructure.local.redshift.prepared import Message, Prepared, segments
from infrastructure.local.redshift.relay import Relay
from infrastructure.local.redshift.transfers import Transfers

_FLUSH_PATIENCE = 0.03
_EXTENDED = b"PBDECSH"


class Session:
    """The statements of one client.

    Args:
        client: The client's connection.
        backend: The session's server process.
        transfers: Carries out COPY and UNLOAD.
        history: Is told what was run.
        faults: What tests have ordered to go wrong, or None.
    """

    def __init__(
        self,
        client: wire.Channel,
        backend: Backend,
        transfers: Transfers,
        history: History,
        faults: Faults | None = None,
    ) -> None:
        self._client = client
        self._backend = backend
        self._work = Execution(client, backend, transfers, history, faults)
        self._prepared = Prepared(self._work.plans)
        self._skipping = False

    async def run(self) -> None:
        """Serve until the client says goodbye.

        Raises:
            ConnectionLost: One of the two connections ended.
        """
        while True:
            kind, payload = await self._client.message()
            if kind == b"X":
                return
            if kind == b"Q":
                await self._simple(payload)
            elif kind[0] in _EXTENDED:
                await self._gather(kind, payload)
            elif kind not in {b"d", b"c", b"f"}:
                await self._fail(RedshiftError("08P01", f"invalid frontend message type {kind!r}"))
                await self._send_ready(failed=True)
            await self._client.drain()

    def interrupt(self) -> bool:
        """Give up a statement that is still being read; whether there was one."""
        return self._work.interrupt()

    async def _gather(self, kind: bytes, payload: bytes) -> None:
        batch: list[Message] = []
        while kind != b"S":
            if kind != b"H":
                batch.append((kind, payload))
            elif not await self._more_comes():
                break
            kind, payload = await self._client.message()
            if kind[0] not in _EXTENDED:
                raise wire.ConnectionLost  # it says goodbye, or is none that speaks this protocol
        await self._extended(batch, sync=kind == b"S")

    async def _more_comes(self) -> bool:
        """After a Flush: whether the client goes on without waiting for answers."""
        while not self._client.has_message():
            if not await self._client.more(_FLUSH_PATIENCE):
                return False
        return self._client.buffer[0] in _EXTENDED

    async def _extended(self, batch: list[Message], *, sync: bool) -> None:
        """The messages up to a Sync, or up to a Flush after which the client waits.

        Without a transaction of the client's, all up to the Sync is one transaction.
        """
        together = self._work.implicit or not sync or sum(kind == b"E" for kind, _ in batch) > 1
        for segment in segments(batch):
            if not self._skipping:
                self._skipping = not await self._segment(segment, together=together)
        if sync:
            await self._send_ready(failed=self._skipping)
            self._skipping = False

    async def _segment(self, segment: list[Message], *, together: bool) -> bool:
        """Messages with one Execute at most; whether all went well."""
        try:
            frames, parsed, executed = await self._read(segment)
            await self._work.before(parsed, executed, together=together)
            unknown = self._prepared.unknown(segment)
            if unknown is not None:
                self._prepared.learn(unknown, await self._backend.description(unknown))
                frames, _, _ = await self._read(segment)
        except RedshiftError as problem:
            await self._fail(problem)
            return False
        # a Sync below ends no transaction that has to go on: where one has to, it was begun
        self._backend.channel.write(frames + wire.message(b"S"))
        self._backend.portal_ends = False
        relay = Relay(self._backend, self._client, [plan.tag for plan in executed])
        await relay.until_ready()
        for kind, payload in segment:
            if kind == b"D" and payload[:1] == b"S" and not relay.failed:
                self._prepared.learn(wire.cstring(payload, 1)[0], relay.description)
        return await self._work.after(executed, relay, together=together)

    async def _read(self, segment: list[Message]) -> tuple[bytes, list[Plan], list[Plan]]:
        """The messages for the backend, and the plans that it parses and executes."""
        frames: list[bytes] = []
        parsed: list[Plan] = []
        executed: list[Plan] = []
        for kind, payload in segment:
            body = payload
            if kind == b"P":
                plan, body = await self._prepared.parse(payload)
                parsed.append(plan)
            elif kind == b"B":
                body = self._prepared.bind(payload)
                self._backend.portal_ends |= payload[:1] == b"\0"
            elif kind == b"E":
                executed.append(self._prepared.executed(payload))
            elif kind == b"C":
                self._prepared.close(payload)
            frames.append(wire.message(kind, body))
        return b"".join(frames), parsed, executed

    async def _fail(self, problem: RedshiftError) -> None:
        """Tell the client; an open transaction is aborted."""
        await self._work.abort()
        self._client.write(wire.error(problem.fields()))

    async def _send_ready(self, *, failed: bool) -> None:
        try:
            await self._work.finish(failed=failed)
        except BackendError as problem:
            self._client.write(wire.error(problem.fields()))
        if self._backend.status == b"I":
            self._work.unlocked()
        self._client.write(wire.ready(self._backend.status))

    async def _simple(self, payload: bytes) -> None:
        """The simple protocol; several statements form one transaction unless they manage it themselves."""
        try:
            plans = await self._work.plans(wire.cstring(payload)[0])
        except RedshiftError as problem:
            await self._fail(problem)
            await self._send_ready(failed=True)
            return
        if not plans:
            self._client.write(wire.message(b"I"))
        done = True
        for plan in plans:
            done = done and await self._run_one(plan, together=len(plans) > 1)
        await self._send_ready(failed=not done)

    async def _run_one(self, plan: Plan, *, together: bool) -> bool:
        try:
            await self._work.before([], [plan], together=together)
        except RedshiftError as problem:
            await self._fail(problem)
            return False
        self._backend.channel.write(wire.query(plan.sql))
        relay = Relay(self._backend, self._client, [plan.tag])
        await relay.until_ready()
        return await self._work.after([plan], relay, together=together)
