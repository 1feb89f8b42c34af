"""A session of the platform: its dates, its seats and the lengths of its time-limits."""

from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from domain.clock import Clock
from domain.criteria import CriteriaSet
from domain.envelope import Envelope
from domain.errors import DatesOutOfOrder, NotAtThisStage, NothingToChange
from domain.ids import SessionReference, session_workflow_id
from domain.model import Day, Days, Model, Prose
from domain.signing import digest
from domain.steps import CaseState, Due, Outcome, Told, Trigger, unsigned_step
from domain.timelimits import Limit, end_of, public_holidays, start_of


class Rounding(StrEnum):
    """How a share of the seats becomes a whole number; the texts say "one third" and "at least 30 %" alike."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


def _as_written(value: object) -> object:
    # The binary number nearest to 0.1 is a little more than a tenth, and rounding up would find one seat too many.
    return repr(value) if isinstance(value, float) else value


class SuspensionLimits(Model):
    """The time-limits of a suspension.

    Attributes:
        hearing: How long the participant may answer, from the day on which delivery is established.
        presumed_delivery: Working days after which a notice counts as delivered; never, where there is none.
        interim: How long an interim measure lasts before the case is referred to the Bureau.
    """

    hearing: Limit = Limit(days=14)
    presumed_delivery: int | None = Field(default=10, ge=1, le=60)
    interim: Limit = Limit(months=3)


_USUAL: Final = SuspensionLimits()


class Limits(Model):
    """The lengths of the time-limits; every one a setting, under the name of its policy."""

    policy: str = Field(default="standard", pattern=r"^[a-z][a-z0-9-]{0,29}$")
    answer: Limit = Limit(days=21)
    vetting: Limit = Limit(days=21)
    information: Limit = Limit(days=10)
    reminders: tuple[int, ...] = Field(default=(7, 2), max_length=6)
    escalation_every: int = Field(
        default=7, ge=1, le=365, description="days between two escalations of one overdue case"
    )
    expiry_notice: int = Field(default=30, ge=1, le=365, description="days before the closing date")
    # Left out where they are the usual ones: a plan that does not speak of them is closed over the same bytes forever.
    suspension: SuspensionLimits = Field(default=_USUAL, exclude_if=lambda limits: bool(limits == _USUAL))

    @field_validator("reminders")
    @classmethod
    def _falling(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(days < 1 or days > 365 for days in value) or list(value) != sorted(set(value), reverse=True):
            raise ValueError("must be numbers of days from 1 to 365, each smaller than the one before")
        return value


class PartSession(Model):
    """One of the four weeks or so in which the Assembly meets."""

    opens: Day
    closes: Day


class Terms(Model):
    """What every case of a session needs to know of it. Dates are days at the seat; a day named is a day included.

    ``evidence`` are the criteria on which the candidate gives evidence before the case is cleared.
    """

    session: SessionReference
    version: int = Field(ge=1)
    opens: Day
    closes: Day
    nominations_close: Day
    bureau_meets: Day
    ratification: bool
    limits: Limits
    criteria: tuple[str, ...]
    # Left out where there are none, as in the terms that were told before any could be asked for.
    evidence: tuple[str, ...] = Field(default=(), exclude_if=lambda keys: not keys)
    closed_days: Days
    clock: Clock

    @property
    def opening(self) -> datetime:
        """The session's first instant, in UTC."""
        return start_of(self.opens)

    @property
    def closing(self) -> datetime:
        """The session's last instant, in UTC: midnight at the end of its closing date."""
        return end_of(self.closes)

    @property
    def nominations_end(self) -> datetime:
        """The instant, in UTC, after which no nomination is taken."""
        return end_of(self.nominations_close)


def terms_decision(terms: Terms) -> str:
    """The id under which a case knows that it has taken these terms."""
    return f"terms:{terms.version}"


