from datetime import date, datetime, timedelta
from itertools import product
from typing import Any, Final

import pytest
from pydantic import ValidationError

from domain.candidacy import (
    ENDINGS,
    MOVES,
    OPEN,
    Act,
    CandidacyState,
    Correction,
    Declaration,
    InformationRequest,
    Measure,
    Reason,
    Stage,
    affected,
    agenda,
    check,
    check_nomination,
    come_due,
    command,
    deadline,
    open_case,
    rearm,
    return_again,
)
from domain.errors import IncompleteAnswer, NotAtThisStage, NothingToChange, OutOfTime, Refusal, SamePerson
from domain.model import Model
from domain.notices import Notice, Role, Template
from domain.people import Contact, Language, SeatKind
from domain.session import Limits, Terms
from domain.steps import Dispatch, Due, Outcome, Trigger
from domain.timelimits import Limit, end_of, start_of
from domain.vetting import Judgement
from tests.builders import (
    LIST,
    NOMINATED_AT,
    a_candidacy,
    a_case,
    a_declaration,
    a_nomination,
    an_assessment,
    an_envelope,
    an_hour_after,
    commanded,
    heard,
    information,
    ordered,
    terms,
)

OTHER_LIST: Final = "L-2026-2"
OFFICERS_ACTS: Final = (
    Act.DECLARE,
    Act.DECLINE,
    Act.ASSESS,
    Act.REQUEST_INFORMATION,
    Act.SUPPLY_INFORMATION,
    Act.CORRECT,
    Act.WITHDRAW,
)
WORDS: Final = (
    Act.PROPOSE,
    Act.RESERVE,
    Act.SEND_BACK,
    Act.APPROVE,
    Act.CONFIRM_RESERVE,
    Act.NOT_RETAIN,
    Act.RATIFY,
    Act.REFUSE_RATIFICATION,
)
CONTENTS: Final[dict[Act, Model]] = {
    Act.DECLARE: a_declaration(),
    Act.DECLINE: Reason(reason="No time."),
    Act.ASSESS: an_assessment(),
    Act.REQUEST_INFORMATION: InformationRequest(question="Where were you?"),
    Act.SUPPLY_INFORMATION: information(),
    Act.CORRECT: Correction(role=Role.CANDIDATE, email="new@example.org", reason="It bounced."),
    Act.WITHDRAW: Reason(reason="No time."),
}


def readers(outcome: Outcome[CandidacyState]) -> list[tuple[Template, Role]]:
    return [(notice.template, notice.role) for notice in outcome.notices]


def the_letter(outcome: Outcome[CandidacyState]) -> Notice:
    (notice,) = outcome.notices
    return notice


def run_until(state: CandidacyState, until: datetime) -> tuple[CandidacyState, list[Outcome[CandidacyState]]]:
    """Take everything as it comes due, on time."""
    taken = []
    while (dues := agenda(state)) and dues[0].at <= until:
        taken.append(come_due(state, dues[0], dues[0].at))
        state = taken[-1].state
    return state, taken


def wake_at(state: CandidacyState, at: datetime) -> tuple[CandidacyState, list[Outcome[CandidacyState]]]:
    """Take everything that came due while nobody ran the case, at once."""
    taken = []
    while (dues := agenda(state)) and dues[0].at <= at:
        taken.append(come_due(state, dues[0], at))
        state = taken[-1].state
    return state, taken


def kinds(outcomes: list[Outcome[CandidacyState]]) -> list[tuple[str, datetime]]:
    return [(outcome.step.act, outcome.step.at) for outcome in outcomes]


