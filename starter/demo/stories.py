"""Who is taken through the session, and what must come of each candidacy."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from domain.candidacy import Stage
from domain.clock import CalendarPolicy, Clock
from domain.lists import ListStage
from domain.notices import Template
from domain.people import Nomination
from domain.session import SessionPlan, SessionStage
from domain.suspension import SuspensionStage
from domain.timelimits import SEAT, end_of
from starter import files

ORIGIN: Final = datetime.combine(date(2025, 11, 3), time(9), SEAT)
"""What the calendar reads when the session is opened."""
AMENDED_CLOSING: Final = date(2027, 1, 24)
"""The session's closing date once it is amended."""

SHORTEST: Final = 40.0
LONGEST: Final = 52.0
"""Seconds of clock time in which the whole calendar passes, on a quick machine and on a slow one."""
_ANSWERS: Final = 600
"""How many answers, one after the other, the machine must be able to give in that time."""

PACED: Final = frozenset(
    {
        Template.REMINDER,
        Template.INFORMATION_REMINDER,
        Template.HEARING_REMINDER,
        Template.DESK_VETTING_REMINDER,
        Template.DESK_OVERDUE,
    }
)
"""Letters whose number depends on how quickly the machine keeps up with its calendar."""

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Story:
    """One candidacy of the walk-through.

    Attributes:
        told: What happens to it, for people.
        way: The stages it must pass through, the last one its ending.
        letters: The letters it must lead to, those of ``PACED`` apart.
    """

    told: str
    way: tuple[str, ...]
    letters: Mapping[Template, int]


def _story(told: str, *way: Stage, letters: tuple[Template, ...]) -> Story:
    opening = (Template.RECEIPT, Template.INVITATION)
    return Story(told=told, way=(Stage.NOMINATED, *way), letters=Counter((*opening, *letters)))


_SEATED: Final = (Stage.VETTING, Stage.CLEARED, Stage.PROPOSED, Stage.APPROVED, Stage.PARTICIPANT)
_APPROVED: Final = (Template.DECLARED, Template.APPROVED, Template.PARTICIPATION)
_TO_THE_END: Final = (Template.DATES_CHANGED, Template.EXPIRY_NOTICE, Template.EXPIRED)

STORIES: Final[Mapping[str, Story]] = {
    "takes-part": _story(
        "takes part to the session's end, but for a suspension",
        *_SEATED,
        Stage.SUSPENDED,
        Stage.PARTICIPANT,
        Stage.EXPIRED,
        letters=(*_APPROVED, *_TO_THE_END),
    ),
    "third-assessor": _story(
        "a third officer assesses; a reserved seat; excluded",
        *_SEATED,
        Stage.SUSPENDED,
        Stage.EXCLUDED,
        letters=(Template.DESK_THIRD_ASSESSMENT, *_APPROVED, Template.DATES_CHANGED),
    ),
    "withdraws": _story(
        "withdraws as a participant; the seat is freed",
        *_SEATED,
        Stage.WITHDRAWN,
        letters=(*_APPROVED, Template.WITHDRAWN),
    ),
    "stays-on-reserve": _story(
        "first on the reserve to the session's end",
        Stage.VETTING,
        Stage.CLEARED,
        Stage.RESERVE,
        Stage.EXPIRED,
        letters=(Template.DECLARED, Template.RESERVE, Template.EXPIRED),
    ),
    "not-retained": _story(
        "asked for information; not retained",
        Stage.VETTING,
        Stage.INFORMATION_REQUESTED,
        Stage.VETTING,
        Stage.CLEARED,
        Stage.NOT_RETAINED,
        letters=(Template.DECLARED, Template.INFORMATION_REQUEST, Template.NOT_RETAINED),
    ),
    "stays-silent": _story("never answers", Stage.LAPSED, letters=(Template.LAPSED,)),
    "declines": _story("says no", Stage.DECLINED, letters=(Template.DECLINED,)),
    "answers-no": _story("answers one criterion with no", Stage.INELIGIBLE, letters=(Template.INELIGIBLE,)),
}
"""The stories by name, as ``cast.yaml`` has the nominations."""

_REVIEWED: Final = (
    SuspensionStage.OPENED,
    SuspensionStage.HEARING,
    SuspensionStage.REVIEW,
    SuspensionStage.DECIDED,
)
SUSPENSIONS: Final[Mapping[str, Story]] = {
    "takes-part": Story(
        told="a complaint that is answered; lifted",
        way=(*_REVIEWED, SuspensionStage.LIFTED),
        letters=Counter(
            (
                Template.SUSPENSION_OPENED,
                Template.HEARING,
                Template.OBSERVATIONS_RECEIVED,
                Template.SUSPENSION_LIFTED,
            )
        ),
    ),
    "third-assessor": Story(
        told="a banned symbol, and silence; excluded",
        way=(*_REVIEWED, SuspensionStage.EXCLUDED),
        letters=Counter((Template.SUSPENSION_OPENED, Template.HEARING, Template.EXCLUDED)),
    ),
}
"""What is brought against whom, by the names of the stories."""
NOMINATED_TWICE: Final = "nominated-twice"
"""The second nomination of the candidate of ``third-assessor``."""

SESSION_WAY: Final = tuple(SessionStage)
LIST_WAY: Final = (
    ListStage.DRAFTED,
    ListStage.PROPOSED,
    ListStage.ADOPTED,
    ListStage.RATIFIED,
    ListStage.CLOSED,
)


def cast() -> dict[str, Nomination]:
    """The nominations, by the names of the stories."""
    document = files.load(str(_FOLDER / "cast.yaml"))
    return {
        name: files.check(Nomination, document, document.value[name], (name,)) for name in (*STORIES, NOMINATED_TWICE)
    }


def plan() -> SessionPlan:
    """The session's plan; its calendar is still a civil one."""
    return files.read_plan(str(_FOLDER / "session.yaml"))


def length(answer: float) -> float:
    """How many seconds the whole calendar should take on this machine.

    Args:
        answer: The seconds in which the desk answers a question.
    """
    return min(max(SHORTEST, _ANSWERS * answer), LONGEST)


def compressed(seconds: float, started: datetime) -> Clock:
    """A calendar that runs from ``ORIGIN`` to the end of the amended session in so many seconds of clock time."""
    year = end_of(AMENDED_CLOSING) - ORIGIN
    return Clock(policy=CalendarPolicy.COMPRESSED, started=started, origin=ORIGIN, speed=year.total_seconds() / seconds)
