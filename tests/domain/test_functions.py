from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import NothingToChange, SamePerson, StaleContent
from domain.functions import (
    RULE,
    ExceptionReason,
    Function,
    FunctionKind,
    Functions,
    FunctionsResult,
    Payer,
    Signed,
    admits,
    check_signature,
    first_day,
    judge,
    last_day,
)
from tests.builders import NOMINATED_AT

PASS, FAIL, EXCEPTION = FunctionsResult.PASSES, FunctionsResult.FAIL, FunctionsResult.EXCEPTION_NEEDED

years = st.integers(1990, 2026)
partial = st.one_of(
    years.map(str),
    st.tuples(years, st.integers(1, 12)).map(lambda parts: f"{parts[0]}-{parts[1]:02}"),
    st.dates(date(1990, 1, 1), date(2026, 12, 31)).map(date.isoformat),
)


def a_function(
    payer: Payer = Payer.GOVERNMENT, since: str = "2005", until: str | None = "2009", **more: object
) -> Function:
    fields = {"kind": FunctionKind.POST, "what": "Deputy", "body": "A ministry", "evidence": ("a decree",)}
    return Function.model_validate(fields | {"payer": payer, "since": since, "until": until} | more)


def declared(*functions: Function) -> Functions:
    return Functions(functions=functions)


def signed(answer_of: Functions, *officers: str, version: str = RULE.version) -> tuple[Signed, ...]:
    return tuple(
        Signed(officer=officer, at=NOMINATED_AT, digest=answer_of.digest, version=version) for officer in officers
    )


@pytest.mark.parametrize(
    ("function", "result", "why"),
    [
        (a_function(until="2014-12-31"), PASS, "ended-in-time"),
        (a_function(until="2014"), PASS, "ended-in-time"),
        (a_function(kind=FunctionKind.MANDATE, until="2011"), PASS, "ended-in-time"),
        (a_function(until="2014", evidence=()), EXCEPTION, "end-without-evidence"),
        (a_function(until="2015-01-01"), FAIL, "held-after"),
        (a_function(until=None), FAIL, "held-after"),
        (a_function(Payer.OCCUPATION, since="2022-03", until="2022-09"), FAIL, "held-after"),
        (a_function(Payer.STATE, until="2019"), EXCEPTION, "payer-excusable"),
        (a_function(Payer.STATE, kind=FunctionKind.PAYMENT, until=None), EXCEPTION, "payer-excusable"),
        (a_function(Payer.OTHER, until=None, evidence=()), PASS, "payer-not-concerned"),
    ],
)
def test_what_the_rule_says_of_one_function(function: Function, result: FunctionsResult, why: str) -> None:
    answer = judge(RULE, declared(function))

    assert (answer.result, answer.findings[0].why) == (result, why)
    assert answer.version == RULE.version


def test_an_end_whose_day_is_not_known_is_no_failure_where_it_may_lie_before_the_rules_day() -> None:
    rule = RULE.model_copy(update={"after": date(2014, 3, 18)})

    assert judge(rule, declared(a_function(until="2014"))).findings[0].why == "end-not-certain"
    assert judge(rule, declared(a_function(until="2014-02"))).result is PASS
    assert judge(rule, declared(a_function(until="2014-04"))).result is FAIL


def test_nothing_declared_passes() -> None:
    assert judge(RULE, declared()).result is PASS


@given(st.lists(st.tuples(st.sampled_from(Payer), years), max_size=5))
def test_the_worst_finding_decides_and_another_function_never_makes_it_better(held: list[tuple[Payer, int]]) -> None:
    functions = [a_function(payer, since="1990", until=str(year)) for payer, year in held]
    order = [PASS, EXCEPTION, FAIL]

    for end in range(len(functions)):
        fewer, more = judge(RULE, declared(*functions[:end])), judge(RULE, declared(*functions[: end + 1]))
        assert order.index(fewer.result) <= order.index(more.result)


@given(partial)
def test_a_partial_date_means_days_between_its_first_and_its_last(written: str) -> None:
    first, last = first_day(written), last_day(written)

    assert first <= last
    assert first.isoformat().startswith(written)
    assert last.isoformat().startswith(written)


@pytest.mark.parametrize("written", ["2014-13", "2014-02-30", "14", "2014-2", "2014/02"])
def test_a_date_that_the_calendar_has_not_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        a_function(until=written)


def test_a_function_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError, match="until lies before since"):
        a_function(since="2010-06", until="2010-05")


def test_an_exception_takes_two_officers_for_what_is_declared_now() -> None:
    functions = declared(a_function(Payer.STATE, until="2019"))
    answer = judge(RULE, functions)

    assert not admits(answer, ())
    assert not admits(answer, signed(functions, "O-1"))
    assert not admits(answer, signed(functions, "O-1", "O-1"))
    assert admits(answer, signed(functions, "O-1", "O-2"))
    assert not admits(answer, signed(functions, "O-1", "O-2", version="another"))
    assert not admits(answer, signed(declared(a_function()), "O-1", "O-2"))


def test_no_exception_helps_a_function_that_fails() -> None:
    functions = declared(a_function(until=None))
    answer = judge(RULE, functions)

    assert not admits(answer, signed(functions, "O-1", "O-2"))
    with pytest.raises(NothingToChange, match="no exception is possible"):
        check_signature(answer, "O-1", (), ExceptionReason(digest=functions.digest, reason="Why"))


def test_an_exception_is_refused_where_none_is_needed_or_the_officer_saw_something_else_or_signed_before() -> None:
    functions = declared(a_function(Payer.STATE, until="2019"))
    answer = judge(RULE, functions)
    reason = ExceptionReason(digest=functions.digest, reason="A teacher of chemistry")

    check_signature(answer, "O-2", signed(functions, "O-1"), reason)
    with pytest.raises(SamePerson):
        check_signature(answer, "O-1", signed(functions, "O-1"), reason)
    with pytest.raises(StaleContent):
        check_signature(answer, "O-2", (), ExceptionReason(digest="0" * 64, reason="Why"))
    with pytest.raises(NothingToChange, match="no exception is needed"):
        check_signature(judge(RULE, declared()), "O-1", (), ExceptionReason(digest=declared().digest, reason="Why"))
