"""What several verbs share: options, and what a receipt looks like."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from starter.desk import Taken

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE: Final = 8


def choice(kind: type[StrEnum], *, but: str | None = None) -> click.Choice[str]:
    """One of a kind, by the words in which it is written down; Click itself would go by the names in the code."""
    return click.Choice([each.value for each in kind if each.value != but])


dry_run = click.option("--dry-run", is_flag=True, help="Only say what would happen; nothing is recorded.")
reason = click.option("--reason", required=True, metavar="TEXT", help="Why; it stays on file and goes into no letter.")


def receipt(taken: "Taken") -> dict[str, Any]:
    """What a program is told of a command that was taken."""
    return {"fresh": taken.fresh} | taken.receipt.model_dump(exclude={"nonce"})


async def each(items: Iterable[T], ask: Callable[[T], Awaitable[R]]) -> list[R]:
    """Ask the same of many, a few at a time; the answers in the items' order."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(item: T) -> R:
        async with free:
            return await ask(item)

    return list(await asyncio.gather(*(one(item) for item in items)))
