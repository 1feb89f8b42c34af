"""A list and its candidacies, driven together through random histories, never disagree about who holds which place."""

from datetime import datetime, timedelta
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain import candidacy, lists
from domain.candidacy import Act, CandidacyState, Reason, Stage, Word
from domain.errors import Refusal
from domain.lists import (
    BureauDecision,
    DecisionOutcome,
    Drafting,
    ListAct,
    ListPlan,
    ListStage,
    ListState,
    Place,
    Proposal,
    Ratification,
    RatificationOutcome,
    SeatLaw,
    Standing,
    Vacancy,
    Votes,
)
from domain.model import Model
from domain.people import SeatKind
from domain.steps import Dispatch, Outcome
from tests.builders import a_case, a_list, an_envelope, commanded, terms

NUMBERS: Final = range(1, 9)
LAW: Final = SeatLaw(seats=4, reserved=1)
RATIFIED_LATER: Final = terms(ratification=True)
FINAL_AT_ONCE: Final = terms(ratification=False)
CLEARED: Final = {
    ratification: {
        state.reference: state
        for number in NUMBERS
        for state in (
            a_case(
                Stage.CLEARED,
                number=number,
                seat=SeatKind.RESERVED if number % 3 == 0 else SeatKind.GENERAL,
                under=under,
            ),
        )
    }
    for ratification, under in ((True, RATIFIED_LATER), (False, FINAL_AT_ONCE))
}
ON_A_LIST: Final = {Stage.PROPOSED, Stage.RESERVE, Stage.APPROVED, Stage.PARTICIPANT}

rankings = st.permutations(list(NUMBERS))