class TestTheTable:
    @pytest.mark.parametrize(("act", "stage"), list(product(OFFICERS_ACTS, Stage)))
    def test_an_act_is_legal_by_the_table_or_refused_by_the_rule_of_its_name(self, act: Act, stage: Stage) -> None:
        state = a_case(stage)

        if stage in MOVES[act]:
            outcome = commanded(state, act, CONTENTS[act], signer="O-9")
            assert outcome.state.stage in MOVES[act][stage]
        else:
            with pytest.raises(NotAtThisStage) as refused:
                commanded(state, act, CONTENTS[act], signer="O-9")
            assert refused.value.rule == f"candidacy-{act.replace('_', '-')}"

    def test_a_refusal_says_where_the_act_belongs(self) -> None:
        with pytest.raises(NotAtThisStage) as refused:
            check(a_case(Stage.CLEARED), Act.ASSESS)

        assert str(refused.value) == "assess is not possible while the candidacy is cleared; it belongs to: vetting"

    @pytest.mark.parametrize(("act", "stage"), list(product(WORDS, sorted(OPEN))))
    def test_a_word_moves_by_the_table_or_is_noted_and_changes_nothing(self, act: Act, stage: Stage) -> None:
        state = a_case(stage)

        outcome = heard(state, act, seat=SeatKind.GENERAL)

        if stage in MOVES[act]:
            assert outcome.step.act == act
            assert outcome.state.stage in MOVES[act][stage]
        else:
            assert (outcome.step.act, outcome.step.effects) == (Act.UNHEEDED, (f"not-at-stage:{act}",))
            assert outcome.notices == ()
            changed = {"seq": state.seq + 1, "decisions": outcome.state.decisions}
            assert outcome.state == state.model_copy(update=changed)

    @pytest.mark.parametrize("stage", sorted(ENDINGS))
    def test_an_ended_case_waits_for_nothing(self, stage: Stage) -> None:
        state = a_case(stage)

        assert state.ended is True
        assert agenda(state) == ()
        assert deadline(state) is None

    def test_every_stage_is_reached_by_some_road(self) -> None:
        assert {a_case(stage).stage for stage in Stage} == set(Stage)
        assert {to for moves in MOVES.values() for reached in moves.values() for to in reached} == set(Stage)

    def test_no_move_leads_out_of_an_ending_but_the_one_that_undoes_an_exclusion(self) -> None:
        sources = {act: set(moves) for act, moves in MOVES.items()}

        assert sources.pop(Act.REINSTATE) == {Stage.EXCLUDED}
        assert set().union(*sources.values()) == OPEN

    def test_the_door_holds_the_table_against_a_step_that_was_never_checked(self) -> None:
        state = a_case(Stage.CLEARED)
        envelope = an_envelope(Act.CORRECT, state.reference, Reason(reason="No time."))

        with pytest.raises(AssertionError, match=r"^correct cannot lead from cleared to declined$"):
            command(state, envelope, an_hour_after(state))

    def test_content_of_another_case_is_a_defect(self) -> None:
        state = a_case()

        with pytest.raises(TypeError, match=r"^no candidacy takes Limit$"):
            command(state, an_envelope(Act.WITHDRAW, state.reference, Limit(days=1)), an_hour_after(state))

    def test_an_act_that_never_comes_due_is_a_defect(self) -> None:
        state = a_case()

        with pytest.raises(ValueError, match=r"^withdraw does not come due by itself$"):
            come_due(state, Due(at=an_hour_after(state), kind=Act.WITHDRAW), an_hour_after(state))


class TestNomination:
    def test_the_nominator_gets_a_receipt_and_the_candidate_an_invitation(self) -> None:
        outcome = a_candidacy()
        receipt, invitation = outcome.notices

        assert (receipt.template, receipt.to) == (Template.RECEIPT, outcome.state.nomination.nominator)
        assert (invitation.template, invitation.to) == (
            Template.INVITATION,
            outcome.state.nomination.candidate.contact,
        )
        assert invitation.facts.act_by == date(2025, 12, 22)
        assert invitation.facts.statements == ("shares-values (fr)", "opposes-war (fr)")

    def test_the_first_step_is_number_one_and_carries_the_envelope(self) -> None:
        step = a_candidacy().step

        assert (step.seq, step.act, step.trigger, step.stage_before, step.stage, step.signer) == (
            1,
            "nominate",
            Trigger.OFFICER,
            "",
            Stage.NOMINATED,
            "O-1",
        )

    def test_the_workflow_is_one_per_person_and_session(self) -> None:
        state = a_case(number=7)

        assert state.workflow_id == f"candidacy/2026/{7:032x}"

    @pytest.mark.parametrize("late", [timedelta(0), timedelta(days=1)])
    def test_no_nomination_is_taken_once_nominations_have_closed(self, late: timedelta) -> None:
        closes = end_of(date(2026, 1, 5))
        check_nomination(terms(), closes - timedelta(microseconds=1))

        with pytest.raises(OutOfTime) as refused:
            open_case(
                an_envelope("nominate", "candidacy/2026/x", a_nomination()),
                terms=terms(),
                fingerprint="0" * 32,
                statements=(),
                at=closes + late,
            )

        assert refused.value.rule == "nominations-close"


