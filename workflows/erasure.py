"""Short workflows by which a person's data is erased; they lie under the register's key, since the person's goes."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.erase import Erasing
    from domain.envelope import Envelope
    from domain.erasure import Certificate, CertificateCheck, Erasure, ErasureOrder, ErasureRequest
from workflows.policies import CARE, ENQUIRE


@workflow.defn
class ErasureRequesting:
    """Writes down that the erasure of a person's data is asked for."""

    @workflow.run
    async def run(self, envelope: Envelope[ErasureRequest]) -> Erasure:
        """Ask for it."""
        return await workflow.execute_activity_method(Erasing.request_erasure, envelope, **ENQUIRE)


@workflow.defn
class PersonErasure:
    """Erases a person's data that another officer has asked to be erased, and certifies it."""

    @workflow.run
    async def run(self, envelope: Envelope[ErasureOrder]) -> Certificate:
        """Erase."""
        return await workflow.execute_activity_method(Erasing.erase, envelope, **CARE)


@workflow.defn(name="CertificateCheck")
class CertificateChecking:
    """Says whether a certificate of erasure is genuine, and true today."""

    @workflow.run
    async def run(self, envelope: Envelope[Certificate]) -> CertificateCheck:
        """Check."""
        return await workflow.execute_activity_method(Erasing.check_certificate, envelope, **CARE)
