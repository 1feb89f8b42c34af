"""A candidacy: its stages, the table of legal moves, its time-limits, and what each act leads to.

Pure: every function takes the state and the calendar's reading and gives back a value.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, Field, StrictBool, model_validator

from domain.checks import EvidenceFile, VettingFile, check_exception, check_functions, check_resolution, obstacles
from domain.criteria import CriterionKey
from domain.envelope import Envelope
from domain.errors import IncompleteAnswer, NotAtThisStage, NothingToChange, OutOfTime, SamePerson
from domain.functions import RULE, ExceptionReason, Functions, Signed
from domain.ids import Fingerprint, ListReference, candidacy_workflow_id, list_workflow_id
from domain.model import Address, Line, Model, Prose
from domain.notices import OFFICES, Facts, Notice, Role, Template
from domain.people import Contact, Language, Nomination, SeatKind
from domain.screening import Resolution, Resolved, Screening, Trust, new_hits, screened_again
from domain.session import Terms, terms_decision
from domain.signing import digest
from domain.steps import CaseKind, CaseState, Dispatch, Due, Outcome, Step, Trigger, check_move, unsigned_step
from domain.timelimits import Limit, day_of, end_of, expiry, morning_before, next_escalation
from domain.vetting import Assessed, Assessment, VettingResult, answer_each, weigh
from domain.watchlists import Screened


class Stage(StrEnum):
    """Where a candidacy stands. The last eight are its endings."""

    NOMINATED = "nominated"
    VETTING = "vetting"
    INFORMATION_REQUESTED = "information_requested"
    CLEARED = "cleared"
    PROPOSED = "proposed"
    RESERVE = "reserve"
    APPROVED = "approved"
    PARTICIPANT = "participant"
    SUSPENDED = "suspended"
    LAPSED = "lapsed"
    DECLINED = "declined"
    INELIGIBLE = "ineligible"
    NOT_RETAINED = "not_retained"
    WITHDRAWN = "withdrawn"
    EXCLUDED = "excluded"
    DECEASED = "deceased"
    EXPIRED = "expired"


ENDINGS: Final = frozenset(
    {
        Stage.LAPSED,
        Stage.DECLINED,
        Stage.INELIGIBLE,
        Stage.NOT_RETAINED,
        Stage.WITHDRAWN,
        Stage.EXCLUDED,
        Stage.DECEASED,
        Stage.EXPIRED,
    }
)
OPEN: Final = frozenset(Stage) - ENDINGS
SCREENING_HIT: Final = "screening-hit"
"""What a suspension is for that rests on a hit."""
SUSPENDABLE: Final = frozenset({Stage.PARTICIPANT, Stage.SUSPENDED})
"""Only who takes part can be suspended; whoever is suspended already is, on a further ground."""
ON_A_LIST: Final = frozenset({Stage.PROPOSED, Stage.RESERVE, Stage.APPROVED}) | SUSPENDABLE


class Act(StrEnum):
    """What can happen to a candidacy: an officer's command, a time-limit, or word from another case."""

    NOMINATE = "nominate"
    DECLARE = "declare"
    DECLINE = "decline"
    ASSESS = "assess"
    REQUEST_INFORMATION = "request_information"
    SUPPLY_INFORMATION = "supply_information"
    RESOLVE = "resolve"
    RECORD_FUNCTIONS = "record_functions"
    SIGN_EXCEPTION = "sign_exception"
    SCREEN = "screen"
    CORRECT = "correct"
    WITHDRAW = "withdraw"
    RECORD_DEATH = "record_death"
    REMIND = "remind"
    LAPSE = "lapse"
    RESUME = "resume"
    ESCALATE = "escalate"
    BEGIN = "begin"
    NOTIFY_EXPIRY = "notify_expiry"
    EXPIRE = "expire"
    REARM = "rearm"
    PROPOSE = "propose"
    RESERVE = "reserve"
    SEND_BACK = "send_back"
    APPROVE = "approve"
    CONFIRM_RESERVE = "confirm_reserve"
    NOT_RETAIN = "not_retain"
    RATIFY = "ratify"
    REFUSE_RATIFICATION = "refuse_ratification"
    SUSPEND = "suspend"
    RESTORE = "restore"
    EXCLUDE = "exclude"
    REINSTATE = "reinstate"
    UNHEEDED = "unheeded"


def _everywhere(*, to: Stage | None = None) -> dict[Stage, frozenset[Stage]]:
    return {stage: frozenset({to or stage}) for stage in OPEN}


def _checked() -> dict[Stage, frozenset[Stage]]:
    """Everywhere, and out of vetting where it was the last thing that held the case back."""
    return _everywhere() | {Stage.VETTING: frozenset({Stage.VETTING, Stage.CLEARED})}


def _one(*sources: Stage, to: Stage) -> dict[Stage, frozenset[Stage]]:
    return {stage: frozenset({to}) for stage in sources}


