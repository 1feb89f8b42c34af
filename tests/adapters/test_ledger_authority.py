"""The officers' register in PostgreSQL, and the grounds on which the ledger takes or refuses."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from activities.ports import LedgerBehind
from adapters.keys.keyring import Keyring
from adapters.sql import engine as engines
from adapters.sql.ledger import SqlLedger
from domain import candidacy, session
from domain.authority import REGISTER, incident_of
from domain.candidacy import Act, CandidacyState, Reason, Stage
from domain.erasure import ErasureOrder, ErasureRequest
from domain.errors import (
    ConflictOfInterest,
    NotAdmissible,
    NothingToChange,
    Refusal,
    ReplayedCommand,
    SamePerson,
    StrayCase,
    UnfoundedWord,
)
from domain.interests import InterestRow, Interests, Withdrawal, officer_file
from domain.ledger import (
    Answer,
    Enquiry,
    EnquiryAbout,
    Entry,
    Recorded,
    Settlement,
    SettlementHow,
    entry,
)
from domain.offices import Office, Request, Revocation
from domain.signing import Evidence, Identity, digest
from domain.steps import CaseKind, Outcome
from domain.suspension import SuspensionAct, SuspensionState
from domain.traces import About
from tests.builders import (
    NOMINATED_AT,
    SESSION,
    a_candidacy,
    a_declaration,
    a_nomination,
    a_plan,
    a_suspension,
    an_assessment,
    an_entry,
    an_envelope,
    criteria,
    drafts_of,
    heard,
    ruled,
)
from tests.officers import JUDGE, a_command, a_pair, a_question, admit, admit_everybody, asked, audited

TAKEN = datetime.now(UTC)


@pytest.fixture
async def register(database: str, keyring: Keyring) -> AsyncIterator[SqlLedger]:
    """A ledger that judges, with everybody admitted."""
    engine = engines.create(database, pool=4)
    ledger = SqlLedger(engine, keyring, mail_domain="example.org", judge=JUDGE)
    await admit_everybody(ledger, range(1, 4))
    yield ledger
    await engine.dispose()


def signed(act: str, case: str, content: Any, *, number: int = 1, basis: int = 0) -> Any:
    envelope = an_envelope(
        act, case, content, signer=f"O-{number}", basis=basis, issued=TAKEN, nonce=secrets.token_hex(16)
    )
    return a_pair(number).sign(envelope)


async def open_session(ledger: SqlLedger) -> session.SessionState:
    envelope = signed("open", f"session/{SESSION}", a_plan())
    opened = session.open_session(envelope, closed_days=a_plan().closed_days(), at=NOMINATED_AT)
    state = opened.state
    step = entry(CaseKind.SESSION, opened, workflow_id=state.workflow_id, session=SESSION, ended=False, taken=TAKEN)
    await ledger.record(step, drafts_of(step))
    return state


def taken(outcome: Outcome[CandidacyState], before: CandidacyState | None = None) -> Entry:
    update = {"taken": TAKEN, "stands_on": before.imprint if before else None}
    return an_entry(outcome).model_copy(update=update)


async def nominate(ledger: SqlLedger) -> CandidacyState:
    """A candidacy that stands in the ledger."""
    state = await open_session(ledger)
    nomination = a_nomination()
    mark = "0" * 32
    opened = candidacy.open_case(
        signed("nominate", f"candidacy/{SESSION}/{mark}", nomination),
        terms=state.terms,
        fingerprint=mark,
        statements=criteria().statements(nomination.candidate.language),
        at=NOMINATED_AT,
    )
    recorded = await record(ledger, taken(opened))
    return opened.state.model_copy(update={"reference": recorded.reference})


async def record(ledger: SqlLedger, step: Entry) -> Recorded:
    return await ledger.record(step, drafts_of(step))


def withdrawal(state: CandidacyState, *, number: int = 1) -> Entry:
    envelope = signed("withdraw", state.reference, Reason(reason="No time."), number=number, basis=state.seq)
    return taken(candidacy.command(state, envelope, NOMINATED_AT + timedelta(hours=1)), state)


async def test_step_of_an_officer_is_taken_once_and_answered_again(register: SqlLedger) -> None:
    state = await nominate(register)
    step = withdrawal(state)
    recorded = await record(register, step)
    assert await record(register, step) == recorded
    assert await register.totals() == (2, 3, 3)


async def test_step_that_another_workflow_takes_in_its_place_is_refused(register: SqlLedger) -> None:
    state = await nominate(register)
    await record(register, withdrawal(state))
    with pytest.raises(StrayCase):
        await record(register, withdrawal(state))
    with pytest.raises(LedgerBehind):
        await record(register, withdrawal(state.model_copy(update={"seq": 5})))
    assert await register.totals() == (2, 3, 3)


async def test_step_on_a_state_that_the_ledger_does_not_have_is_refused(register: SqlLedger) -> None:
    state = await nominate(register)
    with pytest.raises(StrayCase):
        await record(register, withdrawal(state.model_copy(update={"round": 7})))


async def test_command_is_taken_in_one_case_alone(register: SqlLedger) -> None:
    state = await nominate(register)
    step = withdrawal(state)
    await record(register, step)
    again = step.model_copy(update={"step": step.step.model_copy(update={"seq": 3})})
    with pytest.raises(ReplayedCommand):
        await record(register, again)


async def test_word_counts_where_the_ledger_has_it_from_its_sender(register: SqlLedger) -> None:
    state = await nominate(register)
    said = taken(heard(state, Act.NOT_RETAIN), state)
    with pytest.raises(UnfoundedWord):
        await record(register, said)
    assert (await register.totals())[1] == 2


async def test_terms_count_where_the_session_was_recorded_with_them(register: SqlLedger) -> None:
    state = await nominate(register)
    later = state.terms.model_copy(update={"version": 2})
    with pytest.raises(UnfoundedWord):
        await record(register, taken(candidacy.rearm(state, later, NOMINATED_AT), state))
    same = taken(candidacy.rearm(state, state.terms, NOMINATED_AT), state)
    assert (await record(register, same)).reference == state.reference


async def test_who_nominated_does_not_assess(register: SqlLedger) -> None:
    state = await nominate(register)
    declaration = signed("declare", state.reference, a_declaration(), basis=1)
    declared = candidacy.command(state, declaration, NOMINATED_AT + timedelta(hours=1))
    await record(register, taken(declared, state))
    state = declared.state
    assert state.stage is Stage.VETTING
    for number, allowed in ((1, False), (2, True)):
        envelope = signed("assess", state.reference, an_assessment(), number=number, basis=2)
        step = taken(candidacy.command(state, envelope, NOMINATED_AT + timedelta(hours=2)), state)
        if allowed:
            await record(register, step)
        else:
            with pytest.raises(Refusal, match="O-1 did nominate in this case, and assess asks for another person"):
                await record(register, step)


async def test_question_leaves_a_trace_and_is_put_once(register: SqlLedger) -> None:
    state = await nominate(register)
    enquiry = Enquiry(about=EnquiryAbout.CASE, reference=state.reference)
    command = a_question(enquiry, number=2)
    first = await register.answer(command, enquiry)
    # The same attempt may be made again where its answer was lost.
    assert await register.answer(command, enquiry) == first
    with pytest.raises(ReplayedCommand):
        await register.answer(command.model_copy(update={"by": "another attempt"}), enquiry)
    by_workflow = Enquiry(about=EnquiryAbout.CASE, workflow_id=state.workflow_id)
    await register.answer(a_question(by_workflow, number=3), by_workflow)
    about_readers = Enquiry(about=EnquiryAbout.READERS, reference=state.reference)
    readers = (await register.answer(a_question(about_readers), about_readers)).readers
    assert [(each.reader, each.about, each.reference) for each in readers] == [
        ("O-2", "case", state.reference),
        ("O-3", "case", state.reference),
    ]


async def test_incident_is_written_down_once_for_each_attempt(register: SqlLedger) -> None:
    for by in ("run/1", "run/1", "run/2"):
        incident = incident_of("StrayCase", "ledger-state", power="list.decide", place="C-2026-0001", by=by)
        await register.note(incident)
    about = Enquiry(about=EnquiryAbout.INCIDENTS)
    found = (await register.answer(a_question(about), about)).incidents
    assert [(each.refusal, each.power, each.place) for each in found] == [
        ("StrayCase", "list.decide", "C-2026-0001")
    ] * 2


async def test_officers_follow_from_what_was_signed(register: SqlLedger) -> None:
    await nominate(register)
    roll, audit = await audited(register, JUDGE)
    assert not roll.doubled
    assert list(roll.appointments) == list(await register.register())
    # Everybody but the first head of desk, and the session and the nomination.
    assert (audit.count, audit.doubtful) == (len(roll.appointments) - 1 + 2, [])


async def test_office_that_was_ended_is_held_no_more(register: SqlLedger) -> None:
    revocation = Revocation(person="O-3", reason="Left.")
    now = datetime.now(UTC)
    command = a_command("officer.revoke", REGISTER, revocation, taken=now)
    ended = await register.revoke(command, revocation)
    assert {each.office for each in ended} == set(Office)
    assert await register.revoke(command, revocation) == ended
    enquiry = Enquiry(about=EnquiryAbout.CASES)
    late = a_question(enquiry, number=3).model_copy(update={"taken": now + timedelta(seconds=1)})
    with pytest.raises(Refusal, match="O-3 holds no office"):
        await register.answer(late, enquiry)
    early = a_question(enquiry, number=3).model_copy(update={"taken": now - timedelta(seconds=1)})
    assert (await register.answer(early, enquiry)).cases == ()


async def test_first_head_of_desk_is_admitted_once(register: SqlLedger) -> None:
    with pytest.raises(NotAdmissible, match="there was a head of desk before"):
        await register.admit_first(a_pair(9).request(TAKEN), TAKEN)


async def test_key_of_one_person_is_never_anothers(register: SqlLedger) -> None:
    stolen = a_pair(2).request(TAKEN).model_copy(update={"person": "O-8"})
    with pytest.raises(NotAdmissible):
        await admit(register, 8, Office.REVIEWER, by=1, at=TAKEN, request=stolen)
    await admit(register, 7, Office.REVIEWER, by=1, at=TAKEN)
    with pytest.raises(Refusal, match=r"needs the office of head-of-desk"):
        await admit(register, 8, Office.REVIEWER, by=7, at=TAKEN + timedelta(seconds=1))


@pytest.mark.parametrize("table", ["told", "commands", "keys", "appointments", "readings"])
async def test_database_itself_keeps_what_is_only_ever_added_to(register: SqlLedger, database: str, table: str) -> None:
    await nominate(register)
    enquiry = Enquiry(about=EnquiryAbout.CASES)
    await register.answer(a_question(enquiry), enquiry)
    engine = engines.create(database, pool=1)
    try:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(Exception, match="is only ever added to"):
                async with engine.begin() as connection:
                    await connection.execute(text(statement))
    finally:
        await engine.dispose()


class OneProvider:
    """A provider that vouches for one identity."""

    async def evidence(self, token: str) -> Evidence:
        return Evidence(
            iss=IDENTITY.iss,
            sub=IDENTITY.sub,
            jti="t-1",
            kid="one",
            issued=TAKEN,
            expires=TAKEN + timedelta(minutes=5),
            digest=digest(token),
        )


IDENTITY = Identity(iss="https://login.example.org", sub="officer-at-the-house")
SECRET = "a-token-that-nobody-may-keep"


async def test_token_is_taken_for_a_signature_and_never_kept(register: SqlLedger, database: str) -> None:
    state = await nominate(register)
    by_identity = Request(person="O-7", key=IDENTITY, made=TAKEN, proof="")
    await admit(register, 7, Office.DESK_OFFICER, by=1, at=TAKEN - timedelta(seconds=1), request=by_identity)
    judge = replace(JUDGE, tokens=OneProvider())
    register._judge = judge
    reason = Reason(reason="No time.")
    envelope = an_envelope("withdraw", state.reference, reason, signer="O-7", basis=1, issued=TAKEN, nonce="7" * 32)
    by_token = envelope.model_copy(update={"key": IDENTITY.id, "token": SECRET})
    await record(register, taken(candidacy.command(state, by_token, NOMINATED_AT + timedelta(hours=1)), state))

    engine = engines.create(database, pool=1)
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT evidence, signature FROM events ORDER BY recorded_at"))).all()
    await engine.dispose()
    assert SECRET not in repr(rows)
    assert [row.signature is None for row in rows] == [False, False, True]
    assert (rows[-1].evidence["sub"], rows[-1].evidence["jti"]) == (IDENTITY.sub, "t-1")
    roll, audit = await audited(register, judge)
    assert (list(roll.appointments), audit.doubtful) == (list(await register.register()), [])
    assert await register.examine(lambda *_: None) == []


async def declare_interests(ledger: SqlLedger, number: int, **names: Any) -> tuple[InterestRow, ...]:
    declared = Interests.model_validate(names)
    own = officer_file(f"O-{number}")
    command = a_command("officer.declare_interest", own, declared, number=number, taken=datetime.now(UTC))
    return await ledger.declare_interests(command, declared)


async def seen_by(ledger: SqlLedger, number: int) -> set[str]:
    """The cases that an officer finds in the lists of cases, of what is overdue, and of letters."""
    ever = datetime(2100, 1, 1, tzinfo=UTC)
    rows = Enquiry(about=EnquiryAbout.CASES), Enquiry(about=EnquiryAbout.CASES, overdue=ever)
    found = {row.reference for about in rows for row in (await asked_by(ledger, number, about)).cases}
    return found | {row.case for row in (await asked_by(ledger, number, Enquiry(about=EnquiryAbout.LETTERS))).letters}


async def asked_by(ledger: SqlLedger, number: int, enquiry: Enquiry) -> Answer:
    return await ledger.answer(a_question(enquiry, number=number), enquiry)


async def in_vetting(ledger: SqlLedger) -> CandidacyState:
    state = await nominate(ledger)
    declaration = signed("declare", state.reference, a_declaration(), basis=1)
    declared = candidacy.command(state, declaration, NOMINATED_AT + timedelta(hours=1))
    await record(ledger, taken(declared, state))
    return declared.state


PERSON = {"persons": [{"family_name": "Эксампл", "given_name": "Ада"}]}


@pytest.mark.parametrize(
    "names",
    [PERSON, {"own_addresses": ["Nominator@example.org"]}, {"cases": ["C-2026-0001"]}],
    ids=["person", "address", "case"],
)
async def test_case_in_which_an_officer_has_an_interest_is_not_there_for_that_officer(
    register: SqlLedger, names: dict[str, Any]
) -> None:
    state = await in_vetting(register)
    assert state.reference in await seen_by(register, 2)
    await declare_interests(register, 2, **names)

    assert await seen_by(register, 2) == {SESSION}
    assert state.reference in await seen_by(register, 3)
    reads = (EnquiryAbout.CASE, EnquiryAbout.PLACE, EnquiryAbout.TIMELINE, EnquiryAbout.LETTERS, EnquiryAbout.READERS)
    named = [Enquiry(about=about, reference=state.reference) for about in reads]
    named.append(Enquiry(about=EnquiryAbout.CASE, workflow_id=state.workflow_id))
    named.append(Enquiry(about=EnquiryAbout.LETTER, reference=f"{state.reference}.1.1"))
    for enquiry in named:
        with pytest.raises(ConflictOfInterest):
            await asked_by(register, 2, enquiry)
    letter, arrived = f"{state.reference}.1.1", Settlement(how=SettlementHow.SENT, reason="it came")
    with pytest.raises(ConflictOfInterest):
        await register.settle(a_command("letter.settle", letter, arrived, number=2, taken=datetime.now(UTC)), arrived)


async def test_officer_with_an_interest_does_not_assess_whatever_way_the_command_comes(register: SqlLedger) -> None:
    state = await in_vetting(register)
    assert (await declare_interests(register, 2, **PERSON))[0].what == "Эксампл, Ада"
    for number in (2, 3):
        envelope = signed("assess", state.reference, an_assessment(), number=number, basis=2)
        step = taken(candidacy.command(state, envelope, NOMINATED_AT + timedelta(hours=2)), state)
        step = step.model_copy(update={"taken": datetime.now(UTC)})
        if number == 2:
            with pytest.raises(ConflictOfInterest) as refused:
                await record(register, step)
            assert refused.value.rule == "declared-interest"
        else:
            await record(register, step)


async def test_interest_is_kept_for_its_officer_and_ends_on_its_day(register: SqlLedger) -> None:
    state = await in_vetting(register)
    rows = await declare_interests(register, 2, **PERSON, organisations=["Test Fund"])
    assert [(row.id, row.what) for row in rows] == [("I-1", "Эксампл, Ада"), ("I-2", "Test Fund")]
    own = Enquiry(about=EnquiryAbout.INTERESTS, reference=officer_file("O-2"))
    assert (await asked_by(register, 2, own)).interests == rows
    with pytest.raises(SamePerson):
        await asked_by(register, 3, own)

    async def withdraw(interest: str, since: datetime | None = None) -> tuple[InterestRow, ...]:
        withdrawal = Withdrawal(interest=interest, since=since, reason="moved away")
        power, file = "officer.withdraw_interest", officer_file("O-2")
        command = a_command(power, file, withdrawal, number=2, taken=datetime.now(UTC), nonce=secrets.token_hex(16))
        return await register.withdraw_interest(command, withdrawal)

    later = datetime.now(UTC) + timedelta(days=30)
    assert (await withdraw("I-2", later))[1].until == later
    assert state.reference not in await seen_by(register, 2)
    await withdraw("I-1")
    assert state.reference in await seen_by(register, 2)
    with pytest.raises(NothingToChange):
        await withdraw("I-1")


async def test_nobody_can_read_from_the_database_in_whom_an_officer_has_an_interest(
    register: SqlLedger, database: str
) -> None:
    await in_vetting(register)
    await declare_interests(register, 2, **PERSON, organisations=["Test Fund"])
    engine = engines.create(database, pool=1)
    async with engine.connect() as connection:
        kept = [
            str((await connection.execute(text(f"SELECT * FROM {table}"))).all())
            for table in ("interests", "traces", "commands")
        ]
    await engine.dispose()
    for name in ("Эксампл", "Test Fund", "Example", "nominator@example.org"):
        assert not any(name in rows for rows in kept)


async def nominated(ledger: SqlLedger, state: session.SessionState, number: int, **changes: Any) -> CandidacyState:
    """Another candidacy, of whoever is described."""
    nomination = a_nomination()
    nomination = nomination.model_copy(update={"candidate": nomination.candidate.model_copy(update=changes)})
    envelope = signed("nominate", f"candidacy/{SESSION}/{number:032x}", nomination)
    opened = candidacy.open_case(
        envelope, terms=state.terms, fingerprint=f"{number:032x}", statements=(), at=NOMINATED_AT
    )
    recorded = await record(ledger, taken(opened))
    return opened.state.model_copy(update={"reference": recorded.reference})


async def test_other_nominations_under_a_name_that_sounds_the_same_are_found_until_they_are_erased(
    register: SqlLedger, database: str
) -> None:
    session_ = await open_session(register)
    first = await nominated(register, session_, 1, given_name="Primer", family_name="Testov")
    later = date(1981, 5, 17)
    again = await nominated(register, session_, 2, given_name="Тестов", family_name="Пример", birth_date=later)
    alias = await nominated(register, session_, 3, family_name="Other", other_names=("Primer I. Testoff",))
    await nominated(register, session_, 4, family_name="Other", given_name="Somebody")

    async def found(state: CandidacyState) -> dict[str, set[About]]:
        return {each.reference: set(each.shares) for each in await register.namesakes(state.workflow_id)}

    whole = {About.CANDIDATE, About.BORN, About.YEAR, About.DAY}
    assert await found(first) == {again.reference: {About.CANDIDATE, About.DAY}, alias.reference: whole}
    assert await found(alias) == {first.reference: whole, again.reference: {About.CANDIDATE, About.DAY}}

    order = signed("erase", again.reference, ErasureOrder(requested_by="O-2"))
    person = await register.person(again.reference)
    asked_for = signed("request_erasure", again.reference, ErasureRequest(reason="asked by letter"), number=2)
    await register.request_erasure(person, asked_for, TAKEN)
    await register.erase(person, order, TAKEN)
    assert set(await found(first)) == {alias.reference}


async def test_interest_declared_in_a_suspension_is_one_in_every_case_of_its_person(ledger: SqlLedger) -> None:
    opening = a_candidacy()
    recorded = await record(ledger, taken(opening))
    of = opening.state.model_copy(update={"reference": recorded.reference})
    opened = a_suspension(of=of)

    async def rule(outcome: Outcome[SuspensionState]) -> str:
        state = outcome.state
        step = entry(
            CaseKind.SUSPENSION, outcome, workflow_id=state.workflow_id, session=SESSION, ended=False, taken=TAKEN
        )
        return (await ledger.record(step, drafts_of(step))).reference

    reference = await rule(opened)
    state = opened.state.model_copy(update={"outbox": ()})
    await rule(ruled(state, SuspensionAct.DECLARE_INTEREST, Reason(reason="a cousin"), signer="O-5"))

    assert await ledger.hidden_from("O-5", datetime.now(UTC)) == {recorded.reference, reference}
    assert await ledger.hidden_from("O-6", datetime.now(UTC)) == frozenset()
    (row,) = (await asked(ledger, Enquiry(about=EnquiryAbout.CASES, kind=CaseKind.SUSPENSION))).cases
    assert row.reference == reference