class TestDeclaration:
    def test_consent_and_a_yes_to_every_criterion_lead_to_vetting(self) -> None:
        outcome = commanded(a_case(), Act.DECLARE, a_declaration())

        assert outcome.state.stage is Stage.VETTING
        assert readers(outcome) == [(Template.DECLARED, Role.CANDIDATE)]

    @pytest.mark.parametrize(
        ("declaration", "effects"),
        [
            (a_declaration(but="opposes-war"), ("not-affirmed:opposes-war",)),
            (a_declaration(consent=False), ("no-consent",)),
        ],
    )
    def test_a_no_ends_as_ineligible_with_the_reason(self, declaration: Declaration, effects: tuple[str, ...]) -> None:
        outcome = commanded(a_case(), Act.DECLARE, declaration)

        assert outcome.state.stage is Stage.INELIGIBLE
        assert outcome.step.effects == effects
        assert readers(outcome) == [(Template.INELIGIBLE, Role.CANDIDATE)]

    def test_one_answer_too_few_is_refused(self) -> None:
        declaration = a_declaration()

        with pytest.raises(IncompleteAnswer, match=r"^an answer is missing for opposes-war$"):
            commanded(a_case(), Act.DECLARE, declaration.model_copy(update={"answers": declaration.answers[:1]}))

    def test_a_declaration_is_taken_up_to_midnight_of_the_last_day_and_not_later(self) -> None:
        state = a_case()
        midnight = end_of(date(2025, 12, 22))

        assert (
            commanded(state, Act.DECLARE, a_declaration(), at=midnight - timedelta(microseconds=1)).state.stage
            is Stage.VETTING
        )
        with pytest.raises(OutOfTime) as refused:
            commanded(state, Act.DECLARE, a_declaration(), at=midnight)
        assert refused.value.rule == "answer-limit"

    def test_a_no_of_the_candidate_is_declined(self) -> None:
        outcome = commanded(a_case(), Act.DECLINE, Reason(reason="No time."))

        assert outcome.state.stage is Stage.DECLINED
        assert readers(outcome) == [(Template.DECLINED, Role.CANDIDATE)]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"consent": "yes"},
            {"consent": "true"},
            {"consent": 1},
            {"consent": None},
            {"answers": [{"criterion": "opposes-war", "affirmed": "yes"}]},
            {"answers": [{"criterion": "opposes-war", "affirmed": 1}]},
            {"answers": [{"criterion": "Opposes war", "affirmed": True}]},
            {"answers": []},
            {"received": "by\r\nfax"},
        ],
    )
    def test_a_declaration_that_is_not_plain_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError) as refused:
            Declaration.model_validate(a_declaration().model_dump() | wrong)

        assert {error["loc"][0] for error in refused.value.errors()} == set(wrong)


class TestSilence:
    def test_reminders_go_out_seven_and_two_days_before_and_then_the_case_lapses(self) -> None:
        state, taken = run_until(a_case(), end_of(date(2025, 12, 22)))

        assert kinds(taken) == [
            (Act.REMIND, datetime.fromisoformat("2025-12-15T08:00Z")),
            (Act.REMIND, datetime.fromisoformat("2025-12-20T08:00Z")),
            (Act.LAPSE, datetime.fromisoformat("2025-12-22T23:00Z")),
        ]
        assert [readers(outcome) for outcome in taken] == [
            [(Template.REMINDER, Role.CANDIDATE)],
            [(Template.REMINDER, Role.CANDIDATE)],
            [(Template.LAPSED, Role.CANDIDATE)],
        ]
        assert [outcome.notices[0].facts.act_by for outcome in taken] == [
            date(2025, 12, 22),
            date(2025, 12, 22),
            None,
        ]
        assert state.stage is Stage.LAPSED

    def test_who_sleeps_through_both_reminders_sends_one(self) -> None:
        state, taken = wake_at(a_case(), datetime.fromisoformat("2025-12-21T08:00Z"))

        assert [readers(outcome) for outcome in taken] == [[(Template.REMINDER, Role.CANDIDATE)]]
        assert [due.kind for due in agenda(state)] == [Act.LAPSE, Act.EXPIRE]

    def test_no_reminder_goes_out_for_a_limit_that_passed_meanwhile(self) -> None:
        state, taken = wake_at(a_case(), datetime.fromisoformat("2026-01-02T08:00Z"))

        assert [(outcome.step.act, outcome.step.effects, readers(outcome)) for outcome in taken] == [
            (Act.REMIND, ("too-late",), []),
            (Act.LAPSE, (), [(Template.LAPSED, Role.CANDIDATE)]),
        ]
        assert state.stage is Stage.LAPSED

    def test_a_limit_shorter_than_the_reminders_has_only_those_that_fit(self) -> None:
        short = Limits(answer=Limit(days=3))
        state, taken = run_until(a_case(under=terms(limits=short)), end_of(date(2025, 12, 31)))

        assert [outcome.step.act for outcome in taken] == [Act.REMIND, Act.LAPSE]
        assert state.stage is Stage.LAPSED