MOVES: Final[Mapping[Act, Mapping[Stage, frozenset[Stage]]]] = {
    Act.DECLARE: {Stage.NOMINATED: frozenset({Stage.VETTING, Stage.INELIGIBLE})},
    Act.DECLINE: _one(Stage.NOMINATED, to=Stage.DECLINED),
    Act.ASSESS: {Stage.VETTING: frozenset({Stage.VETTING, Stage.CLEARED, Stage.INELIGIBLE})},
    Act.REQUEST_INFORMATION: _one(Stage.VETTING, to=Stage.INFORMATION_REQUESTED),
    Act.SUPPLY_INFORMATION: _one(Stage.INFORMATION_REQUESTED, to=Stage.VETTING),
    Act.RESOLVE: _checked(),
    Act.RECORD_FUNCTIONS: _checked(),
    Act.SIGN_EXCEPTION: _checked(),
    Act.SCREEN: _checked(),
    Act.CORRECT: _everywhere(),
    Act.WITHDRAW: _everywhere(to=Stage.WITHDRAWN),
    Act.RECORD_DEATH: _everywhere(to=Stage.DECEASED),
    Act.REMIND: {stage: frozenset({stage}) for stage in (Stage.NOMINATED, Stage.VETTING, Stage.INFORMATION_REQUESTED)},
    Act.LAPSE: _one(Stage.NOMINATED, to=Stage.LAPSED),
    Act.RESUME: _one(Stage.INFORMATION_REQUESTED, to=Stage.VETTING),
    Act.ESCALATE: {stage: frozenset({stage}) for stage in (Stage.VETTING, Stage.CLEARED, Stage.PROPOSED)},
    Act.BEGIN: _one(Stage.APPROVED, to=Stage.PARTICIPANT),
    Act.NOTIFY_EXPIRY: _one(Stage.PARTICIPANT, to=Stage.PARTICIPANT),
    Act.EXPIRE: _everywhere(to=Stage.EXPIRED),
    Act.REARM: _everywhere(),
    Act.PROPOSE: _one(Stage.CLEARED, Stage.RESERVE, Stage.PROPOSED, to=Stage.PROPOSED),
    Act.RESERVE: _one(Stage.CLEARED, Stage.RESERVE, Stage.PROPOSED, to=Stage.RESERVE),
    Act.SEND_BACK: _one(Stage.PROPOSED, Stage.RESERVE, to=Stage.CLEARED),
    Act.APPROVE: {Stage.PROPOSED: frozenset({Stage.APPROVED, Stage.PARTICIPANT})},
    Act.CONFIRM_RESERVE: _one(Stage.RESERVE, to=Stage.RESERVE),
    Act.NOT_RETAIN: _one(Stage.CLEARED, Stage.RESERVE, Stage.PROPOSED, to=Stage.NOT_RETAINED),
    Act.RATIFY: {Stage.APPROVED: frozenset({Stage.APPROVED, Stage.PARTICIPANT})},
    Act.REFUSE_RATIFICATION: _one(Stage.APPROVED, to=Stage.CLEARED),
    Act.SUSPEND: dict.fromkeys(SUSPENDABLE, SUSPENDABLE),
    Act.RESTORE: _one(*SUSPENDABLE, to=Stage.PARTICIPANT),
    Act.EXCLUDE: _one(*SUSPENDABLE, to=Stage.EXCLUDED),
    Act.REINSTATE: {Stage.EXCLUDED: SUSPENDABLE},
    Act.UNHEEDED: _everywhere(),
}
"""From which stage an act may lead to which. ``nominate`` is not here: it is how a candidacy comes to be."""

ORDERS: Final = frozenset({Act.SUSPEND, Act.RESTORE, Act.EXCLUDE, Act.REINSTATE})
"""What a suspension may tell a candidacy to do."""
_BEGIN: Final = frozenset({Act.SUSPEND, Act.REINSTATE})
"""What a suspension begins with, or begins again with."""


Documents = Annotated[tuple[Line, ...], Field(max_length=20)]
"""What the candidate gave as evidence, by name."""


class Answer(Model):
    """The candidate's answer on one criterion."""

    criterion: CriterionKey
    affirmed: StrictBool
    # Left out where there is none, as in the declarations that were closed over before any could be given.
    evidence: Documents = Field(default=(), exclude_if=lambda documents: not documents)


class Declaration(Model):
    """The candidate's consent and one answer per criterion: the content of ``declare``."""

    consent: StrictBool
    answers: tuple[Answer, ...] = Field(min_length=1, max_length=40)
    received: Line | None = None


class Reason(Model):
    """Why: the content of ``decline``, ``withdraw`` and others; the words stay on file and go into no letter."""

    reason: Prose


class InformationRequest(Model):
    """What the desk asks the candidate: the content of ``request_information``; sent as it stands."""

    question: Prose


class Information(Model):
    """What the candidate supplied: the content of ``supply_information``; ``evidence`` is that on each criterion."""

    answer: Prose
    documents: tuple[Line, ...] = Field(default=(), max_length=50)
    evidence: dict[CriterionKey, Documents] = Field(default={}, max_length=40, exclude_if=lambda given: not given)


class Correction(Model):
    """A better address or language for the letters of one reader: the content of ``correct``."""

    role: Role
    email: Address | None = None
    language: Language | None = None
    reason: Prose

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.email is None and self.language is None:
            raise ValueError("names neither an address nor a language to correct")
        return self


class Word(Model):
    """What a list tells a candidacy."""

    decision: str
    act: Act
    list: ListReference
    hash: str
    seat: SeatKind | None = None
    rank: int | None = Field(default=None, ge=1)
    ratification: bool = False


