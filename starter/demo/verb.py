"""The command itself: starts the parts, walks through the session, stops the parts, and says what came of it."""

import asyncio
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import click
from rich.console import RenderableType

from config.temporal import TemporalUnreachable
from starter import show
from starter.calling import Call, Reply, Verb, pass_call
from starter.demo import screen, stories
from starter.demo.board import Board
from starter.demo.outcome import Outcome, take_stock
from starter.demo.parts import PASSPHRASE, Parts, choose_home, forget_own_settings
from starter.demo.script import Surprise, Walk
from starter.desk import Desk, DeskError, OutcomeUnknown, PartUnreachable
from starter.failures import Failure, Kind

_WALK_WITHIN: Final = 85.0
"""Seconds for the walk to the session's end."""
_STOCK_WITHIN: Final = 30.0
"""Seconds for reading what came of it."""
_QUESTIONS: Final = 5
"""How many questions measure the machine."""
_PASSPHRASE_KNOWN: Final = f"  export DESK_PASSPHRASE={shlex.quote(PASSPHRASE)}"
"""The keys of officers who do not exist lie under it; without it nobody could act or read here."""


@click.command("demo", cls=Verb, example="starter demo --keep")
@click.option("--keep", is_flag=True, help="Leave everything up, and say where it is and how to go on.")
@pass_call
async def command(call: Call, *, keep: bool) -> Reply:
    """Walk through a whole session on real parts, in a minute.

    Starts Temporal, PostgreSQL, a mail catcher and a worker in a new folder, or in the empty one that --home names;
    takes eight candidacies of people who do not exist from nomination to their different endings, under a calendar in
    which a year passes in less than a minute; compares the result with what must have come of them; and stops the
    parts. The folder stays, with every letter in it.

    Exit code 1 where anything is not as it must be, and 5 where a part cannot be started or reached.
    """
    home = choose_home(call.home)
    forget_own_settings()
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await _perform(Parts(home), keep=keep, quiet=call.as_json)
    except (asyncio.CancelledError, Failure):
        # Temporal's client makes a failure of its own out of a call that is cancelled.
        if task is None or not task.cancelling():
            raise
        told = f"the walk-through was stopped; its parts are down, and {home} stays"
        raise Failure(Kind.INTERRUPTED, told) from None


async def _perform(parts: Parts, *, keep: bool, quiet: bool) -> Reply:
    begun = time.monotonic()
    stay = False
    _tell(f"Starting Temporal, PostgreSQL, a mail catcher and a worker in {parts.home} …", quiet=quiet)
    try:
        told = await parts.up()
        ready = time.monotonic()
        _tell(f"Ready after {ready - begun:.1f} s. Temporal's web interface: {told['temporal']['ui']}", quiet=quiet)
        walk, broken = await _led(parts, quiet=quiet)
        over = time.monotonic()
        outcome = await _stock(walk, parts)
        stay = keep
    finally:
        if not stay:
            await parts.down()
    seconds = {"start": ready - begun, "walk": over - ready, "all": time.monotonic() - begun}
    # Of a walk that was broken off, everything after that is unfinished, which is no news.
    problems = outcome.problems() if broken is None else [broken]
    return _reply(outcome, problems, parts, told if stay else None, seconds)


async def _led(parts: Parts, *, quiet: bool) -> tuple[Walk, str | None]:
    """Walk; the walk, and why it was broken off, if it was.

    Raises:
        Failure: A part does not answer.
    """
    try:
        offices = await parts.offices()
        seconds = stories.length(await _answer_time(offices.desk))
        plan = stories.plan().model_copy(update={"clock": stories.compressed(seconds, datetime.now(UTC))})
        moves = not quiet and screen.moves()
        board = Board(offices.desk, plan.clock, screen.line if not (quiet or moves) else lambda _: None)
        walk = Walk(offices=offices, plan=plan, cast=stories.cast(), board=board)
        async with screen.moving(board) if moves else nullcontext():
            return walk, await _broken(walk)
    except (TemporalUnreachable, PartUnreachable, OutcomeUnknown) as failed:
        raise await _unreachable(failed, parts) from None