class TestVetting:
    def test_two_officers_who_agree_clear_the_candidate_and_no_letter_goes_out(self) -> None:
        state = a_case(Stage.VETTING)
        first = commanded(state, Act.ASSESS, an_assessment(), signer="O-2")
        second = commanded(first.state, Act.ASSESS, an_assessment(), signer="O-3")

        assert (first.state.stage, first.step.effects) == (Stage.VETTING, ("vetting:awaited",))
        assert (second.state.stage, second.step.effects) == (Stage.CLEARED, ("vetting:cleared",))
        assert (first.notices, second.notices) == ((), ())
        assert [given.officer for given in second.state.assessments] == ["O-2", "O-3"]

    def test_two_who_find_a_criterion_adverse_end_the_case(self) -> None:
        state = a_case(Stage.VETTING)
        for signer in ("O-2", "O-3"):
            outcome = commanded(state, Act.ASSESS, an_assessment(Judgement.ADVERSE), signer=signer)
            state = outcome.state

        assert state.stage is Stage.INELIGIBLE
        assert outcome.step.effects == ("vetting:ineligible", "criterion:shares-values")
        assert readers(outcome) == [(Template.INELIGIBLE, Role.CANDIDATE)]

    @pytest.mark.parametrize(
        ("third", "stage", "letters"),
        [
            (Judgement.CLEAR, Stage.CLEARED, []),
            (Judgement.ADVERSE, Stage.INELIGIBLE, [(Template.INELIGIBLE, Role.CANDIDATE)]),
            (Judgement.UNSURE, Stage.VETTING, [(Template.DESK_UNRESOLVED, Role.DESK)]),
        ],
    )
    def test_a_third_officer_is_asked_and_decides(
        self, third: Judgement, stage: Stage, letters: list[tuple[Template, Role]]
    ) -> None:
        state = commanded(a_case(Stage.VETTING), Act.ASSESS, an_assessment(), signer="O-2").state
        asked = commanded(state, Act.ASSESS, an_assessment(Judgement.ADVERSE), signer="O-3")
        decided = commanded(asked.state, Act.ASSESS, an_assessment(third), signer="O-4")

        assert readers(asked) == [(Template.DESK_THIRD_ASSESSMENT, Role.DESK)]
        assert decided.state.stage is stage
        assert readers(decided) == letters

    def test_the_same_officer_does_not_assess_twice_in_a_round(self) -> None:
        state = commanded(a_case(Stage.VETTING), Act.ASSESS, an_assessment(), signer="O-2").state

        with pytest.raises(SamePerson) as refused:
            commanded(state, Act.ASSESS, an_assessment(Judgement.UNSURE), signer="O-2")

        assert refused.value.rule == "two-officers"

    def test_a_finding_on_another_criterion_is_refused(self) -> None:
        assessment = an_assessment()
        findings = (*assessment.findings, assessment.findings[0].model_copy(update={"criterion": "likes-tea"}))

        with pytest.raises(IncompleteAnswer, match=r"likes-tea$"):
            commanded(a_case(Stage.VETTING), Act.ASSESS, assessment.model_copy(update={"findings": findings}))

    def test_there_is_no_fourth_assessment(self) -> None:
        with pytest.raises(NotAtThisStage) as refused:
            commanded(unresolved(), Act.ASSESS, an_assessment(Judgement.ADVERSE), signer="O-5")

        assert refused.value.rule == "unresolved-needs-information"

    def test_the_desk_is_reminded_of_its_limit_and_overdue_vetting_comes_up_every_week(self) -> None:
        state, taken = run_until(a_case(Stage.VETTING), end_of(date(2026, 1, 6)))

        assert kinds(taken) == [
            (Act.REMIND, datetime.fromisoformat("2025-12-15T08:00Z")),
            (Act.REMIND, datetime.fromisoformat("2025-12-20T08:00Z")),
            (Act.ESCALATE, datetime.fromisoformat("2025-12-22T23:00Z")),
            (Act.ESCALATE, datetime.fromisoformat("2025-12-29T23:00Z")),
            (Act.ESCALATE, datetime.fromisoformat("2026-01-05T23:00Z")),
        ]
        assert [readers(outcome) for outcome in taken] == [
            [(Template.DESK_VETTING_REMINDER, Role.DESK)],
            [(Template.DESK_VETTING_REMINDER, Role.DESK)],
            [(Template.DESK_OVERDUE, Role.DESK)],
            [(Template.DESK_OVERDUE, Role.DESK)],
            [(Template.DESK_OVERDUE, Role.DESK)],
        ]
        assert taken[0].notices[0].facts.act_by == date(2025, 12, 22)
        assert taken[2].notices[0].facts.overdue == "vetting"
        assert state.stage is Stage.VETTING

    def test_after_a_long_stop_one_escalation_goes_out_and_the_series_goes_on(self) -> None:
        state, taken = wake_at(a_case(Stage.VETTING), datetime.fromisoformat("2026-02-11T12:00Z"))

        letters = [notice.template for outcome in taken for notice in outcome.notices]
        assert letters == [Template.DESK_OVERDUE]
        assert agenda(state)[0] == Due(at=datetime.fromisoformat("2026-02-16T23:00Z"), kind=Act.ESCALATE)


def unresolved() -> CandidacyState:
    state = a_case(Stage.VETTING)
    for signer, judgement in (("O-2", Judgement.CLEAR), ("O-3", Judgement.ADVERSE), ("O-4", Judgement.UNSURE)):
        state = commanded(state, Act.ASSESS, an_assessment(judgement), signer=signer).state
    return state


