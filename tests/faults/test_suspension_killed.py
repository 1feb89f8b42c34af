"""``kill -9`` of the worker at each message between a suspension and its candidacy, however the suspension ends.

One kill strikes many participants of one session, each at a point of their own: what one case has to tell the other is
about to be written, written and not told, or told and not yet taken.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pytest

from domain.candidacy import Act, Correction, Reason
from domain.ids import suspension_reference
from domain.model import Model
from domain.notices import Role
from domain.suspension import (
    Assignment,
    Recommendation,
    ReviewReport,
    Service,
    SuspensionAct,
    Waiver,
)
from domain.timelimits import day_of
from starter.desk import Taken
from tests.builders import a_charge, a_decision
from tests.faults.sitting import Sitting, a_plan
from tests.faults.stage import Stage, comes_to, insisting, together

SESSION: Final = "2040"
CAUGHT_WITHIN: Final = 25.0


@dataclass(frozen=True)
class Way:
    """How a suspension goes on from its review.

    Attributes:
        ending: Its own ending.
        stage: Where the candidacy then stands.
        told: What the candidacy does about it.
        outcome: What the Bureau decides; the participant leaves where it decides nothing.
        leaves: What the candidacy records then.
    """

    ending: str
    stage: str
    told: str
    outcome: Recommendation | None = None
    leaves: Act | None = None


LIFTED: Final = Way("lifted", "participant", "restore", outcome=Recommendation.LIFTED)
EXCLUDED: Final = Way("excluded", "excluded", "exclude", outcome=Recommendation.EXCLUDED)
WITHDRAWN: Final = Way("withdrawn", "withdrawn", "withdraw", leaves=Act.WITHDRAW)
DECEASED: Final = Way("deceased", "deceased", "record_death", leaves=Act.RECORD_DEATH)


@dataclass(frozen=True)
class Point:
    """Where the worker is killed.

    Attributes:
        way: How the suspension goes on.
        act: The step that is being written.
        of_candidacy: Whose step it is.
        done: Whether it is written, and the worker does not hear so.
    """

    way: Way
    act: str
    of_candidacy: bool
    done: bool

    def __str__(self) -> str:
        """The point in words."""
        whose = "candidacy" if self.of_candidacy else "suspension"
        return f"{self.way.ending}: {'after' if self.done else 'before'} the {whose} writes {self.act}"

    @property
    def in_opening(self) -> bool:
        """Whether it lies before anything is decided."""
        return self.act in {SuspensionAct.OPEN, Act.SUSPEND, SuspensionAct.CONTACT, Act.CORRECT}


POINTS: Final = (
    # Before the first step is written nothing is said, and its transaction would hold up every other opening.
    Point(LIFTED, SuspensionAct.OPEN, of_candidacy=False, done=True),
    *(Point(LIFTED, Act.SUSPEND, of_candidacy=True, done=done) for done in (False, True)),
    Point(LIFTED, SuspensionAct.DECIDE, of_candidacy=False, done=True),
    *(Point(LIFTED, Act.RESTORE, of_candidacy=True, done=done) for done in (False, True)),
    *(Point(LIFTED, SuspensionAct.CONCLUDE, of_candidacy=False, done=done) for done in (False, True)),
    *(Point(EXCLUDED, Act.EXCLUDE, of_candidacy=True, done=done) for done in (False, True)),
    Point(EXCLUDED, SuspensionAct.CONCLUDE, of_candidacy=False, done=False),
    Point(WITHDRAWN, Act.WITHDRAW, of_candidacy=True, done=True),
    Point(WITHDRAWN, SuspensionAct.CONCLUDE, of_candidacy=False, done=False),
    Point(DECEASED, Act.RECORD_DEATH, of_candidacy=True, done=True),
)


@dataclass
class Affair:
    """One participant's suspension, told on from wherever it stands."""

    sitting: Sitting
    stage: Stage
    number: int
    point: Point
    reference: str = ""

    @property
    def candidacy(self) -> str:
        """The candidacy's reference."""
        return self.sitting.candidacy(self.number)

    async def open(self) -> None:
        """Bring the trigger; the same again where no answer comes."""
        desk = self.stage.officer()
        taken = await insisting(lambda: desk.open_suspension(self.candidacy, a_charge()))
        self.reference = taken.receipt.reference

    async def rule(self, act: SuspensionAct, content: Model, *, officer: int = 1) -> Taken:
        desk = self.stage.officer(officer)
        return await insisting(lambda: desk.act_on_suspension(self.reference, act, content))

    async def review(self) -> None:
        """Everybody is heard, and the reviewer reports."""
        await comes_to(lambda: self.stage.register.stage(self.candidacy), "suspended")
        better = Correction(role=Role.CANDIDATE, email=f"new-{self.number}@example.org", reason="Told by telephone.")
        await insisting(lambda: self.stage.officer().act(self.candidacy, Act.CORRECT, better))
        await self.rule(SuspensionAct.SERVE, Service(how="by hand", on=day_of(datetime.now(UTC))))
        await self.rule(SuspensionAct.WAIVE, Waiver(how="by telephone"))
        await self.rule(SuspensionAct.ASSIGN, Assignment(reviewer="O-2"))
        report = ReviewReport(text="The file was read.", recommendation=Recommendation.LIFTED)
        await self.rule(SuspensionAct.REPORT, report, officer=2)

    async def end(self) -> None:
        """The Bureau decides, or the participant leaves."""
        way = self.point.way
        if way.outcome is not None:
            await self.rule(SuspensionAct.DECIDE, a_decision(way.outcome), officer=3)
        elif way.leaves is not None:
            act = way.leaves
            await insisting(lambda: self.stage.officer().act(self.candidacy, act, Reason(reason="Told by letter.")))

    async def strike(self) -> None:
        """Do what is struck by the kill, and do it again."""
        await (self.open() if self.point.in_opening else self.end())

    def catch(self) -> asyncio.Event:
        """See to it that the worker comes no further than the point."""
        if self.point.of_candidacy:
            case = self.candidacy
        else:
            case = self.reference or f"{self.sitting.workflow_id(self.number)}/1".replace("candidacy/", "suspension/")
        return self.stage.to_ledger.catch(case, self.point.act, done=self.point.done).caught

    async def ended_well(self) -> None:
        """Both cases have come to the same end, each step once, and the letters of it went out."""
        way, register = self.point.way, self.stage.register
        await comes_to(lambda: register.stages([self.reference, self.candidacy]), [way.ending, way.stage])
        await comes_to(lambda: register.under_way(self.reference), [])
        acts = await register.acts(self.reference)
        assert [act for act in acts if act != "contact"] == [
            "open", "serve", "waive", "assign", "report", *(["decide"] if way.outcome else []), "conclude",
        ]  # fmt: skip
        assert [act for act in await register.acts(self.candidacy) if act in {"suspend", way.told}] == [
            "suspend",
            way.told,
        ]


