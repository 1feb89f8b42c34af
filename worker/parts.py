"""A part of the embedded stack: started until it is ready, started again when it ends, stopped in good order."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from adapters.embedded.postgres import EmbeddedPostgres
from worker.home import POLL, CannotStart

_log = logging.getLogger("stack")

LOG_LIMIT: Final = 20 * 2**20
"""Bytes; a longer log is set aside when its part starts, so that two of them at most are kept."""


class Part(Protocol):
    """What the supervisor knows of a part."""

    name: str
    log: Path

    @property
    def pid(self) -> int | None:
        """Its process, if it has one now."""

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises CannotStart."""

    async def ended(self) -> str:
        """Wait until it ends by itself, and say how."""

    async def stop(self) -> None:
        """Stop it if it runs: gently first, by force when its time is up."""


@dataclass(frozen=True, kw_only=True)
class Pauses:
    """Seconds before a part is started again: doubled each time, the first again once it has run steadily."""

    first: float = 1.0
    longest: float = 30.0
    steady: float = 60.0


class ProcessPart:
    """A part that is a child process; what it writes goes to its log."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        ready: Callable[["ProcessPart"], Awaitable[None]],
        environment: Callable[[], Mapping[str, str]] = lambda: os.environ,
        spawned: Callable[[], None] = lambda: None,
        start_within: float = 60.0,
        stop_within: float = 10.0,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            name: What people call it.
            command: Its command line.
            log: Where its output is appended.
            ready: Returns once it is ready for use.
            environment: Its whole environment, asked for at each start.
            spawned: Called when the process exists, before it is ready.
            start_within: Seconds it may take to be ready.
            stop_within: Seconds it may take to end after SIGTERM.
        """
        self.name = name
        self.log = log
        self._command = command
        self._ready = ready
        self._environment = environment
        self._spawned = spawned
        self._start_within = start_within
        self._stop_within = stop_within
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """The process, if it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def output(self) -> str:
        """What it has written since it was last started."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode("utf-8", "replace")

    async def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            CannotStart: The command is missing, ends too early or is not ready in time.
        """
        try:
            await self._spawn()
        except OSError as failed:
            raise CannotStart(self.name, f"the command cannot be run ({failed.strerror})", self.log) from failed
        ready = asyncio.ensure_future(self._ready(self))
        ended = asyncio.ensure_future(self.ended())
        try:
            await asyncio.wait({ready, ended}, timeout=self._start_within, return_when=asyncio.FIRST_COMPLETED)
            if ready.done() and ready.exception() is None and not ended.done():
                return
            reason = f"not ready within {self._start_within:g} s"
            if ended.done():
                reason = f"ended before it was ready ({ended.result()})"
            elif ready.done():
                reason = str(ready.exception())
        finally:
            ready.cancel()
            ended.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)
        await self.stop()
        raise CannotStart(self.name, reason, self.log)

    async def _spawn(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                # A Ctrl-C in the supervisor's terminal must not reach the parts before the supervisor has its say.
                start_new_session=True,
            )
        self._spawned()

    async def ended(self) -> str:
        """Wait until it ends by itself, and say how."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        code = await self._process.wait()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name

    async def stop(self) -> None:
        """Ask it to end by SIGTERM; kill it when its time is up."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), self._stop_within)
        except TimeoutError:
            _log.warning("%s did not end within %g s and is killed", self.name, self._stop_within)
            self._process.kill()
            await self._process.wait()


class DatabasePart:
    """PostgreSQL, which runs apart from its starter and so is asked instead of waited on."""

    def __init__(
        self,
        server: EmbeddedPostgres,
        *,
        pid_file: Path,
        log: Path,
        spawned: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            server: The server.
            pid_file: Where it writes its own process id.
            log: The log it writes.
            spawned: Called when the server runs.
        """
        self.name = "postgres"
        self.log = log
        self.url: str | None = None
        self._server = server
        self._pid_file = pid_file
        self._spawned = spawned

    @property
    def pid(self) -> int | None:
        """The process, by its own word; before it was started here that word may be an old one."""
        if self.url is None:
            return None
        try:
            return int(self._pid_file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None

    async def start(self) -> None:
        """Start it.

        Raises:
            CannotStart: It does not start.
        """
        try:
            self.url = await asyncio.to_thread(self._server.start)
            self._spawned()
        except Exception as failed:
            raise CannotStart(self.name, f"{type(failed).__name__}: {failed}", self.log) from failed

    async def ended(self) -> str:
        """Wait until it answers no more."""
        while await asyncio.to_thread(self._server.running):  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(1)
        return "it runs no more"

    async def stop(self) -> None:
        """Stop it; what its clients have committed is on disk."""
        await asyncio.to_thread(self._server.stop)


async def keep(part: Part, pauses: Pauses) -> None:
    """Start a part again whenever it ends, for ever."""
    loop = asyncio.get_running_loop()
    pause = pauses.first
    since = loop.time()
    how = await part.ended()
    while True:
        if loop.time() - since >= pauses.steady:
            pause = pauses.first
        _log.warning("%s ended: %s; it is started again in %g s", part.name, how, pause)
        await asyncio.sleep(pause)
        pause = min(2 * pause, pauses.longest)
        since = loop.time()
        try:
            await part.start()
        except CannotStart as failed:
            how = failed.reason
        else:
            _log.info("%s runs again", part.name)
            how = await part.ended()


def says(words: str) -> Callable[[ProcessPart], Awaitable[None]]:
    """Ready once the part has written these words."""

    async def ready(part: ProcessPart) -> None:
        while words not in part.output():  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(POLL)

    return ready


def greets(host: str, port: int) -> Callable[[ProcessPart], Awaitable[None]]:
    """Ready once whoever connects there is sent something."""

    async def ready(_part: ProcessPart) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(POLL)
                continue
            try:
                if await reader.read(1):
                    return
            finally:
                writer.close()
                await writer.wait_closed()

    return ready
