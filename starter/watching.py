"""Watch a case without leaving a question behind at every look."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from domain.ledger import Enquiry, EnquiryAbout, StepRow
from starter.desk import Desk, PartUnreachable


async def steps_after(desk: Desk, reference: str, seq: int) -> list[StepRow]:
    """A case's steps with a greater number than ``seq``, from the ledger."""
    steps: list[StepRow] = []
    while True:
        last = steps[-1].seq if steps else seq
        answer = await desk.ask(Enquiry(about=EnquiryAbout.TIMELINE, reference=reference, after=str(last)))
        steps.extend(answer.steps)
        if not answer.more:
            return steps


async def follow(desk: Desk, reference: str, interval: timedelta) -> AsyncIterator[StepRow]:
    """Every step of a case, those to come as they come, until it has ended.

    Each question to the ledger is a workflow of its own, so one is put only where the case's own history has grown.

    Args:
        desk: The desk.
        reference: The case.
        interval: How often to look, in clock time.

    Raises:
        NoSuchCase: There is none.
        PartUnreachable: Temporal does not answer.
    """
    row = await desk.locate(reference)
    handle = desk.client.get_workflow_handle(row.workflow_id)
    last = 0
    seen: tuple[str, int] | None = None
    while True:
        pulse = await _pulse(handle)
        if pulse is None or pulse != seen:
            row = await desk.locate(reference)
            for step in await steps_after(desk, reference, last):
                yield step
                last = step.seq
            seen = pulse
        if row.ended and last >= row.seq:
            return
        await asyncio.sleep(interval.total_seconds())


async def _pulse(handle: WorkflowHandle[object, object]) -> tuple[str, int] | None:
    """What changes whenever anything happens to a workflow; None where Temporal has forgotten it."""
    try:
        description = await handle.describe()
    except RPCError as failed:
        if failed.status is RPCStatusCode.NOT_FOUND:
            return None
        raise PartUnreachable("Temporal does not answer; `starter stack up` starts it") from None
    return description.run_id, description.history_length
