"""A step in the ledger: once, whole, under its number."""

import asyncio

import pytest
from sqlalchemy import text

from activities.ports import Ledger, LedgerBehind
from adapters.keys.keyring import Keyring
from adapters.sql import engine as engines
from adapters.sql.cells import Cells, content_of, state_of
from adapters.sql.ledger import SqlLedger
from domain.candidacy import Act, CandidacyState, Reason, deadline
from domain.errors import StrayCase
from domain.ledger import CaseRow, Enquiry, EnquiryAbout, LetterState, Recorded, StepRow
from domain.ledger import entry as ledger_entry
from domain.session import SessionState, open_session
from domain.steps import CaseKind, Outcome, Trigger
from tests.builders import (
    NOMINATED_AT,
    SESSION,
    a_candidacy,
    a_case,
    a_declaration,
    a_list,
    a_list_plan,
    a_nomination,
    a_plan,
    a_standing,
    an_entry,
    an_envelope,
    commanded,
    drafts_of,
)
from tests.officers import asked


async def record(ledger: Ledger, outcome: Outcome[CandidacyState]) -> Recorded:
    entry = an_entry(outcome)
    return await ledger.record(entry, drafts_of(entry))


async def nominate(ledger: Ledger, given_name: str = "Ada") -> CandidacyState:
    outcome = a_candidacy(a_nomination(given_name=given_name))
    recorded = await record(ledger, outcome)
    return outcome.state.model_copy(update={"reference": recorded.reference})


async def test_the_first_nomination_gets_the_first_reference_and_its_letters(ledger: SqlLedger) -> None:
    recorded = await record(ledger, a_candidacy())

    assert recorded == Recorded(reference="C-2026-0001", letters=("C-2026-0001.1.1", "C-2026-0001.1.2"))


async def test_a_case_stands_in_the_ledger_as_its_step_left_it(ledger: SqlLedger) -> None:
    outcome = a_candidacy()
    await record(ledger, outcome)

    answer = await asked(ledger, Enquiry(about=EnquiryAbout.CASE, reference="C-2026-0001"))

    assert answer.case is not None
    assert CandidacyState.model_validate(answer.case.state) == outcome.state.model_copy(
        update={"reference": "C-2026-0001"}
    )
    assert answer.case.row == CaseRow(
        reference="C-2026-0001",
        kind=CaseKind.CANDIDACY,
        session=SESSION,
        stage="nominated",
        ended=False,
        seat="general",
        deadline=deadline(outcome.state),
        seq=1,
        workflow_id=outcome.state.workflow_id,
        opened=NOMINATED_AT,
        changed=NOMINATED_AT,
        troubled_letters=0,
    )


async def test_a_further_step_moves_the_case_and_joins_the_timeline(ledger: SqlLedger) -> None:
    state = await nominate(ledger)
    outcome = commanded(state, Act.WITHDRAW, Reason(reason="No time."), signer="O-2")
    recorded = await record(ledger, outcome)

    case = (await asked(ledger, Enquiry(about=EnquiryAbout.CASE, reference=state.reference))).case
    timeline = (await asked(ledger, Enquiry(about=EnquiryAbout.TIMELINE, reference=state.reference))).steps

    assert recorded == Recorded(reference="C-2026-0001", letters=("C-2026-0001.2.1",))
    assert case is not None
    assert (case.row.stage, case.row.ended, case.row.deadline, case.row.seq) == ("withdrawn", True, None, 2)
    assert case.row.changed == outcome.step.at
    assert [step.act for step in timeline] == ["nominate", "withdraw"]
    assert timeline[1] == StepRow(
        seq=2,
        act="withdraw",
        trigger=Trigger.OFFICER,
        at=outcome.step.at,
        recorded=timeline[1].recorded,
        stage_before="nominated",
        stage="withdrawn",
        signer="O-2",
        effects=(),
        letters=("C-2026-0001.2.1",),
    )