class ListMachine(RuleBasedStateMachine):
    """Every word is delivered in order, before anybody acts again."""

    cases: dict[str, CandidacyState]
    session_list: ListState
    now: datetime

    @initialize(ratification=st.booleans(), order=rankings, reserve=st.integers(0, 3))
    def draft_the_first(self, ratification: bool, order: list[int], reserve: int) -> None:
        self.cases = dict(CLEARED[ratification])
        self.now = max(state.entered for state in self.cases.values())
        self.delivered: set[str] = set()
        plan = self.plan(order, reserve, ())
        under = RATIFIED_LATER if ratification else FINAL_AT_ONCE
        self.session_list = a_list(plan, self.standings(), law=LAW, under=under, at=self.now).state

    def standings(self) -> dict[str, Standing]:
        return {
            reference: Standing(
                reference=reference,
                workflow_id=state.workflow_id,
                stage=state.stage,
                seat=state.nomination.seat,
                list_reference=state.list_reference,
            )
            for reference, state in self.cases.items()
            if not state.ended
        }

    def plan(self, order: list[int], reserve: int, held: tuple[Place, ...]) -> ListPlan:
        """The held seats, then whoever can take a seat in this order, then a reserve, then who is not retained."""
        seats = list(held)
        rest = []
        for number in order:
            reference = f"C-2026-{number:04d}"
            state = self.cases[reference]
            if state.ended or reference in {place.candidacy for place in seats}:
                continue
            if len(seats) < LAW.seats and state.stage not in {Stage.APPROVED, Stage.PARTICIPANT}:
                general = sum(place.seat is SeatKind.GENERAL for place in seats) < LAW.general
                if general or state.nomination.seat is SeatKind.RESERVED:
                    kind = SeatKind.GENERAL if general else SeatKind.RESERVED
                    seats.append(Place(candidacy=reference, seat=kind))
                    continue
            if state.stage not in {Stage.APPROVED, Stage.PARTICIPANT}:
                rest.append(reference)
        left_out = 1 if len(rest) > reserve else 0
        return ListPlan(
            seats=tuple(seats), reserve=tuple(rest[:reserve]), not_retained=tuple(rest[reserve + left_out :])
        )

    def order(self, act: ListAct, content: Model) -> None:
        self.now += timedelta(hours=1)
        envelope = an_envelope(act, self.session_list.reference, content)
        lists.check_list_command(self.session_list, envelope, self.now)
        known = self.standings()
        lists.check_standings(self.session_list, envelope, known)
        self.take(lists.command(self.session_list, envelope, self.now, known))

    def take(self, outcome: Outcome[ListState]) -> None:
        self.session_list = outcome.state
        for dispatch in outcome.dispatches:
            self.deliver(dispatch)

    def deliver(self, dispatch: Dispatch) -> None:
        word = Word.model_validate(dispatch.content)
        assert word.decision not in self.delivered
        self.delivered.add(word.decision)
        (reference,) = (ref for ref, state in self.cases.items() if state.workflow_id == dispatch.workflow_id)
        if self.cases[reference].ended:
            # Who stood in no place when they withdrew had no list to tell, and who a version did not retain stays in
            # the reserve of the one before it, should the plenary refuse. None of them is offered anything.
            assert word.act in {Act.NOT_RETAIN, Act.RESERVE, Act.SEND_BACK}
            return
        outcome = candidacy.hear(self.cases[reference], word, self.now)
        assert outcome.step.act == word.act, f"{reference} could not take {word.act}"
        self.cases[reference] = outcome.state

    @precondition(lambda self: self.session_list.stage is ListStage.DRAFTED)
    @rule(order=rankings, reserve=st.integers(0, 3))
    def draft_again(self, order: list[int], reserve: int) -> None:
        self.draft(ListAct.DRAFT, order, reserve)

    @precondition(lambda self: self.session_list.stage is self.session_list.final)
    @rule(order=rankings, reserve=st.integers(0, 3))
    def amend(self, order: list[int], reserve: int) -> None:
        self.draft(ListAct.AMEND, order, reserve)

    def draft(self, act: ListAct, order: list[int], reserve: int) -> None:
        in_force = self.session_list.in_force.seats if self.session_list.in_force else ()
        held = tuple(place for place in in_force if place.candidacy in self.session_list.held)
        if held or any(not state.ended for state in self.cases.values()):
            plan = self.plan(order, reserve, held)
            if plan != self.session_list.plan:
                self.order(act, Drafting(plan=plan))

    @precondition(lambda self: self.session_list.stage is ListStage.DRAFTED)
    @rule()
    def propose(self) -> None:
        gone = {reference for reference, state in self.cases.items() if state.ended}
        if gone.isdisjoint(self.session_list.plan.everybody):
            self.order(ListAct.PROPOSE, Proposal(hash=self.session_list.hash))
        else:
            try:
                self.order(ListAct.PROPOSE, Proposal(hash=self.session_list.hash))
            except Refusal:
                return
            raise AssertionError("a list with somebody who has left was proposed")

    @precondition(lambda self: self.session_list.stage is ListStage.PROPOSED)
    @rule(outcome=st.sampled_from((DecisionOutcome.ADOPTED, DecisionOutcome.ADOPTED, *DecisionOutcome)))
    def decide(self, outcome: DecisionOutcome) -> None:
        adopted = outcome is DecisionOutcome.ADOPTED
        self.order(
            ListAct.DECIDE,
            BureauDecision(
                hash=self.session_list.hash,
                outcome=outcome,
                votes=Votes(in_favour=9, against=1) if adopted else Votes(in_favour=1, against=9),
                reference="AS/Bur (2026) 1",
                reason="As discussed.",
            ),
        )

    @precondition(lambda self: self.session_list.stage is ListStage.ADOPTED and self.session_list.terms.ratification)
    @rule(outcome=st.sampled_from((RatificationOutcome.RATIFIED, *RatificationOutcome)))
    def ratify(self, outcome: RatificationOutcome) -> None:
        content = Ratification(
            hash=self.session_list.hash, outcome=outcome, reference="AS (2026) CR 1", reason="As discussed."
        )
        self.order(ListAct.RATIFY, content)

    @rule(number=st.sampled_from(NUMBERS))
    def withdraw(self, number: int) -> None:
        reference = f"C-2026-{number:04d}"
        state = self.cases[reference]
        if state.ended:
            return
        self.now += timedelta(hours=1)
        outcome = commanded(state, Act.WITHDRAW, Reason(reason="No time."), at=self.now)
        self.cases[reference] = outcome.state
        for dispatch in outcome.dispatches:
            self.take(
                lists.vacate(self.session_list, Vacancy.model_validate(dispatch.content), self.now, self.standings())
            )

    @invariant()
    def list_and_candidacies_agree(self) -> None:
        assert {ref: state.stage for ref, state in self.cases.items() if not state.ended} == self.expected()
        for reference, state in self.cases.items():
            if not state.ended:
                on_a_list = state.stage in ON_A_LIST
                assert state.list_reference == (self.session_list.reference if on_a_list else None), reference

    @invariant()
    def the_law_of_seats_holds(self) -> None:
        seated = [state for state in self.cases.values() if state.stage in {Stage.APPROVED, Stage.PARTICIPANT}]
        assert len(seated) <= LAW.seats
        assert sum(state.place is SeatKind.GENERAL for state in seated) <= LAW.general

    def expected(self) -> dict[str, Stage]:
        """Where the list alone says that every open candidacy stands."""
        state = self.session_list
        stages = dict.fromkeys(self.cases, Stage.CLEARED)
        if state.in_force is not None:
            stages |= dict.fromkeys(state.in_force.reserve, Stage.RESERVE)
        if state.stage in {ListStage.PROPOSED, ListStage.ADOPTED, ListStage.RATIFIED}:
            if state.stage is not ListStage.PROPOSED:
                stages = dict.fromkeys(self.cases, Stage.CLEARED)
            seated = Stage.PROPOSED if state.stage is ListStage.PROPOSED else Stage.APPROVED
            stages |= dict.fromkeys(state.plan.seated, seated)
            stages |= dict.fromkeys(state.plan.reserve, Stage.RESERVE)
        stages |= dict.fromkeys(state.held, Stage.APPROVED)
        return {reference: stage for reference, stage in stages.items() if not self.cases[reference].ended}


ListMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestListMachine = ListMachine.TestCase
