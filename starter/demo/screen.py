"""How a person sees the walk: a table that moves on a terminal, a line for each piece of news elsewhere."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from domain.ledger import LetterState
from domain.timelimits import day_of, end_of
from starter import show
from starter.demo.board import Board, News
from starter.demo.stories import AMENDED_CLOSING, ORIGIN

_REFRESH_EVERY: Final = 0.25
"""Seconds between two pictures."""
_NEWS_SHOWN: Final = 10


def line(news: News) -> None:
    """Print a piece of news."""
    sys.stdout.write(f"{news}\n")
    sys.stdout.flush()


def moves() -> bool:
    """Whether standard output is a terminal on which a table can move."""
    console = Console(file=sys.stdout)
    return console.is_terminal and not console.is_dumb_terminal


@asynccontextmanager
async def moving(board: Board) -> AsyncIterator[None]:
    """Show the board as a table that moves, and wipe it off in the end."""
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    with Live(console=console, auto_refresh=False, transient=True) as live:

        async def refresh() -> None:
            while True:
                live.update(picture(board), refresh=True)
                await asyncio.sleep(_REFRESH_EVERY)

        refreshing = asyncio.create_task(refresh())
        try:
            yield
        finally:
            refreshing.cancel()
            await asyncio.gather(refreshing, return_exceptions=True)


def picture(board: Board) -> RenderableType:
    """The board at this moment."""
    now = board.now
    sent = Counter(letter.case for letter in board.letters.values() if letter.state is LetterState.SENT)
    year = (end_of(AMENDED_CLOSING) - ORIGIN).total_seconds()
    passed = min((now - ORIGIN).total_seconds(), year)
    rows = [
        (
            row.reference,
            board.people[row.reference].contact.name if row.reference in board.people else row.kind,
            row.stage.replace("_", " "),
            None if row.ended else show.moment(row.deadline),
            row.seq,
            sent[row.reference],
        )
        for row in board.cases.values()
    ]
    news = [news for news in board.news if not news.of_letter][-_NEWS_SHOWN:]
    return Group(
        Text(f"{show.day(day_of(now))}   letters sent: {board.sent}", style="bold"),
        ProgressBar(total=year, completed=passed),
        show.table("Cases", ("case", "who", "stage", "next", "step", "letters"), rows),
        *(Text(str(each), overflow="ellipsis", no_wrap=True) for each in news),
    )
