"""The criteria that are shipped: data, checked as data."""

from pathlib import Path

import pytest
import yaml

from config import settings
from domain.criteria import CriteriaSet
from domain.people import Language

FILE = Path(settings.__file__).parent / "criteria" / "2026.1.yaml"


@pytest.fixture(name="criteria")
def _criteria() -> CriteriaSet:
    return CriteriaSet.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def test_shipped_criteria_are_fifteen_in_the_order_in_which_they_are_asked(criteria: CriteriaSet) -> None:
    assert criteria.keys == (
        "moral-standing",
        "values",
        "sovereignty",
        "democratic-change",
        "opposed-regime",
        "denounced-aggression",
        "no-neo-imperialism",
        "special-tribunal",
        "accountability",
        "reparations",
        "sanctions",
        "release-of-captives",
        "no-state-service",
        "minorities",
        "no-hatred",
    )


def test_shipped_criteria_carry_the_version_of_their_file(criteria: CriteriaSet) -> None:
    assert criteria.version == FILE.stem


@pytest.mark.parametrize("language", Language)
def test_each_criterion_is_one_sentence_of_its_own(criteria: CriteriaSet, language: Language) -> None:
    statements = criteria.statements(language)
    assert len(set(statements)) == 15
    assert [statement for statement in statements if statement.count(".") != 1 or not statement.endswith(".")] == []


@pytest.mark.parametrize("language", [Language.ENGLISH, Language.RUSSIAN])
def test_each_criterion_speaks_in_the_first_person(criteria: CriteriaSet, language: Language) -> None:
    pronoun = {Language.ENGLISH: "I", Language.RUSSIAN: "я"}[language]
    assert [text for text in criteria.statements(language) if pronoun not in text.replace("Я", "я").split()] == []