class Measure(StrEnum):
    """What a suspension takes away while it lasts; the order is from nothing to everything."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class Order(Model):
    """What a suspension tells a candidacy: suspend, restore, exclude, or come back from an exclusion that is undone.

    Attributes:
        decision: The order's id.
        act: ``suspend``, ``restore``, ``exclude`` or ``reinstate``.
        suspension: The workflow of the suspension, which is told what came of it.
        number: Which of the participant's suspensions it is, from 1.
        measure: What is taken away from here on.
        why: For a restoration, how the suspension ended.
        contact: For a suspension, where it has the participant's letters sent.
    """

    decision: str
    act: Act
    suspension: str
    number: int = Field(ge=1)
    measure: Measure = Measure.NONE
    why: str | None = None
    contact: Contact | None = None


class TidingKind(StrEnum):
    """What a candidacy tells its suspension."""

    OBEYED = "obeyed"
    UNHEEDED = "unheeded"
    ENDED = "ended"
    CONTACT = "contact"


class Tiding(Model):
    """What a candidacy tells its suspension.

    Attributes:
        decision: The tiding's id.
        kind: What it is.
        order: The order it answers.
        stage: Where the candidacy stands.
        contact: Where the participant's letters go from here on.
    """

    decision: str
    kind: TidingKind
    order: str | None = None
    stage: Stage | None = None
    contact: Contact | None = None


class UnderReview(Model):
    """The suspension that is open on a participant, and what it takes away."""

    suspension: str
    number: int
    measure: Measure


class CandidacyState(CaseState):
    """The whole of a candidacy.

    Attributes:
        limit_from: The *dies a quo* of the limit that runs at this stage.
        round: The vetting round; supplied information begins a new one, since an assessment is of the whole file.
        list_reference, list_hash, place, rank: What the list says of this candidacy.
        awaits_ratification: Approved, and the plenary has yet to speak.
        file: What the checks found and what officers said of it; None until there is anything.
        review: The suspension that is open.
        suspensions: How many there have been, with the open one.
        reinstated: How often an exclusion was undone.
        evidence: What the candidate gave as evidence, by criterion.
    """

    fingerprint: Fingerprint
    terms: Terms
    nomination: Nomination
    stage: Stage
    limit_from: AwareDatetime
    round: int = 1
    assessments: tuple[Assessed, ...] = ()
    list_reference: ListReference | None = None
    list_hash: str | None = None
    place: SeatKind | None = None
    rank: int | None = None
    awaits_ratification: bool = False
    file: VettingFile | None = None
    # Left out where there are none, as in the states that were written down before anybody could be suspended.
    review: UnderReview | None = Field(default=None, exclude_if=lambda review: review is None)
    suspensions: int = Field(default=0, exclude_if=lambda number: number == 0)
    reinstated: int = Field(default=0, exclude_if=lambda number: number == 0)
    evidence: dict[CriterionKey, tuple[Line, ...]] = Field(default={}, exclude_if=lambda given: not given)

    @property
    def workflow_id(self) -> str:
        """The workflow that carries this case."""
        return candidacy_workflow_id(self.terms.session, self.fingerprint)

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.stage in ENDINGS

    @property
    def evidence_file(self) -> EvidenceFile:
        """What evidence the session asks for, and what there is."""
        return EvidenceFile(required=self.terms.evidence, given=self.evidence)

    def limit(self, limit: Limit) -> AwareDatetime:
        """The instant at which a limit that runs from the present *dies a quo* ends."""
        return expiry(self.limit_from, limit, self.terms.closed_days)


def agenda(state: CandidacyState) -> tuple[Due, ...]:
    """What the candidacy does by itself from here on if nobody acts, earliest first.

    Computed anew each time, so that a change of dates, or undoing a decision, never restores an old deadline.
    """
    if state.ended:
        return ()
    limits = state.terms.limits
    handled = max(state.mark, state.entered)
    due: list[Due] = [Due(at=state.terms.closing, kind=Act.EXPIRE)]

    def remind(deadline: AwareDatetime) -> None:
        mornings = (morning_before(deadline, days) for days in limits.reminders)
        due.extend(Due(at=morning, kind=Act.REMIND) for morning in mornings if morning > handled)

    def escalate(deadline: AwareDatetime) -> None:
        due.append(Due(at=next_escalation(deadline, handled, limits.escalation_every), kind=Act.ESCALATE))

    match state.stage:
        case Stage.NOMINATED:
            deadline = state.limit(limits.answer)
            due.append(Due(at=deadline, kind=Act.LAPSE))
            remind(deadline)
        case Stage.VETTING:
            deadline = state.limit(limits.vetting)
            remind(deadline)
            escalate(deadline)
        case Stage.INFORMATION_REQUESTED:
            deadline = state.limit(limits.information)
            due.append(Due(at=deadline, kind=Act.RESUME))
            remind(deadline)
        case Stage.CLEARED | Stage.PROPOSED:
            escalate(end_of(state.terms.bureau_meets))
        case Stage.APPROVED if not state.awaits_ratification:
            due.append(Due(at=state.terms.opening, kind=Act.BEGIN))
        case Stage.PARTICIPANT:
            notice = morning_before(state.terms.closing, limits.expiry_notice)
            if notice > handled:
                due.append(Due(at=notice, kind=Act.NOTIFY_EXPIRY))
    # Two things due at one instant: the session's end comes last, so that what was due before it still happens.
    return tuple(sorted(due, key=lambda item: (item.at, item.kind == Act.EXPIRE)))


def deadline(state: CandidacyState) -> AwareDatetime | None:
    """The instant an officer would call the case's deadline, also once it has passed; None for one that has ended."""
    limits = state.terms.limits
    match state.stage:
        case Stage.NOMINATED:
            return state.limit(limits.answer)
        case Stage.VETTING:
            return state.limit(limits.vetting)
        case Stage.INFORMATION_REQUESTED:
            return state.limit(limits.information)
        case Stage.CLEARED | Stage.PROPOSED:
            return end_of(state.terms.bureau_meets)
        case Stage.APPROVED if not state.awaits_ratification:
            return state.terms.opening
        case _:
            return None if state.ended else state.terms.closing


