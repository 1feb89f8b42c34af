"""The supervisor of the embedded stack: starts the parts, keeps them alive, stops them in good order."""

import asyncio
import hashlib
import logging
import os
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import make_url

from adapters.embedded.mail import HOST
from adapters.embedded.ports import free_ports
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.embedded.temporal import NAMESPACE, TemporalMissing, TemporalServer
from config.settings import PREFIX
from worker.home import CannotStart, Home, Mark, Phase, State
from worker.parts import DatabasePart, Part, Pauses, ProcessPart, greets, keep, says

_log = logging.getLogger("stack")

WORKER: Final = "desk_worker"
"""The worker's login to the register."""
_WORKER_STOPS_WITHIN: Final = 30.0
_TEMPORAL_READY_WITHIN: Final = 60.0


class Supervisor:
    """Starts the parts, keeps them alive, and stops them in the reverse order. One per home."""

    def __init__(self, home: Home, *, ui: bool, extra: Mapping[str, str]) -> None:
        """Prepare; nothing is started yet.

        Args:
            home: The home folder, locked by the caller.
            ui: Whether Temporal's web interface runs too.
            extra: Further settings for the worker.

        Raises:
            CannotStart: A part is not installed, or a key is lost.
        """
        self._home = home
        self._extra = extra
        self._keys = {"FINGERPRINT_KEY": home.fingerprint_key(), "SEAL_KEY": home.seal_key()}
        home.make_master_key()
        before = home.read()
        names = ("temporal", "ui", "mail")
        ports = dict(zip(names, free_ports(*(before.ports.get(name) for name in names)), strict=True))
        self._state = State(
            phase=Phase.STARTING, started=datetime.now(UTC), supervisor=Mark.of(os.getpid()), ports=ports
        )
        self._database = DatabasePart(
            EmbeddedPostgres(home.postgres),
            pid_file=home.postgres / "data" / "postmaster.pid",
            log=home.postgres / "log" / "start.log",
            spawned=self._save,
        )
        self._temporal = TemporalServer(
            folder=home.temporal, port=ports["temporal"], ui_port=ports["ui"] if ui else None
        )
        try:
            command = self._temporal.command
        except TemporalMissing as missing:
            raise CannotStart("temporal", str(missing), home.log("supervisor")) from missing
        self._parts: tuple[Part, ...] = (
            self._database,
            ProcessPart(
                "temporal",
                command,
                log=home.log("temporal"),
                ready=lambda _part: self._temporal.wait_ready(_TEMPORAL_READY_WITHIN),
                spawned=self._save,
                stop_within=20.0,
            ),
            ProcessPart(
                "mail",
                (
                    sys.executable,
                    "-m",
                    "adapters.embedded.mail",
                    "--folder",
                    str(home.mail),
                    "--port",
                    str(ports["mail"]),
                ),
                log=home.log("mail"),
                ready=greets(HOST, ports["mail"]),
                spawned=self._save,
            ),
            ProcessPart(
                "worker",
                (sys.executable, "-m", "worker", "--home", str(home.folder)),
                log=home.log("worker"),
                ready=says("worker ready"),
                environment=lambda: (
                    _without_own_connection(os.environ)
                    | {f"{PREFIX}DATABASE_OWNER_URL": self._database.url or ""}
                    | self._settings()
                ),
                spawned=self._save,
                stop_within=_WORKER_STOPS_WITHIN,
            ),
        )

    async def run(self, pauses: Pauses) -> None:
        """Start everything and keep it alive until cancelled; then stop everything.

        Raises:
            CannotStart: A part does not start; the others are stopped.
        """
        try:
            await self._start()
            self._save(Phase.UP)
            _log.info("stack up")
            async with asyncio.TaskGroup() as watch:
                for part in self._parts:
                    watch.create_task(keep(part, pauses))
        finally:
            self._save(Phase.STOPPING)
            for part in reversed(self._parts):
                try:
                    await part.stop()
                except Exception as failed:
                    _log.error("%s cannot be stopped: %s", part.name, failed)
            self._save(Phase.DOWN)
            _log.info("stack down")

    async def _start(self) -> None:
        self._save()
        *servers, worker = self._parts
        results = await asyncio.gather(*(part.start() for part in servers), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        self._home.write_settings(self._settings())
        await worker.start()

    def _settings(self) -> dict[str, str]:
        """The variables that lead to the parts."""
        return {
            f"{PREFIX}DATABASE_URL": _as_worker(self._database.url or ""),
            f"{PREFIX}MAIL_HOST": HOST,
            f"{PREFIX}MAIL_PORT": str(self._state.ports["mail"]),
            f"{PREFIX}MAIL_SECURITY": "none",
            f"{PREFIX}MASTER_KEY_FILE": str(self._home.master_key),
            f"{PREFIX}KEYS_FOLDER": str(self._home.keys),
            **{f"{PREFIX}{name}": key for name, key in self._keys.items()},
            "TEMPORAL_ADDRESS": self._temporal.address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            **self._extra,
        }

    def _save(self, phase: Phase | None = None) -> None:
        if phase is not None:
            self._state.phase = phase
        marks = {part.name: Mark.of(part.pid) for part in self._parts if part.pid is not None}
        self._state.parts = {name: mark for name, mark in marks.items() if mark is not None}
        addresses = {
            "temporal": self._temporal.address,
            "ui": self._temporal.ui,
            "postgres": None if self._database.url is None else _without_login(self._database.url),
            "mail": f"{HOST}:{self._state.ports['mail']}",
        }
        self._state.addresses = {name: address for name, address in addresses.items() if address is not None}
        self._home.write(self._state)


def _as_worker(url: str) -> str:
    """The same database, with a login to which none of its tables belongs; its password leads to no other."""
    owner = make_url(url)
    password = hashlib.sha256(f"worker\n{owner.password}".encode()).hexdigest()
    return owner.set(username=WORKER, password=password).render_as_string(hide_password=False)


def _without_login(url: str) -> str:
    parsed = make_url(url)
    return str(parsed.query.get("host") or f"{parsed.host}:{parsed.port}")


def _without_own_connection(environment: Mapping[str, str]) -> dict[str, str]:
    # The operator's own would win over the stack's: another cluster's profile, another mail server's login.
    own = ("TEMPORAL_", f"{PREFIX}MAIL_")
    return {name: value for name, value in environment.items() if not name.startswith(own)}


async def supervise(home: Home, *, ui: bool, extra: Mapping[str, str]) -> None:
    """Supervise until SIGTERM or SIGINT.

    Args:
        home: The home folder, locked by the caller.
        ui: Whether Temporal's web interface runs too.
        extra: Further settings for the worker.

    Raises:
        CannotStart: A part does not start.
    """
    supervisor = Supervisor(home, ui=ui, extra=extra)
    running = asyncio.create_task(supervisor.run(Pauses()))
    asked = asyncio.Event()

    def stop() -> None:
        # Once only: a second signal must not break off the stopping.
        if not asked.is_set():
            asked.set()
            running.cancel()

    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop)
    try:
        await running
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
