"""Keep what has ended for as long as the settings say: tell the desk what is next, find what is due, hold one back."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.authority import command, guarded
from activities.ports import Ledger, Renderer, Retentions
from activities.record import draft
from domain.authority import presented
from domain.envelope import Envelope
from domain.ids import NO_SUCH_CASE
from domain.notices import Facts, Notice, Role, Template
from domain.people import Contact
from domain.retention import RETAIN_ACT, Held, Hold, Retention

AT_ONCE: Final = 200
"""Erasures that one run of the procedure takes on."""


@dataclass(frozen=True)
class Retaining:
    """The register's care for what it need not keep any longer."""

    ledger: Ledger
    retentions: Retentions
    renderer: Renderer
    desk: Contact
    retention: Retention

    @activity.defn
    async def retain(self, envelope: Envelope[Hold]) -> Held:
        """Hold a candidacy back from being erased by itself.

        Raises:
            ApplicationError: There is no such candidacy, or a rule forbids it.
        """
        shown = presented(envelope, f"candidacy.{RETAIN_ACT}", envelope.case)
        async with guarded(self.ledger, power=shown.power, place=envelope.case, signed=shown.signed):
            try:
                await self.retentions.hold(command(shown), envelope.content)
            except LookupError as missing:
                raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None
        return Held(reference=envelope.case, until=envelope.content.until)

    @activity.defn
    async def announce_erasures(self) -> tuple[str, ...]:
        """Write to the desk whose data will be erased next, one letter for each session and last day, by reference.

        Every letter of this kind that has yet to go out.
        """
        instant = activity.info().scheduled_time
        next_: dict[tuple[str, date], list[str]] = defaultdict(list)
        for case in await self.retentions.ended():
            if (last := self.retention.to_announce(case, instant)) is not None:
                next_[case.session, last].append(case.reference)
        for (session, last), candidacies in next_.items():
            facts = Facts(act_by=last, candidacies=tuple(candidacies))
            notice = Notice(template=Template.DESK_RETENTION, role=Role.DESK, facts=facts)
            letter = draft(self.renderer, self.desk, notice, session, 1)
            await self.retentions.announce(session, candidacies, last, letter)
        return tuple(await self.retentions.announcements())

    @activity.defn
    async def due_erasures(self, after: str) -> tuple[str, ...]:
        """Candidacies whose data is to be erased by a rule, and those of which that was begun; so many of them.

        Args:
            after: Only those that follow this reference.
        """
        instant = activity.info().scheduled_time
        ended = await self.retentions.ended()
        due = {case.reference for case in ended if self.retention.rule_for(case, instant) is not None}
        due.update(await self.retentions.begun())
        return tuple(islice((reference for reference in sorted(due) if reference > after), AT_ONCE))
