"""A suspension and its candidacy, driven together through random lives with a server that dies, never disagree.

Each case is what its ledger says; what one tells the other lies in its outbox until it is delivered, may be delivered
again, and is lost with the server. A server that is lost is started again from the ledger, as ``ledger recover`` does.
"""

from collections import deque
from datetime import timedelta
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain import candidacy, suspension
from domain.candidacy import Act, CandidacyState, Correction, Measure, Order, Reason, Stage, Tiding
from domain.errors import Refusal
from domain.model import Model
from domain.notices import Role
from domain.steps import Dispatch, Outcome
from domain.suspension import (
    Assignment,
    Extension,
    Observations,
    Recommendation,
    ReviewReport,
    SuspensionAct,
    SuspensionStage,
    SuspensionState,
    Waiver,
)
from domain.timelimits import day_of
from tests.builders import (
    a_case,
    a_charge,
    a_decision,
    a_list,
    a_list_plan,
    a_reversal,
    a_service,
    a_session,
    a_standing,
    a_suspension,
    an_envelope,
)

PARTICIPANT: Final = a_case(Stage.PARTICIPANT)
PLAN: Final = a_list_plan(general=(1,))
VACANT: Final = a_list(PLAN, {PARTICIPANT.reference: a_standing(1)}).state.model_copy(
    update={"in_force": PLAN, "vacated": (PARTICIPANT.reference,)}
)
"""The list of an excluded participant whose seat nobody has been given."""
ENDED_AS: Final = {
    SuspensionStage.LIFTED: {Stage.PARTICIPANT},
    SuspensionStage.VOID: {Stage.PARTICIPANT},
    SuspensionStage.EXCLUDED: {Stage.EXCLUDED},
    SuspensionStage.WITHDRAWN: {Stage.WITHDRAWN},
    SuspensionStage.DECEASED: {Stage.DECEASED},
    SuspensionStage.EXPIRED: {Stage.EXPIRED},
    SuspensionStage.LAPSED_WITH_SESSION: {Stage.EXPIRED},
}
"""What a candidacy says when its suspension has just ended."""

measures = st.sampled_from(
    ({"measure": Measure.FULL}, {"measure": Measure.PARTIAL, "scope": "No entry."}, {"measure": Measure.NONE})
)
commands = st.one_of(
    st.tuples(
        st.just(SuspensionAct.OPEN),
        st.builds(lambda measure, n: a_charge(reason=f"Matter {n}.", **measure), measures, st.integers(1, 3)),
    ),
    st.tuples(st.just(SuspensionAct.SERVE), st.none()),
    st.tuples(st.just(SuspensionAct.OBSERVE), st.just(Observations(answer="It was not I."))),
    st.tuples(st.just(SuspensionAct.WAIVE), st.just(Waiver(how="by telephone"))),
    st.tuples(st.just(SuspensionAct.EXTEND), st.just(Extension(days=7, reason="Ill."))),
    st.tuples(st.just(SuspensionAct.ASSIGN), st.just(Assignment(reviewer="O-2"))),
    st.tuples(st.just(SuspensionAct.REPORT), st.just(ReviewReport(text="Read.", recommendation=Recommendation.LIFTED))),
    st.tuples(st.just(SuspensionAct.DECIDE), st.builds(a_decision, st.sampled_from(Recommendation))),
    st.tuples(st.just(SuspensionAct.VOID), st.just(Reason(reason="Another person."))),
    st.tuples(st.just(SuspensionAct.REVERSE), st.builds(lambda measure: a_reversal(**measure), measures)),
    st.tuples(st.just(SuspensionAct.DECLARE_INTEREST), st.just(Reason(reason="A cousin."))),
)
departures = st.sampled_from((Act.WITHDRAW, Act.RECORD_DEATH))


