"""Background vetting: two officers, one finding per criterion, and a pure function that says what follows."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from domain.criteria import CriterionKey
from domain.errors import IncompleteAnswer
from domain.ids import OfficerId
from domain.model import Line, Model, Prose


class Judgement(StrEnum):
    """What an officer finds on one criterion. Unsure is an answer; not yet judged is the absence of one."""

    CLEAR = "clear"
    ADVERSE = "adverse"
    UNSURE = "unsure"


class Finding(Model):
    """One officer's finding on one criterion."""

    criterion: CriterionKey
    judgement: Judgement
    reason: Prose
    evidence: tuple[Line, ...] = Field(default=(), max_length=50)

    @model_validator(mode="after")
    def _adverse_has_evidence(self) -> Self:
        if self.judgement is Judgement.ADVERSE and not self.evidence:
            raise ValueError("an adverse finding names its evidence")
        return self


class Assessment(Model):
    """One officer's findings on every criterion: the content of ``assess``."""

    findings: tuple[Finding, ...] = Field(min_length=1, max_length=40)


class Assessed(Model):
    """An assessment as it stands on the case."""

    officer: OfficerId
    at: AwareDatetime
    judgements: dict[CriterionKey, Judgement]


class VettingResult(StrEnum):
    """What the assessments given so far come to."""

    AWAITED = "awaited"
    THIRD_NEEDED = "third_needed"
    CLEARED = "cleared"
    INELIGIBLE = "ineligible"
    UNRESOLVED = "unresolved"


ASSESSORS = 2
ASSESSORS_ON_DISAGREEMENT = 3


def answer_each(keys: Sequence[str], answered: Sequence[str], what: str) -> None:
    """Check that every criterion is answered exactly once and nothing else is.

    Raises:
        IncompleteAnswer: One is missing, repeated or unknown; the message names it.
    """
    counts = Counter(answered)
    for problem, wrong in (
        ("is missing for", [key for key in keys if key not in counts]),
        ("is given more than once for", [key for key in keys if counts[key] > 1]),
        ("is given for what is no criterion of this session:", [key for key in counts if key not in keys]),
    ):
        if wrong:
            raise IncompleteAnswer(f"{what} {problem} {', '.join(wrong)}", rule="one-answer-per-criterion")


def weigh(keys: Sequence[str], assessments: Sequence[Assessed]) -> tuple[VettingResult, tuple[str, ...]]:
    """What the assessments of one round come to, and the criteria that decide it.

    Two officers who agree decide. Where they disagree on a criterion, or one is unsure, a third is asked, and two of
    three carry each criterion. An adverse criterion makes the candidate ineligible; one that nobody carries stays
    unresolved until more information is supplied and a new round begins.
    """
    if len(assessments) < ASSESSORS:
        return VettingResult.AWAITED, ()
    adverse: list[str] = []
    open_: list[str] = []
    for key in keys:
        counts = Counter(assessment.judgements[key] for assessment in assessments)
        if counts[Judgement.ADVERSE] >= ASSESSORS:
            adverse.append(key)
        elif counts[Judgement.CLEAR] < ASSESSORS:
            open_.append(key)
    if adverse:
        return VettingResult.INELIGIBLE, tuple(adverse)
    if not open_:
        return VettingResult.CLEARED, ()
    if len(assessments) < ASSESSORS_ON_DISAGREEMENT:
        return VettingResult.THIRD_NEEDED, tuple(open_)
    return VettingResult.UNRESOLVED, tuple(open_)
