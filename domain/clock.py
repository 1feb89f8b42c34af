"""Calendar time and clock time.

The law counts in calendar time: days, holidays, daylight saving, Europe/Paris. A civil calendar is the clock itself. A
compressed calendar runs through the same days faster, so that a walk-through passes a year in a minute on a real server
under exactly the law of every other day. Nothing else in the project knows the difference.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from pydantic import AwareDatetime, Field, model_validator

from domain.model import Model

_END: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Where a compressed calendar that is left running for days comes to rest, well inside what a date can say."""


class CalendarPolicy(StrEnum):
    """How fast the calendar runs."""

    CIVIL = "civil"
    COMPRESSED = "compressed"


class Clock(Model):
    """The reading of a calendar at an instant of the machine's clock, both aware datetimes.

    Attributes:
        policy: ``civil`` follows the clock; ``compressed`` runs ``speed`` times as fast from ``started`` on.
        started: The clock's instant at which the calendar stood at ``origin``.
        origin: The calendar's instant at ``started``.
        speed: Calendar seconds per clock second.
    """

    policy: CalendarPolicy = CalendarPolicy.CIVIL
    started: AwareDatetime | None = None
    origin: AwareDatetime | None = None
    speed: float = Field(default=1.0, ge=1.0, le=10_000_000.0)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        compressed = self.policy is CalendarPolicy.COMPRESSED
        if {self.started is not None, self.origin is not None} != {compressed}:
            raise ValueError("a compressed calendar has a start and an origin, a civil one has neither")
        if not compressed and self.speed != 1.0:
            raise ValueError("a civil calendar runs at speed 1")
        return self

    def reading(self, instant: datetime) -> datetime:
        """The calendar's reading when the machine's clock says ``instant``."""
        if self.started is None or self.origin is None:
            return instant
        try:
            return self.origin + (instant - self.started) * self.speed
        except OverflowError:
            return _END

    def wait(self, until: datetime, instant: datetime) -> timedelta:
        """How long, in clock time, from ``instant`` until the calendar reads ``until``; zero where that is past."""
        left = max((until - self.reading(instant)) / self.speed, timedelta(0))
        # Rounded down to a microsecond, a fast calendar would still be short of the instant when the wait is over.
        return left if self.reading(instant + left) >= until else left + timedelta.resolution
