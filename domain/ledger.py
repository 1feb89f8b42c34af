"""The words in which the ledger is written and read."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from domain.erasure import Certificate
from domain.ids import CandidacyReference, CaseReference, KeyId, LetterReference, OfficerId
from domain.interests import InterestRow
from domain.model import Address, Model, Prose
from domain.notices import Letter, Notice, Role, Template
from domain.offices import Appointment
from domain.people import Contact, Language
from domain.session import Terms
from domain.signing import Digest, digest
from domain.steps import CaseKind, CaseState, Dispatch, Outcome, Step, Told


class LetterState(StrEnum):
    """Where a letter stands.

    ``drafted`` is written and waits for its first delivery; ``released`` waits to be tried again; ``sending`` is
    claimed; ``unknown`` may or may not have been accepted, and waits for a person instead of going out twice;
    ``withdrawn`` was overtaken by a newer decision or by its reader's death before it went out, or the desk gave it up.
    """

    DRAFTED = "drafted"
    RELEASED = "released"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"


class Entry(Model):
    """One step of one case, with the case's whole state after it: what the ledger takes in one transaction.

    Attributes:
        taken: The clock's reading (UTC) when the worker took the step, where the step's own time is the calendar's.
        stands_on: The imprint of the state that the step was taken on; None for a case's first step.
        told: What the step tells others.
    """

    kind: CaseKind
    workflow_id: str
    session: str
    stage: str
    ended: bool
    taken: AwareDatetime | None = None
    seat: str | None = None
    deadline: AwareDatetime | None = None
    state: dict[str, Any]
    step: Step
    stands_on: Digest | None = None
    notices: tuple[Notice, ...] = ()
    told: tuple[Told, ...] = ()


def entry(
    kind: CaseKind,
    outcome: Outcome[Any],
    *,
    workflow_id: str,
    session: str,
    ended: bool,
    taken: AwareDatetime | None = None,
    deadline: AwareDatetime | None = None,
    seat: str | None = None,
    stands_on: str | None = None,
) -> Entry:
    """The ledger's entry for an outcome."""
    state: CaseState = outcome.state
    return Entry(
        kind=kind,
        workflow_id=workflow_id,
        session=session,
        stage=outcome.step.stage,
        ended=ended,
        taken=taken,
        seat=seat,
        deadline=deadline,
        state=state.model_dump(mode="json"),
        step=outcome.step,
        stands_on=stands_on,
        notices=outcome.notices,
        told=(*map(_told, outcome.dispatches), *state.circulars()),
    )


def _told(dispatch: Dispatch) -> Told:
    return Told(to=dispatch.workflow_id, decision=dispatch.decision, digest=digest(dispatch.content))


class Draft(Model):
    """A letter rendered and addressed, as it enters the ledger.

    Attributes:
        number: Its number within the step, from 1.
        about: The letter it is about, for the desk's letters about letters; part of what makes a letter unique.
        reader: Which of the readers in this role it is for, from 1; another part of it.
    """

    number: int
    template: Template
    role: Role
    to: Contact
    letter: Letter
    about: str = ""
    reader: int = 1


class Recorded(Model):
    """What the ledger answers once a step stands in it.

    ``terms`` are the session's, where a new candidacy came in under older ones than the session has by now.
    """

    reference: CaseReference
    letters: tuple[LetterReference, ...] = ()
    terms: Terms | None = None


class Outgoing(Model):
    """A letter that is claimed and must now be sent, once.

    Attributes:
        reference: The letter.
        message_id: Its Message-ID, with angle brackets; the same at every attempt.
        thread: The Message-ID of the first letter to the same reader in the same case, if this is not the first.
        written: When it was decided, in clock time; the letter's Date.
    """

    reference: LetterReference
    message_id: str
    thread: str | None
    to: Contact
    letter: Letter
    written: AwareDatetime


class Claim(Model):
    """What came of claiming a letter: something to send, or the state that forbids it."""

    state: LetterState
    outgoing: Outgoing | None = None


