"""The running cases, reached through Temporal."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.ports import CaseSilent
from adapters.keys.codec import readable
from adapters.payloads import payloads_of
from domain.candidacy import CandidacyState, Order
from domain.cases import (
    AFFECTED_QUERY,
    EDITION,
    IMPRINTS_QUERY,
    OBEY_SIGNAL,
    REARM_SIGNAL,
    RESCREEN_SIGNAL,
    STANDING_QUERY,
    CandidacyCase,
    LetterCase,
    ListCase,
    SessionCase,
    SuspensionCase,
)
from domain.erasure import Kept, Person, Reading
from domain.ids import delivery_workflow_id
from domain.keys import key_of
from domain.ledger import Delivery
from domain.lists import ListState, Standing, Vacancy
from domain.model import Model
from domain.session import SessionState, Terms
from domain.steps import CaseKind, CaseState, Dispatch
from domain.suspension import SuspensionState

T = TypeVar("T")

_AT_ONCE: Final = 16
"""How many cases are asked at a time: each question is a task for a worker."""

_PATIENCE: Final = timedelta(seconds=10)
"""How long a case may take to answer a question; whoever asks then asks again."""

_WORKFLOWS: Final = {
    CaseKind.SESSION: "Session",
    CaseKind.CANDIDACY: "Candidacy",
    CaseKind.LIST: "SessionList",
    CaseKind.SUSPENSION: "Suspension",
}


class TemporalCases:
    """The cases of one namespace and task queue."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._queue = task_queue

    async def standings(self, workflow_ids: Mapping[str, str]) -> Mapping[str, Standing]:
        """How candidacies stand, by reference; those that answer no more are left out."""
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def standing(workflow_id: str) -> Standing | None:
            async with at_once:
                return await self._ask(workflow_id, STANDING_QUERY, Standing)

        found = zip(workflow_ids, await asyncio.gather(*map(standing, workflow_ids.values())), strict=True)
        return {reference: stands for reference, stands in found if stands is not None}

    async def affected(self, workflow_id: str, terms: Terms) -> tuple[str, ...]:
        """Which kinds of date of a candidacy would move under other terms."""
        return await self._ask(workflow_id, AFFECTED_QUERY, tuple[str, ...], terms) or ()

    async def imprints(self, workflow_id: str) -> Mapping[str, str] | None:
        """What a running case says of its state, without telling it; None where it does not run.

        Raises:
            CaseSilent: It runs and does not answer.
        """
        if not await self._runs(workflow_id):
            return None
        try:
            return await self._ask(workflow_id, IMPRINTS_QUERY, dict[str, str])
        except WorkflowQueryFailedError:
            raise CaseSilent(workflow_id) from None
        except RPCError as error:
            if error.status in {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}:
                raise CaseSilent(workflow_id) from None
            raise

    async def running(self, kind: CaseKind) -> Sequence[str]:
        """The workflow ids of every running case of a kind."""
        query = f"WorkflowType = '{_WORKFLOWS[kind]}' AND ExecutionStatus = 'Running'"
        return [found.id async for found in self._client.list_workflows(query)]

    async def rearm(self, workflow_id: str, terms: Terms) -> None:
        """Send a case its session's new terms; a case that does not run needs none."""
        await self._signal(workflow_id, REARM_SIGNAL, terms)

    async def rescreen(self, workflow_id: str) -> None:
        """Have a candidacy ask the lists again; one that does not run needs nothing."""
        await self._signal(workflow_id, RESCREEN_SIGNAL)

    async def tell(self, word: Dispatch) -> None:
        """Deliver word to a case, which knows it if it heard it before; one that does not run needs none."""
        await self._signal(word.workflow_id, word.signal, word.content)

    async def restart(self, kind: CaseKind, state: CaseState) -> bool:
        """Start a case again from its state; False where it runs already."""
        return await self._start(_WORKFLOWS[kind], _case(state), state.workflow_id, f"{state.reference}, recovered")

    async def reinstate(self, state: CandidacyState, order: Order) -> None:
        """Give a candidacy an order, and start it again from its state for that where it does not run."""
        await self._client.start_workflow(
            _WORKFLOWS[CaseKind.CANDIDACY],
            _case(state),
            id=state.workflow_id,
            task_queue=self._queue,
            static_summary=f"{state.reference}, reinstated",
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=OBEY_SIGNAL,
            start_signal_args=[order],
        )

    async def close(self, person: Person, reason: str) -> None:
        """End every open workflow of a person's, and wait until it is closed.

        Cases and letters are ended by their names, since what a namespace lists may lag behind; whatever else there is,
        as it is listed.
        """
        known = [case.workflow_id for case in person.cases] + [delivery_workflow_id(each) for each in person.letters]
        for workflow_id in known:
            await self._end(workflow_id, reason)
        async for execution in self._client.list_workflows("ExecutionStatus = 'Running'"):
            if key_of(execution.id) in person.names:
                await self._end(execution.id, reason)

    async def _end(self, workflow_id: str, reason: str) -> None:
        handle = self._client.get_workflow_handle(workflow_id)
        # Each time the run that is open by then: one may have ended by going on as another.
        while await self._runs(workflow_id):
            try:
                # Nothing but the reason, which is kept as it stands; whatever else is said would be encrypted.
                await handle.terminate(reason=reason)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def vacate(self, list_workflow: str, vacancy: Vacancy) -> None:
        """Tell a list that a candidacy has left its place; a list that does not run need not know."""
        await self._signal(list_workflow, "vacate", vacancy)

    async def read_all(self, person: Person) -> Reading:
        """Try to read everything that Temporal holds of a person: every payload of every workflow of theirs."""
        counted: dict[bool | None, int] = {True: 0, False: 0, None: 0}
        async for execution in self._client.list_workflows():
            if key_of(execution.id) not in person.names:
                continue
            handle = self._client.get_workflow_handle(execution.id, run_id=execution.run_id)
            history = await handle.fetch_history()
            payloads = [payload for event in history.events for payload in payloads_of(event)]
            description = await handle.describe()
            payloads += payloads_of(description.raw_description)
            for payload in payloads:
                counted[await readable(self._client.data_converter.payload_codec, payload)] += 1
        return Reading(kept=Kept.TEMPORAL, unreadable=counted[False], readable=counted[True], in_clear=counted[None])

    async def look_after(self, delivery: Delivery, case: str) -> bool:
        """Start looking after a letter that is not out; False where that is under way already."""
        workflow_id = delivery_workflow_id(delivery.letter)
        letter = LetterCase(delivery=delivery, case=case)
        return await self._start("LetterDelivery", letter, workflow_id, f"Letter {delivery.letter}")

    async def _start(self, workflow: str, case: Model, workflow_id: str, summary: str) -> bool:
        try:
            await self._client.start_workflow(
                workflow,
                case,
                id=workflow_id,
                task_queue=self._queue,
                static_summary=summary,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _signal(self, workflow_id: str, signal: str, *content: Any) -> None:
        try:
            await self._client.get_workflow_handle(workflow_id).signal(signal, args=content)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _runs(self, workflow_id: str) -> bool:
        try:
            description = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return description.status is WorkflowExecutionStatus.RUNNING

    async def _ask(self, workflow_id: str, query: str, answer: type[T], *arguments: Model) -> T | None:
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            told: T = await handle.query(query, args=arguments, result_type=answer, rpc_timeout=_PATIENCE)
            return told
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise


def _case(state: CaseState) -> Model:
    match state:
        case SessionState():
            return SessionCase(state=state, edition=EDITION)
        case CandidacyState():
            return CandidacyCase(state=state, edition=EDITION)
        case ListState():
            return ListCase(state=state, edition=EDITION)
        case SuspensionState():
            return SuspensionCase(state=state, edition=EDITION)
        case other:
            raise TypeError(f"no workflow carries {type(other).__name__}")
