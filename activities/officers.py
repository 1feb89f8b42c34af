"""The officers' register: who is admitted to which office, and whose office ends."""

from dataclasses import dataclass

from temporalio import activity

from activities.authority import command, guarded
from activities.ports import Ledger
from domain.authority import REGISTER, Presented, presented
from domain.envelope import Envelope
from domain.offices import Admission, Appointment, Revocation


@dataclass(frozen=True)
class Officers:
    """The officers' register."""

    ledger: Ledger

    @activity.defn
    async def admit_officer(self, envelope: Envelope[Admission]) -> Appointment:
        """Admit a key to an office, once.

        Raises:
            ApplicationError: The refusal.
        """
        shown = presented(envelope, "officer.admit", REGISTER)
        async with guarded(self.ledger, power=shown.power, place=REGISTER, signed=shown.signed):
            return await self.ledger.admit(command(shown), envelope.content)

    @activity.defn
    async def revoke_officer(self, envelope: Envelope[Revocation]) -> tuple[Appointment, ...]:
        """End offices, once; those that ended.

        Raises:
            ApplicationError: The refusal.
        """
        shown = presented(envelope, "officer.revoke", REGISTER)
        async with guarded(self.ledger, power=shown.power, place=REGISTER, signed=shown.signed):
            return await self.ledger.revoke(command(shown), envelope.content)

    @activity.defn
    async def recognise(self, shown: Presented) -> None:
        """Say whether a command that will change nothing comes from whom it says, and note that it was given.

        Raises:
            ApplicationError: The refusal.
        """
        async with guarded(self.ledger, power=shown.power, place=shown.cases[0], signed=shown.signed):
            await self.ledger.recognise(command(shown), about="receipt")
