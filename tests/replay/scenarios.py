"""The lives of cases whose histories are kept, each a few lines over the office.

A scenario is added for each new behaviour; recording writes only histories that are not there yet, because an old one
is what a running case was recorded under, and a changed workflow must still replay it.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import pytest
from temporalio.client import WorkflowUpdateFailedError

from activities.ports import MailDeferred, MailRefused, MailUncertain
from domain.candidacy import Act, CandidacyState, Correction, Information, InformationRequest, Measure, Reason
from domain.functions import ExceptionReason, Function, FunctionKind, Functions, Payer
from domain.identity import Namesake
from domain.ledger import Settlement, SettlementHow
from domain.lists import DecisionOutcome, Drafting, ListAct, ListPlan, Place, RatificationOutcome
from domain.notices import Role
from domain.people import SeatKind
from domain.screening import Resolution, Silence, Verdict
from domain.session import SessionAmendment
from domain.suspension import (
    Assignment,
    Extension,
    Recommendation,
    ReviewReport,
    SuspensionAct,
    Waiver,
    evidence_of,
)
from domain.traces import About
from domain.vetting import Judgement
from domain.watchlists import Screened
from tests.builders import a_hit, a_reversal, criteria
from tests.workflows.office import Office

Scenario = Callable[[Office], Awaitable[None]]


async def participant_and_expired(office: Office) -> None:
    """The happy path: session, list, candidacy, each to its end."""
    await office.open()
    reference = await office.nominate()
    await office.clear(reference)
    await office.adopt(reference)
    await office.stage(reference, "approved")
    await office.pass_days(470)
    await office.stage(reference, "expired")


async def ratified_and_withdrawn(office: Office) -> None:
    """A participant of a ratified list withdraws; the ranked reserve follows by an amendment."""
    await office.open(ratification=True, opens=(await office.today()) - timedelta(days=1))
    first, second = [await office.nominate(family_name=name) for name in ("Kestrel", "Barnard")]
    for reference in (first, second):
        await office.clear(reference)
    taken = await office.adopt(first, reserve=(second,))
    await office.stage(second, "reserve")
    await office.ratify(taken)
    await office.stage(first, "participant")
    await office.pass_days(0.1)
    await office.act(first, Act.WITHDRAW, Reason(reason="health"))
    await office.pass_days(0.1)
    plan = ListPlan(seats=(Place(candidacy=second, seat=SeatKind.GENERAL),))
    again = await office.on_list(taken.receipt.reference, ListAct.AMEND, Drafting(plan=plan))
    await office.propose(again)
    await office.decide(again)
    await office.ratify(again)
    await office.stage(second, "participant")
    await office.pass_days(0.1)


async def lapsed(office: Office) -> None:
    """Silence, with its reminders."""
    await office.open()
    await office.nominate()
    await office.pass_days(25)


async def declined_after_a_correction(office: Office) -> None:
    """The address is mended, then the candidate says no."""
    await office.open()
    reference = await office.nominate()
    better = Correction(role=Role.CANDIDATE, email="better@example.org", reason="told by telephone")
    await office.act(reference, Act.CORRECT, better)
    await office.act(reference, Act.DECLINE, Reason(reason="no time"))
    await office.pass_days(0.1)


async def ineligible_by_a_third_assessment(office: Office) -> None:
    """Two disagree, information is asked and given, a third officer decides."""
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    await office.act(reference, Act.REQUEST_INFORMATION, InformationRequest(question="Where were you in 2015?"))
    await office.pass_days(9)
    await office.act(reference, Act.SUPPLY_INFORMATION, Information(answer="Abroad."))
    for officer, judgement in enumerate((Judgement.ADVERSE, Judgement.CLEAR, Judgement.ADVERSE), 2):
        await office.act(reference, Act.ASSESS, office.assessment(judgement), officer=officer)
    await office.stage(reference, "ineligible")
    await office.pass_days(0.1)


async def overdue_and_resumed(office: Office) -> None:
    """Information that does not come, then vetting that is overdue, until the session ends."""
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    await office.act(reference, Act.REQUEST_INFORMATION, InformationRequest(question="Where were you in 2015?"))
    await office.pass_days(460)
    await office.stage(reference, "expired")


async def refused_by_the_plenary(office: Office) -> None:
    """A list sent back, proposed again, adopted, and refused by the plenary."""
    await office.open(ratification=True)
    reference = await office.nominate()
    await office.clear(reference)
    taken = await office.draft(reference)
    await office.propose(taken)
    await office.decide(taken, DecisionOutcome.SENT_BACK)
    await office.stage(reference, "cleared")
    again = await office.draft(reference, not_retained=())
    await office.propose(again)
    await office.decide(again)
    await office.stage(reference, "approved")
    await office.ratify(again, RatificationOutcome.REFUSED)
    await office.stage(reference, "cleared")
    await office.pass_days(0.1)


async def seated_after_a_refusal(office: Office) -> None:
    """A run ends with the approval; what the plenary says of it, and the second approval, belong to the next."""
    await office.open(ratification=True)
    reference = await office.nominate()
    await office.clear(reference)
    refused = await office.adopt(reference)
    await office.stage(reference, "approved")
    await office.ratify(refused, RatificationOutcome.REFUSED)
    await office.stage(reference, "cleared")
    ratified = await office.adopt(reference)
    await office.stage(reference, "approved")
    await office.ratify(ratified)
    await office.pass_days(470)
    await office.stage(reference, "expired")


async def dates_moved(office: Office) -> None:
    """A session is amended while a candidacy waits and a list is in force."""
    session = await office.open(opens=(await office.today()) - timedelta(days=1))
    seated = await office.nominate()
    await office.clear(seated)
    await office.adopt(seated)
    await office.stage(seated, "participant")
    await office.pass_days(0.1)
    amendment = SessionAmendment(closes=session.plan.closes + timedelta(days=60), reason="the calendar moved")
    with office.still():
        await office.officer().amend_session(session.reference, amendment)
    await office.pass_days(0.1)


async def screened_and_settled(office: Office) -> None:
    """Lists that cannot be asked at first, then a hit that two officers settle, an exception, and a later screening."""
    await office.open()
    office.lists.says = Screened(silent=(Silence(what="somebody", cause="no answer"),))
    reference = await office.nominate()
    await office.clear(reference)
    hit = a_hit()
    office.lists.says = Screened(asked={"somebody": 1}, hits=(hit,))
    await office.pass_days(0.1)
    school = Function(
        kind=FunctionKind.POST, what="Teacher", body="A school", payer=Payer.STATE, since="2012", until="2019"
    )
    declared = Functions(functions=(school,))
    await office.act(reference, Act.RECORD_FUNCTIONS, declared)
    word = Resolution(hit=hit.id, digest=hit.digest, verdict=Verdict.OTHER_PERSON, reason="born in another year")
    for officer in (2, 3):
        await office.act(reference, Act.RESOLVE, word, officer=officer)
        exception = ExceptionReason(digest=declared.digest, reason="taught chemistry")
        await office.act(reference, Act.SIGN_EXCEPTION, exception, officer=officer)
    await office.stage(reference, "cleared")
    office.lists.says = Screened(asked={"somebody": 2}, hits=(a_hit(digest="1" * 64),))
    with office.still():
        await office.officer().rescreen()
    await office.pass_days(0.1)
    await office.act(reference, Act.WITHDRAW, Reason(reason="no time"))


async def letters_in_trouble(office: Office) -> None:
    """One letter deferred, one refused and sent again, one of which nobody knows."""
    await office.open()
    nomination = office.nomination()
    office.box.trouble[nomination.nominator.email] = [MailDeferred("no connection"), MailDeferred("no connection")]
    office.box.trouble[nomination.candidate.email] = [MailRefused("no such user", code=550)]
    reference = await office.nominate()
    await office.pass_days(0.1)
    mended = Settlement(how=SettlementHow.RESEND, reason="mended", email="new@example.org")
    with office.still():
        await office.officer().settle_letter(f"{reference}.1.2", mended)
    await office.pass_days(0.1)
    office.box.trouble[nomination.candidate.email] = [MailUncertain("connection lost")]
    await office.act(reference, Act.DECLINE, Reason(reason="no time"))
    await office.pass_days(0.1)
    arrived = Settlement(how=SettlementHow.SENT, reason="the candidate has it")
    with office.still():
        await office.officer().settle_letter(f"{reference}.2.1", arrived)
        await office.env.client.get_workflow_handle(f"letter/{reference}.2.1").result()


async def given_again_and_replayed(office: Office) -> None:
    """An officer gives a command that was taken once more, and somebody sends one again that was overheard."""
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    await office.declare(reference)
    envelope = office.officer(2).close_over(Act.ASSESS, reference, office.assessment(), basis=2)
    handle = office.env.client.get_workflow_handle(office.ledger.cases[reference].entry.workflow_id)
    with office.still():
        await handle.execute_update("assess", envelope, id="first")
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("assess", envelope, id="second")
    await office.act(reference, Act.WITHDRAW, Reason(reason="no time"))
    await office.pass_days(0.1)


async def suspended_and_lifted(office: Office) -> None:
    """Two grounds, one of them joined in the hearing, heard each in its own time; the Bureau lifts the suspension."""
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy, measure=Measure.PARTIAL, scope="no entry to the building")
    await office.serve(suspension)
    await office.suspend(candidacy, officer=4, ground="banned-symbol")
    await office.rule(suspension, SuspensionAct.EXTEND, Extension(days=5, reason="ill"))
    await office.hear_out(suspension)
    await office.settle(suspension)
    await office.stage(suspension, "lifted")
    await office.pass_days(0.1)


async def suspended_and_excluded(office: Office) -> None:
    """Silence after presumed delivery, a referral to the Bureau, exclusion; the reserve may follow."""
    await office.open(opens=(await office.today()) - timedelta(days=1))
    first, second = [await office.nominate(family_name=name) for name in ("Kestrel", "Barnard")]
    for reference in (first, second):
        await office.clear(reference)
    await office.adopt(first, reserve=(second,))
    await office.stage(first, "participant")
    await office.stage(second, "reserve")
    await office.pass_days(0.1)
    suspension = await office.suspend(first)
    await office.pass_days(100)
    await office.settle(suspension, Recommendation.EXCLUDED)
    await office.stage(suspension, "excluded")
    await office.pass_days(0.1)


async def upheld_reversed_and_lapsed(office: Office) -> None:
    """The Bureau upholds, then undoes that, and has not decided anew when the session ends."""
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.rule(suspension, SuspensionAct.DECLARE_INTEREST, Reason(reason="a cousin"), officer=5)
    await office.hear_out(suspension)
    await office.settle(suspension, Recommendation.UPHELD)
    await office.pass_days(100)
    await office.rule(suspension, SuspensionAct.REVERSE, a_reversal(), officer=4)
    await office.pass_days(370)
    await office.stage(suspension, "lapsed_with_session")


async def excluded_and_reinstated(office: Office) -> None:
    """The Bureau excludes, undoes it, and lifts: the case and the candidacy go on, and the seat is taken up again."""
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.hear_out(suspension)
    await office.settle(suspension, Recommendation.EXCLUDED)
    await office.stage(suspension, "excluded")
    await office.pass_days(20)
    await office.rule(suspension, SuspensionAct.REVERSE, a_reversal(measure=Measure.NONE), officer=4)
    await office.stage(candidacy, "participant")
    await office.pass_days(0.1)
    await office.rule(suspension, SuspensionAct.ASSIGN, Assignment(reviewer="O-6"))
    report = ReviewReport(text="Read anew.", recommendation=Recommendation.LIFTED)
    await office.rule(suspension, SuspensionAct.REPORT, report, officer=6)
    await office.settle(suspension)
    await office.stage(suspension, "lifted")
    await office.pass_days(0.1)


async def suspended_and_withdrawn(office: Office) -> None:
    """The participant's address is mended, the participant waives the hearing, and withdraws."""
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    better = Correction(role=Role.CANDIDATE, email="better@example.org", reason="told by telephone")
    await office.act(candidacy, Act.CORRECT, better)
    await office.rule(suspension, SuspensionAct.WAIVE, Waiver(how="by telephone"))
    await office.act(candidacy, Act.WITHDRAW, Reason(reason="health"))
    await office.stage(suspension, "withdrawn")
    await office.pass_days(0.1)


