"""The session list: the law of seats, the frozen hash, the votes, and what each candidacy is told.

The President proposes and the Bureau approves (Resolution 2621); the plenary ratifies where the session asks for it. A
proposed list is frozen under the digest of its content, and every later act names that digest.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import AwareDatetime, Field, model_validator

from domain.candidacy import Act, Stage, Word
from domain.envelope import Envelope
from domain.errors import (
    NotAtThisStage,
    NotEligible,
    NothingToChange,
    OutOfTime,
    SeatsExceeded,
    StaleContent,
    VoteNotCarried,
)
from domain.ids import CandidacyReference, ListReference, list_workflow_id, session_of
from domain.model import Line, Model, Prose
from domain.notices import Facts, Notice, Role, Template
from domain.people import SeatKind
from domain.session import Terms, terms_decision
from domain.signing import Digest, digest
from domain.steps import CaseKind, CaseState, Dispatch, Due, Outcome, Step, Trigger, check_move, unsigned_step
from domain.timelimits import end_of, next_escalation


class ListStage(StrEnum):
    """Where a list stands. ``rejected`` and ``closed`` are its endings."""

    DRAFTED = "drafted"
    PROPOSED = "proposed"
    ADOPTED = "adopted"
    RATIFIED = "ratified"
    REJECTED = "rejected"
    CLOSED = "closed"


class ListAct(StrEnum):
    """What can happen to a list."""

    DRAFT = "draft"
    PROPOSE = "propose"
    DECIDE = "decide"
    RATIFY = "ratify"
    AMEND = "amend"
    VACATE = "vacate"
    REINSTATE = "reinstate"
    REARM = "rearm"
    ESCALATE = "escalate"
    CLOSE = "close"


class DecisionOutcome(StrEnum):
    """What the Bureau decides."""

    ADOPTED = "adopted"
    SENT_BACK = "sent_back"
    REJECTED = "rejected"


class RatificationOutcome(StrEnum):
    """What the plenary decides."""

    RATIFIED = "ratified"
    REFUSED = "refused"


LIST_MOVES: Final[Mapping[ListAct, frozenset[ListStage]]] = {
    ListAct.DRAFT: frozenset({ListStage.DRAFTED}),
    ListAct.PROPOSE: frozenset({ListStage.DRAFTED}),
    ListAct.DECIDE: frozenset({ListStage.PROPOSED}),
    ListAct.RATIFY: frozenset({ListStage.ADOPTED}),
    ListAct.AMEND: frozenset({ListStage.ADOPTED, ListStage.RATIFIED}),
}
"""The stages at which an officer's act is possible."""


class Place(Model):
    """One seat given to one candidacy."""

    candidacy: CandidacyReference
    seat: SeatKind


class ListPlan(Model):
    """The content of a list: the seats, the reserve in its ranking, and who is not retained.

    Nobody is refused by being left out: a cleared candidacy that stands in none of the three parts is told nothing.
    """

    seats: tuple[Place, ...] = Field(min_length=1, max_length=1000)
    reserve: tuple[CandidacyReference, ...] = Field(default=(), max_length=1000)
    not_retained: tuple[CandidacyReference, ...] = Field(default=(), max_length=2000)

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        repeated = sorted(reference for reference, times in Counter(self.everybody).items() if times > 1)
        if repeated:
            raise ValueError(f"{', '.join(repeated)} is on the list more than once")
        return self

    @property
    def seated(self) -> tuple[str, ...]:
        """The candidacies that are given a seat."""
        return tuple(place.candidacy for place in self.seats)

    @property
    def everybody(self) -> tuple[str, ...]:
        """Every candidacy the list names."""
        return (*self.seated, *self.reserve, *self.not_retained)

    def frozen(self, reference: str, version: int) -> str:
        """The digest under which this content is frozen as a version of a list."""
        return digest([reference, version, self.model_dump(mode="json")])


class Drafting(Model):
    """The content of ``draft`` and ``amend``."""

    plan: ListPlan
    reason: Prose | None = None


class Proposal(Model):
    """The content of ``propose``: the President proposes the list as it stands under this hash."""

    hash: Digest


