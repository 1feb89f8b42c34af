"""A suspension: its stages, the table of legal moves, its time-limits, and what each act leads to.

Two cases say together whether somebody takes part. The suspension knows what is held against the participant, who was
heard and what was decided; the candidacy alone knows whether its person is suspended, excluded or gone. So a suspension
orders and never ends by itself: a decision waits until the candidacy has obeyed it, and a candidacy that ends by an act
of its own ends the suspension. Whenever a suspension has ended, its candidacy is past it.

Pure: every function takes the state and the calendar's reading and gives back a value.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from domain.candidacy import (
    SCREENING_HIT,
    SUSPENDABLE,
    Act,
    CandidacyState,
    Measure,
    Order,
    Reason,
    Stage,
    Tiding,
    TidingKind,
)
from domain.checks import VettingFile
from domain.criteria import CriterionKey
from domain.envelope import Envelope
from domain.errors import (
    ConflictOfInterest,
    IncompleteAnswer,
    NoSuchHit,
    NotAtThisStage,
    NotEligible,
    NothingToChange,
    OutOfTime,
    SamePerson,
    StaleContent,
    UnfoundedWord,
    VoteNotCarried,
)
from domain.ids import CandidacyReference, Fingerprint, OfficerId, suspension_workflow_id
from domain.lists import ListState, Votes, check_seat_kept
from domain.model import Day, Line, Model, Prose
from domain.notices import Facts, Notice, Role, Template
from domain.people import Contact
from domain.screening import Hit, HitStanding, Trust, standing
from domain.session import SessionState, SuspensionLimits, Terms, terms_decision
from domain.signing import Digest
from domain.steps import CaseKind, CaseState, Dispatch, Due, Outcome, Step, Trigger, check_move, unsigned_step
from domain.timelimits import (
    Limit,
    day_of,
    end_of,
    expiry,
    last_day,
    morning_before,
    next_escalation,
    start_of,
    working_day_after,
)


class SuspensionStage(StrEnum):
    """Where a suspension stands. The last seven are its endings.

    ``decided`` waits until the candidacy has done what was decided; ``upheld`` lasts until the session's end.
    """

    OPENED = "opened"
    HEARING = "hearing"
    REVIEW = "review"
    DECIDED = "decided"
    UPHELD = "upheld"
    LIFTED = "lifted"
    EXCLUDED = "excluded"
    VOID = "void"
    LAPSED_WITH_SESSION = "lapsed_with_session"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    DECEASED = "deceased"


UNDECIDED: Final = frozenset({SuspensionStage.OPENED, SuspensionStage.HEARING, SuspensionStage.REVIEW})
OPEN: Final = UNDECIDED | {SuspensionStage.DECIDED, SuspensionStage.UPHELD}
ENDINGS: Final = frozenset(SuspensionStage) - OPEN
REVERSIBLE: Final = frozenset(
    {SuspensionStage.UPHELD, SuspensionStage.LIFTED, SuspensionStage.EXCLUDED, SuspensionStage.VOID}
)
"""What somebody decided, somebody can undo; what time, the participant or death has ended, nobody can."""


class SuspensionAct(StrEnum):
    """What can happen to a suspension: an officer's command, a time-limit, or word from another case."""

    OPEN = "open"
    SERVE = "serve"
    OBSERVE = "observe"
    WAIVE = "waive"
    EXTEND = "extend"
    ASSIGN = "assign"
    DECLARE_INTEREST = "declare_interest"
    REPORT = "report"
    DECIDE = "decide"
    VOID = "void"
    REVERSE = "reverse"
    PRESUME = "presume"
    REMIND = "remind"
    CLOSE_HEARING = "close_hearing"
    CHASE_DELIVERY = "chase_delivery"
    WARN = "warn"
    REFER = "refer"
    CONCLUDE = "conclude"
    CONTACT = "contact"
    REARM = "rearm"
    UNHEEDED = "unheeded"


ORDERING: Final = frozenset({SuspensionAct.OPEN, SuspensionAct.DECIDE, SuspensionAct.VOID})
"""Acts by which the candidacy may be given another order."""
_S = SuspensionStage


def _stay(stages: Iterable[SuspensionStage]) -> dict[SuspensionStage, frozenset[SuspensionStage]]:
    return {stage: frozenset({stage}) for stage in stages}


SUSPENSION_MOVES: Final[Mapping[SuspensionAct, Mapping[SuspensionStage, frozenset[SuspensionStage]]]] = {
    SuspensionAct.OPEN: {
        _S.OPENED: frozenset({_S.OPENED}),
        _S.HEARING: frozenset({_S.HEARING}),
        _S.REVIEW: frozenset({_S.HEARING}),
    },
    SuspensionAct.SERVE: {stage: frozenset({_S.HEARING}) for stage in (_S.OPENED, _S.HEARING)},
    SuspensionAct.OBSERVE: {
        _S.OPENED: frozenset({_S.HEARING, _S.REVIEW}),
        _S.HEARING: frozenset({_S.HEARING, _S.REVIEW}),
        _S.REVIEW: frozenset({_S.REVIEW}),
    },
    SuspensionAct.WAIVE: {stage: frozenset({_S.HEARING, _S.REVIEW}) for stage in (_S.OPENED, _S.HEARING)},
    SuspensionAct.EXTEND: _stay({_S.HEARING}),
    SuspensionAct.ASSIGN: _stay(UNDECIDED),
    SuspensionAct.DECLARE_INTEREST: _stay(UNDECIDED),
    SuspensionAct.REPORT: _stay({_S.REVIEW}),
    SuspensionAct.DECIDE: {_S.REVIEW: frozenset({_S.DECIDED, _S.UPHELD})},
    SuspensionAct.VOID: {stage: frozenset({_S.DECIDED}) for stage in UNDECIDED},
    SuspensionAct.REVERSE: dict.fromkeys(REVERSIBLE, UNDECIDED),
    SuspensionAct.PRESUME: {stage: frozenset({_S.HEARING}) for stage in (_S.OPENED, _S.HEARING)},
    SuspensionAct.REMIND: _stay({_S.HEARING}),
    SuspensionAct.CLOSE_HEARING: {_S.HEARING: frozenset({_S.HEARING, _S.REVIEW})},
    SuspensionAct.CHASE_DELIVERY: _stay({_S.OPENED, _S.HEARING}),
    SuspensionAct.WARN: _stay(UNDECIDED),
    SuspensionAct.REFER: _stay(UNDECIDED),
    SuspensionAct.CONCLUDE: {
        **{stage: frozenset({_S.WITHDRAWN, _S.DECEASED, _S.LAPSED_WITH_SESSION, _S.VOID}) for stage in UNDECIDED},
        _S.DECIDED: ENDINGS - {_S.EXPIRED},
        _S.UPHELD: frozenset({_S.EXPIRED, _S.WITHDRAWN, _S.DECEASED, _S.VOID}),
    },
    SuspensionAct.CONTACT: _stay(OPEN),
    SuspensionAct.REARM: _stay(OPEN),
    SuspensionAct.UNHEEDED: _stay(OPEN),
}
"""From which stage an act may lead to which. The first ``open`` is not here: it is how a suspension comes to be."""