class TestInformation:
    def test_the_candidate_is_asked_with_a_last_day(self) -> None:
        outcome = commanded(a_case(Stage.VETTING), Act.REQUEST_INFORMATION, CONTENTS[Act.REQUEST_INFORMATION])

        assert the_letter(outcome).template is Template.INFORMATION_REQUEST
        assert the_letter(outcome).facts.text == "Where were you?"
        assert the_letter(outcome).facts.act_by == date(2025, 12, 11)
        assert deadline(outcome.state) == end_of(date(2025, 12, 11))

    def test_what_is_supplied_opens_another_round_for_the_same_officers(self) -> None:
        asked = commanded(unresolved(), Act.REQUEST_INFORMATION, CONTENTS[Act.REQUEST_INFORMATION])
        supplied = commanded(asked.state, Act.SUPPLY_INFORMATION, information())

        assert (supplied.state.stage, supplied.state.round, supplied.state.assessments) == (Stage.VETTING, 2, ())
        assert supplied.step.effects == ("round:2",)
        state = supplied.state
        for signer in ("O-2", "O-3"):
            state = commanded(state, Act.ASSESS, an_assessment(), signer=signer).state
        assert state.stage is Stage.CLEARED

    def test_silence_is_reminded_and_then_vetting_resumes_on_what_there_is(self) -> None:
        asked = commanded(unresolved(), Act.REQUEST_INFORMATION, CONTENTS[Act.REQUEST_INFORMATION])
        state, taken = run_until(asked.state, end_of(date(2025, 12, 11)))

        assert [readers(outcome) for outcome in taken] == [
            [(Template.INFORMATION_REMINDER, Role.CANDIDATE)],
            [(Template.INFORMATION_REMINDER, Role.CANDIDATE)],
            [(Template.INFORMATION_CLOSED, Role.CANDIDATE)],
        ]
        assert taken[0].notices[0].facts.act_by == date(2025, 12, 11)
        assert (state.stage, state.round, len(state.assessments)) == (Stage.VETTING, 1, 3)

    def test_the_vetting_limit_starts_anew_once_vetting_resumes(self) -> None:
        asked = commanded(a_case(Stage.VETTING), Act.REQUEST_INFORMATION, CONTENTS[Act.REQUEST_INFORMATION])
        state, _ = run_until(asked.state, end_of(date(2025, 12, 11)))

        # Midnight at the end of the 11th is the first instant of the 12th; 21 days on from there is a Friday.
        assert deadline(state) == end_of(date(2026, 1, 2))


class TestCorrection:
    @pytest.mark.parametrize(
        ("role", "changes"),
        [
            (Role.CANDIDATE, {"email": "new@example.org"}),
            (Role.CANDIDATE, {"language": Language.RUSSIAN}),
            (Role.NOMINATOR, {"email": "new@example.org", "language": Language.FRENCH}),
        ],
    )
    def test_later_letters_go_where_the_correction_says(self, role: Role, changes: dict[str, Any]) -> None:
        state = a_case(Stage.PARTICIPANT)
        outcome = commanded(state, Act.CORRECT, Correction(role=role, reason="It bounced.", **changes))

        assert outcome.state.stage is Stage.PARTICIPANT
        assert outcome.step.effects == (f"contact:{role}",)
        before = getattr(state.nomination, role)
        assert getattr(outcome.state.nomination, role) == before.model_copy(update=changes)

    def test_a_letter_after_the_correction_goes_to_the_new_address(self) -> None:
        state = commanded(a_case(), Act.CORRECT, CONTENTS[Act.CORRECT]).state

        notice = the_letter(commanded(state, Act.DECLARE, a_declaration()))

        assert notice.to is not None
        assert notice.to.email == "new@example.org"

    def test_the_desks_own_address_is_no_part_of_a_case(self) -> None:
        correction = Correction(role=Role.DESK, email="new@example.org", reason="Moved.")

        with pytest.raises(NotAtThisStage) as refused:
            commanded(a_case(), Act.CORRECT, correction)

        assert refused.value.rule == "candidacy-correct"

    def test_a_correction_that_changes_nothing_is_refused(self) -> None:
        correction = Correction(role=Role.CANDIDATE, email="candidate@example.org", reason="To be sure.")

        with pytest.raises(NothingToChange) as refused:
            commanded(a_case(), Act.CORRECT, correction)

        assert refused.value.rule == "nothing-to-change"

    def test_a_correction_names_what_it_corrects(self) -> None:
        with pytest.raises(ValidationError, match="names neither an address nor a language to correct"):
            Correction(role=Role.CANDIDATE, reason="None.")


class TestWithdrawal:
    @pytest.mark.parametrize("stage", [Stage.PROPOSED, Stage.RESERVE, Stage.APPROVED, Stage.PARTICIPANT])
    def test_who_leaves_a_list_tells_it_that_the_place_is_vacant(self, stage: Stage) -> None:
        outcome = commanded(a_case(stage), Act.WITHDRAW, Reason(reason="No time."))
        vacate = Dispatch(
            workflow_id=f"list/{LIST}",
            signal="vacate",
            decision="vacate:C-2026-0001",
            content={"decision": "vacate:C-2026-0001", "candidacy": "C-2026-0001"},
        )

        assert outcome.state.stage is Stage.WITHDRAWN
        assert outcome.dispatches == outcome.state.outbox == (vacate,)
        assert outcome.step.effects == (f"vacates:{LIST}",)
        assert readers(outcome) == [(Template.WITHDRAWN, Role.CANDIDATE)]

    @pytest.mark.parametrize("stage", [Stage.NOMINATED, Stage.VETTING, Stage.INFORMATION_REQUESTED, Stage.CLEARED])
    def test_who_is_on_no_list_tells_nobody(self, stage: Stage) -> None:
        outcome = commanded(a_case(stage), Act.WITHDRAW, Reason(reason="No time."))

        assert (outcome.state.stage, outcome.dispatches, outcome.step.effects) == (Stage.WITHDRAWN, (), ())


