"""The criteria a participant must meet: data with a version, never code."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.model import Line, Model
from domain.people import Language

CriterionKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]


class Criterion(Model):
    """One criterion, worded as a statement the candidate can affirm, in each language of letters.

    ``evidence`` says that the candidate gives evidence on it, without which nobody is cleared.
    """

    key: CriterionKey
    evidence: bool = Field(default=False, exclude_if=lambda asked: not asked)
    text: dict[Language, Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]]

    @model_validator(mode="after")
    def _every_language(self) -> Self:
        missing = [language.value for language in Language if language not in self.text]
        if missing:
            raise ValueError(f"the text is missing in {', '.join(missing)}")
        return self


class CriteriaSet(Model):
    """The criteria of a session, in the order in which they are asked."""

    version: Line
    source: Line
    criteria: tuple[Criterion, ...] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        keys = [criterion.key for criterion in self.criteria]
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        if repeated:
            raise ValueError(f"criterion {', '.join(repeated)} is there more than once")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The criteria's keys, in order."""
        return tuple(criterion.key for criterion in self.criteria)

    @property
    def evidence(self) -> tuple[str, ...]:
        """The keys of those on which evidence is asked for, in order."""
        return tuple(criterion.key for criterion in self.criteria if criterion.evidence)

    def statements(self, language: Language) -> tuple[str, ...]:
        """The criteria's texts in one language, in order."""
        return tuple(criterion.text[language] for criterion in self.criteria)
