"""No name, no address and no word that was said stands in clear anywhere but in the mail catcher."""

import asyncio
import base64
import json
import shutil
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.json_format import ParseDict
from sqlalchemy import text
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from adapters.embedded.ports import LOOPBACK, free_ports
from adapters.keys.codec import ENCODING, PersonalCodec
from config import keys
from config.settings import load
from config.temporal import connect, environment
from domain.candidacy import Act, Answer, Correction, Declaration, Information, InformationRequest, Reason
from domain.errors import Erased
from domain.lists import Drafting, ListAct, ListPlan, Place, Proposal
from domain.notices import Role
from domain.people import Nomination, SeatKind
from domain.vetting import Assessment, Finding, Judgement
from tests.e2e.terminal import Terminal, a_nomination, begin, desk_of
from tests.folders import a_folder
from tests.search import search

SESSION: Final = "2026"
LIST: Final = f"L-{SESSION}-1"
PEOPLE: Final = (
    ("Zinaida-Latina", "Nebyvalskaya", "zinaida.nebyvalskaya@example.org"),
    ("Аполлинарий", "Вымышленников", "аполлинарий@example.org"),
)
WORDS: Final = (
    *(word for person in PEOPLE for word in person),
    "Eulalia Inventrix",
    "eulalia.inventrix@example.org",
    "besseradresse@example.org",
    "Where did you work before Krasnovodsk?",
    "В вымышленном институте Тмутаракани",
    "Зачётка-Тмутаракань",
    "Wrote-from-Ultima-Thule",
)
"""Everything that went in and must come out nowhere."""

CELLS: Final = (
    "SELECT content FROM commands",
    "SELECT state FROM cases",
    "SELECT content, state FROM events",
    "SELECT name, email, text, html FROM letters",
    "SELECT reason FROM letter_events",
)
"""Every personal column."""


@dataclass(frozen=True)
class Loud:
    """A stack that says all it has to say."""

    terminal: Terminal
    metrics: str
    leavings: Path


@pytest.fixture(scope="module")
def loud() -> Iterator[Loud]:
    """A stack whose worker logs everything and shows its metrics, and whatever is left beside its home."""
    with a_folder() as folder:
        leavings, work = folder / "leavings", folder / "work"
        for made in (leavings, work):
            made.mkdir()
        metrics = f"{LOOPBACK}:{free_ports(None)[0]}"
        surroundings = {
            "HOME": str(leavings),
            "TMPDIR": str(leavings),
            "DESK_LOG_LEVEL": "DEBUG",
            "DESK_METRICS_ADDRESS": metrics,
        }
        terminal = Terminal(home=folder / "home", folder=work, surroundings=surroundings)
        try:
            begin(terminal)
            yield Loud(terminal=terminal, metrics=metrics, leavings=leavings)
        finally:
            terminal.down()


async def live(terminal: Terminal) -> tuple[str, str]:
    """Everything that is said of two people, in every way there is to say it; their references.

    The nominations are files and go through the command line; the rest goes the same way without a process for each.
    """
    terminal.open(SESSION)
    people = [
        a_nomination(
            given_name,
            family_name,
            candidate={
                "given_name": given_name,
                "family_name": family_name,
                "birth_date": "1980-05-17",
                "email": email,
                "language": language,
            },
            nominator={"name": "Eulalia Inventrix", "email": "eulalia.inventrix@example.org"},
        )
        for (given_name, family_name, email), language in zip(PEOPLE, ("fr", "ru"), strict=True)
    ]
    file = terminal.write("people.yaml", people)
    named = terminal.ask("candidacy", "nominate", file, "--session", SESSION)
    latin, cyrillic = (result["reference"] for result in named["results"])

    client = await connect(load(terminal.home))
    clerk, first, second, president = (
        desk_of(name, terminal.home, client) for name in ("clerk", "first", "second", "president")
    )
    criteria = (await clerk.session(SESSION)).terms.criteria
    findings = tuple(Finding(criterion=key, judgement=Judgement.CLEAR, reason="Read the file.") for key in criteria)
    answers = tuple(Answer(criterion=key, affirmed=True) for key in criteria)
    for reference in (latin, cyrillic):
        await clerk.act(reference, Act.DECLARE, Declaration(consent=True, answers=answers))
    question = InformationRequest(question="Where did you work before Krasnovodsk?")
    await clerk.act(cyrillic, Act.REQUEST_INFORMATION, question)
    answer = Information(answer="В вымышленном институте Тмутаракани", documents=("Зачётка-Тмутаракань",))
    await clerk.act(cyrillic, Act.SUPPLY_INFORMATION, answer)
    better = Correction(role=Role.CANDIDATE, email="besseradresse@example.org", reason="Wrote-from-Ultima-Thule")
    await clerk.act(latin, Act.CORRECT, better)
    for reference in (latin, cyrillic):
        for assessor in (first, second):
            await assessor.act(reference, Act.ASSESS, Assessment(findings=findings))
    plan = ListPlan(seats=(Place(candidacy=latin, seat=SeatKind.GENERAL),))
    drafted = await clerk.draft_list(await clerk.session(SESSION), Drafting(plan=plan))
    proposal = Proposal(hash=drafted.receipt.details["hash"])
    await president.act_on_list(LIST, ListAct.PROPOSE, proposal)
    await clerk.act(cyrillic, Act.WITHDRAW, Reason(reason="Wrote-from-Ultima-Thule"))
    return latin, cyrillic


