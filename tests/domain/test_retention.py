"""What has ended is kept for as long as is set, and erased only after the desk was told in time."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.candidacy import ENDINGS, Stage
from domain.clock import CalendarPolicy, Clock
from domain.errors import OutOfTime
from domain.retention import EndedCase, Hold, check_hold
from domain.timelimits import Limit
from tests.builders import a_retention

ENDED = datetime(2026, 2, 27, 23, 30, tzinfo=UTC)
"""On the 28th at the seat."""
A_YEAR_ON = date(2027, 2, 28)


def a_case(**changes: Any) -> EndedCase:
    fields = {"reference": "C-2026-0001", "session": "2026", "stage": Stage.LAPSED, "ended": ENDED}
    return EndedCase.model_validate(fields | changes)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def test_a_case_is_kept_from_the_day_at_the_seat_on_which_it_ended() -> None:
    assert a_retention().last_day(Stage.LAPSED, ENDED, None) == A_YEAR_ON
    assert a_retention({Stage.LAPSED: Limit(months=6)}).last_day(Stage.LAPSED, ENDED, None) == date(2026, 8, 28)


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_an_ending_without_a_limit_is_never_erased_by_itself(ending: Stage) -> None:
    retention = a_retention({ending: None})
    case = a_case(stage=ending, announced=date(2020, 1, 1), told=True)
    instant = noon(date(2099, 1, 1))
    assert retention.last_day(ending, ENDED, date(2030, 1, 1)) is None
    assert (retention.to_announce(case, instant), retention.rule_for(case, instant)) == (None, None)


def test_the_desk_is_told_so_many_days_before_and_once() -> None:
    retention = a_retention(notice=30)
    day = A_YEAR_ON - timedelta(days=30)
    assert retention.to_announce(a_case(), noon(day - timedelta(days=1))) is None
    assert retention.to_announce(a_case(), noon(day)) == A_YEAR_ON
    assert retention.to_announce(a_case(announced=A_YEAR_ON), noon(day)) is None


def test_where_the_time_to_tell_the_desk_was_missed_the_erasure_is_put_off() -> None:
    late = A_YEAR_ON + timedelta(days=100)
    assert a_retention(notice=30).to_announce(a_case(), noon(late)) == late + timedelta(days=30)


def test_a_case_is_erased_when_the_day_that_was_told_is_over() -> None:
    case = a_case(announced=A_YEAR_ON, told=True)
    assert a_retention().rule_for(case, noon(A_YEAR_ON)) is None
    rule = a_retention().rule_for(case, noon(A_YEAR_ON + timedelta(days=1)))
    assert rule is not None
    assert rule.setting == "DESK_RETAIN_LAPSED"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"announced": A_YEAR_ON},
        {"announced": A_YEAR_ON - timedelta(days=1), "told": True},
        {"announced": A_YEAR_ON, "told": True, "held": date(2040, 1, 1)},
    ],
    ids=["nobody was told", "the letter is not out", "another day was told", "held back since"],
)
def test_a_case_is_kept_of_which_the_desk_was_not_told_this_day(changes: dict[str, Any]) -> None:
    assert a_retention().rule_for(a_case(**changes), noon(date(2030, 1, 1))) is None


def test_a_hold_moves_the_last_day_and_the_desk_is_told_again() -> None:
    retention, until = a_retention(notice=30), A_YEAR_ON + timedelta(days=365)
    held = a_case(held=until, announced=A_YEAR_ON, told=True)
    assert retention.to_announce(held, noon(A_YEAR_ON)) is None
    assert retention.to_announce(held, noon(until - timedelta(days=30))) == until
    assert retention.last_day(Stage.LAPSED, ENDED, date(2026, 3, 1)) == A_YEAR_ON


def test_a_day_that_was_told_is_not_brought_forward_by_a_shorter_setting() -> None:
    shorter = a_retention({Stage.LAPSED: Limit(days=1)})
    case = a_case(announced=A_YEAR_ON, told=True)
    assert shorter.kept_until(case.stage, case.ended, None, case.announced) == A_YEAR_ON
    assert shorter.rule_for(case, noon(A_YEAR_ON)) is None
    assert shorter.kept_until(case.stage, case.ended, None, None) == date(2026, 3, 1)


def test_a_compressed_calendar_is_followed() -> None:
    began = noon(date(2026, 6, 1))
    clock = Clock(policy=CalendarPolicy.COMPRESSED, started=began, origin=began, speed=86400.0)
    case = a_case(clock=clock, announced=A_YEAR_ON, told=True)
    assert a_retention().rule_for(case, began + timedelta(seconds=270)) is None
    assert a_retention().rule_for(case, began + timedelta(seconds=280)) is not None


def test_a_case_is_held_back_until_today_at_the_least() -> None:
    today = date(2026, 3, 1)
    check_hold(Hold(until=today, reason="File DP-12"), today)
    with pytest.raises(OutOfTime, match="2026-02-28 is over"):
        check_hold(Hold(until=date(2026, 2, 28), reason="File DP-12"), today)


def test_a_hold_needs_a_reason_and_a_day_written_out() -> None:
    for wrong in ({"until": 2030, "reason": "File DP-12"}, {"until": "2030-01-01", "reason": " "}):
        with pytest.raises(ValidationError):
            Hold.model_validate(wrong)
