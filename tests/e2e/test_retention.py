"""What has ended is erased by itself: the schedule that a worker makes, the letter to the desk, the certificate."""

import asyncio
import mailbox
from datetime import UTC, datetime, timedelta
from email.message import Message

import pytest

from config.settings import load
from config.temporal import connect
from domain.candidacy import Act, Reason
from domain.clock import CalendarPolicy, Clock
from domain.session import Limits
from domain.timelimits import Limit, day_of
from tests.e2e.terminal import ANSWER_WITHIN, OFFICERS, Terminal, desk_of
from tests.faults.sitting import Sitting, a_compressed_plan

SESSION = "2031"
DUE, HELD = (f"C-{SESSION}-000{number}" for number in (1, 2))
SPEED = 4_000_000.0
"""A year in eight seconds."""


async def declined(terminal: Terminal) -> list[str]:
    """Two candidates have said no, and an officer holds one of them back; their names."""
    client = await connect(load(terminal.home))
    profiles = tuple(OFFICERS)
    sitting = Sitting(lambda number: desk_of(profiles[number - 1], terminal.home, client), SESSION)
    now = datetime.now(UTC)
    today = day_of(now)
    await sitting.open(
        a_compressed_plan(
            SESSION,
            nominations_close=today + timedelta(days=1200),
            opens=today + timedelta(days=1300),
            bureau_meets=today + timedelta(days=1250),
            closes=today + timedelta(days=2000),
            limits=Limits(answer=Limit(days=700), vetting=Limit(days=700), reminders=()),
            clock=Clock(policy=CalendarPolicy.COMPRESSED, started=now, origin=now, speed=SPEED),
        )
    )
    for number in (1, 2):
        await sitting.nominate(number)
        await sitting.act(number, Act.DECLINE, Reason(reason="No time."))
    hold = ("--until", "2999-12-31", "--reason", "Case before a court", "--profile", "protection")
    terminal.act("retain", HELD, *hold)
    return [sitting.nomination(number).candidate.family_name for number in (1, 2)]


async def rounds(terminal: Terminal) -> None:
    """Have the schedule that the worker has made go off, until the first is erased; in a day it would by itself."""
    schedule = (await connect(load(terminal.home))).get_schedule_handle("retention")
    described = await schedule.describe()
    assert [interval.every for interval in described.schedule.spec.intervals] == [timedelta(hours=24)]
    assert not described.schedule.state.paused
    assert described.info.next_action_times[0] < datetime.now(UTC) + timedelta(hours=25)
    async with asyncio.timeout(2 * ANSWER_WITHIN):
        while not await terminal.rows(f"SELECT 1 FROM erasures WHERE candidacy = '{DUE}' AND certificate IS NOT NULL"):
            await schedule.trigger()
            await asyncio.sleep(1)


def letters_about(terminal: Terminal, *references: str) -> list[str]:
    """The letters in the mail catcher whose text names these cases, and to whom they went."""
    found: list[str] = []
    message: Message
    for message in mailbox.Maildir(terminal.home / "mail", create=False):
        texts = [part.get_payload(decode=True) for part in message.walk() if part.get_content_type() == "text/plain"]
        if all(any(isinstance(text, bytes) and each.encode() in text for text in texts) for each in references):
            found.append(str(message["To"]))
    return found


@pytest.mark.timeout(180)
async def test_what_has_ended_is_erased_by_itself_once_the_desk_was_told(terminal: Terminal) -> None:
    gone, kept = await declined(terminal)
    assert gone in terminal.read("candidacy", "show", DUE)
    await rounds(terminal)

    desk = load(terminal.home).desk_address
    last = terminal.cases(SESSION)[HELD]
    assert (last["held_until"], last["kept_until"], last["erased"]) == ("2999-12-31", "2999-12-31", None)
    assert kept in terminal.read("candidacy", "show", HELD)
    assert gone not in terminal.read("candidacy", "show", DUE)
    told = [to for to in letters_about(terminal, DUE) if desk in to]
    assert len(told) == 1
    assert len([to for to in letters_about(terminal, HELD) if desk in to]) == 0

    checked = terminal.ask("ledger", "certificate", DUE)
    assert checked["holds"]
    certificate = checked["certificate"]
    assert certificate["rule"] == {"setting": "DESK_RETAIN_DECLINED", "value": "1 year"}
    assert [(each["readable"], each["in_clear"]) for each in certificate["readings"]] == [(0, 0), (0, 0)]
    assert terminal.ask("candidacy", "timeline", DUE)["steps"][-1]["effects"] == ["rule:DESK_RETAIN_DECLINED"]
    said = terminal.say("ledger", "certificate", HELD)
    assert (said.code, said.out) == (4, "")
    differing = terminal.say("ledger", "verify", "--json").document["differences"]
    assert [each for each in differing if SESSION in each["reference"]] == []
