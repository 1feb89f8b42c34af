"""The measurements, each on a running stand."""

import asyncio
import itertools
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle, WorkflowHistory

from adapters.embedded.temporal import executable
from adapters.sql import engine
from benchmarks import paperwork, register, traffic
from benchmarks.stand import OFFICERS, Stand, post
from benchmarks.traffic import AT_ONCE, Held, Officers
from benchmarks.unguarded import QUEUE, without_guards
from config.settings import PREFIX
from domain.candidacy import CandidacyState, Stage
from domain.clock import CalendarPolicy, Clock
from domain.ids import list_reference, list_workflow_id, session_workflow_id
from domain.lists import ListAct, Ratification, RatificationOutcome
from domain.offices import Admission, Office, Request
from domain.session import Limits, SessionState
from domain.steps import CaseKind
from domain.suspension import SuspensionAct
from domain.timelimits import Limit, day_of

_WARM_UP: Final = 10
SUSPENSION: Final = "suspension with two grounds: the longest of its runs"
_sessions = itertools.count(1001)


@dataclass(frozen=True)
class Pace:
    """One round: cases per second, and CPU milliseconds per case in the server and in the worker."""

    rate: float
    server: float
    worker: float


@dataclass(frozen=True)
class Throughput:
    """Rounds of so many real cases, each with the round that it is held against."""

    cases: int
    pairs: Sequence[tuple[Pace, Pace]]

    @property
    def ratios(self) -> tuple[float, ...]:
        """The rate of each real round over that of the other."""
        return tuple(ours.rate / other.rate for ours, other in self.pairs)

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return median(self.ratios)


@dataclass(frozen=True)
class Size:
    """A run's history by the server's own count."""

    events: int
    bytes: int


@dataclass(frozen=True)
class Memory:
    """A worker's resident memory in bytes before and after it took so many open cases."""

    cases: int
    before: int
    after: int

    @property
    def per_thousand(self) -> float:
        """MiB for 1,000 open cases."""
        return (self.after - self.before) / self.cases * 1000 / 2**20


@dataclass(frozen=True)
class Start:
    """Seconds from the start of a program to its first output, or to its end where it prints nothing."""

    least: float
    median: float


async def throughput(stand: Stand, worker: int, *, candidacies: int, pairs: int) -> Throughput:
    """Rounds of the real candidacies and of the floor in turn, so that the machine's drift meets both alike."""
    processes = _processes(worker)
    names = itertools.count()

    async def pair(count: int) -> tuple[Pace, Pace]:
        ours = await _candidacies(stand, worker, count)
        bare = traffic.run(stand.client, traffic.bare(str(next(names)), count))
        return ours, await _timed(processes, count, bare)

    await pair(min(candidacies, _WARM_UP))
    return Throughput(candidacies, [await pair(candidacies) for _ in range(pairs)])


async def guards(stand: Stand, worker: int, *, candidacies: int, pairs: int) -> Throughput:
    """Rounds of the real candidacies, each beside the same round without signatures, their check and encryption.

    Here the officers' signing is part of what is timed. Which of the two goes first changes with each pair.
    """
    async with without_guards(stand) as (trusting, unguarded):

        async def with_guards(count: int) -> Pace:
            return await _candidacies(stand, worker, count, signing=True)

        async def without(count: int) -> Pace:
            return await _candidacies(trusting, unguarded, count, queue=QUEUE, signing=True)

        async def pair(count: int, *, first: bool) -> tuple[Pace, Pace]:
            if first:
                ours = await with_guards(count)
                return ours, await without(count)
            other = await without(count)
            return await with_guards(count), other

        await pair(min(candidacies, _WARM_UP), first=True)
        return Throughput(candidacies, [await pair(candidacies, first=turn % 2 == 0) for turn in range(pairs)])


