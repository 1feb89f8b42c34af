"""A withdrawal is about the interest that was meant, whatever its number has become."""

from datetime import UTC, datetime, timedelta

from domain.interests import InterestRow, Withdrawal
from domain.memories import same_interest
from domain.traces import About

DECLARED = datetime(2026, 3, 2, 9, tzinfo=UTC)
FUND = InterestRow(id="I-7", about=About.ORGANISATION, what="Test Fund", since=DECLARED)
REMEMBERED = (FUND, FUND.model_copy(update={"id": "I-8", "what": "Another"}))
WITHDRAWAL = Withdrawal(interest="I-7", reason="left it")


def numbered(row: InterestRow, number: int, **changes: object) -> InterestRow:
    return row.model_copy(update={"id": f"I-{number}", **changes})


def test_the_interest_that_was_withdrawn_is_found_under_another_number() -> None:
    own = (numbered(REMEMBERED[1], 7), numbered(FUND, 1))
    assert same_interest(WITHDRAWAL, REMEMBERED, own) == "I-1"


def test_an_interest_is_never_withdrawn_in_the_place_of_another() -> None:
    later = numbered(FUND, 7, since=DECLARED + timedelta(days=1))
    withdrawn = numbered(FUND, 7, until=DECLARED + timedelta(days=2))
    for own in ((), (numbered(REMEMBERED[1], 7),), (later,), (withdrawn,)):
        assert same_interest(WITHDRAWAL, REMEMBERED, own) is None
    assert same_interest(WITHDRAWAL, (), (FUND,)) is None
