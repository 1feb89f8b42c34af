"""The command line as an officer has it: a process for each command, on a stack that runs apart from all of them."""

import asyncio
import csv
import json
import mailbox
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client

from adapters.embedded.postgres import USER
from adapters.sql import engine as engines
from config.settings import load
from config.temporal import connect
from domain.offices import Admission, Office, Request
from domain.timelimits import day_of
from starter import profiles
from starter.desk import Desk
from starter.profiles import Ask, Store
from tests.e2e import command
from tests.folders import a_folder
from tests.starter.conftest import Said

OFFICERS: Final = {
    "clerk": ("O-1", Office.HEAD_OF_DESK),
    "first": ("O-2", Office.VETTING_OFFICER),
    "second": ("O-3", Office.VETTING_OFFICER),
    "president": ("O-4", Office.PRESIDENT),
    "bureau": ("O-5", Office.BUREAU_CLERK),
    "protection": ("O-6", Office.DATA_PROTECTION_OFFICER),
    "deputy": ("O-7", Office.DATA_PROTECTION_OFFICER),
}
"""Who acts: the profile in use, two who assess, those who decide on lists, and two who erase."""
PASSPHRASE: Final = "of people who do not exist"

OWNER_PASSWORD: Final = Path("postgres", "password")
ANSWER_WITHIN: Final = 30.0
UP_WITHIN: Final = 100.0
"""In seconds, for one process."""

COLUMNS: Final = (
    "family_name",
    "given_name",
    "birth_date",
    "email",
    "language",
    "nominator_name",
    "nominator_email",
    "seat",
)


def day(offset: int) -> date:
    """The day at the seat so many days from now."""
    return day_of(datetime.now(UTC)) + timedelta(days=offset)


def a_session(reference: str, **changes: Any) -> dict[str, Any]:
    """The plan of a session that has begun: three seats, one of them reserved, no ratification."""
    return {
        "reference": reference,
        "opens": day(-1),
        "closes": day(400),
        "nominations_close": day(30),
        "bureau_meets": day(40),
        "seats": 3,
        "ratification": False,
    } | changes


def a_nomination(given_name: str, family_name: str, **changes: Any) -> dict[str, Any]:
    """A nomination as it stands in a YAML or JSON file; another name is another person."""
    return {
        "candidate": {
            "given_name": given_name,
            "family_name": family_name,
            "birth_date": "1980-05-17",
            "email": "candidate@example.org",
        },
        "nominator": {"name": "Nora Invented", "email": "nominator@example.org"},
    } | changes


def a_row(given_name: str, family_name: str, seat: str = "general") -> tuple[str, ...]:
    """The same as it stands in a table."""
    candidate = (family_name, given_name, "1980-05-17", "candidate@example.org", "ru")
    return (*candidate, "Nora Invented", "nominator@example.org", seat)


