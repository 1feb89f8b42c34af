"""Conversations with workflows: the one way in which the real cases and the floor's are driven and timed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowContinuedAsNewError, WorkflowHandle
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from benchmarks import floor, paperwork
from domain.candidacy import Act, CandidacyState
from domain.cases import (
    EDITION,
    CandidacyCase,
    CandidacyOpening,
    ListCase,
    ListOpening,
    SuspensionCase,
    SuspensionOpening,
)
from domain.envelope import Envelope, Receipt
from domain.ids import candidacy_workflow_id, list_reference, list_workflow_id, suspension_workflow_id
from domain.lists import Drafting, ListAct, Proposal, SeatLaw
from domain.people import Nomination
from domain.session import SessionState
from domain.suspension import Assignment, SuspensionAct
from starter.desk import Desk
from workflows import attributes

T = TypeVar("T")

AT_ONCE: Final = 32
"""How many conversations are under way at a time."""


@dataclass(frozen=True)
class Conversation:
    """A workflow to start with its ``first`` update, and the updates to send it one after the other."""

    workflow: str
    id: str
    queue: str
    arguments: Sequence[Any]
    updates: Sequence[tuple[str, Sequence[Any]]]
    first: tuple[str, Sequence[Any]] = ("receive", ())
    answer: type[Receipt] | None = None
    summary: str | None = None
    shown: TypedSearchAttributes = TypedSearchAttributes.empty


@dataclass(frozen=True)
class Round:
    """A number of candidacies, and their list once their references are known."""

    candidacies: Sequence[Conversation]
    listing: Callable[[Sequence[str]], Conversation]


@dataclass(frozen=True)
class Held:
    """A conversation that was held. ``reference`` is the case's, where it has one, else the workflow's id."""

    handle: WorkflowHandle[Any, Any]
    reference: str


async def _nothing() -> None:
    """What there is to do after the floor's runs have ended."""


async def run(client: Client, round_: Round, *, then: Callable[[], Awaitable[None]] = _nothing) -> float:
    """Take every candidacy from its nomination to its participation; the seconds it took.

    A candidacy has come that far when its run has ended, with every step recorded, and ``then`` with every letter out.
    """
    began = time.perf_counter()
    held = await at_once(AT_ONCE, (hold(client, candidacy) for candidacy in round_.candidacies))
    await hold(client, round_.listing([conversed.reference for conversed in held]))
    await at_once(AT_ONCE, (end_of_run(conversed) for conversed in held))
    await then()
    return time.perf_counter() - began


async def run_suspensions(client: Client, suspensions: Sequence[Conversation]) -> float:
    """Take every suspension from its trigger to its end; the seconds it took."""

    async def to_the_end(suspension: Conversation) -> None:
        held = await hold(client, suspension)
        await client.get_workflow_handle(held.handle.id).result()

    began = time.perf_counter()
    await at_once(AT_ONCE, map(to_the_end, suspensions))
    return time.perf_counter() - began


async def at_once(limit: int, work: Iterable[Awaitable[T]]) -> list[T]:
    """Await everything, so many at a time; the results in order."""
    permits = asyncio.Semaphore(limit)

    async def permitted(one: Awaitable[T]) -> T:
        async with permits:
            return await one

    return await asyncio.gather(*map(permitted, work))


async def hold(client: Client, conversation: Conversation) -> Held:
    """Hold a conversation to its end."""
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        conversation.workflow,
        args=conversation.arguments,
        id=conversation.id,
        task_queue=conversation.queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        static_summary=conversation.summary,
        search_attributes=conversation.shown,
    )
    update, arguments = conversation.first
    receipt: Receipt | None = await client.execute_update_with_start_workflow(
        update, args=arguments, start_workflow_operation=start, result_type=conversation.answer
    )
    handle = await start.workflow_handle()
    for update, arguments in conversation.updates:
        await handle.execute_update(update, args=arguments, result_type=conversation.answer)
    return Held(handle, receipt.reference if receipt else conversation.id)


async def end_of_run(held: Held) -> None:
    """Wait until the run that was started has ended, though another may go on."""
    with suppress(WorkflowContinuedAsNewError):
        await held.handle.result(follow_runs=False)


async def terminate(client: Client, workflow_ids: Iterable[str]) -> None:
    """End workflows that would stay open, so that each round finds the worker as the one before found it."""
    await at_once(AT_ONCE, (client.get_workflow_handle(each).terminate(reason="measured") for each in workflow_ids))


@dataclass(frozen=True)
class Officers:
    """Who signs: the desk, the two officers who assess, and those who propose, decide and review."""

    desk: Desk
    assessors: tuple[Desk, Desk]
    president: Desk
    bureau: Desk
    reviewer: Desk


def candidacy(officers: Officers, session: SessionState, nomination: Nomination) -> Conversation:
    """A real candidacy, declared and assessed, with its commands closed over beforehand."""
    desk = officers.desk
    workflow_id = desk.candidacy_of(session.reference, nomination)

    def command(signer: Desk, act: Act, content: Any) -> tuple[str, tuple[Envelope[Any]]]:
        return act.value, (signer.close_over(act, workflow_id, content),)

    opening = CandidacyOpening(
        envelope=desk.close_over(Act.NOMINATE, workflow_id, nomination),
        fingerprint=workflow_id.rpartition("/")[2],
        terms=session.terms,
        statements=session.plan.criteria.statements(nomination.candidate.language),
    )
    return Conversation(
        workflow="Candidacy",
        id=candidacy_workflow_id(session.reference, opening.fingerprint),
        queue=desk.settings.task_queue,
        arguments=(CandidacyCase(opening=opening, edition=EDITION),),
        updates=(
            command(desk, Act.DECLARE, paperwork.declaration()),
            *(command(assessor, Act.ASSESS, paperwork.assessment()) for assessor in officers.assessors),
        ),
        answer=Receipt,
        summary=f"Candidacy in session {session.reference}",
        shown=attributes.at_start(session=session.reference, stage="nominated", seat=nomination.seat),
    )


