"""The small words of the register: ids, criteria, notices, steps, refusals."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain import errors
from domain.cases import CandidacyCase, CandidacyOpening
from domain.criteria import CriteriaSet, Criterion
from domain.errors import REFUSALS, Refusal
from domain.ids import (
    CandidacyReference,
    CaseReference,
    Fingerprint,
    LetterReference,
    ListReference,
    OfficerId,
    SessionReference,
    candidacy_reference,
    candidacy_workflow_id,
    delivery_workflow_id,
    list_reference,
    list_workflow_id,
    session_of,
    session_workflow_id,
)
from domain.ledger import Entry
from domain.model import Line, Prose
from domain.notices import Template, overtakes
from domain.people import Language
from domain.steps import DecisionId, Outcome, Step
from tests.builders import a_candidacy, a_case, an_entry, an_envelope, criteria


class TestIds:
    @pytest.mark.parametrize(
        ("kind", "good", "bad"),
        [
            (SessionReference, ["2026", "2026B"], ["26", "2026b", "2026BB", "２０２６", "2026\n", " 2026", ""]),
            (
                CandidacyReference,
                ["C-2026-0007", "C-2026B-123456"],
                ["C-2026-7", "C-2026-1234567", "c-2026-0007", "C-2026-0007.1", "C-2026-0007\n", "C-Ada-0007"],
            ),
            (ListReference, ["L-2026-1", "L-2026B-9999"], ["L-2026-", "L-2026-12345", "L-1", "l-2026-1"]),
            (CaseReference, ["2026", "C-2026-0007", "L-2026-1"], ["C-2026", "2026-1", "L-2026-1.1", ""]),
            (
                LetterReference,
                ["C-2026-0007.3.1", "L-2026-1.2.1", "2026.1.1"],
                ["C-2026-0007", "C-2026-0007.3", "C-2026-0007.3.x", "C-2026-0007.3.1.1"],
            ),
            (OfficerId, ["O-17", "O-Ab1"], ["17", "O-", "O-a b", "O-" + "1" * 25, "O-ada@example.org"]),
            (Fingerprint, ["0" * 32, "0123456789abcdef" * 2], ["0" * 31, "0" * 33, "G" * 32, "A" * 32]),
            (DecisionId, ["due:3", "terms:2", "L-2026-1/3/approve/C-2026-0001"], ["", "a b", "a" * 101, "Ада"]),
        ],
    )
    def test_an_id_has_its_pattern_and_no_room_for_a_name(self, kind: Any, good: list[str], bad: list[str]) -> None:
        adapter = TypeAdapter(kind)

        assert [adapter.validate_python(text) for text in good] == good
        for text in bad:
            with pytest.raises(ValidationError, match="String should match pattern"):
                adapter.validate_python(text)

    def test_references_are_numbered_within_the_session(self) -> None:
        assert candidacy_reference("2026", 7) == "C-2026-0007"
        assert candidacy_reference("2026B", 12345) == "C-2026B-12345"
        assert list_reference("2026", 1) == "L-2026-1"

    @pytest.mark.parametrize(
        ("reference", "session"), [("2026", "2026"), ("C-2026B-0007", "2026B"), ("L-2026-1", "2026")]
    )
    def test_a_reference_says_its_session(self, reference: str, session: str) -> None:
        assert session_of(reference) == session

    @pytest.mark.parametrize("text", ["", "Ada Example", "C-26-0001", "X-2026-1", "C-2026-0007.3.1", "C-2026-0007\n"])
    def test_what_is_no_reference_has_no_session(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no reference of a case"):
            session_of(text)

    def test_a_workflow_is_known_by_references_only(self) -> None:
        assert session_workflow_id("2026") == "session/2026"
        assert candidacy_workflow_id("2026", "0" * 32) == f"candidacy/2026/{'0' * 32}"
        assert list_workflow_id("L-2026-1") == "list/L-2026-1"
        assert delivery_workflow_id("C-2026-0007.3.1") == "letter/C-2026-0007.3.1"


class TestCriteria:
    def test_they_keep_their_order_and_are_worded_in_every_language(self) -> None:
        assert criteria().keys == ("shares-values", "opposes-war")
        assert criteria().statements(Language.RUSSIAN) == ("shares-values (ru)", "opposes-war (ru)")

    def test_a_criterion_lacks_no_language(self) -> None:
        with pytest.raises(ValidationError, match="the text is missing in fr, ru"):
            Criterion(key="opposes-war", text={Language.ENGLISH: "I oppose the war."})

    def test_a_criterion_stands_once(self) -> None:
        one = criteria().criteria[0]

        with pytest.raises(ValidationError, match="criterion shares-values is there more than once"):
            CriteriaSet(version="1", source="Resolution 2621", criteria=(one, one))

    @pytest.mark.parametrize("key", ["", "x", "Opposes-War", "opposes war", "1st", "a" * 41, "a\n"])
    def test_a_key_is_plain(self, key: str) -> None:
        with pytest.raises(ValidationError) as refused:
            Criterion.model_validate(criteria().criteria[0].model_dump() | {"key": key})

        assert [error["loc"] for error in refused.value.errors()] == [("key",)]


class TestNotices:
    @pytest.mark.parametrize(
        "newer",
        [
            Template.LAPSED,
            Template.DECLINED,
            Template.INELIGIBLE,
            Template.APPROVED,
            Template.RESERVE,
            Template.NOT_RETAINED,
            Template.RATIFICATION_REFUSED,
            Template.PARTICIPATION,
            Template.EXPIRED,
            Template.WITHDRAWN,
        ],
    )
    def test_a_letter_that_says_where_the_case_stands_overtakes_all_before_it(self, newer: Template) -> None:
        assert overtakes(newer) == set(Template)

    @pytest.mark.parametrize(
        "newer",
        [
            Template.REMINDER,
            Template.INFORMATION_REMINDER,
            Template.DATES_CHANGED,
            Template.DESK_VETTING_REMINDER,
            Template.DESK_OVERDUE,
        ],
    )
    def test_a_letter_sent_again_and_again_overtakes_its_own_kind(self, newer: Template) -> None:
        assert overtakes(newer) == {newer}

    @pytest.mark.parametrize(
        ("newer", "overtaken"),
        [
            (Template.DECLARED, {Template.INVITATION, Template.REMINDER}),
            (Template.INFORMATION_CLOSED, {Template.INFORMATION_REQUEST, Template.INFORMATION_REMINDER}),
        ],
    )
    def test_what_is_answered_or_closed_is_not_asked_any_more(self, newer: Template, overtaken: set[Template]) -> None:
        assert overtakes(newer) == overtaken

    @pytest.mark.parametrize(
        "newer",
        [
            Template.RECEIPT,
            Template.INVITATION,
            Template.INFORMATION_REQUEST,
            Template.EXPIRY_NOTICE,
            Template.DESK_THIRD_ASSESSMENT,
            Template.DESK_UNRESOLVED,
            Template.DESK_LETTER,
        ],
    )
    def test_every_other_letter_leaves_the_rest_alone(self, newer: Template) -> None:
        assert overtakes(newer) == set()


class TestSteps:
    def test_steps_are_numbered_from_one(self) -> None:
        with pytest.raises(ValidationError) as refused:
            Step.model_validate(a_candidacy().step.model_dump() | {"seq": 0})

        assert [error["loc"] for error in refused.value.errors()] == [("seq",)]

    def test_a_command_given_before_is_found_at_its_last_taking(self) -> None:
        state = a_case().model_copy(update={"decisions": {"aa.1": 2, "aa.12": 3, "ab.1": 4, "a.1": 5}})

        assert state.earlier("aa") == "aa.12"
        assert state.earlier("a") == "a.1"
        assert state.earlier("b") is None

    def test_an_outcome_goes_into_the_ledger_whole(self) -> None:
        outcome = a_candidacy()
        row = an_entry(outcome)

        assert (row.workflow_id, row.session, row.stage, row.ended, row.seat) == (
            outcome.state.workflow_id,
            "2026",
            "nominated",
            False,
            "general",
        )
        assert (row.step, row.notices) == (outcome.step, outcome.notices)
        assert row.state == outcome.state.model_dump(mode="json")
        assert row.deadline == outcome.state.limit(outcome.state.terms.limits.answer)
        assert Entry.model_validate_json(row.model_dump_json()) == row

    def test_an_outcome_is_frozen(self) -> None:
        outcome: Outcome[Any] = a_candidacy()

        with pytest.raises(ValidationError, match="Instance is frozen"):
            outcome.step = outcome.step  # type: ignore[misc]


class TestOpenings:
    def test_a_case_is_started_from_an_opening_or_a_state(self) -> None:
        state = a_case()
        opening = CandidacyOpening(
            envelope=an_envelope("nominate", state.workflow_id, state.nomination),
            fingerprint=state.fingerprint,
            terms=state.terms,
            statements=(),
        )

        for case in (CandidacyCase(opening=opening), CandidacyCase(state=state)):
            assert CandidacyCase.model_validate_json(case.model_dump_json()) == case

    def test_a_case_that_names_no_edition_is_of_the_first(self) -> None:
        assert CandidacyCase.model_validate({"state": a_case()}).edition == 1


class TestRefusals:
    def test_every_refusal_is_known_by_name(self) -> None:
        assert {cls.__name__ for cls in Refusal.__subclasses__()} == REFUSALS

    def test_the_docstring_draws_every_refusal(self) -> None:
        assert errors.__doc__ is not None
        assert {name for name in REFUSALS if f"── {name} " in errors.__doc__} == REFUSALS

    def test_a_refusal_says_what_and_by_which_rule(self) -> None:
        refusal = Refusal("no such luck", rule="luck")

        assert (str(refusal), refusal.message, refusal.rule) == ("no such luck", "no such luck", "luck")


class TestText:
    @pytest.mark.parametrize("text", ["first\nsecond", "a\tb", "Ещё раз.", "x" * 4000])
    def test_prose_has_lines_and_tabs(self, text: str) -> None:
        assert TypeAdapter(Prose).validate_python(text) == text

    @pytest.mark.parametrize(("text", "kept"), [(" a ", "a"), ("e\u0301", "é"), ("x" * 200, "x" * 200)])
    def test_a_line_is_kept_in_one_form(self, text: str, kept: str) -> None:
        assert TypeAdapter(Line).validate_python(text) == kept

    def test_a_limit_of_length_counts_what_is_kept(self) -> None:
        assert TypeAdapter(Line).validate_python("e\u0301" * 200 + "   ") == "é" * 200
