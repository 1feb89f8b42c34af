"""The officers' register: who is admitted to which office, whose office ends, and whose case is nothing for whom."""

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.authority import command, guarded
from activities.ports import Ledger
from domain.authority import REGISTER, Presented, presented
from domain.envelope import Envelope
from domain.ids import NO_SUCH_CASE
from domain.interests import InterestRow, Interests, Withdrawal, officer_file
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
    async def declare_interests(self, envelope: Envelope[Interests]) -> tuple[InterestRow, ...]:
        """Write down what an officer has declared, once; everything the officer ever declared.

        Raises:
            ApplicationError: The refusal; ``NoSuchCase``: a case that is named does not exist.
        """
        place = officer_file(envelope.signer)
        shown = presented(envelope, "officer.declare_interest", place)
        async with guarded(self.ledger, power=shown.power, place=place, signed=shown.signed):
            try:
                return await self.ledger.declare_interests(command(shown), envelope.content)
            except LookupError as missing:
                raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None

    @activity.defn
    async def withdraw_interest(self, envelope: Envelope[Withdrawal]) -> tuple[InterestRow, ...]:
        """Write down from when an interest holds no more, once; everything the officer ever declared.

        Raises:
            ApplicationError: The refusal.
        """
        place = officer_file(envelope.signer)
        shown = presented(envelope, "officer.withdraw_interest", place)
        async with guarded(self.ledger, power=shown.power, place=place, signed=shown.signed):
            return await self.ledger.withdraw_interest(command(shown), envelope.content)

    @activity.defn
    async def recognise(self, shown: Presented) -> None:
        """Say whether a command that will change nothing comes from whom it says, and note that it was given.

        Raises:
            ApplicationError: The refusal.
        """
        async with guarded(self.ledger, power=shown.power, place=shown.cases[0], signed=shown.signed):
            await self.ledger.recognise(command(shown), about="receipt")
