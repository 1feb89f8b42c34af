"""``kill -9`` of the worker at every step of the way from nomination to participation, inside the steps too.

Killing takes the time-outs by which a server notices it, so that one kill strikes many candidacies, each in a session
of its own and at a point of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pytest

from domain.candidacy import Act
from domain.envelope import Receipt
from domain.ids import list_workflow_id
from domain.lists import ListAct
from domain.model import Model
from tests.faults.sitting import a_declaration, an_address, an_assessment
from tests.faults.stage import Stage, comes_to, together
from tests.faults.story import Step, Story

FIRST_SESSION: Final = 2030
CAUGHT_WITHIN: Final = 25.0
"""Seconds: less than the worker waits for its database, so that the first is still held up when the last is."""


@dataclass(frozen=True)
class Write:
    """Something that the worker writes into the register.

    Attributes:
        name: What it is.
        step: The step of the story in which it is written.
        values: What it is known by.
    """

    name: str
    step: Step
    values: Callable[[Story], tuple[str, ...]]


NOMINATION: Final = Write("nomination", Step.NOMINATE, lambda story: (story.sitting.workflow_id(), "nominate"))
DECLARATION: Final = Write("declaration", Step.DECLARE, lambda story: (story.cases[0], "declare"))
FIRST_ASSESSMENT: Final = Write("first assessment", Step.ASSESS, lambda story: (story.cases[0], "assess"))
SECOND_ASSESSMENT: Final = Write("second assessment", Step.ASSESS_AGAIN, lambda story: (story.cases[0], "assess"))
DRAFT: Final = Write("draft of the list", Step.DRAFT, lambda story: (story.sitting.list, "draft"))
PROPOSAL: Final = Write("proposal", Step.PROPOSE, lambda story: (story.sitting.list, "propose"))
DECISION: Final = Write("decision", Step.DECIDE, lambda story: (story.sitting.list, "decide"))
WORD: Final = Write("word of the decision", Step.DECIDE, lambda story: (story.cases[0], "approve"))
RATIFICATION: Final = Write("ratification", Step.RATIFY, lambda story: (story.sitting.list, "ratify"))
BEGINNING: Final = Write("beginning that was due", Step.BEGIN, lambda story: (story.cases[0], "begin"))
CLAIM: Final = Write("claim of the invitation", Step.NOMINATE, lambda story: (f"{story.cases[0]}.1.2", "sending"))
MARK: Final = Write("mark on the invitation", Step.NOMINATE, lambda story: (f"{story.cases[0]}.1.2", "sent"))


@dataclass(frozen=True)
class Point:
    """Where the worker is killed.

    Attributes:
        name: What it is doing.
        step: The step of the story.
        catch: Sees to it that the worker comes no further in one story; what it gives is waited on until it is there.
        unknown: Whether nobody can know afterwards if the invitation went out.
        mailed: How many invitations the mail server has got in the end.
        seated: The candidates of the story.
    """

    name: str
    step: Step
    catch: Callable[[Story], Callable[[], Awaitable[Any]]]
    unknown: bool = False
    mailed: int = 1
    seated: tuple[int, ...] = (1,)


def before(write: Write, **known: Any) -> Point:
    """Before something is written."""
    return Point(
        name=f"before the {write.name} is written",
        step=write.step,
        catch=lambda story: story.stage.to_ledger.catch(*write.values(story), done=False).caught.wait,
        **known,
    )


def after(write: Write, **known: Any) -> Point:
    """After something is written, and before the worker hears so."""
    return Point(
        name=f"after the {write.name} is written",
        step=write.step,
        catch=lambda story: story.stage.to_ledger.catch(*write.values(story), done=True).caught.wait,
        **known,
    )


def three_of_six_have_heard(story: Story) -> Callable[[], Awaitable[Any]]:
    """Three of six candidacies write down what the list told them, and the other three come no further."""
    heard, not_yet = story.cases[:3], story.cases[3:]
    catches = [story.stage.to_ledger.catch(case, "approve", done=False) for case in not_yet]

    async def come_there() -> None:
        for catch in catches:
            await catch.caught.wait()
        await comes_to(lambda: story.stage.register.stages(heard), ["approved"] * 3)
        for case in heard:
            await comes_to(partial(story.stage.register.under_way, case), [])

    return come_there


POINTS: Final = (
    before(NOMINATION),
    after(NOMINATION),
    before(DECLARATION),
    after(DECLARATION),
    before(FIRST_ASSESSMENT),
    after(SECOND_ASSESSMENT),
    before(DRAFT),
    after(DRAFT),
    after(PROPOSAL),
    before(DECISION),
    after(DECISION),
    before(WORD),
    after(WORD),
    before(RATIFICATION),
    after(RATIFICATION),
    before(BEGINNING),
    after(BEGINNING),
    before(CLAIM),
    after(CLAIM, unknown=True, mailed=0),
    Point(
        name="when the mail server has the invitation",
        step=Step.NOMINATE,
        catch=lambda story: story.stage.mail.delay(an_address(story.session, 1)).taken.wait,
        unknown=True,
    ),
    before(MARK, unknown=True),
    after(MARK),
    Point(
        name="while the list tells its candidacies",
        step=Step.DECIDE,
        catch=three_of_six_have_heard,
        seated=(1, 2, 3, 4, 5, 6),
    ),
)


@pytest.mark.timeout(240)
async def test_a_worker_killed_inside_any_step_loses_nothing_and_mails_nothing_twice(
    stage: Stage, subtests: pytest.Subtests
) -> None:
    struck = [
        (point, Story(stage, str(session), by_calendar=point.step is Step.BEGIN, seated=point.seated))
        for session, point in enumerate(POINTS, FIRST_SESSION)
    ]
    await together(*(story.open() for _, story in struck))
    by_calendar = [story for _, story in struck if story.by_calendar]
    await together(*(story.until(Step.AMEND if story.by_calendar else point.step) for point, story in struck))
    # Last, since an opening does not wait for anybody.
    await together(*(story.take(Step.AMEND) for story in by_calendar))
    there = [(point, point.catch(story)) for point, story in struck]
    async with asyncio.TaskGroup() as officers:
        for point, story in struck:
            officers.create_task(story.take(point.step))
        caught = {point.name: asyncio.ensure_future(come_there()) for point, come_there in there}
        await asyncio.wait(caught.values(), timeout=CAUGHT_WITHIN)
        assert [name for name, come_there in caught.items() if not come_there.done()] == []
        await stage.kill_worker()
        await stage.worker.start()
    await together(*(story.after(point.step) for point, story in struck))

    for point, story in struck:
        with subtests.test(point.name):
            await story.ended_well(besides={"invitation": "unknown", "desk_letter": "sent"} if point.unknown else None)
            (invitation,) = [
                letter.message_id
                for letter in await stage.register.letters(story.cases[0])
                if letter.template == "invitation"
            ]
            assert stage.mail.to(an_address(story.session, 1)).count(invitation) == point.mailed
    await stage.holds_together(unknown=[f"{story.cases[0]}.1.2" for point, story in struck if point.unknown])


COMMANDS: Final = (Step.DECLARE, Step.ASSESS, Step.ASSESS_AGAIN, Step.PROPOSE, Step.DECIDE, Step.RATIFY)


async def test_a_worker_killed_with_commands_that_nobody_knows_it_has_takes_them_once_when_it_is_back(
    stage: Stage, subtests: pytest.Subtests
) -> None:
    told = [(step, Story(stage, str(session))) for session, step in enumerate(COMMANDS, FIRST_SESSION)]
    nominated = Story(stage, str(FIRST_SESSION + len(told)))
    turning = Story(stage, str(FIRST_SESSION + len(told) + 1))
    await together(nominated.open(), turning.open(), *(story.open() for _, story in told))
    await together(turning.until(Step.DECIDE), *(story.until(step) for step, story in told))
    candidacy = stage.client.get_workflow_handle(turning.sitting.workflow_id())
    first = (await candidacy.describe()).run_id

    async def is_on_next_run() -> bool:
        return (await candidacy.describe()).run_id != first

    async def works() -> bool:
        return bool((await candidacy.describe()).raw_description.pending_activities)

    # Its last step stands in the ledger, the server knows so, and the worker is about to end the run.
    stage.to_temporal.lag = 0.5
    await turning.sitting.decide(turning.seated)
    await comes_to(lambda: stage.register.stages(turning.cases), ["approved"])
    await comes_to(works, False)
    stage.to_temporal.upward.clear()
    stage.to_temporal.lag = 0.0
    async with asyncio.TaskGroup() as officers:
        officers.create_task(nominated.take(Step.NOMINATE))
        answers = {step: officers.create_task(sent(story, step)) for step, story in told}
        # Nothing shows that a worker has heard of what it cannot answer.
        await asyncio.sleep(0.5)
        await stage.kill_worker()
        assert not await is_on_next_run()
        await stage.worker.start()
        for step, story in told:
            officers.create_task(story.take(step))
    await together(nominated.after(Step.NOMINATE), *(story.after(step) for step, story in told))
    await comes_to(is_on_next_run, True)
    await turning.after(Step.DECIDE)

    for name, story in [("end of the run", turning), (Step.NOMINATE, nominated), *told]:
        with subtests.test(str(name)):
            await story.ended_well()
    assert {step: answer.result().act for step, answer in answers.items()} == {
        step: step.value.removesuffix("_again") for step in COMMANDS
    }
    await stage.holds_together()


async def sent(story: Story, step: Step) -> Receipt:
    """Send the command of a step, without a look at the case first, and wait for the answer."""
    sitting = story.sitting
    commands: dict[Step, tuple[Act | ListAct, Model]] = {
        Step.DECLARE: (Act.DECLARE, a_declaration()),
        Step.ASSESS: (Act.ASSESS, an_assessment()),
        Step.ASSESS_AGAIN: (Act.ASSESS, an_assessment()),
        Step.PROPOSE: (ListAct.PROPOSE, sitting.proposal((1,))),
        Step.DECIDE: (ListAct.DECIDE, sitting.decision((1,))),
        Step.RATIFY: (ListAct.RATIFY, sitting.ratification((1,))),
    }
    act, content = commands[step]
    if isinstance(act, ListAct):
        case, workflow_id = sitting.list, list_workflow_id(sitting.list)
    else:
        case, workflow_id = story.cases[0], sitting.workflow_id()
    desk = story.stage.officer({Step.ASSESS: 2, Step.ASSESS_AGAIN: 3}.get(step, 1))
    envelope = desk.close_over(act, case, content, basis=len(await story.stage.register.steps(case)))
    receipt: Receipt = await story.stage.client.get_workflow_handle(workflow_id).execute_update(
        act, envelope, id=envelope.nonce, result_type=Receipt
    )
    return receipt


async def test_what_falls_between_two_workers_is_done_by_the_second(stage: Stage) -> None:
    turning, waiting = Story(stage, str(FIRST_SESSION)), Story(stage, str(FIRST_SESSION + 1), by_calendar=True)
    await together(turning.open(), waiting.open())
    await together(turning.until(Step.DECIDE), waiting.until(Step.AMEND))
    candidacy = stage.client.get_workflow_handle(turning.sitting.workflow_id())
    first = (await candidacy.describe()).run_id

    async def is_on_next_run() -> bool:
        return (await candidacy.describe()).run_id != first

    opening = await waiting.bring_the_opening_near(days=6)
    stage.to_temporal.lag = 0.5
    await turning.sitting.decide(turning.seated)
    await comes_to(is_on_next_run, True)
    await stage.kill_worker()
    assert await stage.register.stages(waiting.cases) == ["approved"]
    history = await candidacy.fetch_history()
    assert [
        event.event_id for event in history.events if event.HasField("workflow_task_completed_event_attributes")
    ] == []
    left = waiting.sitting.opened.plan.clock.wait(opening, datetime.now(UTC))
    await asyncio.sleep(left.total_seconds() + 0.1)
    await stage.worker.start()

    await waiting.reaches("participant")
    await turning.after(Step.DECIDE)
    await together(turning.ended_well(), waiting.ended_well())
    await stage.holds_together()
