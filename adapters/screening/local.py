"""Screen people by the lists in the register's own database."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from adapters.sql.watchlists import Found, SqlWatchlists
from domain.screening import MAX_HITS, Match, Subject, hit_on
from domain.watchlists import Screened

Run = Callable[..., Awaitable[Any]]
"""Calls a function with what is given, where it keeps nobody waiting: in a process of its own."""
BEGIN_WITH: Final = ("adapters.screening.loaded",)
"""What such a process should begin with, so that no two of them need load it."""


def entry_keys(names: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """The keys of some entries, by their names. What it needs is loaded with the first name, which takes seconds."""
    from adapters.screening import keys

    return [keys.entry_keys(each) for each in names]


def asked_keys(subject: Subject) -> list[int]:
    """The keys under which somebody is looked for. What it needs is loaded with the first name, which takes seconds."""
    from adapters.screening import keys

    return keys.asked_keys(subject.names)


def matches(subject: Subject, found: Sequence[Found]) -> list[tuple[str, Match]]:
    """Which of the entries found by key somebody may be, each with its list."""
    from adapters.screening import matcher

    asked = matcher.candidate(subject)
    listed = ((row.list, row.listed()) for row in found)
    likely = ((name, person) for name, person in listed if matcher.plausible(asked, person))
    return [
        (name, match) for name, person in likely if (match := matcher.compare(asked, matcher.entry(person))) is not None
    ]


class LocalScreener:
    """Finds candidates by key, and compares with these only.

    Args:
        lists: Where the lists are kept.
        run: Compares, which is heavy.
    """

    def __init__(self, lists: SqlWatchlists, run: Run) -> None:
        self._lists = lists
        self._run = run

    async def screen(self, subject: Subject) -> Screened:
        """What the lists say of somebody.

        Raises:
            LedgerUnavailable: The database is away.
        """
        if not await self._lists.any():
            # The libraries take seconds to load; a desk without lists never waits for them.
            return Screened()
        standing, found = await self._lists.found(await self._run(asked_keys, subject))
        matched: list[tuple[str, Match]] = await self._run(matches, subject, found) if found else []
        lists = {each.watchlist.name: each for each in standing}
        hits = [hit_on(lists[name].watchlist, lists[name].version, match) for name, match in matched if name in lists]
        best = sorted(hits, key=lambda hit: (-hit.score, hit.id))[:MAX_HITS]
        return Screened(asked={name: each.version for name, each in lists.items()}, hits=tuple(best))