def check(state: CandidacyState, act: Act) -> None:
    """Ask the table whether an act is legal at the case's stage.

    Raises:
        NotAtThisStage: It is not; the message says from where it would be.
    """
    check_move(CaseKind.CANDIDACY, act, state.stage, MOVES[act])


def check_nomination(nomination_terms: Terms, at: AwareDatetime) -> None:
    """Whether a nomination may still be taken.

    Raises:
        OutOfTime: Nominations have closed, or the session has.
    """
    if at >= min(nomination_terms.nominations_end, nomination_terms.closing):
        raise OutOfTime(
            f"nominations for {nomination_terms.session} closed at the end of {nomination_terms.nominations_close}",
            rule="nominations-close",
        )


def check_command(state: CandidacyState, envelope: Envelope[Model], at: AwareDatetime) -> None:
    """Whether an officer's command may be taken now.

    Raises:
        Refusal: It may not; the message says which rule forbids it.
    """
    check(state, Act(envelope.act))
    if at >= state.terms.closing:
        raise OutOfTime(f"session {state.terms.session} has ended", rule="session-closed")
    keys = state.terms.criteria
    match envelope.content:
        case Declaration() as declaration:
            if at >= state.limit(state.terms.limits.answer):
                raise OutOfTime("the time-limit for the declaration has passed", rule="answer-limit")
            answer_each(keys, [answer.criterion for answer in declaration.answers], "an answer")
        case Assessment() as assessment:
            answer_each(keys, [finding.criterion for finding in assessment.findings], "a finding")
            if any(given.officer == envelope.signer for given in state.assessments):
                raise SamePerson(
                    f"{envelope.signer} has assessed this candidacy in this round; two officers means two persons",
                    rule="two-officers",
                )
            if weigh(keys, state.assessments)[0] is VettingResult.UNRESOLVED:
                raise NotAtThisStage(
                    "three officers have assessed this candidacy; only information supplied opens another round",
                    rule="unresolved-needs-information",
                )
        case Information(evidence=evidence) if unknown := [key for key in evidence if key not in keys]:
            raise IncompleteAnswer(
                f"{', '.join(unknown)} is no criterion of this session; they are {', '.join(keys)}",
                rule="criterion-of-session",
            )
        case Resolution() as resolution:
            check_resolution(state.file, resolution, envelope.signer)
        case Functions() as functions:
            check_functions(state.file, functions)
        case ExceptionReason() as exception:
            check_exception(state.file, exception, envelope.signer)
        case Correction(role=role) if role in OFFICES:
            raise NotAtThisStage(
                f"the {role.value}'s address is a setting, not part of a case", rule="candidacy-correct"
            )
        case Correction() as correction if _corrected(state.nomination, correction) == state.nomination:
            raise NothingToChange("the letters go there already, in that language", rule="nothing-to-change")
        case _:
            pass


def open_case(
    envelope: Envelope[Nomination],
    *,
    terms: Terms,
    fingerprint: str,
    statements: tuple[str, ...],
    at: AwareDatetime,
) -> Outcome[CandidacyState]:
    """A candidacy's first step: receipt to the nominator, invitation to the candidate with what to do and by when.

    Raises:
        OutOfTime: Nominations have closed.
    """
    check_nomination(terms, at)
    nomination = envelope.content
    step = envelope.step(seq=1, at=at, before="", stage=Stage.NOMINATED)
    state = CandidacyState(
        seq=1,
        entered=at,
        mark=at,
        decisions={step.decision: 1},
        fingerprint=fingerprint,
        terms=terms,
        nomination=nomination,
        stage=Stage.NOMINATED,
        limit_from=at,
    )
    invitation = Facts(act_by=_last_day(state.limit(terms.limits.answer)), statements=statements)
    return Outcome(
        state=state,
        step=step,
        notices=(
            Notice(template=Template.RECEIPT, role=Role.NOMINATOR, to=nomination.nominator),
            _to_candidate(state, Template.INVITATION, invitation),
        ),
    )


