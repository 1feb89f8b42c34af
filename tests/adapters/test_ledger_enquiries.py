"""Questions to the ledger."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adapters.sql.ledger import SqlLedger
from domain.candidacy import Act, CandidacyState, Correction, Reason, deadline
from domain.ledger import Answer, Delivery, Enquiry, EnquiryAbout, LetterState
from domain.notices import Role
from domain.people import SeatKind
from domain.steps import CaseKind, Dispatch
from tests.builders import NOMINATED_AT, a_candidacy, a_nomination, an_entry, commanded, drafts_of
from tests.officers import asked

NAMES = ("Ada", "Berta", "Clara", "Dora", "Emma")


@pytest.fixture
async def states(ledger: SqlLedger) -> list[CandidacyState]:
    """Five candidacies, a day apart; the second for a reserved seat, the third withdrawn."""
    states = []
    for number, name in enumerate(NAMES):
        seat = SeatKind.RESERVED if name == "Berta" else SeatKind.GENERAL
        outcome = a_candidacy(a_nomination(given_name=name, seat=seat), at=NOMINATED_AT + timedelta(days=number))
        entry = an_entry(outcome)
        recorded = await ledger.record(entry, drafts_of(entry))
        states.append(outcome.state.model_copy(update={"reference": recorded.reference}))
    withdrawn = an_entry(commanded(states[2], Act.WITHDRAW, Reason(reason="No time.")))
    await ledger.record(withdrawn, drafts_of(withdrawn))
    return states


def about(what: EnquiryAbout, **changes: Any) -> Enquiry:
    return Enquiry.model_validate({"about": what} | changes)


def a_correction(number: int) -> Correction:
    return Correction(role=Role.CANDIDATE, email=f"candidate{number}@example.org", reason="A new address.")


def references(answer: Answer) -> list[str]:
    return [row.reference for row in answer.cases or answer.letters]


@pytest.mark.parametrize(
    ("narrowed", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"session": "2026", "kind": CaseKind.CANDIDACY}, [1, 2, 3, 4, 5]),
        ({"session": "2027"}, []),
        ({"kind": CaseKind.LIST}, []),
        ({"stage": "withdrawn"}, [3]),
        ({"ended": False}, [1, 2, 4, 5]),
        ({"ended": True}, [3]),
        ({"seat": "reserved"}, [2]),
        ({"after": "C-2026-0003"}, [4, 5]),
    ],
)
@pytest.mark.usefixtures("states")
async def test_a_list_of_cases_is_narrowed(ledger: SqlLedger, narrowed: dict[str, Any], numbers: list[int]) -> None:
    answer = await asked(ledger, about(EnquiryAbout.CASES, **narrowed))

    assert references(answer) == [f"C-2026-000{number}" for number in numbers]
    assert not answer.more


async def test_a_case_is_overdue_from_its_deadline_on(ledger: SqlLedger, states: list[CandidacyState]) -> None:
    at = deadline(states[1])
    assert at is not None

    assert references(await asked(ledger, about(EnquiryAbout.CASES, overdue=at))) == ["C-2026-0001"]
    later = at + timedelta(seconds=1)
    assert references(await asked(ledger, about(EnquiryAbout.CASES, overdue=later))) == ["C-2026-0001", "C-2026-0002"]


async def pages(ledger: SqlLedger, enquiry: Enquiry, last: Callable[[Answer], str]) -> list[Answer]:
    answers = [await asked(ledger, enquiry)]
    while answers[-1].more:
        answers.append(await asked(ledger, enquiry.model_copy(update={"after": last(answers[-1])})))
    return answers


@pytest.mark.usefixtures("states")
async def test_cases_come_in_pages_that_leave_none_out(ledger: SqlLedger) -> None:
    answers = await pages(ledger, about(EnquiryAbout.CASES, limit=2), last=lambda answer: answer.cases[-1].reference)

    assert [references(answer) for answer in answers] == [
        ["C-2026-0001", "C-2026-0002"],
        ["C-2026-0003", "C-2026-0004"],
        ["C-2026-0005"],
    ]


async def test_letters_come_in_pages_in_the_order_of_steps(ledger: SqlLedger, states: list[CandidacyState]) -> None:
    state = states[0]
    for number in range(2, 12):
        correction = commanded(state, Act.CORRECT, a_correction(number))
        state = correction.state
        entry = an_entry(correction.model_copy(update={"notices": a_candidacy().notices}))
        await ledger.record(entry, drafts_of(entry))

    enquiry = about(EnquiryAbout.LETTERS, reference="C-2026-0001", limit=7)
    answers = await pages(ledger, enquiry, last=lambda answer: answer.letters[-1].reference)

    assert [len(answer.letters) for answer in answers] == [7, 7, 7, 1]
    assert [reference for answer in answers for reference in references(answer)] == [
        f"C-2026-0001.{seq}.{number}" for seq in range(1, 12) for number in (1, 2)
    ]


@pytest.mark.usefixtures("states")
async def test_letters_of_every_case_are_narrowed_by_state(ledger: SqlLedger) -> None:
    answer = await asked(ledger, about(EnquiryAbout.LETTERS, state=LetterState.WITHDRAWN))

    assert references(answer) == ["C-2026-0003.1.2"]


@pytest.mark.usefixtures("states")
async def test_a_timeline_comes_in_pages(ledger: SqlLedger) -> None:
    enquiry = about(EnquiryAbout.TIMELINE, reference="C-2026-0003", limit=1)
    answers = await pages(ledger, enquiry, last=lambda answer: str(answer.steps[-1].seq))

    assert [[(step.seq, step.act) for step in answer.steps] for answer in answers] == [
        [(1, "nominate")],
        [(2, "withdraw")],
    ]


@pytest.mark.parametrize("what", [EnquiryAbout.CASE, EnquiryAbout.TIMELINE, EnquiryAbout.LETTERS])
async def test_a_case_is_found_by_its_workflow_too(
    ledger: SqlLedger, states: list[CandidacyState], what: EnquiryAbout
) -> None:
    by_reference = await asked(ledger, about(what, reference=states[2].reference))
    by_workflow = await asked(ledger, about(what, workflow_id=states[2].workflow_id))

    assert by_workflow == by_reference
    assert by_workflow != Answer()


@pytest.mark.parametrize("what", [EnquiryAbout.CASE, EnquiryAbout.TIMELINE, EnquiryAbout.LETTERS])
async def test_a_case_that_does_not_exist_is_named(ledger: SqlLedger, what: EnquiryAbout) -> None:
    with pytest.raises(LookupError, match=r"^there is no case C-2026-0009$"):
        await asked(ledger, about(what, reference="C-2026-0009"))
    with pytest.raises(LookupError, match=r"^there is no such case$"):
        await asked(ledger, about(what, workflow_id="candidacy/2026/" + "0" * 32))


@pytest.mark.usefixtures("states")
async def test_a_case_counts_its_letters_that_wait_for_a_person(ledger: SqlLedger) -> None:
    for letter, state in (("C-2026-0001.1.1", LetterState.REFUSED), ("C-2026-0001.1.2", LetterState.UNKNOWN)):
        await ledger.claim(letter)
        await ledger.mark(Delivery(letter=letter, state=state))

    answer = await asked(ledger, about(EnquiryAbout.CASES, limit=2))

    assert [row.troubled_letters for row in answer.cases] == [2, 0]


async def test_open_cases_are_given_with_their_states(ledger: SqlLedger, states: list[CandidacyState]) -> None:
    remaining = [state for state in states if state.reference != "C-2026-0003"]

    assert [
        (kind, reference, workflow, CandidacyState.model_validate(state))
        for kind, reference, workflow, state in await ledger.open_cases("2026")
    ] == [(CaseKind.CANDIDACY, state.reference, state.workflow_id, state) for state in remaining]
    assert await ledger.open_cases("2027") == []


async def test_what_ended_cases_had_to_tell_open_ones_is_known(ledger: SqlLedger, states: list[CandidacyState]) -> None:
    words = tuple(
        Dispatch(workflow_id=state.workflow_id, signal="hear", decision=f"{state.reference}/ended", content={})
        for state in states[:3]
    )
    for state, told in ((states[3], words), (states[4], ())):
        ended = commanded(state, Act.WITHDRAW, Reason(reason="No time."))
        outcome = ended.model_copy(
            update={"state": ended.state.model_copy(update={"outbox": told}), "dispatches": told}
        )
        entry = an_entry(outcome)
        await ledger.record(entry, drafts_of(entry))

    # The third has ended itself.
    assert await ledger.last_words() == list(words[:2])


async def test_cases_are_traced_to_their_workflows(ledger: SqlLedger, states: list[CandidacyState]) -> None:
    assert await ledger.workflows(("C-2026-0002", "C-2026-0009")) == {"C-2026-0002": states[1].workflow_id}
    assert await ledger.workflows(()) == {}


@pytest.mark.usefixtures("states")
async def test_totals_count_cases_steps_and_letters(ledger: SqlLedger) -> None:
    assert await ledger.totals() == (5, 6, 11)
