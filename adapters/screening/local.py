"""Screen people by the lists in the register's own database."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adapters.sql.watchlists import SqlWatchlists
from domain.screening import MAX_HITS, Listed, Match, Subject, hit_on
from domain.watchlists import Screened

if TYPE_CHECKING:
    from adapters.screening.matcher import Candidate


def entry_keys(names: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """The keys of some entries, by their names. The first call loads the libraries, which takes seconds."""
    from adapters.screening import keys

    return [keys.entry_keys(each) for each in names]


class LocalScreener:
    """Finds candidates by key, and compares with these only."""

    def __init__(self, lists: SqlWatchlists) -> None:
        self._lists = lists

    async def screen(self, subject: Subject) -> Screened:
        """What the lists say of somebody.

        Raises:
            LedgerUnavailable: The database is away.
        """
        if not await self._lists.any():
            # The libraries take seconds to load; a desk without lists never waits for them.
            return Screened()
        asked, keys = await asyncio.to_thread(_asked, subject)
        standing, found = await self._lists.found(keys)
        matches = await asyncio.to_thread(_compared, asked, found)
        lists = {each.watchlist.name: each for each in standing}
        hits = [hit_on(lists[name].watchlist, lists[name].version, match) for name, match in matches if name in lists]
        best = sorted(hits, key=lambda hit: (-hit.score, hit.id))[:MAX_HITS]
        return Screened(asked={name: each.version for name, each in lists.items()}, hits=tuple(best))


def _asked(subject: Subject) -> tuple["Candidate", list[int]]:
    from adapters.screening import keys, matcher

    return matcher.candidate(subject), keys.asked_keys(subject.names)


def _compared(asked: "Candidate", found: Sequence[tuple[str, Listed]]) -> list[tuple[str, Match]]:
    from adapters.screening import matcher

    likely = [(name, listed) for name, listed in found if matcher.plausible(asked, matcher.names_of(listed))]
    return [
        (name, match) for name, listed in likely if (match := matcher.compare(asked, matcher.entry(listed))) is not None
    ]
