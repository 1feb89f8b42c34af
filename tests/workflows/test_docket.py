"""What every case does with what it is asked: one thing after the other, and nothing that the ledger refuses."""

import asyncio

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from domain.candidacy import Act, Correction, Reason, Word
from domain.notices import Role
from domain.people import Language, SeatKind
from starter.desk import Refused
from tests.workflows.office import Office


async def test_a_command_that_the_ledger_refuses_has_changed_nothing(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    office.ledger.refused = frozenset({"declare"})
    with pytest.raises(Refused) as refused:
        await office.declare(reference)
    assert refused.value.rule == "refused-by-the-ledger"
    assert office.acts(reference) == ["nominate"]
    office.ledger.refused = frozenset()
    await office.clear(reference)
    assert office.acts(reference) == ["nominate", "declare", "assess", "assess"]


async def test_an_opening_that_the_ledger_refuses_opens_no_case(office: Office) -> None:
    session = await office.open()
    office.ledger.refused = frozenset({"nominate"})
    with office.still(), pytest.raises(Refused) as refused:
        await office.officer().nominate(session, office.nomination())
    assert refused.value.rule == "refused-by-the-ledger"
    workflow_id = office.officer().candidacy_of(session.reference, office.nomination())
    with pytest.raises(WorkflowFailureError) as failed:
        await office.env.client.get_workflow_handle(workflow_id).result()
    assert isinstance(failed.value.cause, ApplicationError)
    office.ledger.refused = frozenset()
    assert office.acts(await office.nominate()) == ["nominate"]


async def test_word_that_the_ledger_refuses_is_dropped(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.clear(reference)
    taken = await office.draft(reference)
    office.ledger.refused = frozenset({"propose"})
    workflow_id = office.ledger.cases[reference].entry.workflow_id
    with office.still():
        word = Word(
            decision="made-up",
            act=Act.PROPOSE,
            list=taken.receipt.reference,
            hash=taken.receipt.details["hash"],
            seat=SeatKind.GENERAL,
        )
        await office.env.client.get_workflow_handle(workflow_id).signal("hear", word)
        correction = Correction(role=Role.CANDIDATE, language=Language.RUSSIAN, reason="asked for it")
        await office.act(reference, Act.CORRECT, correction)
    assert office.acts(reference) == ["nominate", "declare", "assess", "assess", "correct"]


async def test_commands_given_at_the_same_moment_are_taken_one_after_the_other(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    reason = Reason(reason="no time")
    with office.still():
        answers = await asyncio.gather(
            office.officer(1).act(reference, Act.DECLINE, reason),
            office.officer(2).act(reference, Act.WITHDRAW, reason),
            return_exceptions=True,
        )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert [type(answer) for answer in refused] == [Refused]
    assert len(office.acts(reference)) == 2
