"""A command whose answer does not come, and the same command once more."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from tests.e2e.terminal import Terminal, a_row

IMPATIENT = {"DESK_ANSWER_TIMEOUT": "4"}
"""Long enough to let a command in, on a busy machine too."""


async def steps(terminal: Terminal, reference: str) -> list[tuple[Any, ...]]:
    return await terminal.rows(f"SELECT seq, act FROM events WHERE case_reference = '{reference}' ORDER BY seq")


def a_case(terminal: Terminal, session: str) -> str:
    """A candidacy that has just been nominated."""
    terminal.open(session)
    [reference] = terminal.nominate(session, a_row("Ada", "Example"))
    return reference


async def test_command_whose_outcome_is_unknown_is_given_again_and_taken_once(terminal: Terminal) -> None:
    reference = a_case(terminal, "2026E")
    command = ("candidacy", "withdraw", reference, "--reason", "Wrote a letter.")
    async with terminal.register() as connection:
        # The command is let in, and its step cannot be written while somebody else holds the case's row.
        await connection.execute(text(f"SELECT seq FROM cases WHERE reference = '{reference}' FOR UPDATE"))
        said = terminal.say(*command, settings=IMPATIENT)
    assert (said.code, said.out) == (5, "")
    assert said.err == (
        "outcome unknown: no answer came in time, so the outcome is unknown: run the same command again, which is "
        "safe. Does a worker run? (`starter stack status`)\n"
    )
    again = terminal.ask(*command)
    assert (again["seq"], again["stage"], again["fresh"]) == (2, "withdrawn", False)
    assert await steps(terminal, reference) == [(1, "nominate"), (2, "withdraw")]


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_command_to_a_worker_that_hangs_is_given_again_and_taken_once(terminal: Terminal) -> None:
    reference = a_case(terminal, "2026F")
    command = ("candidacy", "withdraw", reference, "--reason", "Wrote a letter.")
    with stopped(terminal.ask("stack", "status")["worker"]["pid"]):
        said = terminal.say(*command, settings={"DESK_ANSWER_TIMEOUT": "2"})
    assert (said.code, said.out) == (5, "")
    assert said.err == (
        "unreachable: no worker answered in time; run the same command again once `starter stack status` shows that "
        "one runs\n"
    )
    again = terminal.ask(*command)
    assert (again["seq"], again["stage"]) == (2, "withdrawn")
    assert await steps(terminal, reference) == [(1, "nominate"), (2, "withdraw")]