async def test_every_step_keeps_the_whole_state_and_the_signed_command(
    ledger: SqlLedger, database: str, keyring: Keyring
) -> None:
    state = await nominate(ledger)
    outcome = commanded(state, Act.DECLARE, a_declaration())
    await record(ledger, outcome)

    engine = engines.create(database, pool=1)
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT * FROM events ORDER BY seq"))).mappings().all()
    await engine.dispose()

    cells = Cells(keyring)
    kept = [await cells.read(state_of(state.reference, row["seq"]), row["state"]) for row in rows]
    assert [CandidacyState.model_validate(each) for each in kept] == [state, outcome.state]
    step = outcome.step
    assert await cells.read(content_of(state.reference, 2), rows[1]["content"]) == step.content
    assert {name: rows[1][name] for name in ("content_hash", "decision", "nonce", "issued", "signature")} == {
        "content_hash": step.content_hash,
        "decision": step.decision,
        "nonce": step.nonce,
        "issued": step.issued,
        "signature": None,
    }


async def test_recording_the_same_step_again_changes_nothing_and_answers_as_before(ledger: SqlLedger) -> None:
    state = await nominate(ledger)
    declared = commanded(state, Act.DECLARE, a_declaration())
    first = await record(ledger, declared)

    assert await record(ledger, declared) == first
    assert await record(ledger, a_candidacy()) == Recorded(
        reference="C-2026-0001", letters=("C-2026-0001.1.1", "C-2026-0001.1.2")
    )
    assert await ledger.totals() == (1, 2, 3)
    case = (await asked(ledger, Enquiry(about=EnquiryAbout.CASE, reference="C-2026-0001"))).case
    assert case is not None
    assert case.row.stage == "vetting"


async def test_another_step_under_the_same_number_is_refused_by_reference_and_number(ledger: SqlLedger) -> None:
    state = await nominate(ledger)
    await record(ledger, commanded(state, Act.DECLARE, a_declaration()))

    with pytest.raises(StrayCase, match=r"^step 2 of C-2026-0001 is another one$"):
        await record(ledger, commanded(state, Act.DECLINE, Reason(reason="No time.")))

    assert await ledger.totals() == (1, 2, 3)


async def test_the_same_decision_under_another_number_is_refused_and_moves_nothing(ledger: SqlLedger) -> None:
    state = await nominate(ledger)
    outcome = commanded(state, Act.DECLARE, a_declaration())
    await record(ledger, outcome)
    again = outcome.model_copy(
        update={
            "step": outcome.step.model_copy(update={"seq": 3, "nonce": "f" * 32}),
            "state": outcome.state.model_copy(update={"seq": 3}),
        }
    )

    with pytest.raises(StrayCase, match=r"^step 3 of C-2026-0001 is another one$"):
        await record(ledger, again)

    assert await ledger.gaps() == []
    assert await ledger.totals() == (1, 2, 3)


async def test_nothing_is_recorded_where_the_letters_cannot_be_written(ledger: SqlLedger) -> None:
    def fail(_reference: str) -> list[object]:
        raise FileNotFoundError("no such template")

    with pytest.raises(FileNotFoundError):
        await ledger.record(an_entry(), fail)  # type: ignore[arg-type]

    assert await ledger.totals() == (0, 0, 0)
    assert (await record(ledger, a_candidacy())).reference == "C-2026-0001"


async def test_nominations_at_the_same_moment_get_consecutive_references(ledger: SqlLedger) -> None:
    names = ["Ada", "Berta", "Clara", "Dora", "Emma", "Flora", "Greta", "Hanna"]
    states = await asyncio.gather(*(nominate(ledger, name) for name in names))

    assert sorted(state.reference for state in states) == [f"C-2026-000{number}" for number in range(1, 9)]
    assert await ledger.gaps() == []


async def test_one_person_nominated_twice_at_the_same_moment_is_one_case(ledger: SqlLedger) -> None:
    recorded = await asyncio.gather(*(record(ledger, a_candidacy()) for _ in range(4)))

    assert set(recorded) == {Recorded(reference="C-2026-0001", letters=("C-2026-0001.1.1", "C-2026-0001.1.2"))}
    assert await ledger.totals() == (1, 1, 2)
    assert (await nominate(ledger, "Berta")).reference == "C-2026-0002"


