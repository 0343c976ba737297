"""The endpoint: PostgreSQL below, the listening socket above, one session per client."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import resource
import signal
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from infrastructure.local.redshift import catalog, relay, tls, wire
from infrastructure.local.redshift.backend import Backend
from infrastructure.local.redshift.dialect import parameters as parameters_of_sessions
from infrastructure.local.redshift.errors import (
    INVALID_AUTHORIZATION,
    BackendError,
    RedshiftError,
    not_covered,
    translate_fields,
)
from infrastructure.local.redshift.faults import Faults
from infrastructure.local.redshift.history import History
from infrastructure.local.redshift.postgres import BOOTSTRAP_USER, Postgres
from infrastructure.local.redshift.session import Session
from infrastructure.local.redshift.settings import HOST, MOST_CONNECTIONS, Settings
from infrastructure.local.redshift.transfers import Transfers

logger = logging.getLogger(__name__)

_INTERNAL_DATABASES = {"postgres", "template0", "template1"}
_PASSED_ON = {"user", "database", "application_name", "client_encoding", "options"}
_HEAD = struct.Struct("!ii")


class StartError(RuntimeError):
    """The endpoint can not start; the message says what to do."""


class Server:
    """One running endpoint.

    Args:
        settings: What it was told.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._postgres = Postgres(settings.state)
        self._transfers = Transfers(settings.s3_endpoint, settings.state)
        self._history = History(settings.state / "pgdata")
        self._faults = Faults() if settings.faults else None
        self._tls: ssl.SSLContext | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._by_key: dict[bytes, Session] = {}

    def serve(self) -> int:
        """Serve until a signal; the exit status."""
        settings = self._settings
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        _allow_files(4 * MOST_CONNECTIONS)
        with _exclusive(settings.state), _bound(settings.port) as listener:
            if settings.tls:
                self._tls = tls.server_context(settings.state)
            try:
                self._postgres.start()
                return asyncio.run(self._run(listener))
            finally:
                self._postgres.stop()

    async def _run(self, listener: socket.socket) -> int:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stopping.set)
        await catalog.install(self._postgres.socket, self._settings.admin_password)
        if self._faults:
            await self._faults.listen(self._settings.state / "faults.sock")
        listener.listen(MOST_CONNECTIONS)
        server = await loop.create_server(self._accept, sock=listener)
        print(f"redshift endpoint ready on {HOST}:{self._settings.port}", flush=True)  # noqa: T201 - its one line
        healthy = await self._watch(stopping)
        server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        return 0 if healthy else 1

    async def _watch(self, stopping: asyncio.Event) -> bool:
        """Wait for a signal, or for the end of the server below; whether it still lives."""
        while self._postgres.alive():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), 0.5)
                return True
        logger.error("the PostgreSQL server below the endpoint has died; start the endpoint again")
        return False

    def _accept(self) -> wire.Channel:
        client = wire.Channel()
        task = asyncio.get_running_loop().create_task(self._serve_client(client))
        client.on_lost = task.cancel
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)
        return client

    async def _serve_client(self, client: wire.Channel) -> None:
        try:
            await asyncio.sleep(0)  # the transport is set once the callback that made this task returns
            await self._converse(client)
        except (wire.ConnectionLost, ConnectionError):
            logger.debug("a client's connection ended")
        except RedshiftError as problem:
            client.write(wire.error(problem.fields() | {"S": "FATAL"}))
        except Exception:  # outermost boundary of a session
            logger.exception("a session failed")
            client.write(wire.error({"S": "FATAL", "C": "XX000", "M": "the local Redshift endpoint failed"}))
        finally:
            client.close()

    async def _converse(self, client: wire.Channel) -> None:
        parameters = await self._negotiate(client)
        if parameters is None:
            return
        if len(self._by_key) >= MOST_CONNECTIONS:
            raise RedshiftError("53300", f'connection limit "{MOST_CONNECTIONS}" exceeded for non-bootstrap users')
        try:
            backend = await Backend.open(self._postgres.socket)
        except OSError as problem:
            raise RedshiftError("57P03", "the database system is not available") from problem
        try:
            await self._authenticate(client, backend, parameters)
            backend.channel.on_lost = lambda: _say_last_words(client, backend)
            session = self._by_key[backend.key] = Session(client, backend, self._transfers, self._history, self._faults)
            await session.run()
        except BaseException:
            # whoever is gone, or was made to go, must not leave a transaction or a lock for a moment
            backend.kill()
            raise
        finally:
            self._by_key.pop(backend.key, None)
        backend.close()

    async def _negotiate(self, client: wire.Channel) -> dict[str, str] | None:
        """The start-up parameters, after TLS where it is asked for; None if that was all."""
        secure = False
        while True:
            length, code = _HEAD.unpack(await client.read(8))
            if not 8 <= length <= 10_000:
                raise wire.ConnectionLost
            body = await client.read(length - 8)
            if code == wire.CANCEL_REQUEST:
                await self._cancel(body)
                return None
            if code == wire.PROTOCOL_3:
                break
            if code == wire.SSL_REQUEST and self._tls and not secure:
                await self._start_tls(client, self._tls)
                secure = True
            elif code in {wire.SSL_REQUEST, wire.GSS_REQUEST}:
                client.write(b"N")
            else:
                raise RedshiftError("0A000", f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}")
        if self._tls and not secure:
            raise RedshiftError(INVALID_AUTHORIZATION, "the endpoint demands SSL and this connection has SSL off")
        words = body.decode(errors="replace").split("\0")
        return dict(zip(words[::2], words[1::2], strict=False))

    @staticmethod
    async def _start_tls(client: wire.Channel, context: ssl.SSLContext) -> None:
        client.write(b"S")
        assert client.transport is not None  # noqa: S101 - set since connection_made
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(client.transport, client, context, server_side=True)
        except (OSError, ssl.SSLError) as problem:
            raise wire.ConnectionLost from problem
        client.transport = transport

    async def _cancel(self, body: bytes) -> None:
        session = self._by_key.get(body)
        if session and session.interrupt():
            return
        backend = await Backend.open(self._postgres.socket)
        backend.channel.write(_HEAD.pack(len(body) + 8, wire.CANCEL_REQUEST) + body)
        with contextlib.suppress(wire.ConnectionLost):
            await backend.channel.more(1.0)
        backend.channel.close()

    @staticmethod
    async def _authenticate(client: wire.Channel, backend: Backend, parameters: dict[str, str]) -> None:
        """Start the session below; the server there checks the password with the client itself."""
        user = parameters.get("user", "")
        if user == BOOTSTRAP_USER:
            raise RedshiftError(INVALID_AUTHORIZATION, f'password authentication failed for user "{user}"')
        if parameters.get("database", user) in _INTERNAL_DATABASES:
            raise RedshiftError("3D000", f'database "{parameters.get("database", user)}" does not exist')
        encoding = parameters.get("client_encoding", "UTF8").strip("'")
        if not parameters_of_sessions.is_utf8(encoding):
            raise not_covered(f"client_encoding {encoding}; statements are read as UTF8")
        backend.database = parameters.get("database", user)
        kept = {name: value for name, value in parameters.items() if name in _PASSED_ON}
        backend.channel.write(wire.startup(kept))
        while True:
            kind, payload = await backend.channel.message()
            if kind == b"E":
                raise BackendError(translate_fields(wire.parse_fields(payload)))
            backend.note(kind, payload)
            client.write(relay.parameter_status(payload) if kind == b"S" else wire.message(kind, payload))
            if kind == b"Z":
                return
            if kind == b"R" and struct.unpack_from("!i", payload)[0] in {3, 5, 10, 11}:
                answer, secret = await client.message()
                backend.channel.write(wire.message(answer, secret))


def _say_last_words(client: wire.Channel, backend: Backend) -> None:
    """Pass on why a session was ended from below, then end the client's connection."""
    client.write(bytes(backend.channel.buffer))
    client.close()


def _allow_files(count: int) -> None:
    """Let this process hold so many files and connections, as far as the system grants it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def _exclusive(state: Path) -> Iterator[IO[str]]:
    lock = (state / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        lock.close()
        raise StartError(f"another endpoint already serves the state directory {state}") from problem
    try:
        yield lock
    finally:
        lock.close()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as problem:
        listener.close()
        text = f"port {port} on {HOST} can not be had ({problem.strerror}): stop what holds it or choose another"
        raise StartError(text) from problem
    return listener
