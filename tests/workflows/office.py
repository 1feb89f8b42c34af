"""A desk at work on a server that skips time, over in-memory ports."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities.post import Patience
from adapters.cases import TemporalCases
from adapters.keys.codec import converter
from adapters.memory import TemporalMemories
from adapters.seal import Ed25519Sealer
from config.settings import Settings
from domain.candidacy import Act, Answer, Declaration
from domain.ids import lists_queue, screening_queue
from domain.lists import (
    BureauDecision,
    DecisionOutcome,
    Drafting,
    ListAct,
    ListPlan,
    Place,
    Proposal,
    Ratification,
    RatificationOutcome,
    Votes,
)
from domain.notices import Role, Template
from domain.people import Contact, Nomination, SeatKind
from domain.retention import Held, Hold, RetentionRule
from domain.session import SessionPlan, SessionState
from domain.suspension import (
    Assignment,
    Observations,
    Recommendation,
    ReviewReport,
    Service,
    SuspensionAct,
)
from domain.timelimits import day_of
from domain.vetting import Assessment, Finding, Judgement
from letters.render import TemplateRenderer
from starter.desk import Desk, Taken
from tests import builders
from tests.builders import KEY, SESSION, a_person, a_retention
from tests.fakes import Letterbox, ListDesk, MemoryErasures, MemoryEstate, MemoryLedger, MemoryRetentions
from tests.keys import a_keyring
from tests.officers import JUDGE, Checking, a_pair, an_officer
from worker.compose import Ports, activities, heavy_activities
from worker.shifts import AFTER_GRACE, working
from workflows.attributes import ATTRIBUTES
from workflows.registry import SANDBOX, WORKFLOWS

DESK = Contact(name="The desk", email="desk@example.org")
BUREAU = Contact(name="The Bureau", email="bureau@example.org")
SECRETARIATS = (
    Contact(name="First committee", email="first@example.org"),
    Contact(name="Second committee", email="second@example.org"),
)
COMES_WITHIN = 20.0
"""Seconds of the clock, on a machine that others use too, for word to get from one case to another."""
PATIENCE = Patience(first=timedelta(minutes=1), longest=timedelta(hours=6), whole=timedelta(days=5))


@dataclass
class Office:
    """A desk at work: officers, a worker, a clock that can be moved."""

    env: WorkflowEnvironment
    ledger: MemoryLedger
    box: Letterbox
    queue: str
    lists: ListDesk
    erasures: MemoryErasures
    retentions: MemoryRetentions
    rounds: list[str] = field(default_factory=list)
    keys: tuple[str, ...] = field(default_factory=lambda: builders.criteria().keys)

    def officer(self, number: int = 1) -> Desk:
        settings = Settings(
            home=Path("/nonexistent"), fingerprint_key=SecretStr(KEY.hex()), task_queue=self.queue, answer_timeout=20
        )
        return Desk(self.env.client, settings, a_pair(number))

    def still(self) -> AbstractContextManager[None]:
        """Time stands still."""
        return self.env.auto_time_skipping_disabled()

    async def today(self) -> date:
        return day_of(await self.env.get_current_time())

    async def plan(self, **changes: Any) -> SessionPlan:
        """A session that opens in 60 days and closes a year later, without ratification."""
        today = await self.today()
        dates = {
            "opens": today + timedelta(days=60),
            "closes": today + timedelta(days=425),
            "nominations_close": today + timedelta(days=30),
            "bureau_meets": today + timedelta(days=60),
            "ratification": False,
        }
        return builders.a_plan(**(dates | changes))

    async def open(self, **changes: Any) -> SessionState:
        with self.still():
            await self.officer().open_session(await self.plan(**changes))
            return await self.officer().session(SESSION)

    async def nominate(self, **changes: Any) -> str:
        """Nominate somebody; the reference."""
        with self.still():
            session = await self.officer().session(SESSION)
            taken = await self.officer().nominate(session, self.nomination(**changes))
        return taken.receipt.reference

    def nomination(self, **changes: Any) -> Nomination:
        return builders.a_nomination(**changes)

    async def act(self, reference: str, act: Act, content: Any, *, officer: int = 1) -> Taken:
        with self.still():
            return await self.officer(officer).act(reference, act, content)

    def declaration(self, *, no: tuple[str, ...] = ()) -> Declaration:
        answers = tuple(Answer(criterion=key, affirmed=key not in no) for key in self.keys)
        return Declaration(consent=True, answers=answers)

    def assessment(self, judgement: Judgement = Judgement.CLEAR) -> Assessment:
        evidence = ("an article",) if judgement is Judgement.ADVERSE else ()
        findings = (
            Finding(criterion=key, judgement=judgement, reason="read the file", evidence=evidence) for key in self.keys
        )
        return Assessment(findings=tuple(findings))

    async def declare(self, reference: str) -> None:
        await self.act(reference, Act.DECLARE, self.declaration())

    async def clear(self, reference: str) -> None:
        """Take a nominated candidacy through vetting."""
        await self.declare(reference)
        for officer in (2, 3):
            await self.act(reference, Act.ASSESS, self.assessment(), officer=officer)

    async def draft(self, *seats: str, reserve: tuple[str, ...] = (), not_retained: tuple[str, ...] = ()) -> Taken:
        places = tuple(Place(candidacy=reference, seat=SeatKind.GENERAL) for reference in seats)
        plan = ListPlan(seats=places, reserve=reserve, not_retained=not_retained)
        with self.still():
            return await self.officer().draft_list(await self.officer().session(SESSION), Drafting(plan=plan))

    async def on_list(self, reference: str, act: ListAct, content: Any) -> Taken:
        with self.still():
            return await self.officer().act_on_list(reference, act, content)

    async def propose(self, taken: Taken) -> None:
        receipt = taken.receipt
        await self.on_list(receipt.reference, ListAct.PROPOSE, Proposal(hash=receipt.details["hash"]))

    async def decide(self, taken: Taken, outcome: DecisionOutcome = DecisionOutcome.ADOPTED) -> None:
        carried = outcome is DecisionOutcome.ADOPTED
        votes = Votes(in_favour=12 if carried else 2, against=2 if carried else 12)
        receipt = taken.receipt
        decision = BureauDecision(
            hash=receipt.details["hash"], outcome=outcome, votes=votes, reference="AS/Bur 7", reason="as minuted"
        )
        await self.on_list(receipt.reference, ListAct.DECIDE, decision)

    async def ratify(self, taken: Taken, outcome: RatificationOutcome = RatificationOutcome.RATIFIED) -> None:
        receipt = taken.receipt
        content = Ratification(
            hash=receipt.details["hash"], outcome=outcome, reference="Sitting 3", reason="as minuted"
        )
        await self.on_list(receipt.reference, ListAct.RATIFY, content)

    async def adopt(self, *seats: str, **parts: tuple[str, ...]) -> Taken:
        """Draft, propose and adopt a list."""
        taken = await self.draft(*seats, **parts)
        await self.propose(taken)
        await self.decide(taken)
        return taken

    async def participant(self, **changes: Any) -> str:
        """A participant of a session that has begun; the reference."""
        if SESSION not in self.ledger.cases:
            await self.open(opens=(await self.today()) - timedelta(days=1))
        reference = await self.nominate(**changes)
        await self.clear(reference)
        await self.adopt(reference)
        await self.stage(reference, "participant")
        # The run that led here ends now, and this server loses a query that meets the change of runs.
        await self.pass_days(0.1)
        return reference

    async def suspend(self, candidacy: str, *, officer: int = 1, **changes: Any) -> str:
        """Bring a trigger; the suspension's reference."""
        with self.still():
            taken = await self.officer(officer).open_suspension(candidacy, builders.a_charge(**changes))
        return taken.receipt.reference

    async def rule(self, reference: str, act: SuspensionAct, content: Any, *, officer: int = 1) -> Taken:
        with self.still():
            return await self.officer(officer).act_on_suspension(reference, act, content)

    async def serve(self, reference: str) -> None:
        await self.rule(reference, SuspensionAct.SERVE, Service(how="registered letter", on=await self.today()))

    async def hear_out(self, reference: str) -> None:
        """Take a suspension through hearing and review, until somebody may decide: O-1 opened it, O-2 reviews it."""
        await self.serve(reference)
        await self.rule(reference, SuspensionAct.OBSERVE, Observations(answer="It was not I."))
        await self.rule(reference, SuspensionAct.ASSIGN, Assignment(reviewer="O-2"))
        report = ReviewReport(text="As the file shows.", recommendation=Recommendation.LIFTED)
        await self.rule(reference, SuspensionAct.REPORT, report, officer=2)

    async def settle(self, reference: str, outcome: Recommendation = Recommendation.LIFTED, **changes: Any) -> None:
        """Have the Bureau decide, signed by O-3."""
        await self.rule(reference, SuspensionAct.DECIDE, builders.a_decision(outcome, **changes), officer=3)

    async def retain(self, reference: str, until: date, *, officer: int = 1) -> Held:
        with self.still():
            return await self.officer(officer).retain(reference, Hold(until=until, reason="a case before a court"))

    async def go_round(self) -> int:
        """Do what the schedule has done every day: tell the desk what will be erased, and erase what is due."""
        self.rounds.append(f"desk/retention-{len(self.rounds) + 1}")
        with self.still():
            done: int = await self.env.client.execute_workflow(
                "RetentionRound", id=self.rounds[-1], task_queue=self.queue, result_type=int
            )
        return done

    async def pass_days(self, days: float) -> None:
        await self.env.sleep(timedelta(days=days))

    async def stage(self, reference: str, expected: str) -> None:
        """Wait for a case to come to a stage; what it last came to is in the error."""
        limit = asyncio.get_running_loop().time() + COMES_WITHIN
        while (found := self.ledger.cases[reference].entry.stage) != expected:
            if asyncio.get_running_loop().time() > limit:
                raise AssertionError(f"{reference} is {found}, not {expected}")
            with self.still():
                await asyncio.sleep(0.01)

    def acts(self, reference: str) -> list[str]:
        return [step.act for step in self.ledger.cases[reference].steps]

    def letters(self, reference: str) -> list[Template]:
        """The letters that were sent in a case, in order."""
        sent = [outgoing.reference for outgoing in self.box.received]
        return [self.ledger.letters[letter].draft.template for letter in sent if letter.startswith(f"{reference}.")]

    async def at(self) -> datetime:
        return await self.env.get_current_time()