class Delivery(Model):
    """What became of one letter. ``code`` is the mail server's reply, if it gave one."""

    letter: LetterReference
    state: LetterState
    code: int | None = None


class SettlementHow(StrEnum):
    """What a person decides about a letter that waits for one."""

    SENT = "sent"
    RESEND = "resend"
    GIVE_UP = "give_up"


class Settlement(Model):
    """The content of ``settle``: it arrived after all, send it (again), or give it up."""

    how: SettlementHow
    reason: Prose
    email: Address | None = None


class CaseRow(Model):
    """One case in a list. Holds no personal data.

    Attributes:
        held_until: The last day for which an officer keeps its data from being erased.
        announced: The last day of its data, as the desk was told.
        kept_until: The last day of its data as things stand; None where it is open, or erased when somebody asks only.
    """

    reference: CaseReference
    kind: CaseKind
    session: str
    stage: str
    ended: bool
    seat: str | None
    deadline: AwareDatetime | None
    seq: int
    workflow_id: str
    opened: AwareDatetime
    changed: AwareDatetime
    troubled_letters: int
    erased: AwareDatetime | None = None
    held_until: date | None = None
    announced: date | None = None
    kept_until: date | None = None


class StepRow(Model):
    """One step in a timeline. Holds no personal data."""

    seq: int
    act: str
    trigger: str
    at: AwareDatetime
    recorded: AwareDatetime
    stage_before: str
    stage: str
    signer: str | None
    effects: tuple[str, ...]
    letters: tuple[LetterReference, ...]


class LetterRow(Model):
    """One letter in a list. Holds no personal data."""

    reference: LetterReference
    case: CaseReference
    template: Template
    role: Role
    language: Language
    state: LetterState
    attempts: int
    code: int | None
    written: AwareDatetime
    changed: AwareDatetime
    message_id: str


class LetterFile(Model):
    """One letter in full: personal data."""

    row: LetterRow
    to: Contact
    letter: Letter
    history: tuple[str, ...]


class CaseFile(Model):
    """One case in full: personal data.

    ``state`` is the case's whole state; for a candidacy a :class:`~domain.candidacy.CandidacyState`, and so on. It is
    empty once the person's data is erased.
    """

    row: CaseRow
    state: dict[str, Any]
    letters: tuple[LetterRow, ...]


class EnquiryAbout(StrEnum):
    """What can be asked of the ledger.

    ``place`` is where a case is and what was decided in it, without anything personal, for whoever is about to act.
    """

    CASE = "case"
    PLACE = "place"
    CASES = "cases"
    TIMELINE = "timeline"
    LETTERS = "letters"
    LETTER = "letter"
    OFFICERS = "officers"
    INTERESTS = "interests"
    READERS = "readers"
    INCIDENTS = "incidents"
    CERTIFICATE = "certificate"


class Enquiry(Model):
    """A question to the ledger.

    Attributes:
        about: What is asked.
        reference: The case or letter; ``workflow_id`` finds a case by its workflow instead.
        session, kind, stage, seat, overdue, ended: Narrow a list of cases; ``overdue`` counts the deadlines before it.
        state: Narrows a list of letters, as ``reference`` does to those of one case.
        limit, after: Page through a list: at most so many rows, those that follow this reference.
    """

    about: EnquiryAbout
    reference: str | None = Field(default=None, max_length=64)
    workflow_id: str | None = Field(default=None, max_length=200)
    session: str | None = Field(default=None, max_length=16)
    kind: CaseKind | None = None
    stage: str | None = Field(default=None, max_length=40)
    seat: str | None = Field(default=None, max_length=16)
    overdue: AwareDatetime | None = None
    ended: bool | None = None
    state: LetterState | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    after: str | None = Field(default=None, max_length=64)


class Place(Model):
    """Where a case is, and the step that each command led to. Holds no personal data."""

    row: CaseRow
    decisions: dict[str, int]