class TestTheListsWord:
    def test_a_proposal_says_which_list_seat_and_hash(self) -> None:
        state = heard(a_case(Stage.CLEARED), Act.PROPOSE, seat=SeatKind.GENERAL).state

        assert (state.list_reference, state.list_hash, state.place, state.rank) == (
            LIST,
            "0" * 64,
            SeatKind.GENERAL,
            None,
        )

    def test_who_is_sent_back_is_on_no_list(self) -> None:
        outcome = heard(a_case(Stage.PROPOSED), Act.SEND_BACK)

        state = outcome.state
        assert (state.stage, state.list_reference, state.list_hash, state.place) == (Stage.CLEARED, None, None, None)
        assert outcome.notices == ()

    @pytest.mark.parametrize("act", [Act.PROPOSE, Act.RESERVE, Act.NOT_RETAIN, Act.APPROVE, Act.SEND_BACK])
    def test_another_list_has_nothing_to_say_to_who_is_on_one(self, act: Act) -> None:
        outcome = heard(a_case(Stage.PROPOSED), act, of=OTHER_LIST)

        assert (outcome.step.act, outcome.state.stage, outcome.state.list_reference) == (
            Act.UNHEEDED,
            Stage.PROPOSED,
            LIST,
        )

    def test_the_reserve_learns_its_rank_once_the_list_is_adopted(self) -> None:
        outcome = heard(a_case(Stage.RESERVE), Act.CONFIRM_RESERVE, rank=3)

        assert outcome.state.rank == 3
        assert (the_letter(outcome).template, the_letter(outcome).facts.rank) == (Template.RESERVE, 3)

    def test_who_is_not_retained_is_told(self) -> None:
        outcome = heard(a_case(Stage.CLEARED), Act.NOT_RETAIN)

        assert outcome.state.stage is Stage.NOT_RETAINED
        assert readers(outcome) == [(Template.NOT_RETAINED, Role.CANDIDATE)]

    def test_the_word_stands_in_the_step(self) -> None:
        step = heard(a_case(Stage.CLEARED), Act.PROPOSE, seat=SeatKind.GENERAL).step

        assert (step.trigger, step.decision, step.content["list"]) == (Trigger.CASE, f"{LIST}/1/propose", LIST)