def command(
    state: CandidacyState, envelope: Envelope[Model], at: AwareDatetime, *, screening_awaited: bool = False
) -> Outcome[CandidacyState]:
    """Take an officer's command that ``check_command`` let pass.

    Args:
        state: The case.
        envelope: The command.
        at: The calendar's reading.
        screening_awaited: A first screening is under way; nobody is cleared before it answers.
    """
    act = Act(envelope.act)
    changes: dict[str, object] = {}
    notices: list[tuple[Template, Facts]] = []
    desk: list[Notice] = []
    dispatches: tuple[Dispatch, ...] = ()
    effects: list[str] = []
    stage = state.stage
    match envelope.content:
        case Declaration() as declaration:
            refused = [answer.criterion for answer in declaration.answers if not answer.affirmed]
            if refused or not declaration.consent:
                stage = Stage.INELIGIBLE
                effects += [f"not-affirmed:{key}" for key in refused] or ["no-consent"]
                notices.append((Template.INELIGIBLE, Facts()))
            else:
                stage = Stage.VETTING
                notices.append((Template.DECLARED, Facts()))
                changes["evidence"] = {
                    answer.criterion: answer.evidence for answer in declaration.answers if answer.evidence
                }
        case Assessment() as assessment:
            given = Assessed(
                officer=envelope.signer,
                at=at,
                judgements={finding.criterion: finding.judgement for finding in assessment.findings},
            )
            assessments = (*state.assessments, given)
            changes["assessments"] = assessments
            result, criteria = weigh(state.terms.criteria, assessments)
            effects.append(f"vetting:{result.value}")
            effects += [f"criterion:{key}" for key in criteria]
            match result:
                case VettingResult.CLEARED:
                    held = obstacles(state.file, state.evidence_file, awaited=screening_awaited)
                    effects += [f"held:{obstacle.value}" for obstacle in held]
                    if not held:
                        stage = Stage.CLEARED
                case VettingResult.INELIGIBLE:
                    stage = Stage.INELIGIBLE
                    notices.append((Template.INELIGIBLE, Facts()))
                case VettingResult.THIRD_NEEDED:
                    desk.append(_to_desk(Template.DESK_THIRD_ASSESSMENT))
                case VettingResult.UNRESOLVED:
                    desk.append(_to_desk(Template.DESK_UNRESOLVED))
                case VettingResult.AWAITED:
                    pass
        case InformationRequest() as request:
            stage = Stage.INFORMATION_REQUESTED
            asked = state.model_copy(update={"limit_from": at})
            by = _last_day(asked.limit(state.terms.limits.information))
            notices.append((Template.INFORMATION_REQUEST, Facts(text=request.question, act_by=by)))
        case Information() as information:
            stage = Stage.VETTING
            changes |= {"round": state.round + 1, "assessments": ()}
            if information.evidence:
                before = state.evidence
                more = {key: (*before.get(key, ()), *given) for key, given in information.evidence.items()}
                changes["evidence"] = before | more
            effects.append(f"round:{state.round + 1}")
        case Resolution() as resolution:
            word = Resolved(
                officer=envelope.signer, at=at, hit=resolution.hit, digest=resolution.digest, verdict=resolution.verdict
            )
            file = _file(state).model_copy(update={"resolved": (*_file(state).resolved, word)})
            stage, changes["file"] = _unless_held(state, file, awaited=screening_awaited), file
        case Functions() as functions:
            file = _file(state).model_copy(update={"functions": functions})
            stage, changes["file"] = _unless_held(state, file, awaited=screening_awaited), file
        case ExceptionReason() as exception:
            signature = Signed(officer=envelope.signer, at=at, digest=exception.digest, version=RULE.version)
            file = _file(state).model_copy(update={"exceptions": (*_file(state).exceptions, signature)})
            stage, changes["file"] = _unless_held(state, file, awaited=screening_awaited), file
        case Correction() as correction:
            changes["nomination"] = nomination = _corrected(state.nomination, correction)
            effects.append(f"contact:{correction.role.value}")
            if correction.role is Role.CANDIDATE:
                dispatches = _tell_review(state, TidingKind.CONTACT, contact=nomination.candidate.contact)
        case Reason():
            match act:
                case Act.WITHDRAW:
                    stage = Stage.WITHDRAWN
                    notices.append((Template.WITHDRAWN, Facts()))
                case Act.RECORD_DEATH:
                    stage = Stage.DECEASED
                case _:
                    stage = Stage.DECLINED
                    notices.append((Template.DECLINED, Facts()))
            dispatches = (*_leave_list(state, effects), *_end_review(state, stage, effects))
        case other:
            raise TypeError(f"no candidacy takes {type(other).__name__}")
    step = envelope.step(seq=state.seq + 1, at=at, before=state.stage, stage=stage, effects=tuple(effects))
    return _moved(state, step, stage, at, changes, notices, desk, dispatches)


def screened(state: CandidacyState, answer: Screened, at: AwareDatetime) -> Outcome[CandidacyState] | None:
    """Take what the lists say, and what else was checked; None where there is nothing new to record.

    A hit that is new, and is not a hostile list's, reaches the desk by letter once the candidate has been cleared:
    nobody would look for it any more.
    """
    before = state.file.screening if state.file is not None else None
    now = screened_again(before, Screening(at=at, asked=answer.asked, hits=answer.hits, silent=answer.silent))
    doubts = _file(state).doubts if answer.doubts is None else answer.doubts
    file = _file(state).model_copy(update={"screening": now, "doubts": doubts})
    stage = _unless_held(state, file)
    known = before if before is not None else Screening(at=at)
    same = (known.asked, known.hits, known.silent, _file(state).doubts) == (now.asked, now.hits, now.silent, doubts)
    if same and stage is state.stage:
        return None
    fresh = [hit for hit in new_hits(before, now) if hit.watchlist.trust is not Trust.HOSTILE]
    # Whoever takes part can be suspended for it.
    ground = SCREENING_HIT if stage in SUSPENDABLE else None
    told = Facts(hits=tuple(hit.id for hit in fresh), ground=ground)
    desk = [_to_desk(Template.DESK_HIT, told)] if fresh and stage in _AFTER_VETTING else []
    step = unsigned_step(
        state,
        Act.SCREEN,
        Trigger.TIME,
        at,
        before=state.stage,
        stage=stage,
        decision=f"screening:{state.seq + 1}",
        # Nothing here says whether anything was found: effects are not personal data.
        effects=[f"silent:{silence.what}" for silence in now.silent],
        content=answer,
    )
    return _moved(state, step, stage, at, {"file": file}, [], desk)


_AFTER_VETTING: Final = frozenset(
    {Stage.CLEARED, Stage.PROPOSED, Stage.RESERVE, Stage.APPROVED, Stage.PARTICIPANT, Stage.SUSPENDED}
)


def _file(state: CandidacyState) -> VettingFile:
    return state.file or VettingFile()


