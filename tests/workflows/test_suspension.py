"""A suspension and its candidacy on a server that skips time: every ending, and the ways they could disagree."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from activities.ports import Write
from adapters.cases import TemporalCases
from domain.candidacy import Act, Correction, Measure, Reason
from domain.ledger import Entry, Recorded
from domain.lists import Drafting, ListAct, ListPlan, ListState, Place
from domain.notices import Role, Template
from domain.people import SeatKind
from domain.session import SessionAmendment
from domain.steps import CaseKind
from domain.suspension import (
    Assignment,
    Extension,
    Observations,
    Recommendation,
    ReviewReport,
    SuspensionAct,
    Waiver,
)
from starter.desk import Refused
from tests.builders import SESSION, a_charge, a_reversal
from tests.workflows.office import Office


@contextmanager
def held_up(office: Office, act: SuspensionAct, monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Event]:
    """Let the ledger take an act only when the context ends; the event says that it is asked to."""
    record, asked, go_on = office.ledger.record, asyncio.Event(), asyncio.Event()

    async def recorded(entry: Entry, write: Write) -> Recorded:
        if entry.step.act == act:
            asked.set()
            await go_on.wait()
        return await record(entry, write)

    monkeypatch.setattr(office.ledger, "record", recorded)
    yield asked
    go_on.set()


async def accepted(office: Office, reference: str, number: int) -> None:
    """Wait until the present run of a case has let so many updates in."""
    handle = office.env.client.get_workflow_handle(office.ledger.cases[reference].entry.workflow_id)
    let_in = "EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED"
    while [EventType.Name(event.event_type) async for event in handle.fetch_history_events()].count(let_in) < number:
        await asyncio.sleep(0.01)


def addressees(office: Office, reference: str) -> list[str]:
    """Who got the letters of a case, in order."""
    return [sent.to.email for sent in office.box.received if sent.reference.startswith(f"{reference}.")]


async def test_lifted_the_participant_takes_part_as_before(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.stage(candidacy, "suspended")
    await office.hear_out(suspension)
    await office.settle(suspension)
    await office.stage(suspension, "lifted")

    assert office.ledger.cases[candidacy].entry.stage == "participant"
    assert office.acts(suspension) == ["open", "serve", "observe", "assign", "report", "decide", "conclude"]
    assert office.acts(candidacy)[-2:] == ["suspend", "restore"]
    assert set(office.ledger.cases[candidacy].steps[-1].effects) == {
        "ends:suspension:1",
        "ends:measure:full",
        "outcome:lifted",
        "restores:participation",
        "restores:notify_expiry",
    }
    await office.pass_days(0.1)
    assert office.letters(suspension) == [
        Template.SUSPENSION_OPENED,
        Template.SECRETARIAT_MEASURE,
        Template.SECRETARIAT_MEASURE,
        Template.HEARING,
        Template.OBSERVATIONS_RECEIVED,
        Template.SUSPENSION_LIFTED,
        Template.SECRETARIAT_END,
        Template.SECRETARIAT_END,
    ]
    assert office.nomination().nominator.email not in addressees(office, suspension)


async def test_excluded_the_seat_is_free_and_the_desk_is_told_who_may_follow(office: Office) -> None:
    await office.open(opens=(await office.today()) - timedelta(days=1))
    first, second = [await office.nominate(family_name=name) for name in ("Kestrel", "Barnard")]
    for reference in (first, second):
        await office.clear(reference)
    taken = await office.adopt(first, reserve=(second,))
    await office.stage(first, "participant")
    await office.stage(second, "reserve")
    await office.pass_days(0.1)
    suspension = await office.suspend(first)
    await office.hear_out(suspension)
    await office.settle(suspension, Recommendation.EXCLUDED)
    await office.stage(suspension, "excluded")
    await office.pass_days(0.1)

    seats = office.ledger.cases[taken.receipt.reference]
    assert office.ledger.cases[first].entry.stage == "excluded"
    assert seats.steps[-1].act == ListAct.VACATE
    assert seats.steps[-1].effects == (f"may-follow:{second}",)
    assert office.letters(taken.receipt.reference)[-1] is Template.DESK_VACANCY


async def test_upheld_it_ends_with_the_session(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.hear_out(suspension)
    await office.settle(suspension, Recommendation.UPHELD)
    await office.pass_days(470)
    await office.stage(suspension, "expired")

    assert office.ledger.cases[candidacy].entry.stage == "expired"
    assert office.letters(suspension)[-1] is Template.SUSPENSION_CLOSED
    assert office.letters(candidacy)[-1] is Template.EXPIRED


async def test_what_nobody_decides_is_referred_again_and_again_and_lapses_with_the_session(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.pass_days(470)
    await office.stage(suspension, "lapsed_with_session")

    acts = office.acts(suspension)
    assert acts[:6] == ["open", "presume", "remind", "remind", "close_hearing", "warn"]
    assert acts.count("refer") > 40
    assert acts[-1] == "conclude"
    assert office.ledger.cases[candidacy].entry.stage == "expired"
    assert (office.letters(suspension)[-1], office.letters(candidacy)[-1]) == (
        Template.SUSPENSION_CLOSED,
        Template.EXPIRED,
    )
    assert "bureau@example.org" in addressees(office, suspension)


@pytest.mark.parametrize(
    ("act", "ending", "last"),
    [
        (Act.WITHDRAW, "withdrawn", [Template.SUSPENSION_CLOSED, Template.SECRETARIAT_END, Template.SECRETARIAT_END]),
        (Act.RECORD_DEATH, "deceased", [Template.SECRETARIAT_END, Template.SECRETARIAT_END]),
    ],
)
async def test_a_participant_who_leaves_ends_the_suspension(
    office: Office, act: Act, ending: str, last: list[Template]
) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.serve(suspension)
    await office.act(candidacy, act, Reason(reason="told by the family"))
    await office.stage(suspension, ending)
    await office.pass_days(0.1)

    assert office.ledger.cases[candidacy].entry.stage == ending
    assert office.letters(suspension)[4:] == last


async def test_void_it_counts_as_never_opened(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.rule(suspension, SuspensionAct.VOID, Reason(reason="another person of that name"))
    await office.stage(suspension, "void")

    assert office.ledger.cases[candidacy].entry.stage == "participant"


async def test_upheld_and_reversed_it_is_reviewed_again_with_limits_computed_anew(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.hear_out(suspension)
    await office.settle(suspension, Recommendation.UPHELD)
    await office.pass_days(100)
    await office.rule(suspension, SuspensionAct.REVERSE, a_reversal(measure=Measure.NONE), officer=4)
    await office.stage(candidacy, "participant")
    await office.pass_days(80)

    assert "refer" not in office.acts(suspension)
    await office.pass_days(20)
    assert office.acts(suspension)[-1] == "refer"


@pytest.mark.parametrize(
    ("outcome", "ending", "measure", "stage"),
    [
        (Recommendation.LIFTED, "lifted", Measure.FULL, "suspended"),
        (Recommendation.EXCLUDED, "excluded", Measure.FULL, "suspended"),
        (Recommendation.EXCLUDED, "excluded", Measure.NONE, "participant"),
    ],
)
async def test_a_decision_that_has_come_to_pass_is_undone_with_all_its_effects(
    office: Office, outcome: Recommendation, ending: str, measure: Measure, stage: str
) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.hear_out(suspension)
    await office.settle(suspension, outcome)
    await office.stage(suspension, ending)
    await office.pass_days(30)
    await office.rule(suspension, SuspensionAct.REVERSE, a_reversal(measure=measure), officer=4)
    await office.stage(candidacy, stage)
    await office.pass_days(0.1)

    assert office.ledger.cases[suspension].entry.stage == "review"
    if outcome is Recommendation.EXCLUDED:
        seats = office.ledger.cases["L-2026-1"]
        assert [step.act for step in seats.steps[-2:]] == [ListAct.VACATE, ListAct.REINSTATE]
        assert seats.steps[-1].effects == (f"restores:seat:{candidacy}",)
        assert seats.entry.state["vacated"] == []
        effects = {"undoes:excluded", "returns-to:L-2026-1", "restores:expire", "suspension:1"}
        assert effects <= set(office.ledger.cases[candidacy].steps[-1].effects)
        assert office.letters("L-2026-1")[-1] is Template.DESK_VACANCY
    await office.rule(suspension, SuspensionAct.ASSIGN, Assignment(reviewer="O-6"))
    report = ReviewReport(text="Read anew.", recommendation=Recommendation.EXCLUDED)
    await office.rule(suspension, SuspensionAct.REPORT, report, officer=6)
    await office.settle(suspension, Recommendation.EXCLUDED)
    await office.stage(suspension, "excluded")
    await office.pass_days(0.1)

    assert office.ledger.cases[candidacy].entry.stage == "excluded"
    assert office.ledger.cases["L-2026-1"].steps[-1].act == ListAct.VACATE


async def test_nobody_loses_a_seat_by_a_reversal(office: Office) -> None:
    await office.open(opens=(await office.today()) - timedelta(days=1), seats=1, reserved_share=0)
    first, second = [await office.nominate(family_name=name) for name in ("Kestrel", "Barnard")]
    for reference in (first, second):
        await office.clear(reference)
    taken = await office.adopt(first, reserve=(second,))
    await office.stage(first, "participant")
    await office.pass_days(0.1)
    suspension = await office.suspend(first)
    await office.hear_out(suspension)
    await office.settle(suspension, Recommendation.EXCLUDED)
    await office.stage(suspension, "excluded")
    await office.pass_days(0.1)
    plan = ListPlan(seats=(Place(candidacy=second, seat=SeatKind.GENERAL),))
    again = await office.on_list(taken.receipt.reference, ListAct.AMEND, Drafting(plan=plan))
    await office.propose(again)
    await office.decide(again)
    await office.stage(second, "participant")

    with pytest.raises(Refused) as refused:
        await office.rule(suspension, SuspensionAct.REVERSE, a_reversal(), officer=4)
    assert refused.value.rule == "seat-taken"
    assert office.ledger.cases[suspension].entry.stage == "excluded"
    assert office.ledger.cases[first].entry.stage == "excluded"


async def test_a_list_that_does_not_run_hears_of_the_return_once_it_does(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.hear_out(suspension)
    await office.settle(suspension, Recommendation.EXCLUDED)
    await office.stage(suspension, "excluded")
    await office.pass_days(0.1)
    seats = ListState.model_validate(office.ledger.cases["L-2026-1"].entry.state)
    await office.env.client.get_workflow_handle(seats.workflow_id).terminate()
    await office.rule(suspension, SuspensionAct.REVERSE, a_reversal(), officer=4)
    await office.stage(candidacy, "suspended")
    await office.pass_days(0.01)
    assert await TemporalCases(office.env.client, office.queue).restart(CaseKind.LIST, seats)
    await office.pass_days(0.01)

    assert office.acts("L-2026-1")[-2:] == [ListAct.VACATE, ListAct.REINSTATE]


async def test_what_goes_on_after_its_end_goes_on_with_the_dates_of_today(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.hear_out(suspension)
    await office.settle(suspension, Recommendation.EXCLUDED)
    await office.stage(suspension, "excluded")
    await office.pass_days(0.1)
    closes = (await office.today()) + timedelta(days=500)
    later = SessionAmendment(closes=closes, reason="prolonged")
    with office.still():
        await office.officer().amend_session(SESSION, later)
    await office.pass_days(440)
    await office.rule(suspension, SuspensionAct.REVERSE, a_reversal(), officer=4)
    await office.stage(candidacy, "suspended")
    await office.pass_days(1)

    for reference in (candidacy, suspension):
        assert office.acts(reference)[-1] == "rearm"
        assert office.ledger.cases[reference].entry.state["terms"]["closes"] == closes.isoformat()
    await office.pass_days(80)
    assert office.ledger.cases[candidacy].entry.stage == "expired"
    assert office.ledger.cases[suspension].entry.stage == "lapsed_with_session"


async def test_two_officers_who_undo_one_decision_at_once_undo_it_once(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.hear_out(suspension)
    await office.settle(suspension)
    await office.stage(suspension, "lifted")
    await office.pass_days(0.1)
    with office.still():
        desks = [office.officer(number) for number in (4, 5)]
        reversal = a_reversal()
        done = await asyncio.gather(
            *(desk.act_on_suspension(suspension, SuspensionAct.REVERSE, reversal) for desk in desks),
            return_exceptions=True,
        )

    (refused,) = [each for each in done if isinstance(each, Refused)]
    assert refused.rule in {"suspension-reverse", "case-ended"}
    assert office.acts(suspension).count("reverse") == 1
    await office.stage(candidacy, "suspended")


async def test_a_second_suspension_follows_one_that_has_ended(office: Office) -> None:
    candidacy = await office.participant()
    first = await office.suspend(candidacy)
    await office.rule(first, SuspensionAct.VOID, Reason(reason="another person of that name"))
    second = await office.suspend(candidacy)
    await office.stage(candidacy, "suspended")

    assert (first, second) == ("S-2026-0001", "S-2026-0002")
    assert office.ledger.cases[second].entry.workflow_id.endswith("/2")


async def test_two_officers_who_act_at_once_join_one_suspension(office: Office) -> None:
    candidacy = await office.participant()
    with office.still():
        taken = await asyncio.gather(
            *(
                office.officer(number).open_suspension(candidacy, a_charge(reason=f"Told by {number}."))
                for number in (1, 4)
            )
        )

    assert {each.receipt.reference for each in taken} == {"S-2026-0001"}
    assert sorted(each.receipt.seq for each in taken) == [1, 2]
    assert all(each.fresh for each in taken)
    await office.pass_days(0.1)


async def test_a_trigger_given_twice_by_one_officer_is_taken_once(office: Office) -> None:
    candidacy = await office.participant()
    with office.still():
        taken = [await office.officer().open_suspension(candidacy, a_charge()) for _ in range(2)]

    assert [(each.receipt.seq, each.fresh) for each in taken] == [(1, True), (1, False)]


async def test_only_a_participant_is_suspended(office: Office) -> None:
    await office.open()
    candidacy = await office.nominate()
    with pytest.raises(Exception, match="only a participant can be suspended") as refused:
        await office.suspend(candidacy)
    assert getattr(refused.value, "rule", None) == "suspension-participant"


async def test_an_opening_that_the_ledger_refuses_leaves_no_case_and_no_suspension(office: Office) -> None:
    candidacy = await office.participant()
    office.ledger.refused = frozenset({SuspensionAct.OPEN})
    with pytest.raises(Refused):
        await office.suspend(candidacy)
    office.ledger.refused = frozenset()

    assert "S-2026-0001" not in office.ledger.cases
    assert office.ledger.cases[candidacy].entry.stage == "participant"
    assert await office.suspend(candidacy) == "S-2026-0001"


async def test_letters_of_the_suspension_follow_a_corrected_address(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    better = Correction(role=Role.CANDIDATE, email="better@example.org", reason="told by telephone")
    await office.act(candidacy, Act.CORRECT, better)
    await office.pass_days(0.1)
    await office.serve(suspension)
    await office.pass_days(0.1)

    assert addressees(office, suspension)[-1] == "better@example.org"


async def test_the_time_to_answer_ends_later_once_extended(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy)
    await office.serve(suspension)
    await office.rule(suspension, SuspensionAct.EXTEND, Extension(days=30, reason="ill"))
    await office.pass_days(25)
    assert office.ledger.cases[suspension].entry.stage == "hearing"
    await office.pass_days(25)
    assert office.ledger.cases[suspension].entry.stage == "review"


async def test_a_ground_joined_in_review_opens_the_hearing_again(office: Office) -> None:
    candidacy = await office.participant()
    suspension = await office.suspend(candidacy, measure=Measure.NONE)
    await office.hear_out(suspension)
    assert office.ledger.cases[candidacy].entry.stage == "participant"
    assert await office.suspend(candidacy, officer=4, ground="banned-symbol") == suspension
    await office.stage(candidacy, "suspended")
    assert office.ledger.cases[suspension].entry.stage == "hearing"
    await office.rule(suspension, SuspensionAct.WAIVE, Waiver(how="by telephone"))

    assert office.ledger.cases[suspension].entry.stage == "review"


@pytest.mark.parametrize("ends", [False, True], ids=["goes back", "ends"])
async def test_a_letter_left_to_the_next_run_goes_out_where_there_is_none(
    office: Office, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    suspension = await office.suspend(candidacy := await office.participant())
    await office.serve(suspension)
    await office.pass_days(0.1)

    async def and_then() -> object:
        if ends:
            return await office.rule(suspension, SuspensionAct.VOID, Reason(reason="another person"), officer=4)
        return await office.suspend(candidacy, officer=4, ground="banned-symbol")

    with held_up(office, SuspensionAct.OBSERVE, monkeypatch) as asked:
        answered = asyncio.create_task(
            office.rule(suspension, SuspensionAct.OBSERVE, Observations(answer="It was not I."))
        )
        await asked.wait()
        # Taken in the moment in which the answer, recorded, would end the run.
        then = asyncio.create_task(and_then())
        await accepted(office, suspension, 2)
    await asyncio.gather(answered, then)
    await office.stage(suspension, "void" if ends else "hearing")
    await office.pass_days(0.1)

    assert {
        Template.OBSERVATIONS_RECEIVED,
        Template.SUSPENSION_VOID if ends else Template.FURTHER_GROUND,
    } <= set(office.letters(suspension))
