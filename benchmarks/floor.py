"""The floor: what Temporal alone costs for the traffic of a case and of those it depends on, with empty bodies.

A bare candidacy takes the four updates (``receive`` at its start, ``declare``, ``assess`` twice) and the two signals of
a real one, and each of the six leads to one activity, as a real step leads to ``record_step``; three of them lead to a
second one in the background, as a step with letters leads to ``deliver_letters``. A bare list takes ``receive``,
``propose`` and ``decide``, runs the five activities of a real list, and signals every candidacy twice. The options of
the activities, the worker's and the data converter are the real ones.

A bare suspension takes the six updates of a real one (``open`` at its start, ``serve``, ``observe``, ``assign``,
``report``, ``decide``) and the signal that ends it, and signals its bare participant twice, who answers once; of its
seven steps four have letters. A real one spares an activity now and then, where a run finds the letters of two steps.

The floor has no arguments (but a list's members), results, search attributes, summaries, queries, timers,
continue-as-new, law, ledger or letters: what these cost is ours.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from workflows.policies import ENQUIRE, POST, RECORD, SCREEN

TASK_QUEUE: Final = "floor"
_STEPS: Final = 6
_ORDERS: Final = 2


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
        """A step with letters, after which the lists are asked in the background."""
        await self._step(letters=True)
        self._aside(workflow.execute_activity(ask, **SCREEN))

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
            self._aside(workflow.execute_activity(deliver, **POST))

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
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


@workflow.defn
class BareParticipant:
    """The traffic of a candidacy that is suspended and restored; the second order is answered."""

    def __init__(self) -> None:
        self._obeyed = 0

    @workflow.run
    async def run(self) -> None:
        """Run until both orders were obeyed."""
        await workflow.wait_condition(lambda: self._obeyed == _ORDERS and workflow.all_handlers_finished())

    @workflow.signal
    async def obey(self, suspension: str) -> None:
        """A step without letters."""
        await workflow.execute_activity(record, **RECORD)
        self._obeyed += 1
        if self._obeyed == _ORDERS:
            await workflow.get_external_workflow_handle(suspension).signal("hear")


@workflow.defn
class BareSuspension:
    """The traffic of a suspension from its trigger to its end."""

    @workflow.init
    def __init__(self, participant: str) -> None:
        self._participant = participant
        self._concluded = False
        self._background: set[asyncio.Task[None]] = set()

    @workflow.run
    async def run(self, participant: str) -> None:
        """Run until the participant has answered, and every letter is out."""
        await workflow.wait_condition(
            lambda: self._concluded and not self._background and workflow.all_handlers_finished()
        )

    @workflow.update
    async def open(self) -> None:
        """A step with letters, of which the participant is told."""
        await self._step(letters=True)
        await self._order()

    @workflow.update
    async def serve(self) -> None:
        """A step with letters."""
        await self._step(letters=True)

    @workflow.update
    async def observe(self) -> None:
        """A step with letters."""
        await self._step(letters=True)

    @workflow.update
    async def assign(self) -> None:
        """A step without letters."""
        await self._step(letters=False)

    @workflow.update
    async def report(self) -> None:
        """A step without letters."""
        await self._step(letters=False)

    @workflow.update
    async def decide(self) -> None:
        """A step without letters, of which the participant is told."""
        await self._step(letters=False)
        await self._order()

    @workflow.signal
    async def hear(self) -> None:
        """The last step, with letters."""
        await self._step(letters=True)
        self._concluded = True

    async def _order(self) -> None:
        await workflow.get_external_workflow_handle(self._participant).signal("obey", workflow.info().workflow_id)

    async def _step(self, *, letters: bool) -> None:
        await workflow.execute_activity(record, **RECORD)
        if letters:
            task = asyncio.create_task(workflow.execute_activity(deliver, **POST))
            self._background.add(task)
            task.add_done_callback(self._background.discard)
