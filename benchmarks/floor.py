"""The floor: what Temporal alone costs for the traffic of a candidacy and of its list, with empty bodies.

A bare candidacy takes the four updates (``receive`` at its start, ``declare``, ``assess`` twice) and the two signals of
a real one, and each of the six leads to one activity, as a real step leads to ``record_step``; three of them lead to a
second one in the background, as a step with letters leads to ``deliver_letters``. A bare list takes ``receive``,
``propose`` and ``decide``, runs the five activities of a real list, and signals every candidacy twice. The options of
the activities, the worker's and the data converter are the real ones.

The floor has no arguments (but a list's members), results, search attributes, summaries, queries, timers,
continue-as-new, law, ledger or letters: what these cost is ours.
"""

import asyncio
from typing import Final

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from workflows.policies import ENQUIRE, POST, RECORD

TASK_QUEUE: Final = "floor"
_STEPS: Final = 6


@activity.defn
async def record() -> None:
    """Do nothing, where a step would be recorded."""


@activity.defn
async def deliver() -> None:
    """Do nothing, where letters would be delivered."""


@activity.defn
async def ask() -> None:
    """Do nothing, where the candidacies would be asked how they stand."""


@workflow.defn
class BareCandidacy:
    """The traffic of a candidacy from its nomination to its participation."""

    def __init__(self) -> None:
        self._recorded = 0
        self._heard = 0
        self._background: set[asyncio.Task[None]] = set()

    @workflow.run
    async def run(self) -> None:
        """Run until every step is recorded and its letters are out."""
        await workflow.wait_condition(
            lambda: self._recorded == _STEPS and not self._background and workflow.all_handlers_finished()
        )

    @workflow.update
    async def receive(self) -> None:
        """A step with letters."""
        await self._step(letters=True)

    @workflow.update
    async def declare(self) -> None:
        """A step with letters."""
        await self._step(letters=True)

    @workflow.update
    async def assess(self) -> None:
        """A step without letters."""
        await self._step(letters=False)

    @workflow.signal
    async def hear(self) -> None:
        """A step, with letters the second time."""
        self._heard += 1
        await self._step(letters=self._heard == 2)

    async def _step(self, *, letters: bool) -> None:
        await workflow.execute_activity(record, **RECORD)
        self._recorded += 1
        if letters:
            task = asyncio.create_task(workflow.execute_activity(deliver, **POST))
            self._background.add(task)
            task.add_done_callback(self._background.discard)


@workflow.defn
class BareList:
    """The traffic of a session list: three updates, two signals for every candidacy."""

    @workflow.init
    def __init__(self, members: list[str]) -> None:
        self._members = members
        self._told = 0

    @workflow.run
    async def run(self, members: list[str]) -> None:
        """Run until every candidacy was told twice."""
        await workflow.wait_condition(lambda: self._told == 2 * len(members) and workflow.all_handlers_finished())

    @workflow.update
    async def receive(self) -> None:
        """The draft."""
        await workflow.execute_activity(ask, **ENQUIRE)
        await workflow.execute_activity(record, **RECORD)

    @workflow.update
    async def propose(self) -> None:
        """The proposal: every candidacy is told."""
        await workflow.execute_activity(ask, **ENQUIRE)
        await workflow.execute_activity(record, **RECORD)
        await self._tell()

    @workflow.update
    async def decide(self) -> None:
        """The decision: every candidacy is told."""
        await workflow.execute_activity(record, **RECORD)
        await self._tell()

    async def _tell(self) -> None:
        async def tell(member: str) -> None:
            await workflow.get_external_workflow_handle(member).signal("hear")
            self._told += 1

        await asyncio.gather(*map(tell, self._members))