def look(terminal: Terminal, latin: str, cyrillic: str) -> None:
    """Every question that shows somebody, and some that are refused."""
    assert PEOPLE[0][0] in terminal.read("candidacy", "show", latin)
    assert PEOPLE[1][0] in json.dumps(terminal.ask("letter", "show", f"{cyrillic}.1.2"), ensure_ascii=False)
    refused = terminal.say("candidacy", "withdraw", cyrillic, "--reason", "Wrote-from-Ultima-Thule again")
    assert refused.code == 3
    assert terminal.say("candidacy", "show", "C-1999-0001").code == 4
    assert terminal.ask("ledger", "verify")["differences"] == []


async def at_rest(terminal: Terminal) -> None:
    """Wait for the last letter, and let PostgreSQL write down what it has in memory."""
    await terminal.letters_settled()
    async with terminal.register() as connection:
        await connection.execute(text("CHECKPOINT"))


async def in_clear(terminal: Terminal) -> Client:
    """A client that encrypts nothing."""
    found = environment(terminal.home)
    return await Client.connect(found["TEMPORAL_ADDRESS"], data_converter=pydantic_data_converter)


async def payloads(client: Client) -> list[dict[str, Any]]:
    """Every payload in every history that Temporal keeps."""

    def within(value: Any) -> Iterator[dict[str, Any]]:
        match value:
            case {"metadata": {"encoding": _}, **__}:
                yield value
            case {"markerName": "core_patch", **__}:
                # Temporal's own note of which code a run goes by: the name that stands in our source.
                return
            case dict():
                for name, item in value.items():
                    # What Temporal lists cases by: references and stages only.
                    if name != "searchAttributes":
                        yield from within(item)
            case list():
                for item in value:
                    yield from within(item)

    found: list[dict[str, Any]] = []
    async for execution in client.list_workflows():
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        found += within(json.loads((await handle.fetch_history()).to_json()))
    return found


@dataclass(frozen=True)
class Backup:
    """What somebody kept of both databases: their files, and all that is encrypted in them."""

    files: Path
    payloads: list[Payload]
    cells: list[bytes]


async def back_up(terminal: Terminal, folder: Path) -> Backup:
    """Take a backup of everything but the keys."""
    await at_rest(terminal)
    for name in ("temporal", "postgres"):
        await asyncio.to_thread(
            shutil.copytree, terminal.home / name, folder / name, ignore=shutil.ignore_patterns(".s.*")
        )
    cells = [cell for query in CELLS for row in await terminal.rows(query) for cell in row if cell is not None]
    kept = await payloads(await in_clear(terminal))
    return Backup(files=folder, payloads=[ParseDict(each, Payload()) for each in kept], cells=cells)


async def readable(terminal: Terminal, backup: Backup) -> tuple[set[str], set[str]]:
    """What can be read of a backup with all the keys there are: the words, and the keys that open a cell."""
    keyring = keys.keyring(load(terminal.home))
    codec = PersonalCodec(keyring)
    words: set[str] = set()
    for payload in backup.payloads:
        with suppress(Erased):
            text = b"".join(each.data for each in await codec.decode([payload])).decode()
            words |= {word for word in WORDS if word in text}
    names: set[str] = set()
    for name in {cell[2 : 2 + cell[1]].decode() for cell in backup.cells}:
        with suppress(Erased):
            names.add((await keyring.key(name)).name)
    return words, names


async def nothing_stands_in_clear(loud: Loud) -> None:
    """Neither in the databases nor in what the processes say and leave, but in the mail catcher."""
    home = loud.terminal.home
    searched = [path for path in home.iterdir() if path.name != "mail"]
    assert {"temporal", "postgres", "logs", "keys"} <= {path.name for path in searched}
    (loud.leavings / "metrics").write_bytes(
        await asyncio.to_thread(lambda: urllib.request.urlopen(f"http://{loud.metrics}/metrics").read())
    )
    assert search(WORDS, *searched, loud.leavings) == []
    # The one place where letters stand in clear, and so the proof that there was something to find.
    assert {found.word for found in search(WORDS, home / "mail")} >= {"Nebyvalskaya", "eulalia.inventrix@example.org"}
    kept = await payloads(await in_clear(loud.terminal))
    assert {base64.b64decode(payload["metadata"]["encoding"]) for payload in kept} == {ENCODING}


