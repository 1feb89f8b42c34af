from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

import pytest
from pydantic import ValidationError

from domain.errors import DatesOutOfOrder, NotAtThisStage, NothingToChange, Refusal
from domain.session import (
    Limits,
    SessionAct,
    SessionAmendment,
    SessionPlan,
    SessionStage,
    SessionState,
    amend,
    amended,
    close_session,
    open_session,
    session_agenda,
)
from domain.signing import digest
from domain.steps import Due, Outcome, Trigger
from domain.timelimits import Limit, end_of, start_of
from tests.builders import NOMINATED_AT, SESSION, a_plan, an_envelope

PARTS: Final = [{"opens": "2026-01-26", "closes": "2026-01-30"}, {"opens": "2026-04-20", "closes": "2026-04-24"}]


def opened(plan: SessionPlan | None = None, *, at: datetime = NOMINATED_AT) -> Outcome[SessionState]:
    plan = plan or a_plan()
    return open_session(an_envelope("open", f"session/{SESSION}", plan), closed_days=plan.closed_days(), at=at)


def closed() -> SessionState:
    state = opened().state
    (due,) = session_agenda(state)
    return close_session(state, due, due.at).state


def changing(**changes: Any) -> SessionAmendment:
    return SessionAmendment.model_validate({"reason": "The Bureau so decided."} | changes)


