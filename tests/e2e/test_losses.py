"""The stack is stopped, and each of its databases is lost in turn: no case is lost with it, and no letter doubled."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from adapters.sql.cells import Cells, content_of, of_letter, state_of
from adapters.sql.tables import metadata
from config import keys
from config.settings import load
from config.temporal import connect
from domain.clock import CalendarPolicy, Clock
from domain.interests import Interests, Withdrawal
from domain.lists import ListAct
from domain.model import Model
from domain.offices import Revocation
from domain.session import Limits, SuspensionLimits
from domain.suspension import Service, SuspensionAct
from domain.timelimits import Limit, day_of
from starter.desk import Desk, Taken
from tests.builders import a_charge
from tests.e2e.terminal import ANSWER_WITHIN, OFFICERS, Terminal, a_row, desk_of
from tests.faults.sitting import SPEED, Sitting, a_plan
from worker.setup import admit_head_of_desk, read_request

SESSION = "2026"
NOMINATED, VETTING, WITHDRAWN, ERASED = (f"C-{SESSION}-000{number}" for number in range(1, 5))
KINDS = (("", ""), ("C-", "-0001"), ("L-", "-1"), ("S-", "-0001"))
HEARD, REFERRED = "2027", "2028"
"""Sessions of one participant each, whose suspension is in its hearing, or was referred to the Bureau."""
OPEN = (
    *(SESSION, NOMINATED, VETTING),
    *(f"{kind}{session}{number}" for session in (HEARD, REFERRED) for kind, number in KINDS),
)

STANDS = "case_reference IN (SELECT reference FROM cases WHERE erased IS NULL)"
KEPT = (
    "SELECT case_reference, seq, act, trigger, at, stage_before, stage, decision, signer, content_hash, issued, nonce, "
    f"content, effects, state FROM events WHERE {STANDS} ORDER BY case_reference, seq",
    "SELECT reference, workflow_id, stage, ended, seat, deadline, seq, state FROM cases WHERE erased IS NULL "
    "ORDER BY reference",
    "SELECT reference, template, role, language, name, email, subject, text, html, message_id, thread, state "
    f"FROM letters WHERE {STANDS} ORDER BY reference",
)
"""All that the register knows of cases, but the clock's time of writing it down."""
KNOWN = (
    "SELECT act, addressed, signer, key, signature, nonce, taken, by FROM commands "
    "WHERE power NOT LIKE 'ledger.%' AND power NOT LIKE 'candidacy.%eras%' ORDER BY nonce",
    "SELECT person, key, office, since, until, at FROM appointments LEFT JOIN revocations ON appointment = n "
    "ORDER BY n",
    "SELECT candidacy, held FROM retentions ORDER BY candidacy",
    "SELECT candidacy, key, requested_at, requested_by, confirmed_at, confirmed_by, certificate FROM erasures "
    "ORDER BY certificate",
)
"""And of officers and their commands, but those that are about the register or about somebody who was erased."""

PERSONAL_IN_LETTERS = {4: "name", 5: "email", 7: "text", 8: "html"}
"""By the column's place in the query."""


@dataclass(frozen=True)
class Before:
    """What there is before anything is lost."""

    kept: list[list[tuple[Any, ...]]]
    post: list[str]
    known: list[list[tuple[Any, ...]]] = field(default_factory=list)
    interests: tuple[tuple[object, ...], ...] = ()


async def kept(terminal: Terminal) -> list[list[tuple[Any, ...]]]:
    """What the register holds, its personal columns read."""
    cells = Cells(keys.keyring(load(terminal.home)))
    events, cases, letters = [await terminal.rows(query) for query in KEPT]

    async def read(row: tuple[Any, ...], places: Mapping[int, str]) -> tuple[Any, ...]:
        return tuple([await cells.read(places[n], cell) if n in places else cell for n, cell in enumerate(row)])

    return [
        [await read(row, {12: content_of(row[0], row[1]), 14: state_of(row[0], row[1])}) for row in events],
        [await read(row, {7: state_of(row[0], row[6])}) for row in cases],
        [await read(row, {n: of_letter(name, row[0]) for n, name in PERSONAL_IN_LETTERS.items()}) for row in letters],
    ]


@dataclass
class House(Sitting):
    """A session in which the President and the Bureau act for themselves."""

    terminal: Terminal = field(kw_only=True)

    async def on_list(self, act: ListAct, content: Model) -> Taken:
        """Give a command to the list."""
        officer = {ListAct.PROPOSE: 4, ListAct.DECIDE: 5}[act]
        return await self.officer(officer).act_on_list(self.list, act, content)

    async def suspend(self) -> str:
        """Bring the one candidate to participation, and a trigger against the participant; the suspension."""
        await self.nominate()
        await self.examine()
        for act in (self.draft, self.propose, self.decide):
            await act()
        await comes_to(self.terminal, self.candidacy(), "participant")
        suspension = (await self.officer(1).open_suspension(self.candidacy(), a_charge())).receipt.reference
        served = Service(how="by hand", on=day_of(self.opened.terms.clock.reading(datetime.now(UTC))))
        await self.officer(1).act_on_suspension(suspension, SuspensionAct.SERVE, served)
        return suspension


