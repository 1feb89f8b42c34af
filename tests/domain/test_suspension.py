"""A suspension's law: who is heard, by when, who decides, and how it ends."""

from contextlib import nullcontext
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any, Final

import pytest
from pydantic import ValidationError

from domain import suspension
from domain.candidacy import SCREENING_HIT, Act, Measure, Order, Reason, Stage, TidingKind
from domain.checks import VettingFile
from domain.errors import (
    ConflictOfInterest,
    IncompleteAnswer,
    NoSuchHit,
    NotAtThisStage,
    NotEligible,
    NothingToChange,
    OutOfTime,
    Refusal,
    SamePerson,
    SeatsExceeded,
    UnfoundedWord,
    VoteNotCarried,
)
from domain.model import Model
from domain.notices import Notice, Role, Template
from domain.screening import Hit, Resolved, Screening, Trust, Verdict
from domain.session import Limits, SessionStage, SuspensionLimits, Terms
from domain.steps import Due, Outcome
from domain.suspension import (
    ENDINGS,
    OPEN,
    REVERSIBLE,
    SUSPENSION_MOVES,
    UNDECIDED,
    Assignment,
    Charge,
    Extension,
    HeardBy,
    Observations,
    Recommendation,
    ReviewReport,
    Service,
    SuspensionAct,
    SuspensionDecision,
    SuspensionStage,
    SuspensionState,
    Waiver,
    agenda,
    check_heard,
    check_hits,
    check_opening,
    check_return,
    come_due,
    deadline,
    evidence_of,
    rearm,
)
from domain.timelimits import Limit, day_of, end_of
from tests.builders import (
    NOMINATED_AT,
    a_case,
    a_charge,
    a_decision,
    a_hit,
    a_list,
    a_list_plan,
    a_reversal,
    a_service,
    a_session,
    a_standing,
    a_suspension,
    an_hour_after,
    ordered,
    ruled,
    terms,
    told,
    under_review,
)

REPORT: Final = ReviewReport(text="I found nothing.", recommendation=Recommendation.LIFTED)
CONTENTS: Final[dict[SuspensionAct, Model]] = {
    SuspensionAct.OPEN: a_charge(reason="Something else."),
    SuspensionAct.SERVE: Service(how="by hand", on=date(2026, 1, 26)),
    SuspensionAct.OBSERVE: Observations(answer="It was not I."),
    SuspensionAct.WAIVE: Waiver(how="by telephone"),
    SuspensionAct.EXTEND: Extension(days=7, reason="Ill."),
    SuspensionAct.ASSIGN: Assignment(reviewer="O-7"),
    SuspensionAct.DECLARE_INTEREST: Reason(reason="A cousin."),
    SuspensionAct.REPORT: REPORT,
    SuspensionAct.DECIDE: a_decision(),
    SuspensionAct.VOID: Reason(reason="Another person."),
    SuspensionAct.REVERSE: a_reversal(),
}


def letters(outcome: Outcome[SuspensionState]) -> list[tuple[Template, Role]]:
    return [(notice.template, notice.role) for notice in outcome.notices]


def orders(outcome: Outcome[SuspensionState]) -> list[tuple[Act, Measure]]:
    words = [Order.model_validate(dispatch.content) for dispatch in outcome.dispatches]
    return [(order.act, order.measure) for order in words]


def due(state: SuspensionState, act: SuspensionAct) -> Due:
    return next(item for item in agenda(state) if item.kind == act)


def run_until(state: SuspensionState, until: datetime) -> tuple[SuspensionState, list[Outcome[SuspensionState]]]:
    """Take everything as it comes due, on time."""
    taken = []
    while (dues := agenda(state)) and dues[0].at <= until:
        taken.append(come_due(state, dues[0], dues[0].at))
        state = taken[-1].state
    return state, taken


def with_limits(**changes: Any) -> Terms:
    return terms(limits=Limits(suspension=SuspensionLimits(**changes)))


def reviewed() -> SuspensionState:
    """A suspension on which O-2 has reported."""
    state = ruled(under_review(), SuspensionAct.ASSIGN, Assignment(reviewer="O-2")).state
    return ruled(state, SuspensionAct.REPORT, REPORT, signer="O-2").state