async def test_one_step_recorded_twice_at_the_same_moment_is_one_step(ledger: SqlLedger) -> None:
    outcome = commanded(await nominate(ledger), Act.DECLARE, a_declaration())

    recorded = await asyncio.gather(*(record(ledger, outcome) for _ in range(4)))

    assert set(recorded) == {Recorded(reference="C-2026-0001", letters=("C-2026-0001.2.1",))}
    assert await ledger.totals() == (1, 2, 3)


async def test_sessions_and_lists_bring_their_own_references(ledger: SqlLedger) -> None:
    plan = a_plan()
    session: Outcome[SessionState] = open_session(
        an_envelope("open", f"session/{SESSION}", plan), closed_days=(), at=NOMINATED_AT
    )
    drafted = a_list(a_list_plan(general=(1,)), {"C-2026-0001": a_standing(1)})
    drafted = drafted.model_copy(update={"state": drafted.state.model_copy(update={"reference": "L-2026-1"})})
    entries = (
        ledger_entry(
            CaseKind.SESSION, session, workflow_id=session.state.workflow_id, session=SESSION, ended=session.state.ended
        ),
        ledger_entry(
            CaseKind.LIST, drafted, workflow_id=drafted.state.workflow_id, session=SESSION, ended=drafted.state.ended
        ),
    )

    recorded = [await ledger.record(entry, drafts_of(entry)) for entry in entries]

    assert recorded == [Recorded(reference="2026"), Recorded(reference="L-2026-1")]
    assert [(kind, reference) for kind, reference, _, _ in await ledger.open_cases()] == [
        (CaseKind.SESSION, "2026"),
        (CaseKind.LIST, "L-2026-1"),
    ]


async def test_a_candidacy_that_outlived_the_register_waits_until_what_came_before_is_there(ledger: SqlLedger) -> None:
    survivor = a_case(number=7)
    with pytest.raises(LedgerBehind, match=r"^the step before step 2 is missing$"):
        await record(ledger, commanded(survivor, Act.DECLARE, a_declaration()))

    assert await ledger.totals() == (0, 0, 0)


async def test_a_candidacy_that_is_written_again_keeps_its_reference_and_blocks_its_number(ledger: SqlLedger) -> None:
    opened = a_candidacy()
    known = opened.state.model_copy(update={"reference": "C-2026-0007"})
    await record(ledger, opened.model_copy(update={"state": known}))

    assert (await nominate(ledger, "Berta")).reference == "C-2026-0008"
    assert await ledger.gaps() == []


@pytest.mark.parametrize(
    "change",
    ["state = (SELECT state FROM cases WHERE reference = 'C-2026-0001')", "stage = 'vetting'", "state = '\\x00'"],
    ids=["another's state", "stage", "no state"],
)
async def test_a_case_that_is_not_as_its_last_step_left_it_is_named_and_keeps_no_other_waiting(
    ledger: SqlLedger, database: str, change: str
) -> None:
    await nominate(ledger)
    await nominate(ledger, "Berta")
    assert await ledger.unlike() == []
    engine = engines.create(database, pool=1)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE cases SET {change} WHERE reference = 'C-2026-0002'")
    await engine.dispose()

    assert await ledger.unlike() == ["C-2026-0002"]
    assert await ledger.gaps() == []
    assert "C-2026-0001" in [reference for _, reference, _, _ in await ledger.open_cases()]


async def test_the_ledger_knows_every_letter_that_is_not_out(ledger: SqlLedger) -> None:
    await nominate(ledger)
    await ledger.claim("C-2026-0001.1.2")

    assert await ledger.unsent_letters() == [
        ("C-2026-0001.1.1", LetterState.DRAFTED),
        ("C-2026-0001.1.2", LetterState.SENDING),
    ]
