"""Short workflows over the officers' register: an admission, a revocation, an interest."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.officers import Officers
    from domain.envelope import Envelope
    from domain.interests import InterestRow, Interests, Withdrawal
    from domain.offices import Admission, Appointment, Revocation
from workflows.policies import ENQUIRE


@workflow.defn
class OfficerAdmission:
    """Admits a key to an office. Fails with the refusal."""

    @workflow.run
    async def run(self, envelope: Envelope[Admission]) -> Appointment:
        """Admit."""
        return await workflow.execute_activity_method(Officers.admit_officer, envelope, **ENQUIRE)


@workflow.defn
class OfficerRevocation:
    """Ends offices. Fails with the refusal."""

    @workflow.run
    async def run(self, envelope: Envelope[Revocation]) -> tuple[Appointment, ...]:
        """End them."""
        return await workflow.execute_activity_method(Officers.revoke_officer, envelope, **ENQUIRE)


@workflow.defn
class InterestDeclaration:
    """Takes an officer's interests. Fails with the refusal, or ``NoSuchCase``."""

    @workflow.run
    async def run(self, envelope: Envelope[Interests]) -> tuple[InterestRow, ...]:
        """Declare; everything the officer ever declared."""
        return await workflow.execute_activity_method(Officers.declare_interests, envelope, **ENQUIRE)


@workflow.defn
class InterestWithdrawal:
    """Ends an interest. Fails with the refusal."""

    @workflow.run
    async def run(self, envelope: Envelope[Withdrawal]) -> tuple[InterestRow, ...]:
        """Withdraw; everything the officer ever declared."""
        return await workflow.execute_activity_method(Officers.withdraw_interest, envelope, **ENQUIRE)