async def suspended_in_error_and_deceased(office: Office) -> None:
    """One opened in error is void; a second ends with the participant's death."""
    candidacy = await office.participant()
    first = await office.suspend(candidacy)
    await office.rule(first, SuspensionAct.VOID, Reason(reason="another person of that name"))
    await office.stage(first, "void")
    second = await office.suspend(candidacy)
    await office.act(candidacy, Act.RECORD_DEATH, Reason(reason="told by the family"))
    await office.stage(second, "deceased")
    await office.pass_days(0.1)


async def second_edition(office: Office) -> None:
    """Where the second edition parts with the first: screened, told twice, a run that ends, who may follow."""
    await office.open(opens=(await office.today()) - timedelta(days=1))
    first, second = [await office.nominate(family_name=name) for name in ("Kestrel", "Barnard")]
    for reference in (first, second):
        await office.declare(reference)
        await office.clear(reference)
    await office.adopt(first, reserve=(second,))
    await office.stage(first, "participant")
    await office.pass_days(0.1)
    await office.act(first, Act.WITHDRAW, Reason(reason="health"))
    await office.pass_days(0.1)


async def third_edition(office: Office) -> None:
    """Where the third edition parts with the second: letters that the next run delivers, in runs that are shorter."""
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.serve(suspension)
    assert await office.suspend(candidacy, officer=4, ground="banned-symbol") == suspension
    await office.hear_out(suspension)
    await office.settle(suspension)
    await office.stage(suspension, "lifted")
    await office.pass_days(0.1)