class Votes(Model):
    """A vote of the Bureau. The President votes only on a tie (Rule 14.3 of the Assembly)."""

    in_favour: int = Field(ge=0, le=1000)
    against: int = Field(ge=0, le=1000)
    abstentions: int = Field(default=0, ge=0, le=1000)
    recusals: tuple[Line, ...] = Field(default=(), max_length=100)
    president: bool | None = None

    @model_validator(mode="after")
    def _president_on_a_tie(self) -> Self:
        if self.in_favour + self.against == 0:
            raise ValueError("no vote was cast")
        tie = self.in_favour == self.against
        if tie and self.president is None:
            raise ValueError("the vote is tied, so the President's vote decides and is missing")
        if not tie and self.president is not None:
            raise ValueError("the President votes only on a tie")
        return self

    @property
    def carried(self) -> bool:
        """Whether the list has the majority of the votes cast; abstentions and recusals are no votes."""
        return self.president if self.president is not None else self.in_favour > self.against


class BureauDecision(Model):
    """The content of ``decide``."""

    hash: Digest
    outcome: DecisionOutcome
    votes: Votes
    reference: Line
    reason: Prose | None = None

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.outcome is not DecisionOutcome.ADOPTED and self.reason is None:
            raise ValueError("a list that is not adopted goes back with a reason")
        return self


class Ratification(Model):
    """The content of ``ratify``."""

    hash: Digest
    outcome: RatificationOutcome
    reference: Line
    reason: Prose | None = None

    @model_validator(mode="after")
    def _reasoned(self) -> Self:
        if self.outcome is RatificationOutcome.REFUSED and self.reason is None:
            raise ValueError("a refusal has a reason")
        return self


class Vacancy(Model):
    """Word of a candidacy that has left its place, or takes it up again."""

    decision: str
    candidacy: CandidacyReference


class Standing(Model):
    """What a list needs to know of a candidacy, told by the candidacy itself."""

    reference: CandidacyReference
    workflow_id: str
    stage: Stage
    seat: SeatKind
    list_reference: ListReference | None = None


class SeatLaw(Model):
    """How many seats there are, and how many of them only a reserved candidate may take."""

    seats: int = Field(ge=1)
    reserved: int = Field(ge=0)

    @property
    def general(self) -> int:
        """General seats can never exceed this, so that an unfilled reserved seat stays empty."""
        return self.seats - self.reserved


class ListState(CaseState):
    """The whole of a list.

    Attributes:
        version: The version on the table; an amendment or a draft sent back makes a new one.
        plan: The content of that version.
        in_force: The content that last came into force: adopted, and ratified where the session asks for it.
        members: The workflow of every candidacy the list has ever named, by reference.
        vacated: Candidacies that have left their places since.
    """

    terms: Terms
    law: SeatLaw
    stage: ListStage
    version: int = 1
    plan: ListPlan
    in_force: ListPlan | None = None
    members: dict[str, str] = {}
    vacated: tuple[str, ...] = ()

    @property
    def workflow_id(self) -> str:
        """The workflow that carries this list."""
        return list_workflow_id(self.reference)

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.stage in {ListStage.REJECTED, ListStage.CLOSED}

    @property
    def final(self) -> ListStage:
        """The stage of a list in force."""
        return ListStage.RATIFIED if self.terms.ratification else ListStage.ADOPTED

    @property
    def held(self) -> frozenset[str]:
        """The candidacies that hold a seat under the content in force."""
        seated = self.in_force.seated if self.in_force is not None else ()
        return frozenset(seated) - frozenset(self.vacated)

    @property
    def hash(self) -> str:
        """The digest of the version on the table."""
        return self.plan.frozen(self.reference, self.version)


def check_seats(law: SeatLaw, plan: ListPlan, standings: Mapping[str, Standing]) -> None:
    """The law of seats.

    Args:
        law: The session's seats.
        plan: The list.
        standings: What is known of the candidacies, for the substitution that is proposed; may be empty.

    Raises:
        SeatsExceeded: The message says which rule is broken and which substitution would mend it.
    """
    general = [place.candidacy for place in plan.seats if place.seat is SeatKind.GENERAL]
    reserved = [place.candidacy for place in plan.seats if place.seat is SeatKind.RESERVED]
    if len(general) > law.general:
        extra = general[law.general :] + reserved[law.reserved :]
        free = max(law.reserved - len(reserved), 0)
        eligible = [ref for ref in plan.reserve if ref in standings and standings[ref].seat is SeatKind.RESERVED]
        substitutes = eligible[:free]
        mend = f"move {', '.join(extra)} to the reserve"
        if substitutes:
            mend += f" and give {', '.join(substitutes)} a reserved seat"
        if empty := free - len(substitutes):
            mend += f"; reserved seats then empty: {empty}"
        raise SeatsExceeded(
            f"{len(general)} general seats are given, and at most {law.general} of {law.seats} may be general "
            f"(reserved: {law.reserved}): {mend}",
            rule="general-seats",
        )
    if len(plan.seats) > law.seats:
        extra = list(plan.seated[law.seats :])
        raise SeatsExceeded(
            f"{len(plan.seats)} seats are given, the session has {law.seats}: move {', '.join(extra)} to the reserve",
            rule="seats",
        )


