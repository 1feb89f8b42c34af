"""The one registry of workflows, and the sandbox they run in."""

from typing import Any, Final

from temporalio.worker.workflow_sandbox import SandboxRestrictions

from workflows.candidacy import Candidacy
from workflows.enquiry import LedgerEnquiry, LedgerRebuilding, LedgerRecovery, LedgerSealing, LedgerVerification
from workflows.erasure import CertificateChecking, ErasureRequesting, PersonErasure
from workflows.letter import LetterDelivery
from workflows.officers import InterestDeclaration, InterestWithdrawal, OfficerAdmission, OfficerRevocation
from workflows.retention import CaseHolding, RetentionRound
from workflows.session import Session
from workflows.session_list import SessionList
from workflows.suspension import Suspension
from workflows.watchlist import WatchlistEnquiry, WatchlistImport, WatchlistRemoval, WatchlistRescreening

WORKFLOWS: Final[tuple[type[Any], ...]] = (
    Session,
    Candidacy,
    SessionList,
    Suspension,
    LetterDelivery,
    LedgerEnquiry,
    LedgerVerification,
    LedgerSealing,
    LedgerRecovery,
    LedgerRebuilding,
    WatchlistImport,
    WatchlistRemoval,
    WatchlistRescreening,
    WatchlistEnquiry,
    OfficerAdmission,
    OfficerRevocation,
    InterestDeclaration,
    InterestWithdrawal,
    ErasureRequesting,
    PersonErasure,
    CertificateChecking,
    CaseHolding,
    RetentionRound,
)

SANDBOX: Final = SandboxRestrictions.default.with_passthrough_modules(
    # Pure and without state of their own: loaded once for all workflows instead of once for each, a sixteenth of the
    # memory.
    "domain",
    "workflows.attributes",
    "workflows.docket",
    "workflows.letter",
    "workflows.policies",
    "workflows.recognition",
    "workflows.refusals",
    "anyascii",
    "dateutil",
    "email_validator",
    "idna",
    "dns",
)
