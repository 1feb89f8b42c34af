"""The embedded stack: PostgreSQL, Temporal, the mail catcher and a worker, kept on disk and kept alive on one machine.

``python -m worker.stack run`` supervises them in the foreground; ``up`` starts that apart from the terminal and returns
once everything is ready; ``status`` and ``down`` say and do what their names say.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from config import logs
from config.settings import WrongSetting, default_home, load
from domain.errors import Refusal
from worker.home import POLL, CannotStart, Failure, Home, Mark, Phase

if TYPE_CHECKING:
    from domain.offices import Request

_log = logging.getLogger("stack")

OK: Final = 0
USAGE: Final = 2
REFUSED: Final = 3
CANNOT_START: Final = 5

_START_WITHIN: Final = 180.0
_DOWN_WITHIN: Final = 150.0
_ORPHAN_WITHIN: Final = 30.0
_TAIL: Final = 12


def end_orphans(home: Home) -> list[str]:
    """End what a supervisor that was killed has left running; the names of what was ended.

    PostgreSQL is left alone: it takes its new supervisor as it took the old one.
    """
    orphans = {name: mark for name, mark in home.read().parts.items() if name != "postgres" and mark.alive}
    for name in reversed(orphans):
        if not orphans[name].end(_ORPHAN_WITHIN):
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphans[name].pid, signal.SIGKILL)
    return list(orphans)


def document(home: Home) -> dict[str, Any]:
    """What can be said of the stack, without any secret."""
    state = home.read()
    up = state.phase is Phase.UP and state.supervised
    alive = [name for name, mark in state.parts.items() if mark.alive]
    told: dict[str, Any] = {"up": up, "home": str(home.folder), "logs": str(home.logs)}
    if up:
        addresses = state.addresses
        told |= {
            "started": state.started.isoformat(timespec="seconds") if state.started else None,
            "temporal": {"address": addresses.get("temporal"), "ui": addresses.get("ui")},
            "postgres": {"address": addresses.get("postgres")},
            "mail": {"address": addresses.get("mail"), "folder": str(home.mail)},
            "worker": {"pid": state.parts["worker"].pid if "worker" in state.parts else None},
        }
        for name in ("temporal", "postgres", "mail", "worker"):
            told[name]["running"] = name in alive
    elif state.supervised:
        told["phase"] = state.phase.value
    elif alive:
        told["left"] = alive
    return told


def text(told: Mapping[str, Any]) -> str:
    """The same for people."""
    if not told["up"]:
        if "phase" in told:
            return f"The stack is {told['phase']}.\n"
        if "left" in told:
            left = ", ".join(told["left"])
            return (
                f"The stack is down, but its supervisor was killed and left running: {left}. Up and down mend that.\n"
            )
        return "The stack is down.\n"
    where = {
        "Temporal": told["temporal"]["address"],
        "Temporal UI": told["temporal"]["ui"],
        "PostgreSQL": told["postgres"]["address"],
        "Mail": f"{told['mail']['address']}, letters in {told['mail']['folder']}",
        "Worker": f"process {told['worker']['pid']}",
        "Logs": told["logs"],
    }
    resting = [name for name in ("temporal", "postgres", "mail", "worker") if not told[name]["running"]]
    lines = ["The stack is up." if not resting else f"The stack is up; being started again: {', '.join(resting)}."]
    lines += [f"  {name:<12} {value}" for name, value in where.items() if value is not None]
    return "\n".join(lines) + "\n"


def run(home: Home, *, ui: bool, extra: Mapping[str, str]) -> int:
    """Supervise in the foreground until SIGTERM or SIGINT."""
    from worker.supervisor import supervise  # half a second of imports that the other commands need not wait for

    logs.set_up(level="INFO", form="json")
    with home.lock() as alone:
        if not alone:
            _log.error("another supervisor holds %s", home.folder)
            return CANNOT_START
        for name in end_orphans(home):
            _log.warning("%s was left by a supervisor that was killed, and is ended", name)
        try:
            asyncio.run(supervise(home, ui=ui, extra=extra))
        except CannotStart as failed:
            _log.error("%s cannot be started: %s; see %s", failed.part, failed.reason, failed.log)
            failure = Failure(part=failed.part, reason=failed.reason, log=failed.log)
            update = {"phase": Phase.FAILED, "failure": failure, "supervisor": Mark.of(os.getpid())}
            home.write(home.read().model_copy(update=update))
            return CANNOT_START
    return OK


class NotUp(Exception):
    """The stack did not come up, or not down; ``failure`` says why, ``lines`` end the log."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure
        self.lines = _tail(failure.log)


