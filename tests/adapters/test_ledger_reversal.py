"""An exclusion is undone and a seat is given away in one ledger, and never both."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from adapters.keys.keyring import Keyring
from adapters.sql import engine as engines
from adapters.sql.ledger import SqlLedger
from adapters.sql.tables import cases
from domain import candidacy, lists, suspension
from domain.authority import Grounds, may_order
from domain.candidacy import CandidacyState, Reason, Stage, return_decision
from domain.errors import NotEligible, UnfoundedWord
from domain.ledger import Entry, entry
from domain.lists import BureauDecision, DecisionOutcome, ListAct, ListStage, ListState, Vacancy, Votes
from domain.session import open_session
from domain.signing import Signed
from domain.steps import CaseKind, CaseState, Outcome
from domain.suspension import SuspensionAct, SuspensionStage, SuspensionState
from tests.builders import (
    NOMINATED_AT,
    SESSION,
    a_candidacy,
    a_case,
    a_list,
    a_list_plan,
    a_plan,
    a_reversal,
    a_standing,
    a_suspension,
    an_envelope,
    an_hour_after,
    drafts_of,
    under_review,
)
from tests.officers import Lenient


@dataclass
class Watching(Lenient):
    """A judge who asks the law of seats alone, and remembers by what."""

    seen: list[Grounds] = field(default_factory=list)
    refuses: bool = False

    def entry(self, entry: Entry, state: CaseState, grounds: Grounds, vouched: Signed | None) -> None:
        self.seen.append(grounds)
        if self.refuses:
            raise NotEligible("looked at", rule="looked-at")
        if may_order(entry):
            assert grounds.suspension is not None
            assert grounds.candidacy is not None
            suspension.check_heard(grounds.suspension, SuspensionAct(entry.step.act), grounds.candidacy)
        if isinstance(state, ListState):
            lists.check_returning(state, grounds.returning)


@dataclass
class Register:
    """A ledger in which a participant is excluded, and an amendment that gives the seat away waits for the Bureau."""

    ledger: SqlLedger
    judge: Watching
    candidacy: CandidacyState
    suspension: SuspensionState
    seats: ListState

    async def record(self, kind: CaseKind, outcome: Outcome[Any]) -> Grounds:
        """Write a step; what it was judged by."""
        state = outcome.state
        step = entry(kind, outcome, workflow_id=state.workflow_id, session=SESSION, ended=state.ended)
        await self.ledger.record(step, drafts_of(step))
        return self.judge.seen[-1]

    async def as_it_stands(self, kind: CaseKind, state: Any, opened: Outcome[Any]) -> Any:
        """A case that comes into the ledger as it stands, in one step."""
        first = state.model_copy(update={"seq": 1})
        step = opened.step.model_copy(update={"stage": state.stage})
        await self.record(kind, Outcome[Any](state=first, step=step))
        return first

    def reversal(self) -> Outcome[SuspensionState]:
        """What undoing the exclusion leads to."""
        state = self.suspension
        envelope = an_envelope(SuspensionAct.REVERSE, state.reference, a_reversal(), signer="O-4", basis=state.seq)
        return suspension.command(state, envelope, an_hour_after(state))

    async def look_at(self, step: Entry) -> None:
        """Have a step judged, and refused."""
        self.judge.refuses = True
        await self.ledger.record(step, drafts_of(step))

    async def undo(self) -> Grounds:
        """The Bureau undoes the exclusion."""
        outcome = self.reversal()
        grounds = await self.record(CaseKind.SUSPENSION, outcome)
        self.suspension = outcome.state
        return grounds

    async def void(self) -> Grounds:
        """An officer finds that it was opened in error."""
        state = self.suspension
        content = Reason(reason="Another person of that name.")
        envelope = an_envelope(SuspensionAct.VOID, state.reference, content, basis=state.seq)
        return await self.record(CaseKind.SUSPENSION, suspension.command(state, envelope, an_hour_after(state)))

    async def come_back(self) -> None:
        """The candidacy hears of it, and takes up the seat again."""
        assert self.suspension.order is not None
        outcome = candidacy.obey(self.candidacy, self.suspension.order, an_hour_after(self.suspension))
        await self.record(CaseKind.CANDIDACY, outcome)

    async def adopt(self) -> Grounds:
        """The Bureau adopts the list on the table."""
        content = BureauDecision(
            hash=self.seats.hash,
            outcome=DecisionOutcome.ADOPTED,
            votes=Votes(in_favour=9, against=1),
            reference="AS/Bur 1",
        )
        envelope = an_envelope(ListAct.DECIDE, self.seats.reference, content, basis=self.seats.seq)
        outcome = lists.command(self.seats, envelope, an_hour_after(self.seats), {})
        grounds = await self.record(CaseKind.LIST, outcome)
        self.seats = outcome.state
        return grounds

    async def return_to_the_list(self) -> None:
        """The list hears that the seat is taken up again."""
        vacancy = Vacancy(decision=return_decision(self.candidacy.reference, 1), candidacy=self.candidacy.reference)
        outcome = lists.reinstate(self.seats, vacancy, an_hour_after(self.seats))
        await self.record(CaseKind.LIST, outcome)
        self.seats = outcome.state


@pytest.fixture
async def register(database: str, keyring: Keyring) -> AsyncIterator[Register]:
    engine = engines.create(database, pool=4)
    judge = Watching()
    excluded = a_case(Stage.EXCLUDED)
    plan = a_list_plan(general=(1,))
    seats = a_list(plan, {excluded.reference: a_standing(1)})
    given = {
        "stage": ListStage.PROPOSED,
        "in_force": plan,
        "plan": a_list_plan(general=(2,)),
        "vacated": (excluded.reference,),
        "members": {excluded.reference: excluded.workflow_id, "C-2026-0002": f"candidacy/{SESSION}/{2:032x}"},
    }
    undone = under_review(SuspensionStage.EXCLUDED)
    found = Register(
        SqlLedger(engine, keyring, mail_domain="example.org", judge=judge), judge, excluded, undone, seats.state
    )
    opened = open_session(
        an_envelope("open", f"session/{SESSION}", a_plan()), closed_days=a_plan().closed_days(), at=NOMINATED_AT
    )
    await found.record(CaseKind.SESSION, opened)
    found.candidacy = await found.as_it_stands(CaseKind.CANDIDACY, excluded, a_candidacy())
    found.seats = await found.as_it_stands(CaseKind.LIST, seats.state.model_copy(update=given), seats)
    found.suspension = await found.as_it_stands(CaseKind.SUSPENSION, undone, a_suspension())
    yield found
    await engine.dispose()


async def test_a_reversal_is_judged_by_the_decision_the_candidacy_its_list_and_the_session(register: Register) -> None:
    undone = register.suspension
    grounds = await register.undo()

    assert grounds.suspension == undone
    assert (grounds.candidacy, grounds.seat) == (register.candidacy, register.seats)
    assert grounds.session is not None
    assert grounds.session.reference == SESSION


async def test_nothing_else_is_ordered_before_the_candidacy_has_come_back(register: Register) -> None:
    await register.undo()
    with pytest.raises(UnfoundedWord) as refused:
        await register.void()
    assert refused.value.rule == "order-unheard"
    await register.come_back()

    assert (await register.void()).suspension == register.suspension


async def test_a_step_under_another_case_s_name_is_held_against_no_suspension(register: Register) -> None:
    outcome = register.reversal()
    stray = entry(
        CaseKind.SUSPENSION, outcome, workflow_id=register.candidacy.workflow_id, session=SESSION, ended=False
    )
    with pytest.raises(NotEligible, match="looked at"):
        await register.look_at(stray)
    assert register.judge.seen[-1].suspension is None


async def test_a_list_is_adopted_where_nobody_comes_back(register: Register) -> None:
    assert (await register.adopt()).returning == ()


async def test_a_list_that_has_yet_to_hear_who_comes_back_is_not_adopted_past_them(register: Register) -> None:
    await register.undo()
    with pytest.raises(NotEligible, match="comes back to a seat"):
        await register.adopt()
    assert register.judge.seen[-1].returning == (register.candidacy.reference,)
    await register.return_to_the_list()

    assert (await register.adopt()).returning == ()


async def test_a_reversal_waits_for_a_step_of_the_list_that_is_being_written(register: Register, database: str) -> None:
    engine = engines.create(database, pool=1)
    async with engine.begin() as connection:
        of_list = cases.c.reference == register.seats.reference
        await connection.execute(select(cases.c.seq).where(of_list).with_for_update())
        undoing = asyncio.create_task(register.undo())
        done, _ = await asyncio.wait({undoing}, timeout=0.3)
        assert not done
    assert (await undoing).seat == register.seats
    await engine.dispose()