class TestParticipation:
    def test_approval_before_the_opening_says_when_participation_begins(self) -> None:
        outcome = heard(a_case(Stage.PROPOSED), Act.APPROVE, seat=SeatKind.GENERAL)

        assert outcome.state.stage is Stage.APPROVED
        facts = the_letter(outcome).facts
        assert (facts.begins, facts.closes, facts.ratification) == (date(2026, 1, 26), date(2027, 1, 24), False)
        assert deadline(outcome.state) == start_of(date(2026, 1, 26))

    def test_approval_after_the_opening_begins_participation_with_one_letter(self) -> None:
        outcome = heard(
            a_case(Stage.PROPOSED), Act.APPROVE, seat=SeatKind.GENERAL, at=datetime.fromisoformat("2026-02-10T12:00Z")
        )

        assert outcome.state.stage is Stage.PARTICIPANT
        assert the_letter(outcome).template is Template.APPROVED
        assert the_letter(outcome).facts.begins == date(2026, 2, 10)

    def test_participation_begins_with_the_session(self) -> None:
        state, taken = run_until(a_case(Stage.APPROVED), start_of(date(2026, 1, 26)))

        assert state.stage is Stage.PARTICIPANT
        assert (the_letter(taken[-1]).template, the_letter(taken[-1]).facts.begins) == (
            Template.PARTICIPATION,
            date(2026, 1, 26),
        )

    def test_a_beginning_that_nobody_ran_in_time_keeps_its_day(self) -> None:
        _, taken = wake_at(a_case(Stage.APPROVED), datetime.fromisoformat("2026-02-10T12:00Z"))

        assert the_letter(taken[-1]).facts.begins == date(2026, 1, 26)

    def test_who_awaits_the_plenary_does_not_begin_with_the_session(self) -> None:
        state = heard(a_case(Stage.PROPOSED), Act.APPROVE, seat=SeatKind.GENERAL, ratification=True).state

        assert [due.kind for due in agenda(state)] == [Act.EXPIRE]

    @pytest.mark.parametrize(
        ("at", "stage", "effects", "letters"),
        [
            ("2026-01-20T12:00Z", Stage.APPROVED, ("ratified",), []),
            ("2026-01-26T12:00Z", Stage.PARTICIPANT, (), [(Template.PARTICIPATION, Role.CANDIDATE)]),
        ],
    )
    def test_ratification_begins_participation_or_lets_the_opening_begin_it(
        self, at: str, stage: Stage, effects: tuple[str, ...], letters: list[tuple[Template, Role]]
    ) -> None:
        approved = heard(a_case(Stage.PROPOSED), Act.APPROVE, seat=SeatKind.GENERAL, ratification=True).state
        outcome = heard(approved, Act.RATIFY, at=datetime.fromisoformat(at))

        assert (outcome.state.stage, outcome.step.effects, readers(outcome)) == (stage, effects, letters)
        assert outcome.state.awaits_ratification is False
        state, _ = run_until(outcome.state, start_of(date(2026, 1, 26)))
        assert state.stage is Stage.PARTICIPANT

    def test_a_refusal_of_the_plenary_leads_back_to_cleared(self) -> None:
        approved = heard(a_case(Stage.PROPOSED), Act.APPROVE, seat=SeatKind.GENERAL, ratification=True).state
        outcome = heard(approved, Act.REFUSE_RATIFICATION)

        state = outcome.state
        assert (state.stage, state.list_reference, state.awaits_ratification) == (Stage.CLEARED, None, False)
        assert readers(outcome) == [(Template.RATIFICATION_REFUSED, Role.CANDIDATE)]

    def test_a_participant_has_notice_thirty_days_before_the_end_and_a_letter_at_the_end(self) -> None:
        state, taken = run_until(a_case(Stage.PARTICIPANT), end_of(date(2027, 1, 24)))

        assert kinds(taken) == [
            (Act.NOTIFY_EXPIRY, datetime.fromisoformat("2026-12-25T08:00Z")),
            (Act.EXPIRE, datetime.fromisoformat("2027-01-24T23:00Z")),
        ]
        assert [readers(outcome) for outcome in taken] == [
            [(Template.EXPIRY_NOTICE, Role.CANDIDATE)],
            [(Template.EXPIRED, Role.CANDIDATE)],
        ]
        assert state.stage is Stage.EXPIRED

    def test_a_stop_beyond_the_end_sends_the_last_letter_only(self) -> None:
        _, taken = wake_at(a_case(Stage.PARTICIPANT), datetime.fromisoformat("2027-02-01T12:00Z"))

        assert [notice.template for outcome in taken for notice in outcome.notices] == [Template.EXPIRED]

    @pytest.mark.parametrize("stage", sorted(OPEN))
    def test_every_open_case_ends_by_itself(self, stage: Stage) -> None:
        state, taken = run_until(a_case(stage), end_of(date(2027, 1, 24)))

        assert state.stage is (Stage.LAPSED if stage is Stage.NOMINATED else Stage.EXPIRED)
        assert len(taken) < 70

    @pytest.mark.parametrize("act", sorted(OFFICERS_ACTS))
    def test_no_command_is_taken_once_the_session_has_ended(self, act: Act) -> None:
        stage = next(iter(MOVES[act]))

        with pytest.raises(OutOfTime) as refused:
            commanded(a_case(stage), act, CONTENTS[act], at=end_of(date(2027, 1, 24)))

        assert refused.value.rule == "session-closed"

    @pytest.mark.parametrize("stage", [Stage.CLEARED, Stage.PROPOSED])
    def test_a_decision_that_is_overdue_comes_up_after_the_bureaus_meeting(self, stage: Stage) -> None:
        _, taken = run_until(a_case(stage), end_of(date(2026, 2, 3)))

        assert kinds(taken) == [
            (Act.ESCALATE, datetime.fromisoformat("2026-01-26T23:00Z")),
            (Act.ESCALATE, datetime.fromisoformat("2026-02-02T23:00Z")),
        ]
        assert taken[0].notices[0].facts.overdue == "decision"


class TestAmendedTerms:
    @staticmethod
    def moved(**changes: Any) -> Terms:
        return terms(version=2, **changes)

    def test_a_later_opening_moves_the_beginning_and_the_reader_is_told(self) -> None:
        new = self.moved(opens=date(2026, 2, 2))
        outcome = rearm(a_case(Stage.APPROVED), new, NOMINATED_AT + timedelta(days=2))

        assert affected(a_case(Stage.APPROVED), new) == (Act.BEGIN,)
        assert outcome.step.effects == ("moved:begin",)
        assert outcome.step.decision == "terms:2"
        assert deadline(outcome.state) == start_of(date(2026, 2, 2))
        notice = the_letter(outcome)
        assert (notice.template, notice.facts.begins, notice.facts.closes) == (
            Template.DATES_CHANGED,
            date(2026, 2, 2),
            date(2027, 1, 24),
        )

    def test_a_beginning_that_awaits_the_plenary_moves_as_well(self) -> None:
        state = heard(a_case(Stage.PROPOSED), Act.APPROVE, seat=SeatKind.GENERAL, ratification=True).state
        outcome = rearm(state, self.moved(opens=date(2026, 2, 2)), an_hour_after(state))

        assert outcome.step.effects == ("moved:begin",)
        assert readers(outcome) == [(Template.DATES_CHANGED, Role.CANDIDATE)]

    def test_another_closing_moves_the_notice_and_the_end_in_order_of_date(self) -> None:
        new = self.moved(closes=date(2026, 12, 18))
        outcome = rearm(a_case(Stage.PARTICIPANT), new, NOMINATED_AT + timedelta(days=60))

        assert outcome.step.effects == ("moved:notify_expiry", "moved:expire")
        assert deadline(outcome.state) == end_of(date(2026, 12, 18))

    def test_a_case_without_a_date_announced_is_moved_without_a_letter(self) -> None:
        outcome = rearm(a_case(Stage.CLEARED), self.moved(bureau_meets=date(2026, 2, 9)), NOMINATED_AT)

        assert outcome.step.effects == ("moved:escalate",)
        assert outcome.notices == ()
        assert deadline(outcome.state) == end_of(date(2026, 2, 9))

    def test_who_is_not_affected_is_not_told(self) -> None:
        outcome = rearm(a_case(Stage.PARTICIPANT), self.moved(bureau_meets=date(2026, 2, 9)), NOMINATED_AT)

        assert (outcome.step.effects, outcome.notices) == ((), ())
        assert outcome.state.terms.version == 2

    def test_a_refused_ratification_computes_its_deadlines_under_the_new_dates(self) -> None:
        approved = heard(a_case(Stage.PROPOSED), Act.APPROVE, seat=SeatKind.GENERAL, ratification=True).state
        state = rearm(approved, self.moved(bureau_meets=date(2026, 2, 9)), an_hour_after(approved)).state

        cleared = heard(state, Act.REFUSE_RATIFICATION).state

        assert deadline(cleared) == end_of(date(2026, 2, 9))

    def test_a_notice_already_given_is_given_again_for_a_later_end(self) -> None:
        state, taken = run_until(a_case(Stage.PARTICIPANT), datetime.fromisoformat("2026-12-28T12:00Z"))
        assert [outcome.step.act for outcome in taken] == [Act.NOTIFY_EXPIRY]

        state = rearm(state, self.moved(closes=date(2027, 3, 1)), datetime.fromisoformat("2026-12-28T12:00Z")).state

        assert agenda(state)[0] == Due(at=datetime.fromisoformat("2027-01-30T08:00Z"), kind=Act.NOTIFY_EXPIRY)