def session_list(officers: Officers, session: SessionState, candidacies: Sequence[str]) -> Conversation:
    """The real list that gives everybody a seat: drafted, proposed, adopted."""
    desk = officers.desk
    reference = list_reference(session.reference, 1)
    plan = paperwork.list_plan(candidacies)
    frozen = plan.frozen(reference, 1)

    def command(signer: Desk, act: ListAct, content: Any) -> tuple[str, tuple[Envelope[Any]]]:
        return act.value, (signer.close_over(act, reference, content),)

    opening = ListOpening(
        envelope=desk.close_over(ListAct.DRAFT, reference, Drafting(plan=plan)),
        reference=reference,
        terms=session.terms,
        law=SeatLaw(seats=session.plan.seats, reserved=session.plan.reserved_seats),
    )
    return Conversation(
        workflow="SessionList",
        id=list_workflow_id(reference),
        queue=desk.settings.task_queue,
        arguments=(ListCase(opening=opening, edition=EDITION),),
        updates=(
            (
                ListAct.PROPOSE.value,
                (officers.president.close_over(ListAct.PROPOSE, reference, Proposal(hash=frozen)),),
            ),
            (
                ListAct.DECIDE.value,
                (officers.bureau.close_over(ListAct.DECIDE, reference, paperwork.adoption(frozen)),),
            ),
        ),
        answer=Receipt,
        summary=f"List of session {session.reference}",
        shown=attributes.at_start(session=session.reference, stage="drafted", case=reference),
    )


def real(officers: Officers, session: SessionState, nominations: Iterable[Nomination]) -> Round:
    """Real candidacies of a session, and its list."""
    return Round(
        candidacies=[candidacy(officers, session, nomination) for nomination in nominations],
        listing=lambda references: session_list(officers, session, references),
    )


def suspension(officers: Officers, state: CandidacyState) -> Conversation:
    """A real suspension of a participant, answered, reviewed and lifted."""
    desk, reviewer, decider = officers.desk, officers.reviewer, officers.bureau
    workflow_id = suspension_workflow_id(state.terms.session, state.fingerprint, 1)

    def command(signer: Desk, act: SuspensionAct, content: Any) -> tuple[str, tuple[Envelope[Any]]]:
        return act.value, (signer.close_over(act, workflow_id, content),)

    first = command(desk, SuspensionAct.OPEN, paperwork.charge())
    opening = SuspensionOpening(
        envelope=first[1][0],
        fingerprint=state.fingerprint,
        number=1,
        terms=state.terms,
        candidacy=state.reference,
        candidacy_workflow=state.workflow_id,
        participant=state.nomination.candidate.contact,
    )
    return Conversation(
        workflow="Suspension",
        id=workflow_id,
        queue=desk.settings.task_queue,
        arguments=(SuspensionCase(opening=opening, edition=EDITION),),
        first=first,
        updates=(
            command(desk, SuspensionAct.SERVE, paperwork.service()),
            command(desk, SuspensionAct.OBSERVE, paperwork.observations()),
            command(desk, SuspensionAct.ASSIGN, Assignment(reviewer=reviewer.officer)),
            command(reviewer, SuspensionAct.REPORT, paperwork.report()),
            command(decider, SuspensionAct.DECIDE, paperwork.lifting()),
        ),
        answer=Receipt,
        summary=f"Suspension in session {state.terms.session}",
        shown=attributes.at_start(session=state.terms.session, stage="opened"),
    )


async def bare_suspensions(client: Client, name: str, count: int) -> list[Conversation]:
    """As many of the floor's suspensions, each with its participant, who runs already."""
    participants = [f"floor/{name}/participant/{number}" for number in range(count)]
    await at_once(
        AT_ONCE,
        (client.start_workflow("BareParticipant", id=each, task_queue=floor.TASK_QUEUE) for each in participants),
    )
    return [
        Conversation(
            workflow="BareSuspension",
            id=f"floor/{name}/suspension/{number}",
            queue=floor.TASK_QUEUE,
            arguments=(participant,),
            first=("open", ()),
            updates=[(update, ()) for update in ("serve", "observe", "assign", "report", "decide")],
        )
        for number, participant in enumerate(participants)
    ]


def bare(name: str, count: int) -> Round:
    """As many of the floor's candidacies, and their list."""
    candidacies = [
        Conversation(
            workflow="BareCandidacy",
            id=f"floor/{name}/{number}",
            queue=floor.TASK_QUEUE,
            arguments=(),
            updates=(("declare", ()), ("assess", ()), ("assess", ())),
        )
        for number in range(count)
    ]
    return Round(
        candidacies=candidacies,
        listing=lambda members: Conversation(
            workflow="BareList",
            id=f"floor/{name}/list",
            queue=floor.TASK_QUEUE,
            arguments=(list(members),),
            updates=(("propose", ()), ("decide", ())),
        ),
    )
