from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.clock import CalendarPolicy, Clock

STARTED: Final = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
ORIGIN: Final = datetime(2025, 12, 1, 9, 0, tzinfo=UTC)

speeds = st.floats(1.0, 10_000_000.0, allow_nan=False)
spans = st.timedeltas(timedelta(0), timedelta(days=400))


def compressed(speed: float = 1000.0) -> Clock:
    return Clock(policy=CalendarPolicy.COMPRESSED, started=STARTED, origin=ORIGIN, speed=speed)


def test_a_civil_calendar_is_the_clock_itself() -> None:
    clock = Clock()

    assert clock.reading(STARTED) == STARTED
    assert clock.wait(STARTED + timedelta(days=3), STARTED) == timedelta(days=3)


def test_a_compressed_calendar_runs_from_its_origin_at_its_speed() -> None:
    clock = compressed()

    assert clock.reading(STARTED) == ORIGIN
    assert clock.reading(STARTED + timedelta(seconds=1)) == ORIGIN + timedelta(seconds=1000)
    assert clock.wait(ORIGIN + timedelta(hours=1), STARTED) == timedelta(seconds=3.6)


@pytest.mark.parametrize("clock", [Clock(), compressed()])
def test_what_is_past_is_not_waited_for(clock: Clock) -> None:
    assert clock.wait(clock.reading(STARTED) - timedelta(days=1), STARTED) == timedelta(0)


@settings(max_examples=150, deadline=None)
@given(speeds, spans, spans)
def test_after_the_wait_the_calendar_has_reached_the_instant_and_hardly_more(
    speed: float, run: timedelta, ahead: timedelta
) -> None:
    clock = compressed(speed)
    now = STARTED + run / speed
    until = clock.reading(now) + ahead

    reading = clock.reading(now + clock.wait(until, now))

    assert until <= reading <= until + timedelta(microseconds=2) * speed


@settings(max_examples=150, deadline=None)
@given(speeds, st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2050, 1, 1)))  # noqa: DTZ001
def test_a_wait_is_never_negative(speed: float, until: datetime) -> None:
    assert compressed(speed).wait(until, STARTED) >= timedelta(0)


@settings(max_examples=100, deadline=None)
@given(speeds, spans, spans)
def test_the_calendar_never_runs_backwards(speed: float, first: timedelta, more: timedelta) -> None:
    clock = compressed(speed)
    earlier, later = STARTED + first / speed, STARTED + (first + more) / speed

    assert clock.reading(earlier) <= clock.reading(later)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"policy": "compressed"}, "a compressed calendar has a start and an origin, a civil one has neither"),
        (
            {"policy": "compressed", "started": STARTED},
            "a compressed calendar has a start and an origin, a civil one has neither",
        ),
        ({"started": STARTED}, "a compressed calendar has a start and an origin, a civil one has neither"),
        ({"origin": ORIGIN}, "a compressed calendar has a start and an origin, a civil one has neither"),
        (
            {"started": STARTED, "origin": ORIGIN},
            "a compressed calendar has a start and an origin, a civil one has neither",
        ),
        ({"speed": 2.0}, "a civil calendar runs at speed 1"),
    ],
)
def test_a_calendar_that_is_half_compressed_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Clock.model_validate(wrong)

    assert [error["msg"] for error in refused.value.errors()] == [f"Value error, {message}"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("speed", 0.5),
        ("speed", 10_000_001),
        ("speed", float("nan")),
        ("started", "2026-02-01T12:00:00"),
        ("policy", "fast"),
    ],
)
def test_a_wrong_setting_of_the_calendar_names_its_field(field: str, value: object) -> None:
    fields = {"policy": "compressed", "started": STARTED, "origin": ORIGIN, "speed": 10.0}

    with pytest.raises(ValidationError) as refused:
        Clock.model_validate(fields | {field: value})

    assert [error["loc"] for error in refused.value.errors()] == [(field,)]


def test_a_compressed_calendar_left_running_comes_to_rest() -> None:
    started = datetime(2026, 1, 1, tzinfo=UTC)
    clock = Clock(policy=CalendarPolicy.COMPRESSED, started=started, origin=started, speed=10_000_000.0)

    assert clock.reading(started + timedelta(days=3)) == datetime(9000, 1, 1, tzinfo=UTC)
