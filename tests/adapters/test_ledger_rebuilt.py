"""The register, written again from what is remembered: nothing is given away twice, and what is unknown is kept."""

import secrets
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

import pytest

from adapters.keys.keyring import Keyring
from adapters.sql import engine as engines
from adapters.sql.ledger import SqlLedger
from domain.candidacy import Act, Reason
from domain.erasure import Certificate, ErasureOrder
from domain.keys import key_of
from domain.ledger import Enquiry, EnquiryAbout
from domain.ledger import entry as ledger_entry
from domain.memories import CaseMemory, ErasureMemory
from domain.retention import Hold
from domain.session import open_session
from domain.steps import CaseKind
from domain.timelimits import UNTIL_DECIDED
from tests.builders import (
    NOMINATED_AT,
    SESSION,
    a_candidacy,
    a_plan,
    an_entry,
    an_envelope,
    commanded,
    drafts_of,
)
from tests.officers import Lenient, a_command, asked

REFERENCE = "C-2026-0001"
NEXT_DAY = NOMINATED_AT + timedelta(days=1)


@pytest.fixture
async def register(database: str, keyring: Keyring) -> AsyncIterator[SqlLedger]:
    """A register with a session in it."""
    engine = engines.create(database, pool=4)
    ledger = SqlLedger(engine, keyring, mail_domain="example.org", judge=Lenient())
    plan = a_plan()
    opened = open_session(
        an_envelope("open", f"session/{SESSION}", plan), closed_days=plan.closed_days(), at=NOMINATED_AT
    )
    step = ledger_entry(CaseKind.SESSION, opened, workflow_id=opened.state.workflow_id, session=SESSION, ended=False)
    await ledger.record(step, drafts_of(step))
    yield ledger
    await engine.dispose()


async def withdrawn(ledger: SqlLedger) -> str:
    """A candidacy that was withdrawn; its workflow."""
    outcome = a_candidacy()
    recorded = await ledger.record(an_entry(outcome), drafts_of(an_entry(outcome)))
    state = outcome.state.model_copy(update={"reference": recorded.reference})
    gone = an_entry(commanded(state, Act.WITHDRAW, Reason(reason="no time")))
    await ledger.record(gone, drafts_of(gone))
    return state.workflow_id


async def hold(ledger: SqlLedger, until: date, *, taken: datetime) -> None:
    content = Hold(until=until, reason="Case before a court")
    nonce = secrets.token_hex(16)
    await ledger.hold(a_command("candidacy.retain", REFERENCE, content, taken=taken, by=nonce, nonce=nonce), content)


async def held(ledger: SqlLedger) -> date | None:
    (case,) = await ledger.ended()
    return case.held


def a_certificate(workflow_id: str) -> Certificate:
    return Certificate(
        candidacy=REFERENCE,
        key=key_of(workflow_id),
        requested_by="O-6",
        requested_at=NEXT_DAY,
        confirmed_by="O-7",
        confirmed_at=NEXT_DAY,
        destroyed_at=NEXT_DAY,
        verified_at=NEXT_DAY,
        readings=(),
        cases=1,
        steps=3,
        letters=2,
        sent=2,
    )


def erased(workflow_id: str) -> ErasureMemory:
    order = an_envelope("erase", REFERENCE, ErasureOrder(requested_by="O-6"), signer="O-7")
    return ErasureMemory(a_certificate(workflow_id), order)


async def test_a_hold_that_is_remembered_late_does_not_undo_a_later_one(register: SqlLedger) -> None:
    await withdrawn(register)
    await hold(register, date(2030, 1, 1), taken=NEXT_DAY)
    await hold(register, date(2028, 1, 1), taken=NOMINATED_AT)
    assert await held(register) == date(2030, 1, 1)


async def test_what_may_have_been_held_back_before_it_was_lost_is_held_until_an_officer_decides(
    register: SqlLedger,
) -> None:
    await withdrawn(register)
    # Nothing that was opened since has been forgotten.
    assert await register.hold_back(NOMINATED_AT) == []
    assert await held(register) is None
    # Written down twice as often as it was lost, it is one hold.
    for _ in range(2):
        assert await register.hold_back(NEXT_DAY) == [REFERENCE]
    assert await held(register) == UNTIL_DECIDED

    await hold(register, date(2028, 1, 1), taken=NEXT_DAY)
    assert await register.hold_back(NEXT_DAY) == []
    assert await held(register) == date(2028, 1, 1)


async def test_a_reference_that_the_keys_know_as_another_s_is_given_to_nobody(
    register: SqlLedger, keyring: Keyring
) -> None:
    await keyring.entitle(REFERENCE, f"{SESSION}/{'f' * 32}")
    outcome = a_candidacy()
    recorded = await register.record(an_entry(outcome), drafts_of(an_entry(outcome)))
    assert recorded.reference == "C-2026-0002"


async def test_an_erasure_comes_to_a_register_of_the_day_before_it(register: SqlLedger, keyring: Keyring) -> None:
    workflow_id = await withdrawn(register)
    await keyring.destroy(key_of(workflow_id))
    # Said twice, it is one erasure.
    for _ in range(2):
        assert await register.restore_erasure(erased(workflow_id), None, "File DP-1")
    standing = await register.erasure(key_of(workflow_id))
    assert standing is not None
    assert (standing.reason, standing.certificate) == ("File DP-1", a_certificate(workflow_id))
    timeline = await asked(register, Enquiry(about=EnquiryAbout.TIMELINE, reference=REFERENCE))
    assert [(step.act, step.signer) for step in timeline.steps][-2:] == [("withdraw", "O-1"), ("erase", "O-7")]
    assert await register.ended() == []
    assert (await register.gaps(), await register.examine(lambda *_: None)) == ([], [])


async def test_a_case_of_which_only_its_erasure_is_known_stands_with_that_alone(register: SqlLedger) -> None:
    outcome = a_candidacy()
    workflow_id = outcome.state.workflow_id
    # Nobody knows how it stood.
    assert not await register.restore_erasure(erased(workflow_id), None, None)
    case = CaseMemory(workflow_id, None, stage="withdrawn", seat="general")
    assert await register.restore_erasure(erased(workflow_id), case, None)
    timeline = await asked(register, Enquiry(about=EnquiryAbout.TIMELINE, reference=REFERENCE))
    assert [(step.seq, step.act, step.stage) for step in timeline.steps] == [(1, "erase", "withdrawn")]
    assert (await register.gaps(), await register.examine(lambda *_: None)) == ([], [])

    state = outcome.state.model_copy(update={"fingerprint": "e" * 32})
    other = outcome.model_copy(update={"state": state})
    entry = an_entry(other).model_copy(update={"workflow_id": state.workflow_id})
    assert (await register.record(entry, drafts_of(entry))).reference == "C-2026-0002"
