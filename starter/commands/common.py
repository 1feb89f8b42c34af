"""What several verbs share: options, and what a receipt looks like."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from domain.ledger import CaseRow, StepRow
from domain.lists import Votes
from domain.session import SessionState
from domain.steps import CaseKind
from starter import files, show
from starter.calling import Call, Reply
from starter.failures import Failure, Kind

if TYPE_CHECKING:
    from rich.console import RenderableType

    from domain.erasure import Certificate
    from starter.desk import Taken

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE: Final = 8


def choice(kind: type[StrEnum], *, but: str | Collection[str] = ()) -> click.Choice[str]:
    """One of a kind, by the words in which it is written down; Click itself would go by the names in the code."""
    left_out = {but} if isinstance(but, str) else set(but)
    return click.Choice([each.value for each in kind if each.value not in left_out])


dry_run = click.option("--dry-run", is_flag=True, help="Only say what would happen; nothing is recorded.")
reason = click.option("--reason", required=True, metavar="TEXT", help="Why; it stays on file and goes into no letter.")


def votes_of(value: str, recused: tuple[str, ...], president: str | None) -> Votes:
    """Votes as they are written on the command line: for, against and abstentions, with colons between them.

    Raises:
        click.BadParameter: They are written otherwise.
        Failure: They make no sense.
    """
    found = re.fullmatch(r"([0-9]{1,4}):([0-9]{1,4})(?::([0-9]{1,4}))?", value)
    if found is None:
        raise click.BadParameter("must look like 9:2 or 9:2:1 (for, against, abstentions)", param_hint="'--votes'")
    return files.build(
        Votes,
        options=dict.fromkeys(("in_favour", "against", "abstentions"), "--votes") | {"recusals": "--recused"},
        in_favour=found[1],
        against=found[2],
        abstentions=found[3],
        recusals=recused,
        president=None if president is None else president == "for",
    )


def text_of(option: str, given: str | None, path: str | None) -> str:
    """A text that is given by an option, or stands in the file that another one names."""
    if given is not None and path is None:
        return given
    if given is None and path is not None:
        return files.read_text(path)
    raise click.UsageError(f"give either {option} or {option}-file")


async def timeline_of(call: Call, reference: str) -> Reply:
    """Every step of a case."""
    from starter.watching import steps_after

    steps = await steps_after(await call.desk(), reference, 0)
    return Reply({"reference": reference, "steps": steps}, [show.steps(f"Timeline of {reference}", steps)])


def watching(verb: F) -> F:
    """The options of a verb that watches a case."""
    verb = click.option(
        "--interval",
        type=click.FloatRange(min=0.1),
        default=2.0,
        show_default=True,
        metavar="SECONDS",
        help="How often to look.",
    )(verb)
    return click.option(
        "--until-ended", is_flag=True, help="Count an interruption before the case has ended as one (code 130)."
    )(verb)


async def watched(call: Call, reference: str, *, until_ended: bool, interval: float) -> Reply:
    """Print each step of a case as it comes, until the case has ended or Ctrl-C."""
    from starter.watching import follow

    desk = await call.desk()
    seen: list[StepRow] = []
    try:
        async for step in follow(desk, reference, timedelta(seconds=interval)):
            seen.append(step)
            if not call.as_json:
                show.write(show.step(step))
    except asyncio.CancelledError:
        # Ctrl-C is how one stops watching; only who waits for the end has not got it.
        if until_ended:
            raise
    return Reply({"reference": reference, "steps": seen}, [])


async def cases_of(
    call: Call, kind: CaseKind, *, session: str | None, overdue: bool, **narrowed: Any
) -> Sequence[CaseRow]:
    """The cases of a kind in one session or in all; what is overdue, by each session's own calendar."""
    desk = await call.desk()
    if not overdue:
        return await desk.cases(session=session, kind=kind, **narrowed)
    sessions = [session] if session else [row.reference for row in await desk.cases(kind=CaseKind.SESSION)]
    rows: list[CaseRow] = []
    for each in sessions:
        state = SessionState.model_validate((await desk.case(each)).state)
        at = state.plan.clock.reading(datetime.now(UTC))
        rows += await desk.cases(session=each, kind=kind, overdue=at, **narrowed)
    return rows


def receipt(taken: "Taken") -> dict[str, Any]:
    """What a program is told of a command that was taken."""
    return {"fresh": taken.fresh} | taken.receipt.model_dump(exclude={"nonce"})


def certified(certificate: "Certificate") -> "list[RenderableType]":
    """What a certificate says."""
    rows = [(each.kept, each.unreadable, each.readable, each.in_clear) for each in certificate.readings]
    grounds = f"Asked for by {certificate.requested_by}, confirmed by {certificate.confirmed_by}"
    if certificate.rule is not None:
        grounds = f"Kept no longer by {certificate.rule.setting} ({certificate.rule.value})"
    return [
        f"{certificate.candidacy}: erased. {grounds}; the key was destroyed {show.moment(certificate.destroyed_at)}.",
        show.table("Every store was read", ("store", "unreadable", "readable", "in clear"), rows),
        f"What stays: {show.counted(certificate.cases, 'case')}, {show.counted(certificate.steps, 'step')}, "
        f"{show.counted(certificate.letters, 'letter')}, {certificate.sent} of them at their readers'.",
    ]


def keep(path: Path, text: str) -> None:
    """Write a document that was asked for into a file."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as failed:
        message = f"it is done, and {path} cannot be written ({failed.strerror}); the same command writes it elsewhere"
        raise Failure(Kind.BAD_INPUT, message) from None


async def each(items: Iterable[T], ask: Callable[[T], Awaitable[R]]) -> list[R]:
    """Ask the same of many, a few at a time; the answers in the items' order."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(item: T) -> R:
        async with free:
            return await ask(item)

    return list(await asyncio.gather(*(one(item) for item in items)))
