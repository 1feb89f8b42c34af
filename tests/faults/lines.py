"""The lines from the worker to Temporal and to PostgreSQL, on which a test can hold up what passes."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self

from adapters.embedded.ports import LOOPBACK

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

_CHUNK: Final = 65536
_COMMIT: Final = b"COMMIT"
_BEGIN: Final = b"BEGIN"
_ENDS: Final = (_COMMIT, b"ROLLBACK")
_UNFINISHED: Final = (b"P", b"B", b"D", b"E", b"C")
"""Messages that another follows before the server acts for good."""


class Call:
    """One connection of the worker, carried to the server and back."""

    def __init__(self, line: "Line") -> None:
        self._line = line

    async def up(self, data: bytes, server: asyncio.StreamWriter) -> None:
        """Carry what the worker says."""
        await self._line.upward.wait()
        server.write(data)

    async def down(self, data: bytes, worker: asyncio.StreamWriter) -> None:
        """Carry what the server answers."""
        await self._line.downward.wait()
        await asyncio.sleep(self._line.lag)
        worker.write(data)


class Line:
    """A line through which the worker reaches a server.

    Attributes:
        upward: While it is not set, nothing that the worker says reaches the server.
        downward: While it is not set, nothing that the server says reaches the worker.
        lag: Seconds by which each answer comes later.
    """

    call: type[Call] = Call

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._calls: set[asyncio.Task[None]] = set()
        self.port = 0
        self.upward = asyncio.Event()
        self.downward = asyncio.Event()
        self.lag = 0.0
        self._open_up()

    def _open_up(self) -> None:
        self.upward.set()
        self.downward.set()
        self.lag = 0.0

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[Self]:
        """Carry calls for as long as the context lasts."""
        server = await asyncio.start_server(self._answer, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await self.cut()
            await server.wait_closed()

    async def cut(self) -> None:
        """Break every call, with all that was held up on it, and let later ones pass."""
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        self._open_up()

    def _answer(self, worker_says: asyncio.StreamReader, worker: asyncio.StreamWriter) -> None:
        call = asyncio.create_task(self._carry(worker_says, worker))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _carry(self, worker_says: asyncio.StreamReader, worker: asyncio.StreamWriter) -> None:
        writers = [worker]
        try:
            server_says, server = await self._connect()
            writers.append(server)
            call = self.call(self)
            ways = {
                asyncio.create_task(_pump(worker_says, lambda data: call.up(data, server))),
                asyncio.create_task(_pump(server_says, lambda data: call.down(data, worker))),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # the server is away, and the worker learns it by the broken connection
        finally:
            for writer in writers:
                writer.transport.abort()


async def _pump(source: asyncio.StreamReader, carry: Callable[[bytes], Awaitable[None]]) -> None:
    while data := await source.read(_CHUNK):
        await carry(data)


@dataclass(frozen=True)
class Catch:
    """A write to the database that is to be caught.

    Attributes:
        values: What it is known by: values that are all bound in it.
        done: Whether it is caught when it is done and before the worker hears so, or before it is done.
        caught: Set when it is.
    """

    values: tuple[bytes, ...]
    done: bool
    caught: asyncio.Event = field(default_factory=asyncio.Event)


class LedgerCall(Call):
    """A connection to PostgreSQL, followed message by message (PostgreSQL manual, chapter 54)."""

    def __init__(self, line: "LedgerLine") -> None:
        super().__init__(line)
        self._ledger_line = line
        self._heard = b""
        self._greeted = False
        self._in_transaction = False
        self._batch = b""
        self._bound = b""
        self._caught: Catch | None = None

    async def up(self, data: bytes, server: asyncio.StreamWriter) -> None:
        """Carry what the worker says, unless it completes a write that is to be caught."""
        self._heard += data
        while (message := self._next()) is not None:
            kind, body = message[:1], message[5:]
            self._batch += message
            if kind == b"B":
                self._bound += body
            if kind == b"Q" and body.startswith(_BEGIN):
                self._in_transaction, self._bound = True, b""
            completes = (kind == b"S" and not self._in_transaction) or (kind == b"Q" and body.startswith(_COMMIT))
            if completes and (caught := self._ledger_line.catch_of(self._bound)) is not None:
                if not caught.done:
                    caught.caught.set()
                    await asyncio.Event().wait()
                self._caught = caught
            if kind == b"Q" and body.startswith(_ENDS):
                self._in_transaction = False
            if completes:
                self._bound = b""
            if kind not in _UNFINISHED or not self._greeted:
                batch, self._batch = self._batch, b""
                await super().up(batch, server)
            self._greeted = True

    def _next(self) -> bytes | None:
        """The next whole message; the first of a connection has no kind."""
        start = 1 if self._greeted else 0
        if len(self._heard) < start + 4:
            return None
        length = start + int.from_bytes(self._heard[start : start + 4])
        if len(self._heard) < length:
            return None
        message, self._heard = self._heard[:length], self._heard[length:]
        return message

    async def down(self, data: bytes, worker: asyncio.StreamWriter) -> None:
        """Carry what the server answers, unless it answers what is caught."""
        if self._caught is not None:
            self._caught.caught.set()
            await asyncio.Event().wait()
        await super().down(data, worker)


class LedgerLine(Line):
    """The line to PostgreSQL, on which single writes can be caught."""

    call = LedgerCall

    def __init__(self, connect: Connect) -> None:
        super().__init__(connect)
        self._catches: list[Catch] = []

    def catch(self, *values: str, done: bool) -> Catch:
        """Catch the next write in which all these values are bound, and every attempt to repeat it."""
        catch = Catch(values=tuple(_bound(value) for value in values), done=done)
        self._catches.append(catch)
        return catch

    def catch_of(self, bound: bytes) -> Catch | None:
        """The catch that a write with these values is meant for."""
        return next((catch for catch in self._catches if all(value in bound for value in catch.values)), None)

    async def cut(self) -> None:
        """Break every call, and catch nothing more."""
        self._catches.clear()
        await super().cut()


def _bound(value: str) -> bytes:
    """A value as it is bound: its length and its bytes."""
    data = value.encode()
    return struct.pack(">i", len(data)) + data