async def _candidacies(stand: Stand, worker: int, count: int, *, queue: str = "desk", signing: bool = False) -> Pace:
    """A round of real candidacies, checked and cleared away; ``signing`` counts the time in which they are signed."""
    session = await open_session(stand, seats=count, queue=queue)
    began = time.perf_counter()
    real = traffic.real(officers(stand, queue=queue), session, map(paperwork.nomination, range(count)))
    signed = time.perf_counter() - began if signing else 0.0

    async def held(out: Callable[[], Awaitable[None]]) -> float:
        return signed + await traffic.run(stand.client, real, then=out)

    async with post(stand) as out:
        pace = await _timed(_processes(worker), count, held(out))
    await _check(stand, session, count, queue=queue)
    list_id = list_workflow_id(list_reference(session.reference, 1))
    open_ = [candidacy.id for candidacy in real.candidacies]
    await traffic.terminate(stand.client, (*open_, list_id, session_workflow_id(session.reference)))
    return pace


async def suspensions(stand: Stand, worker: int, *, suspensions: int, pairs: int) -> Throughput:
    """The same for suspensions, each of a participant who is there already."""
    processes = _processes(worker)
    names = itertools.count()

    async def pair(count: int) -> tuple[Pace, Pace]:
        session = await open_session(stand, seats=count)
        who = officers(stand)
        real = traffic.real(who, session, map(paperwork.nomination, range(count)))
        async with post(stand) as out:
            await traffic.run(stand.client, real, then=out)
        await _check(stand, session, count)
        open_ = [candidacy.id for candidacy in real.candidacies]
        rows = await who.desk.cases(session=session.reference, kind=CaseKind.CANDIDACY)
        states = [await _candidacy(who, row.reference) for row in rows]
        conversations = [traffic.suspension(who, state) for state in states]
        ours = await _timed(processes, count, traffic.run_suspensions(stand.client, conversations))
        await _check(stand, session, count)
        list_id = list_workflow_id(list_reference(session.reference, 1))
        await traffic.terminate(stand.client, (*open_, list_id, session_workflow_id(session.reference)))
        bare = await traffic.bare_suspensions(stand.client, f"s{next(names)}", count)
        return ours, await _timed(processes, count, traffic.run_suspensions(stand.client, bare))

    await pair(min(suspensions, _WARM_UP))
    return Throughput(suspensions, [await pair(suspensions) for _ in range(pairs)])


def _processes(worker: int) -> tuple[psutil.Process, psutil.Process]:
    """The server, and the worker."""
    server = next(child for child in psutil.Process().children() if child.exe() == str(executable()))
    return server, psutil.Process(worker)


async def _timed(processes: Sequence[psutil.Process], count: int, seconds: Awaitable[float]) -> Pace:
    before = [_cpu(process) for process in processes]
    rate = count / await seconds
    used = [(_cpu(process) - start) * 1000 / count for process, start in zip(processes, before, strict=True)]
    return Pace(rate, *used)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _check(stand: Stand, session: SessionState, count: int, *, queue: str = "desk") -> None:
    """A round that did not bring everybody in, with every letter sent, has measured something else."""
    desk = stand.desk("O-1", queue=queue)
    rows = await desk.cases(session=session.reference, kind=CaseKind.CANDIDACY, stage=Stage.PARTICIPANT)
    if len(rows) != count or any(row.troubled_letters for row in rows):
        raise RuntimeError(f"{len(rows)} of {count} candidacies came to participate")


def officers(stand: Stand, *, queue: str = "desk") -> Officers:
    """Everybody who acts."""
    desk, first, second, president, bureau, reviewer = (stand.desk(officer, queue=queue) for officer in OFFICERS)
    return Officers(desk, (first, second), president, bureau, reviewer)


async def open_session(stand: Stand, *, seats: int, queue: str = "desk", **changes: Any) -> SessionState:
    """Open another session."""
    plan = paperwork.plan(f"{next(_sessions)}", seats=seats, **changes)
    desk = stand.desk("O-1", queue=queue)
    await desk.open_session(plan)
    return await desk.session(plan.reference)