class TestTheTable:
    @pytest.mark.parametrize("stage", SuspensionStage)
    def test_every_stage_is_reached_by_some_road(self, stage: SuspensionStage) -> None:
        assert under_review(stage).stage is stage

    @pytest.mark.parametrize(("act", "stage"), list(product(CONTENTS, SuspensionStage)))
    def test_an_act_is_refused_by_the_rule_of_its_name_where_the_table_has_no_room(
        self, act: SuspensionAct, stage: SuspensionStage
    ) -> None:
        state = under_review(stage)
        if stage in SUSPENSION_MOVES[act]:
            suspension.check(state, act)
            return
        with pytest.raises(NotAtThisStage) as refused:
            ruled(state, act, CONTENTS[act], signer="O-9")
        assert refused.value.rule == f"suspension-{act.replace('_', '-')}"

    @pytest.mark.parametrize("stage", sorted(ENDINGS))
    def test_an_ended_case_waits_for_nothing(self, stage: SuspensionStage) -> None:
        state = under_review(stage)

        assert state.ended is True
        assert agenda(state) == ()
        assert deadline(state) is None

    def test_nobody_acts_once_the_session_has_ended(self) -> None:
        state = under_review()
        with pytest.raises(OutOfTime) as refused:
            ruled(state, SuspensionAct.ASSIGN, Assignment(reviewer="O-2"), at=state.terms.closing)
        assert refused.value.rule == "session-closed"

    def test_a_state_survives_being_written_down(self) -> None:
        state = under_review(SuspensionStage.UPHELD)

        assert SuspensionState.model_validate_json(state.model_dump_json()) == state