class ReadingRow(Model):
    """One opening of a file: who, when, and what of it."""

    n: int
    at: AwareDatetime
    reader: OfficerId
    about: str
    reference: str


class IncidentRow(Model):
    """Something that was refused for want of authority. Holds no personal data.

    Attributes:
        n: Its number, in order of writing.
        power: What it would have done, where that can be told.
        place: The case, the letter or the workflow it was aimed at.
        signer, key: Who it says signed it; nobody has verified that.
    """

    n: int
    at: AwareDatetime
    refusal: str
    rule: str
    power: str
    place: str
    signer: OfficerId | None = None
    key: KeyId | None = None


class Answer(Model):
    """What the ledger answers; only the part that was asked for is filled."""

    case: CaseFile | None = None
    place: Place | None = None
    cases: tuple[CaseRow, ...] = ()
    steps: tuple[StepRow, ...] = ()
    letters: tuple[LetterRow, ...] = ()
    letter: LetterFile | None = None
    officers: tuple[Appointment, ...] = ()
    interests: tuple[InterestRow, ...] = ()
    readers: tuple[ReadingRow, ...] = ()
    incidents: tuple[IncidentRow, ...] = ()
    certificate: Certificate | None = None
    more: bool = False


class Difference(Model):
    """One way in which the ledger and a workflow disagree, without personal data."""

    reference: str
    what: str
    ledger: str
    workflow: str


class Verification(Model):
    """What a reading of the ledger, and its comparison with the workflows, found.

    ``sealed`` is when the ledger was last sealed; clock time.
    """

    cases: int
    steps: int
    letters: int
    signatures: int
    differences: tuple[Difference, ...]
    sealed: AwareDatetime | None = None


class Recovery(Model):
    """What a recovery from the ledger did."""

    restarted: tuple[CaseReference, ...]
    running: tuple[CaseReference, ...]
    letters: tuple[LetterReference, ...]


class Report(Model):
    """A letter to the desk about a letter in trouble, as the workflows remember it.

    Attributes:
        about: The letter in trouble, and in which.
        delivery: The letter to the desk, and what became of it.
    """

    about: Delivery
    delivery: Delivery


class Memory(Model):
    """What a case's workflow remembers of one step it had recorded.

    Attributes:
        entry: The step as it was given to the ledger, with the reference that the ledger answered.
        posted: Whether the delivery of the step's letters was ever begun.
        deliveries: What became of the letters of which the workflows know.
        reports: The letters to the desk about those among them that were in trouble, in order of writing.
    """

    entry: Entry
    posted: bool
    deliveries: tuple[Delivery, ...] = ()
    reports: tuple[Report, ...] = ()


class Rebuilding(Model):
    """What rebuilding the ledger from the workflows did: what was missing and is there again.

    Attributes:
        cases: How many workflows were read.
        steps: The steps written again.
        letters: The letters written again.
        commands: The commands written again that are no steps: admissions, interests, holds, requests for an erasure.
        erasures: The certificates of erasure that are on file again.
        unknown: Of the letters, the ones that may have gone out: they wait for a person instead of going out twice.
        refused: The workflows of cases, and what commands are about, of which something was remembered that the ledger
            does not take.
        held: The candidacies of which nobody remembers whether they were held back from being erased. They are now,
            until an officer says otherwise.
        lost: What was there and cannot be written again: the workflows of cases that were erased and of which no
            certificate is remembered, and the officers whose interests in such a case are not known any more.
        since: What ended before is remembered by nobody; clock time, UTC.
    """

    cases: int
    steps: int
    letters: int
    commands: int = 0
    erasures: int = 0
    unknown: tuple[LetterReference, ...]
    refused: tuple[str, ...] = ()
    held: tuple[CandidacyReference, ...] = ()
    lost: tuple[str, ...] = ()
    since: AwareDatetime | None = None


class Affected(Model):
    """A case whose own dates an amendment moves."""

    reference: CaseReference
    stage: str
    moved: tuple[str, ...]