def may_follow(state: ListState, standings: Mapping[str, Standing]) -> tuple[Place, ...]:
    """Who of the reserve may take the vacated seats, in ranking, under the law of seats."""
    plan = state.in_force or state.plan
    kept = [place for place in plan.seats if place.candidacy not in state.vacated]
    general = sum(place.seat is SeatKind.GENERAL for place in kept)
    reserved = len(kept) - general
    free = state.law.seats - len(kept)
    followers: list[Place] = []
    for reference in plan.reserve:
        standing = standings.get(reference)
        if len(followers) == free or standing is None or standing.stage is not Stage.RESERVE:
            continue
        # A reserved seat first, so that nobody takes a general seat from the next in ranking while one stands empty.
        if standing.seat is SeatKind.RESERVED and reserved < state.law.reserved:
            reserved += 1
            followers.append(Place(candidacy=reference, seat=SeatKind.RESERVED))
        elif general < state.law.general:
            general += 1
            followers.append(Place(candidacy=reference, seat=SeatKind.GENERAL))
    return tuple(followers)


_SEATABLE: Final = frozenset({Stage.CLEARED, Stage.RESERVE, Stage.PROPOSED})


def check_members(
    reference: str, session: str, plan: ListPlan, kept: Iterable[str], standings: Mapping[str, Standing]
) -> None:
    """Whether every candidacy can take the place it is given.

    Args:
        reference: The list.
        session: The session.
        plan: The list's content.
        kept: Candidacies that hold a seat of this list already and keep it.
        standings: What each candidacy says of itself.

    Raises:
        NotEligible: The message names each that cannot, and why.
    """
    held = set(kept)
    problems: list[str] = []
    for candidacy in plan.everybody:
        standing = standings.get(candidacy)
        if session_of(candidacy) != session:
            problems.append(f"{candidacy} is not of session {session}")
        elif standing is None:
            problems.append(f"{candidacy} is no candidacy of this register")
        elif candidacy not in held and standing.stage not in _SEATABLE:
            problems.append(f"{candidacy} is {standing.stage.value}, not cleared")
        elif standing.list_reference not in {None, reference}:
            problems.append(f"{candidacy} stands on {standing.list_reference}")
    for place in plan.seats:
        standing = standings.get(place.candidacy)
        if place.seat is SeatKind.RESERVED and standing is not None and standing.seat is not SeatKind.RESERVED:
            problems.append(f"{place.candidacy} is nominated for a general seat and cannot take a reserved one")
    if problems:
        raise NotEligible("; ".join(problems), rule="list-members")


def check_list_command(state: ListState, envelope: Envelope[Model], at: AwareDatetime) -> None:
    """Whether an officer's command may be taken now, as far as the list alone can tell; see ``check_standings``.

    Raises:
        Refusal: It may not; the message says which rule forbids it.
    """
    act = ListAct(envelope.act)
    if act is ListAct.AMEND and state.stage is ListStage.ADOPTED and state.stage is not state.final:
        raise NotAtThisStage("the plenary has yet to ratify the list; amend it afterwards", rule="list-amend")
    check_move(CaseKind.LIST, act, state.stage, LIST_MOVES[act])
    if at >= state.terms.closing:
        raise OutOfTime(f"session {state.terms.session} has ended", rule="session-closed")
    content = envelope.content
    if isinstance(content, Proposal | BureauDecision | Ratification) and content.hash != state.hash:
        raise StaleContent(
            f"the list on the table is version {state.version} under {state.hash[:12]}…, not {content.hash[:12]}…",
            rule="list-hash",
        )
    match content:
        case Drafting() as drafting:
            if drafting.plan == state.plan:
                raise NothingToChange("this is the list on the table already", rule="nothing-to-change")
            _check_kept(state, drafting.plan)
        case Proposal():
            _check_kept(state, state.plan)
        case BureauDecision() as decision:
            adopted = decision.outcome is DecisionOutcome.ADOPTED
            if adopted != decision.votes.carried:
                votes = f"{decision.votes.in_favour} for, {decision.votes.against} against"
                verb = "do not carry" if adopted else "carry"
                raise VoteNotCarried(f"{votes}: the votes {verb} the list", rule="majority-of-votes-cast")
            if adopted:
                _check_kept(state, state.plan)
        case Ratification() if not state.terms.ratification:
            raise NotAtThisStage(f"session {state.terms.session} asks for no ratification", rule="list-ratify")
        case _:
            pass


