"""A session and what officers do in it; whoever gets no answer gives the same command again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from domain.candidacy import Act, Answer, Declaration
from domain.clock import CalendarPolicy, Clock
from domain.ids import candidacy_reference, list_reference
from domain.lists import (
    BureauDecision,
    DecisionOutcome,
    Drafting,
    ListAct,
    ListPlan,
    Place,
    Proposal,
    Ratification,
    RatificationOutcome,
    Votes,
)
from domain.model import Model
from domain.people import Nomination, SeatKind
from domain.session import Limits, SessionPlan, SessionState
from domain.timelimits import Limit, day_of
from domain.vetting import Assessment, Finding, Judgement
from starter.desk import Desk, Taken
from tests import builders
from tests.faults.stage import insisting

SPEED: Final = 43_200.0
"""Of a compressed calendar: a day in two seconds."""

_FIRST_BIRTHDAY: Final = date(1960, 1, 1)


def a_plan(reference: str, **changes: Any) -> SessionPlan:
    """A session that opened yesterday, so that participation begins with ratification."""
    today = day_of(datetime.now(UTC))
    dates = {
        "reference": reference,
        "opens": today - timedelta(days=1),
        "closes": today + timedelta(days=365),
        "nominations_close": today + timedelta(days=30),
        "bureau_meets": today + timedelta(days=60),
    }
    return builders.a_plan(**(dates | changes))


def a_compressed_plan(reference: str, **changes: Any) -> SessionPlan:
    """A session on a compressed calendar, in which nothing is due for minutes."""
    now = datetime.now(UTC)
    today = day_of(now)
    dates = {
        "opens": today + timedelta(days=400),
        "closes": today + timedelta(days=700),
        "nominations_close": today + timedelta(days=200),
        "bureau_meets": today + timedelta(days=300),
        "limits": Limits(answer=Limit(days=200), vetting=Limit(days=200)),
        "clock": Clock(policy=CalendarPolicy.COMPRESSED, started=now, origin=now, speed=SPEED),
    }
    return a_plan(reference, **(dates | changes))


def an_address(session: str, number: int) -> str:
    """Where the letters of a session's ``number``-th candidate go."""
    return f"candidate-{session}-{number}@example.org"


def a_declaration() -> Declaration:
    """A consent, and every criterion affirmed."""
    keys = builders.criteria().keys
    return Declaration(consent=True, answers=tuple(Answer(criterion=key, affirmed=True) for key in keys))


def an_assessment() -> Assessment:
    """Every criterion found clear."""
    keys = builders.criteria().keys
    findings = (Finding(criterion=key, judgement=Judgement.CLEAR, reason="Read the file.") for key in keys)
    return Assessment(findings=tuple(findings))


@dataclass
class Sitting:
    """One session of the register.

    Attributes:
        officer: The desk as each officer has it, by number.
        reference: The session's.
    """

    officer: Callable[[int], Desk]
    reference: str
    _opened: SessionState | None = field(default=None, init=False)

    @property
    def opened(self) -> SessionState:
        """The session as it was opened."""
        assert self._opened is not None
        return self._opened

    @property
    def list(self) -> str:
        """The reference of its first list."""
        return list_reference(self.reference, 1)

    def candidacy(self, number: int = 1) -> str:
        """The reference of its ``number``-th candidacy."""
        return candidacy_reference(self.reference, number)

    def nomination(self, number: int = 1) -> Nomination:
        """Who is nominated as its ``number``-th candidate."""
        nomination = builders.a_nomination()
        changes = {
            "family_name": builders.a_family_name(number),
            "birth_date": _FIRST_BIRTHDAY + timedelta(days=number),
            "email": an_address(self.reference, number),
        }
        return nomination.model_copy(update={"candidate": nomination.candidate.model_copy(update=changes)})

    def workflow_id(self, number: int = 1) -> str:
        """The workflow of its ``number``-th candidacy."""
        return self.officer(1).candidacy_of(self.reference, self.nomination(number))

    async def open(self, plan: SessionPlan | None = None) -> None:
        """Open the session."""
        desk = self.officer(1)
        await insisting(lambda: desk.open_session(plan or a_plan(self.reference)))
        self._opened = await insisting(lambda: desk.session(self.reference))

    async def nominate(self, number: int = 1) -> Taken:
        """Nominate its ``number``-th candidate."""
        return await insisting(lambda: self.officer(1).nominate(self.opened, self.nomination(number)))

    async def act(self, number: int, act: Act, content: Model, *, officer: int = 1) -> Taken:
        """Give a command to its ``number``-th candidacy."""
        return await insisting(lambda: self.officer(officer).act(self.candidacy(number), act, content))

    async def declare(self, number: int = 1) -> Taken:
        """Hand in a candidate's declaration."""
        return await self.act(number, Act.DECLARE, a_declaration())

    async def assess(self, number: int = 1, *, officer: int) -> Taken:
        """Find everything clear."""
        return await self.act(number, Act.ASSESS, an_assessment(), officer=officer)

    async def examine(self, number: int = 1) -> None:
        """Take somebody who is nominated through vetting."""
        await self.declare(number)
        for officer in (2, 3):
            await self.assess(number, officer=officer)

    def list_plan(self, seated: Sequence[int]) -> ListPlan:
        """A list with a general seat for each of these candidates."""
        return ListPlan(
            seats=tuple(Place(candidacy=self.candidacy(number), seat=SeatKind.GENERAL) for number in seated)
        )

    async def draft(self, seated: Sequence[int] = (1,)) -> Taken:
        """Draft the list."""
        drafting = Drafting(plan=self.list_plan(seated))
        return await insisting(lambda: self.officer(1).draft_list(self.opened, drafting))

    async def on_list(self, act: ListAct, content: Model) -> Taken:
        """Give a command to the list."""
        return await insisting(lambda: self.officer(1).act_on_list(self.list, act, content))

    async def propose(self, seated: Sequence[int] = (1,)) -> Taken:
        """Propose the list."""
        return await self.on_list(ListAct.PROPOSE, self.proposal(seated))

    async def decide(self, seated: Sequence[int] = (1,)) -> Taken:
        """Adopt the list."""
        return await self.on_list(ListAct.DECIDE, self.decision(seated))

    async def ratify(
        self, seated: Sequence[int] = (1,), outcome: RatificationOutcome = RatificationOutcome.RATIFIED
    ) -> Taken:
        """Ratify the list, or refuse to."""
        return await self.on_list(ListAct.RATIFY, self.ratification(seated, outcome))

    def proposal(self, seated: Sequence[int]) -> Proposal:
        """The President's proposal."""
        return Proposal(hash=self._hash(seated))

    def decision(self, seated: Sequence[int]) -> BureauDecision:
        """The Bureau's decision."""
        return BureauDecision(
            hash=self._hash(seated),
            outcome=DecisionOutcome.ADOPTED,
            votes=Votes(in_favour=12, against=2),
            reference="AS/Bur 7",
        )

    def ratification(
        self, seated: Sequence[int], outcome: RatificationOutcome = RatificationOutcome.RATIFIED
    ) -> Ratification:
        """The plenary's vote."""
        return Ratification(hash=self._hash(seated), outcome=outcome, reference="Sitting 3", reason="As minuted.")

    def _hash(self, seated: Sequence[int]) -> str:
        return self.list_plan(seated).frozen(self.list, 1)
