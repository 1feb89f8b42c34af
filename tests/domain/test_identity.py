"""Doubts about a nomination: what raises one, and what does not."""

from datetime import date
from typing import Any

import pytest

from domain.identity import DoubtAbout, Namesake, doubts, identity_of
from domain.screening import Verdict
from domain.traces import About, traces
from tests.builders import a_nomination

ON = date(2026, 3, 2)
SAME = About.CANDIDATE


def about(*namesakes: Namesake, **changes: Any) -> list[tuple[DoubtAbout, str, tuple[str, ...]]]:
    """What is doubted of a candidate, what of it, and why."""
    person = a_nomination().candidate.model_copy(update=changes)
    return [(each.about, each.what, each.why) for each in doubts(identity_of(person), namesakes, "2026", ON)]


def shares(*what: About, reference: str = "C-2026-0002") -> Namesake:
    return Namesake(reference=reference, shares=frozenset(what))


@pytest.mark.parametrize(
    ("given", "family", "others"),
    [
        ("Ada", "Example", ()),
        ("Пример", "Тестов", ("Primer Testov", "Testoff Primer")),
        ("Primer", "Testov", ("Пример Образцович Тестов",)),
        ("Пример", "Тестов", ("Primer Obraztsovitch Testov", "Another Alias")),
        ("Primer", "Testov", ("Another Alias",)),
        ("Пример", "Тестов", ("Primka",)),
        ("Анна-Мария", "Тестова", ("Anna-Mariya Testova",)),
    ],
)
def test_names_that_can_be_spellings_of_each_other_raise_no_doubt(
    given: str, family: str, others: tuple[str, ...]
) -> None:
    assert about(given_name=given, family_name=family, other_names=others) == []


@pytest.mark.parametrize(
    ("given", "family", "others", "doubted"),
    [
        ("Пример", "Тестов", ("Obrazets Proverkin",), ["Obrazets Proverkin"]),
        ("Primer", "Testov", ("Пример Проверкин",), ["Пример Проверкин"]),
        ("Пример", "Testov", (), ["Пример Testov"]),
        ("Primer", "Tеstov", (), ["Tеstov"]),
    ],
)
def test_a_name_that_cannot_be_a_spelling_of_the_other_is_looked_at(
    given: str, family: str, others: tuple[str, ...], doubted: list[str]
) -> None:
    found = about(given_name=given, family_name=family, other_names=others)
    assert [(kind, what) for kind, what, _ in found] == [(DoubtAbout.IDENTITY, what) for what in doubted]


@pytest.mark.parametrize(
    ("born", "doubted"),
    [
        (date(2008, 3, 2), False),
        (date(2008, 3, 3), True),
        (date(1970, 1, 1), True),
        (date(1926, 3, 2), False),
        (date(1925, 3, 1), True),
    ],
)
def test_a_birth_date_that_is_hardly_one_is_looked_at(born: date, doubted: bool) -> None:
    assert [what for _, what, _ in about(birth_date=born)] == (["birth date"] if doubted else [])


@pytest.mark.parametrize(
    ("namesake", "likely"),
    [
        (shares(SAME, About.BORN), True),
        (shares(SAME, About.YEAR), True),
        (shares(SAME, About.DAY), True),
        (shares(SAME), False),
        (shares(About.BORN, About.YEAR, About.DAY), False),
        (shares(SAME, About.BORN, reference="C-2025-0003"), True),
        (shares(SAME, About.BORN, About.WRITTEN, reference="C-2025-0003"), False),
        (shares(SAME, About.BORN, About.WRITTEN), True),
    ],
)
def test_another_candidacy_of_a_like_name_and_birth_date_is_looked_at_unless_the_person_openly_comes_back(
    namesake: Namesake, likely: bool
) -> None:
    found = about(namesake)
    assert [(kind, what) for kind, what, _ in found] == [(DoubtAbout.DUPLICATE, namesake.reference)] * likely


def test_a_doubt_is_known_again_and_says_what_dispels_it() -> None:
    person = identity_of(a_nomination().candidate.model_copy(update={"birth_date": date(1970, 1, 1)}))
    first, again = (doubts(person, [shares(SAME, About.BORN)], "2026", ON) for _ in range(2))
    assert first == again
    assert [doubt.dispelled_by for doubt in first] == [Verdict.SAME_PERSON, Verdict.OTHER_PERSON]
    (other,) = doubts(identity_of(a_nomination().candidate), [shares(SAME, About.DAY)], "2026", ON)
    assert (other.id, other.digest == first[1].digest) == (first[1].id, False)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"family_name": "Тестов", "given_name": "Пример"}, {SAME, About.BORN, About.YEAR, About.DAY}),
        ({"birth_date": date(1980, 5, 12)}, {SAME, About.YEAR, About.DAY}),
        ({"birth_date": date(1981, 5, 12)}, {SAME, About.DAY}),
        ({"family_name": "Other", "other_names": ("Primer Testov",)}, {About.ALIAS, About.BORN, About.YEAR, About.DAY}),
    ],
)
def test_what_two_nominations_of_one_person_have_in_common(changes: dict[str, Any], kept: set[About]) -> None:
    nomination = a_nomination()
    person = {"family_name": "Testov", "given_name": "Primer", "birth_date": date(1980, 12, 5)}
    one, other = (
        traces(nomination.model_copy(update={"candidate": nomination.candidate.model_copy(update=fields)}))
        for fields in (person, person | changes)
    )
    texts = {trace.text for trace in one}
    common = {trace.about for trace in other if trace.text in texts}
    assert common - {About.ADDRESS, About.NOMINATOR} == kept