async def the_search_finds_what_went_in_in_clear(terminal: Terminal) -> None:
    """The same search, where the same words go in without the keys."""
    client = await in_clear(terminal)
    nomination = Nomination.model_validate(a_nomination(*PEOPLE[1][:2]))
    await client.start_workflow("Candidacy", nomination, id="in-clear", task_queue="nobody", memo={"of": PEOPLE[0][0]})
    async with terminal.register() as connection:
        await connection.execute(text("CREATE TABLE in_clear (nomination jsonb)"))
        await connection.execute(text("INSERT INTO in_clear VALUES (:it)"), {"it": nomination.model_dump_json()})
    await at_rest(terminal)
    for folder in ("temporal", "postgres"):
        assert {found.word for found in search(PEOPLE[1][:2], terminal.home / folder)} == set(PEOPLE[1][:2])
    assert PEOPLE[0][0] in {found.word for found in search(PEOPLE[0], terminal.home / "temporal")}


async def erase(terminal: Terminal, people: tuple[str, str]) -> list[dict[str, Any]]:
    """Two officers erase both of them; the certificates."""
    hold = ("candidacy", "retain", people[0], "--until", "2099-12-31", "--reason", "File DP-12")
    assert terminal.ask(*hold, "--profile", "protection") == {"reference": people[0], "until": "2099-12-31"}
    assert terminal.ask("candidacy", "show", people[0])["row"]["held_until"] == "2099-12-31"
    for reference in people:
        asked = terminal.ask("candidacy", "erase", reference, "--reason", "File DP-12", "--profile", "protection")
        assert (asked["requested_by"], asked["confirmed_by"]) == ("O-6", None)
    alone = terminal.say("candidacy", "erase", people[0], "--confirm", "O-6", "--profile", "protection", "--json")
    assert (alone.code, alone.document["error"]["rule"]) == (3, "two-officers")
    confirm = ("--confirm", "O-6", "--profile", "deputy")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda each: terminal.ask("candidacy", "erase", each, *confirm, within=90), people))
    for reference, certificate in zip(people, done, strict=True):
        assert [(each["readable"], each["in_clear"]) for each in certificate["readings"]] == [(0, 0), (0, 0)]
        assert all(each["unreadable"] > 0 for each in certificate["readings"])
        assert terminal.ask("ledger", "certificate", f"erasure-{reference}.json")["holds"] is True
    assert terminal.ask("ledger", "certificate", people[0])["certificate"] == done[0]
    assert terminal.say("ledger", "certificate", terminal.write("forged.json", done[0] | {"steps": 99})).code == 3
    return done


def the_rest_goes_on(terminal: Terminal, erased: str) -> None:
    """What is left can be seen, nothing more is written, and the list gets on without the erased."""
    assert "was erased" in terminal.read("candidacy", "show", erased)
    assert terminal.ask("candidacy", "timeline", erased)["steps"][-1]["act"] == "erase"
    for command in (("candidacy", "withdraw", erased, "--reason", "x"), ("letter", "show", f"{erased}.1.2")):
        said = terminal.say(*command, "--json")
        assert (said.code, said.document["error"]["rule"]) == (3, "erased")
    again = terminal.say("candidacy", "nominate", "people.yaml", "--session", SESSION, "--json")
    assert (again.code, {result["rule"] for result in again.document["results"]}) == (3, {"erased"})
    frozen = terminal.ask("list", "show", LIST)["hash"][:12]
    votes = ("--for", "2", "--against", "12", "--reference", "Item 1", "--reason", "Minuted")
    sent_back = ("list", "decide", LIST, "--hash", frozen, "--outcome", "sent-back", *votes, "--profile", "bureau")
    assert terminal.ask(*sent_back)["stage"] == "drafted"
    assert terminal.ask("ledger", "verify")["differences"] == []
    assert terminal.ask("ledger", "recover")["restarted"] == []
    assert terminal.ask("ledger", "rebuild")["steps"] == 0


@pytest.mark.timeout(300)
async def test_nothing_stands_in_clear_and_after_erasure_not_even_a_backup_can_be_read(
    loud: Loud, reachable_folder: Path
) -> None:
    terminal = loud.terminal
    people = await live(terminal)
    look(terminal, *people)
    await at_rest(terminal)
    await nothing_stands_in_clear(loud)

    backup = await back_up(terminal, reachable_folder)
    words, names = await readable(terminal, backup)
    theirs = {name for name in names if name.startswith(f"{SESSION}/")}
    assert (words, len(theirs)) == (set(WORDS), 2)
    await erase(terminal, people)
    words, names = await readable(terminal, backup)
    assert (words, names & theirs) == (set(), set())
    assert search(WORDS, backup.files) == []
    await at_rest(terminal)
    await nothing_stands_in_clear(loud)
    the_rest_goes_on(terminal, people[0])

    await the_search_finds_what_went_in_in_clear(terminal)