def skipping_server() -> str | None:
    """Where the server that skips time is: beside this interpreter, or on the path."""
    beside = Path(sys.executable).parent / "temporal-test-server"
    return str(beside) if beside.exists() else shutil.which("temporal-test-server")


@asynccontextmanager
async def at_work() -> AsyncIterator[Office]:
    """An office on a server of its own that skips time, with a worker."""
    keyring = a_keyring()
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=skipping_server(), data_converter=converter(keyring)
    ) as env:
        await env.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=env.client.namespace,
                search_attributes={key.name: key.indexed_value_type for key in ATTRIBUTES},  # type: ignore[misc]
            )
        )
        officers = {officer.key.id: officer for officer in map(an_officer, range(1, 10))}
        ledger, box = MemoryLedger(judge=JUDGE, officers=officers), Letterbox()
        lists, queue = ListDesk(), "desk"
        # Once it is due, whoever is the first to be nominated is erased, and nobody else.
        somebody, rule = a_person(), RetentionRule(setting="DESK_RETAIN_DECLINED", value="1 year")
        erasures = MemoryErasures(somebody, keyring, cells=[await keyring.seal(somebody.key, b"Ada")], due=rule)
        retentions = MemoryRetentions(ledger)
        ports = Ports(
            ledger=ledger,
            mailer=box,
            renderer=TemplateRenderer(),
            cases=TemporalCases(env.client, queue),
            memories=TemporalMemories(env.client),
            judge=JUDGE,
            proofs=Checking(),
            sealer=Ed25519Sealer(bytes(32)),
            keys=keyring,
            erasures=erasures,
            estate=MemoryEstate(),
            retentions=retentions,
            retention=a_retention(),
            screener=lists,
            watchlists=lists,
            desk=DESK,
            patience=PATIENCE,
            offices={Role.BUREAU: (BUREAU,), Role.SECRETARIAT: SECRETARIATS},
        )
        screen, take = heavy_activities(ports)
        workers = (
            Worker(env.client, task_queue=screening_queue(queue), activities=[screen]),
            Worker(env.client, task_queue=lists_queue(queue), activities=[take]),
            Worker(
                env.client,
                task_queue=queue,
                workflows=WORKFLOWS,
                activities=activities(ports),
                workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
            ),
        )
        async with working(workers, stop_within=AFTER_GRACE):
            yield Office(
                env=env, ledger=ledger, box=box, queue=queue, lists=lists, erasures=erasures, retentions=retentions
            )
