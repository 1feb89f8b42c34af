"""How long a candidacy is kept after its end, and when its person's data is erased without anybody asking.

A setting for each ending says how long; the desk is told some days before; a data-protection officer may hold a case
back until a day. Days are days at the seat, and a day named is a day on which the data is still there.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from pydantic import AwareDatetime, Field

from domain.candidacy import Stage
from domain.clock import Clock
from domain.errors import OutOfTime
from domain.ids import CandidacyReference, SessionReference
from domain.model import Day, Model, Prose
from domain.timelimits import Limit, day_of

RETAIN_ACT: Final = "retain"


class RetentionRule(Model):
    """What an erasure rests on that nobody asked for: the setting and its value, as they stand in the configuration."""

    setting: str = Field(max_length=64)
    value: str = Field(max_length=64)


class Keeping(Model):
    """How long cases with one ending are kept; without a limit, until somebody asks for their erasure."""

    rule: RetentionRule
    limit: Limit | None


class Hold(Model):
    """The content of ``retain``: nothing is erased by itself up to and with this day. The last one given stands."""

    until: Day
    reason: Prose


class Held(Model):
    """A candidacy that is held back, and until when."""

    reference: CandidacyReference
    until: date


class EndedCase(Model):
    """A candidacy that has ended, as far as its retention goes. Holds no personal data.

    Attributes:
        ended: When; calendar time.
        held: The last day for which an officer holds it back.
        announced: The last day of its data, as the desk was told.
        told: Whether the letter that said so has gone out, or the desk has given it up.
        clock: The calendar of its session.
    """

    reference: CandidacyReference
    session: SessionReference
    stage: Stage
    ended: AwareDatetime
    held: date | None = None
    announced: date | None = None
    told: bool = False
    clock: Clock = Clock()


class Retention(Model):
    """What is set: how long each ending is kept, and how many days before an erasure the desk is told."""

    keeping: Mapping[Stage, Keeping]
    notice: int = Field(ge=1)

    def last_day(self, stage: Stage, ended: datetime, held: date | None) -> date | None:
        """The last day on which data must still be there; None where it is never erased by itself.

        Args:
            stage: How the case ended.
            ended: When; calendar time.
            held: The last day for which an officer holds it back.
        """
        limit = self.keeping[stage].limit
        if limit is None:
            return None
        by_rule = limit.after(day_of(ended))
        return by_rule if held is None else max(by_rule, held)

    def kept_until(self, stage: Stage, ended: datetime, held: date | None, announced: date | None) -> date | None:
        """The last day of the data as it stands today; a day of which the desk was told is never brought forward."""
        last = self.last_day(stage, ended, held)
        if last is None or announced is None:
            return last
        return max(last, announced)

    def to_announce(self, case: EndedCase, instant: datetime) -> date | None:
        """The last day of a case's data, where the time to tell the desk has come; None where it has not, or was told.

        Where that time was missed, the day is put off: nothing is erased before the desk has had its days.

        Args:
            case: The case.
            instant: The clock's reading.
        """
        last = self.last_day(case.stage, case.ended, case.held)
        soonest = day_of(case.clock.reading(instant)) + timedelta(days=self.notice)
        if last is None or last > soonest or (case.announced is not None and case.announced >= last):
            return None
        return max(last, soonest)

    def rule_for(self, case: EndedCase, instant: datetime) -> RetentionRule | None:
        """The rule by which a case's data is to be erased at an instant of the clock; None where it is to be kept."""
        last = self.last_day(case.stage, case.ended, case.held)
        if last is None or case.announced is None or not case.told or case.announced < last:
            return None
        over = case.announced < day_of(case.clock.reading(instant))
        return self.keeping[case.stage].rule if over else None


def check_hold(hold: Hold, today: date) -> None:
    """Whether a case may be held back until a day.

    Raises:
        OutOfTime: The day is over.
    """
    if hold.until < today:
        raise OutOfTime(
            f"{hold.until} is over; today is {today}, and a case is held back until today at the least",
            rule="retain-until",
        )
