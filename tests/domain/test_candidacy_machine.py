"""No sequence of commands, words, amendments and time leads a candidacy where the law does not allow."""

from datetime import datetime, timedelta
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.candidacy import (
    ENDINGS,
    MOVES,
    Act,
    CandidacyState,
    Correction,
    InformationRequest,
    Reason,
    Stage,
    agenda,
    check_command,
    come_due,
    command,
    deadline,
    hear,
    rearm,
)
from domain.errors import Refusal
from domain.model import Model
from domain.notices import Role, Template
from domain.people import SeatKind
from domain.steps import Outcome, Trigger
from domain.timelimits import day_of
from domain.vetting import Judgement
from tests.builders import (
    LIST,
    NOMINATED_AT,
    a_case,
    a_declaration,
    a_word,
    an_assessment,
    an_envelope,
    information,
    terms,
)

LAST_LETTER: Final = {
    Stage.LAPSED: Template.LAPSED,
    Stage.DECLINED: Template.DECLINED,
    Stage.INELIGIBLE: Template.INELIGIBLE,
    Stage.NOT_RETAINED: Template.NOT_RETAINED,
    Stage.WITHDRAWN: Template.WITHDRAWN,
    Stage.EXPIRED: Template.EXPIRED,
}
CHANGES_STAGE: Final = {Act.LAPSE, Act.RESUME, Act.BEGIN, Act.EXPIRE}
ONLY_BY: Final = {
    Stage.LAPSED: Trigger.TIME,
    Stage.DECLINED: Trigger.OFFICER,
    Stage.NOT_RETAINED: Trigger.CASE,
    Stage.WITHDRAWN: Trigger.OFFICER,
    Stage.EXPIRED: Trigger.TIME,
}

contents = st.one_of(
    st.tuples(
        st.just(Act.DECLARE),
        st.builds(a_declaration, consent=st.sampled_from((True, True, True, False)), but=st.none()),
    ),
    st.tuples(st.just(Act.DECLARE), st.just(a_declaration(but="opposes-war"))),
    st.tuples(st.sampled_from((Act.DECLINE, Act.WITHDRAW)), st.just(Reason(reason="No time."))),
    st.tuples(st.just(Act.ASSESS), st.builds(an_assessment, st.sampled_from(Judgement), st.sampled_from(Judgement))),
    st.tuples(st.just(Act.ASSESS), st.just(an_assessment())),
    st.tuples(st.just(Act.REQUEST_INFORMATION), st.just(InformationRequest(question="Where were you?"))),
    st.tuples(st.just(Act.SUPPLY_INFORMATION), st.just(information())),
    st.tuples(st.just(Act.CORRECT), st.just(Correction(role=Role.CANDIDATE, email="new@example.org", reason="Moved."))),
)
lists_acts = st.sampled_from(
    (
        Act.PROPOSE,
        Act.RESERVE,
        Act.SEND_BACK,
        Act.APPROVE,
        Act.CONFIRM_RESERVE,
        Act.NOT_RETAIN,
        Act.RATIFY,
        Act.REFUSE_RATIFICATION,
    )
)