async def suspended(terminal: Terminal) -> None:
    """One suspension is in its hearing, and one was referred to the Bureau when its measure had lasted too long."""
    client, profiles = await connect(load(terminal.home)), tuple(OFFICERS)

    def officer(number: int) -> Desk:
        return desk_of(profiles[number - 1], terminal.home, client)

    now = datetime.now(UTC)
    compressed = {
        "closes": day_of(now) + timedelta(days=790),
        "clock": Clock(policy=CalendarPolicy.COMPRESSED, started=now, origin=now, speed=SPEED),
        "limits": Limits(
            reminders=(),
            escalation_every=365,
            suspension=SuspensionLimits(hearing=Limit(days=700), interim=Limit(days=1)),
        ),
    }
    for session, changes in ((HEARD, {}), (REFERRED, compressed)):
        house = House(officer, session, terminal=terminal)
        await house.open(a_plan(house.reference, seats=1, reserved_share=0, ratification=False, **changes))
        await house.suspend()
    await comes_to(terminal, f"S-{REFERRED}-0001", "refer", of="act")


async def at_work(terminal: Terminal) -> Before:
    """One case is nominated, one is assessed by one officer, one has ended; two participants are suspended."""
    terminal.open(SESSION)
    people = (
        a_row("Ada", "Example"),
        a_row("Пётр", "Вымышленный"),
        a_row("Max", "Fictive", "reserved"),
        a_row("Eve", "Invented"),
    )
    assert terminal.nominate(SESSION, *people) == [NOMINATED, VETTING, WITHDRAWN, ERASED]
    terminal.declare(VETTING)
    terminal.assess(VETTING, "first")
    terminal.act("withdraw", WITHDRAWN, "--reason", "Wrote a letter.")
    await suspended(terminal)
    await terminal.letters_settled()
    post = terminal.post()
    await on_file(terminal)
    before = Before(
        kept=await kept(terminal),
        post=post,
        known=[await terminal.rows(query) for query in KNOWN],
        interests=await interests(terminal),
    )
    letters = before.kept[-1]
    assert len([row for row in letters if row[0].startswith(f"C-{SESSION}")]) == 3 * 2 + 2
    assert {row[-1] for row in letters} == {"sent"}
    assert sorted({row[-3] for row in letters} - set(before.post)) == []
    return before


def differences(terminal: Terminal) -> dict[str, str]:
    """What the comparison says of the workflow of each case that differs."""
    said = terminal.say("ledger", "verify", "--json")
    assert (said.code, said.document["error"]["rule"]) == (3, "ledger-differs")
    return {each["reference"]: each["workflow"] for each in said.document["differences"]}


async def on_file(terminal: Terminal) -> None:
    """One officer was admitted and left, one has interests, one case is held back, one erased, and one is to be."""
    client = await connect(load(terminal.home))
    second = desk_of("second", terminal.home, client)
    declared = await second.declare_interests(
        Interests(organisations=("A fund that does not exist", "Another"), cases=(WITHDRAWN, ERASED))
    )
    await second.withdraw_interest(Withdrawal(interest=declared[0].id, reason="Left it."))
    protection = ("--reason", "File DP-1", "--profile", "protection")
    for until in ("2098-12-31", "2099-12-31"):
        terminal.ask("candidacy", "retain", WITHDRAWN, "--until", until, *protection)
    for reference in (WITHDRAWN, ERASED):
        terminal.ask("candidacy", "erase", reference, *protection)
    terminal.ask("candidacy", "erase", ERASED, "--confirm", "O-6", "--profile", "deputy", within=90)
    await desk_of("clerk", terminal.home, client).revoke(Revocation(person="O-2", reason="Is on leave."))


async def interests(terminal: Terminal) -> tuple[tuple[object, ...], ...]:
    """What an officer has declared, but the numbers."""
    client = await connect(load(terminal.home))
    rows = await desk_of("second", terminal.home, client).interests()
    return tuple(tuple(row.model_dump(exclude={"id"}).values()) for row in rows)