async def histories(stand: Stand) -> Mapping[str, Size]:
    """Every run of the shortest and of the longest happy life.

    The shortest: the session is open and needs no ratification. The longest: ratification and opening are to come. Its
    calendar runs through a day in 0.4 seconds, and its limits are so long that nobody need be reminded.
    """
    open_ = await open_session(stand, seats=1)
    who = officers(stand)
    held = await traffic.hold(stand.client, traffic.candidacy(who, open_, paperwork.nomination(0)))
    await traffic.hold(stand.client, traffic.session_list(who, open_, [held.reference]))
    await traffic.end_of_run(held)
    shortest = await _size(first_run(stand, held))
    now = datetime.now(UTC)
    today = day_of(now)
    session = await open_session(
        stand,
        seats=1,
        opens=today + timedelta(days=20),
        closes=today + timedelta(days=30),
        nominations_close=today + timedelta(days=20),
        bureau_meets=today + timedelta(days=20),
        ratification=True,
        limits=Limits(answer=Limit(days=60), vetting=Limit(days=60), expiry_notice=5),
        clock=Clock(policy=CalendarPolicy.COMPRESSED, started=now, origin=now, speed=86400 / 0.4),
    )
    held = await traffic.hold(stand.client, traffic.candidacy(who, session, paperwork.nomination(0)))
    conversation = traffic.session_list(who, session, [held.reference])
    listed = await traffic.hold(stand.client, conversation)
    ratification = Ratification(
        hash=paperwork.list_plan([held.reference]).frozen(listed.reference, 1),
        outcome=RatificationOutcome.RATIFIED,
        reference="Sitting 3",
        reason="as minuted",
    )
    # The plenary does not sit in the moment in which the Bureau decides.
    await traffic.end_of_run(held)
    await listed.handle.execute_update(
        ListAct.RATIFY, who.bureau.close_over(ListAct.RATIFY, listed.reference, ratification)
    )
    life = stand.client.get_workflow_handle(held.handle.id)
    await life.result()
    return {
        "session open, no ratification: nomination to participation": shortest,
        "all to come: nomination to approval": await _size(first_run(stand, held)),
        "all to come: approval, ratification, participation to expiry": await _size(life),
        SUSPENSION: await _longest_run(stand),
    }


async def _longest_run(stand: Stand) -> Size:
    """A suspension that a second ground joins in the hearing; the longest history of its runs."""
    session = await open_session(stand, seats=1)
    who = officers(stand)
    held = await traffic.hold(stand.client, traffic.candidacy(who, session, paperwork.nomination(0)))
    await traffic.hold(stand.client, traffic.session_list(who, session, [held.reference]))
    await traffic.end_of_run(held)
    conversation = traffic.suspension(who, await _candidacy(who, held.reference))
    further = paperwork.charge().model_copy(update={"ground": "banned-symbol"})
    joined = (SuspensionAct.OPEN.value, (who.desk.close_over(SuspensionAct.OPEN, conversation.id, further),))
    serve, *others = conversation.updates
    # The first notice is delivered, another ground joins, and so is the second; both are answered at once.
    service = who.desk.close_over(SuspensionAct.SERVE, conversation.id, paperwork.service(), basis=3)
    again = (SuspensionAct.SERVE.value, (service,))
    suspension = await traffic.hold(stand.client, replace(conversation, updates=(serve, joined, again, *others)))
    last = stand.client.get_workflow_handle(suspension.handle.id)
    await last.result()
    sizes = [await _size(run) async for run in runs(stand, suspension.handle.id)]
    return max(sizes, key=lambda size: size.events)


async def _candidacy(who: Officers, reference: str) -> CandidacyState:
    return CandidacyState.model_validate((await who.desk.case(reference)).state)