def test_a_refused_command_changes_nothing() -> None:
    state = a_case(Stage.CLEARED)
    before = state.model_dump_json()

    for act in (Act.DECLARE, Act.ASSESS, Act.SUPPLY_INFORMATION):
        with pytest.raises(Refusal):
            commanded(state, act, CONTENTS[act])

    assert state.model_dump_json() == before


@pytest.mark.parametrize("stage", sorted(Stage))
def test_a_state_is_the_same_after_it_was_written_down(stage: Stage) -> None:
    state = a_case(stage)

    assert CandidacyState.model_validate_json(state.model_dump_json()) == state


def test_a_nomination_for_a_reserved_seat_keeps_its_kind() -> None:
    assert a_case(Stage.PARTICIPANT, seat=SeatKind.RESERVED).place is SeatKind.RESERVED


class TestComingBack:
    """An exclusion is undone."""

    def excluded(self) -> CandidacyState:
        listed = a_case(Stage.PARTICIPANT)
        assert listed.list_reference is not None
        suspended = ordered(listed, Act.SUSPEND, measure=Measure.FULL).state
        return ordered(suspended, Act.EXCLUDE, nth=2).state

    @pytest.mark.parametrize(("measure", "stage"), [(Measure.FULL, Stage.SUSPENDED), (Measure.NONE, Stage.PARTICIPANT)])
    def test_who_was_excluded_comes_back_to_the_seat_and_every_effect_is_named(
        self, measure: Measure, stage: Stage
    ) -> None:
        back = ordered(self.excluded(), Act.REINSTATE, nth=3, measure=measure, contact=self.contact())
        expected = {"undoes:excluded", f"returns-to:{LIST}", "restores:expire", "suspension:1", f"measure:{measure}"}
        expected |= {"restores:participation", "restores:notify_expiry"} if stage is Stage.PARTICIPANT else set()

        assert (back.state.stage, back.state.ended, back.state.reinstated) == (stage, False, 1)
        assert set(back.step.effects) == expected
        assert [(word.signal, word.decision) for word in back.dispatches] == [("reinstate", "reinstate:C-2026-0001:1")]

    def test_only_an_exclusion_is_come_back_from(self) -> None:
        for stage in (Stage.PARTICIPANT, Stage.APPROVED):
            assert ordered(a_case(stage), Act.REINSTATE).step.act == Act.UNHEEDED

    def test_who_leaves_once_more_says_so_in_other_words(self) -> None:
        back = ordered(self.excluded(), Act.REINSTATE, nth=3, measure=Measure.FULL, contact=self.contact()).state
        gone = commanded(back, Act.WITHDRAW, Reason(reason="No time."))

        assert [word.decision for word in gone.dispatches if word.signal == "vacate"] == ["vacate:C-2026-0001:1"]

    def test_a_list_that_could_not_be_told_is_told_again_and_nobody_else(self) -> None:
        back = ordered(self.excluded(), Act.REINSTATE, nth=3, measure=Measure.FULL, contact=self.contact())
        (word,) = back.dispatches

        assert return_again(back.state, word.workflow_id) == word
        assert return_again(back.state, "list/L-2026-2") is None
        assert return_again(self.excluded(), word.workflow_id) is None

    def contact(self) -> Contact:
        return a_case().nomination.candidate.contact