class TestPlan:
    @pytest.mark.parametrize(
        ("wrong", "loc", "message"),
        [
            ({"closes": "2026-01-26"}, (), "Value error, closes must be after opens"),
            ({"closes": "2028-05-01"}, (), "Value error, closes must be within 800 days of opens"),
            ({"bureau_meets": "2026-01-04"}, (), "Value error, bureau_meets must not be before nominations_close"),
            (
                {"bureau_meets": "2027-02-01"},
                (),
                "Value error, bureau_meets must not be after closes",
            ),
            (
                {"part_sessions": PARTS[::-1]},
                (),
                "Value error, part_sessions: number 2 is out of order or outside the session",
            ),
            (
                {"part_sessions": [{"opens": "2026-04-24", "closes": "2026-04-20"}]},
                (),
                "Value error, part_sessions: number 1 is out of order or outside the session",
            ),
            (
                {"part_sessions": [{"opens": "2027-01-20", "closes": "2027-01-25"}]},
                (),
                "Value error, part_sessions: number 1 is out of order or outside the session",
            ),
            (
                {"opens": "2026-04-31"},
                ("opens",),
                "Input should be a valid date or datetime, day value is outside expected range",
            ),
            ({"opens": "31 April"}, ("opens",), "Value error, must be a date such as 2026-01-31"),
            ({"opens": 20260126}, ("opens",), "Value error, must be a date such as 2026-01-31"),
            ({"opens": "1769385600"}, ("opens",), "Value error, must be a date such as 2026-01-31"),
            ({"opens": True}, ("opens",), "Value error, must be a date such as 2026-01-31"),
            ({"opens": None}, ("opens",), "Value error, must be a date such as 2026-01-31"),
            (
                {"closures": ["2026-02-30"]},
                ("closures", 0),
                "Input should be a valid date or datetime, day value is outside expected range",
            ),
            ({"reference": "26"}, ("reference",), "String should match pattern '^[0-9]{4}[A-Z]?$'"),
            ({"reference": "2026\n"}, ("reference",), "String should match pattern '^[0-9]{4}[A-Z]?$'"),
            ({"seats": 0}, ("seats",), "Input should be greater than or equal to 1"),
            ({"seats": "many"}, ("seats",), "Input should be a valid integer, unable to parse string as an integer"),
            ({"reserved_share": "3/2"}, ("reserved_share",), "Input should be less than or equal to 1"),
            ({"reserved_share": -0.1}, ("reserved_share",), "Input should be greater than or equal to 0"),
            ({"reserved_share": "a third"}, ("reserved_share",), "Input is not a valid fraction"),
            ({"reserved_share": float("nan")}, ("reserved_share",), "Input is not a valid fraction"),
            ({"rounding": "sideways"}, ("rounding",), "Input should be 'up', 'down' or 'nearest'"),
            ({"colour": "blue"}, ("colour",), "Extra inputs are not permitted"),
        ],
    )
    def test_a_plan_that_cannot_be_names_its_field(
        self, wrong: dict[str, Any], loc: tuple[Any, ...], message: str
    ) -> None:
        with pytest.raises(ValidationError) as refused:
            SessionPlan.model_validate(a_plan().model_dump() | wrong)

        assert (refused.value.errors()[0]["loc"], refused.value.errors()[0]["msg"]) == (loc, message)

    @pytest.mark.parametrize("missing", ["reference", "opens", "closes", "seats", "criteria"])
    def test_a_plan_without_what_is_needed_names_it(self, missing: str) -> None:
        with pytest.raises(ValidationError) as refused:
            SessionPlan.model_validate(a_plan().model_dump(exclude={missing}))

        assert [(error["loc"], error["type"]) for error in refused.value.errors()] == [((missing,), "missing")]

    def test_part_sessions_in_order_are_taken(self) -> None:
        assert [part.opens for part in a_plan(part_sessions=PARTS).part_sessions] == [
            date(2026, 1, 26),
            date(2026, 4, 20),
        ]

    @pytest.mark.parametrize(
        ("written", "share"), [("1/3", Fraction(1, 3)), (0.3, Fraction(3, 10)), ("0.3", Fraction(3, 10)), (1, 1)]
    )
    def test_a_share_is_exactly_what_is_written(self, written: object, share: Fraction) -> None:
        assert a_plan(reserved_share=written).reserved_share == share

    def test_closures_in_any_order_make_the_same_plan(self) -> None:
        days = ["2026-12-31", "2026-12-24", "2026-12-30", "2026-12-24"]
        plans = [a_plan(closures=order) for order in (days, days[::-1], sorted(days))]

        assert {digest(plan.model_dump(mode="json")) for plan in plans} == {digest(plans[0].model_dump(mode="json"))}
        assert plans[0].closures == (date(2026, 12, 24), date(2026, 12, 30), date(2026, 12, 31))

    def test_closed_days_are_the_holidays_and_the_closures_around_the_session(self) -> None:
        days = a_plan(closures=["2026-12-24"]).closed_days()

        assert {date(2026, 12, 24), date(2026, 4, 3), date(2025, 12, 26), date(2029, 5, 1)} <= set(days)
        assert list(days) == sorted(set(days))
        assert {day.year for day in days} == {2025, 2026, 2027, 2028, 2029}

    def test_a_plan_is_the_same_after_it_was_written_down(self) -> None:
        plan = a_plan(reserved_share="0.3", closures=["2026-12-24"], part_sessions=PARTS)

        assert SessionPlan.model_validate_json(plan.model_dump_json()) == plan


class TestLimits:
    @pytest.mark.parametrize(
        ("wrong", "loc"),
        [
            ({"reminders": [2, 7]}, ("reminders",)),
            ({"reminders": [7, 7]}, ("reminders",)),
            ({"reminders": [7, 0]}, ("reminders",)),
            ({"reminders": [366]}, ("reminders",)),
            ({"reminders": [7, 6, 5, 4, 3, 2, 1]}, ("reminders",)),
            ({"reminders": ["soon"]}, ("reminders", 0)),
            ({"escalation_every": 0}, ("escalation_every",)),
            ({"expiry_notice": 366}, ("expiry_notice",)),
            ({"policy": "Fast"}, ("policy",)),
            ({"answer": {"days": "a few"}}, ("answer", "days")),
            ({"answer": {"fortnights": 2}}, ("answer", "fortnights")),
            ({"patience": 3}, ("patience",)),
        ],
    )
    def test_limits_that_cannot_be_name_their_field(self, wrong: dict[str, Any], loc: tuple[Any, ...]) -> None:
        with pytest.raises(ValidationError) as refused:
            Limits.model_validate(wrong)

        assert [error["loc"] for error in refused.value.errors()] == [loc]

    def test_the_standard_limits(self) -> None:
        limits = Limits()

        assert (limits.answer, limits.vetting, limits.information) == (Limit(days=21), Limit(days=21), Limit(days=10))
        assert (limits.reminders, limits.escalation_every, limits.expiry_notice) == ((7, 2), 7, 30)

    def test_no_reminders_are_a_choice(self) -> None:
        assert Limits(reminders=()).reminders == ()


