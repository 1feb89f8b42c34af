"""The embedded parts in a folder of their own, started and stopped as ``starter stack`` does it."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.settings import PREFIX, load
from config.temporal import connect
from starter import profiles
from starter.desk import Desk
from starter.failures import Failure, Kind

PROFILES: Final[Mapping[str, str]] = {
    "desk": "O-1",
    "vetting-one": "O-2",
    "vetting-two": "O-3",
    "president": "O-4",
    "bureau": "O-5",
}
"""The officers of the walk-through, by profile."""

_PARTS: Final = ("temporal", "postgres", "mail", "worker")


@dataclass(frozen=True)
class Offices:
    """The desk, as each of the officers."""

    desk: Desk
    vetting_one: Desk
    vetting_two: Desk
    president: Desk
    bureau: Desk


def choose_home(given: Path | None) -> Path:
    """A folder that holds nothing yet: the one that was named, or a new one.

    Raises:
        Failure: The one that was named holds something; a walk-through never touches a register that is in use.
    """
    if given is None:
        return Path(tempfile.mkdtemp(prefix="desk-"))
    if given.exists() and any(given.iterdir()):
        raise Failure(Kind.USAGE, f"{given} is not empty; name a folder that is, or leave --home out for a new one")
    return given.expanduser().absolute()


def forget_own_settings() -> None:
    """Take every setting of the operator's own out of this process's environment.

    They lead to the desk that is in daily use, and would win over those of the parts that are started here.
    """
    for name in [name for name in os.environ if name.startswith((PREFIX, "TEMPORAL_"))]:
        del os.environ[name]


@dataclass(frozen=True)
class Parts:
    """The parts in one folder."""

    home: Path

    async def up(self) -> dict[str, Any]:
        """Start the parts; where each can be reached.

        Raises:
            Failure: One cannot be started; the message names it and its log.
        """
        return await self._stack("up")

    async def down(self) -> None:
        """Stop the parts.

        Raises:
            Failure: One does not stop.
        """
        await self._stack("down")

    async def trouble(self) -> str:
        """Which parts do not run or had to be started again, and where the logs are."""
        told = await self._stack("status")
        resting = [f"{part} does not run" for part in _PARTS if not told.get(part, {}).get("running", False)]
        logs = Path(told["logs"])
        what = "; ".join([*resting, *_warnings(logs / "supervisor.log")]) or "every part runs"
        return f"{what}; the logs are in {logs} and {self.home / 'postgres' / 'log'}"

    async def offices(self) -> Offices:
        """The desk as each officer, whose profiles are added to the folder.

        Raises:
            TemporalUnreachable: Temporal does not answer.
        """
        for name, officer in PROFILES.items():
            profiles.add(self.home, name, officer, default=name == "desk")
        settings = load(self.home)
        client = await connect(settings)
        desks = {
            name.replace("-", "_"): Desk(client=client, settings=settings, officer=officer)
            for name, officer in PROFILES.items()
        }
        return Offices(**desks)

    async def _stack(self, command: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker.stack", command, "--home", str(self.home), "--json"),
            stdout=asyncio.subprocess.PIPE,
            # A Ctrl-C is for the walk-through, which then stops the parts; it must not break off that as well.
            start_new_session=True,
        )
        answering = asyncio.ensure_future(process.communicate())
        try:
            answer, _ = await asyncio.shield(answering)
        except asyncio.CancelledError:
            # Parts that are half started could not be stopped.
            await answering
            raise
        if not answer:
            raise Failure(Kind.UNREACHABLE, f"the parts in {self.home} do not let themselves be managed")
        told: dict[str, Any] = json.loads(answer)
        if process.returncode:
            failed = told["failed"]
            raise Failure(Kind.UNREACHABLE, f"{failed['part']}: {failed['reason']}; its log is {failed['log']}")
        return told


def _warnings(log: Path) -> list[str]:
    """What the supervisor had to say of its parts."""
    try:
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return []
    return [line["message"] for line in lines if line["logger"] == "stack" and line["level"] != "INFO"]
