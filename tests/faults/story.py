"""Candidacies on one list, step by step from nomination to participation."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.session import SessionAmendment
from domain.timelimits import day_of, start_of
from tests.faults.sitting import Sitting, a_compressed_plan
from tests.faults.stage import Stage, comes_to, insisting, together


class Step(StrEnum):
    """What happens to a candidacy on the way to participation.

    The last two belong to a story by the calendar: the opening is brought near, and participation begins by itself.
    """

    NOMINATE = "nominate"
    DECLARE = "declare"
    ASSESS = "assess"
    ASSESS_AGAIN = "assess_again"
    DRAFT = "draft"
    PROPOSE = "propose"
    DECIDE = "decide"
    RATIFY = "ratify"
    AMEND = "amend"
    BEGIN = "begin"


@dataclass
class Story:
    """All candidacies of a session, told on from wherever they stand.

    Attributes:
        stage: The desk at which it happens.
        session: The reference of the session.
        by_calendar: Whether participation begins by itself some time after ratification, and not with it.
        seated: The candidates, by number.
    """

    stage: Stage
    session: str
    by_calendar: bool = False
    seated: tuple[int, ...] = (1,)
    sitting: Sitting = field(init=False)

    def __post_init__(self) -> None:
        self.sitting = Sitting(self.stage.officer, self.session)

    @property
    def cases(self) -> list[str]:
        """The references of the candidacies."""
        return [self.sitting.candidacy(number) for number in self.seated]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of this story."""
        return tuple(step for step in Step if self.by_calendar or step not in {Step.AMEND, Step.BEGIN})

    async def open(self) -> None:
        """Open the session."""
        await self.sitting.open(a_compressed_plan(self.session) if self.by_calendar else None)

    async def until(self, step: Step) -> None:
        """Take every step before this one."""
        for earlier in self.steps[: self.steps.index(step)]:
            await self.take(earlier)

    async def after(self, step: Step) -> None:
        """Take every step after this one."""
        for later in self.steps[self.steps.index(step) + 1 :]:
            await self.take(later)

    async def take(self, step: Step) -> None:
        """Take one step, as often as it takes to be answered, and see its letters off."""
        sitting, seated = self.sitting, self.seated
        calls: dict[Step, Callable[[], Awaitable[Any]]] = {
            Step.NOMINATE: self._nominate_in_order,
            Step.DECLARE: lambda: self._each(sitting.declare),
            Step.ASSESS: lambda: self._each(lambda number: sitting.assess(number, officer=2)),
            Step.ASSESS_AGAIN: lambda: self._each(lambda number: sitting.assess(number, officer=3)),
            Step.DRAFT: lambda: sitting.draft(seated),
            Step.PROPOSE: lambda: sitting.propose(seated),
            Step.DECIDE: lambda: sitting.decide(seated),
            Step.RATIFY: lambda: sitting.ratify(seated),
            Step.AMEND: self.bring_the_opening_near,
            Step.BEGIN: lambda: self.reaches("participant"),
        }
        reached = {
            Step.NOMINATE: "nominated",
            Step.DECLARE: "vetting",
            Step.ASSESS: "vetting",
            Step.ASSESS_AGAIN: "cleared",
            Step.DRAFT: "cleared",
            Step.PROPOSE: "proposed",
            Step.DECIDE: "approved",
            Step.RATIFY: "approved" if self.by_calendar else "participant",
            Step.AMEND: "approved",
            Step.BEGIN: "participant",
        }
        await calls[step]()
        await self.reaches(reached[step])

    async def reaches(self, stage: str) -> None:
        """Wait until every candidacy stands there, with its letters at rest."""
        await comes_to(lambda: self.stage.register.stages(self.cases), [stage] * len(self.cases))
        await comes_to(self.letters_under_way, [])

    async def letters_under_way(self) -> list[str]:
        """The letters of the candidacies that are not at rest."""
        return [letter for case in self.cases for letter in await self.stage.register.under_way(case)]

    async def bring_the_opening_near(self, days: int = 3) -> datetime:
        """Amend the session so that it opens so many days from today, a day taking two seconds; the new opening."""
        clock = self.sitting.opened.plan.clock
        near = day_of(clock.reading(datetime.now(UTC)) + timedelta(days=days))
        amendment = SessionAmendment(opens=near, reason="The first part-session is brought forward.")
        await insisting(lambda: self.stage.officer().amend_session(self.session, amendment))
        await comes_to(lambda: self.stage.register.deadlines(self.cases), [start_of(near)] * len(self.cases))
        return start_of(near)

    async def ended_well(self, *, besides: dict[str, str] | None = None) -> None:
        """Each act stands in the ledger exactly once, and its letters went out.

        Args:
            besides: What else became of a candidacy's letters, by template.
        """
        register = self.stage.register
        later = ["rearm"] if self.by_calendar else []
        begun = [*later, "begin"] if self.by_calendar else []
        moved = ["dates_changed"] if self.by_calendar else []
        acts = ["nominate", "declare", "assess", "assess", "propose", "approve", "ratify", *begun]
        assert [await register.acts(case) for case in self.cases] == [acts] * len(self.cases)
        assert await register.acts(self.sitting.list) == ["draft", "propose", "decide", "ratify", *later]
        templates = ["receipt", "invitation", "declared", "approved", *moved, "participation"]
        post = dict.fromkeys(templates, "sent") | (besides or {})
        assert [await register.post(case) for case in self.cases] == [post] * len(self.cases)

    async def _nominate_in_order(self) -> None:
        # Which candidate gets which reference follows from the order.
        for number in self.seated:
            await self.sitting.nominate(number)

    async def _each(self, act: Callable[[int], Coroutine[Any, Any, Any]]) -> None:
        await together(*(act(number) for number in self.seated))
