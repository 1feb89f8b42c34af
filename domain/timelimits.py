"""Time-limits by the European Convention on the Calculation of Time-Limits (ETS No. 76, Basel 1972).

A limit runs from midnight at the end of the day it starts from (*dies a quo*) to midnight at the end of the day it ends
on (*dies ad quem*); articles 3 and 4. Saturdays, Sundays and holidays count, but a limit within which somebody must act
and that would end on one of them is extended to the first working day after it; article 5. Days are those of the seat,
Strasbourg: zone Europe/Paris, holidays of France with those of Alsace, and the closures of the desk.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from pydantic import Field

from domain.model import Model

UNTIL_DECIDED: Final = date.max
"""Until when a case is held back of which nobody knows whether an officer held it back: until one says otherwise."""
SEAT: Final = ZoneInfo("Europe/Paris")
OFFICE_OPENS: Final = time(9, 0)
"""The hour of the seat at which reminders go out."""


class Limit(Model):
    """A length of time in whole days, weeks, months or years; exactly the units given are added, years first."""

    years: int = Field(default=0, ge=0, le=10)
    months: int = Field(default=0, ge=0, le=120)
    weeks: int = Field(default=0, ge=0, le=520)
    days: int = Field(default=0, ge=0, le=3660)

    def after(self, start: date) -> date:
        """The *dies ad quem* before any extension; a date that the month lacks becomes the month's last day."""
        return start + relativedelta(years=self.years, months=self.months, weeks=self.weeks, days=self.days)


def public_holidays(years: Iterable[int]) -> frozenset[date]:
    """The official holidays of Alsace (Good Friday and St Stephen's Day among them) in ``years``."""
    import holidays  # only a session's opening needs it, and it costs every other command 0.1 s

    return frozenset(holidays.country_holidays("FR", subdiv="6AE", years=list(years)))


def day_of(instant: datetime) -> date:
    """The day at the seat on which an instant falls."""
    return instant.astimezone(SEAT).date()


def start_of(day: date) -> datetime:
    """The first instant of a day at the seat, in UTC."""
    return datetime.combine(day, time.min, SEAT).astimezone(UTC)


def end_of(day: date) -> datetime:
    """Midnight at the end of a day at the seat, in UTC; right on the days of 23 and 25 hours too."""
    return start_of(day + timedelta(days=1))


def is_working_day(day: date, closed: Collection[date]) -> bool:
    """Whether somebody can be expected to act on that day."""
    return day.weekday() < 5 and day not in closed


def last_day(start: datetime, limit: Limit, closed: Collection[date]) -> date:
    """The day on which a limit to act ends, extended to the first working day (article 5).

    Args:
        start: Any instant of the *dies a quo*.
        limit: The length.
        closed: Holidays and closures.
    """
    day = limit.after(day_of(start))
    while not is_working_day(day, closed):
        day += timedelta(days=1)
    return day


def expiry(start: datetime, limit: Limit, closed: Collection[date]) -> datetime:
    """The instant, in UTC, at which a limit to act ends: midnight at the end of its last day at the seat."""
    return end_of(last_day(start, limit, closed))


def working_day_after(start: datetime, days: int, closed: Collection[date]) -> date:
    """The ``days``-th working day after the day at the seat on which ``start`` falls.

    Args:
        start: Any instant of the day that does not count.
        days: How many working days count, at least one.
        closed: Holidays and closures.
    """
    day = day_of(start)
    while days:
        day += timedelta(days=1)
        days -= is_working_day(day, closed)
    return day


def morning_before(instant: datetime, days: int) -> datetime:
    """09:00 at the seat, ``days`` days before the last day that ends at ``instant``; in UTC."""
    day = day_of(instant - timedelta(microseconds=1)) - timedelta(days=days)
    return datetime.combine(day, OFFICE_OPENS, SEAT).astimezone(UTC)


def next_escalation(deadline: datetime, handled: datetime, every: int) -> datetime:
    """When an overdue matter is next brought up: at its deadline, then every so many days, never for what is handled.

    Args:
        deadline: From when it is overdue.
        handled: Everything up to here is dealt with.
        every: Days of 24 hours between two escalations.
    """
    interval = timedelta(days=every)
    missed = (handled - deadline) // interval + 1 if handled >= deadline else 0
    return deadline + missed * interval
