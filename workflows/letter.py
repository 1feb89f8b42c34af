"""A letter that did not go out at once: tried for days, and then, or where nobody knows, a matter for a person."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.post import Post
    from domain.cases import LetterCase
    from domain.envelope import Envelope
    from domain.ids import delivery_workflow_id
    from domain.ledger import Delivery, LetterState, Settlement
from workflows.policies import DELIVER, ENQUIRE, POST


@workflow.defn
class LetterDelivery:
    """Looks after one letter until it is sent, withdrawn, or settled by the desk.

    Updates: ``settle`` (it arrived after all, send it again, give it up). Ends with the letter's last state.
    """

    @workflow.init
    def __init__(self, case: LetterCase) -> None:
        self._letter = case.delivery.letter
        self._case = case.case
        self._state = case.delivery.state
        self._settled = 0

    @workflow.run
    async def run(self, case: LetterCase) -> LetterState:
        """Look after the letter."""
        reported = False
        while True:
            workflow.set_current_details(f"**{self._letter}**: {self._state.value}")
            if self._state in {LetterState.DRAFTED, LetterState.RELEASED, LetterState.SENDING}:
                seen = self._settled
                delivery = await workflow.execute_activity_method(Post.deliver_letter, self._letter, **DELIVER)
                if self._settled > seen:
                    # The desk decided meanwhile; the ledger knows which of the two came last, so it is asked again.
                    continue
                self._state = delivery.state
            if self._state in {LetterState.SENT, LetterState.WITHDRAWN}:
                await workflow.wait_condition(workflow.all_handlers_finished)
                return self._state
            settled = self._settled
            if not reported:
                reported = True
                await self._report(case)
            await self._decided_since(settled)

    async def _decided_since(self, settled: int) -> None:
        await workflow.wait_condition(lambda: self._settled > settled)

    async def _report(self, case: LetterCase) -> None:
        delivery = case.delivery.model_copy(update={"state": self._state})
        letter = await workflow.execute_activity_method(Post.report_trouble, delivery, **POST)
        if letter is not None:
            await look_after(LetterCase(delivery=Delivery(letter=letter, state=LetterState.DRAFTED), case=case.case))

    @workflow.update
    async def settle(self, envelope: Envelope[Settlement]) -> LetterState:
        """Take the desk's decision; answers with the state the letter is in now."""
        try:
            self._state = await workflow.execute_activity_method(
                Post.settle_letter, args=[envelope, self._letter], **ENQUIRE
            )
        except ActivityError as failed:
            if isinstance(failed.cause, ApplicationError):
                raise failed.cause from None
            raise
        self._settled += 1
        return self._state


async def look_after(case: LetterCase) -> workflow.ChildWorkflowHandle[LetterDelivery, LetterState] | None:
    """Have a letter looked after by a workflow of its own, which outlives the case; None where one does already."""
    try:
        return await workflow.start_child_workflow(
            LetterDelivery.run,
            case,
            id=delivery_workflow_id(case.delivery.letter),
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=f"Letter {case.delivery.letter}",
        )
    except WorkflowAlreadyStartedError:
        workflow.logger.info("looked after already", extra={"letter": case.delivery.letter})
        return None
