"""Search attributes: enumerated stages and references only, since Temporal keeps them in clear."""

from datetime import datetime
from typing import Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

with workflow.unsafe.imports_passed_through():
    from domain.ids import SEAT_SHOWN, STAGE_SHOWN

CASE: Final = SearchAttributeKey.for_keyword("DeskCase")
STAGE: Final = SearchAttributeKey.for_keyword(STAGE_SHOWN)
SESSION: Final = SearchAttributeKey.for_keyword("DeskSession")
SEAT: Final = SearchAttributeKey.for_keyword(SEAT_SHOWN)
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