async def doubted_and_suspended_for_a_hit(office: Office) -> None:
    """A doubt that an officer dispels, evidence that is asked for, and a hit that a suspension is opened for."""
    asked = tuple(each.model_copy(update={"evidence": each.key == "opposes-war"}) for each in criteria().criteria)
    opens = (await office.today()) - timedelta(days=1)
    await office.open(opens=opens, criteria=criteria().model_copy(update={"criteria": asked}))
    office.ledger.known_namesakes = (Namesake(reference="C-2026-0099", shares=frozenset({About.CANDIDATE, About.DAY})),)
    reference = await office.nominate()
    await office.declare(reference)
    await office.pass_days(0.1)
    await office.act(reference, Act.REQUEST_INFORMATION, InformationRequest(question="What did you publish?"))
    supplied = Information(answer="This.", evidence={"opposes-war": ("An article",)})
    await office.act(reference, Act.SUPPLY_INFORMATION, supplied)
    with office.still():
        file = CandidacyState.model_validate((await office.officer().case(reference)).state).file
    assert file is not None
    (doubt,) = file.doubts
    word = Resolution(hit=doubt.id, digest=doubt.digest, verdict=Verdict.OTHER_PERSON, reason="asked both")
    await office.act(reference, Act.RESOLVE, word, officer=2)
    for officer in (2, 3):
        await office.act(reference, Act.ASSESS, office.assessment(), officer=officer)
    await office.adopt(reference)
    await office.stage(reference, "participant")
    await office.pass_days(0.1)
    office.lists.says = Screened(asked={"somebody": 1}, hits=(a_hit(),))
    with office.still():
        await office.officer().rescreen()
    await office.pass_days(0.1)
    suspension = await office.suspend(reference, ground="screening-hit", evidence=(evidence_of(a_hit()),))
    await office.act(reference, Act.WITHDRAW, Reason(reason="no time"))
    await office.stage(suspension, "withdrawn")
    await office.pass_days(0.1)