class Dates(Model):
    """The dates of a session that an amendment may move."""

    opens: Day
    closes: Day
    nominations_close: Day
    bureau_meets: Day
    part_sessions: tuple[PartSession, ...] = Field(default=(), max_length=12)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError("closes must be after opens")
        if (self.closes - self.opens).days > 800:
            raise ValueError("closes must be within 800 days of opens")
        if self.bureau_meets < self.nominations_close:
            raise ValueError("bureau_meets must not be before nominations_close")
        if self.bureau_meets > self.closes:
            raise ValueError("bureau_meets must not be after closes")
        last = self.opens
        for number, part in enumerate(self.part_sessions, 1):
            if not last <= part.opens <= part.closes <= self.closes:
                raise ValueError(f"part_sessions: number {number} is out of order or outside the session")
            last = part.closes
        return self


class SessionPlan(Dates):
    """What the desk opens a session with."""

    reference: SessionReference
    seats: int = Field(ge=1, le=1000)
    reserved_share: Annotated[Fraction, BeforeValidator(_as_written)] = Field(default=Fraction(1, 3), ge=0, le=1)
    rounding: Rounding = Rounding.UP
    ratification: bool = True
    closures: Days = Field(default=(), max_length=400)
    limits: Limits = Limits()
    criteria: CriteriaSet
    clock: Clock = Clock()

    @property
    def reserved_seats(self) -> int:
        """How many seats stay empty rather than go to a general candidate."""
        exact = self.seats * self.reserved_share
        match self.rounding:
            case Rounding.UP:
                return ceil(exact)
            case Rounding.DOWN:
                return floor(exact)
            case Rounding.NEAREST:
                return floor(exact + Fraction(1, 2))

    def closed_days(self) -> tuple[date, ...]:
        """The holidays of the seat and the desk's closures, from the year before the session to two years after it.

        Wide enough for any amendment (a session lasts 800 days at most), so that a later edition of the calendar of
        holidays cannot move a running session's deadlines.
        """
        holidays = public_holidays(range(self.opens.year - 1, self.closes.year + 3))
        return tuple(sorted(holidays.union(self.closures)))


class SessionAmendment(Model):
    """New dates for a session; a date not given stays. ``reason`` goes into the ledger."""

    opens: Day | None = None
    closes: Day | None = None
    nominations_close: Day | None = None
    bureau_meets: Day | None = None
    part_sessions: tuple[PartSession, ...] | None = Field(default=None, max_length=12)
    reason: Prose

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.changes:
            raise ValueError("names no date to change")
        return self

    @property
    def changes(self) -> dict[str, Any]:
        """The dates that change, by field of ``Dates``."""
        return {name: value for name in Dates.model_fields if (value := getattr(self, name)) is not None}


class SessionStage(StrEnum):
    """Whether a session runs."""

    OPEN = "open"
    CLOSED = "closed"


class SessionAct(StrEnum):
    """What can happen to a session."""

    OPEN = "open"
    AMEND = "amend"
    CLOSE = "close"


class SessionState(CaseState):
    """The whole of a session. ``version`` counts its amendments, from 1."""

    plan: SessionPlan
    version: int = 1
    stage: SessionStage = SessionStage.OPEN
    closed_days: Days

    @property
    def workflow_id(self) -> str:
        """The workflow that carries this session."""
        return session_workflow_id(self.reference)

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.stage is SessionStage.CLOSED

    def circulars(self) -> tuple[Told, ...]:
        """Its terms, for every case of the session."""
        terms = self.terms
        return (
            Told(to=self.workflow_id, decision=terms_decision(terms), digest=digest(terms.model_dump(mode="json"))),
        )

    @property
    def terms(self) -> Terms:
        """What every case of the session needs to know."""
        plan = self.plan
        return Terms(
            session=plan.reference,
            version=self.version,
            opens=plan.opens,
            closes=plan.closes,
            nominations_close=plan.nominations_close,
            bureau_meets=plan.bureau_meets,
            ratification=plan.ratification,
            limits=plan.limits,
            criteria=plan.criteria.keys,
            evidence=plan.criteria.evidence,
            closed_days=self.closed_days,
            clock=plan.clock,
        )


