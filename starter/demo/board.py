"""What the register shows while the walk goes on, and the news of it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from domain.clock import Clock
from domain.envelope import Receipt
from domain.ledger import CaseRow, Enquiry, EnquiryAbout, LetterRow, LetterState
from domain.people import Person
from domain.timelimits import day_of
from starter import show
from starter.desk import Desk

_LOOK_EVERY: Final = 0.4
"""Seconds between two looks at the register."""

SETTLED: Final = frozenset({LetterState.SENT, LetterState.WITHDRAWN})
"""The states in which nothing more is to come of a letter."""


async def letters_of(desk: Desk) -> list[LetterRow]:
    """Every letter of the register."""
    rows: list[LetterRow] = []
    while True:
        after = rows[-1].reference if rows else None
        answer = await desk.ask(Enquiry(about=EnquiryAbout.LETTERS, after=after))
        rows.extend(answer.letters)
        if not answer.more:
            return rows


@dataclass(frozen=True)
class News:
    """Something that happened, at a reading of the calendar."""

    at: datetime
    text: str
    of_letter: bool = False

    def __str__(self) -> str:
        """The news in one line."""
        return f"{show.day(day_of(self.at))}  {self.text}"


class Board:
    """The cases and letters as the register shows them, and the news.

    Args:
        desk: Asks the register.
        clock: The session's calendar.
        tell: Called with every piece of news as it comes.

    Attributes:
        cases: The cases, by reference.
        letters: The letters, by reference.
        people: The candidates, by the reference of their case.
        news: All that was told.
    """

    def __init__(self, desk: Desk, clock: Clock, tell: Callable[[News], None]) -> None:
        self.clock: Final = clock
        self.cases: dict[str, CaseRow] = {}
        self.letters: dict[str, LetterRow] = {}
        self.people: dict[str, Person] = {}
        self.news: list[News] = []
        self._desk = desk
        self._tell = tell
        self._told: dict[str, tuple[int, str]] = {}
        self._looked = asyncio.Condition()

    @property
    def now(self) -> datetime:
        """What the calendar reads."""
        return self.clock.reading(datetime.now(UTC))

    @property
    def sent(self) -> int:
        """How many letters were sent."""
        return sum(letter.state is LetterState.SENT for letter in self.letters.values())

    def say(self, text: str, at: datetime | None = None, *, of_letter: bool = False) -> None:
        """Tell something; at what the calendar reads now, where no other reading is given."""
        news = News(at=at or self.now, text=text, of_letter=of_letter)
        self.news.append(news)
        self._tell(news)

    def taken(self, receipt: Receipt, text: str) -> None:
        """Tell what came of a command."""
        seq, _ = self._told.get(receipt.reference, (0, ""))
        if receipt.seq > seq:
            self._told[receipt.reference] = receipt.seq, receipt.stage
        self.say(f"{self.named(receipt.reference)}: {text} → {receipt.stage}", receipt.at)

    def named(self, reference: str) -> str:
        """A case's reference, and whom it is about."""
        person = self.people.get(reference)
        return f"{reference} {person.contact.name}" if person else reference

    async def look(self) -> None:
        """Look at the register again and again."""
        while True:
            rows = await self._desk.cases()
            letters = await letters_of(self._desk)
            for row in rows:
                self._see(row)
            for letter in letters:
                self._see_letter(letter)
            async with self._looked:
                self._looked.notify_all()
            await asyncio.sleep(_LOOK_EVERY)

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait until the register shows something."""
        async with self._looked:
            await self._looked.wait_for(seen)

    async def until_at(self, stages: Mapping[str, str]) -> None:
        """Wait until every case that is named is at its stage."""
        await self.until(lambda: all(self._stage(reference) == stage for reference, stage in stages.items()))

    def _stage(self, reference: str) -> str | None:
        return self.cases[reference].stage if reference in self.cases else None

    def _see(self, row: CaseRow) -> None:
        seq, stage = self._told.get(row.reference, (0, ""))
        self.cases[row.reference] = row
        if row.seq > seq:
            self._told[row.reference] = row.seq, row.stage
            if stage and row.stage != stage:
                self.say(f"{self.named(row.reference)}: {stage} → {row.stage}", row.changed)

    def _see_letter(self, letter: LetterRow) -> None:
        before = self.letters.get(letter.reference)
        self.letters[letter.reference] = letter
        if letter.state in SETTLED and (before is None or before.state not in SETTLED):
            told = f"letter {letter.reference} {letter.state}: {letter.template} to the {letter.role}"
            self.say(f"{told}, in {letter.language}", self.clock.reading(letter.written), of_letter=True)