class TestTheSessionsLife:
    def test_opening_keeps_the_days_that_were_looked_up(self) -> None:
        outcome = opened()

        state = outcome.state
        assert (outcome.step.seq, outcome.step.stage, outcome.step.signer) == (1, SessionStage.OPEN, "O-1")
        assert state.closed_days == a_plan().closed_days()
        assert (state.workflow_id, state.ended, state.version) == ("session/2026", False, 1)

    def test_a_session_that_would_be_over_is_not_opened(self) -> None:
        last = end_of(date(2027, 1, 24))

        assert opened(at=last - timedelta(seconds=1)).state.stage is SessionStage.OPEN
        with pytest.raises(DatesOutOfOrder) as refused:
            opened(at=last)
        assert refused.value.rule == "session-closes-later"

    def test_its_terms_say_when_it_runs(self) -> None:
        under = opened().state.terms

        assert (under.opening, under.closing, under.nominations_end) == (
            start_of(date(2026, 1, 26)),
            datetime(2027, 1, 24, 23, tzinfo=UTC),
            datetime(2026, 1, 5, 23, tzinfo=UTC),
        )
        assert (under.session, under.version, under.criteria) == ("2026", 1, ("shares-values", "opposes-war"))
        assert under.ratification is True

    def test_it_closes_by_itself_at_its_last_instant(self) -> None:
        state = opened().state
        (due,) = session_agenda(state)
        outcome = close_session(state, due, due.at + timedelta(hours=2))

        assert due == Due(at=end_of(date(2027, 1, 24)), kind=SessionAct.CLOSE)
        assert (outcome.step.seq, outcome.step.trigger, outcome.step.stage) == (2, Trigger.TIME, SessionStage.CLOSED)
        assert (outcome.state.ended, session_agenda(outcome.state)) == (True, ())
        assert outcome.state.mark == due.at + timedelta(hours=2)

    def test_a_state_is_the_same_after_it_was_written_down(self) -> None:
        for state in (opened().state, closed()):
            assert SessionState.model_validate_json(state.model_dump_json()) == state


