"""What a case's workflow is started with: a first command, or a state to go on from.

One model for a case's first run, for the run after continue-as-new, and for a case started again from the ledger.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import Field

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


EDITION: Final = 3
"""The edition of the procedures that a run begins under and keeps to until it ends; the first went without saying.

A worker asks for it where a newer edition parts with an older one. What a run was started with says so without anything
in its history, where a patch marker costs two events and a search attribute in every run that passes by.
"""

STATES: Final[Mapping[CaseKind, type[CaseState]]] = {
    CaseKind.SESSION: SessionState,
    CaseKind.CANDIDACY: CandidacyState,
    CaseKind.LIST: ListState,
    CaseKind.SUSPENSION: SuspensionState,
}
"""What the whole of a case is, by its kind."""


class _Case(Model):
    """How a run begins.

    Attributes:
        edition: Of the procedures; see ``EDITION``.
    """

    edition: int = Field(default=1, ge=1)


class _Following(_Case):
    """How a run begins that may follow another.

    Attributes:
        letters: What the last step of the run before it wrote, and did not deliver: the run's first business.
    """

    letters: tuple[str, ...] = ()


class CandidacyOpening(Model):
    """A nomination on its way in. ``statements`` are the criteria in the candidate's language, for the invitation."""

    envelope: Envelope[Nomination]
    fingerprint: Fingerprint
    terms: Terms
    statements: tuple[str, ...]


class CandidacyCase(_Following):
    """How a candidacy's run begins."""

    opening: CandidacyOpening | None = None
    state: CandidacyState | None = None


class SessionOpening(Model):
    """A session about to open, with the days on which its time-limits cannot end, looked up once."""

    envelope: Envelope[SessionPlan]
    closed_days: Days


class SessionCase(_Case):
    """How a session's run begins."""

    opening: SessionOpening | None = None
    state: SessionState | None = None


class ListOpening(Model):
    """A list's first draft."""

    envelope: Envelope[Drafting]
    reference: ListReference
    terms: Terms
    law: SeatLaw


class ListCase(_Case):
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


class SuspensionCase(_Following):
    """How a suspension's run begins; from a state that has ended, where the decision that ended it is to be undone."""

    opening: SuspensionOpening | None = None
    state: SuspensionState | None = None


class LetterCase(Model):
    """A letter that needs looking after: where it stands, and the case it belongs to."""

    delivery: Delivery
    case: str