def _tail(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()[-_TAIL:]
    except OSError:
        return []


def up(home: Home, *, ui: bool, extra: Mapping[str, str]) -> None:
    """Start the stack apart from this terminal, unless it is up, and wait until everything is ready.

    Raises:
        NotUp: A part cannot be started.
    """
    supervisor: subprocess.Popen[bytes] | None = None
    limit = time.monotonic() + _START_WITHIN
    while time.monotonic() < limit:
        state = home.read()
        if state.supervised:
            if state.phase is Phase.UP:
                return
        elif supervisor is None:
            supervisor = _detach(home, ui=ui, extra=extra)
        elif supervisor.poll() is not None:
            with home.lock() as alone:
                # Whoever won the home in the same moment starts the stack for both.
                if alone:
                    raise NotUp(_failure_of(home, supervisor.pid))
        time.sleep(POLL)
    slow = Failure(
        part="supervisor", reason=f"not everything was ready within {_START_WITHIN:g} s", log=home.log("supervisor")
    )
    raise NotUp(slow)


def _failure_of(home: Home, pid: int) -> Failure:
    state = home.read()
    if state.failure is not None and state.supervisor is not None and state.supervisor.pid == pid:
        return state.failure
    return Failure(part="supervisor", reason="it ended before it could say why", log=home.log("supervisor"))


def _detach(home: Home, *, ui: bool, extra: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    home.make()
    command = [sys.executable, "-m", "worker.stack", "run", "--home", str(home.folder), "--ui" if ui else "--no-ui"]
    for name, value in extra.items():
        command += ["--env", f"{name}={value}"]
    with home.log("supervisor").open("ab") as log:
        return subprocess.Popen(  # noqa: S603  # our own interpreter
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def down(home: Home) -> None:
    """Stop the stack, worker first, and wait until all of it is down; nothing to do where it is not up.

    Raises:
        NotUp: It does not stop in time.
    """
    supervisor = home.read().supervisor
    if supervisor is not None and not supervisor.end(_DOWN_WITHIN):
        reason = f"not everything ended within {_DOWN_WITHIN:g} s"
        raise NotUp(Failure(part="supervisor", reason=reason, log=home.log("supervisor")))
    if not home.folder.exists():
        return
    with home.lock() as alone:
        if alone and any(mark.alive for mark in home.read().parts.values()):
            from adapters.embedded.postgres import EmbeddedPostgres  # needed after a crash only

            end_orphans(home)
            EmbeddedPostgres(home.postgres).stop()
            home.write(home.read().model_copy(update={"phase": Phase.DOWN, "parts": {}, "supervisor": None}))


def read_request(path: Path) -> "Request":
    """The request in a file. Raises WrongSetting."""
    from worker import setup  # half a second of imports that the other commands need not wait for

    return setup.read_request(path)


def admit_first(home: Home, request: "Request") -> None:
    """Admit the first head of desk into the register of a stack that is up.

    Raises:
        Refusal: There was another one before.
    """
    from worker import setup

    asyncio.run(setup.admit_head_of_desk(load(home.folder), request))


def _variable(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals or not re.fullmatch("[A-Z][A-Z0-9_]*", name) or not value.isprintable():
        raise argparse.ArgumentTypeError("must be NAME=VALUE on one line")
    return name, value


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command: 0 done, 2 usage, 3 refused by a rule, 5 a part cannot be started."""
    parser = argparse.ArgumentParser(prog="python -m worker.stack", description="The embedded stack on this machine.")
    parser.add_argument("command", choices=("run", "up", "status", "down"))
    parser.add_argument("--home", type=Path, default=None, help="the desk's folder")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--ui", action=argparse.BooleanOptionalAction, default=True, help="run Temporal's web interface"
    )
    parser.add_argument(
        "--env", action="append", type=_variable, default=[], metavar="NAME=VALUE", help="a setting for the worker"
    )
    parser.add_argument(
        "--head-of-desk",
        type=Path,
        metavar="REQUEST",
        help="admit the first head of desk, once in the register's life",
    )
    given = parser.parse_args(arguments)
    home = Home(given.home or default_home())
    try:
        match given.command:
            case "run":
                return run(home, ui=given.ui, extra=dict(given.env))
            case "up":
                request = given.head_of_desk and read_request(given.head_of_desk)
                up(home, ui=given.ui, extra=dict(given.env))
                if request:
                    admit_first(home, request)
            case "down":
                down(home)
    except (WrongSetting, Refusal) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return USAGE if isinstance(wrong, WrongSetting) else REFUSED
    except NotUp as failed:
        failure = failed.failure
        told = document(home) | {"failed": failure.model_dump(mode="json") | {"lines": failed.lines}}
        if given.json:
            sys.stdout.write(f"{json.dumps(told)}\n")
        else:
            lines = "".join(f"  | {line}\n" for line in failed.lines)
            sys.stderr.write(f"{failure.part} failed: {failure.reason}\nIts log is {failure.log}\n{lines}")
        return CANNOT_START
    told = document(home)
    sys.stdout.write(f"{json.dumps(told)}\n" if given.json else text(told))
    return OK


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # As in worker.__main__: the Temporal client's threads may still hold on to the interpreter.
    os._exit(code)