class CandidacyMachine(RuleBasedStateMachine):
    """Drives a candidacy as its workflow does: what is due is taken first, then what somebody does."""

    state: CandidacyState
    now: datetime

    @initialize()
    def nominate(self) -> None:
        self.state = a_case()
        self.now = NOMINATED_AT
        self.reminders: list[tuple[Template, datetime, datetime, int]] = []

    def take(self, outcome: Outcome[CandidacyState]) -> None:
        before, step, after = self.state, outcome.step, outcome.state
        assert step.stage_before == before.stage
        assert step.stage == after.stage
        assert after.stage in MOVES[Act(step.act)][before.stage]
        assert step.seq == after.seq == before.seq + 1
        assert after.decisions[step.decision] == step.seq
        assert after.outbox == (*before.outbox, *outcome.dispatches)
        if after.stage in ENDINGS:
            assert ONLY_BY.get(after.stage, step.trigger) == step.trigger
            last = [notice.template for notice in outcome.notices if notice.role is Role.CANDIDATE]
            assert last == [LAST_LETTER[after.stage]]
        else:
            assert {notice.template for notice in outcome.notices}.isdisjoint(LAST_LETTER.values())
        self.state = after

    def catch_up(self, *, prompt: bool) -> None:
        while (dues := agenda(self.state)) and dues[0].at <= self.now:
            due = dues[0]
            at = max(due.at, self.state.mark) if prompt else self.now
            limit = deadline(self.state)
            entered = self.state.entered
            outcome = come_due(self.state, due, at)
            for notice in outcome.notices:
                if due.kind in {Act.REMIND, Act.NOTIFY_EXPIRY}:
                    assert limit is not None
                    assert at < limit
                    reminder = (notice.template, due.at, entered, self.state.terms.version)
                    assert reminder not in self.reminders
                    self.reminders.append(reminder)
            self.take(outcome)

    @rule(days=st.integers(0, 40), hours=st.integers(0, 23), prompt=st.booleans())
    def time_passes(self, days: int, hours: int, prompt: bool) -> None:
        self.now += timedelta(days=days, hours=hours)
        self.catch_up(prompt=prompt)

    @rule(given=contents, officer=st.integers(1, 4))
    def an_officer_acts(self, given: tuple[Act, Model], officer: int) -> None:
        act, content = given
        envelope = an_envelope(act, self.state.reference, content, signer=f"O-{officer}")
        before = self.state.model_dump()
        try:
            check_command(self.state, envelope, self.now)
        except Refusal:
            assert self.state.model_dump() == before
            return
        self.take(command(self.state, envelope, self.now))

    @precondition(lambda self: not self.state.ended)
    @rule(act=lists_acts, of=st.sampled_from((LIST, LIST, "L-2026-2")), ratification=st.booleans())
    def a_list_speaks(self, act: Act, of: str, ratification: bool) -> None:
        word = a_word(act, of=of, seat=SeatKind.GENERAL, rank=1, ratification=ratification)
        self.take(hear(self.state, word, self.now))

    @precondition(lambda self: not self.state.ended)
    @rule(later=st.integers(1, 400), meets=st.integers(1, 60), opens=st.integers(1, 60))
    def the_session_is_amended(self, later: int, meets: int, opens: int) -> None:
        today = day_of(self.now)
        new = terms(
            version=self.state.terms.version + 1,
            opens=today + timedelta(days=opens) if self.now < self.state.terms.opening else self.state.terms.opens,
            closes=max(today, self.state.terms.opens) + timedelta(days=later + opens),
            bureau_meets=today + timedelta(days=meets),
        )
        self.take(rearm(self.state, new, self.now))

    @invariant()
    def the_agenda_is_in_order_and_ahead(self) -> None:
        dues = agenda(self.state)
        handled = max(self.state.mark, self.state.entered)
        assert [due.at for due in dues] == sorted(due.at for due in dues)
        assert all(due.at > handled or due.kind in CHANGES_STAGE for due in dues)
        assert (dues == ()) == self.state.ended
        if not self.state.ended:
            assert {due.at for due in dues if due.kind == Act.EXPIRE} == {self.state.terms.closing}

    @invariant()
    def nobody_is_approved_by_a_list_unknown(self) -> None:
        on_a_list = {Stage.PROPOSED, Stage.RESERVE, Stage.APPROVED, Stage.PARTICIPANT}
        if self.state.stage in on_a_list:
            assert self.state.list_reference is not None
        elif not self.state.ended:
            assert self.state.list_reference is None

    @invariant()
    def no_officer_counts_twice_in_a_round(self) -> None:
        officers = [given.officer for given in self.state.assessments]
        assert len(officers) == len(set(officers)) <= 3

    def teardown(self) -> None:
        if not hasattr(self, "state"):
            return
        self.now = max(self.now, self.state.terms.closing)
        self.catch_up(prompt=True)
        assert self.state.ended is True
        assert self.state.seq == max(self.state.decisions.values())


CandidacyMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestCandidacyMachine = CandidacyMachine.TestCase
