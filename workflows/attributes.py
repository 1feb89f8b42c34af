"""Search attributes: enumerated stages and references only, since Temporal keeps them in clear."""

from datetime import datetime
from typing import Final

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

CASE: Final = SearchAttributeKey.for_keyword("DeskCase")
STAGE: Final = SearchAttributeKey.for_keyword("DeskStage")
SESSION: Final = SearchAttributeKey.for_keyword("DeskSession")
SEAT: Final = SearchAttributeKey.for_keyword("DeskSeat")
DEADLINE: Final = SearchAttributeKey.for_datetime("DeskDeadline")

ATTRIBUTES: Final = (CASE, STAGE, SESSION, SEAT, DEADLINE)


def at_start(*, session: str, stage: str, case: str | None = None, seat: str | None = None) -> TypedSearchAttributes:
    """What a case's workflow is started with."""
    pairs: list[SearchAttributePair[str]] = [
        SearchAttributePair(SESSION, session),
        SearchAttributePair(STAGE, stage),
    ]
    if case is not None:
        pairs.append(SearchAttributePair(CASE, case))
    if seat is not None:
        pairs.append(SearchAttributePair(SEAT, seat))
    return TypedSearchAttributes(pairs)


Shown = tuple[str, str, str | None, datetime | None]
"""Reference, stage, seat, deadline."""