CRITERION: Final = "criterion:"
GroundKey = Annotated[
    str,
    StringConstraints(pattern=r"^(criterion:[a-z][a-z0-9-]{1,39}|banned-symbol|screening-hit|complaint)$"),
]
"""What a suspension is for: a criterion of the session, named, or one of the other triggers."""


class Evidence(Model):
    """A document the case rests on: where it is, and for a file the digest of what was read.

    Or a hit of a screening, as it stood on the candidacy; ``source`` says it in a line, ``sha256`` is of the entry.
    """

    source: Line
    sha256: Digest | None = None
    # Left out where there is none, as in the charges that were closed over before one could be attached.
    hit: Hit | None = Field(default=None, exclude_if=lambda hit: hit is None)


def evidence_of(hit: Hit) -> Evidence:
    """A hit, attached as evidence."""
    of = hit.watchlist
    source = f"{hit.id}: {of.name} ({of.publisher:.60}), version {hit.version}, entry {hit.entry:.60}, {hit.score:.2f}"
    return Evidence(source=source, sha256=hit.digest, hit=hit)


class _Measured(Model):
    """What is taken away, and for a part of it, which."""

    measure: Measure
    scope: Line | None = None

    @model_validator(mode="after")
    def _partial_says_what(self) -> Self:
        if (self.measure is Measure.PARTIAL) != (self.scope is not None):
            raise ValueError("a partial measure says what it covers, and no other does")
        return self


class Charge(_Measured):
    """The content of ``open``: a trigger, its evidence, and what is to be taken away in the meantime."""

    ground: GroundKey
    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=50)
    reason: Prose


Grounds = Annotated[tuple[Annotated[int, Field(ge=1, le=999)], ...], Field(max_length=100)]
"""The numbers of grounds an act is about; every one it can be about, where none is named."""


class Service(Model):
    """The content of ``serve``: how a notice reached the participant, and on which day."""

    how: Line
    on: Day
    grounds: Grounds = ()


class Observations(Model):
    """The content of ``observe``: what the participant answered, recorded by the desk."""

    answer: Prose
    documents: tuple[Line, ...] = Field(default=(), max_length=50)
    grounds: Grounds = ()


class Waiver(Model):
    """The content of ``waive``: the participant does not want to answer, and how the desk knows."""

    how: Line
    grounds: Grounds = ()


class Extension(Model):
    """The content of ``extend``: more days to answer."""

    days: int = Field(ge=1, le=365)
    reason: Prose
    grounds: Grounds = ()


class Assignment(Model):
    """The content of ``assign``."""

    reviewer: OfficerId


class Recommendation(StrEnum):
    """What the Bureau can decide."""

    LIFTED = "lifted"
    UPHELD = "upheld"
    EXCLUDED = "excluded"


class ReviewReport(Model):
    """The content of ``report``: what the reviewer found and recommends."""

    text: Prose
    recommendation: Recommendation
    documents: tuple[Line, ...] = Field(default=(), max_length=50)


class SuspensionDecision(Model):
    """The content of ``decide``. ``measure`` is what stays taken away where the suspension is upheld."""

    outcome: Recommendation
    reference: Line
    votes: Votes
    reason: Prose
    measure: Measure | None = None
    scope: Line | None = None

    @model_validator(mode="after")
    def _measured(self) -> Self:
        if self.outcome is not Recommendation.UPHELD and self.measure is not None:
            raise ValueError("only a suspension that is upheld has a measure")
        if self.measure is Measure.NONE:
            raise ValueError("a suspension that takes nothing away is lifted, not upheld")
        if (self.measure is Measure.PARTIAL) != (self.scope is not None):
            raise ValueError("a partial measure says what it covers, and no other does")
        return self


class Reversal(_Measured):
    """The content of ``reverse``: the decision is undone, and the case is under review again with this measure."""

    reference: Line
    votes: Votes
    reason: Prose


class HeardBy(StrEnum):
    """Why the hearing on a ground is over."""

    ANSWER = "answer"
    WAIVER = "waiver"
    TIME = "time"


class Ground(Model):
    """One thing held against the participant.

    Attributes:
        number: Its number within the suspension, from 1.
        ground, evidence, reason: What it is.
        opener: The officer who opened or joined it.
        noticed: When its notice was decided.
        served_on, served_how: On which day and how it was delivered; empty until that is established.
        established: When delivery was established.
        extensions: Days added to the time-limit, in order.
        heard: Why the hearing on it is over; empty until it is.
    """

    number: int = Field(ge=1)
    ground: GroundKey
    evidence: tuple[Evidence, ...]
    reason: Prose
    opener: OfficerId
    noticed: AwareDatetime
    served_on: date | None = None
    served_how: Line | None = None
    established: AwareDatetime | None = None
    extensions: tuple[int, ...] = ()
    heard: HeardBy | None = None


class Decided(Model):
    """A decision that is being carried out, or was."""

    outcome: SuspensionStage
    order: str | None = None
    reference: Line | None = None
    reason: Prose | None = None


