"""What the workflows remember, read from Temporal's histories."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from temporalio.api.common.v1 import Payloads
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecution
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from domain.authority import REGISTER
from domain.envelope import Envelope
from domain.erasure import REQUEST_ACT, Certificate, ErasureOrder, ErasureRequest
from domain.errors import Erased
from domain.ids import SEAT_SHOWN, STAGE_SHOWN, delivery_workflow_id
from domain.interests import InterestRow, Interests, Withdrawal, officer_file
from domain.ledger import Delivery, Entry, LetterState, Memory, Recorded, Report
from domain.memories import CaseMemory, ErasureMemory, Recalled
from domain.offices import Admission, Revocation
from domain.retention import RETAIN_ACT, Hold

_KINDS: Final = ("Session", "SessionList", "Candidacy", "Suspension")
"""Whoever tells others comes before those who are told."""
_PERHAPS: Final[Any] = str | None
_CERTIFIED: Final[Any] = Certificate | None
_STAGE: Final = SearchAttributeKey.for_keyword(STAGE_SHOWN)
_SEAT: Final = SearchAttributeKey.for_keyword(SEAT_SHOWN)
_LONGEST: Final = timedelta(days=50 * 365)
"""Nobody keeps histories for longer."""
_AT_ONE_MOMENT: Final = timedelta(milliseconds=100)
T = TypeVar("T")


class _Call:
    """One activity that a workflow scheduled: what it was given, and what it answered, if it did.

    Args:
        name: The activity.
        given: What it was given.
        id_: What it is known by within the run.
        at: When it was scheduled.
    """

    def __init__(self, name: str, given: Payloads, id_: str, at: datetime) -> None:
        self.name = name
        self.given = given
        self.id = id_
        self.at = at
        self.answered: Payloads | None = None


@dataclass(frozen=True)
class _Carrier:
    """A workflow that carries one command: the activity that takes it, the power, and what the command holds."""

    activity: str
    power: str
    content: type[Any]


_CARRIERS: Final = {
    "OfficerAdmission": _Carrier("admit_officer", "officer.admit", Admission),
    "OfficerRevocation": _Carrier("revoke_officer", "officer.revoke", Revocation),
    "InterestDeclaration": _Carrier("declare_interests", "officer.declare_interest", Interests),
    "InterestWithdrawal": _Carrier("withdraw_interest", "officer.withdraw_interest", Withdrawal),
    "CaseHolding": _Carrier("retain", f"candidacy.{RETAIN_ACT}", Hold),
    "ErasureRequesting": _Carrier("request_erasure", f"candidacy.{REQUEST_ACT}", ErasureRequest),
}
_ERASING: Final = ("erase", "expire")
"""The activities that answer with a certificate; only the first is given an officer's order."""


class TemporalMemories:
    """The histories of one namespace."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def remember(self) -> AsyncIterator[CaseMemory]:
        """Every case with its recorded steps, in order; cases that are kept no longer are left out."""
        for kind in _KINDS:
            # Each run of a case is listed by itself. One that was begun after the case had ended, to undo that, is led
            # to by none before it and leads to none.
            runs: dict[str, list[WorkflowExecution]] = {}
            async for execution in self._client.list_workflows(f"WorkflowType = '{kind}'"):
                runs.setdefault(execution.id, []).append(execution)
            for workflow_id, begun in runs.items():
                begun.sort(key=lambda run: run.start_time)
                shown = begun[-1].typed_search_attributes
                steps = None
                with suppress(Erased):
                    steps = await self.steps(workflow_id, [run.run_id for run in begun])
                yield CaseMemory(workflow_id, steps, stage=shown.get(_STAGE), seat=shown.get(_SEAT))

    async def commands(self) -> Sequence[Recalled]:
        """The commands that became no step of a case, in the order in which they were taken.

        Those are left out that were refused, or lie under the key of somebody who was erased.
        """
        found: list[Recalled] = []
        for workflow, carrier in _CARRIERS.items():
            async for execution in self._client.list_workflows(f"WorkflowType = '{workflow}'"):
                for call in await self._run(execution.id, execution.run_id):
                    if call.name != carrier.activity or call.answered is None:
                        continue
                    with suppress(Erased):
                        found.append(await self._recalled(carrier, call, execution.run_id))
        return sorted(found, key=lambda recalled: recalled.taken)

    async def _recalled(self, carrier: _Carrier, call: _Call, run_id: str) -> Recalled:
        envelope: Envelope[Any] = await self._decode(call.given, Envelope[carrier.content])  # type: ignore[name-defined]
        rows: tuple[InterestRow, ...] = ()
        match envelope.content:
            case Admission() | Revocation():
                about = REGISTER
            case Interests() | Withdrawal():
                about = officer_file(envelope.signer)
                if call.answered is not None:
                    rows = await self._decode(call.answered, tuple[InterestRow, ...])
            case _:
                about = envelope.case
        by = f"{run_id}/{call.id}"
        return Recalled(carrier.power, (about,), envelope, taken=call.at, by=by, interests=rows)

    async def erasures(self) -> Sequence[ErasureMemory]:
        """The erasures that were certified, by two officers or by a rule."""
        found: list[ErasureMemory] = []
        async for execution in self._client.list_workflows("WorkflowType IN ('PersonErasure', 'RetentionRound')"):
            for call in await self._run(execution.id, execution.run_id):
                if call.name not in _ERASING or call.answered is None:
                    continue
                certificate: Certificate | None = await self._decode(call.answered, _CERTIFIED)
                order = await self._decode(call.given, Envelope[ErasureOrder]) if call.name == _ERASING[0] else None
                if certificate is not None:
                    found.append(ErasureMemory(certificate, order))
        return found

    async def since(self) -> datetime:
        """From when on everything is remembered: when the oldest workflow ended of those that are kept."""
        latest = datetime.now(UTC)
        earliest = latest - _LONGEST
        while latest - earliest > _AT_ONE_MOMENT:
            between = earliest + (latest - earliest) / 2
            if (await self._client.count_workflows(f"CloseTime < '{between.isoformat()}'")).count:
                latest = between
            else:
                earliest = between
        return latest

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
            at = event.event_time.ToDatetime(tzinfo=UTC)
            scheduled[event.event_id] = _Call(begun.activity_type.name, begun.input, begun.activity_id, at)
        elif event.HasField("activity_task_completed_event_attributes"):
            done = event.activity_task_completed_event_attributes
            scheduled[done.scheduled_event_id].answered = done.result
    return list(scheduled.values())
