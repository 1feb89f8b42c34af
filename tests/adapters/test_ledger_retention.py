"""What has ended, in the register: told to the desk, held back, erased by a rule once and never before its time."""

import asyncio
import secrets
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.care import Care
from adapters.seal import Ed25519Sealer
from adapters.sql import engine as engines
from adapters.sql.ledger import SqlLedger
from domain.candidacy import Act, CandidacyState, Reason, Stage
from domain.envelope import Envelope
from domain.erasure import ErasureRequest, Person
from domain.errors import Erased, OutOfTime
from domain.ledger import Delivery, Enquiry, EnquiryAbout, LetterState
from domain.ledger import entry as ledger_entry
from domain.notices import Role, Template
from domain.retention import EndedCase, Hold
from domain.session import open_session
from domain.steps import CaseKind
from tests.builders import (
    NOMINATED_AT,
    SESSION,
    a_candidacy,
    a_draft,
    a_plan,
    a_retention,
    a_suspension,
    an_entry,
    an_envelope,
    commanded,
    drafts_of,
)
from tests.fakes import NoCases
from tests.officers import Checking, Lenient, a_command, an_upkeep, asked

REFERENCE = "C-2026-0001"
RETENTION = a_retention(notice=30)
LAST = date(2027, 6, 30)
AFTER = datetime(2027, 7, 1, 12, tzinfo=UTC)


async def fill(ledger: SqlLedger, *, withdrawn: bool = True) -> CandidacyState:
    """A session and a candidacy, which was withdrawn."""
    plan = a_plan()
    envelope = an_envelope("open", f"session/{SESSION}", plan)
    opened = open_session(envelope, closed_days=plan.closed_days(), at=NOMINATED_AT)
    step = ledger_entry(CaseKind.SESSION, opened, workflow_id=opened.state.workflow_id, session=SESSION, ended=False)
    await ledger.record(step, drafts_of(step))
    outcome = a_candidacy()
    recorded = await ledger.record(an_entry(outcome), drafts_of(an_entry(outcome)))
    state = outcome.state.model_copy(update={"reference": recorded.reference})
    if withdrawn:
        gone = an_entry(commanded(state, Act.WITHDRAW, Reason(reason="no time")))
        await ledger.record(gone, drafts_of(gone))
    return state


async def tell(ledger: SqlLedger, last: date = LAST) -> str:
    """Tell the desk, and have the letter go out."""
    letter = await ledger.announce(SESSION, [REFERENCE], last, a_draft(Template.DESK_RETENTION, Role.DESK))
    await ledger.claim(letter)
    await ledger.mark(Delivery(letter=letter, state=LetterState.SENT))
    return letter


async def hold(ledger: SqlLedger, until: date, *, by: str = "attempt", reference: str = REFERENCE) -> None:
    content = Hold(until=until, reason="Case before a court")
    await ledger.hold(a_command("candidacy.retain", reference, content, taken=NOMINATED_AT, by=by), content)


async def only(ledger: SqlLedger) -> EndedCase:
    (case,) = await ledger.ended()
    return case


async def person(ledger: SqlLedger) -> Person:
    return await ledger.person(REFERENCE)


async def force(database: str, statements: str) -> None:
    engine = engines.create(database, pool=1)
    async with engine.begin() as connection:
        for statement in statements.split("; "):
            await connection.execute(text(statement))
    await engine.dispose()


async def test_the_desk_is_told_once_by_a_letter_of_the_session(ledger: SqlLedger) -> None:
    await fill(ledger)
    draft = a_draft(Template.DESK_RETENTION, Role.DESK)
    first, again = await asyncio.gather(*(ledger.announce(SESSION, [REFERENCE], LAST, draft) for _ in range(2)))
    assert first == again
    assert await ledger.announcements() == [first]
    assert first.startswith(f"{SESSION}.1.")
    case = await only(ledger)
    assert (case.announced, case.told) == (LAST, False)

    assert await tell(ledger) == first
    assert await ledger.announcements() == []
    assert (await only(ledger)).told


async def test_a_case_says_until_when_an_officer_keeps_it(ledger: SqlLedger) -> None:
    await fill(ledger)
    await tell(ledger)
    for until in (date(2030, 1, 1), date(2028, 1, 1)):
        await hold(ledger, until, by=f"{until}")
        # The same attempt, made again after a crash.
        await hold(ledger, until, by=f"{until}")

    (row,) = (await asked(ledger, Enquiry(about=EnquiryAbout.CASES, kind=CaseKind.CANDIDACY))).cases
    assert (row.held_until, row.announced) == (date(2028, 1, 1), LAST)
    assert not await ledger.expire(await person(ledger), RETENTION, AFTER)
    with pytest.raises(OutOfTime):
        await hold(ledger, NOMINATED_AT.date() - timedelta(days=2))
    with pytest.raises(LookupError):
        await hold(ledger, LAST, reference="C-2026-0009")


