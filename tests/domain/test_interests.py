"""Interests: which nominations they concern, what they keep an officer from, and how they end."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from domain.errors import ConflictOfInterest, NothingToChange, OutOfTime, Refusal, SamePerson
from domain.interests import (
    InterestRow,
    Interests,
    KnownPerson,
    Withdrawal,
    check_interest,
    check_own,
    check_withdrawal,
    conflicts,
)
from domain.people import Nomination
from domain.traces import About, organisation_trace
from tests.builders import a_nomination

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STANDING = InterestRow(id="I-1", about=About.ORGANISATION, what="Test Fund", since=NOW - timedelta(days=1))


def nominated(**changes: object) -> Nomination:
    return a_nomination().model_copy(update=changes)


def known(family: str, given: str) -> Interests:
    return Interests(persons=(KnownPerson(family_name=family, given_name=given),))


def test_a_declaration_names_something() -> None:
    with pytest.raises(ValidationError, match="neither a person nor"):
        Interests()


def test_an_officer_who_nominated_must_not_judge() -> None:
    own = Interests.model_validate({"own_addresses": [nominated().nominator.email.upper()]})
    assert conflicts(own, nominated())
    assert not conflicts(Interests.model_validate({"own_addresses": ["other@example.org"]}), nominated())


@pytest.mark.parametrize("written", ["Test Fund", "the TEST fund", "«Test» e.V.", "Test"])
def test_an_officer_who_shares_an_organisation_must_not_judge_however_it_is_written(written: str) -> None:
    assert conflicts(Interests(organisations=(written,)), nominated(organisation="Test Foundation"))


def test_another_organisation_is_no_conflict() -> None:
    other = Interests(organisations=("Other Fund",))
    assert not conflicts(other, nominated(organisation="Test Foundation"))
    assert not conflicts(other, nominated(organisation=None))
    assert organisation_trace("The Foundation") != organisation_trace("Association")


@pytest.mark.parametrize(
    ("family", "given"),
    [("Тестов", "Пример"), ("Testov", "Primer"), ("Testoff", "Primer"), ("Primer", "Testov")],
)
def test_an_officer_who_declared_a_person_must_not_judge_that_person_in_any_spelling(family: str, given: str) -> None:
    person = nominated().candidate.model_copy(update={"family_name": "Testov", "given_name": "Primer"})
    assert conflicts(known(family, given), nominated(candidate=person))


def test_an_officer_who_declared_a_person_must_not_judge_that_person_under_another_name() -> None:
    person = nominated().candidate.model_copy(update={"other_names": ("Primer Ivanovich Testov",)})
    assert conflicts(known("Testov", "Primer"), nominated(candidate=person))


def test_an_officer_who_declared_the_nominator_must_not_judge() -> None:
    nominator = nominated().nominator.model_copy(update={"name": "Dr Obrazets P. Proverkin"})
    assert conflicts(known("Proverkin", "Obrazets"), nominated(nominator=nominator))
    assert not conflicts(known("Proverkin", "Primer"), nominated(nominator=nominator))


@pytest.mark.parametrize("power", ["candidacy.assess", "candidacy.resolve", "candidacy.sign_exception", "read.case"])
def test_an_officer_with_an_interest_neither_judges_a_case_nor_reads_it(power: str) -> None:
    with pytest.raises(ConflictOfInterest) as refused:
        check_interest(power, "O-2", {}, {"O-2"})
    assert refused.value.rule == "declared-interest"
    check_interest(power, "O-2", {}, {"O-3"})


def test_a_reviewer_with_an_interest_cannot_be_assigned() -> None:
    with pytest.raises(ConflictOfInterest, match="O-3"):
        check_interest("suspension.assign", "O-1", {"reviewer": "O-3"}, {"O-3"})


@pytest.mark.parametrize("power", ["candidacy.nominate", "suspension.declare_interest"])
def test_an_interest_keeps_nobody_from_handing_in_what_arrived_or_from_declaring_it(power: str) -> None:
    check_interest(power, "O-2", {}, {"O-2"})


def test_nobody_declares_for_another_officer() -> None:
    check_own("officer/O-2", "O-2")
    for case in ("officer/O-3", "register"):
        with pytest.raises(SamePerson):
            check_own(case, "O-2")


def test_an_interest_is_withdrawn_at_once_or_from_a_day_to_come() -> None:
    later = NOW + timedelta(days=3)
    assert check_withdrawal(Withdrawal(interest="I-1", reason="left"), STANDING, NOW) == NOW
    assert check_withdrawal(Withdrawal(interest="I-1", reason="left", since=later), STANDING, NOW) == later


@pytest.mark.parametrize(
    ("standing", "since", "refusal"),
    [
        (None, None, NothingToChange),
        (STANDING.model_copy(update={"until": NOW}), None, NothingToChange),
        (STANDING, NOW - timedelta(seconds=1), OutOfTime),
    ],
)
def test_what_is_not_there_cannot_be_withdrawn_and_nothing_is_for_the_past(
    standing: InterestRow | None, since: datetime | None, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        check_withdrawal(Withdrawal(interest="I-1", reason="left", since=since), standing, NOW)
