"""Short workflows over the whole register: a question, a comparison, a recovery."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.care import Care
    from activities.enquire import Enquiries
    from activities.rebuild import Rebuild
    from activities.seal import Sealing
    from domain.authority import Upkeep
    from domain.envelope import Envelope
    from domain.ledger import Answer, Enquiry, Rebuilding, Recovery, Verification
from workflows.policies import CARE, ENQUIRE


@workflow.defn
class LedgerEnquiry:
    """Puts one question to the ledger. Fails with ``NoSuchCase`` where the case or letter does not exist."""

    @workflow.run
    async def run(self, envelope: Envelope[Enquiry]) -> Answer:
        """Ask, and answer."""
        return await workflow.execute_activity_method(Enquiries.answer, envelope, **ENQUIRE)


@workflow.defn
class LedgerVerification:
    """Reads the ledger's chain, and compares the ledger with the running workflows."""

    @workflow.run
    async def run(self, envelope: Envelope[Upkeep]) -> Verification:
        """Compare."""
        return await workflow.execute_activity_method(Care.verify, envelope, **CARE)


@workflow.defn
class LedgerSealing:
    """Seals the ledger's head; started at the pace that is set."""

    @workflow.run
    async def run(self) -> int | None:
        """Seal."""
        return await workflow.execute_activity_method(Sealing.seal_ledger, **CARE)


@workflow.defn
class LedgerRecovery:
    """Starts every open case again that does not run, and looks after every letter that is not out."""

    @workflow.run
    async def run(self, envelope: Envelope[Upkeep]) -> Recovery:
        """Recover."""
        return await workflow.execute_activity_method(Care.recover, envelope, **CARE)


@workflow.defn
class LedgerRebuilding:
    """Writes again every step that a workflow remembers and the ledger lacks."""

    @workflow.run
    async def run(self, envelope: Envelope[Upkeep]) -> Rebuilding:
        """Rebuild."""
        return await workflow.execute_activity_method(Rebuild.rebuild, envelope, **CARE)