class SuspensionState(CaseState):
    """The whole of a suspension.

    Attributes:
        fingerprint, number: Whose it is, and which of that person's in this session.
        candidacy, candidacy_workflow: The case it belongs to.
        participant: Where the participant's letters go.
        measure, scope: What is taken away.
        since: From when the interim measure's maximum length counts.
        interested: Officers who have declared an interest.
        referred: When the case was last referred to the Bureau.
        order: What the candidacy was last told to do.
        reversals: How often a decision was undone.
    """

    fingerprint: Fingerprint
    number: int = Field(ge=1)
    terms: Terms
    candidacy: CandidacyReference
    candidacy_workflow: str
    participant: Contact
    stage: SuspensionStage
    measure: Measure
    scope: Line | None = None
    since: AwareDatetime
    grounds: tuple[Ground, ...] = Field(min_length=1)
    reviewer: OfficerId | None = None
    interested: tuple[OfficerId, ...] = ()
    report: ReviewReport | None = None
    referred: AwareDatetime | None = None
    decided: Decided | None = None
    order: Order | None = None
    # Left out where there are none, as in the states that were written down before what has ended could be undone.
    reversals: int = Field(default=0, exclude_if=lambda number: number == 0)

    @property
    def workflow_id(self) -> str:
        """The workflow that carries this case."""
        return suspension_workflow_id(self.terms.session, self.fingerprint, self.number)

    @property
    def ended(self) -> bool:
        """Whether nothing happens to it any more by itself; what was decided can still be reversed."""
        return self.stage in ENDINGS

    @property
    def limits(self) -> SuspensionLimits:
        """The lengths of its time-limits."""
        return self.terms.limits.suspension

    @property
    def openers(self) -> frozenset[str]:
        """The officers who opened it or joined a ground."""
        return frozenset(ground.opener for ground in self.grounds)

    @property
    def must_be_decided_by(self) -> AwareDatetime:
        """The end of the interim measure's maximum length."""
        return expiry(self.since, self.limits.interim, self.terms.closed_days)

    def answer_by(self, ground: Ground) -> AwareDatetime | None:
        """The instant at which the time to answer on a ground ends; None before delivery is established.

        An extension is a limit of its own, which runs from the last day of the one before it.
        """
        if ground.served_on is None:
            return None
        closed = self.terms.closed_days
        day = last_day(start_of(ground.served_on), self.limits.hearing, closed)
        for days in ground.extensions:
            day = last_day(start_of(day), Limit(days=days), closed)
        return end_of(day)

    def presumed_on(self, ground: Ground) -> date | None:
        """The day on which a notice counts as delivered if nothing else is known; None where that is not presumed."""
        days = self.limits.presumed_delivery
        return None if days is None else working_day_after(ground.noticed, days, self.terms.closed_days)


def agenda(state: SuspensionState) -> tuple[Due, ...]:
    """What the suspension does by itself from here on if nobody acts, earliest first.

    It does not end with the session by itself: the candidacy does, and says so.
    """
    if state.stage not in UNDECIDED:
        return ()
    limits = state.terms.limits
    due: list[Due] = []
    for ground in state.grounds:
        if ground.heard is not None:
            continue
        answer_by, presumed = state.answer_by(ground), state.presumed_on(ground)
        if answer_by is not None:
            due.append(Due(at=answer_by, kind=SuspensionAct.CLOSE_HEARING))
            mornings = (morning_before(answer_by, days) for days in limits.reminders)
            due.extend(
                Due(at=morning, kind=SuspensionAct.REMIND)
                for morning in mornings
                if morning > max(state.mark, ground.established or state.mark)
            )
        elif presumed is not None:
            due.append(Due(at=end_of(presumed), kind=SuspensionAct.PRESUME))
        else:
            first = ground.noticed + timedelta(days=limits.escalation_every)
            again = next_escalation(first, state.mark, limits.escalation_every)
            due.append(Due(at=again, kind=SuspensionAct.CHASE_DELIVERY))
    end = state.must_be_decided_by
    mornings = (morning_before(end, days) for days in limits.reminders)
    handled = max(state.mark, state.since)
    due.extend(Due(at=morning, kind=SuspensionAct.WARN) for morning in mornings if morning > handled)
    # Counted from the last referral and not from what else was dealt with: the first is never passed over.
    referred = state.referred or end - timedelta.resolution
    due.append(Due(at=next_escalation(end, referred, limits.escalation_every), kind=SuspensionAct.REFER))
    return tuple(sorted(due, key=lambda item: item.at))


def deadline(state: SuspensionState) -> AwareDatetime | None:
    """The instant an officer would call the case's deadline, also once it has passed; None where nothing is awaited."""
    if state.stage is SuspensionStage.UPHELD:
        return state.terms.closing
    if state.stage not in UNDECIDED:
        return None
    running = [at for ground in state.grounds if ground.heard is None and (at := _awaited(state, ground)) is not None]
    return min([*running, state.must_be_decided_by, state.terms.closing])


def _awaited(state: SuspensionState, ground: Ground) -> AwareDatetime | None:
    presumed = state.presumed_on(ground)
    return state.answer_by(ground) or (end_of(presumed) if presumed is not None else None)


def check_opening(terms: Terms, charge: Charge, stage: Stage, at: AwareDatetime) -> None:
    """Whether a suspension may be opened, as far as the session and the candidacy's stage say.

    Raises:
        Refusal: The person does not take part, the session has ended, or the criterion is none of its own.
    """
    if stage not in SUSPENDABLE:
        raise NotAtThisStage(
            f"only a participant can be suspended, and the candidacy is {stage.value}", rule="suspension-participant"
        )
    _check_charge(terms, charge, at)


def _check_charge(terms: Terms, charge: Charge, at: AwareDatetime) -> None:
    if at >= terms.closing:
        raise OutOfTime(f"session {terms.session} has ended", rule="session-closed")
    criterion: CriterionKey = charge.ground.removeprefix(CRITERION)
    if charge.ground.startswith(CRITERION) and criterion not in terms.criteria:
        raise IncompleteAnswer(
            f"{criterion} is no criterion of this session; they are {', '.join(terms.criteria)}",
            rule="criterion-of-session",
        )


