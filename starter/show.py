"""What a person sees: tables and lines, as wide as the terminal and without colour where there is none.

Times are those of the seat (Europe/Paris), with their weekday; an instant that is midnight is the end of the day
before, since a day named is a day included.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from domain.timelimits import SEAT, UNTIL_DECIDED

if TYPE_CHECKING:
    from domain.ledger import CaseRow, LetterRow, StepRow
    from starter.desk import Taken

T = TypeVar("T")

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WIDTH_WITHOUT_TERMINAL: Final = 120


def write(*parts: RenderableType) -> None:
    """Print to standard output. A string is printed as it is, a line for the terminal to break; the rest by Rich."""
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH_WITHOUT_TERMINAL
    for part in parts:
        if isinstance(part, str):
            sys.stdout.write(f"{part}\n")
            continue
        # Rich itself would end the process where the reader has gone away.
        with console.capture() as captured:
            console.print(part)
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    sys.stdout.flush()


def day(value: date) -> str:
    """A day with its weekday."""
    return f"{_WEEKDAYS[value.weekday()]} {value.isoformat()}"


def moment(instant: datetime | None) -> str:
    """An instant at the seat; the end of a day where it is midnight."""
    if instant is None:
        return "–"
    local = instant.astimezone(SEAT)
    if local.time() == time.min:
        return f"{day(local.date() - timedelta(days=1))}, end of day"
    return f"{day(local.date())} {local:%H:%M}"


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> RenderableType:
    """A table; what is in it is text and never markup."""
    made = Table()
    for number, column in enumerate(columns):
        # What a line is about must survive a narrow terminal whole, or it could not be copied from there.
        made.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        made.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))
    return Group(Text(title, style="bold"), made) if made.row_count else f"{title}: none"


def facts(title: str, pairs: Mapping[str, object]) -> RenderableType:
    """Names and their values, one a line; a value that is not there has no line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for name, value in pairs.items():
        if value is not None:
            grid.add_row(Text(name), Text(str(value)))
    return Group(Text(title, style="bold"), Padding(grid, (0, 0, 0, 2)))


def taken(command: "Taken", done: str) -> str:
    """What came of a command.

    Args:
        command: What was taken.
        done: What it did, in the past tense.
    """
    receipt = command.receipt
    if not command.fresh:
        return f"{receipt.reference}: taken before, nothing was done again. It is {receipt.stage}."
    told = f"{receipt.reference}: {done} (step {receipt.seq}). It is {receipt.stage}."
    if receipt.letters:
        told += f" Letters: {receipt.letters}."
    if receipt.deadline is not None:
        told += f" Next: {moment(receipt.deadline)}."
    return told


def cases(title: str, rows: "Sequence[CaseRow]") -> RenderableType:
    """A list of cases; until when their data is kept, where that is known of any of them."""
    ends = ["kept until"] if any(row.kept_until or row.held_until for row in rows) else []
    return table(
        f"{title} ({len(rows)})",
        ("case", "stage", "seat", "deadline", "step", "changed", "letters in trouble", *ends),
        (
            (
                row.reference,
                row.stage,
                row.seat,
                moment(row.deadline),
                row.seq,
                moment(row.changed),
                row.troubled_letters or "",
                *([_kept(row)] if ends else []),
            )
            for row in rows
        ),
    )


def _kept(row: "CaseRow") -> date | str | None:
    return "an officer decides" if row.held_until == UNTIL_DECIDED else row.kept_until or row.held_until


def steps(title: str, rows: "Iterable[StepRow]") -> RenderableType:
    """A timeline."""
    return table(
        title,
        ("step", "when", "what", "by", "stage", "led to"),
        (
            (
                row.seq,
                moment(row.at),
                row.act,
                row.signer or row.trigger,
                row.stage,
                ", ".join((*row.effects, *row.letters)),
            )
            for row in rows
        ),
    )


def step(row: "StepRow") -> str:
    """One step as it comes."""
    told = f"{row.seq:>3}  {moment(row.at)}  {row.act} by {row.signer or row.trigger}  → {row.stage}"
    return "  ".join((told, *row.effects, *row.letters))


def letters(title: str, rows: "Sequence[LetterRow]") -> RenderableType:
    """A list of letters."""
    return table(
        f"{title} ({len(rows)})",
        ("letter", "says", "to", "language", "state", "attempts", "changed"),
        (
            (
                row.reference,
                row.template,
                row.role,
                row.language,
                row.state if row.code is None else f"{row.state} ({row.code})",
                row.attempts,
                moment(row.changed),
            )
            for row in rows
        ),
    )


def progress(items: Sequence[T], what: str) -> Iterator[T]:
    """Go through items, with a bar on standard error where that is a terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield from bar.track(items, description=what)


@contextmanager
def advance(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where that is a terminal, that is told how much of how many is done."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 letter", "2 letters"."""
    plural = f"{noun[:-1]}ies" if noun.endswith("cy") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def listed(values: Iterable[Any]) -> str | None:
    """Values in one line; None where there are none."""
    return ", ".join(map(str, values)) or None