def session_agenda(state: SessionState) -> tuple[Due, ...]:
    """A session closes by itself at its last instant."""
    return () if state.ended else (Due(at=state.terms.closing, kind=SessionAct.CLOSE),)


def open_session(
    envelope: Envelope[SessionPlan], *, closed_days: tuple[date, ...], at: datetime
) -> Outcome[SessionState]:
    """A session's first step.

    Args:
        envelope: The plan, signed.
        closed_days: ``SessionPlan.closed_days()``, looked up once, outside.
        at: The calendar's reading.

    Raises:
        DatesOutOfOrder: The session would be over already.
    """
    plan = envelope.content
    if end_of(plan.closes) <= at:
        raise DatesOutOfOrder(f"closes: {plan.closes} is past", rule="session-closes-later")
    step = envelope.step(seq=1, at=at, before="", stage=SessionStage.OPEN)
    state = SessionState(
        reference=plan.reference,
        seq=1,
        entered=at,
        mark=at,
        decisions={step.decision: 1},
        plan=plan,
        closed_days=closed_days,
    )
    return Outcome(state=state, step=step)


def amended(state: SessionState, amendment: SessionAmendment, at: datetime) -> SessionPlan:
    """The plan with the amendment's dates.

    Raises:
        NotAtThisStage: The session has closed.
        NothingToChange: These are its dates already.
        DatesOutOfOrder: The dates contradict each other, move a day that is past, or end the session in the past.
    """
    if state.ended:
        raise NotAtThisStage(f"session {state.reference} has closed", rule="session-amend")
    plan = state.plan
    if all(getattr(plan, name) == value for name, value in amendment.changes.items()):
        raise NothingToChange("these are the session's dates already", rule="nothing-to-change")
    changes = amendment.changes
    held = {part for part in plan.part_sessions if end_of(part.closes) <= at}
    if not held <= set(changes.get("part_sessions", held)):
        raise DatesOutOfOrder("part_sessions: one that has been held stays", rule="past-dates-stand")
    for name, value in changes.items():
        if name == "part_sessions":
            continue
        before: date = getattr(plan, name)
        if value != before and end_of(min(value, before)) <= at:
            raise DatesOutOfOrder(
                f"{name}: {before} to {value} would change a day that is past", rule="past-dates-stand"
            )
    try:
        dates = Dates.model_validate({name: getattr(plan, name) for name in Dates.model_fields} | changes)
    except ValidationError as invalid:
        reasons = "; ".join(error["msg"].removeprefix("Value error, ") for error in invalid.errors())
        raise DatesOutOfOrder(reasons, rule="session-dates") from invalid
    return plan.model_copy(update={name: getattr(dates, name) for name in Dates.model_fields})


def amend(state: SessionState, envelope: Envelope[SessionAmendment], at: datetime) -> Outcome[SessionState]:
    """Take an amendment; the open cases of the session take the new terms by word of the session."""
    plan = amended(state, envelope.content, at)
    step = envelope.step(
        seq=state.seq + 1,
        at=at,
        before=state.stage,
        stage=state.stage,
        effects=tuple(f"changes:{name}" for name in envelope.content.changes),
    )
    update = {
        "plan": plan,
        "version": state.version + 1,
        "seq": step.seq,
        "decisions": state.decisions | {step.decision: step.seq},
    }
    return Outcome(state=state.model_copy(update=update), step=step)


def close_session(state: SessionState, due: Due, at: datetime) -> Outcome[SessionState]:
    """Take the session's last instant."""
    step = unsigned_step(state, SessionAct(due.kind), Trigger.TIME, at, before=state.stage, stage=SessionStage.CLOSED)
    update = {"stage": SessionStage.CLOSED, "seq": step.seq, "entered": at, "mark": max(at, due.at)}
    return Outcome(state=state.model_copy(update=update), step=step)
