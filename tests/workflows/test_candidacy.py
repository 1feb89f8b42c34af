"""A candidacy on a server that skips time: every ending, every reminder, every escalation."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateStage
from temporalio.exceptions import ApplicationError

from activities.ports import MailDeferred, MailRefused, MailUncertain
from adapters.cases import TemporalCases
from domain.candidacy import Act, Information, InformationRequest, Reason
from domain.ledger import LetterState, Settlement, SettlementHow
from domain.lists import DecisionOutcome, ListState, RatificationOutcome
from domain.notices import Role, Template
from domain.session import SessionAmendment
from domain.steps import CaseKind
from domain.vetting import Judgement
from starter.desk import NoSuchCase, Refused
from tests.workflows.office import Office


async def test_a_candidacy_goes_from_nomination_to_the_end_of_the_session(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.clear(reference)
    await office.adopt(reference)
    await office.stage(reference, "approved")
    await office.pass_days(61)
    await office.stage(reference, "participant")
    await office.pass_days(400)
    await office.stage(reference, "expired")
    assert office.acts(reference) == [
        "nominate",
        "declare",
        "assess",
        "assess",
        "propose",
        "approve",
        "begin",
        "notify_expiry",
        "expire",
    ]
    assert office.letters(reference) == [
        Template.RECEIPT,
        Template.INVITATION,
        Template.DECLARED,
        Template.APPROVED,
        Template.PARTICIPATION,
        Template.EXPIRY_NOTICE,
        Template.EXPIRED,
    ]


async def test_silence_lapses_after_two_reminders(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.pass_days(25)
    await office.stage(reference, "lapsed")
    assert office.acts(reference) == ["nominate", "remind", "remind", "lapse"]
    assert office.letters(reference) == [
        Template.RECEIPT,
        Template.INVITATION,
        Template.REMINDER,
        Template.REMINDER,
        Template.LAPSED,
    ]


async def test_a_no_is_declined_and_not_lapsed(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.act(reference, Act.DECLINE, Reason(reason="no time"))
    await office.pass_days(25)
    await office.stage(reference, "declined")
    assert office.acts(reference) == ["nominate", "decline"]
    assert office.letters(reference)[-1] is Template.DECLINED


async def test_a_criterion_not_affirmed_makes_ineligible(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.act(reference, Act.DECLARE, office.declaration(no=(office.keys[0],)))
    await office.stage(reference, "ineligible")
    assert office.ledger.cases[reference].steps[-1].effects == (f"not-affirmed:{office.keys[0]}",)


async def test_two_adverse_assessments_make_ineligible(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    for officer in (2, 3):
        await office.act(reference, Act.ASSESS, office.assessment(Judgement.ADVERSE), officer=officer)
    await office.stage(reference, "ineligible")


async def test_disagreement_asks_for_a_third_officer(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    await office.act(reference, Act.ASSESS, office.assessment(), officer=2)
    await office.act(reference, Act.ASSESS, office.assessment(Judgement.UNSURE), officer=3)
    assert office.ledger.cases[reference].entry.stage == "vetting"
    await office.act(reference, Act.ASSESS, office.assessment(), officer=4)
    await office.stage(reference, "cleared")
    assert office.letters(reference)[-1] is Template.DESK_THIRD_ASSESSMENT


async def test_one_officer_cannot_assess_twice(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    await office.act(reference, Act.ASSESS, office.assessment(), officer=2)
    with pytest.raises(Refused) as refused:
        await office.act(reference, Act.ASSESS, office.assessment(Judgement.UNSURE), officer=2)
    assert (refused.value.rule, refused.value.refusal) == ("two-officers", "SamePerson")
    assert office.acts(reference) == ["nominate", "declare", "assess"]


async def test_information_asked_and_supplied_begins_a_new_round(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    await office.act(reference, Act.ASSESS, office.assessment(), officer=2)
    await office.act(reference, Act.REQUEST_INFORMATION, InformationRequest(question="Where were you in 2015?"))
    await office.act(reference, Act.SUPPLY_INFORMATION, Information(answer="Abroad."))
    await office.act(reference, Act.ASSESS, office.assessment(), officer=2)
    await office.act(reference, Act.ASSESS, office.assessment(), officer=3)
    await office.stage(reference, "cleared")


async def test_information_not_supplied_in_time_resumes_the_vetting(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    await office.act(reference, Act.REQUEST_INFORMATION, InformationRequest(question="Where were you in 2015?"))
    await office.pass_days(15)
    await office.stage(reference, "vetting")
    assert office.acts(reference) == ["nominate", "declare", "request_information", "remind", "remind", "resume"]
    assert office.letters(reference)[-1] is Template.INFORMATION_CLOSED


async def test_overdue_vetting_is_brought_up_every_week(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    await office.pass_days(21 + 3 + 14)
    acts = office.acts(reference)
    assert acts[:4] == ["nominate", "declare", "remind", "remind"]
    assert acts[4:] == ["escalate"] * len(acts[4:])
    assert 2 <= len(acts[4:]) <= 3
    assert office.letters(reference)[-1] is Template.DESK_OVERDUE


async def test_a_participant_may_withdraw_and_the_list_learns_of_the_seat(office: Office) -> None:
    await office.open(opens=(await office.today()) - timedelta(days=1))
    reference = await office.nominate()
    await office.clear(reference)
    taken = await office.adopt(reference)
    await office.stage(reference, "participant")
    await office.act(reference, Act.WITHDRAW, Reason(reason="health"))
    await office.stage(reference, "withdrawn")
    await office.pass_days(1)
    assert office.acts(taken.receipt.reference) == ["draft", "propose", "decide", "vacate"]
    assert office.letters(reference)[-1] is Template.WITHDRAWN


async def test_a_list_that_was_lost_learns_of_the_seat_once_it_runs_again(office: Office) -> None:
    reference = await office.participant()
    seats = ListState.model_validate(office.ledger.cases["L-2026-1"].entry.state)
    await office.env.client.get_workflow_handle(seats.workflow_id).terminate()
    await office.act(reference, Act.WITHDRAW, Reason(reason="health"))
    await office.stage(reference, "withdrawn")
    await office.pass_days(0.1)
    assert office.acts("L-2026-1")[-1] == "decide"
    cases = TemporalCases(office.env.client, office.queue)
    await cases.restart(CaseKind.LIST, seats)
    for word in 2 * list(await office.ledger.last_words()):
        await cases.tell(word)
    await office.pass_days(0.1)

    assert office.acts("L-2026-1")[-2:] == ["decide", "vacate"]


async def test_a_command_to_an_ended_case_is_refused_by_its_ending(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.act(reference, Act.WITHDRAW, Reason(reason="health"))
    await office.stage(reference, "withdrawn")
    await office.pass_days(0.1)
    with pytest.raises(Refused, match="has ended as withdrawn"):
        await office.declare(reference)


async def test_a_case_that_does_not_exist_is_named(office: Office) -> None:
    await office.open()
    with pytest.raises(NoSuchCase):
        await office.declare("C-2026-0009")


async def test_nominating_the_same_person_in_another_script_answers_with_the_existing_case(office: Office) -> None:
    await office.open()
    first = await office.nominate(family_name="Бердяев", given_name="Николай")
    second = await office.nominate(family_name="Berdiaeff", given_name="Nikolaï")
    assert second == first
    assert list(office.ledger.cases) == ["2026", first]


async def test_an_ended_candidacy_is_not_opened_again(office: Office) -> None:
    await office.open()
    first = await office.nominate()
    await office.act(first, Act.DECLINE, Reason(reason="no time"))
    await office.pass_days(0.1)
    assert await office.nominate() == first


async def test_a_nomination_after_the_close_is_refused_and_opens_nothing(office: Office) -> None:
    await office.open()
    await office.pass_days(32)
    with pytest.raises(Refused) as refused:
        await office.nominate()
    assert refused.value.rule == "nominations-close"
    assert list(office.ledger.cases) == ["2026"]


async def test_an_amended_closing_date_moves_the_end_and_tells_who_is_affected(office: Office) -> None:
    session = await office.open(opens=(await office.today()) - timedelta(days=1))
    seated = await office.nominate()
    await office.clear(seated)
    await office.adopt(seated)
    await office.stage(seated, "participant")
    await office.pass_days(0.1)
    later = session.plan.closes + timedelta(days=60)
    amendment = SessionAmendment(closes=later, reason="the Assembly moved its calendar")
    with office.still():
        preview = await office.officer().preview_amendment("2026", amendment)
        taken = await office.officer().amend_session("2026", amendment)
    assert [case.reference for case in preview] == [seated]
    assert [case["reference"] for case in taken.receipt.details["affected"]] == [seated]
    await office.pass_days(440)
    assert office.ledger.cases[seated].entry.stage == "participant"
    await office.pass_days(60)
    await office.stage(seated, "expired")
    assert Template.DATES_CHANGED in office.letters(seated)


async def test_a_list_sent_back_returns_its_candidacies(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.clear(reference)
    taken = await office.draft(reference)
    await office.propose(taken)
    await office.stage(reference, "proposed")
    await office.decide(taken, DecisionOutcome.SENT_BACK)
    await office.stage(reference, "cleared")


async def test_the_plenary_may_refuse(office: Office) -> None:
    await office.open(ratification=True)
    reference = await office.nominate()
    await office.clear(reference)
    taken = await office.adopt(reference)
    await office.stage(reference, "approved")
    await office.ratify(taken, RatificationOutcome.REFUSED)
    await office.stage(reference, "cleared")
    await office.pass_days(0.1)
    assert office.letters(reference)[-1] is Template.RATIFICATION_REFUSED


async def test_the_reserve_and_the_not_retained_learn_their_places(office: Office) -> None:
    await office.open()
    seated, first, second, refused = [
        await office.nominate(family_name=name) for name in ("Kestrel", "Barnard", "Dulwich", "Morgan")
    ]
    for reference in (seated, first, second, refused):
        await office.clear(reference)
    await office.adopt(seated, reserve=(first, second), not_retained=(refused,))
    await office.stage(first, "reserve")
    await office.stage(second, "reserve")
    await office.stage(refused, "not_retained")
    await office.pass_days(0.1)
    assert [office.letters(ref)[-1] for ref in (first, second, refused)] == [
        Template.RESERVE,
        Template.RESERVE,
        Template.NOT_RETAINED,
    ]
    ranks = [office.ledger.cases[ref].entry.state["rank"] for ref in (first, second)]
    assert ranks == [1, 2]


async def test_an_outage_of_the_mail_server_delays_letters_and_not_the_procedure(office: Office) -> None:
    await office.open()
    candidate = office.nomination().candidate.email
    office.box.trouble[candidate] = [MailDeferred("no connection") for _ in range(6)]
    reference = await office.nominate()
    await office.declare(reference)
    assert office.acts(reference) == ["nominate", "declare"]
    await office.pass_days(1)
    states = {letter: stored.state for letter, stored in office.ledger.letters.items()}
    sent = [outgoing.reference for outgoing in office.box.received]
    assert sorted(sent) == sorted(letter for letter, state in states.items() if state is LetterState.SENT)
    # The invitation waited for the server; by then the candidate had answered it, and it is not sent any more.
    assert {letter for letter, state in states.items() if state is not LetterState.SENT} == {f"{reference}.1.2"}
    assert states[f"{reference}.1.2"] is LetterState.WITHDRAWN


async def test_a_refused_address_becomes_a_matter_for_the_desk_and_goes_out_once_it_is_mended(office: Office) -> None:
    await office.open()
    candidate = office.nomination().candidate.email
    office.box.trouble[candidate] = [MailRefused("no such user", code=550)]
    reference = await office.nominate()
    await office.pass_days(0.1)
    letter = f"{reference}.1.2"
    assert office.ledger.letters[letter].state is LetterState.REFUSED
    told = [stored for stored in office.ledger.letters.values() if stored.draft.role is Role.DESK]
    assert [(stored.draft.about, stored.state) for stored in told] == [(letter, LetterState.SENT)]
    with office.still():
        state = await office.officer().settle_letter(
            letter, Settlement(how=SettlementHow.RESEND, reason="mended", email="new@example.org")
        )
    assert state is LetterState.RELEASED
    await office.pass_days(0.1)
    assert office.ledger.letters[letter].state is LetterState.SENT


async def test_a_letter_nobody_knows_of_waits_for_a_person(office: Office) -> None:
    await office.open()
    candidate = office.nomination().candidate.email
    office.box.trouble[candidate] = [MailUncertain("connection lost after the content")]
    reference = await office.nominate()
    letter = f"{reference}.1.2"
    await office.pass_days(20)
    assert office.ledger.letters[letter].state is LetterState.UNKNOWN
    with office.still():
        await office.officer().settle_letter(letter, Settlement(how=SettlementHow.SENT, reason="the candidate has it"))
    assert office.ledger.letters[letter].state is LetterState.SENT
    assert letter not in [outgoing.reference for outgoing in office.box.received]


async def test_an_address_deferred_for_days_is_handed_to_the_desk(office: Office) -> None:
    await office.open()
    candidate = office.nomination().candidate.email
    office.box.trouble[candidate] = [MailDeferred("mailbox full", code=452) for _ in range(100)]
    reference = await office.nominate()
    await office.pass_days(7)
    letter = f"{reference}.1.2"
    assert office.ledger.letters[letter].state is LetterState.RELEASED
    told = [stored.draft.about for stored in office.ledger.letters.values() if stored.draft.role is Role.DESK]
    assert told == [letter]


async def test_an_altered_command_is_refused(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    desk = office.officer()
    envelope = desk.close_over(Act.WITHDRAW, reference, Reason(reason="health"))
    forged = envelope.model_copy(update={"content": Reason(reason="something else")})
    workflow_id = office.ledger.cases[reference].entry.workflow_id
    with office.still(), pytest.raises(Refused) as refused:
        await desk._send(workflow_id, "withdraw", forged, object, reference)
    assert refused.value.rule == "content-hash"
    assert office.acts(reference) == ["nominate"]


async def test_a_plan_that_is_over_already_opens_nothing(office: Office) -> None:
    today = await office.today()
    dates = {"opens": today - timedelta(days=400), "closes": today - timedelta(days=10)}
    dates |= {"nominations_close": today - timedelta(days=420), "bureau_meets": today - timedelta(days=400)}
    with pytest.raises(Refused) as refused:
        await office.open(**dates)
    assert refused.value.rule == "session-closes-later"


async def test_the_ledger_away_stops_nothing_for_good(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    office.ledger.away = True
    workflow_id = office.ledger.cases[reference].entry.workflow_id
    desk = office.officer()
    envelope = desk.close_over(Act.DECLINE, reference, Reason(reason="no time"))
    handle = await office.env.client.get_workflow_handle(workflow_id).start_update(
        "decline", envelope, id=envelope.decision, wait_for_stage=WorkflowUpdateStage.ACCEPTED
    )
    office.ledger.away = False
    with office.still():
        await handle.result()
    assert office.acts(reference) == ["nominate", "decline"]


async def test_a_failed_case_is_a_failed_workflow(office: Office) -> None:
    await office.open()
    await office.pass_days(32)
    with pytest.raises(Refused):
        await office.nominate()
    session = await office.officer().session("2026")
    workflow_id = office.officer().candidacy_of(session.reference, office.nomination())
    with pytest.raises(WorkflowFailureError) as failed:
        await office.env.client.get_workflow_handle(workflow_id).result()
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "OutOfTime"
