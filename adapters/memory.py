"""What the cases' workflows remember, read from Temporal's histories."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar

from temporalio.api.common.v1 import Payloads
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import Erased
from domain.ids import delivery_workflow_id
from domain.ledger import Delivery, Entry, LetterState, Memory, Recorded, Report

_KINDS: Final = ("Session", "SessionList", "Candidacy", "Suspension")
"""Whoever tells others comes before those who are told."""
_PERHAPS: Final[Any] = str | None
T = TypeVar("T")


class _Call:
    """One activity that a workflow scheduled: its name, what it was given, and what it answered, if it did."""

    def __init__(self, name: str, given: Payloads) -> None:
        self.name = name
        self.given = given
        self.answered: Payloads | None = None


class TemporalMemories:
    """The histories of one namespace."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def remember(self) -> AsyncIterator[Sequence[Memory]]:
        """The recorded steps of each case, in order; cases that are kept no longer, or were erased, are left out."""
        for kind in _KINDS:
            # Each run of a case is listed by itself. One that was begun after the case had ended, to undo that, is led
            # to by none before it and leads to none.
            runs: dict[str, list[tuple[datetime, str]]] = {}
            async for execution in self._client.list_workflows(f"WorkflowType = '{kind}'"):
                runs.setdefault(execution.id, []).append((execution.start_time, execution.run_id))
            for workflow_id, begun in runs.items():
                with suppress(Erased):
                    yield await self.steps(workflow_id, [run_id for _, run_id in sorted(begun)])

    async def steps(self, workflow_id: str, run_ids: Sequence[str]) -> list[Memory]:
        """What a workflow remembers of its case, by these runs of it, in order."""
        memories: list[Memory] = []
        calls = [call for run_id in run_ids for call in await self._run(workflow_id, run_id)]
        posted = [letter for call in calls if call.name == "deliver_letters" for letter in await self._letters(call)]
        answers = {
            delivery.letter: delivery
            for call in calls
            if call.name == "deliver_letters" and call.answered is not None
            for delivery in await self._decode(call.answered, tuple[Delivery, ...])
        }
        for call in calls:
            # A step that was never answered for may not stand anywhere, and its workflow is still writing it.
            if call.name != "record_step" or call.answered is None:
                continue
            recorded = await self._decode(call.answered, Recorded)
            entry = await self._decode(call.given, Entry)
            entry = entry.model_copy(update={"state": entry.state | {"reference": recorded.reference}})
            followed = [
                await self._latest(answers[letter]) if letter in answers else (None, []) for letter in recorded.letters
            ]
            reports = [report for _, found in followed for report in found]
            memories.append(
                Memory(
                    entry=entry,
                    posted=any(letter in posted for letter in recorded.letters),
                    deliveries=tuple(delivery for delivery, _ in followed if delivery is not None),
                    reports=tuple(sorted(reports, key=lambda report: _number(report.delivery.letter))),
                )
            )
        return memories

    async def _latest(self, first: Delivery) -> tuple[Delivery, list[Report]]:
        """What is last known of a letter, and the letters to the desk about it.

        Args:
            first: What whoever had it delivered first knows of it; what came after, its own workflow knows.
        """
        latest, reports = first, list[Report]()
        if first.state in {LetterState.SENT, LetterState.WITHDRAWN}:
            return latest, reports
        try:
            calls = await self._calls(delivery_workflow_id(first.letter))
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return latest, reports
        for call in calls:
            if call.answered is None:
                # Begun and not answered for: the letter may be out.
                if call.name == "deliver_letter":
                    latest = Delivery(letter=first.letter, state=LetterState.UNKNOWN)
            elif call.name == "deliver_letter":
                latest = await self._decode(call.answered, Delivery)
            elif call.name == "settle_letter":
                latest = Delivery(letter=first.letter, state=await self._decode(call.answered, LetterState))
            elif call.name == "report_trouble" and (written := await self._decode(call.answered, _PERHAPS)) is not None:
                about = await self._decode(call.given, Delivery)
                told, _ = await self._latest(Delivery(letter=written, state=LetterState.DRAFTED))
                reports.append(Report(about=about, delivery=told))
        return latest, reports

    async def _letters(self, call: _Call) -> tuple[str, ...]:
        return await self._decode(call.given, tuple[str, ...])

    async def _calls(self, workflow_id: str) -> list[_Call]:
        """Every activity a workflow scheduled, over all its runs, in order."""
        calls: list[_Call] = []
        run_id: str | None = None
        while True:
            history = await self._client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
            calls = [*_calls_in(history.events), *calls]
            run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
            if not run_id:
                return calls

    async def _run(self, workflow_id: str, run_id: str) -> list[_Call]:
        """Every activity that one run scheduled, in order."""
        history = await self._client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        return _calls_in(history.events)

    async def _decode(self, payloads: Payloads, kind: type[T]) -> T:
        values: list[Any] = await self._client.data_converter.decode(payloads.payloads, [kind])
        decoded: T = values[0]
        return decoded


def _number(letter: str) -> int:
    """A letter's number within its step."""
    return int(letter.rpartition(".")[2])


def _calls_in(events: Sequence[HistoryEvent]) -> list[_Call]:
    scheduled: dict[int, _Call] = {}
    for event in events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            begun = event.activity_task_scheduled_event_attributes
            scheduled[event.event_id] = _Call(begun.activity_type.name, begun.input)
        elif event.HasField("activity_task_completed_event_attributes"):
            done = event.activity_task_completed_event_attributes
            scheduled[done.scheduled_event_id].answered = done.result
    return list(scheduled.values())