class TestOpening:
    @pytest.mark.parametrize("stage", sorted(set(Stage) - {Stage.PARTICIPANT, Stage.SUSPENDED}))
    def test_only_a_participant_can_be_suspended(self, stage: Stage) -> None:
        with pytest.raises(NotAtThisStage) as refused:
            check_opening(terms(), a_charge(), stage, an_hour_after(a_case(Stage.PARTICIPANT)))
        assert refused.value.rule == "suspension-participant"

    def test_a_criterion_is_one_of_the_session(self) -> None:
        a_suspension(a_charge(ground="criterion:opposes-war"))
        with pytest.raises(IncompleteAnswer) as refused:
            a_suspension(a_charge(ground="criterion:tall"))
        assert refused.value.rule == "criterion-of-session"

    @pytest.mark.parametrize(
        "changes",
        [
            {"measure": "partial"},
            {"measure": "full", "scope": "No entry."},
            {"evidence": []},
            {"ground": "gossip"},
            {"ground": "criterion:"},
            {"reason": " "},
        ],
    )
    def test_a_charge_says_what_for_on_what_evidence_and_how_much(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Charge.model_validate(a_charge().model_dump() | changes)

    def test_the_candidacy_the_participant_and_the_secretariats_are_told_at_once(self) -> None:
        opened = a_suspension()

        assert orders(opened) == [(Act.SUSPEND, Measure.FULL)]
        assert opened.state.outbox == opened.dispatches
        assert letters(opened) == [
            (Template.SUSPENSION_OPENED, Role.CANDIDATE),
            (Template.SECRETARIAT_MEASURE, Role.SECRETARIAT),
        ]

    def test_only_the_participant_is_told_the_grounds(self) -> None:
        joined = ruled(
            under_review(), SuspensionAct.OPEN, a_charge(ground="banned-symbol", reason="On a badge."), signer="O-4"
        )
        told_of = [notice for outcome in (a_suspension(), joined) for notice in outcome.notices]

        assert {notice.role for notice in told_of if notice.facts.ground or notice.facts.text} == {Role.CANDIDATE}

    def test_where_nothing_is_taken_away_nobody_else_need_know(self) -> None:
        opened = a_suspension(a_charge(measure=Measure.NONE))

        assert letters(opened) == [(Template.SUSPENSION_OPENED, Role.CANDIDATE)]
        assert orders(opened) == [(Act.SUSPEND, Measure.NONE)]


class TestHearing:
    def test_the_time_to_answer_runs_from_delivery_by_the_convention(self) -> None:
        # Delivered on Monday 30 March 2026: 14 days end on Easter Monday, 13 April is no working day, so on the 14th.
        closed = (date(2026, 4, 13),)
        of = a_case(Stage.PARTICIPANT, under=terms(closed_days=closed))
        state = a_suspension(of=of, at=datetime.fromisoformat("2026-03-27T10:00:00+00:00")).state
        served = ruled(
            state,
            SuspensionAct.SERVE,
            Service(how="by hand", on=date(2026, 3, 30)),
            at=datetime.fromisoformat("2026-03-31T10:00:00+00:00"),
        )

        assert served.state.answer_by(served.state.grounds[0]) == end_of(date(2026, 4, 14))
        assert [notice.facts.act_by for notice in served.notices] == [date(2026, 4, 14)]

    def test_a_sent_letter_is_not_a_delivered_one(self) -> None:
        state = a_suspension().state

        assert state.answer_by(state.grounds[0]) is None
        assert SuspensionAct.CLOSE_HEARING not in {item.kind for item in agenda(state)}

    def test_delivery_is_presumed_after_so_many_working_days(self) -> None:
        # Tuesday 27 January 2026 and ten working days: Tuesday 10 February.
        state = a_suspension(at=datetime.fromisoformat("2026-01-27T10:00:00+00:00")).state
        presumed = come_due(state, agenda(state)[0], end_of(date(2026, 2, 10)))

        assert agenda(state)[0] == Due(at=end_of(date(2026, 2, 10)), kind=SuspensionAct.PRESUME)
        assert presumed.state.grounds[0].served_on == date(2026, 2, 10)
        assert presumed.state.answer_by(presumed.state.grounds[0]) == end_of(date(2026, 2, 24))

    def test_days_on_which_nobody_ran_the_case_are_not_lost_to_the_participant(self) -> None:
        state = a_suspension(at=datetime.fromisoformat("2026-01-27T10:00:00+00:00")).state
        late = come_due(state, agenda(state)[0], datetime.fromisoformat("2026-03-10T10:00:00+00:00"))

        assert late.state.grounds[0].served_on == date(2026, 3, 10)

    def test_where_delivery_is_not_presumed_the_desk_is_asked_again_and_again(self) -> None:
        of = a_case(Stage.PARTICIPANT, under=with_limits(presumed_delivery=None))
        state, taken = run_until(a_suspension(of=of).state, a_suspension(of=of).state.entered + timedelta(days=22))

        assert [outcome.step.act for outcome in taken] == [SuspensionAct.CHASE_DELIVERY] * 3
        assert [notice.facts.overdue for outcome in taken for notice in outcome.notices] == ["delivery"] * 3
        assert state.stage is SuspensionStage.OPENED

    @pytest.mark.parametrize("days", [-1, 30])
    def test_nothing_is_delivered_before_it_was_written_or_in_the_future(self, days: int) -> None:
        state = a_suspension().state
        with pytest.raises(OutOfTime) as refused:
            ruled(state, SuspensionAct.SERVE, a_service(state, on=state.entered.date() + timedelta(days=days)))
        assert refused.value.rule == "delivery-date"

    def test_silence_ends_the_hearing_after_reminders_and_not_before(self) -> None:
        state = under_review(SuspensionStage.HEARING)
        end = state.answer_by(state.grounds[0])
        assert end is not None
        before, reminders = run_until(state, end - timedelta(seconds=1))
        after, _ = run_until(before, end)

        assert [notice.template for outcome in reminders for notice in outcome.notices] == [
            Template.HEARING_REMINDER
        ] * len(state.terms.limits.reminders)
        assert (before.stage, after.stage) == (SuspensionStage.HEARING, SuspensionStage.REVIEW)
        assert after.grounds[0].heard is HeardBy.TIME

    def test_nobody_is_reminded_of_what_is_over(self) -> None:
        state = under_review(SuspensionStage.HEARING)
        end = state.answer_by(state.grounds[0])
        assert end is not None
        woken = come_due(state, agenda(state)[0], end)

        assert (woken.step.act, woken.notices, woken.step.effects) == (SuspensionAct.REMIND, (), ("too-late",))
        assert agenda(woken.state)[0].kind == SuspensionAct.CLOSE_HEARING

    @pytest.mark.parametrize("stage", [SuspensionStage.OPENED, SuspensionStage.HEARING])
    @pytest.mark.parametrize(
        ("act", "content", "by"),
        [
            (SuspensionAct.OBSERVE, Observations(answer="No."), HeardBy.ANSWER),
            (SuspensionAct.WAIVE, Waiver(how="by telephone"), HeardBy.WAIVER),
        ],
    )
    def test_who_has_answered_or_does_not_want_to_is_heard(
        self, stage: SuspensionStage, act: SuspensionAct, content: Model, by: HeardBy
    ) -> None:
        heard = ruled(under_review(stage), act, content).state

        assert (heard.stage, heard.grounds[0].heard) == (SuspensionStage.REVIEW, by)

    def test_what_comes_late_is_kept_all_the_same(self) -> None:
        late = ruled(under_review(), SuspensionAct.OBSERVE, Observations(answer="And another thing."))

        assert (late.step.effects, late.notices) == (("late:1",), ())

    def test_an_extension_is_a_limit_of_its_own(self) -> None:
        state = under_review(SuspensionStage.HEARING)
        before = state.answer_by(state.grounds[0])
        extended = ruled(state, SuspensionAct.EXTEND, Extension(days=7, reason="Ill."))

        assert before is not None
        assert extended.state.answer_by(extended.state.grounds[0]) == before + timedelta(days=7)
        assert letters(extended) == [(Template.HEARING_EXTENDED, Role.CANDIDATE)]

    def test_a_time_that_has_passed_is_not_extended(self) -> None:
        state = under_review(SuspensionStage.HEARING)
        with pytest.raises(OutOfTime) as refused:
            ruled(state, SuspensionAct.EXTEND, Extension(days=7, reason="Ill."), at=state.answer_by(state.grounds[0]))
        assert refused.value.rule == "hearing-limit"

    def test_the_review_is_not_decided_before_the_participant_is_heard(self) -> None:
        for stage in (SuspensionStage.OPENED, SuspensionStage.HEARING):
            with pytest.raises(NotAtThisStage):
                ruled(under_review(stage), SuspensionAct.DECIDE, a_decision(), signer="O-3")


class TestFurtherGrounds:
    def test_another_trigger_joins_with_a_notice_and_a_time_of_its_own(self) -> None:
        state = under_review(SuspensionStage.HEARING)
        joined = ruled(
            state,
            SuspensionAct.OPEN,
            a_charge(ground="banned-symbol"),
            signer="O-4",
            at=state.entered + timedelta(days=3),
        )
        after = joined.state
        served = ruled(after, SuspensionAct.SERVE, a_service(after, on=(state.entered + timedelta(days=4)).date()),
                       at=state.entered + timedelta(days=5))  # fmt: skip

        assert [ground.number for ground in after.grounds] == [1, 2]
        assert letters(joined) == [(Template.FURTHER_GROUND, Role.CANDIDATE)]
        first, second = (served.state.answer_by(ground) for ground in served.state.grounds)
        assert first is not None
        assert second is not None
        assert first < second

    @pytest.mark.parametrize("stage", sorted(UNDECIDED))
    def test_it_is_accepted_at_every_stage_before_the_decision_and_opens_the_hearing_again(
        self, stage: SuspensionStage
    ) -> None:
        joined = ruled(under_review(stage), SuspensionAct.OPEN, a_charge(ground="banned-symbol"), signer="O-4").state

        assert joined.stage is (SuspensionStage.OPENED if stage is SuspensionStage.OPENED else SuspensionStage.HEARING)
        assert joined.grounds[1].heard is None

    def test_the_report_must_cover_every_ground(self) -> None:
        joined = ruled(reviewed(), SuspensionAct.OPEN, a_charge(ground="banned-symbol"), signer="O-4")

        assert joined.state.report is None
        assert "sets-aside:report" in joined.step.effects

    def test_the_heavier_measure_prevails(self) -> None:
        state = a_suspension(a_charge(measure=Measure.PARTIAL, scope="No entry.")).state
        heavier = ruled(state, SuspensionAct.OPEN, a_charge(reason="More."), signer="O-4")
        lighter = ruled(heavier.state, SuspensionAct.OPEN, a_charge(measure=Measure.NONE, reason="Less."), signer="O-4")

        assert (heavier.state.measure, heavier.state.scope) == (Measure.FULL, None)
        assert orders(heavier) == [(Act.SUSPEND, Measure.FULL)]
        assert lighter.state.measure is Measure.FULL
        assert orders(lighter) == []

    def test_the_same_is_not_held_against_somebody_twice(self) -> None:
        with pytest.raises(NothingToChange):
            ruled(a_suspension().state, SuspensionAct.OPEN, a_charge(), signer="O-4")

    def test_an_act_names_the_grounds_it_is_about(self) -> None:
        state = ruled(a_suspension().state, SuspensionAct.OPEN, a_charge(ground="banned-symbol")).state
        served = ruled(state, SuspensionAct.SERVE, a_service(state, grounds=(2,))).state

        assert [ground.served_on is None for ground in served.grounds] == [True, False]
        for act, content, rule in (
            (SuspensionAct.SERVE, a_service(served, grounds=(2,)), "delivery-established"),
            (SuspensionAct.SERVE, a_service(served, grounds=(3,)), "ground-number"),
            (SuspensionAct.EXTEND, Extension(days=1, reason="Ill.", grounds=(1,)), "hearing-runs"),
        ):
            with pytest.raises(NotAtThisStage) as refused:
                ruled(served, act, content)
            assert refused.value.rule == rule


class TestThreePersons:
    def test_who_opened_does_not_review(self) -> None:
        with pytest.raises(SamePerson) as refused:
            ruled(under_review(), SuspensionAct.ASSIGN, Assignment(reviewer="O-1"))
        assert refused.value.rule == "reviewer-is-opener"

    def test_who_reviews_does_not_open(self) -> None:
        state = ruled(under_review(), SuspensionAct.ASSIGN, Assignment(reviewer="O-2")).state
        with pytest.raises(SamePerson) as refused:
            ruled(state, SuspensionAct.OPEN, a_charge(reason="More."), signer="O-2")
        assert refused.value.rule == "reviewer-is-opener"

    @pytest.mark.parametrize("signer", ["O-1", "O-2"])
    def test_who_opened_or_reviewed_does_not_decide(self, signer: str) -> None:
        with pytest.raises(SamePerson) as refused:
            ruled(reviewed(), SuspensionAct.DECIDE, a_decision(), signer=signer)
        assert refused.value.rule == "three-persons"

    def test_only_the_reviewer_reports(self) -> None:
        state = ruled(under_review(), SuspensionAct.ASSIGN, Assignment(reviewer="O-2")).state
        for case, signer in ((state, "O-3"), (under_review(), "O-2")):
            with pytest.raises(SamePerson) as refused:
                ruled(case, SuspensionAct.REPORT, REPORT, signer=signer)
            assert refused.value.rule == "reviewer-reports"

    def test_who_has_declared_an_interest_neither_reviews_nor_decides(self) -> None:
        state = ruled(reviewed(), SuspensionAct.DECLARE_INTEREST, Reason(reason="A cousin."), signer="O-5").state
        for act, content in (
            (SuspensionAct.ASSIGN, Assignment(reviewer="O-5")),
            (SuspensionAct.DECIDE, a_decision()),
        ):
            with pytest.raises(ConflictOfInterest) as refused:
                ruled(state, act, content, signer="O-5")
            assert refused.value.rule == "declared-interest"

    def test_a_reviewer_who_declares_an_interest_is_relieved(self) -> None:
        declared = ruled(reviewed(), SuspensionAct.DECLARE_INTEREST, Reason(reason="A cousin."), signer="O-2")

        assert (declared.state.reviewer, declared.state.report) == (None, None)
        assert "relieves:O-2" in declared.step.effects


class TestInterimMeasure:
    def test_before_its_end_the_desk_is_reminded_and_at_its_end_the_bureau_is_asked_until_somebody_decides(
        self,
    ) -> None:
        state = under_review()
        end = state.must_be_decided_by
        _, taken = run_until(state, end + timedelta(days=15))

        told_of = [(notice.template, notice.role) for outcome in taken for notice in outcome.notices]
        assert told_of == [
            *[(Template.DESK_MEASURE_REMINDER, Role.DESK)] * 2,
            *[(Template.BUREAU_REFERRAL, Role.BUREAU)] * 3,
        ]
        assert [outcome.step.at for outcome in taken if outcome.step.act == SuspensionAct.REFER] == [
            end + timedelta(days=7 * times) for times in range(3)
        ]

    def test_its_length_is_a_setting(self) -> None:
        of = a_case(Stage.PARTICIPANT, under=with_limits(interim=Limit(days=10)))
        state = a_suspension(of=of, at=datetime.fromisoformat("2026-01-27T10:00:00+00:00")).state

        assert state.must_be_decided_by == end_of(date(2026, 2, 6))

    def test_the_first_referral_is_not_passed_over_where_nobody_ran_the_case(self) -> None:
        state = under_review(SuspensionStage.HEARING)
        late = state.must_be_decided_by + timedelta(days=1)
        acts = []
        while (dues := agenda(state)) and dues[0].at <= late:
            outcome = come_due(state, dues[0], late)
            acts.append(outcome.step.act)
            state = outcome.state

        assert acts.count(SuspensionAct.REFER) == 1
        assert agenda(state)[0].at > late

    def test_once_referred_the_bureau_decides_without_a_report(self) -> None:
        state, _ = run_until(under_review(), under_review().must_be_decided_by)
        with pytest.raises(NotAtThisStage) as refused:
            ruled(under_review(), SuspensionAct.DECIDE, a_decision(), signer="O-3")

        assert refused.value.rule == "decide-on-a-report"
        assert ruled(state, SuspensionAct.DECIDE, a_decision(), signer="O-3").state.stage is SuspensionStage.DECIDED


class TestDeciding:
    @pytest.mark.parametrize(
        ("outcome", "stage", "order"),
        [
            (Recommendation.LIFTED, SuspensionStage.LIFTED, Act.RESTORE),
            (Recommendation.EXCLUDED, SuspensionStage.EXCLUDED, Act.EXCLUDE),
        ],
    )
    def test_a_decision_has_come_to_pass_when_the_candidacy_has_obeyed(
        self, outcome: Recommendation, stage: SuspensionStage, order: Act
    ) -> None:
        decided = ruled(reviewed(), SuspensionAct.DECIDE, a_decision(outcome), signer="O-3")
        obeyed = told(decided.state, TidingKind.OBEYED, order=decided.dispatches[0].decision)

        assert (decided.state.stage, orders(decided)[0][0], decided.notices) == (SuspensionStage.DECIDED, order, ())
        assert obeyed.state.stage is stage
        assert [notice.role for notice in obeyed.notices] == [Role.CANDIDATE, Role.SECRETARIAT]
        assert obeyed.notices[0].facts.reference == "AS/Bur 12"

    def test_the_answer_to_another_order_ends_nothing(self) -> None:
        decided = under_review(SuspensionStage.DECIDED)
        heard = told(decided, TidingKind.OBEYED, order="another")

        assert (heard.step.act, heard.state.stage) == (SuspensionAct.UNHEEDED, SuspensionStage.DECIDED)

    def test_upheld_it_lasts_to_the_session_s_end(self) -> None:
        upheld = ruled(reviewed(), SuspensionAct.DECIDE, a_decision(Recommendation.UPHELD), signer="O-3")
        ended = told(upheld.state, TidingKind.ENDED, stage=Stage.EXPIRED)

        assert deadline(upheld.state) == upheld.state.terms.closing
        assert letters(upheld) == [(Template.SUSPENSION_UPHELD, Role.CANDIDATE)]
        assert ended.state.stage is SuspensionStage.EXPIRED

    def test_upheld_with_another_measure_everybody_is_told(self) -> None:
        decision = a_decision(Recommendation.UPHELD, measure=Measure.PARTIAL, scope="No entry.")
        upheld = ruled(reviewed(), SuspensionAct.DECIDE, decision, signer="O-3")

        assert orders(upheld) == [(Act.SUSPEND, Measure.PARTIAL)]
        assert letters(upheld)[1] == (Template.SECRETARIAT_MEASURE, Role.SECRETARIAT)

    def test_what_takes_nothing_away_cannot_be_upheld(self) -> None:
        state = a_suspension(a_charge(measure=Measure.NONE)).state
        state = ruled(state, SuspensionAct.WAIVE, Waiver(how="by telephone")).state
        state = ruled(state, SuspensionAct.ASSIGN, Assignment(reviewer="O-2")).state
        state = ruled(state, SuspensionAct.REPORT, REPORT, signer="O-2").state
        with pytest.raises(IncompleteAnswer) as refused:
            ruled(state, SuspensionAct.DECIDE, a_decision(Recommendation.UPHELD), signer="O-3")
        assert refused.value.rule == "upheld-measure"

    @pytest.mark.parametrize(
        "changes",
        [
            {"outcome": "lifted", "measure": "full"},
            {"outcome": "upheld", "measure": "none"},
            {"outcome": "upheld", "measure": "partial"},
            {"outcome": "upheld", "scope": "No entry."},
            {"outcome": "void"},
            {"votes": {"in_favour": 3, "against": 3}},
        ],
    )
    def test_a_decision_makes_sense(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            SuspensionDecision.model_validate(a_decision().model_dump() | changes)

    def test_the_votes_carry_the_decision(self) -> None:
        with pytest.raises(VoteNotCarried):
            ruled(reviewed(), SuspensionAct.DECIDE, a_decision(votes={"in_favour": 1, "against": 2}), signer="O-3")

    def test_what_was_opened_in_error_is_void(self) -> None:
        voided = ruled(under_review(SuspensionStage.HEARING), SuspensionAct.VOID, Reason(reason="Another person."))
        ended = told(voided.state, TidingKind.OBEYED, order=voided.dispatches[0].decision)

        assert orders(voided)[0][0] is Act.RESTORE
        assert ended.state.stage is SuspensionStage.VOID
        assert letters(ended)[0] == (Template.SUSPENSION_VOID, Role.CANDIDATE)


class TestOtherEndings:
    @pytest.mark.parametrize("stage", sorted(OPEN))
    @pytest.mark.parametrize(
        ("ended", "ending", "letter"),
        [
            (Stage.WITHDRAWN, SuspensionStage.WITHDRAWN, [Template.SUSPENSION_CLOSED, Template.SECRETARIAT_END]),
            (Stage.DECEASED, SuspensionStage.DECEASED, [Template.SECRETARIAT_END]),
            (Stage.EXPIRED, SuspensionStage.LAPSED_WITH_SESSION, [Template.SUSPENSION_CLOSED]),
        ],
    )
    def test_a_candidacy_that_ends_by_itself_ends_its_suspension(
        self, stage: SuspensionStage, ended: Stage, ending: SuspensionStage, letter: list[Template]
    ) -> None:
        outcome = told(under_review(stage), TidingKind.ENDED, stage=ended)
        if stage is SuspensionStage.UPHELD and ended is Stage.EXPIRED:
            ending = SuspensionStage.EXPIRED

        assert outcome.state.stage is ending
        assert [notice.template for notice in outcome.notices] == letter

    def test_nothing_is_written_to_the_dead(self) -> None:
        outcome = told(under_review(), TidingKind.ENDED, stage=Stage.DECEASED)

        assert Role.CANDIDATE not in {notice.role for notice in outcome.notices}

    def test_what_was_decided_too_late_says_that_it_was_overtaken(self) -> None:
        outcome = told(under_review(SuspensionStage.DECIDED), TidingKind.ENDED, stage=Stage.WITHDRAWN)

        assert "overtakes:lifted" in outcome.step.effects

    def test_an_exclusion_whose_answer_was_lost_is_found_to_have_been_obeyed(self) -> None:
        decided = ruled(reviewed(), SuspensionAct.DECIDE, a_decision(Recommendation.EXCLUDED), signer="O-3").state

        assert told(decided, TidingKind.ENDED, stage=Stage.EXCLUDED).state.stage is SuspensionStage.EXCLUDED

    def test_one_that_never_was_this_person_s_is_void(self) -> None:
        assert told(a_suspension().state, TidingKind.UNHEEDED).state.stage is SuspensionStage.VOID

    def test_letters_follow_the_participant(self) -> None:
        state = a_suspension().state
        moved = told(
            state, TidingKind.CONTACT, contact=state.participant.model_copy(update={"email": "new@example.org"})
        )

        def address(notice: Notice) -> str | None:
            return notice.to.email if notice.to is not None else None

        served = ruled(moved.state, SuspensionAct.SERVE, a_service(moved.state))
        assert [address(notice) for notice in served.notices] == ["new@example.org"]

    def test_the_session_s_new_dates_are_taken(self) -> None:
        state = under_review(SuspensionStage.UPHELD)
        moved = rearm(state, terms(version=2, closes=date(2027, 3, 1)), an_hour_after(state)).state

        assert deadline(moved) == end_of(date(2027, 3, 1))


class TestReversing:
    @pytest.mark.parametrize("stage", sorted(REVERSIBLE))
    def test_a_decision_is_undone_by_another_and_every_effect_is_named(self, stage: SuspensionStage) -> None:
        state = under_review(stage)
        reversed_ = ruled(state, SuspensionAct.REVERSE, a_reversal(), signer="O-4")
        after = reversed_.state

        assert after.stage is SuspensionStage.REVIEW
        assert {f"undoes:{stage}", "measure:full", "relieves:O-2", "sets-aside:report"} <= set(reversed_.step.effects)
        assert (after.reviewer, after.report, after.referred, after.decided) == (None, None, None, None)
        begin = Act.REINSTATE if stage is SuspensionStage.EXCLUDED else Act.SUSPEND
        assert orders(reversed_) == [(begin, Measure.FULL)]
        assert letters(reversed_)[0] == (Template.SUSPENSION_REVERSED, Role.CANDIDATE)

    def test_time_limits_are_computed_anew_and_not_restored(self) -> None:
        state = ruled(
            under_review(SuspensionStage.HEARING), SuspensionAct.VOID, Reason(reason="Another."), signer="O-3"
        ).state
        order = state.decided.order if state.decided is not None else None
        state = told(state, TidingKind.OBEYED, order=order).state
        at = state.entered + timedelta(days=100)
        after = ruled(state, SuspensionAct.REVERSE, a_reversal(), signer="O-4", at=at).state

        assert (after.stage, after.grounds[0].served_on) == (SuspensionStage.OPENED, None)
        assert after.since == at
        assert all(item.at > at for item in agenda(after))

    def test_the_letter_says_when_it_counts_as_delivered_where_somebody_is_to_be_heard_again(self) -> None:
        opened = ruled(a_suspension().state, SuspensionAct.VOID, Reason(reason="Another."), signer="O-3").state
        order = opened.decided.order if opened.decided is not None else None
        void = told(opened, TidingKind.OBEYED, order=order).state
        for state, heard in ((void, False), (under_review(SuspensionStage.LIFTED), True)):
            after = ruled(state, SuspensionAct.REVERSE, a_reversal(), signer="O-4")
            (presumed,) = {after.state.presumed_on(ground) for ground in after.state.grounds}
            assert after.notices[0].facts.presumed == (None if heard else presumed)

    def test_what_has_ended_is_undone_by_the_session_s_dates_and_not_by_its_own(self) -> None:
        state = under_review(SuspensionStage.LIFTED)
        late = state.terms.closing + timedelta(days=1)
        after = ruled(state, SuspensionAct.REVERSE, a_reversal(), signer="O-4", at=late)
        longer = a_session(closes=day_of(late) + timedelta(days=30))

        assert after.state.stage is SuspensionStage.REVIEW
        check_return(state, late, candidacy=a_case(Stage.PARTICIPANT), seat=None, session=longer)
        for session in (None, a_session(), longer.model_copy(update={"stage": SessionStage.CLOSED})):
            with pytest.raises(OutOfTime) as refused:
                check_return(state, late, candidacy=a_case(Stage.PARTICIPANT), seat=None, session=session)
            assert refused.value.rule == "session-closed"

    @pytest.mark.parametrize(
        ("ending", "stage", "rule"),
        [
            (SuspensionStage.LIFTED, Stage.PARTICIPANT, None),
            (SuspensionStage.LIFTED, Stage.WITHDRAWN, "suspension-participant"),
            (SuspensionStage.EXCLUDED, Stage.EXCLUDED, None),
            (SuspensionStage.EXCLUDED, Stage.PARTICIPANT, "suspension-participant"),
            (SuspensionStage.VOID, Stage.SUSPENDED, "one-suspension"),
        ],
    )
    def test_only_what_is_left_of_a_decision_can_be_undone(
        self, ending: SuspensionStage, stage: Stage, rule: str | None
    ) -> None:
        candidacy = a_case(stage)
        if stage is Stage.SUSPENDED:
            other = ordered(a_case(Stage.PARTICIPANT), Act.SUSPEND, number=2, measure=Measure.FULL)
            candidacy = other.state
        state = under_review(ending)
        at = an_hour_after(state)
        with pytest.raises(Refusal) if rule else nullcontext() as refused:
            check_return(state, at, candidacy=candidacy, seat=None, session=a_session())
        assert refused is None or refused.value.rule == rule

    def test_an_exclusion_is_undone_only_while_the_seat_is_kept(self) -> None:
        state, candidacy = under_review(SuspensionStage.EXCLUDED), a_case(Stage.EXCLUDED)
        plan = a_list_plan(general=(1,))
        seats = a_list(plan, {candidacy.reference: a_standing(1)}).state.model_copy(update={"in_force": plan})
        check_return(state, an_hour_after(state), candidacy=candidacy, seat=seats, session=a_session())
        given = seats.model_copy(update={"in_force": a_list_plan(general=(2,))})
        with pytest.raises(SeatsExceeded) as refused:
            check_return(state, an_hour_after(state), candidacy=candidacy, seat=given, session=a_session())
        assert refused.value.rule == "seat-taken"

    @pytest.mark.parametrize("stage", sorted(ENDINGS - REVERSIBLE))
    def test_what_nobody_decided_nobody_undoes(self, stage: SuspensionStage) -> None:
        with pytest.raises(Refusal):
            ruled(under_review(stage), SuspensionAct.REVERSE, a_reversal(), signer="O-4")

    @pytest.mark.parametrize("signer", ["O-1", "O-2"])
    def test_neither_the_opener_nor_the_reviewer_undoes_a_decision(self, signer: str) -> None:
        with pytest.raises(SamePerson):
            ruled(under_review(SuspensionStage.LIFTED), SuspensionAct.REVERSE, a_reversal(), signer=signer)


def a_hit_charge(hit: Hit) -> Charge:
    return a_charge(ground=SCREENING_HIT, evidence=(evidence_of(hit),))


def a_file_with(*hits: Hit, at: datetime = NOMINATED_AT, words: int = 0) -> VettingFile:
    """Hits found at an instant, of which so many officers said an hour later that they are another person's."""
    said = tuple(
        Resolved(
            officer=f"O-{number}",
            at=at + timedelta(hours=1),
            hit=hit.id,
            digest=hit.digest,
            verdict=Verdict.OTHER_PERSON,
        )
        for hit in hits
        for number in range(words)
    )
    return VettingFile(screening=Screening(at=at, asked={"somebody": 1}, hits=hits), resolved=said)


@pytest.mark.parametrize(
    ("file", "hit", "rule"),
    [
        (a_file_with(a_hit()), a_hit(), None),
        (a_file_with(a_hit(), words=1), a_hit(), None),
        (a_file_with(a_hit(), words=2), a_hit(), "hit-of-another-person"),
        (a_file_with(a_hit(Trust.HOSTILE)), a_hit(Trust.HOSTILE), "hostile-list"),
        (a_file_with(a_hit(entry="2")), a_hit(), "hit-of-participant"),
        (a_file_with(a_hit(digest="1" * 64)), a_hit(), "hit-stale"),
        (None, a_hit(), "hit-of-participant"),
    ],
)
def test_a_hit_is_held_against_whom_it_is_about_and_nobody_else(
    file: VettingFile | None, hit: Hit, rule: str | None
) -> None:
    if rule is None:
        check_hits(a_hit_charge(hit), file)
        return
    with pytest.raises(Refusal) as refused:
        check_hits(a_hit_charge(hit), file)
    assert refused.value.rule == rule


def test_a_charge_of_a_hit_names_the_hit_and_another_charge_need_not() -> None:
    with pytest.raises(NoSuchHit):
        check_hits(a_charge(ground=SCREENING_HIT), a_file_with(a_hit()))
    check_hits(a_charge(), None)


def test_what_was_found_or_said_of_a_hit_since_the_charge_does_not_count_where_the_ledger_is_written_again() -> None:
    before, between = NOMINATED_AT - timedelta(hours=1), NOMINATED_AT + timedelta(minutes=30)
    check_hits(a_hit_charge(a_hit()), a_file_with(a_hit(entry="2")), before)
    check_hits(a_hit_charge(a_hit()), a_file_with(a_hit(), words=2), between)
    with pytest.raises(NotEligible):
        check_hits(a_hit_charge(a_hit(Trust.HOSTILE)), a_file_with(), before)


@pytest.mark.parametrize("order", [Act.SUSPEND, Act.REINSTATE])
@pytest.mark.parametrize("act", [SuspensionAct.OPEN, SuspensionAct.VOID, SuspensionAct.DECIDE, SuspensionAct.SERVE])
def test_a_decision_and_whatever_follows_a_return_wait_until_the_candidacy_has_heard(
    act: SuspensionAct, order: Act
) -> None:
    state = a_suspension().state
    assert state.order is not None
    state = state.model_copy(update={"order": state.order.model_copy(update={"act": order})})
    candidacy = a_case(Stage.PARTICIPANT)
    waits = act is SuspensionAct.DECIDE or (order is Act.REINSTATE and act is not SuspensionAct.SERVE)
    with pytest.raises(UnfoundedWord, match="has not heard") if waits else nullcontext():
        check_heard(state, act, candidacy)

    assert state.order is not None
    check_heard(state, act, candidacy.model_copy(update={"decisions": {state.order.decision: 9}}))
