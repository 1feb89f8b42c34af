from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.timelimits import (
    Limit,
    day_of,
    end_of,
    expiry,
    is_working_day,
    last_day,
    morning_before,
    next_escalation,
    public_holidays,
    start_of,
)

HOLIDAYS: Final = public_holidays(range(2024, 2030))
QUICK: Final = settings(max_examples=150, deadline=None)

days = st.dates(date(2024, 1, 1), date(2028, 12, 31))
instants = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
limits = st.builds(
    Limit,
    years=st.integers(0, 1),
    months=st.integers(0, 14),
    weeks=st.integers(0, 60),
    days=st.integers(0, 400),
)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "limit", "end"),
    [
        pytest.param(date(2026, 1, 12), Limit(days=1), date(2026, 1, 13), id="one day"),
        pytest.param(date(2026, 1, 12), Limit(weeks=2), date(2026, 1, 26), id="same weekday"),
        pytest.param(date(2026, 1, 15), Limit(months=1), date(2026, 2, 15), id="same date"),
        pytest.param(date(2026, 1, 31), Limit(months=1), date(2026, 2, 28), id="the month lacks the date"),
        pytest.param(date(2028, 1, 31), Limit(months=1), date(2028, 2, 29), id="leap year"),
        pytest.param(date(2026, 3, 31), Limit(months=1), date(2026, 4, 30), id="no 31 April"),
        pytest.param(date(2028, 2, 29), Limit(years=1), date(2029, 2, 28), id="29 February and a year"),
        pytest.param(date(2028, 2, 29), Limit(years=4), date(2032, 2, 29), id="29 February and four years"),
        pytest.param(date(2026, 1, 31), Limit(months=1, days=1), date(2026, 3, 1), id="whole months come first"),
        pytest.param(date(2026, 2, 28), Limit(months=1), date(2026, 3, 28), id="28 February is no last day"),
    ],
)
def test_a_limit_counts_as_the_convention_does(start: date, limit: Limit, end: date) -> None:
    assert limit.after(start) == end


@pytest.mark.parametrize(
    ("start", "limit", "closures", "end"),
    [
        pytest.param(date(2026, 1, 12), Limit(days=10), (), date(2026, 1, 22), id="a Thursday stays"),
        pytest.param(date(2026, 1, 12), Limit(days=5), (), date(2026, 1, 19), id="Saturday"),
        pytest.param(date(2026, 1, 12), Limit(days=6), (), date(2026, 1, 19), id="Sunday"),
        pytest.param(date(2026, 3, 13), Limit(days=21), (), date(2026, 4, 7), id="Good Friday to after Easter Monday"),
        pytest.param(date(2025, 12, 25), Limit(days=1), (), date(2025, 12, 29), id="St Stephen's Day, a Friday"),
        pytest.param(date(2026, 4, 10), Limit(days=21), (), date(2026, 5, 4), id="1 May, a Friday"),
        pytest.param(date(2026, 7, 7), Limit(weeks=1), (), date(2026, 7, 15), id="14 July, a Tuesday"),
        pytest.param(date(2026, 1, 12), Limit(days=1), (date(2026, 1, 13),), date(2026, 1, 14), id="own closure"),
        pytest.param(
            date(2025, 12, 10),
            Limit(days=14),
            (date(2025, 12, 24), date(2025, 12, 29), date(2025, 12, 30), date(2025, 12, 31)),
            date(2026, 1, 2),
            id="closures, Christmas and New Year in a row",
        ),
        pytest.param(date(2026, 1, 12), Limit(), (), date(2026, 1, 12), id="no length ends the same day"),
    ],
)
def test_a_limit_to_act_is_extended_to_the_first_working_day(
    start: date, limit: Limit, closures: tuple[date, ...], end: date
) -> None:
    closed = tuple(sorted(HOLIDAYS.union(closures)))

    assert last_day(noon(start), limit, closed) == end
    assert expiry(noon(start), limit, closed) == end_of(end)


def test_the_holidays_are_those_of_alsace() -> None:
    assert sorted(public_holidays([2026])) == [
        date(2026, 1, 1),
        date(2026, 4, 3),
        date(2026, 4, 6),
        date(2026, 5, 1),
        date(2026, 5, 8),
        date(2026, 5, 14),
        date(2026, 5, 25),
        date(2026, 7, 14),
        date(2026, 8, 15),
        date(2026, 11, 1),
        date(2026, 11, 11),
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]


@pytest.mark.parametrize(
    ("day", "start", "end", "hours"),
    [
        (date(2026, 1, 12), datetime(2026, 1, 11, 23, tzinfo=UTC), datetime(2026, 1, 12, 23, tzinfo=UTC), 24),
        (date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC), 23),
        (date(2026, 7, 14), datetime(2026, 7, 13, 22, tzinfo=UTC), datetime(2026, 7, 14, 22, tzinfo=UTC), 24),
        (date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC), 25),
    ],
)
def test_a_day_runs_from_midnight_to_midnight_at_the_seat(
    day: date, start: datetime, end: datetime, hours: int
) -> None:
    assert start_of(day) == start
    assert end_of(day) == end
    assert end_of(day) - start_of(day) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(date(2026, 3, 20), datetime(2026, 3, 30, 22, tzinfo=UTC), id="into summer time"),
        pytest.param(date(2026, 10, 16), datetime(2026, 10, 26, 23, tzinfo=UTC), id="out of summer time"),
    ],
)
def test_a_limit_across_a_change_of_the_clocks_ends_at_midnight(start: date, end: datetime) -> None:
    assert expiry(noon(start), Limit(days=10), ()) == end


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 1, 12, 22, 59, 59, tzinfo=UTC), date(2026, 1, 12)),
        (datetime(2026, 1, 12, 23, 0, tzinfo=UTC), date(2026, 1, 13)),
        (datetime(2026, 7, 12, 21, 59, 59, tzinfo=UTC), date(2026, 7, 12)),
        (datetime(2026, 7, 12, 22, 0, tzinfo=UTC), date(2026, 7, 13)),
    ],
)
def test_an_instant_falls_on_a_day_of_the_seat(instant: datetime, day: date) -> None:
    assert day_of(instant) == day


