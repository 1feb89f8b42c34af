"""How a rule's no leaves an activity."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from domain.errors import Refusal


@contextmanager
def refusing() -> Iterator[None]:
    """Let a refusal reach the workflow under its own name, with its rule as the one detail, and not be tried again."""
    try:
        yield
    except Refusal as refusal:
        raise ApplicationError(refusal.message, refusal.rule, type=type(refusal).__name__, non_retryable=True) from None