def _check_kept(state: ListState, plan: ListPlan) -> None:
    lost = sorted(state.held - set(plan.seated))
    if lost:
        raise NotEligible(
            f"{', '.join(lost)} holds a seat; an amendment fills seats that are vacant and takes none away",
            rule="amendment-keeps-seats",
        )


def open_list(
    envelope: Envelope[Drafting],
    *,
    reference: str,
    terms: Terms,
    law: SeatLaw,
    standings: Mapping[str, Standing],
    at: AwareDatetime,
) -> Outcome[ListState]:
    """A list's first step: its first draft.

    Raises:
        Refusal: The draft breaks the law of seats, or names who cannot be on it.
    """
    plan = envelope.content.plan
    if at >= terms.closing:
        raise OutOfTime(f"session {terms.session} has ended", rule="session-closed")
    check_seats(law, plan, standings)
    check_members(reference, terms.session, plan, (), standings)
    step = envelope.step(seq=1, at=at, before="", stage=ListStage.DRAFTED)
    state = ListState(
        reference=reference,
        seq=1,
        entered=at,
        mark=at,
        decisions={step.decision: 1},
        terms=terms,
        law=law,
        stage=ListStage.DRAFTED,
        plan=plan,
        members={ref: standings[ref].workflow_id for ref in plan.everybody},
    )
    return Outcome(state=state, step=step)


def check_standings(state: ListState, envelope: Envelope[Model], standings: Mapping[str, Standing]) -> None:
    """The part of the law that needs to know how the candidacies stand.

    Raises:
        Refusal: The list breaks the law of seats, or names who cannot be on it.
    """
    match envelope.content:
        case Drafting() as drafting:
            plan = drafting.plan
        case Proposal():
            plan = state.plan
        case _:
            return
    check_seats(state.law, plan, standings)
    check_members(state.reference, state.terms.session, plan, state.held, standings)


def names(state: ListState, envelope: Envelope[Model]) -> tuple[str, ...]:
    """The candidacies whose standing ``check_standings`` needs."""
    match envelope.content:
        case Drafting() as drafting:
            return drafting.plan.everybody
        case Proposal():
            return state.plan.everybody
        case _:
            return ()


