"""The home folder of the embedded stack: what lies where, and what is written down of the processes that run.

stack.json       what runs, and where: read by ``up``, ``status`` and ``down``
stack.env        the settings that lead to it, with the database's password; read by ``config``
stack.lock       held by the one supervisor
fingerprint.key  made once and never replaced
master.key       wraps the keys in keys/; made once, and replaced only as `python -m worker.keys` says
keys/            the keys of persons, wrapped; never among the backups of postgres/ and temporal/
temporal/ postgres/ mail/ logs/
"""

import contextlib
import fcntl
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

import psutil
from pydantic import BaseModel, ValidationError

from config.settings import KEYS_FOLDER, STACK_FILE

POLL: Final = 0.05
"""Seconds between two looks at something that cannot be waited on."""

_SAME_START: Final = 2.0
"""Seconds by which the system's clock may shift what it says of when a process began."""


class CannotStart(Exception):
    """A part cannot be started; ``part`` names it, ``reason`` says what is known, ``log`` is where it says more."""

    def __init__(self, part: str, reason: str, log: Path) -> None:
        super().__init__(f"{part}: {reason}")
        self.part = part
        self.reason = reason
        self.log = log


class Phase(StrEnum):
    """Where the stack as a whole stands."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    FAILED = "failed"


class Mark(BaseModel):
    """A process, told apart from a later one with the same number by the second it began (seconds since 1970)."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The mark of a process, if there is one."""
        try:
            return cls(pid=pid, created=psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _SAME_START
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False

    def end(self, within: float) -> bool:
        """Ask the process to end by SIGTERM; whether it has ended within so many seconds."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        limit = time.monotonic() + within
        while self.alive:
            if time.monotonic() > limit:
                return False
            time.sleep(POLL)
        return True


class Failure(BaseModel):
    """Why the stack is not up: the part, what is known, and the log that says more."""

    part: str
    reason: str
    log: Path


class State(BaseModel):
    """What ``stack.json`` holds. ``ports`` outlives a stop, so that addresses stay the same where they can.

    ``addresses`` are for people and programs: of ``temporal``, its ``ui`` if it has one, ``postgres`` and ``mail``.
    """

    phase: Phase = Phase.DOWN
    started: datetime | None = None
    supervisor: Mark | None = None
    parts: dict[str, Mark] = {}
    ports: dict[str, int] = {}
    addresses: dict[str, str] = {}
    failure: Failure | None = None

    @property
    def supervised(self) -> bool:
        """Whether its supervisor runs."""
        return self.supervisor is not None and self.supervisor.alive


class Home:
    """The home folder: what is where, readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        self.logs = self.folder / "logs"
        self.mail = self.folder / "mail"
        self.postgres = self.folder / "postgres"
        self.temporal = self.folder / "temporal"
        self.keys = self.folder / KEYS_FOLDER
        self.master_key = self.folder / "master.key"
        self._state = self.folder / "stack.json"

    def make(self) -> None:
        """Make the folders that are missing. Others may at most pass through the home to what is theirs."""
        for folder in (self.folder, self.logs, self.mail, self.temporal):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(folder.stat().st_mode & ~0o066)

    def log(self, part: str) -> Path:
        """The log of a part."""
        return self.logs / f"{part}.log"

    @contextlib.contextmanager
    def lock(self) -> Iterator[bool]:
        """Hold the home for one supervisor; gives False where another holds it."""
        self.make()
        with (self.folder / "stack.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def read(self) -> State:
        """The state; a fresh one where there is none, or where a crash has spoilt it."""
        try:
            return State.model_validate_json(self._state.read_bytes())
        except (OSError, ValidationError):
            return State()

    def write(self, state: State) -> None:
        """Write the state down."""
        _write(self._state, state.model_dump_json(indent=2))

    def write_settings(self, settings: Mapping[str, str]) -> None:
        """Write ``stack.env``."""
        quoted = (value.replace("\\", "\\\\").replace("'", "\\'") for value in settings.values())
        _write(
            self.folder / STACK_FILE,
            "".join(f"{name}='{value}'\n" for name, value in zip(settings, quoted, strict=True)),
        )

    def fingerprint_key(self) -> str:
        """The key by which the register knows a person again, made at the first start.

        Raises:
            CannotStart: It is gone or spoilt while the register is there: a new one would know nobody again.
        """
        return self._secret("fingerprint.key", guarded=self.postgres)

    def seal_key(self) -> str:
        """The key with which the worker seals the ledger, made at the first start.

        Raises:
            CannotStart: It is gone or spoilt while the register is there: a new one would know no seal again.
        """
        return self._secret("seal.key", guarded=self.postgres)

    def make_master_key(self) -> None:
        """Make the master key at the first start.

        Raises:
            CannotStart: It is gone or spoilt while there are keys that it wraps: nothing could be read again.
        """
        self._secret(self.master_key.name, guarded=self.keys)

    def _secret(self, name: str, *, guarded: Path) -> str:
        path = self.folder / name
        try:
            key = path.read_text().strip()
        except FileNotFoundError:
            if guarded.exists():
                raise CannotStart(
                    "worker", f"{path} is missing; restore it from a copy", self.log("supervisor")
                ) from None
            key = secrets.token_hex(32)
            _write(path, f"{key}\n")
        if not re.fullmatch("[0-9A-Fa-f]{64}", key):
            raise CannotStart("worker", f"{path} does not hold 64 hexadecimal digits", self.log("supervisor"))
        return key


def _write(path: Path, text: str) -> None:
    """Write a file of the owner's alone, whole or not at all."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