class SuspensionMachine(RuleBasedStateMachine):
    """Two cases, and what is on its way between them."""

    candidacy: CandidacyState
    open: SuspensionState | None

    @initialize(decided=st.sampled_from((None, *Recommendation)))
    def begin(self, decided: Recommendation | None) -> None:
        """With a participant, or with one of whom something was decided already: chance alone seldom gets that far."""
        self.candidacy = PARTICIPANT
        self.open = None
        self.number = 0
        self.now = PARTICIPANT.entered + timedelta(hours=1)
        self.session = a_session()
        self.to_candidacy: deque[Order] = deque()
        self.to_suspension: deque[Tiding] = deque()
        self.written: dict[str, tuple[Dispatch, ...]] = {}
        if decided is not None:
            self.an_officer_opens(measure={"measure": Measure.FULL})
            self.it_comes_to_a_decision(outcome=decided)
            self.settle()

    @property
    def suspension(self) -> SuspensionState:
        assert self.open is not None
        return self.open

    def obeyed(self, outcome: Outcome[CandidacyState]) -> None:
        """The candidacy's step stands in the ledger."""
        assert outcome.step.seq == self.candidacy.seq + 1
        self.candidacy = outcome.state
        self.written[outcome.state.workflow_id] = outcome.state.outbox

    def stepped(self, outcome: Outcome[SuspensionState]) -> None:
        """The suspension's step stands in the ledger."""
        assert outcome.step.seq == self.suspension.seq + 1
        self.open = outcome.state
        self.written[outcome.state.workflow_id] = outcome.state.outbox
        if outcome.state.ended:
            assert self.candidacy.review is None
            assert self.candidacy.stage in ENDED_AS[outcome.state.stage] or self.has_left(outcome.state)

    def has_left(self, state: SuspensionState) -> bool:
        """The participant left before the candidacy heard of the suspension, or as soon as the decision was obeyed."""
        obeyed = state.decided is not None and state.decided.order in self.candidacy.decisions
        return self.candidacy.ended and (state.stage is SuspensionStage.VOID or obeyed)

    @precondition(lambda self: self.open is None or self.open.ended)
    @rule(measure=measures)
    def an_officer_opens(self, measure: dict[str, Any]) -> None:
        # As the desk does: the candidacy says whether it can be, and which number comes next.
        try:
            suspension.check_opening(self.candidacy.terms, a_charge(), self.candidacy.stage, self.now)
        except Refusal:
            return
        assert self.candidacy.review is None
        assert self.candidacy.suspensions == self.number
        self.number += 1
        opened = a_suspension(a_charge(**measure), of=self.candidacy, number=self.number, at=self.now)
        self.open = opened.state
        self.written[opened.state.workflow_id] = opened.state.outbox

    @precondition(lambda self: self.open is not None and not self.open.ended)
    @rule(given=commands, officer=st.integers(1, 4))
    def an_officer_acts(self, given: tuple[SuspensionAct, Model | None], officer: int) -> None:
        self.ruled(*given, officer)

    @precondition(lambda self: self.open is not None and self.open.stage in suspension.UNDECIDED)
    @rule(outcome=st.sampled_from(Recommendation))
    def it_comes_to_a_decision(self, outcome: Recommendation) -> None:
        """By the straight road."""
        report = ReviewReport(text="Read.", recommendation=outcome)
        self.ruled(SuspensionAct.WAIVE, Waiver(how="by telephone"), 1)
        self.ruled(SuspensionAct.ASSIGN, Assignment(reviewer="O-2"), 1)
        self.ruled(SuspensionAct.REPORT, report, 2)
        self.ruled(SuspensionAct.DECIDE, a_decision(outcome), 3)

    def ruled(self, act: SuspensionAct, content: Model | None, officer: int) -> None:
        if content is None:
            content = a_service(self.suspension, on=day_of(self.now))
        state = self.suspension
        envelope = an_envelope(act, state.reference, content, signer=f"O-{officer}", basis=state.seq)
        try:
            suspension.check_command(self.suspension, envelope, self.now)
            suspension.check_heard(self.suspension, act, self.candidacy)
        except Refusal:
            return
        self.stepped(suspension.command(self.suspension, envelope, self.now))

    @precondition(lambda self: self.open is not None and self.open.ended)
    @rule(measure=measures)
    def the_bureau_undoes_what_has_come_to_pass(self, measure: dict[str, Any]) -> None:
        state = self.suspension
        envelope = an_envelope(SuspensionAct.REVERSE, state.reference, a_reversal(**measure), signer="O-4")
        envelope = envelope.model_copy(update={"basis": state.seq})
        try:
            suspension.check_command(state, envelope, self.now)
            suspension.check_return(state, self.now, candidacy=self.candidacy, seat=VACANT, session=self.session)
        except Refusal:
            return
        # The run that is begun for it has nothing to tell but what the reversal says.
        self.open = state.model_copy(update={"outbox": ()})
        self.stepped(suspension.command(self.suspension, envelope, self.now))
        if self.session.version > self.suspension.terms.version:
            # What has ended had not heard of it.
            self.stepped(suspension.rearm(self.suspension, self.session.terms, self.now))

    @precondition(lambda self: not self.candidacy.ended)
    @rule(act=departures, indeed=st.sampled_from((False, False, False, True)))
    def the_participant_leaves(self, act: Act, indeed: bool) -> None:
        # Seldom: nothing much happens afterwards.
        if indeed:
            self.command_candidacy(act, Reason(reason="Told by letter."))

    @precondition(lambda self: not self.candidacy.ended)
    @rule(number=st.integers(1, 9))
    def the_address_is_mended(self, number: int) -> None:
        better = Correction(role=Role.CANDIDATE, email=f"new{number}@example.org", reason="Told by telephone.")
        self.command_candidacy(Act.CORRECT, better)

    def command_candidacy(self, act: Act, content: Model) -> None:
        envelope = an_envelope(act, self.candidacy.reference, content, basis=self.candidacy.seq)
        try:
            candidacy.check_command(self.candidacy, envelope, self.now)
        except Refusal:
            return
        self.obeyed(candidacy.command(self.candidacy, envelope, self.now))

    @rule(days=st.integers(0, 40))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days, hours=1)
        self.candidacy_comes_due()
        self.suspension_comes_due()

    @rule(days=st.integers(0, 40))
    def time_passes_for_the_suspension_first(self, days: int) -> None:
        self.now += timedelta(days=days, hours=1)
        self.suspension_comes_due()
        self.candidacy_comes_due()

    def candidacy_comes_due(self) -> None:
        while (dues := candidacy.agenda(self.candidacy)) and dues[0].at <= self.now:
            self.obeyed(candidacy.come_due(self.candidacy, dues[0], self.now))

    def suspension_comes_due(self) -> None:
        while self.open is not None and (dues := suspension.agenda(self.open)) and dues[0].at <= self.now:
            self.stepped(suspension.come_due(self.open, dues[0], self.now))

    @rule(later=st.integers(10, 200))
    def the_session_is_amended(self, later: int) -> None:
        version = self.session.version + 1
        closes = max(day_of(self.now), self.candidacy.terms.opens) + timedelta(days=later)
        self.session = a_session(version=version, closes=closes)
        new = self.session.terms
        if not self.candidacy.ended:
            self.obeyed(candidacy.rearm(self.candidacy, new, self.now))
        if self.open is not None and not self.open.ended:
            self.stepped(suspension.rearm(self.open, new, self.now))

    @rule(twice=st.booleans())
    def the_suspension_s_word_goes_out(self, twice: bool) -> None:
        """Twice, where the worker dies between the delivery and writing down that it was made."""
        if self.open is None or not self.open.outbox:
            return
        word = self.open.outbox[0]
        if not twice:
            self.open = self.open.model_copy(update={"outbox": self.open.outbox[1:]})
        order = Order.model_validate(word.content)
        # Started again for the order that brings it back, it runs from then on.
        runs = not self.candidacy.ended or any(given.act is Act.REINSTATE for given in self.to_candidacy)
        if not runs and not self.candidacy.outbox and not suspension.brings_back(self.open):
            self.find_out()
        else:
            self.to_candidacy.append(order)

    @rule(twice=st.booleans())
    def the_candidacy_s_word_goes_out(self, twice: bool) -> None:
        if not self.candidacy.outbox:
            return
        word = self.candidacy.outbox[0]
        if not twice:
            self.candidacy = self.candidacy.model_copy(update={"outbox": self.candidacy.outbox[1:]})
        if self.is_for_the_open_one(word):
            self.to_suspension.append(Tiding.model_validate(word.content))

    def is_for_the_open_one(self, word: Dispatch) -> bool:
        return self.open is not None and word.workflow_id == self.open.workflow_id

    @rule()
    def the_candidacy_hears(self) -> None:
        if not self.to_candidacy:
            return
        order = self.to_candidacy.popleft()
        back = order.act is Act.REINSTATE and self.candidacy.stage is Stage.EXCLUDED
        if order.decision in self.candidacy.decisions or (self.candidacy.ended and not back):
            if (answer := candidacy.answer_again(self.candidacy, order)) is not None:
                self.to_suspension.append(answer)
        else:
            self.obeyed(candidacy.obey(self.candidacy, order, self.now))
            if self.session.version > self.candidacy.terms.version:
                self.obeyed(candidacy.rearm(self.candidacy, self.session.terms, self.now))

    @rule()
    def the_suspension_hears(self) -> None:
        if self.to_suspension:
            self.tell(self.to_suspension.popleft())

    def tell(self, tiding: Tiding) -> None:
        if self.open is None or tiding.decision in self.open.decisions or self.open.ended:
            return
        if tiding.contact != self.open.participant:
            self.stepped(suspension.hear(self.open, tiding, self.now))

    def find_out(self) -> None:
        """The candidacy runs no more, so its record is asked how it ended."""
        if self.open is None or not self.candidacy.ended:
            return
        if self.candidacy.stage is Stage.EXCLUDED and suspension.brings_back(self.open):
            return
        nth = self.open.reversals
        self.tell(candidacy.found_ended(self.candidacy.reference, self.candidacy.stage, nth=nth))

    @rule()
    def the_server_is_lost(self) -> None:
        """What was under way is gone, and every word goes out again that stood in an outbox at its case's last step.

        A suspension that is started again asks how its candidacy ended, or repeats its last order.
        """
        self.to_candidacy.clear()
        self.to_suspension.clear()
        if self.candidacy.ended:
            # It is not started again, so what it had to say is said by nobody; whoever depends on it asks.
            self.candidacy = self.candidacy.model_copy(update={"outbox": ()})
        else:
            kept = self.written.get(self.candidacy.workflow_id, ())
            self.candidacy = self.candidacy.model_copy(update={"outbox": kept})
        if self.open is not None and not self.open.ended:
            self.open = self.open.model_copy(update={"outbox": self.written[self.open.workflow_id]})
            self.find_out()
            assert self.open.order is not None
            if not self.open.outbox:
                self.to_candidacy.append(self.open.order)

    @invariant()
    def whoever_is_suspended_has_an_open_suspension_and_no_suspension_ends_before_its_candidacy(self) -> None:
        review = self.candidacy.review
        assert (self.candidacy.stage is Stage.SUSPENDED) == (review is not None and review.measure is not Measure.NONE)
        if review is not None:
            assert self.open is not None
            assert (review.suspension, self.open.ended) == (self.open.workflow_id, False)

    @invariant()
    def nobody_is_excluded_but_by_a_decision(self) -> None:
        if self.candidacy.stage is Stage.EXCLUDED:
            assert self.open is not None
            decided = self.open.decided
            told = [*(Order.model_validate(word.content) for word in self.open.outbox), *self.to_candidacy]
            on_its_way = any(order.act is Act.REINSTATE for order in told)
            is_decided = decided is not None and decided.outcome is SuspensionStage.EXCLUDED
            assert is_decided or suspension.brings_back(self.open) or on_its_way

    @invariant()
    def the_agenda_is_in_order_and_never_stands_still(self) -> None:
        if self.open is None:
            return
        dues = suspension.agenda(self.open)
        assert [due.at for due in dues] == sorted(due.at for due in dues)
        assert bool(dues) == (self.open.stage in suspension.UNDECIDED)

    @rule()
    def settle(self) -> None:
        """Deliver everything until nothing is on its way."""
        for _ in range(200):
            self.the_suspension_s_word_goes_out(twice=False)
            self.the_candidacy_s_word_goes_out(twice=False)
            self.the_candidacy_hears()
            self.the_suspension_hears()
            on_its_way = self.to_candidacy or self.to_suspension or self.candidacy.outbox
            if not on_its_way and (self.open is None or not self.open.outbox):
                return
        raise AssertionError("words go back and forth for ever")

    def teardown(self) -> None:
        if not hasattr(self, "candidacy"):
            return
        self.settle()
        if self.open is not None and not self.open.ended:
            review = self.candidacy.review
            assert review is not None
            assert (review.suspension, review.measure) == (self.open.workflow_id, self.open.measure)
            assert self.open.participant == self.candidacy.nomination.candidate.contact
        self.now = max(self.now, self.candidacy.terms.closing)
        self.candidacy_comes_due()
        self.settle()
        assert self.candidacy.ended is True
        assert self.open is None or self.open.ended is True


SuspensionMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=35, deadline=None)
TestSuspensionMachine = SuspensionMachine.TestCase
