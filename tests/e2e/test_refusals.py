"""What a rule, a file, a setting or an absence forbids: its exit code, its one line, and nothing recorded."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import OFFICERS, Terminal, a_nomination, a_row, day

SESSION = "2026B"
PROPOSED, ASSESSED, NOMINATED = (f"C-{SESSION}-000{number}" for number in range(1, 4))
LIST = f"L-{SESSION}-1"


@pytest.fixture(scope="module")
def digest(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of the proposed list of a session with a candidacy at each of several stages; no refusal changes it."""
    terminal = Terminal(home=stack, folder=tmp_path_factory.mktemp("sitting"))
    terminal.open(SESSION)
    people = [a_row("Ada", "Example"), a_row("Max", "Fictive"), a_row("Нина", "Небывалая")]
    terminal.nominate(SESSION, *people)
    for reference, profiles in ((PROPOSED, ("first", "second")), (ASSESSED, ("first",))):
        terminal.declare(reference)
        for profile in profiles:
            terminal.assess(reference, profile)
    file = terminal.write("list.yaml", {"seats": [{"candidacy": PROPOSED, "seat": "general"}]})
    digest: str = terminal.ask("list", "draft", file, "--session", SESSION)["details"]["hash"]
    terminal.ask("list", "propose", LIST, "--hash", digest, "--profile", "president")
    return digest


async def recorded(terminal: Terminal) -> list[tuple[Any, ...]]:
    """How much stands in the register of this session."""
    return await terminal.rows(
        "SELECT (SELECT count(*) FROM events WHERE case_reference LIKE '%2026B%'), "
        "(SELECT count(*) FROM letters WHERE case_reference LIKE '%2026B%')"
    )


DECISION = ("--profile", "bureau", "--outcome", "adopted", "--reference", "Item 7")
REFUSED = {
    "an act that came too late": (
        ["candidacy", "declare", PROPOSED, "--no-consent", "--all-yes"],
        3,
        "refused (candidacy-declare): declare is not possible while the candidacy is proposed; "
        "it belongs to: nominated",
    ),
    "the same officer twice": (
        ["candidacy", "assess", ASSESSED, "--all-clear", "--reason", "Read it again.", "--profile", "first"],
        3,
        "refused (two-officers): O-2 has assessed this candidacy in this round; two officers means two persons",
    ),
    "another list than the one on the table": (
        ["list", "decide", LIST, "--hash", "0" * 12, "--for", "5", "--against", "3", *DECISION],
        3,
        "refused (list-hash): the list on the table is version 1 under {hash}…, not 000000000000…",
    ),
    "votes that do not carry": (
        ["list", "decide", LIST, "--hash", "{hash}", "--for", "3", "--against", "5", *DECISION],
        3,
        "refused (majority-of-votes-cast): 3 for, 5 against: the votes do not carry the list",
    ),
    "a part-session outside the session": (
        ["session", "amend", SESSION, "--part-session", f"{day(500)}..{day(504)}", "--reason", "x"],
        3,
        "refused (session-dates): part_sessions: number 1 is out of order or outside the session",
    ),
    "a letter that waits for nobody": (
        ["letter", "settle", f"{PROPOSED}.1.1", "--as", "resend", "--reason", "x"],
        3,
        f"refused (letter-settled): letter {PROPOSED}.1.1 is sent; it waits for nobody",
    ),
    "no such candidacy": (
        ["candidacy", "show", f"C-{SESSION}-9999"],
        4,
        f"no such case: there is no case C-{SESSION}-9999",
    ),
    "no such letter": (
        ["letter", "show", f"{PROPOSED}.1.9"],
        4,
        f"no such case: there is no letter {PROPOSED}.1.9",
    ),
    "a session that is not open": (
        ["candidacy", "nominate", "one.yaml", "--session", "1999"],
        4,
        "no such case: session 1999 is not open",
    ),
    "a file with a bad row": (
        ["candidacy", "nominate", "bad.csv", "--session", SESSION],
        2,
        "bad input: bad.csv:3: seat: must be 'general' or 'reserved'\n"
        "nothing was sent; --skip-bad sends the nominations that can be used",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refusal_is_one_clear_line_and_changes_nothing(case: str, terminal: Terminal, digest: str) -> None:
    argv, code, line = REFUSED[case]
    terminal.write("one.yaml", a_nomination("Jeanne", "Imaginaire"))
    terminal.write("bad.csv", [a_row("Jeanne", "Imaginaire"), a_row("Nora", "Notional", "imperial")])
    before = await recorded(terminal)
    said = terminal.say(*(word.format(hash=digest) for word in argv))
    assert (said.code, said.out, said.err) == (code, "", line.format(hash=digest[:12]) + "\n")
    assert await recorded(terminal) == before


async def test_list_with_too_many_general_seats_is_told_which_substitution_would_mend_it(terminal: Terminal) -> None:
    session = "2026C"
    terminal.open(session)
    people = [a_row("Ada", "Example"), a_row("Max", "Fictive"), a_row("Нина", "Небывалая")]
    *general, reserved = terminal.nominate(session, *people, a_row("Théodore", "Inventé", "reserved"))
    seats = [{"candidacy": reference, "seat": "general"} for reference in general]
    file = terminal.write("list.yaml", {"seats": seats, "reserve": [reserved]})
    said = terminal.say("list", "draft", file, "--session", session, "--json")
    assert said.code == 3
    assert said.document["error"] == {
        "kind": "refused",
        "rule": "general-seats",
        "message": "3 general seats are given, and at most 2 of 3 may be general (reserved: 1): "
        f"move {general[2]} to the reserve and give {reserved} a reserved seat",
    }
    assert await terminal.rows(f"SELECT reference FROM cases WHERE kind = 'list' AND session = '{session}'") == []


async def test_nomination_after_the_close_is_refused_for_each_who_is_named(terminal: Terminal) -> None:
    session = "2026D"
    terminal.open(session, nominations_close=day(-1))
    table = terminal.write("late.csv", [a_row("Ada", "Example"), a_row("Max", "Fictive")])
    said = terminal.say("candidacy", "nominate", table, "--session", session, "--json")
    message = f"nominations for {session} closed at the end of {day(-1)}"
    assert said.code == 3
    assert [(result["source"], result["outcome"], result["message"]) for result in said.document["results"]] == [
        ("late.csv:2", "refused", message),
        ("late.csv:3", "refused", message),
    ]
    assert said.document["error"]["rule"] == "nominations-close"
    assert await terminal.rows(f"SELECT reference FROM cases WHERE session = '{session}'") == [(session,)]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("DESK_ANSWER_TIMEOUT", "0", "setting: DESK_ANSWER_TIMEOUT: Input should be greater than 0"),
        (
            "DESK_PROFILE",
            "nobody",
            f"usage: no officer profile nobody; there are: {', '.join(OFFICERS)} (`starter officer enrol` makes one)",
        ),
    ],
)
def test_wrong_setting_is_named(name: str, value: str, line: str, terminal: Terminal) -> None:
    said = terminal.say("candidacy", "list", settings={name: value})
    assert (said.code, said.out, said.err) == (2, "", f"{line}\n")


def test_home_without_profiles_acts_for_nobody(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.say("candidacy", "list", "--home", str(tmp_path))
    assert (said.code, said.out, said.err) == (
        2,
        "",
        "usage: no officer profile says who acts; make one: `starter officer enrol NAME --officer O-17`\n",
    )
