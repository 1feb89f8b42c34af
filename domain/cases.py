"""What a case's workflow is started with: a first command, or a state to go on from.

One model for a case's first run, for the run after continue-as-new, and for a case started again from the ledger.
"""

from collections.abc import Mapping
from typing import Final

from domain.candidacy import CandidacyState
from domain.envelope import Envelope
from domain.ids import CandidacyReference, Fingerprint, ListReference
from domain.ledger import Delivery
from domain.lists import Drafting, ListState, SeatLaw
from domain.model import Days, Model
from domain.people import Contact, Nomination
from domain.session import SessionPlan, SessionState, Terms
from domain.steps import CaseKind, CaseState
from domain.suspension import Charge, SuspensionState

IMPRINTS_QUERY: Final = "imprints"
STANDING_QUERY: Final = "standing"
AFFECTED_QUERY: Final = "affected"
REARM_SIGNAL: Final = "rearm"
OBEY_SIGNAL: Final = "obey"
RESCREEN_SIGNAL: Final = "rescreen"


STATES: Final[Mapping[CaseKind, type[CaseState]]] = {
    CaseKind.SESSION: SessionState,
    CaseKind.CANDIDACY: CandidacyState,
    CaseKind.LIST: ListState,
    CaseKind.SUSPENSION: SuspensionState,
}
"""What the whole of a case is, by its kind."""


class CandidacyOpening(Model):
    """A nomination on its way in. ``statements`` are the criteria in the candidate's language, for the invitation."""

    envelope: Envelope[Nomination]
    fingerprint: Fingerprint
    terms: Terms
    statements: tuple[str, ...]


class CandidacyCase(Model):
    """How a candidacy's run begins."""

    opening: CandidacyOpening | None = None
    state: CandidacyState | None = None


class SessionOpening(Model):
    """A session about to open, with the days on which its time-limits cannot end, looked up once."""

    envelope: Envelope[SessionPlan]
    closed_days: Days


class SessionCase(Model):
    """How a session's run begins."""

    opening: SessionOpening | None = None
    state: SessionState | None = None


class ListOpening(Model):
    """A list's first draft."""

    envelope: Envelope[Drafting]
    reference: ListReference
    terms: Terms
    law: SeatLaw


class ListCase(Model):
    """How a list's run begins."""

    opening: ListOpening | None = None
    state: ListState | None = None


class SuspensionOpening(Model):
    """A suspension about to open, with what it needs to know of the candidacy."""

    envelope: Envelope[Charge]
    fingerprint: Fingerprint
    number: int
    terms: Terms
    candidacy: CandidacyReference
    candidacy_workflow: str
    participant: Contact


class SuspensionCase(Model):
    """How a suspension's run begins; from a state that has ended, where the decision that ended it is to be undone."""

    opening: SuspensionOpening | None = None
    state: SuspensionState | None = None


class LetterCase(Model):
    """A letter that needs looking after: where it stands, and the case it belongs to."""

    delivery: Delivery
    case: str