@pytest.mark.parametrize(
    ("deadline", "ahead", "morning"),
    [
        pytest.param(end_of(date(2026, 1, 22)), 7, datetime(2026, 1, 15, 8, tzinfo=UTC), id="winter"),
        pytest.param(end_of(date(2026, 4, 2)), 7, datetime(2026, 3, 26, 8, tzinfo=UTC), id="before summer time"),
        pytest.param(end_of(date(2026, 4, 2)), 2, datetime(2026, 3, 31, 7, tzinfo=UTC), id="in summer time"),
        pytest.param(end_of(date(2026, 10, 25)), 0, datetime(2026, 10, 25, 8, tzinfo=UTC), id="the last day itself"),
    ],
)
def test_a_reminder_goes_out_at_nine_at_the_seat(deadline: datetime, ahead: int, morning: datetime) -> None:
    assert morning_before(deadline, ahead) == morning


@pytest.mark.parametrize(
    ("handled_after", "next_after"),
    [(-1, 0), (0, 7), (1, 7), (6, 7), (7, 14), (8, 14), (100, 105)],
)
def test_an_overdue_matter_comes_up_at_its_deadline_and_then_at_intervals(handled_after: int, next_after: int) -> None:
    deadline = end_of(date(2026, 1, 26))
    handled = deadline + timedelta(days=handled_after)

    assert next_escalation(deadline, handled, 7) == deadline + timedelta(days=next_after)


@pytest.mark.parametrize(("day", "working"), [(date(2026, 1, 16), True), (date(2026, 1, 17), False)])
def test_a_working_day_is_no_weekend_and_not_closed(day: date, working: bool) -> None:
    assert is_working_day(day, ()) is working
    assert is_working_day(day, (day,)) is False


@pytest.mark.parametrize("wrong", [{"days": -1}, {"days": 3661}, {"months": 121}, {"years": 11}, {"weeks": 521}])
def test_a_limit_outside_reason_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError) as refused:
        Limit.model_validate(wrong)

    assert [error["loc"] for error in refused.value.errors()] == [tuple(wrong)]


@QUICK
@given(instants, limits)
def test_a_limit_to_act_never_ends_on_a_day_nobody_works(start: datetime, limit: Limit) -> None:
    closed = tuple(sorted(HOLIDAYS))
    day = last_day(start, limit, closed)

    assert day.weekday() < 5
    assert day not in HOLIDAYS
    assert all(
        not is_working_day(limit.after(day_of(start)) + timedelta(days=n), closed)
        for n in range((day - limit.after(day_of(start))).days)
    )


@QUICK
@given(instants, st.timedeltas(timedelta(0), timedelta(days=400)), limits)
def test_who_starts_later_never_ends_earlier(start: datetime, later: timedelta, limit: Limit) -> None:
    closed = tuple(sorted(HOLIDAYS))

    assert expiry(start, limit, closed) <= expiry(start + later, limit, closed)


@QUICK
@given(instants, limits, st.integers(0, 30))
def test_a_longer_limit_never_ends_earlier(start: datetime, limit: Limit, more: int) -> None:
    closed = tuple(sorted(HOLIDAYS))
    longer = limit.model_copy(update={"days": limit.days + more})

    assert expiry(start, limit, closed) <= expiry(start, longer, closed)


@QUICK
@given(days)
def test_days_follow_each_other_without_a_gap(day: date) -> None:
    assert end_of(day) == start_of(day + timedelta(days=1))
    assert end_of(day) - start_of(day) in {timedelta(hours=hours) for hours in (23, 24, 25)}
    assert day_of(start_of(day)) == day_of(end_of(day) - timedelta(microseconds=1)) == day


@QUICK
@given(instants, instants, st.integers(1, 365))
def test_an_escalation_is_the_first_of_its_series_that_is_not_handled(
    deadline: datetime, handled: datetime, every: int
) -> None:
    escalation = next_escalation(deadline, handled, every)

    assert escalation >= deadline
    assert (escalation - deadline) % timedelta(days=every) == timedelta(0)
    assert escalation > handled or escalation == deadline > handled
    assert escalation == deadline or escalation - timedelta(days=every) <= handled


def test_a_sundays_limit_and_a_saturdays_end_on_the_same_monday() -> None:
    ends = {expiry(noon(day), Limit(weeks=1), ()) for day in (date(2026, 1, 10), date(2026, 1, 11), date(2026, 1, 12))}

    assert ends == {end_of(date(2026, 1, 19))}
