"""Short workflows over the officers' register: an admission, a revocation."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.officers import Officers
    from domain.envelope import Envelope
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