async def kept_and_erased(office: Office) -> None:
    """The desk is told what will be erased, an officer holds one of two back, and the round erases the other."""
    await office.open()
    for name in ("Kestrel", "Barnard"):
        await office.act(await office.nominate(family_name=name), Act.DECLINE, Reason(reason="no time"))
    await office.pass_days(340)
    await office.go_round()
    await office.pass_days(1)
    await office.retain("C-2026-0002", (await office.today()) + timedelta(days=365))
    await office.pass_days(60)
    await office.go_round()


SCENARIOS: Final[dict[str, Scenario]] = {
    scenario.__name__: scenario
    for scenario in (
        participant_and_expired,
        ratified_and_withdrawn,
        lapsed,
        declined_after_a_correction,
        ineligible_by_a_third_assessment,
        overdue_and_resumed,
        refused_by_the_plenary,
        seated_after_a_refusal,
        dates_moved,
        screened_and_settled,
        letters_in_trouble,
        given_again_and_replayed,
        suspended_and_lifted,
        suspended_and_excluded,
        upheld_reversed_and_lapsed,
        excluded_and_reinstated,
        suspended_and_withdrawn,
        suspended_in_error_and_deceased,
        second_edition,
        third_edition,
        doubted_and_suspended_for_a_hit,
        kept_and_erased,
    )
}