def check_return(
    state: SuspensionState,
    at: AwareDatetime,
    *,
    candidacy: CandidacyState,
    seat: ListState | None,
    session: SessionState | None,
) -> None:
    """Whether a decision can still be undone, as far as the session, the candidacy and its list say.

    A case that has ended hears of nothing any more, the session's dates included, so it is these that are asked.

    Args:
        state: The suspension before it is undone.
        at: The calendar's reading.
        candidacy: The candidacy.
        seat: The list on which it stands, or stood.
        session: The session.

    Raises:
        OutOfTime: The session has ended.
        NotAtThisStage: The participant has left since, or another suspension is open.
        SeatsExceeded: The seat was given to another.
    """
    if session is None or session.ended or at >= session.terms.closing:
        raise OutOfTime(f"session {state.terms.session} has ended", rule="session-closed")
    if candidacy.review is not None and candidacy.review.suspension != state.workflow_id:
        raise NotAtThisStage("another suspension is open on this participant", rule="one-suspension")
    excluded = state.stage is SuspensionStage.EXCLUDED
    if candidacy.stage not in ({Stage.EXCLUDED} if excluded else SUSPENDABLE):
        raise NotAtThisStage(
            f"the candidacy is {candidacy.stage.value}, and nothing of the decision is left to undo",
            rule="suspension-participant",
        )
    if excluded and seat is not None:
        check_seat_kept(seat, candidacy.reference)


def open_case(
    envelope: Envelope[Charge],
    *,
    terms: Terms,
    fingerprint: str,
    number: int,
    candidacy: str,
    candidacy_workflow: str,
    participant: Contact,
    at: AwareDatetime,
) -> Outcome[SuspensionState]:
    """A suspension's first step: the candidacy is told at once, and so is who needs to know.

    Raises:
        Refusal: The session has ended, or the criterion is none of its own.
    """
    charge = envelope.content
    _check_charge(terms, charge, at)
    step = envelope.step(
        seq=1,
        at=at,
        before="",
        stage=SuspensionStage.OPENED,
        effects=("ground:1", f"measure:{charge.measure.value}", f"tells:{candidacy}"),
    )
    state = SuspensionState(
        seq=1,
        entered=at,
        mark=at,
        decisions={step.decision: 1},
        fingerprint=fingerprint,
        number=number,
        terms=terms,
        candidacy=candidacy,
        candidacy_workflow=candidacy_workflow,
        participant=participant,
        stage=SuspensionStage.OPENED,
        measure=charge.measure,
        scope=charge.scope,
        since=at,
        grounds=(_ground(1, envelope, at),),
    )
    order = _order(state, 1, Act.SUSPEND, measure=charge.measure)
    notices = [_notice_of(state, state.grounds[0], Template.SUSPENSION_OPENED)]
    if charge.measure is not Measure.NONE:
        notices.append(_to_secretariats(state))
    return Outcome(
        state=state.model_copy(update={"outbox": (order,), "order": Order.model_validate(order.content)}),
        step=step,
        notices=tuple(notices),
        dispatches=(order,),
    )


def check_hits(charge: Charge, file: VettingFile | None, at: AwareDatetime | None = None) -> None:
    """Whether the hits that a charge rests on are the participant's, and may be held against anyone.

    Where a lost ledger is written again, the candidacy may have come further than it was when the charge was brought:
    what was found or said of a hit since does not count.

    Args:
        charge: The charge.
        file: What vetting knows of the participant.
        at: When the charge was brought; now, where nothing is said.

    Raises:
        NoSuchHit: A charge of a hit names none, or one that the candidacy does not have.
        NotEligible: The list is hostile, so that the hit is evidence of persecution, or the entry is another person's.
        StaleContent: The entry says something else by now.
    """
    hits = [evidence.hit for evidence in charge.evidence if evidence.hit is not None]
    if charge.ground == SCREENING_HIT and not hits:
        raise NoSuchHit("a suspension for a hit names the hit", rule="suspension-names-hit")
    later = at is not None and file is not None and file.screening is not None and file.screening.at > at
    known = {hit.id: hit for hit in (hits if later else file.hits if file is not None else ())}
    for hit in hits:
        if check_usable(known.get(hit.id), hit.id, file, at) != hit:
            raise StaleContent(f"the candidacy has {hit.id} otherwise by now: look again", rule="hit-stale")


def check_usable(hit: Hit | None, asked: str, file: VettingFile | None, at: AwareDatetime | None = None) -> Hit:
    """A hit that may be held against a participant, or might at an instant. Raises as ``check_hits`` does."""
    if hit is None or file is None:
        raise NoSuchHit(f"the candidacy has no hit {asked}", rule="hit-of-participant")
    if hit.watchlist.trust is Trust.HOSTILE:
        raise NotEligible(
            "a hit on a hostile list is evidence of persecution and counts against nobody", rule="hostile-list"
        )
    if standing(hit, [word for word in file.resolved if at is None or word.at <= at]) is HitStanding.OTHER_PERSON:
        raise NotEligible(f"officers have found that {asked} is another person", rule="hit-of-another-person")
    return hit


def check(state: SuspensionState, act: SuspensionAct) -> None:
    """Ask the table whether an act is legal at the case's stage.

    Raises:
        NotAtThisStage: It is not; the message says from where it would be.
    """
    check_move(CaseKind.SUSPENSION, act, state.stage, SUSPENSION_MOVES[act])


