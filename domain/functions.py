"""Posts, mandates and payments with their dates, and the rule on functions held for the Russian state.

The rule, as a member of the Bureau reported it: whoever after 2014 worked for the Russian government or an occupation
administration, or was paid by the Russian state, is barred. A former member of the Duma was approved, so "ever held
office" is not the test: the function and its dates are. One speaker only, so every part of it is data with a version.
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from domain.errors import NothingToChange, SamePerson, StaleContent
from domain.ids import OfficerId
from domain.model import Day, Line, Model, Prose
from domain.screening import PartialDate
from domain.signing import Digest, digest


class FunctionKind(StrEnum):
    """What a person held or received."""

    POST = "post"
    MANDATE = "mandate"
    PAYMENT = "payment"


class Payer(StrEnum):
    """For whom it was, or who paid."""

    GOVERNMENT = "government"
    OCCUPATION = "occupation"
    STATE = "state"
    OTHER = "other"


def _calendar_date(value: str) -> str:
    first_day(value)
    return value


Dated = Annotated[PartialDate, AfterValidator(_calendar_date)]
"""A date of the calendar of which the day, or the month too, may be unknown."""


def first_day(written: str) -> date:
    """The earliest day a partial date can mean. Raises ValueError where the calendar has none such."""
    year, month, day = ([int(part) for part in written.split("-")] + [1, 1])[:3]
    return date(year, month, day)


def last_day(written: str) -> date:
    """The latest day a partial date can mean. Raises ValueError where the calendar has none such."""
    parts = [int(part) for part in written.split("-")]
    year = parts[0]
    month = parts[1] if len(parts) > 1 else 12
    return date(year, month, parts[2] if len(parts) > 2 else monthrange(year, month)[1])


class Function(Model):
    """A post, a mandate or a payment, as declared. One that still goes on has no ``until``."""

    kind: FunctionKind
    what: Line
    body: Line
    payer: Payer
    since: Dated
    until: Dated | None = None
    evidence: tuple[Line, ...] = Field(default=(), max_length=20)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until is not None and last_day(self.until) < first_day(self.since):
            raise ValueError("until lies before since")
        return self


class Functions(Model):
    """Everything declared: the content of ``record_functions``; an empty one says that there was nothing."""

    functions: tuple[Function, ...] = Field(default=(), max_length=100)

    @property
    def digest(self) -> str:
        """What an exception is signed for."""
        return digest(self.model_dump(mode="json"))


class FunctionsRule(Model):
    """The rule, as data.

    Attributes:
        version: Its version, kept with every answer.
        after: The last day on which a function did no harm.
        barred: Whoever held a function for one of these after that day fails.
        excusable: For one of these an exception can be signed: a teacher of a state school was paid by the state.
    """

    version: Line
    after: Day
    barred: frozenset[Payer]
    excusable: frozenset[Payer]


RULE: Final = FunctionsRule(
    version="2014-1",
    after=date(2014, 12, 31),
    barred=frozenset({Payer.GOVERNMENT, Payer.OCCUPATION}),
    excusable=frozenset({Payer.STATE}),
)
"""The rule as reported: "after 2014" read as from 1 January 2015."""


class FunctionsResult(StrEnum):
    """What the rule says."""

    PASSES = "pass"
    FAIL = "fail"
    EXCEPTION_NEEDED = "exception-needed"


class FunctionFinding(Model):
    """What the rule says of one function, and why."""

    number: int = Field(ge=1)
    result: FunctionsResult
    why: str


class FunctionsAnswer(Model):
    """What the rule says of everything declared; the worst of its findings."""

    version: Line
    digest: Digest
    result: FunctionsResult
    findings: tuple[FunctionFinding, ...]


def judge(rule: FunctionsRule, declared: Functions) -> FunctionsAnswer:
    """Apply the rule to what was declared.

    A function fails where its dates leave no doubt that it was for a barred payer after the rule's day. An exception is
    needed where the payer is excusable, where the dates leave it open, or where nothing shows that it ended in time.
    """
    findings = tuple(_judge_one(rule, number, function) for number, function in enumerate(declared.functions, 1))
    results = {finding.result for finding in findings}
    worst = next(
        (result for result in (FunctionsResult.FAIL, FunctionsResult.EXCEPTION_NEEDED) if result in results),
        FunctionsResult.PASSES,
    )
    return FunctionsAnswer(version=rule.version, digest=declared.digest, result=worst, findings=findings)


def _judge_one(rule: FunctionsRule, number: int, function: Function) -> FunctionFinding:
    def finding(result: FunctionsResult, why: str) -> FunctionFinding:
        return FunctionFinding(number=number, result=result, why=why)

    if function.payer not in rule.barred | rule.excusable:
        return finding(FunctionsResult.PASSES, "payer-not-concerned")
    if function.until is not None and last_day(function.until) <= rule.after:
        if function.evidence:
            return finding(FunctionsResult.PASSES, "ended-in-time")
        return finding(FunctionsResult.EXCEPTION_NEEDED, "end-without-evidence")
    if function.payer in rule.excusable:
        return finding(FunctionsResult.EXCEPTION_NEEDED, "payer-excusable")
    surely_after = function.until is None or first_day(function.until) > rule.after
    if surely_after:
        return finding(FunctionsResult.FAIL, "held-after")
    return finding(FunctionsResult.EXCEPTION_NEEDED, "end-not-certain")


class ExceptionReason(Model):
    """Why an exception is right: the content of ``sign_exception``. It names what was declared when it was signed."""

    digest: Digest
    reason: Prose


class Signed(Model):
    """A signature under an exception, as it stands on the case; it holds for what was declared then, and no more."""

    officer: OfficerId
    at: AwareDatetime
    digest: Digest
    version: Line


SIGNATURES: Final = 2


def check_signature(answer: FunctionsAnswer, officer: str, signed: Sequence[Signed], given: ExceptionReason) -> None:
    """Whether an officer may sign an exception now.

    Raises:
        NothingToChange: No exception is needed, or none is possible.
        StaleContent: What was declared has changed since the officer looked.
        SamePerson: The officer has signed already.
    """
    if answer.result is not FunctionsResult.EXCEPTION_NEEDED:
        word = "is needed" if answer.result is FunctionsResult.PASSES else "is possible"
        raise NothingToChange(f"no exception {word}: the functions declared {answer.result.value}", rule="no-exception")
    if given.digest != answer.digest:
        raise StaleContent("the functions declared are others by now", rule="functions-stale")
    if officer in signatures(answer, signed):
        raise SamePerson(f"{officer} has signed this exception; two officers means two persons", rule="two-officers")


def signatures(answer: FunctionsAnswer, signed: Iterable[Signed]) -> frozenset[str]:
    """The officers who have signed an exception for exactly what is declared, under the rule that was applied."""
    return frozenset(
        given.officer for given in signed if (given.digest, given.version) == (answer.digest, answer.version)
    )


def admits(answer: FunctionsAnswer, signed: Iterable[Signed]) -> bool:
    """Whether the functions declared let a case be cleared: they pass, or two officers have signed an exception."""
    if answer.result is FunctionsResult.EXCEPTION_NEEDED:
        return len(signatures(answer, signed)) >= SIGNATURES
    return answer.result is FunctionsResult.PASSES