@pytest.mark.timeout(240)
async def test_a_worker_killed_at_any_message_between_them_leaves_both_cases_of_one_mind(
    stage: Stage, subtests: pytest.Subtests
) -> None:
    sitting = Sitting(stage.officer, SESSION)
    numbers = range(1, len(POINTS) + 1)
    await participants(sitting, stage, tuple(numbers))
    affairs = [Affair(sitting, stage, number, point) for number, point in zip(numbers, POINTS, strict=True)]
    later = [affair for affair in affairs if not affair.point.in_opening]
    for affair in later:
        # One after the other: the register numbers them as they come, and the catches are set by reference.
        await affair.open()
    await together(*(affair.review() for affair in later))
    caught = {str(affair.point): affair.catch() for affair in affairs}
    async with asyncio.TaskGroup() as officers:
        for affair in affairs:
            officers.create_task(affair.strike())
        waits = {name: asyncio.ensure_future(event.wait()) for name, event in caught.items()}
        await asyncio.wait(waits.values(), timeout=CAUGHT_WITHIN)
        assert [name for name, wait in waits.items() if not wait.done()] == []
        in_flight = await stage.kill_worker()
        await stage.worker.start()
    struck_in_opening = [affair for affair in affairs if affair.point.in_opening]
    await together(*(affair.review() for affair in struck_in_opening))
    await together(*(affair.end() for affair in struck_in_opening))

    for affair in affairs:
        with subtests.test(str(affair.point)):
            await affair.ended_well()
    assert sorted(affair.reference for affair in affairs) == [suspension_reference(SESSION, n) for n in numbers]
    await stage.holds_together(unknown=in_flight)


async def participants(sitting: Sitting, stage: Stage, numbers: tuple[int, ...]) -> None:
    """Bring candidates to participation."""
    await sitting.open(a_plan(SESSION, seats=len(numbers), reserved_share=0))
    for number in numbers:
        await sitting.nominate(number)
    await together(*(sitting.examine(number) for number in numbers))
    await sitting.draft(numbers)
    await sitting.propose(numbers)
    await sitting.decide(numbers)
    await sitting.ratify(numbers)
    cases = [sitting.candidacy(number) for number in numbers]
    await comes_to(lambda: stage.register.stages(cases), ["participant"] * len(cases))
