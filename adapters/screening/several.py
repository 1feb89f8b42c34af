"""Ask several screeners about the same person."""

from collections.abc import Sequence

from activities.ports import Screener
from domain.screening import MAX_HITS, Subject
from domain.watchlists import Screened


class Several:
    """Screeners of which each has lists of its own."""

    def __init__(self, screeners: Sequence[Screener]) -> None:
        self._screeners = tuple(screeners)

    async def screen(self, subject: Subject) -> Screened:
        """What all their lists say of somebody.

        Raises:
            LedgerUnavailable: The lists that are kept here cannot be reached; the others were not asked then.
        """
        return together([await screener.screen(subject) for screener in self._screeners])


def together(answers: Sequence[Screened]) -> Screened:
    """Several answers as one; of the hits the best are kept."""
    hits = sorted((hit for answer in answers for hit in answer.hits), key=lambda hit: (-hit.score, hit.id))
    return Screened(
        asked={name: version for answer in answers for name, version in answer.asked.items()},
        hits=tuple(hits[:MAX_HITS]),
        silent=tuple(silence for answer in answers for silence in answer.silent),
    )