async def _broken(walk: Walk) -> str | None:
    """Walk to the end; why it was broken off, if it was."""
    try:
        async with asyncio.timeout(_WALK_WITHIN), asyncio.TaskGroup() as group:
            looking = group.create_task(walk.board.look())
            await walk.run()
            looking.cancel()
    except TimeoutError:
        cases = [f"{row.reference} is {row.stage}" for row in walk.board.cases.values() if not row.ended]
        return f"the walk was not over after {_WALK_WITHIN:g} s: {', '.join(cases) or 'letters are still under way'}"
    except ExceptionGroup as several:
        first = _first(several)
        unreachable = isinstance(first, PartUnreachable | OutcomeUnknown)
        if unreachable or not isinstance(first, Surprise | DeskError):
            raise first from None
        return f"the walk was broken off: {first}"
    return None


async def _answer_time(desk: Desk) -> float:
    """The seconds in which the desk answers a question, once it is warm."""
    taken = []
    for _ in range(_QUESTIONS):
        asked = time.monotonic()
        await desk.cases()
        taken.append(time.monotonic() - asked)
    return median(taken)


async def _stock(walk: Walk, parts: Parts) -> Outcome:
    try:
        async with asyncio.timeout(_STOCK_WITHIN):
            return await take_stock(walk, parts.home / "mail")
    except (PartUnreachable, TimeoutError) as failed:
        raise await _unreachable(failed, parts) from None


async def _unreachable(failed: Exception, parts: Parts) -> Failure:
    reason = str(failed) or "a part did not answer in time"
    return Failure(Kind.UNREACHABLE, f"{reason} ({await parts.trouble()})")


def _first(group: ExceptionGroup[Exception]) -> Exception:
    first: Exception = group
    while isinstance(first, ExceptionGroup):
        first = first.exceptions[0]
    return first


def _tell(text: str, *, quiet: bool) -> None:
    if not quiet:
        show.write(text)


def _reply(
    outcome: Outcome,
    problems: Sequence[str],
    parts: Parts,
    kept: Mapping[str, Any] | None,
    seconds: Mapping[str, float],
) -> Reply:
    mail = parts.home / "mail"
    document = outcome.document() | {
        "problems": problems,
        "home": parts.home,
        "mail": mail,
        "kept": kept,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }
    took = f"The parts were ready after {seconds['start']:.0f} s, and the walk took {seconds['walk']:.0f} s."
    text = [*outcome.shown(), took, "", *(_going_on(parts, kept) if kept else _looking_back(parts))]
    if not problems:
        return Reply(document, [*text, "Everything is as it must be."])
    wrong = ["Not as it must be:", *(f"  {problem}" for problem in problems)]
    message = f"{show.counted(len(problems), 'thing')} not as it must be; the first: {problems[0]}"
    return Reply(document, [*text, *wrong], Failure(Kind.DEFECT, message))


def _going_on(parts: Parts, kept: Mapping[str, Any]) -> list[RenderableType]:
    addresses = {
        "Temporal": kept["temporal"]["address"],
        "Temporal UI": kept["temporal"]["ui"],
        "PostgreSQL": kept["postgres"]["address"],
        "Letters": f"{kept['mail']['folder']} (a Maildir)",
        "Logs": kept["logs"],
    }
    starter = _starter(parts)
    return [
        show.facts("Everything stays up", addresses),
        "Go on with:",
        _PASSPHRASE_KNOWN,
        f"  {starter} candidacy list",
        f"  {starter} letter list",
        f"Stop with: {starter} stack down",
    ]


def _looking_back(parts: Parts) -> list[RenderableType]:
    starter = _starter(parts)
    return [
        f"The parts are down; their folder stays: {parts.home}",
        f"Read the letters in {parts.home / 'mail'} (a Maildir), or start the parts again:",
        _PASSPHRASE_KNOWN,
        f"  {starter} stack up",
        f"  {starter} letter list",
    ]


def _starter(parts: Parts) -> str:
    """How this command line is called from here, for the folder of the walk-through."""
    called = Path(sys.argv[0])
    name = str(called) if called.name == "starter" and shutil.which("starter") is None else "starter"
    return f"{shlex.quote(name)} --home {shlex.quote(str(parts.home))}"
