"""Ask the register who gave a command that leads to no step."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.officers import Officers
    from domain.authority import presented
    from domain.envelope import Envelope
from workflows.policies import ENQUIRE


async def recognise(envelope: Envelope[Any], power: str, *cases: str) -> None:
    """Have the register say whether a command comes from whom it says.

    A command that was taken before is answered once more, and an altered one goes no further; a step would say who gave
    either, and neither becomes one.

    Raises:
        ApplicationError: The register's refusal, which it has written down.
    """
    try:
        await workflow.execute_activity_method(Officers.recognise, presented(envelope, power, *cases), **ENQUIRE)
    except ActivityError as failed:
        if isinstance(failed.cause, ApplicationError):
            raise failed.cause from None
        raise
