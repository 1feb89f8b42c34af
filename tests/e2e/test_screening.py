"""Lists and hits as officers have them: imported, found, looked at by two, and never in clear beside a case."""

import json
import time
from typing import Any

from config.settings import load
from config.temporal import connect
from domain.interests import Withdrawal
from tests.e2e.terminal import Terminal, a_row, desk_of

SESSION = "2026"
REFERENCE = "C-2026-0001"


def a_list(*people: tuple[str, str]) -> str:
    """A list of people in JSON lines: each one's name and birth date."""
    return "\n".join(
        json.dumps({"id": str(number), "schema": "Person", "properties": {"name": [name], "birthDate": [born]}})
        for number, (name, born) in enumerate(people, 1)
    )


def imported(terminal: Terminal, name: str, file: str, trust: str) -> Any:
    described = ("--publisher", "Somebody", "--trust", trust, "--kind", "wanted")
    return terminal.ask("watchlist", "import", name, file, *described, within=90)


async def test_a_hit_is_found_looked_at_by_two_officers_and_kept_from_everybody_else(
    terminal_of_its_own: Terminal,
) -> None:
    terminal = terminal_of_its_own
    terminal.open(SESSION)
    (terminal.folder / "broken.json").write_text(a_list(("Primer Testov", "1980-05-17")) + "\n{", encoding="utf-8")
    described = ("--publisher", "Somebody", "--trust", "official", "--kind", "wanted")
    broken = terminal.say("watchlist", "import", "broken", "broken.json", *described)
    assert (broken.code, broken.err) == (
        2,
        "bad input: broken.json: line 2: is no JSON object: each line must be one entity\n",
    )
    assert terminal.ask("watchlist", "list")["watchlists"] == []

    (terminal.folder / "list.json").write_text(a_list(("Primer Testov", "1980-05-17")), encoding="utf-8")
    version = imported(terminal, "wanted", "list.json", "official")
    assert (version["version"], version["entries"], version["officer"]) == (1, 1, "O-1")
    imported(terminal, "foreign-agents", "list.json", "hostile")
    refused = terminal.say("watchlist", "remove", "wanted", "--reason", "Why not", "--profile", "first")
    assert (refused.code, "not-your-office" in refused.err or "office" in refused.err) == (3, True)

    terminal.nominate(SESSION, a_row("Пример", "Тестов"))
    terminal.declare(REFERENCE)
    # The libraries load when the first person is screened.
    ends = time.monotonic() + 60
    while not (hits := [each for each in findings(terminal) if each["check"] == "hit"]):
        assert time.monotonic() < ends
        time.sleep(0.5)
    assert {(hit["holds"], "persecution" in hit["result"]) for hit in hits} == {(True, False), (False, True)}
    assert all(any(line.startswith("name match +1.00") for line in hit["why"]) for hit in hits)
    terminal.assess(REFERENCE, "first")
    assert terminal.assess(REFERENCE, "second")["stage"] == "vetting"
    (hit,) = [each["about"] for each in hits if each["holds"]]
    resolve = ("resolve", REFERENCE, hit, "--as", "other-person", "--reason", "Another patronymic", "--profile")
    assert terminal.act(*resolve, "first")["stage"] == "vetting"
    (seen,) = [each for each in findings(terminal, "second") if each["about"] == hit]
    assert "O-2 has given a word, sealed until you give yours" in seen["why"]
    assert terminal.act(*resolve, "second")["stage"] == "cleared"
    assert not any(each["holds"] for each in findings(terminal))

    await keeps_an_officer_with_an_interest_away(terminal)
    # What anybody can read of the register: that a screening took place, and nothing of what it found.
    assert await terminal.rows("SELECT effects FROM events WHERE act = 'screen'") == [([],)]
    kept = str(await terminal.rows("SELECT * FROM watchlists, watchlist_versions")) + str(
        await terminal.rows("SELECT list, entry, digest, properties FROM watchlist_entries")
    )
    assert "Testov" in kept
    assert "C-2026" not in kept


def findings(terminal: Terminal, profile: str = "clerk") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = terminal.ask("candidacy", "findings", REFERENCE, "--profile", profile)["findings"]
    return found


async def keeps_an_officer_with_an_interest_away(terminal: Terminal) -> None:
    """An officer who declares an interest in the candidate does not see the case until that is withdrawn."""
    as_first = ("--profile", "first")
    (declared,) = terminal.ask("officer", "declare-interest", "--person", "Testoff, Primer", *as_first)["interests"]
    assert terminal.cases(SESSION, *as_first) == {}
    refused = terminal.say("candidacy", "show", REFERENCE, *as_first)
    assert (refused.code, refused.err) == (
        3,
        "refused (declared-interest): O-2 has declared an interest in this case\n",
    )
    client = await connect(load(terminal.home))
    first, clerk = desk_of("first", terminal.home, client), desk_of("clerk", terminal.home, client)
    (incident,) = [each for each in await clerk.incidents() if each.refusal == "ConflictOfInterest"]
    assert incident.place == REFERENCE
    assert [(row.id, row.what) for row in await first.interests()] == [(declared["id"], "Testoff, Primer")]
    await first.withdraw_interest(Withdrawal(interest=declared["id"], reason="Another person"))
    assert REFERENCE in [row.reference for row in await first.cases(session=SESSION)]