def check_command(state: SuspensionState, envelope: Envelope[Model], at: AwareDatetime) -> None:
    """Whether an officer's command may be taken now.

    Raises:
        Refusal: It may not; the message says which rule forbids it.
    """
    check(state, SuspensionAct(envelope.act))
    # What has ended does not hear of the session's dates any more; ``check_return`` asks the session itself.
    if at >= state.terms.closing and not state.ended:
        raise OutOfTime(f"session {state.terms.session} has ended", rule="session-closed")
    signer = envelope.signer
    match envelope.content:
        case Charge() as charge:
            _check_charge(state.terms, charge, at)
            if signer == state.reviewer:
                raise SamePerson(f"{signer} reviews this suspension and cannot add to it", rule="reviewer-is-opener")
            held = {(ground.ground, ground.evidence, ground.reason) for ground in state.grounds}
            if (charge.ground, charge.evidence, charge.reason) in held:
                raise NothingToChange("this is held against the participant already", rule="nothing-to-change")
        case Service() as service:
            for ground in _unserved(state, service.grounds):
                if not day_of(ground.noticed) <= service.on <= day_of(at):
                    raise OutOfTime(
                        f"the notice of ground {ground.number} cannot have been delivered on {service.on}: it is of "
                        f"{day_of(ground.noticed)}, and today is {day_of(at)}",
                        rule="delivery-date",
                    )
        case Observations() as observations:
            _answerable(state, observations.grounds)
        case Waiver() as waiver:
            _unheard(state, waiver.grounds)
        case Extension() as extension:
            for ground in _running(state, extension.grounds):
                if at >= (state.answer_by(ground) or at):
                    raise OutOfTime(f"the time to answer on ground {ground.number} has passed", rule="hearing-limit")
        case Assignment(reviewer=reviewer):
            if reviewer in state.openers:
                raise SamePerson(f"{reviewer} opened this suspension and cannot review it", rule="reviewer-is-opener")
            _check_interest(state, reviewer)
            if reviewer == state.reviewer:
                raise NothingToChange(f"{reviewer} reviews this suspension already", rule="nothing-to-change")
        case ReviewReport():
            if signer != state.reviewer:
                who = (
                    f"{state.reviewer}, who reviews this suspension" if state.reviewer else "a reviewer, once assigned"
                )
                raise SamePerson(f"the report is given by {who}, and not by {signer}", rule="reviewer-reports")
        case SuspensionDecision() as decision:
            _check_decider(state, signer, decision.votes)
            if state.report is None and state.referred is None:
                raise NotAtThisStage("the reviewer has not reported", rule="decide-on-a-report")
            if decision.outcome is Recommendation.UPHELD and decision.measure is None and state.measure is Measure.NONE:
                raise IncompleteAnswer(
                    "nothing is taken away so far: say which measure is upheld", rule="upheld-measure"
                )
        case Reversal() as reversal:
            _check_decider(state, signer, reversal.votes)
        case Reason() if envelope.act == SuspensionAct.DECLARE_INTEREST and signer in state.interested:
            raise NothingToChange(f"{signer} has declared an interest already", rule="nothing-to-change")
        case _:
            pass


def _check_decider(state: SuspensionState, signer: str, votes: Votes) -> None:
    if signer in state.openers or signer == state.reviewer:
        part = "reviewed" if signer == state.reviewer else "opened"
        raise SamePerson(
            f"{signer} {part} this suspension; who opens, who reviews and who decides are three persons",
            rule="three-persons",
        )
    _check_interest(state, signer)
    if not votes.carried:
        raise VoteNotCarried(
            f"{votes.in_favour} for, {votes.against} against: the votes do not carry the decision",
            rule="majority-of-votes-cast",
        )


def _check_interest(state: SuspensionState, officer: str) -> None:
    if officer in state.interested:
        raise ConflictOfInterest(f"{officer} has declared an interest in this case", rule="declared-interest")


def _chosen(
    state: SuspensionState, numbers: tuple[int, ...], fits: Callable[[Ground], bool], otherwise: str, rule: str
) -> tuple[Ground, ...]:
    """The grounds an act is about: those named, or every one that fits where none is.

    Raises:
        NotAtThisStage: A ground that is named does not exist or does not fit, or none fits.
    """
    known = {ground.number for ground in state.grounds}
    if missing := [str(number) for number in numbers if number not in known]:
        raise NotAtThisStage(f"there is no ground {', '.join(missing)}", rule="ground-number")
    asked = [ground for ground in state.grounds if ground.number in numbers or not numbers]
    wrong = [str(ground.number) for ground in asked if not fits(ground)]
    if (numbers and wrong) or len(wrong) == len(asked):
        raise NotAtThisStage(f"ground {', '.join(wrong)}: {otherwise}", rule=rule)
    return tuple(ground for ground in asked if fits(ground))


def _unserved(state: SuspensionState, numbers: tuple[int, ...]) -> tuple[Ground, ...]:
    def fits(ground: Ground) -> bool:
        return ground.served_on is None and ground.heard is None

    return _chosen(state, numbers, fits, "delivery is established already", "delivery-established")


def _unheard(state: SuspensionState, numbers: tuple[int, ...]) -> tuple[Ground, ...]:
    return _chosen(state, numbers, lambda ground: ground.heard is None, "the hearing is over", "hearing-over")


def _running(state: SuspensionState, numbers: tuple[int, ...]) -> tuple[Ground, ...]:
    def fits(ground: Ground) -> bool:
        return ground.served_on is not None and ground.heard is None

    return _chosen(state, numbers, fits, "no time-limit runs", "hearing-runs")


def _answerable(state: SuspensionState, numbers: tuple[int, ...]) -> tuple[Ground, ...]:
    """Every ground that is named; else those that wait for an answer, or all where none does: what is late is kept."""
    waiting = any(ground.heard is None for ground in state.grounds)

    def fits(ground: Ground) -> bool:
        return bool(numbers) or ground.heard is None or not waiting

    return _chosen(state, numbers, fits, "the hearing is over", "hearing-over")


def _hearing_stage(grounds: Iterable[Ground]) -> SuspensionStage:
    """Where the hearing of these grounds stands."""
    if all(ground.heard is not None for ground in grounds):
        return SuspensionStage.REVIEW
    begun = any(ground.heard is not None or ground.served_on is not None for ground in grounds)
    return SuspensionStage.HEARING if begun else SuspensionStage.OPENED