def command(
    state: ListState, envelope: Envelope[Model], at: AwareDatetime, standings: Mapping[str, Standing]
) -> Outcome[ListState]:
    """Take an officer's command that ``check_list_command`` and ``check_standings`` let pass."""
    changes: dict[str, Any] = {}
    words: list[tuple[str, Word]] = []
    effects: list[str] = []
    stage = state.stage
    frozen = state.hash
    seq = state.seq + 1
    newly = [place for place in state.plan.seats if place.candidacy not in state.held]

    def tell(act: Act, candidacies: Iterable[str], **facts: Any) -> None:
        words.extend(
            (ref, _word(state, seq, act, ref, frozen, **facts)) for ref in candidacies if ref not in state.vacated
        )

    def tell_back(seated: Act) -> None:
        """Return everybody to where the content in force, if any, has them."""
        tell(seated, (place.candidacy for place in newly))
        tell(Act.SEND_BACK, state.plan.reserve)
        for rank, candidacy in enumerate(state.in_force.reserve if state.in_force else (), 1):
            tell(Act.RESERVE, (candidacy,), rank=rank)

    def fall_back() -> ListStage:
        """A new version that fails leaves the content in force as it was; a first one ends the list."""
        if state.in_force is None:
            return ListStage.REJECTED
        changes.update(plan=state.in_force, version=state.version + 1)
        return state.final

    match envelope.content:
        case Drafting() as drafting:
            stage = ListStage.DRAFTED
            workflows = {ref: standings[ref].workflow_id for ref in drafting.plan.everybody}
            changes |= {
                "plan": drafting.plan,
                "version": state.version + 1,
                "members": state.members | workflows,
            }
        case Proposal():
            stage = ListStage.PROPOSED
            for place in newly:
                tell(Act.PROPOSE, (place.candidacy,), seat=place.seat)
            for rank, candidacy in enumerate(state.plan.reserve, 1):
                tell(Act.RESERVE, (candidacy,), rank=rank)
            effects.append(f"frozen:{frozen}")
        case BureauDecision() as decision:
            effects.append(f"outcome:{decision.outcome.value}")
            match decision.outcome:
                case DecisionOutcome.ADOPTED:
                    stage = ListStage.ADOPTED
                    for place in newly:
                        pending = state.terms.ratification
                        tell(Act.APPROVE, (place.candidacy,), seat=place.seat, ratification=pending)
                    for rank, candidacy in enumerate(state.plan.reserve, 1):
                        tell(Act.CONFIRM_RESERVE, (candidacy,), rank=rank)
                    tell(Act.NOT_RETAIN, state.plan.not_retained)
                    left_out = set(state.in_force.reserve if state.in_force else ()) - set(state.plan.everybody)
                    tell(Act.SEND_BACK, sorted(left_out))
                    if stage is state.final:
                        changes["in_force"] = state.plan
                case DecisionOutcome.SENT_BACK:
                    stage = ListStage.DRAFTED
                    changes["version"] = state.version + 1
                    tell_back(Act.SEND_BACK)
                case DecisionOutcome.REJECTED:
                    stage = fall_back()
                    tell_back(Act.SEND_BACK)
        case Ratification() as ratification:
            effects.append(f"outcome:{ratification.outcome.value}")
            if ratification.outcome is RatificationOutcome.RATIFIED:
                stage = ListStage.RATIFIED
                changes["in_force"] = state.plan
                tell(Act.RATIFY, (place.candidacy for place in newly))
            else:
                stage = fall_back()
                tell_back(Act.REFUSE_RATIFICATION)
        case other:
            raise TypeError(f"no list takes {type(other).__name__}")
    members: dict[str, str] = changes.get("members", state.members)
    told = tuple(
        Dispatch(workflow_id=members[ref], signal="hear", decision=word.decision, content=word.model_dump(mode="json"))
        for ref, word in words
    )
    effects += [f"tells:{len(told)}"] if told else []
    step = envelope.step(seq=seq, at=at, before=state.stage, stage=stage, effects=tuple(effects))
    return _moved(state, step, stage, at, changes, dispatches=told)


def vacate(
    state: ListState, vacancy: Vacancy, at: AwareDatetime, standings: Mapping[str, Standing]
) -> Outcome[ListState]:
    """A candidacy has left its place; the seat is vacant until an amendment fills it.

    Where a seat of a list in force is vacant, the desk is told who of the reserve may follow.
    """
    vacated = (*state.vacated, vacancy.candidacy)
    effects: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    if vacancy.candidacy in state.held:
        followers = [place.candidacy for place in may_follow(state.model_copy(update={"vacated": vacated}), standings)]
        effects = tuple(f"may-follow:{candidacy}" for candidacy in followers)
        facts = Facts(candidacies=tuple(followers))
        notices = (Notice(template=Template.DESK_VACANCY, role=Role.DESK, facts=facts),)
    step = unsigned_step(
        state,
        ListAct.VACATE,
        Trigger.CASE,
        at,
        before=state.stage,
        stage=state.stage,
        decision=vacancy.decision,
        effects=effects,
        content=vacancy,
    )
    return _moved(state, step, state.stage, at, {"vacated": vacated}, notices)


def keeps_seat_of(state: ListState, candidacy: str) -> bool:
    """Whether a seat that a candidacy has left is still its own to take up again.

    It is until a list without it is adopted, which gives the seat away whether or not the plenary has ratified it yet.
    """
    adopted = state.plan if state.stage is ListStage.ADOPTED else state.in_force
    plans = [plan for plan in (state.in_force, adopted) if plan is not None]
    kept = bool(plans) and all(candidacy in plan.seated for plan in plans)
    return kept and not state.ended


def check_seat_kept(state: ListState, candidacy: str) -> None:
    """Whether a candidacy can take up the seat again that it had left.

    Raises:
        SeatsExceeded: The seat was given away; nobody who holds a seat loses it, and nobody sits beside them.
    """
    if not keeps_seat_of(state, candidacy):
        raise SeatsExceeded(
            f"{state.reference} has no seat for {candidacy} any more: since it was left, a list without it was "
            "adopted, or the list has ended",
            rule="seat-taken",
        )