def _unless_held(state: CandidacyState, file: VettingFile, *, awaited: bool = False) -> Stage:
    """The stage that follows from the assessments given, now that the checks stand as they do."""
    if state.stage is not Stage.VETTING or obstacles(file, state.evidence_file, awaited=awaited):
        return state.stage
    clear = weigh(state.terms.criteria, state.assessments)[0] is VettingResult.CLEARED
    return Stage.CLEARED if clear else state.stage


def hear(state: CandidacyState, word: Word, at: AwareDatetime) -> Outcome[CandidacyState]:
    """Take a list's word. Word that does not fit the stage any more is noted and changes nothing."""
    act = word.act
    of_this_list = word.list == state.list_reference
    of_none_yet = state.list_reference is None and act in {Act.PROPOSE, Act.RESERVE, Act.NOT_RETAIN}
    fits = state.stage in MOVES[act] and (of_this_list or of_none_yet)
    changes: dict[str, object] = {}
    notices: list[tuple[Template, Facts]] = []
    effects: list[str] = []
    stage = state.stage
    if not fits:
        effects.append(f"not-at-stage:{act.value}")
        act = Act.UNHEEDED
    on_list = {"list_reference": word.list, "list_hash": word.hash, "place": word.seat, "rank": word.rank}
    match act:
        case Act.PROPOSE | Act.RESERVE:
            stage = Stage.PROPOSED if act is Act.PROPOSE else Stage.RESERVE
            changes |= on_list
        case Act.CONFIRM_RESERVE:
            changes["rank"] = word.rank
            notices.append((Template.RESERVE, Facts(rank=word.rank)))
        case Act.SEND_BACK | Act.REFUSE_RATIFICATION:
            stage = Stage.CLEARED
            changes |= dict.fromkeys(on_list) | {"awaits_ratification": False}
            if act is Act.REFUSE_RATIFICATION:
                notices.append((Template.RATIFICATION_REFUSED, Facts()))
        case Act.APPROVE:
            begun = at >= state.terms.opening and not word.ratification
            stage = Stage.PARTICIPANT if begun else Stage.APPROVED
            changes |= on_list | {"awaits_ratification": word.ratification}
            begins = day_of(max(at, state.terms.opening))
            facts = Facts(begins=begins, closes=state.terms.closes, ratification=word.ratification)
            notices.append((Template.APPROVED, facts))
        case Act.RATIFY:
            changes["awaits_ratification"] = False
            if at >= state.terms.opening:
                stage = Stage.PARTICIPANT
                notices.append((Template.PARTICIPATION, Facts(begins=day_of(at), closes=state.terms.closes)))
            else:
                effects.append("ratified")
        case Act.NOT_RETAIN:
            stage = Stage.NOT_RETAINED
            notices.append((Template.NOT_RETAINED, Facts()))
        case _:
            pass
    step = unsigned_step(
        state,
        act,
        Trigger.CASE,
        at,
        before=state.stage,
        stage=stage,
        decision=word.decision,
        effects=effects,
        content=word,
    )
    return _moved(state, step, stage, at, changes, notices)


def obey(state: CandidacyState, order: Order, at: AwareDatetime) -> Outcome[CandidacyState]:
    """Take a suspension's order. One that does not fit any more is noted, and the suspension is told."""
    act = order.act
    review = state.review
    known = review is not None and review.suspension == order.suspension
    fits = act in ORDERS and state.stage in MOVES[act] and (known or (act in _BEGIN and review is None))
    changes: dict[str, object] = {}
    effects: list[str] = []
    dispatches: tuple[Dispatch, ...] = ()
    stage = state.stage
    answer: TidingKind | None = None
    if not fits:
        effects.append(f"not-at-stage:{act.value}")
        act = Act.UNHEEDED
        answer = TidingKind.UNHEEDED
    match act:
        case Act.SUSPEND | Act.REINSTATE:
            stage = Stage.PARTICIPANT if order.measure is Measure.NONE else Stage.SUSPENDED
            if act is Act.REINSTATE:
                changes["reinstated"] = state.reinstated + 1
                effects.append(f"undoes:{state.stage.value}")
                dispatches = _return_to_list(state, effects)
                effects += _restored(state, stage, at)
            effects += [f"suspension:{order.number}", f"measure:{order.measure.value}"]
            changes["review"] = UnderReview(suspension=order.suspension, number=order.number, measure=order.measure)
            changes["suspensions"] = max(state.suspensions, order.number)
            contact = state.nomination.candidate.contact
            if order.contact != contact:
                # Mended while the order was on its way, when nobody here knew whom to tell.
                dispatches += (_tiding(state, order.suspension, TidingKind.CONTACT, contact=contact),)
        case Act.RESTORE | Act.EXCLUDE:
            stage = Stage.PARTICIPANT if act is Act.RESTORE else Stage.EXCLUDED
            answer = TidingKind.OBEYED
            changes["review"] = None
            effects += [f"ends:suspension:{order.number}"]
            effects += [f"ends:measure:{review.measure.value}"] if review is not None else []
            if act is Act.RESTORE:
                effects += [f"outcome:{order.why}"] if order.why is not None else []
                effects += _restored(state, stage, at)
            else:
                dispatches = _leave_list(state, effects)
        case _:
            pass
    if answer is not None:
        dispatches += (_tiding(state, order.suspension, answer, order=order.decision, stage=stage),)
    step = unsigned_step(
        state,
        act,
        Trigger.CASE,
        at,
        before=state.stage,
        stage=stage,
        decision=order.decision,
        effects=effects,
        content=order,
    )
    return _moved(state, step, stage, at, changes, [], dispatches=dispatches)