async def lose_the_register(terminal: Terminal, before: Before) -> None:
    """The head of desk is admitted as at set-up, and every step and command is written again as it is remembered."""
    running = [row[1] for row in before.kept[1] if row[0] != WITHDRAWN]
    async with terminal.register() as connection:
        # The guards are of the database that is lost.
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in metadata.tables:
            await connection.execute(text(f"TRUNCATE {table} RESTART IDENTITY CASCADE"))
    request = read_request(terminal.home.parent / "clerk.json")
    assert (await admit_head_of_desk(load(terminal.home), request)).since == request.made
    assert differences(terminal) == dict.fromkeys(running, "running")

    events, cases, letters = map(len, before.kept)
    said = terminal.say("ledger", "rebuild", "--json")
    rebuilt = said.document
    # Nobody knows any more by what to find the person who was erased.
    assert (said.code, rebuilt.pop("error")["rule"]) == (3, "ledger-incomplete")
    assert datetime.fromisoformat(rebuilt.pop("since")) < before.kept[0][0][4]
    none = {"unknown": [], "refused": [], "held": [], "lost": ["O-3"]}
    commands = len(before.known[0]) + 1
    done = {"cases": cases + 1, "steps": events, "letters": letters, "commands": commands, "erasures": 1}
    assert rebuilt == done | none
    assert await kept(terminal) == before.kept
    assert [await terminal.rows(query) for query in KNOWN] == before.known
    assert await interests(terminal) == tuple(row for row in before.interests if ERASED not in row)
    assert terminal.ask("ledger", "certificate", ERASED)["holds"]
    verified = terminal.ask("ledger", "verify")
    assert verified.pop("signatures") > len([row for row in before.kept[0] if row[8]])
    whole = {"cases": cases + 1, "steps": events + 1, "letters": letters, "differences": [], "sealed": None}
    assert verified == whole
    again = terminal.read("ledger", "rebuild").splitlines()
    assert again[0] == f"Workflows read: {cases + 1}. Written again: 0 steps, 0 letters, 0 other commands, 0 erasures."


def stop_for_the_night(terminal: Terminal) -> None:
    """Every case goes on where it was; until then the command line says what is missing."""
    cases = terminal.cases(SESSION)
    assert terminal.down()["up"] is False
    said = terminal.say("candidacy", "list")
    assert (said.code, said.out) == (5, "")
    assert said.err.startswith("unreachable: Temporal does not answer at 127.0.0.1:")
    assert said.err.endswith("; `starter stack up` starts it\n")
    terminal.up()
    assert terminal.cases(SESSION) == cases


def lose_temporals_database(terminal: Terminal) -> None:
    """Every open case is started again as the register keeps it."""
    cases, suspensions = terminal.cases(SESSION), terminal.ask("suspension", "list")
    assert {row["stage"] for row in suspensions["suspensions"]} == {"hearing"}
    terminal.down()
    for file in (terminal.home / "temporal").iterdir():
        file.unlink()
    terminal.up()
    assert differences(terminal) == dict.fromkeys(OPEN, "not running")
    said = terminal.say("candidacy", "decline", NOMINATED, "--reason", "No time.")
    assert (said.code, said.out, said.err) == (
        5,
        "",
        f"unreachable: {NOMINATED} is open in the ledger but does not run; `starter ledger recover` starts it\n",
    )
    recovered = terminal.ask("ledger", "recover")
    assert set(recovered["restarted"]) == set(OPEN)
    assert (recovered["running"], recovered["letters"]) == ([], [])
    assert terminal.cases(SESSION) == cases
    assert terminal.ask("suspension", "list") == suspensions
    assert terminal.ask("ledger", "verify")["differences"] == []


@pytest.mark.timeout(300)
async def test_neither_lost_database_costs_a_case_or_doubles_a_letter(terminal_of_its_own: Terminal) -> None:
    terminal = terminal_of_its_own
    before = await at_work(terminal)
    await lose_the_register(terminal, before)
    stop_for_the_night(terminal)
    lose_temporals_database(terminal)
    assert await kept(terminal) == before.kept
    await terminal.letters_settled()
    assert terminal.post() == before.post

    assert terminal.assess(VETTING, "second")["stage"] == "cleared"
    again = terminal.nominate(SESSION, a_row("Petr", "Vymyshlennyi"), a_row("Jeanne", "Imaginaire"))
    assert again == [VETTING, f"C-{SESSION}-0005"]
    await nobody_was_forgotten(terminal)


async def nobody_was_forgotten(terminal: Terminal) -> None:
    """Both suspensions go on, and what the Bureau decides of one can be undone when it has come to pass."""
    heard, referred = (f"S-{session}-0001" for session in (HEARD, REFERRED))
    assert terminal.ask("suspension", "observe", heard, "--answer", "It was not I.")["stage"] == "review"
    terminal.ask("suspension", "waive", referred, "--how", "by telephone")
    bureau = ("--votes", "9:2", "--reference", "AS/Bur 12", "--reason", "As the file shows.", "--profile", "bureau")
    terminal.ask("suspension", "decide", referred, "--outcome", "excluded", *bureau)
    await comes_to(terminal, referred, "excluded")
    assert terminal.ask("suspension", "reverse", referred, "--measure", "full", *bureau)["stage"] == "review"
    await comes_to(terminal, f"C-{REFERRED}-0001", "suspended")
    await comes_to(terminal, f"L-{REFERRED}-1", "reinstate", of="act")


async def comes_to(terminal: Terminal, reference: str, expected: str, *, of: str = "stage") -> None:
    """Wait for a case's last step to be of an act, or to have led to a stage."""
    query = f"SELECT {of} FROM events WHERE case_reference = '{reference}' ORDER BY seq DESC LIMIT 1"
    async with asyncio.timeout(ANSWER_WITHIN):
        while await terminal.rows(query) != [(expected,)]:
            await asyncio.sleep(0.05)