async def test_a_rule_erases_once_and_the_last_step_names_it(ledger: SqlLedger) -> None:
    await fill(ledger)
    await tell(ledger)
    whose = await person(ledger)
    assert await asyncio.gather(*(ledger.expire(whose, RETENTION, AFTER) for _ in range(2))) == [True, True]

    erasure = await ledger.erasure(whose.key)
    assert erasure is not None
    assert erasure.rule is not None
    assert (erasure.rule.setting, erasure.confirmed_at, erasure.requested_by) == ("DESK_RETAIN_WITHDRAWN", AFTER, None)
    steps = (await asked(ledger, Enquiry(about=EnquiryAbout.TIMELINE, reference=REFERENCE))).steps
    assert [(each.act, each.trigger, each.signer) for each in steps][-1] == ("erase", "time", None)
    assert steps[-1].effects == ("rule:DESK_RETAIN_WITHDRAWN",)
    assert await ledger.ended() == []
    assert await ledger.begun() == [REFERENCE]
    assert await ledger.examine(lambda read, of: None) == []
    with pytest.raises(Erased):
        await hold(ledger, date(2030, 1, 1))


async def test_nothing_is_erased_by_a_rule_before_its_time_or_untold(ledger: SqlLedger) -> None:
    await fill(ledger)
    whose = await person(ledger)
    assert not await ledger.expire(whose, RETENTION, AFTER)
    await tell(ledger)
    assert not await ledger.expire(whose, RETENTION, AFTER - timedelta(days=1))
    assert not await ledger.expire(whose, a_retention({Stage.WITHDRAWN: None}), AFTER)
    assert await ledger.erasure(whose.key) is None


async def test_an_open_case_is_never_erased_by_a_rule(ledger: SqlLedger, database: str) -> None:
    await fill(ledger, withdrawn=False)
    assert await ledger.ended() == []
    await ledger.announce(SESSION, [REFERENCE], LAST, a_draft(Template.DESK_RETENTION, Role.DESK))
    await force(database, "UPDATE letters SET state = 'sent'")
    assert not await ledger.expire(await person(ledger), RETENTION, AFTER)
    # Its ending alone is what is lacking.
    await force(database, "UPDATE cases SET ended = true, stage = 'withdrawn' WHERE kind = 'candidacy'")
    assert await ledger.expire(await person(ledger), RETENTION, AFTER)


async def test_a_case_with_an_open_suspension_is_never_erased_by_a_rule(ledger: SqlLedger, database: str) -> None:
    state = await fill(ledger)
    await tell(ledger)
    suspension = a_suspension()
    workflow_id = f"suspension/{SESSION}/{state.fingerprint}/1"
    opened = suspension.state.model_copy(
        update={"fingerprint": state.fingerprint, "candidacy": REFERENCE, "candidacy_workflow": state.workflow_id}
    )
    step = ledger_entry(
        CaseKind.SUSPENSION,
        suspension.model_copy(update={"state": opened}),
        workflow_id=workflow_id,
        session=SESSION,
        ended=False,
    )
    await ledger.record(step, drafts_of(step))
    assert await ledger.ended() == []
    assert not await ledger.expire(await person(ledger), RETENTION, AFTER)
    await force(database, "UPDATE cases SET ended = true")
    assert await ledger.expire(await person(ledger), RETENTION, AFTER)


async def test_a_request_that_nobody_confirmed_gives_way_to_the_rule(ledger: SqlLedger) -> None:
    await fill(ledger)
    await tell(ledger)
    whose = await person(ledger)
    request: Envelope[ErasureRequest] = an_envelope(
        "request_erasure", REFERENCE, ErasureRequest(reason="File DP-12"), nonce=secrets.token_hex(16)
    )
    await ledger.request_erasure(whose, request, NOMINATED_AT)
    assert await ledger.expire(whose, RETENTION, AFTER)
    erasure = await ledger.erasure(whose.key)
    assert erasure is not None
    assert (erasure.requested_by, erasure.reason, erasure.rule is None) == ("O-1", "File DP-12", False)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE retentions SET held = '2026-02-01'", "hold"),
        ("UPDATE retentions SET held = NULL", "hold"),
        ("UPDATE retentions SET command = NULL; DELETE FROM commands", "hold"),
        ("UPDATE cases SET erased = NULL WHERE kind = 'candidacy'", "case"),
        ("UPDATE erasures SET certificate = NULL", "case"),
        ("DELETE FROM erasures", "case"),
    ],
    ids=["shortened", "taken back", "not signed", "not erased", "not certified", "by nobody"],
)
async def test_a_verification_names_a_hold_or_an_erasure_that_was_changed_past_the_desk(
    ledger: SqlLedger, database: str, statement: str, what: str
) -> None:
    await fill(ledger)
    if what == "hold":
        await hold(ledger, date(2030, 1, 1))
    else:
        await tell(ledger)
        assert await ledger.expire(await person(ledger), RETENTION, AFTER)
        await force(database, "UPDATE erasures SET certificate = '{}', confirmed_at = '2026-01-01'")
    care = Care(ledger, NoCases(), Lenient(), Checking(), Ed25519Sealer(bytes(32)))

    async def named() -> set[str]:
        found = await ActivityEnvironment().run(care.verify, an_upkeep("verify"))
        return {each.what for each in found.differences if each.reference == REFERENCE}

    assert await named() == set()
    await force(database, f"SET LOCAL session_replication_role = replica; {statement}")
    assert await named() == {what}