def _restored(state: CandidacyState, stage: Stage, at: AwareDatetime) -> list[str]:
    """What comes back with a stage: taking part, and what the case then does by itself again, computed anew."""
    again = state.model_copy(update={"stage": stage, "entered": at})
    takes_part = stage is Stage.PARTICIPANT and state.stage is not Stage.PARTICIPANT
    effects = ["restores:participation"] if takes_part else []
    return effects + [f"restores:{due.kind}" for due in agenda(again) if due not in agenda(state)]


def come_due(state: CandidacyState, due: Due, at: AwareDatetime) -> Outcome[CandidacyState]:
    """Take what is due.

    Args:
        state: The case.
        due: The earliest item of its agenda.
        at: The calendar's reading, not before ``due.at``; later where nobody ran the case in between.
    """
    act = Act(due.kind)
    terms = state.terms
    notices: list[tuple[Template, Facts]] = []
    desk: list[Notice] = []
    effects: list[str] = []
    dispatches: tuple[Dispatch, ...] = ()
    stage = state.stage
    limit = deadline(state)
    # What fell due while nobody ran the case is overtaken by this step: one reminder, not one for each week missed.
    handled = max(at, due.at)
    match act:
        case Act.REMIND | Act.NOTIFY_EXPIRY if limit is not None and at >= limit:
            # To remind now would ask for what cannot be done any more; what the limit itself brings is still to come.
            handled = limit - timedelta.resolution
            effects.append("too-late")
        case Act.REMIND if stage is Stage.VETTING:
            by = _last_day(state.limit(terms.limits.vetting))
            desk.append(_to_desk(Template.DESK_VETTING_REMINDER, Facts(act_by=by)))
        case Act.REMIND if stage is Stage.NOMINATED:
            notices.append((Template.REMINDER, Facts(act_by=_last_day(state.limit(terms.limits.answer)))))
        case Act.REMIND:
            by = _last_day(state.limit(terms.limits.information))
            notices.append((Template.INFORMATION_REMINDER, Facts(act_by=by)))
        case Act.LAPSE:
            stage = Stage.LAPSED
            notices.append((Template.LAPSED, Facts()))
        case Act.RESUME:
            stage = Stage.VETTING
            notices.append((Template.INFORMATION_CLOSED, Facts()))
        case Act.ESCALATE:
            overdue = "vetting" if stage is Stage.VETTING else "decision"
            desk.append(_to_desk(Template.DESK_OVERDUE, Facts(overdue=overdue)))
        case Act.BEGIN:
            stage = Stage.PARTICIPANT
            notices.append((Template.PARTICIPATION, Facts(begins=day_of(due.at), closes=terms.closes)))
        case Act.NOTIFY_EXPIRY:
            notices.append((Template.EXPIRY_NOTICE, Facts(closes=terms.closes)))
        case Act.EXPIRE:
            stage = Stage.EXPIRED
            notices.append((Template.EXPIRED, Facts(closes=terms.closes)))
            dispatches = _end_review(state, stage, effects)
        case _:
            raise ValueError(f"{act.value} does not come due by itself")
    step = unsigned_step(state, act, Trigger.TIME, at, before=state.stage, stage=stage, effects=effects)
    return _moved(state, step, stage, at, {"mark": handled}, notices, desk, dispatches)


def rearm(state: CandidacyState, terms: Terms, at: AwareDatetime) -> Outcome[CandidacyState]:
    """Take the session's new dates. A reader whose own dates move is told."""
    moved = affected(state, terms)
    notices: list[tuple[Template, Facts]] = []
    if moved and state.stage in {Stage.APPROVED, *SUSPENDABLE}:
        notices.append((Template.DATES_CHANGED, Facts(begins=terms.opens, closes=terms.closes)))
    effects = [f"moved:{kind}" for kind in moved]
    step = unsigned_step(
        state,
        Act.REARM,
        Trigger.CASE,
        at,
        before=state.stage,
        stage=state.stage,
        decision=terms_decision(terms),
        content=terms,
        effects=effects,
    )
    return _moved(state, step, state.stage, at, {"terms": terms}, notices)


def affected(state: CandidacyState, terms: Terms) -> tuple[str, ...]:
    """Which kinds of date of this case would move under other terms, in order of date."""
    # A beginning that still waits for the plenary was announced, so it moves like any other.
    expected = state.model_copy(update={"awaits_ratification": False})
    before = {(due.kind, due.at) for due in agenda(expected)}
    after = agenda(expected.model_copy(update={"terms": terms}))
    return tuple(dict.fromkeys(due.kind for due in after if (due.kind, due.at) not in before))


def _last_day(instant: AwareDatetime) -> date:
    return day_of(instant - timedelta(microseconds=1))


def _to_candidate(state: CandidacyState, template: Template, facts: Facts) -> Notice:
    return Notice(template=template, role=Role.CANDIDATE, to=state.nomination.candidate.contact, facts=facts)


def _to_desk(template: Template, facts: Facts | None = None) -> Notice:
    return Notice(template=template, role=Role.DESK, facts=facts or Facts())


def vacancy_decision(reference: str, returned: int = 0) -> str:
    """The id under which a list knows that a candidacy has left it, whoever finds out first; each time it leaves."""
    return _each_time(f"vacate:{reference}", returned)


def _leave_list(state: CandidacyState, effects: list[str]) -> tuple[Dispatch, ...]:
    """Word to the list that a place on it is free; it is noted among the effects."""
    if state.stage not in ON_A_LIST or state.list_reference is None:
        return ()
    effects.append(f"vacates:{state.list_reference}")
    return (_to_list(state, state.list_reference, "vacate", vacancy_decision(state.reference, state.reinstated)),)


