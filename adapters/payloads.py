"""Every payload within what Temporal keeps, wherever it stands."""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, SearchAttributes
from temporalio.api.history.v1 import HistoryEvent

_OF_THE_LIBRARY: Final = frozenset({"core_patch"})
"""Markers in which Temporal's library notes for itself, in clear, which way a workflow's code went."""


def payloads_of(message: Message) -> Iterator[Payload]:
    """What a message holds of payloads that values were made into.

    Search attributes are left out: they are what cases are listed by, in clear, and hold no personal data.
    """
    match message:
        case Payload():
            yield message
        case SearchAttributes():
            return
        case HistoryEvent() if message.marker_recorded_event_attributes.marker_name in _OF_THE_LIBRARY:
            return
        case _:
            for field, value in message.ListFields():
                if field.message_type is not None:
                    for item in _items(value):
                        yield from payloads_of(item)


def _items(value: Any) -> Iterator[Message]:
    if isinstance(value, Message):
        yield value
        return
    values = value.values() if hasattr(value, "values") else value
    for item in values:
        if isinstance(item, Message):
            yield item