@dataclass(frozen=True)
class Terminal:
    """A place to give commands at: the home folder of a desk, the folder one works in, and further variables."""

    home: Path
    folder: Path
    surroundings: Mapping[str, str] = field(default_factory=dict)

    def _environment(self, settings: Mapping[str, str] | None = None) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("DESK_", "TEMPORAL_"))}
        own = {"DESK_HOME": str(self.home), "DESK_PASSPHRASE": PASSPHRASE}
        return environment | dict(self.surroundings) | own | dict(settings or {})

    def say(self, *argv: str, within: float = ANSWER_WITHIN, settings: Mapping[str, str] | None = None) -> Said:
        """Give one command; ``settings`` are variables of its environment."""
        code, out, err = command.give(argv, self._environment(settings), self.folder, within=within)
        return Said(code=code, out=out, err=err)

    def say_anew(self, *argv: str, within: float = ANSWER_WITHIN, settings: Mapping[str, str] | None = None) -> Said:
        """The same in a process that begins with nothing, as an officer's does; it takes a second more."""
        done = subprocess.run(
            [sys.executable, "-m", "starter", *argv],
            env=self._environment(settings),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=within,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    def ask(self, *argv: str, within: float = ANSWER_WITHIN) -> Any:
        """Give one command that succeeds, as a program does; its document."""
        said = self.say(*argv, "--json", within=within)
        assert (said.code, said.err) == (0, ""), said
        return said.document

    def read(self, *argv: str) -> str:
        """Give one command that succeeds, as a person does; what it prints."""
        said = self.say(*argv)
        assert (said.code, said.err) == (0, ""), said
        return said.out

    def write(self, name: str, content: Any) -> str:
        """Put a file into the folder one works in, in the form that its name says; of a table, the rows. Its name."""
        path = self.folder / name
        match path.suffix:
            case ".yaml":
                path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
            case ".json":
                path.write_text(json.dumps(content), encoding="utf-8")
            case ".csv":
                with path.open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file).writerows([COLUMNS, *content])
        return name

    def up(self, *options: str) -> Any:
        """Start the stack."""
        return self.ask("stack", "up", "--no-ui", *options, within=UP_WITHIN)

    def down(self) -> Any:
        """Stop it."""
        return self.ask("stack", "down", within=UP_WITHIN)

    def open(self, reference: str, **changes: Any) -> None:
        """Open a session."""
        self.ask("session", "open", self.write(f"session-{reference}.yaml", a_session(reference, **changes)))

    def nominate(self, session: str, *rows: Sequence[str]) -> list[str]:
        """Nominate by a table; the references."""
        table = self.write("nominations.csv", rows)
        return [row["reference"] for row in self.ask("candidacy", "nominate", table, "--session", session)["results"]]

    def act(self, verb: str, reference: str, *options: str) -> Any:
        """Give one command to a candidacy."""
        return self.ask("candidacy", verb, reference, *options)

    def declare(self, reference: str) -> Any:
        """Record a candidate's consent, and a yes to every criterion."""
        return self.act("declare", reference, "--consent", "--all-yes")

    def assess(self, reference: str, profile: str) -> Any:
        """Record that an officer finds every criterion clear."""
        return self.act("assess", reference, "--all-clear", "--reason", "Read the file.", "--profile", profile)

    def cases(self, session: str, *options: str) -> dict[str, Any]:
        """The candidacies of a session, by reference."""
        rows = self.ask("candidacy", "list", "--session", session, *options)["candidacies"]
        return {row["reference"]: row for row in rows}

    def post(self) -> list[str]:
        """The Message-ID of everything that the mail catcher holds."""
        return sorted(message["Message-ID"] for message in mailbox.Maildir(self.home / "mail", create=False))

    @asynccontextmanager
    async def register(self) -> AsyncIterator[AsyncConnection]:
        """A transaction on the register's database, as whom its tables belong to."""
        url = load(self.home).database_url
        assert url is not None
        owner = make_url(url.get_secret_value()).set(username=USER, password=(self.home / OWNER_PASSWORD).read_text())
        engine = engines.create(owner.render_as_string(hide_password=False), pool=1)
        try:
            async with engine.begin() as connection:
                yield connection
        finally:
            await engine.dispose()

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the register's database answers."""
        async with self.register() as connection:
            return [tuple(row) for row in (await connection.execute(text(query))).all()]

    async def letters_settled(self) -> None:
        """Wait until nothing more is to come of any letter."""
        async with asyncio.timeout(ANSWER_WITHIN):
            while await self.rows("SELECT reference FROM letters WHERE state NOT IN ('sent', 'withdrawn')"):
                await asyncio.sleep(0.05)


def enrol(home: Path) -> dict[str, Any]:
    """Give every officer a key; their requests, by profile."""
    pairs = {
        name: profiles.enrol(
            home, name, officer, store=Store.FILE, passphrase=PASSPHRASE, default=office is Office.HEAD_OF_DESK
        )
        for name, (officer, office) in OFFICERS.items()
    }
    return {name: pair.request(datetime.now(UTC)).model_dump(mode="json") for name, pair in pairs.items()}


def desk_of(profile: str, home: Path, client: Client) -> Desk:
    """The desk as the officer of a profile."""
    return Desk(client, load(home), profiles.signer(home, profile, Ask(PASSPHRASE)))


def begin(terminal: Terminal) -> None:
    """Start a new stack, with every officer admitted."""
    requests = enrol(terminal.home)
    terminal.up("--head-of-desk", terminal.write("clerk.json", requests["clerk"]))
    asyncio.run(admit(terminal.home, requests))


async def admit(home: Path, requests: Mapping[str, Any]) -> None:
    """Have the head of desk admit the others."""
    desk = desk_of("clerk", home, await connect(load(home)))
    for name, (_, office) in OFFICERS.items():
        if office is not Office.HEAD_OF_DESK:
            await desk.admit(Admission(request=Request.model_validate(requests[name]), office=office))


@contextmanager
def a_stack(surroundings: Mapping[str, str] | None = None) -> Iterator[Path]:
    """An embedded stack that runs; its home folder. ``surroundings`` are variables of its environment."""
    with a_folder() as folder:
        home = folder / "home"
        terminal = Terminal(home=home, folder=folder, surroundings=surroundings or {})
        try:
            begin(terminal)
            yield home
        finally:
            terminal.down()
