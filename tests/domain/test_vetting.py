from collections.abc import Sequence
from itertools import permutations, product
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import IncompleteAnswer
from domain.vetting import Assessed, Assessment, Finding, Judgement, VettingResult, answer_each, weigh
from tests.builders import NOMINATED_AT

CLEAR, ADVERSE, UNSURE = Judgement.CLEAR, Judgement.ADVERSE, Judgement.UNSURE
KEYS: Final = ("shares-values", "opposes-war", "rejects-empire")

rounds = st.lists(st.tuples(*(st.sampled_from(Judgement) for _ in KEYS)), max_size=3)


def assessed(rows: Sequence[Sequence[Judgement]], keys: Sequence[str] = KEYS) -> list[Assessed]:
    return [
        Assessed(officer=f"O-{number}", at=NOMINATED_AT, judgements=dict(zip(keys, row, strict=True)))
        for number, row in enumerate(rows, 1)
    ]


@pytest.mark.parametrize(
    ("judgements", "result", "decisive"),
    [
        ((), VettingResult.AWAITED, False),
        ((CLEAR,), VettingResult.AWAITED, False),
        ((ADVERSE,), VettingResult.AWAITED, False),
        ((CLEAR, CLEAR), VettingResult.CLEARED, False),
        ((ADVERSE, ADVERSE), VettingResult.INELIGIBLE, True),
        ((CLEAR, ADVERSE), VettingResult.THIRD_NEEDED, True),
        ((CLEAR, UNSURE), VettingResult.THIRD_NEEDED, True),
        ((ADVERSE, UNSURE), VettingResult.THIRD_NEEDED, True),
        ((UNSURE, UNSURE), VettingResult.THIRD_NEEDED, True),
        ((CLEAR, ADVERSE, CLEAR), VettingResult.CLEARED, False),
        ((CLEAR, ADVERSE, ADVERSE), VettingResult.INELIGIBLE, True),
        ((CLEAR, ADVERSE, UNSURE), VettingResult.UNRESOLVED, True),
        ((CLEAR, UNSURE, UNSURE), VettingResult.UNRESOLVED, True),
        ((UNSURE, UNSURE, CLEAR), VettingResult.UNRESOLVED, True),
        ((UNSURE, CLEAR, CLEAR), VettingResult.CLEARED, False),
        ((UNSURE, ADVERSE, ADVERSE), VettingResult.INELIGIBLE, True),
    ],
)
def test_what_the_findings_on_one_criterion_come_to(
    judgements: tuple[Judgement, ...], result: VettingResult, decisive: bool
) -> None:
    key = KEYS[:1]

    assert weigh(key, assessed([(judgement,) for judgement in judgements], key)) == (result, key if decisive else ())


@pytest.mark.parametrize(
    ("rows", "result", "criteria"),
    [
        pytest.param(
            [(ADVERSE, CLEAR, UNSURE), (ADVERSE, CLEAR, CLEAR)],
            (VettingResult.INELIGIBLE),
            ("shares-values",),
            id="what both find adverse decides over what is open",
        ),
        pytest.param(
            [(CLEAR, ADVERSE, UNSURE), (CLEAR, CLEAR, CLEAR)],
            VettingResult.THIRD_NEEDED,
            ("opposes-war", "rejects-empire"),
            id="every open criterion is named",
        ),
        pytest.param(
            [(CLEAR, ADVERSE, UNSURE), (CLEAR, CLEAR, CLEAR), (ADVERSE, CLEAR, UNSURE)],
            VettingResult.UNRESOLVED,
            ("rejects-empire",),
            id="each criterion has its own majority",
        ),
    ],
)
def test_criteria_are_weighed_one_by_one(
    rows: list[tuple[Judgement, ...]], result: VettingResult, criteria: tuple[str, ...]
) -> None:
    assert weigh(KEYS, assessed(rows)) == (result, criteria)


@settings(max_examples=150, deadline=None)
@given(rounds)
def test_the_order_of_the_officers_does_not_matter(rows: list[tuple[Judgement, ...]]) -> None:
    given_in_order = assessed(rows)

    assert {weigh(KEYS, order) for order in permutations(given_in_order)} == {weigh(KEYS, given_in_order)}


@settings(max_examples=200, deadline=None)
@given(rounds)
def test_nobody_is_cleared_without_two_clear_findings_on_every_criterion(rows: list[tuple[Judgement, ...]]) -> None:
    result, criteria = weigh(KEYS, assessed(rows))
    clear = {key: [row[place] for row in rows].count(CLEAR) for place, key in enumerate(KEYS)}
    adverse = {key: [row[place] for row in rows].count(ADVERSE) for place, key in enumerate(KEYS)}

    assert (result is VettingResult.CLEARED) == all(count >= 2 for count in clear.values())
    assert (result is VettingResult.INELIGIBLE) == any(count >= 2 for count in adverse.values())
    if result is VettingResult.INELIGIBLE:
        assert criteria == tuple(key for key in KEYS if adverse[key] >= 2)


def test_a_third_officer_is_asked_exactly_where_two_do_not_settle_it() -> None:
    results = {
        pair: weigh(KEYS[:1], assessed([(judgement,) for judgement in pair], KEYS[:1]))[0]
        for pair in product(Judgement, repeat=2)
    }

    assert {pair for pair, result in results.items() if result is not VettingResult.THIRD_NEEDED} == {
        (CLEAR, CLEAR),
        (ADVERSE, ADVERSE),
    }


def test_one_answer_to_each_criterion_in_any_order_is_complete() -> None:
    for order in permutations(KEYS):
        answer_each(KEYS, order, "an answer")


@pytest.mark.parametrize(
    ("answered", "message"),
    [
        (KEYS[:2], "an answer is missing for rejects-empire"),
        ((), "an answer is missing for shares-values, opposes-war, rejects-empire"),
        ((*KEYS, KEYS[0]), "an answer is given more than once for shares-values"),
        ((*KEYS, "likes-tea"), "an answer is given for what is no criterion of this session: likes-tea"),
    ],
)
def test_an_incomplete_answer_names_the_criterion(answered: tuple[str, ...], message: str) -> None:
    with pytest.raises(IncompleteAnswer) as refused:
        answer_each(KEYS, answered, "an answer")

    assert (str(refused.value), refused.value.rule) == (message, "one-answer-per-criterion")


@pytest.mark.parametrize(
    ("changes", "loc", "message"),
    [
        ({"judgement": "adverse"}, (), "Value error, an adverse finding names its evidence"),
        ({"judgement": "perhaps"}, ("judgement",), "Input should be 'clear', 'adverse' or 'unsure'"),
        ({"reason": " "}, ("reason",), "String should have at least 1 character"),
        ({"evidence": ["a\r\nb"]}, ("evidence", 0), "Value error, must be one line of printable text, found U+000D"),
    ],
)
def test_a_finding_is_reasoned(changes: dict[str, Any], loc: tuple[Any, ...], message: str) -> None:
    fields = {"criterion": "opposes-war", "judgement": "clear", "reason": "Read the file."}

    with pytest.raises(ValidationError) as refused:
        Finding.model_validate(fields | changes)

    assert [(error["loc"], error["msg"]) for error in refused.value.errors()] == [(loc, message)]


def test_an_assessment_has_a_finding() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        Assessment(findings=())