def _end_review(state: CandidacyState, ending: Stage, effects: list[str]) -> tuple[Dispatch, ...]:
    """Word to the suspension that is open, if one is, that the candidacy has ended; it is noted among the effects."""
    if state.review is not None:
        effects.append(f"ends:suspension:{state.review.number}")
    return _tell_review(state, TidingKind.ENDED, stage=ending)


def answer_again(state: CandidacyState, order: Order) -> Tiding | None:
    """The answer to an order that asks for no step: the candidacy has ended, or it was obeyed before.

    An order is repeated where a server was lost with all that was on its way, the first answer perhaps among it.
    """
    if state.ended:
        decision = f"{state.reference}/{state.seq}/found-ended"
        return Tiding(decision=decision, kind=TidingKind.ENDED, order=order.decision, stage=state.stage)
    contact = state.nomination.candidate.contact
    if order.act in _BEGIN and order.contact != contact:
        known = digest(contact.model_dump(mode="json"))[:16]
        return Tiding(decision=f"{state.reference}/{known}/contact", kind=TidingKind.CONTACT, contact=contact)
    if order.act is Act.RESTORE:
        decision = f"{state.reference}/{state.decisions[order.decision]}/{TidingKind.OBEYED.value}"
        return Tiding(decision=decision, kind=TidingKind.OBEYED, order=order.decision, stage=state.stage)
    return None


def found_ended(reference: str, stage: Stage, *, nth: int = 0) -> Tiding:
    """What a suspension tells itself where it finds out that its candidacy has ended.

    Args:
        reference: The candidacy.
        stage: How it ended.
        nth: How often a decision of the suspension was undone, after which it can find out once more.
    """
    return Tiding(decision=_each_time(f"{reference}/found-ended", nth), kind=TidingKind.ENDED, stage=stage)


def _each_time(decision: str, nth: int) -> str:
    """The id of what is said once, and once more each time that a decision was undone."""
    return f"{decision}:{nth}" if nth else decision


def _tell_review(state: CandidacyState, kind: TidingKind, **facts: Any) -> tuple[Dispatch, ...]:
    """A tiding to the suspension that is open, if one is."""
    return (_tiding(state, state.review.suspension, kind, **facts),) if state.review is not None else ()


def _tiding(state: CandidacyState, suspension: str, kind: TidingKind, **facts: Any) -> Dispatch:
    tiding = Tiding(decision=f"{state.reference}/{state.seq + 1}/{kind.value}", kind=kind, **facts)
    return Dispatch(
        workflow_id=suspension, signal="hear", decision=tiding.decision, content=tiding.model_dump(mode="json")
    )


def _to_list(state: CandidacyState, reference: str, signal: str, decision: str) -> Dispatch:
    return Dispatch(
        workflow_id=list_workflow_id(reference),
        signal=signal,
        decision=decision,
        content={"decision": decision, "candidacy": state.reference},
    )


def _return_to_list(state: CandidacyState, effects: list[str]) -> tuple[Dispatch, ...]:
    """Word to the list that a seat is taken up again; it is noted among the effects."""
    if state.list_reference is None:
        return ()
    effects.append(f"returns-to:{state.list_reference}")
    return (_to_list(state, state.list_reference, RETURN, return_decision(state.reference, state.reinstated + 1)),)


def return_again(state: CandidacyState, workflow_id: str) -> Dispatch | None:
    """The word that a seat is taken up again, once more for a list that could not be told; None for everybody else."""
    on = state.list_reference
    if on is None or workflow_id != list_workflow_id(on) or state.ended or not state.reinstated:
        return None
    return _to_list(state, on, RETURN, return_decision(state.reference, state.reinstated))


RETURN: Final = "reinstate"
"""As what a list hears that a seat is taken up again."""


def return_decision(reference: str, returned: int) -> str:
    """The id under which a list knows that a candidacy takes up its seat again, for the how many-th time."""
    return f"reinstate:{reference}:{returned}"


def _corrected(nomination: Nomination, correction: Correction) -> Nomination:
    changes = {name: value for name in ("email", "language") if (value := getattr(correction, name)) is not None}
    if correction.role is Role.CANDIDATE:
        return nomination.model_copy(update={"candidate": nomination.candidate.model_copy(update=changes)})
    return nomination.model_copy(update={"nominator": nomination.nominator.model_copy(update=changes)})


def _moved(
    state: CandidacyState,
    step: Step,
    stage: Stage,
    at: AwareDatetime,
    changes: dict[str, object],
    notices: list[tuple[Template, Facts]],
    desk: list[Notice] | None = None,
    dispatches: tuple[Dispatch, ...] = (),
) -> Outcome[CandidacyState]:
    """The one door through which a candidacy changes; it holds the table against every step once more."""
    if stage not in MOVES[Act(step.act)][state.stage]:
        raise AssertionError(f"{step.act} cannot lead from {state.stage} to {stage}")
    if stage is not state.stage:
        changes = {"entered": at, "limit_from": at} | changes
    if stage in ENDINGS:
        changes = changes | {"review": None}
    update = {
        "seq": step.seq,
        "stage": stage,
        "decisions": state.decisions | {step.decision: step.seq},
        "outbox": (*state.outbox, *dispatches),
    } | changes
    moved = state.model_copy(update=update)
    letters = [_to_candidate(moved, template, facts) for template, facts in notices]
    return Outcome(state=moved, step=step, notices=(*letters, *(desk or ())), dispatches=dispatches)
