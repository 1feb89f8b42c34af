"""No name, no address and no word that was said stands in clear anywhere but in the mail catcher."""

import asyncio
import base64
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from adapters.embedded.ports import LOOPBACK, free_ports
from adapters.keys.codec import ENCODING
from config.temporal import environment
from domain.people import Nomination
from tests.e2e.terminal import Terminal, a_nomination, begin
from tests.search import search

SESSION: Final = "2026"
LATIN, CYRILLIC = (f"C-{SESSION}-000{number}" for number in (1, 2))
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


@dataclass(frozen=True)
class Loud:
    """A stack that says all it has to say."""

    terminal: Terminal
    metrics: str
    leavings: Path


@pytest.fixture(scope="module")
def loud() -> Iterator[Loud]:
    """A stack whose worker logs everything and shows its metrics, and whatever is left beside its home."""
    with TemporaryDirectory(prefix="desk-") as folder:
        leavings, work = Path(folder) / "leavings", Path(folder) / "work"
        for made in (leavings, work):
            made.mkdir()
        metrics = f"{LOOPBACK}:{free_ports(None)[0]}"
        surroundings = {
            "HOME": str(leavings),
            "TMPDIR": str(leavings),
            "DESK_LOG_LEVEL": "DEBUG",
            "DESK_METRICS_ADDRESS": metrics,
        }
        terminal = Terminal(home=Path(folder) / "home", folder=work, surroundings=surroundings)
        try:
            begin(terminal)
            yield Loud(terminal=terminal, metrics=metrics, leavings=leavings)
        finally:
            terminal.down()


def live(terminal: Terminal) -> None:
    """Everything that is said of two people, in every way there is to say it."""
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
    assert [result["reference"] for result in named["results"]] == [LATIN, CYRILLIC]
    for reference in (LATIN, CYRILLIC):
        terminal.declare(reference)
    terminal.act("request-information", CYRILLIC, "--question", "Where did you work before Krasnovodsk?")
    answer = "В вымышленном институте Тмутаракани"
    terminal.act("supply-information", CYRILLIC, "--answer", answer, "--document", "Зачётка-Тмутаракань")
    better = ("--role", "candidate", "--email", "besseradresse@example.org", "--reason", "Wrote-from-Ultima-Thule")
    terminal.act("correct", LATIN, *better)
    for reference in (LATIN, CYRILLIC):
        for profile in ("first", "second"):
            terminal.assess(reference, profile)
    terminal.ask(
        "list",
        "draft",
        terminal.write("list.yaml", {"seats": [{"candidacy": LATIN, "seat": "general"}]}),
        "--session",
        SESSION,
    )
    terminal.act("withdraw", CYRILLIC, "--reason", "Wrote-from-Ultima-Thule")


def look(terminal: Terminal) -> None:
    """Every question that shows somebody, and some that are refused."""
    for reference, (given_name, *_) in zip((LATIN, CYRILLIC), PEOPLE, strict=True):
        assert given_name in terminal.read("candidacy", "show", reference)
        assert terminal.ask("letter", "list", reference)["letters"]
        assert given_name in json.dumps(terminal.ask("letter", "show", f"{reference}.1.2"), ensure_ascii=False)
        terminal.read("candidacy", "timeline", reference)
    refused = terminal.say("candidacy", "withdraw", CYRILLIC, "--reason", "Wrote-from-Ultima-Thule again")
    assert refused.code == 3
    assert terminal.say("candidacy", "show", f"C-{SESSION}-0999").code == 4
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


@pytest.mark.timeout(300)
async def test_nothing_that_was_said_of_anybody_stands_anywhere_in_clear(loud: Loud) -> None:
    terminal = loud.terminal
    live(terminal)
    look(terminal)
    await at_rest(terminal)

    home = terminal.home
    searched = [path for path in home.iterdir() if path.name != "mail"]
    assert {"temporal", "postgres", "logs", "keys"} <= {path.name for path in searched}
    (loud.leavings / "metrics").write_bytes(
        await asyncio.to_thread(lambda: urllib.request.urlopen(f"http://{loud.metrics}/metrics").read())
    )
    assert search(WORDS, *searched, loud.leavings) == []
    # The one place where letters stand in clear, and so the proof that there was something to find.
    assert {found.word for found in search(WORDS, home / "mail")} >= {"Nebyvalskaya", "eulalia.inventrix@example.org"}

    client = await in_clear(terminal)
    kept = await payloads(client)
    assert {base64.b64decode(payload["metadata"]["encoding"]) for payload in kept} == {ENCODING}

    # The same search, where the same words went in without the keys.
    nomination = Nomination.model_validate(a_nomination(*PEOPLE[1][:2]))
    await client.start_workflow("Candidacy", nomination, id="in-clear", task_queue="nobody", memo={"of": PEOPLE[0][0]})
    async with terminal.register() as connection:
        await connection.execute(text("CREATE TABLE in_clear (nomination jsonb)"))
        await connection.execute(text("INSERT INTO in_clear VALUES (:it)"), {"it": nomination.model_dump_json()})
    await at_rest(terminal)
    for folder in ("temporal", "postgres"):
        assert {found.word for found in search(PEOPLE[1][:2], home / folder)} == set(PEOPLE[1][:2])
    assert PEOPLE[0][0] in {found.word for found in search(PEOPLE[0], home / "temporal")}
    async with terminal.register() as connection:
        await connection.execute(text("DROP TABLE in_clear"))
    await client.get_workflow_handle("in-clear").terminate()