async def runs(stand: Stand, workflow_id: str) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """Every run of a workflow, the last first."""
    run_id: str | None = None
    while True:
        handle = stand.client.get_workflow_handle(workflow_id, run_id=run_id)
        yield handle
        first = (await handle.fetch_history()).events[0].workflow_execution_started_event_attributes
        run_id = first.continued_execution_run_id
        if not run_id:
            return


async def _size(handle: WorkflowHandle[Any, Any]) -> Size:
    described = await handle.describe()
    return Size(described.history_length, described.raw_description.workflow_execution_info.history_size_bytes)


def first_run(stand: Stand, held: Held) -> WorkflowHandle[Any, Any]:
    """The run that the conversation was held with."""
    return stand.client.get_workflow_handle(held.handle.id, run_id=held.handle.result_run_id)


def events(history: WorkflowHistory) -> Counter[str]:
    """How many events of each type a history holds."""
    return Counter(EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events)


@dataclass(frozen=True)
class Reading:
    """How long it took to verify a ledger of so many steps."""

    steps: int
    seconds: float

    @property
    def per_hundred_thousand(self) -> float:
        """Seconds for 100,000 steps."""
        return self.seconds / self.steps * 100_000


async def verification(stand: Stand, *, steps: int) -> Reading:
    """Verify a ledger of many steps, from the question to the answer. It is never empty again: measure this last."""
    async with stand.worker():
        database = engine.create(stand.environment[f"{PREFIX}DATABASE_URL"], pool=1)
        try:
            head = stand.signers["O-1"]
            await register.fill(database, stand.keyring, f"{next(_sessions)}", signer=head, steps=steps)
        finally:
            await database.dispose()
        began = time.perf_counter()
        found = await stand.desk("O-1").verify_ledger()
        seconds = time.perf_counter() - began
    if wrong := [each for each in found.differences if each.what.startswith(("step ", "links ", "signature"))]:
        raise RuntimeError(f"{len(wrong)} steps of a ledger that nobody touched are wrong: {wrong[0]}")
    return Reading(found.steps, seconds)


async def memory(stand: Stand, *, cases: int) -> Memory:
    """The memory that a worker of its own needs for open candidacies, all of them in its cache."""
    queue = "memory"
    async with stand.worker(queue=queue) as pid:
        worker = psutil.Process(pid)
        session = await open_session(stand, seats=1, queue=queue)
        who = officers(stand, queue=queue)

        async def nominate(numbers: range) -> int:
            held = (who.desk.nominate(session, paperwork.nomination(number)) for number in numbers)
            await traffic.at_once(AT_ONCE, held)
            return int(worker.memory_info().rss)

        before = await nominate(range(AT_ONCE))
        after = await nominate(range(AT_ONCE, AT_ONCE + cases))
    return Memory(cases, before, after)


async def starts(stand: Stand, *, times: int) -> Mapping[str, Start]:
    """How soon the command line shows its first output, beside a bare Python."""
    session = await open_session(stand, seats=1)
    starter = str(Path(sys.executable).with_name("starter"))
    request = stand.folder / "request.json"
    enrol = (starter, "officer", "enrol", "desk", "--officer", "O-6", "--request", str(request))
    await asyncio.to_thread(_first_output, stand, enrol)
    admission = Admission(request=Request.model_validate_json(request.read_bytes()), office=Office.DESK_OFFICER)
    await stand.desk("O-1").admit(admission)
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "starter --help": (starter, "--help"),
        "starter candidacy list": (starter, "candidacy", "list", "--session", session.reference),
    }
    return {name: await asyncio.to_thread(_start, stand, command, times) for name, command in commands.items()}


def _start(stand: Stand, command: Sequence[str], times: int) -> Start:
    seconds = [_first_output(stand, command) for _ in range(times)]
    return Start(min(seconds), median(seconds))


def _first_output(stand: Stand, command: Sequence[str]) -> float:
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(stand.environment)) as process:
        if process.stdout is not None:
            process.stdout.read(1)
        seconds = time.perf_counter() - began
        process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return seconds