def check_returning(state: ListState, returning: Iterable[str]) -> None:
    """Whether a list leaves their seats to candidacies that come back to them and have not said so yet.

    Args:
        state: The list as a decision on it would leave it.
        returning: The candidacies.

    Raises:
        NotEligible: A list was adopted that gives such a seat away.
    """
    if lost := sorted(each for each in returning if not keeps_seat_of(state, each)):
        raise NotEligible(
            f"{', '.join(lost)} comes back to a seat; a list that gives it away cannot be adopted",
            rule="amendment-keeps-seats",
        )


def reinstate(state: ListState, vacancy: Vacancy, at: AwareDatetime) -> Outcome[ListState]:
    """A candidacy takes up the seat again that it had left; the desk is told that it is vacant no more.

    An amendment that is under way and gives the seat away can no longer be adopted.

    Raises:
        SeatsExceeded: The seat was given away.
    """
    check_seat_kept(state, vacancy.candidacy)
    left = tuple(reference for reference in state.vacated if reference != vacancy.candidacy)
    told = Notice(template=Template.DESK_VACANCY, role=Role.DESK, facts=Facts(outcome="restored"))
    step = unsigned_step(
        state,
        ListAct.REINSTATE,
        Trigger.CASE,
        at,
        before=state.stage,
        stage=state.stage,
        decision=vacancy.decision,
        effects=(f"restores:seat:{vacancy.candidacy}",),
        content=vacancy,
    )
    return _moved(state, step, state.stage, at, {"vacated": left}, (told,))


def rearm(state: ListState, terms: Terms, at: AwareDatetime) -> Outcome[ListState]:
    """Take the session's new dates."""
    step = unsigned_step(
        state,
        ListAct.REARM,
        Trigger.CASE,
        at,
        before=state.stage,
        stage=state.stage,
        decision=terms_decision(terms),
        content=terms,
    )
    return _moved(state, step, state.stage, at, {"terms": terms})


def agenda(state: ListState) -> tuple[Due, ...]:
    """What the list does by itself: escalate an overdue decision, and close with the session."""
    if state.ended:
        return ()
    due = [Due(at=state.terms.closing, kind=ListAct.CLOSE)]
    if state.stage is not state.final:
        every = state.terms.limits.escalation_every
        overdue = next_escalation(_decided_by(state), max(state.mark, state.entered), every)
        due.append(Due(at=overdue, kind=ListAct.ESCALATE))
    return tuple(sorted(due, key=lambda item: (item.at, item.kind == ListAct.CLOSE)))


def deadline(state: ListState) -> AwareDatetime | None:
    """The instant by which the list is to be decided, also once it has passed, or at which it closes."""
    if state.ended:
        return None
    return state.terms.closing if state.stage is state.final else _decided_by(state)


def _decided_by(state: ListState) -> AwareDatetime:
    """When the next decision is overdue: the Bureau's at the end of its day, the plenary's some days after that."""
    if state.stage is ListStage.ADOPTED:
        return state.entered + timedelta(days=state.terms.limits.escalation_every)
    return end_of(state.terms.bureau_meets)


def come_due(state: ListState, due: Due, at: AwareDatetime) -> Outcome[ListState]:
    """Take what is due."""
    act = ListAct(due.kind)
    stage = ListStage.CLOSED if act is ListAct.CLOSE else state.stage
    step = unsigned_step(state, act, Trigger.TIME, at, before=state.stage, stage=stage)
    overdue = "ratification" if state.stage is ListStage.ADOPTED else "decision"
    desk = Notice(template=Template.DESK_OVERDUE, role=Role.DESK, facts=Facts(overdue=overdue))
    notices = (desk,) if act is ListAct.ESCALATE else ()
    return _moved(state, step, stage, at, {"mark": max(at, due.at)}, notices)


def _word(state: ListState, seq: int, act: Act, candidacy: str, frozen: str, **facts: Any) -> Word:
    decision = f"{state.reference}/{seq}/{act.value}/{candidacy}"
    return Word(decision=decision, act=act, list=state.reference, hash=frozen, **facts)


def _moved(
    state: ListState,
    step: Step,
    stage: ListStage,
    at: AwareDatetime,
    changes: dict[str, Any],
    notices: tuple[Notice, ...] = (),
    dispatches: tuple[Dispatch, ...] = (),
) -> Outcome[ListState]:
    if stage is not state.stage:
        changes = {"entered": at} | changes
    update = {
        "seq": step.seq,
        "stage": stage,
        "decisions": state.decisions | {step.decision: step.seq},
        "outbox": (*state.outbox, *dispatches),
    } | changes
    return Outcome(state=state.model_copy(update=update), step=step, notices=notices, dispatches=dispatches)
