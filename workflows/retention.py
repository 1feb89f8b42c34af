"""What has ended is kept for a time: the round that erases what is due, and an officer's word that holds one back."""

from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.erase import Erasing
    from activities.retain import Retaining
    from domain.cases import LetterCase
    from domain.envelope import Envelope
    from domain.ledger import Delivery, LetterState
    from domain.retention import Held, Hold
from workflows.letter import look_after
from workflows.policies import CARE, ENQUIRE, EXPIRE

_FROM_THE_FIRST: Final = ""
_LETTERS_WITHIN: Final = 60.0
"""Seconds."""


@workflow.defn
class CaseHolding:
    """Holds one case back from being erased by itself. Fails with the refusal."""

    @workflow.run
    async def run(self, envelope: Envelope[Hold]) -> Held:
        """Hold it back."""
        return await workflow.execute_activity_method(Retaining.retain, envelope, **ENQUIRE)


@workflow.defn
class RetentionRound:
    """Tells the desk whose data will be erased next, and erases what is due; started at the pace that is set.

    Holds references only, so that what it says lies under the register's key. An erasure that does not succeed is
    taken up again in the next round, and keeps no other waiting.
    """

    @workflow.run
    async def run(self, after: str = _FROM_THE_FIRST, erased: int = 0) -> int:
        """Go round; how many were erased.

        Args:
            after: The reference up to which an earlier run of this round has come.
            erased: How many it has erased.
        """
        if after == _FROM_THE_FIRST:
            await self._announce()
        due = await workflow.execute_activity_method(Retaining.due_erasures, after, **CARE)
        for reference in due:
            try:
                certificate = await workflow.execute_activity_method(Erasing.expire, reference, **EXPIRE)
            except ActivityError:
                workflow.logger.error("not erased", extra={"case": reference})
            else:
                erased += certificate is not None
        if due:
            workflow.continue_as_new(args=[due[-1], erased])
        return erased

    async def _announce(self) -> None:
        """Have the desk told; the letters are out when the round goes on, but for one that cannot go out at once."""
        letters = await workflow.execute_activity_method(Retaining.announce_erasures, **CARE)
        deliveries = [Delivery(letter=letter, state=LetterState.DRAFTED) for letter in letters]
        looked_after = [
            await look_after(LetterCase(delivery=delivery, case=delivery.letter.split(".")[0]))
            for delivery in deliveries
        ]
        if under_way := [each for each in looked_after if each is not None]:
            await workflow.wait(under_way, timeout=_LETTERS_WITHIN)