def command(state: SuspensionState, envelope: Envelope[Model], at: AwareDatetime) -> Outcome[SuspensionState]:
    """Take an officer's command that ``check_command`` let pass."""
    act = SuspensionAct(envelope.act)
    seq = state.seq + 1
    changes: dict[str, Any] = {}
    notices: list[Notice] = []
    dispatches: list[Dispatch] = []
    effects: list[str] = []
    stage = state.stage

    def heard(grounds: tuple[Ground, ...], by: HeardBy, **more: Any) -> None:
        numbers = [ground.number for ground in grounds]
        changes["grounds"] = _changed(state, numbers, heard=by, **more)
        effects.extend(f"heard:{number}:{by.value}" for number in numbers)

    match envelope.content:
        case Charge() as charge:
            ground = _ground(len(state.grounds) + 1, envelope, at)
            changes |= {"grounds": (*state.grounds, ground), "report": None}
            effects.append(f"ground:{ground.number}")
            effects += ["sets-aside:report"] if state.report is not None else []
            if _heavier(charge.measure, state.measure):
                changes |= {"measure": charge.measure, "scope": charge.scope}
                effects.append(f"measure:{charge.measure.value}")
                dispatches.append(_order(state, seq, Act.SUSPEND, measure=charge.measure))
                notices.append(_to_secretariats(state.model_copy(update=changes)))
            moved = state.model_copy(update=changes)
            notices.insert(0, _notice_of(moved, ground, Template.FURTHER_GROUND))
        case Service() as service:
            chosen = _unserved(state, service.grounds)
            numbers = [ground.number for ground in chosen]
            changes["grounds"] = _changed(state, numbers, served_on=service.on, served_how=service.how, established=at)
            effects += [f"served:{number}:{service.on.isoformat()}" for number in numbers]
            notices += _hearing_letters(state.model_copy(update=changes), numbers, Template.HEARING)
        case Observations() as observations:
            chosen = _answerable(state, observations.grounds)
            late = [ground.number for ground in chosen if ground.heard is not None]
            heard(tuple(ground for ground in chosen if ground.heard is None), HeardBy.ANSWER)
            effects += [f"late:{number}" for number in late]
            if not late:
                notices.append(_to_participant(state, Template.OBSERVATIONS_RECEIVED))
        case Waiver() as waiver:
            heard(_unheard(state, waiver.grounds), HeardBy.WAIVER)
        case Extension() as extension:
            numbers = [ground.number for ground in _running(state, extension.grounds)]
            grounds = tuple(
                ground.model_copy(update={"extensions": (*ground.extensions, extension.days)})
                if ground.number in numbers
                else ground
                for ground in state.grounds
            )
            changes["grounds"] = grounds
            effects += [f"extends:{number}:{extension.days}" for number in numbers]
            notices += _hearing_letters(state.model_copy(update=changes), numbers, Template.HEARING_EXTENDED)
        case Assignment(reviewer=reviewer):
            changes |= {"reviewer": reviewer, "report": None}
            effects.append(f"reviewer:{reviewer}")
            effects += ["sets-aside:report"] if state.report is not None else []
        case ReviewReport() as report:
            changes["report"] = report
            effects.append(f"recommends:{report.recommendation.value}")
        case SuspensionDecision() as decision:
            effects.append(f"outcome:{decision.outcome.value}")
            settled = {"reference": decision.reference, "reason": decision.reason}
            if decision.outcome is Recommendation.UPHELD:
                stage = SuspensionStage.UPHELD
                changes["decided"] = Decided(outcome=stage, **settled)
                notices += _uphold(state, seq, decision, changes, dispatches, effects)
            else:
                stage = SuspensionStage.DECIDED
                excluded = decision.outcome is Recommendation.EXCLUDED
                outcome = SuspensionStage.EXCLUDED if excluded else SuspensionStage.LIFTED
                order = _order(state, seq, Act.EXCLUDE if excluded else Act.RESTORE, why=outcome.value)
                dispatches.append(order)
                changes["decided"] = Decided(outcome=outcome, order=order.decision, **settled)
        case Reversal() as reversal:
            effects.append(f"undoes:{state.stage.value}")
            _reopen(state, reversal, at, changes, effects)
            begin = Act.REINSTATE if state.stage is SuspensionStage.EXCLUDED else Act.SUSPEND
            dispatches.append(_order(state, seq, begin, measure=reversal.measure))
            moved = state.model_copy(update=changes)
            presumed = [on for ground in moved.grounds if ground.heard is None and (on := moved.presumed_on(ground))]
            facts = {"reference": reversal.reference, "text": reversal.reason, "presumed": max(presumed, default=None)}
            notices.append(_to_participant(moved, Template.SUSPENSION_REVERSED, **facts))
            restored = state.stage in {SuspensionStage.LIFTED, SuspensionStage.VOID}
            if not restored or moved.measure is not Measure.NONE:
                notices.append(_to_secretariats(moved))
        case Reason() if act is SuspensionAct.VOID:
            stage = SuspensionStage.DECIDED
            order = _order(state, seq, Act.RESTORE, why=SuspensionStage.VOID.value)
            dispatches.append(order)
            changes["decided"] = Decided(outcome=SuspensionStage.VOID, order=order.decision)
            effects.append(f"outcome:{SuspensionStage.VOID.value}")
        case Reason():
            changes["interested"] = (*state.interested, envelope.signer)
            effects.append(f"interest:{envelope.signer}")
            if envelope.signer == state.reviewer:
                changes |= {"reviewer": None, "report": None}
                effects.append(f"relieves:{envelope.signer}")
        case other:
            raise TypeError(f"no suspension takes {type(other).__name__}")
    if stage in UNDECIDED or act is SuspensionAct.REVERSE:
        stage = _hearing_stage(changes.get("grounds", state.grounds))
    effects += [f"tells:{state.candidacy}"] if dispatches else []
    step = envelope.step(seq=seq, at=at, before=state.stage, stage=stage, effects=tuple(effects))
    return _moved(state, step, stage, at, changes, notices, dispatches)


def _uphold(
    state: SuspensionState,
    seq: int,
    decision: SuspensionDecision,
    changes: dict[str, Any],
    dispatches: list[Dispatch],
    effects: list[str],
) -> list[Notice]:
    """What upholding changes; the letters that say so."""
    if decision.measure is not None:
        changes |= {"measure": decision.measure, "scope": decision.scope}
    moved = state.model_copy(update=changes)
    effects.append(f"measure:{moved.measure.value}")
    facts = {"reference": decision.reference, "text": decision.reason, "closes": state.terms.closes}
    letters = [_to_participant(moved, Template.SUSPENSION_UPHELD, **facts)]
    if (moved.measure, moved.scope) != (state.measure, state.scope):
        dispatches.append(_order(state, seq, Act.SUSPEND, measure=moved.measure))
        letters.append(_to_secretariats(moved))
    return letters


def _reopen(
    state: SuspensionState, reversal: Reversal, at: AwareDatetime, changes: dict[str, Any], effects: list[str]
) -> None:
    """Undo a decision: every effect is named, another review begins, and every time-limit is computed anew."""
    again = [ground.number for ground in state.grounds if ground.heard is None]
    unserved = {"served_on": None, "served_how": None, "established": None, "extensions": ()}
    changes["grounds"] = _changed(state, again, noticed=at, **unserved)
    changes |= {
        "measure": reversal.measure,
        "scope": reversal.scope,
        "since": at,
        "reviewer": None,
        "report": None,
        "referred": None,
        "decided": None,
        "reversals": state.reversals + 1,
    }
    effects.append(f"measure:{reversal.measure.value}")
    effects += [f"hears-again:{number}" for number in again]
    effects += [f"relieves:{state.reviewer}"] if state.reviewer is not None else []
    effects += ["sets-aside:report"] if state.report is not None else []


