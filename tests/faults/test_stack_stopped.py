"""The whole stack stopped for longer than time-limits last, and started again."""

import asyncio
import os
import sys
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.embedded.mail import read
from adapters.sql import engine as engines
from adapters.sql.ledger import SqlLedger
from config import keys
from config.settings import Settings, load
from config.temporal import connect
from domain.clock import CalendarPolicy, Clock
from domain.session import Limits
from domain.timelimits import SEAT, Limit
from starter.desk import Desk
from tests.builders import a_plan
from tests.faults.sitting import Sitting
from tests.faults.stage import Register, comes_to
from tests.officers import JUDGE, Lenient, a_pair, admit_everybody

MONDAY: Final = datetime.combine(date(2026, 3, 2), time(9), SEAT)
DAY: Final = 1.0
"""Seconds that a day of the compressed calendar takes."""
PAST: Final = date(2026, 3, 16)
"""A day on which everything that is due while the stack is down is past."""

SHORT: Final = Limits(answer=Limit(days=10), vetting=Limit(days=10), reminders=(), escalation_every=365)
LONG: Final = Limits(answer=Limit(days=59), reminders=(50, 49, 48, 47, 46))
"""From the tenth day on a reminder a day, and the limit itself much later."""


async def test_what_fell_due_while_the_stack_was_down_is_made_up_for_once_it_is_up(
    reachable_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(reachable_folder)
    for name in [name for name in os.environ if name.startswith(("DESK_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    home = reachable_folder / "home"
    await stack("up", home)
    try:
        short, long = await begun(home)
        started = short.opened.plan.clock.started
        assert started is not None
        await stack("down", home)
        left = started + (PAST - MONDAY.date()).days * timedelta(seconds=DAY) - datetime.now(UTC)
        await asyncio.sleep(left.total_seconds())
        await stack("up", home)
        await caught_up(home, short, long)
    finally:
        await stack("down", home)


async def begun(home: Path) -> tuple[Sitting, Sitting]:
    """Two sessions: one in which a declaration and a vetting are awaited, one with many reminders ahead."""
    settings = load(home)
    await admit_in(settings)
    client = await connect(settings)
    clock = Clock(policy=CalendarPolicy.COMPRESSED, started=datetime.now(UTC), origin=MONDAY, speed=86_400.0 / DAY)
    dates: dict[str, Any] = {
        "opens": date(2026, 9, 1),
        "closes": date(2027, 9, 1),
        "nominations_close": date(2026, 6, 1),
        "bureau_meets": date(2026, 6, 1),
        "clock": clock,
    }
    short, long = (Sitting(lambda number: Desk(client, settings, a_pair(number)), name) for name in ("2030", "2031"))
    await short.open(a_plan(reference="2030", limits=SHORT, **dates))
    await long.open(a_plan(reference="2031", limits=LONG, **dates))
    await short.nominate(1)
    await short.nominate(2)
    await short.declare(2)
    await long.nominate(1)
    return short, long


async def admit_in(settings: Settings) -> None:
    """Admit officers to the register of the stack."""
    assert settings.database_url is not None
    engine = engines.create(settings.database_url.get_secret_value(), pool=1)
    try:
        await admit_everybody(SqlLedger(engine, keys.keyring(settings), mail_domain="example.org", judge=JUDGE))
    finally:
        await engine.dispose()


async def caught_up(home: Path, short: Sitting, long: Sitting) -> None:
    """One lapse, one escalation and one reminder, each with its letter."""
    settings = load(home)
    assert settings.database_url is not None
    engine = engines.create(settings.database_url.get_secret_value(), pool=2)
    register = Register(SqlLedger(engine, keys.keyring(settings), mail_domain="example.org", judge=Lenient()))
    lapsed, overdue, reminded = short.candidacy(1), short.candidacy(2), long.candidacy(1)
    try:
        await comes_to(lambda: register.acts(lapsed), ["nominate", "lapse"])
        await comes_to(lambda: register.acts(overdue), ["nominate", "declare", "escalate"])
        await comes_to(lambda: register.acts(reminded), ["nominate", "remind"])
        await comes_to(register.under_way, [])
        begun = {"receipt": "sent", "invitation": "sent"}
        assert await register.post(lapsed) == begun | {"lapsed": "sent"}
        assert await register.post(overdue) == begun | {"declared": "sent", "desk_overdue": "sent"}
        assert await register.post(reminded) == begun | {"reminder": "sent"}
        assert await register.stages([lapsed, overdue, reminded]) == ["lapsed", "vetting", "nominated"]

        sent = Counter(letter.message_id for letter in await register.letters())
        assert Counter(str(message["Message-ID"]) for message in read(home / "mail")) == sent
        found = await Desk(await connect(settings), settings, a_pair()).verify_ledger()
        assert found.differences == ()
    finally:
        await engine.dispose()


async def stack(command: str, home: Path) -> None:
    """Do something with the stack, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "worker.stack", command, "--home", str(home), "--no-ui"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
