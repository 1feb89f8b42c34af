"""How a rule's no crosses Temporal."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.errors import Refusal


@contextmanager
def refusing() -> Iterator[None]:
    """Let a refusal reach the caller under its own name, with its rule as the one detail."""
    try:
        yield
    except Refusal as refusal:
        raise ApplicationError(refusal.message, refusal.rule, type=type(refusal).__name__, non_retryable=True) from None