def hear(state: SuspensionState, tiding: Tiding, at: AwareDatetime) -> Outcome[SuspensionState]:
    """Take a tiding of the candidacy. One that does not fit any more is noted and changes nothing."""
    changes: dict[str, Any] = {}
    notices: list[Notice] = []
    effects: list[str] = []
    stage = state.stage
    act = SuspensionAct.UNHEEDED
    if tiding.kind is TidingKind.CONTACT and tiding.contact is not None:
        act = SuspensionAct.CONTACT
        changes["participant"] = tiding.contact
    elif (ending := _ending(state, tiding)) is not None:
        act = SuspensionAct.CONCLUDE
        stage = ending
        effects += [f"ends:measure:{state.measure.value}"] if state.measure is not Measure.NONE else []
        if tiding.stage is not None:
            effects.append(f"candidacy:{tiding.stage.value}")
        if state.decided is not None and state.decided.outcome not in {ending, SuspensionStage.UPHELD}:
            effects.append(f"overtakes:{state.decided.outcome.value}")
        notices = _last_letters(state, ending)
    else:
        effects.append(f"not-at-stage:{tiding.kind.value}")
    step = unsigned_step(
        state,
        act,
        Trigger.CASE,
        at,
        before=state.stage,
        stage=stage,
        decision=tiding.decision,
        effects=effects,
        content=tiding,
    )
    return _moved(state, step, stage, at, changes, notices, [])


def _ending(state: SuspensionState, tiding: Tiding) -> SuspensionStage | None:
    """How a tiding ends the suspension, if it does."""
    decided = state.decided if state.stage is SuspensionStage.DECIDED else None
    match tiding.kind, tiding.stage:
        case TidingKind.OBEYED, _ if decided is not None and tiding.order == decided.order:
            return decided.outcome
        case TidingKind.ENDED, Stage.EXCLUDED if decided is not None:
            # The order was obeyed, and the answer to it was lost with the server that carried it.
            return SuspensionStage.EXCLUDED
        case TidingKind.ENDED, Stage.WITHDRAWN:
            return SuspensionStage.WITHDRAWN
        case TidingKind.ENDED, Stage.DECEASED:
            return SuspensionStage.DECEASED
        case TidingKind.ENDED, Stage.EXPIRED if state.stage is SuspensionStage.UPHELD:
            return SuspensionStage.EXPIRED
        case TidingKind.ENDED, Stage.EXPIRED:
            return SuspensionStage.LAPSED_WITH_SESSION
        case (TidingKind.ENDED, _) | (TidingKind.UNHEEDED, _):
            # It never was this person's: they did not take part, or another suspension was open.
            return SuspensionStage.VOID
        case _:
            return None


def check_heard(state: SuspensionState, act: SuspensionAct, candidacy: CandidacyState) -> None:
    """Whether another order may follow the last one, as far as the candidacy's own record says.

    Word that was delivered may be lost with the server that carried it, and only the last order is then given again. A
    decision that went out alone would be taken for one about somebody else, and whoever was to come back would not.

    Args:
        state: The case as it stands.
        act: What an officer would have it do.
        candidacy: The candidacy by its own record.

    Raises:
        UnfoundedWord: It has not written down the last order.
    """
    order = state.order
    alone = act is SuspensionAct.DECIDE or (act in ORDERING and brings_back(state))
    if alone and order is not None and order.decision not in candidacy.decisions:
        raise UnfoundedWord("the candidacy has not heard of the last order yet; try again", rule="order-unheard")


def brings_back(state: SuspensionState) -> bool:
    """Whether the candidacy was last told to come back, so that the exclusion it has ended by is no end any more."""
    return state.order is not None and state.order.act is Act.REINSTATE


def _last_letters(state: SuspensionState, ending: SuspensionStage) -> list[Notice]:
    """The letters that say how it ended: one to the participant, and to the secretariats what they must do."""
    letters: list[Notice] = []
    decided = state.decided
    facts = {"reference": decided.reference, "text": decided.reason} if decided is not None else {}
    match ending:
        case SuspensionStage.LIFTED:
            letters.append(_to_participant(state, Template.SUSPENSION_LIFTED, **facts))
        case SuspensionStage.EXCLUDED:
            letters.append(_to_participant(state, Template.EXCLUDED, **facts))
        case SuspensionStage.VOID:
            letters.append(_to_participant(state, Template.SUSPENSION_VOID))
        case SuspensionStage.DECEASED:
            pass
        case _:
            letters.append(
                _to_participant(state, Template.SUSPENSION_CLOSED, outcome=ending.value, closes=state.terms.closes)
            )
    over_with_session = ending in {SuspensionStage.LAPSED_WITH_SESSION, SuspensionStage.EXPIRED}
    if not over_with_session and (state.measure is not Measure.NONE or ending is SuspensionStage.EXCLUDED):
        restored = ending in {SuspensionStage.LIFTED, SuspensionStage.VOID}
        letters.append(_office(state, Template.SECRETARIAT_END, outcome="restored" if restored else "ended"))
    return letters


