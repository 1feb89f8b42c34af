"""The stack is stopped, and each of its databases is lost in turn: no case is lost with it, and no letter doubled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from adapters.sql.cells import Cells, content_of, of_letter, state_of
from config import keys
from config.settings import load
from tests.e2e.terminal import Terminal, a_row

SESSION = "2026"
NOMINATED, VETTING, WITHDRAWN = (f"C-{SESSION}-000{number}" for number in range(1, 4))

TABLES = "counters, cases, events, told, letters, letter_events, chain, seals, erasures"
KEPT = (
    "SELECT case_reference, seq, act, trigger, at, stage_before, stage, decision, signer, content_hash, issued, nonce, "
    "content, effects, state FROM events ORDER BY case_reference, seq",
    "SELECT reference, workflow_id, stage, ended, seat, deadline, seq, state FROM cases ORDER BY reference",
    "SELECT reference, template, role, language, name, email, subject, text, html, message_id, thread, state "
    "FROM letters ORDER BY reference",
)
"""All of the register but the clock's time of writing it down."""

PERSONAL_IN_LETTERS = {4: "name", 5: "email", 7: "text", 8: "html"}
"""By the column's place in the query."""


@dataclass(frozen=True)
class Before:
    """What there is before anything is lost."""

    kept: list[list[tuple[Any, ...]]]
    post: list[str]


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


async def at_work(terminal: Terminal) -> Before:
    """One case is nominated, one is assessed by one officer, one has ended."""
    terminal.open(SESSION)
    people = (a_row("Ada", "Example"), a_row("Пётр", "Вымышленный"), a_row("Max", "Fictive", "reserved"))
    assert terminal.nominate(SESSION, *people) == [NOMINATED, VETTING, WITHDRAWN]
    terminal.declare(VETTING)
    terminal.assess(VETTING, "first")
    terminal.act("withdraw", WITHDRAWN, "--reason", "Wrote a letter.")
    await terminal.letters_settled()
    before = Before(kept=await kept(terminal), post=terminal.post())
    letters = before.kept[-1]
    assert (len(letters), {row[-1] for row in letters}) == (3 * 2 + 2, {"sent"})
    assert before.post == sorted(row[-3] for row in letters)
    return before


def differences(terminal: Terminal) -> dict[str, str]:
    """What the comparison says of the workflow of each case that differs."""
    said = terminal.say("ledger", "verify", "--json")
    assert (said.code, said.document["error"]["rule"]) == (3, "ledger-differs")
    return {each["reference"]: each["workflow"] for each in said.document["differences"]}


async def lose_the_register(terminal: Terminal, before: Before) -> None:
    """Every step is written again as the workflows remember it."""
    running = [row[1] for row in before.kept[1] if row[0] != WITHDRAWN]
    async with terminal.register() as connection:
        # The guards are of the database that is lost.
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(f"TRUNCATE {TABLES}"))
    assert differences(terminal) == dict.fromkeys(running, "running")

    events, cases, letters = map(len, before.kept)
    rebuilt = terminal.ask("ledger", "rebuild")
    assert rebuilt == {"cases": cases, "steps": events, "letters": letters, "unknown": [], "refused": []}
    assert await kept(terminal) == before.kept
    verified = terminal.ask("ledger", "verify")
    assert verified.pop("signatures") > len([row for row in before.kept[0] if row[8]])
    assert verified == {"cases": cases, "steps": events, "letters": letters, "differences": [], "sealed": None}
    assert terminal.read("ledger", "rebuild") == f"Workflows read: {cases}. Written again: 0 steps, 0 letters.\n"


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
    cases = terminal.cases(SESSION)
    terminal.down()
    for file in (terminal.home / "temporal").iterdir():
        file.unlink()
    terminal.up()
    assert differences(terminal) == dict.fromkeys((SESSION, NOMINATED, VETTING), "not running")
    said = terminal.say("candidacy", "decline", NOMINATED, "--reason", "No time.")
    assert (said.code, said.out, said.err) == (
        5,
        "",
        f"unreachable: {NOMINATED} is open in the ledger but does not run; `starter ledger recover` starts it\n",
    )
    recovered = terminal.ask("ledger", "recover")
    assert sorted(recovered["restarted"]) == [SESSION, NOMINATED, VETTING]
    assert (recovered["running"], recovered["letters"]) == ([], [])
    assert terminal.cases(SESSION) == cases
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
    assert again == [VETTING, f"C-{SESSION}-0004"]
