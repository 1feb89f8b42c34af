"""A session's whole life, each step of it a process that is told what to do and answers in one document."""

from collections import Counter
from typing import Any

import pytest

from starter.batch import Outcome
from tests.e2e.terminal import Terminal, a_nomination, a_row, day

SESSION = "2026A"
ADA, PETR, NINA, JEANNE, MAX = (f"C-{SESSION}-000{number}" for number in range(1, 6))
LIST = f"L-{SESSION}-1"


def nominate(terminal: Terminal) -> None:
    """Five people, in every kind of file; two of them a second time, in another script and by another nominator."""
    one = terminal.write(
        "one.yaml", [a_nomination("Ada", "Example", seat="reserved"), a_nomination("Пётр", "Вымышленный")]
    )
    named = terminal.ask("candidacy", "nominate", one, "--session", SESSION)
    assert [result["reference"] for result in named["results"]] == [ADA, PETR]

    two = terminal.write("two.json", a_nomination("Нина", "Небывалая"))
    again = (a_row("Petr", "Vymyshlennyi"), a_row("Nina", "Nebyvalaya"))
    many = terminal.write("many.csv", [a_row("Jeanne", "Imaginaire"), *again, a_row("Max", "Fictive")])
    command = ("candidacy", "nominate", two, many, "--session", SESSION)
    foretold = terminal.ask(*command, "--dry-run")
    done = terminal.ask(*command)
    counts = dict.fromkeys(Outcome, 0) | {Outcome.NOMINATED: 3, Outcome.ALREADY: 2}
    assert foretold["counts"] == done["counts"] == counts
    assert [(result["source"], result["outcome"], result["reference"]) for result in done["results"]] == [
        ("two.json:1", "nominated", NINA),
        ("many.csv:2", "nominated", JEANNE),
        ("many.csv:3", "already", PETR),
        ("many.csv:4", "already", NINA),
        ("many.csv:5", "nominated", MAX),
    ]
    assert [result["outcome"] for result in foretold["results"]] == [result["outcome"] for result in done["results"]]


def amend(terminal: Terminal) -> None:
    """The session's end moves, and with it what all of them wait for."""
    command = ("session", "amend", SESSION, "--closes", str(day(407)), "--reason", "The sitting moved.")
    would = terminal.ask(*command, "--dry-run")["affected"]
    assert terminal.ask(*command)["affected"] == would
    moved = {"stage": "nominated", "moved": ["expire"]}
    assert would == [{"reference": reference} | moved for reference in (ADA, PETR, NINA, JEANNE, MAX)]
    shown = terminal.ask("session", "show", SESSION)
    assert (shown["version"], shown["session"]["closes"]) == (2, str(day(407)))


def vet(terminal: Terminal) -> None:
    """Two are cleared, one of them after a question; one declines, and one withdraws."""
    for reference in (ADA, NINA):
        assert terminal.declare(reference)["stage"] == "vetting"
    assert terminal.assess(NINA, "first")["stage"] == "vetting"
    asked = terminal.act("request-information", NINA, "--question", "Where did you work from 2015 to 2018?")
    assert (asked["stage"], asked["letters"]) == ("information_requested", 1)
    supplied = terminal.act("supply-information", NINA, "--answer", "At a university.", "--document", "Contract")
    assert supplied["stage"] == "vetting"
    for reference in (ADA, NINA):
        stages = [terminal.assess(reference, profile)["stage"] for profile in ("first", "second")]
        assert stages == ["vetting", "cleared"]
    assert terminal.act("decline", JEANNE, "--reason", "Wrote that she has no time.")["stage"] == "declined"
    assert terminal.act("withdraw", MAX, "--reason", "Wrote a letter.")["stage"] == "withdrawn"


def decide(terminal: Terminal) -> None:
    """The list is drafted, proposed, adopted and ratified; what a dry run foretells comes."""
    file = terminal.write("list.yaml", {"seats": [{"candidacy": ADA, "seat": "reserved"}], "reserve": [NINA]})
    draft = ("list", "draft", file, "--session", SESSION)
    foretold = terminal.ask(*draft, "--dry-run")
    drafted = terminal.ask(*draft)
    assert (drafted["reference"], drafted["stage"], drafted["seats"]) == (LIST, "drafted", foretold["seats"])
    named = (LIST, "--hash", drafted["details"]["hash"][:12])
    assert terminal.ask("list", "propose", *named, "--profile", "president")["stage"] == "proposed"

    bureau = (*named, "--profile", "bureau")
    decision = ("list", "decide", *bureau, "--outcome", "adopted", "--for", "12", "--against", "3")
    would = terminal.ask(*decision, "--reference", "Item 7", "--dry-run")
    assert (would["told"], would["letters_in_all"]) == ({"approve": 1, "confirm_reserve": 1}, 2)
    assert terminal.ask(*decision, "--reference", "Item 7")["stage"] == "adopted"
    ratification = ("--outcome", "ratified", "--reference", "Sitting 2")
    ratified = terminal.ask("list", "ratify", *bureau, *ratification)
    assert ratified["stage"] == "ratified"


def outline(terminal: Terminal, reference: str) -> list[tuple[str, str | None, str]]:
    """A case's steps: what, by whom, and where it led."""
    steps = terminal.ask("candidacy", "timeline", reference)["steps"]
    assert [step["seq"] for step in steps] == list(range(1, len(steps) + 1))
    return [(step["act"], step["signer"], step["stage"]) for step in steps]


@pytest.mark.timeout(300)
async def test_session_is_led_from_its_opening_to_its_participants(terminal: Terminal) -> None:
    terminal.open(SESSION, ratification=True)
    nominate(terminal)
    amend(terminal)
    vet(terminal)
    decide(terminal)

    shown: dict[str, Any] = terminal.ask("list", "show", LIST)
    assert (shown["in_force"], shown["may_follow"]) == (True, [{"candidacy": NINA, "seat": "general"}])
    assert {reference: row["stage"] for reference, row in terminal.cases(SESSION).items()} == {
        ADA: "participant",
        PETR: "nominated",
        NINA: "reserve",
        JEANNE: "declined",
        MAX: "withdrawn",
    }
    assert outline(terminal, ADA) == [
        ("nominate", "O-1", "nominated"),
        ("rearm", None, "nominated"),
        ("declare", "O-1", "vetting"),
        ("assess", "O-2", "vetting"),
        ("assess", "O-3", "cleared"),
        ("propose", None, "proposed"),
        ("approve", None, "approved"),
        ("ratify", None, "participant"),
    ]
    watched = terminal.ask("candidacy", "watch", MAX, "--until-ended")["steps"]
    assert [step["act"] for step in watched] == ["nominate", "rearm", "withdraw"]

    await terminal.letters_settled()
    letters = terminal.ask("letter", "list", ADA)["letters"]
    assert [(letter["reference"], letter["template"], letter["state"]) for letter in letters] == [
        (f"{ADA}.1.1", "receipt", "sent"),
        (f"{ADA}.1.2", "invitation", "sent"),
        (f"{ADA}.3.1", "declared", "sent"),
        (f"{ADA}.7.1", "approved", "sent"),
        (f"{ADA}.8.1", "participation", "sent"),
    ]
    letter = terminal.ask("letter", "show", f"{ADA}.1.2")
    assert letter["to"] == {"name": "Ada Example", "email": "candidate@example.org", "language": "en"}
    posted = Counter(terminal.post())
    assert [posted[each["message_id"]] for each in letters] == [1] * len(letters)

    assert terminal.ask("ledger", "verify")["differences"] == []
