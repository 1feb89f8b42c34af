"""The embedded parts in a folder of their own, started and stopped as ``starter stack`` does it."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from config.settings import PREFIX, load
from config.temporal import connect
from domain.offices import Admission, Office, Request
from starter import profiles
from starter.desk import Desk
from starter.failures import Failure, Kind
from starter.profiles import Ask, Store

PROFILES: Final[Mapping[str, tuple[str, Office]]] = {
    "desk": ("O-1", Office.HEAD_OF_DESK),
    "vetting-one": ("O-2", Office.VETTING_OFFICER),
    "vetting-two": ("O-3", Office.VETTING_OFFICER),
    "vetting-three": ("O-6", Office.VETTING_OFFICER),
    "president": ("O-4", Office.PRESIDENT),
    "bureau": ("O-5", Office.BUREAU_CLERK),
    "reviewer": ("O-7", Office.REVIEWER),
}
"""The officers of the walk-through, by profile, and the office each is admitted to."""
PASSPHRASE: Final = "only for the walk-through"  # noqa: S105  # of people who do not exist
"""What opens their keys, so that whoever keeps the walk-through can go on as any of them."""

_PARTS: Final = ("temporal", "postgres", "mail", "worker")


@dataclass(frozen=True)
class Offices:
    """The desk, as each of the officers."""

    desk: Desk
    vetting_one: Desk
    vetting_two: Desk
    vetting_three: Desk
    president: Desk
    bureau: Desk
    reviewer: Desk


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
        """Start the parts, and admit the head of desk; where each part can be reached.

        Raises:
            Failure: One cannot be started; the message names it and its log.
        """
        return await self._stack("up", "--head-of-desk", str(self.enrol()))

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

    def enrol(self) -> Path:
        """Give every officer a key in the folder; the file of the head of desk's request."""
        for name, (officer, office) in PROFILES.items():
            head = office is Office.HEAD_OF_DESK
            pair = profiles.enrol(self.home, name, officer, store=Store.FILE, passphrase=PASSPHRASE, default=head)
            profiles.write_private(self._request(name), pair.request(datetime.now(UTC)).model_dump_json())
        return self._request("desk")

    async def offices(self) -> Offices:
        """The desk as each officer; the head of desk admits the others.

        Raises:
            TemporalUnreachable: Temporal does not answer.
        """
        settings = load(self.home)
        client = await connect(settings)
        desks = {
            name.replace("-", "_"): Desk(client, settings, profiles.signer(self.home, name, Ask(PASSPHRASE)))
            for name in PROFILES
        }
        offices = Offices(**desks)
        for name, (_, office) in PROFILES.items():
            if office is not Office.HEAD_OF_DESK:
                request = Request.model_validate_json(self._request(name).read_bytes())
                await offices.desk.admit(Admission(request=request, office=office))
        return offices

    def _request(self, name: str) -> Path:
        return self.home / "requests" / f"{name}.json"

    async def _stack(self, *command: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker.stack", *command, "--home", str(self.home), "--json"),
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
