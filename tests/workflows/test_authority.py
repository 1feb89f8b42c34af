"""Who may act, on a server that skips time: offices that end, commands given again or not what they say."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from domain.candidacy import Act, CandidacyState, Reason
from domain.cases import EDITION, CandidacyCase, CandidacyOpening
from domain.ledger import Enquiry, EnquiryAbout
from domain.offices import Admission, Office, Revocation
from domain.vetting import Judgement
from starter.desk import Refused
from tests.officers import a_pair, an_officer
from tests.workflows.office import Office as Desk


def incidents(office: Desk) -> list[tuple[str, str]]:
    return [(incident.rule, incident.power) for incident in office.ledger.incidents]


async def test_office_that_has_ended_allows_nothing_any_more(office: Desk) -> None:
    await office.open()
    reference = await office.nominate()
    ends = await office.at() + timedelta(days=2)
    officer = an_officer(5, [Office.DESK_OFFICER], until=ends)
    office.ledger.officers[officer.key.id] = officer
    await office.act(reference, Act.DECLARE, office.declaration(), officer=5)
    await office.pass_days(3)
    with pytest.raises(Refused, match="O-5 holds no office"):
        await office.act(reference, Act.WITHDRAW, Reason(reason="No time."), officer=5)
    assert office.acts(reference)[-1] == "declare"


async def test_officer_is_admitted_and_revoked_by_the_head_of_desk_alone(office: Desk) -> None:
    reference = await _a_case(office)
    with office.still():
        request = a_pair(42).request(await office.at())
        admission = Admission(request=request, office=Office.DESK_OFFICER)
        president = an_officer(6, [Office.PRESIDENT])
        office.ledger.officers[president.key.id] = president
        with pytest.raises(Refused, match=r"officer\.admit needs the office of head-of-desk"):
            await office.officer(6).admit(admission)
        await office.officer(1).admit(admission)
    await office.act(reference, Act.DECLARE, office.declaration(), officer=42)
    with office.still():
        await office.officer(1).revoke(Revocation(person="O-42", reason="Left."))
    await office.pass_days(0.1)
    with pytest.raises(Refused, match="O-42 holds no office"):
        await office.act(reference, Act.WITHDRAW, Reason(reason="No time."), officer=42)


async def _a_case(office: Desk) -> str:
    await office.open()
    return await office.nominate()


async def test_command_given_again_is_answered_to_who_gave_it_and_to_nobody_else(office: Desk) -> None:
    reference = await _a_case(office)
    await office.declare(reference)
    again = await office.act(reference, Act.DECLARE, office.declaration())
    assert (again.fresh, again.receipt.seq) == (False, 2)
    assert ("O-1", "receipt", reference) in office.ledger.readings
    handle = office.env.client.get_workflow_handle(office.ledger.cases[reference].entry.workflow_id)
    taken = office.officer().close_over(Act.DECLARE, reference, office.declaration(), basis=1)
    for envelope, rule in (
        (taken.model_copy(update={"signature": None}), "signature"),
        (a_pair(7).sign(taken), "key-of-another"),
    ):
        with office.still(), pytest.raises(WorkflowUpdateFailedError) as failed:
            await handle.execute_update("declare", envelope, id=rule)
        assert isinstance(failed.value.cause, ApplicationError)
        assert failed.value.cause.details[0] == rule
    assert incidents(office) == [("signature", "candidacy.declare"), ("key-of-another", "candidacy.declare")]


async def test_command_that_does_not_agree_with_itself_is_written_down(office: Desk) -> None:
    reference = await _a_case(office)
    handle = office.env.client.get_workflow_handle(office.ledger.cases[reference].entry.workflow_id)
    good = office.officer().close_over(Act.WITHDRAW, reference, Reason(reason="No time."))
    for update, envelope, rule in (
        ("withdraw", good.model_copy(update={"content": Reason(reason="Another.")}), "content-hash"),
        ("decline", good, "envelope-act"),
        ("withdraw", a_pair().sign(good.model_copy(update={"case": "C-2026-0002"})), "envelope-case"),
    ):
        with office.still(), pytest.raises(WorkflowUpdateFailedError) as failed:
            await handle.execute_update(update, envelope, id=rule)
        assert isinstance(failed.value.cause, ApplicationError)
        assert (failed.value.cause.type, failed.value.cause.details[0]) == ("AlteredCommand", rule)
    assert [rule for rule, _ in incidents(office)] == ["content-hash", "envelope-act", "envelope-case"]
    assert office.acts(reference) == ["nominate"]


async def test_altered_nomination_comes_to_nothing_and_is_written_down(office: Desk) -> None:
    session = await office.open()
    desk, nomination = office.officer(), office.nomination()
    workflow_id = desk.candidacy_of("2026", nomination)
    envelope = desk.close_over(Act.NOMINATE, workflow_id, office.nomination(given_name="Max"))
    opening = CandidacyOpening(
        envelope=envelope.model_copy(update={"content": nomination}),
        fingerprint=workflow_id.rpartition("/")[2],
        terms=session.terms,
        statements=(),
    )
    with office.still(), pytest.raises(WorkflowFailureError) as failed:
        await office.env.client.execute_workflow(
            "Candidacy", CandidacyCase(opening=opening, edition=EDITION), id=workflow_id, task_queue=office.queue
        )
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "AlteredCommand"
    assert incidents(office) == [("content-hash", "candidacy.nominate")]


async def test_assessor_sees_no_findings_before_giving_their_own(office: Desk) -> None:
    reference = await _a_case(office)
    await office.declare(reference)
    await office.act(reference, Act.ASSESS, office.assessment(Judgement.ADVERSE), officer=2)

    async def seen(number: int) -> list[dict[str, str]]:
        with office.still():
            answer = await office.officer(number).ask(Enquiry(about=EnquiryAbout.CASE, reference=reference))
        assert answer.case is not None
        state = CandidacyState.model_validate(answer.case.state)
        return [{key: str(value) for key, value in given.judgements.items()} for given in state.assessments]

    own = dict.fromkeys(office.keys, "adverse")
    assert await seen(2) == [own]
    assert await seen(3) == [{}]
    await office.act(reference, Act.ASSESS, office.assessment(), officer=3)
    assert await seen(3) == [own, dict.fromkeys(office.keys, "clear")]
    assert await seen(4) == [{}, {}]