def come_due(state: SuspensionState, due: Due, at: AwareDatetime) -> Outcome[SuspensionState]:
    """Take what is due.

    Args:
        state: The case.
        due: The earliest item of its agenda.
        at: The calendar's reading, not before ``due.at``; later where nobody ran the case in between.
    """
    act = SuspensionAct(due.kind)
    at = max(at, due.at)
    changes: dict[str, Any] = {"mark": at}
    notices: list[Notice] = []
    effects: list[str] = []
    end = state.must_be_decided_by
    match act:
        case SuspensionAct.PRESUME:
            # A day on which nobody ran the case is no day lost to the participant.
            on = day_of(at - timedelta.resolution)
            numbers = [
                ground.number
                for ground in state.grounds
                if ground.heard is None
                and ground.served_on is None
                and (presumed := state.presumed_on(ground)) is not None
                and end_of(presumed) <= at
            ]
            changes["grounds"] = _changed(state, numbers, served_on=on, served_how="presumed", established=at)
            effects += [f"presumed:{number}:{on.isoformat()}" for number in numbers]
            notices += _hearing_letters(state.model_copy(update=changes), numbers, Template.HEARING)
        case SuspensionAct.CLOSE_HEARING:
            numbers = [
                ground.number
                for ground in state.grounds
                if ground.heard is None and (by := state.answer_by(ground)) is not None and by <= at
            ]
            changes["grounds"] = _changed(state, numbers, heard=HeardBy.TIME)
            effects += [f"heard:{number}:{HeardBy.TIME.value}" for number in numbers]
        case SuspensionAct.REMIND:
            numbers = [
                ground.number
                for ground in state.grounds
                if ground.heard is None
                and (by := state.answer_by(ground)) is not None
                and at < by
                and any(morning_before(by, days) == due.at for days in state.terms.limits.reminders)
            ]
            notices += _hearing_letters(state, numbers, Template.HEARING_REMINDER)
            effects += ["too-late"] if not numbers else []
        case SuspensionAct.CHASE_DELIVERY:
            notices.append(_office(state, Template.DESK_OVERDUE, Role.DESK, overdue="delivery"))
        case SuspensionAct.WARN if at < end:
            notices.append(_office(state, Template.DESK_MEASURE_REMINDER, Role.DESK, act_by=_day_before(end)))
        case SuspensionAct.WARN:
            effects.append("too-late")
        case SuspensionAct.REFER:
            changes["referred"] = at
            notices.append(_office(state, Template.BUREAU_REFERRAL, Role.BUREAU, begins=day_of(state.since)))
        case _:
            raise ValueError(f"{act.value} does not come due by itself")
    stage = _hearing_stage(changes.get("grounds", state.grounds))
    step = unsigned_step(state, act, Trigger.TIME, at, before=state.stage, stage=stage, effects=effects)
    return _moved(state, step, stage, at, changes, notices, [])


def rearm(state: SuspensionState, terms: Terms, at: AwareDatetime) -> Outcome[SuspensionState]:
    """Take the session's new dates; the participant hears of them from the candidacy."""
    step = unsigned_step(
        state,
        SuspensionAct.REARM,
        Trigger.CASE,
        at,
        before=state.stage,
        stage=state.stage,
        decision=terms_decision(terms),
        content=terms,
    )
    return _moved(state, step, state.stage, at, {"terms": terms}, [], [])


def _ground(number: int, envelope: Envelope[Any], at: AwareDatetime) -> Ground:
    charge: Charge = envelope.content
    return Ground(
        number=number,
        ground=charge.ground,
        evidence=charge.evidence,
        reason=charge.reason,
        opener=envelope.signer,
        noticed=at,
    )


def _changed(state: SuspensionState, numbers: Iterable[int], **changes: Any) -> tuple[Ground, ...]:
    chosen = frozenset(numbers)
    return tuple(ground.model_copy(update=changes) if ground.number in chosen else ground for ground in state.grounds)


def _heavier(one: Measure, than: Measure) -> bool:
    order = list(Measure)
    return order.index(one) > order.index(than)


def _day_before(instant: AwareDatetime) -> date:
    return day_of(instant - timedelta.resolution)


def _order(state: SuspensionState, seq: int, act: Act, **facts: Any) -> Dispatch:
    if act in {Act.SUSPEND, Act.REINSTATE}:
        facts["contact"] = state.participant
    order = Order(
        decision=f"{state.workflow_id}/{seq}/{act.value}",
        act=act,
        suspension=state.workflow_id,
        number=state.number,
        **facts,
    )
    return dispatched(state, order)


def dispatched(state: SuspensionState, order: Order) -> Dispatch:
    """An order on its way to the candidacy."""
    return Dispatch(
        workflow_id=state.candidacy_workflow,
        signal="obey",
        decision=order.decision,
        content=order.model_dump(mode="json"),
    )


def _to_participant(state: SuspensionState, template: Template, **facts: Any) -> Notice:
    said = Facts(measure=state.measure.value, scope=state.scope, **facts)
    return Notice(template=template, role=Role.CANDIDATE, to=state.participant, facts=said)


def _notice_of(state: SuspensionState, ground: Ground, template: Template) -> Notice:
    """The notice of a ground, which only the participant gets."""
    presumed = state.presumed_on(ground)
    return _to_participant(state, template, ground=ground.ground, text=ground.reason, presumed=presumed)


def _hearing_letters(state: SuspensionState, numbers: Iterable[int], template: Template) -> list[Notice]:
    """One letter for each last day to answer; grounds that share it share the letter."""
    chosen = frozenset(numbers)
    ends = {by for ground in state.grounds if ground.number in chosen and (by := state.answer_by(ground)) is not None}
    return [_to_participant(state, template, act_by=_day_before(end)) for end in sorted(ends)]


def _office(state: SuspensionState, template: Template, role: Role = Role.SECRETARIAT, **facts: Any) -> Notice:
    if role is Role.SECRETARIAT:
        facts |= {"person": state.participant.name, "measure": state.measure.value, "scope": state.scope}
    return Notice(template=template, role=role, facts=Facts(**facts))


def _to_secretariats(state: SuspensionState) -> Notice:
    return _office(state, Template.SECRETARIAT_MEASURE)


def _moved(
    state: SuspensionState,
    step: Step,
    stage: SuspensionStage,
    at: AwareDatetime,
    changes: dict[str, Any],
    notices: list[Notice],
    dispatches: list[Dispatch],
) -> Outcome[SuspensionState]:
    """The one door through which a suspension changes; it holds the table against every step once more."""
    if stage not in SUSPENSION_MOVES[SuspensionAct(step.act)][state.stage]:
        raise AssertionError(f"{step.act} cannot lead from {state.stage} to {stage}")
    if stage is not state.stage:
        changes = {"entered": at} | changes
    if dispatches:
        changes = changes | {"order": Order.model_validate(dispatches[-1].content)}
    update = {
        "seq": step.seq,
        "stage": stage,
        "decisions": state.decisions | {step.decision: step.seq},
        "outbox": (*state.outbox, *dispatches),
    } | changes
    return Outcome(
        state=state.model_copy(update=update), step=step, notices=tuple(notices), dispatches=tuple(dispatches)
    )