class TestAmendment:
    def test_new_dates_make_new_terms_and_stand_in_the_ledger(self) -> None:
        state = opened().state
        envelope = an_envelope("amend", SESSION, changing(closes="2027-02-28", bureau_meets="2026-02-02"))
        outcome = amend(state, envelope, NOMINATED_AT)

        assert outcome.step.effects == ("changes:closes", "changes:bureau_meets")
        under = outcome.state.terms
        assert (under.version, under.closes, under.bureau_meets) == (2, date(2027, 2, 28), date(2026, 2, 2))
        assert (under.opens, under.nominations_close) == (date(2026, 1, 26), date(2026, 1, 5))
        assert session_agenda(outcome.state)[0].at == end_of(date(2027, 2, 28))

    @pytest.mark.parametrize(
        ("change", "at", "error", "rule"),
        [
            pytest.param(
                {"opens": "2026-02-02"},
                end_of(date(2026, 1, 26)),
                DatesOutOfOrder,
                "past-dates-stand",
                id="what has happened cannot move",
            ),
            pytest.param(
                {"closes": "2026-03-01"},
                end_of(date(2026, 3, 1)),
                DatesOutOfOrder,
                "past-dates-stand",
                id="nothing moves into the past",
            ),
            pytest.param(
                {"nominations_close": "2026-02-28"},
                end_of(date(2026, 1, 5)),
                DatesOutOfOrder,
                "past-dates-stand",
                id="closed nominations stay closed",
            ),
            pytest.param({"closes": "2026-01-20"}, NOMINATED_AT, DatesOutOfOrder, "session-dates", id="order"),
            pytest.param({"bureau_meets": "2026-01-02"}, NOMINATED_AT, DatesOutOfOrder, "session-dates", id="Bureau"),
            pytest.param({"closes": "2027-01-24"}, NOMINATED_AT, NothingToChange, "nothing-to-change", id="the same"),
        ],
    )
    def test_dates_that_cannot_be_are_refused(
        self, change: dict[str, str], at: datetime, error: type[Refusal], rule: str
    ) -> None:
        with pytest.raises(error) as refused:
            amended(opened().state, changing(**change), at)

        assert refused.value.rule == rule

    def test_the_refusal_says_what_is_out_of_order(self) -> None:
        with pytest.raises(DatesOutOfOrder, match=r"^closes must be after opens$"):
            amended(opened().state, changing(closes="2026-01-20"), NOMINATED_AT)

    def test_a_date_said_again_may_be_past(self) -> None:
        later = end_of(date(2026, 2, 1))

        assert amended(opened().state, changing(opens="2026-01-26", closes="2027-02-28"), later).closes == date(
            2027, 2, 28
        )

    def test_part_sessions_stay_inside_the_session(self) -> None:
        state = opened(a_plan(part_sessions=PARTS)).state

        with pytest.raises(DatesOutOfOrder, match=r"^part_sessions: number 2 is out of order or outside the session$"):
            amended(state, changing(closes="2026-04-22"), NOMINATED_AT)

    def test_part_sessions_move_with_the_closing_date(self) -> None:
        state = opened(a_plan(part_sessions=PARTS)).state

        plan = amended(state, changing(closes="2026-04-22", part_sessions=[PARTS[0]]), NOMINATED_AT)

        assert [part.model_dump(mode="json") for part in plan.part_sessions] == [PARTS[0]]

    def test_a_part_session_that_was_held_stays(self) -> None:
        state = opened(a_plan(part_sessions=PARTS)).state

        with pytest.raises(DatesOutOfOrder, match=r"^part_sessions: one that has been held stays$"):
            amended(state, changing(part_sessions=PARTS[1:]), end_of(date(2026, 2, 15)))

    def test_a_closed_session_is_not_amended(self) -> None:
        with pytest.raises(NotAtThisStage) as refused:
            amended(closed(), changing(closes="2027-12-31"), NOMINATED_AT)

        assert refused.value.rule == "session-amend"

    @pytest.mark.parametrize(
        ("wrong", "loc", "message"),
        [
            ({"reason": "Why not."}, (), "Value error, names no date to change"),
            (
                {"reason": "Why not.", "closes": "2026-04-31"},
                ("closes",),
                "Input should be a valid date or datetime, day value is outside expected range",
            ),
            ({"reason": "Why not.", "seats": 12}, ("seats",), "Extra inputs are not permitted"),
            ({"closes": "2027-02-28"}, ("reason",), "Field required"),
            ({"closes": "2027-02-28", "reason": "  "}, ("reason",), "String should have at least 1 character"),
        ],
    )
    def test_an_amendment_that_cannot_be_names_its_field(
        self, wrong: dict[str, Any], loc: tuple[Any, ...], message: str
    ) -> None:
        with pytest.raises(ValidationError) as refused:
            SessionAmendment.model_validate(wrong)

        assert [(error["loc"], error["msg"]) for error in refused.value.errors()] == [(loc, message)]
