import pytest

from domain.interests import Conflict, Declared, Interests, KnownPerson, conflict, free_of_conflict, organisation_key
from domain.people import Nomination
from tests.builders import a_nomination


def nominated(**changes: object) -> Nomination:
    nomination = a_nomination()
    return nomination.model_copy(update=changes)


def test_whoever_declared_nothing_may_judge_anyone() -> None:
    assert conflict(Interests(), nominated(organisation="Memorial Test")) is None


def test_an_officer_who_nominated_must_not_judge() -> None:
    nomination = nominated()
    own = Interests.model_validate({"own_addresses": [nomination.nominator.email.upper()]})

    assert conflict(own, nomination) is Conflict.NOMINATED


@pytest.mark.parametrize("written", ["Test Fund", "the TEST fund", "«Test» e.V.", "Test"])
def test_an_officer_who_shares_an_organisation_must_not_judge_however_it_is_written(written: str) -> None:
    interests = Interests(organisations=(written,))

    assert conflict(interests, nominated(organisation="Test Foundation")) is Conflict.ORGANISATION


def test_another_organisation_is_no_conflict() -> None:
    assert conflict(Interests(organisations=("Other Fund",)), nominated(organisation="Test Foundation")) is None
    assert conflict(Interests(organisations=("Other Fund",)), nominated(organisation=None)) is None


@pytest.mark.parametrize(
    ("family", "given"),
    [("Тестов", "Пример"), ("Testov", "Primer"), ("Testoff", "Primer"), ("Primer", "Testov")],
)
def test_an_officer_who_declared_a_person_must_not_judge_that_person_in_any_spelling(family: str, given: str) -> None:
    nomination = nominated()
    person = nomination.candidate.model_copy(update={"family_name": "Testov", "given_name": "Primer"})
    interests = Interests(persons=(KnownPerson(family_name=family, given_name=given),))

    assert conflict(interests, nominated(candidate=person)) is Conflict.DECLARED


def test_an_officer_who_declared_the_nominator_must_not_judge() -> None:
    nomination = nominated()
    nominator = nomination.nominator.model_copy(update={"name": "Dr Obrazets P. Proverkin"})
    interests = Interests(persons=(KnownPerson(family_name="Proverkin", given_name="Obrazets"),))

    assert conflict(interests, nominated(nominator=nominator)) is Conflict.DECLARED


def test_a_case_is_offered_only_to_officers_without_a_conflict() -> None:
    nomination = nominated(organisation="Test Fund")
    declared = [
        Declared(officer="O-1", interests=Interests(organisations=("Test",))),
        Declared(officer="O-2", interests=Interests(organisations=("Other",))),
    ]

    assert free_of_conflict(declared, ["O-3", "O-1", "O-2"], nomination) == ("O-3", "O-2")


def test_an_organisation_of_legal_forms_only_is_still_told_from_another() -> None:
    assert organisation_key("The Foundation") != organisation_key("Association")
