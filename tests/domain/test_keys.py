"""Under whose key something lies."""

import pytest

from domain.ids import candidacy_workflow_id, delivery_workflow_id, list_workflow_id, session_workflow_id
from domain.keys import REGISTER_KEY, is_key_name, is_reference, key_of
from tests.builders import SESSION

MARK = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "subject",
    [
        candidacy_workflow_id(SESSION, MARK),
        f"suspension/{SESSION}/{MARK}/2",
        f"desk/LedgerEnquiry/candidacy/{SESSION}/{MARK}/00ff",
        f"{SESSION}/{MARK}",
    ],
)
def test_whatever_names_a_person_by_fingerprint_lies_under_that_persons_key(subject: str) -> None:
    assert key_of(subject) == f"{SESSION}/{MARK}"


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        (delivery_workflow_id("C-2026-0007.3.1"), "C-2026-0007"),
        ("desk/LedgerEnquiry/C-2026B-0007/00ff", "C-2026B-0007"),
        ("C-2026-0007.3.1", "C-2026-0007"),
        ("S-2026-0002", "S-2026-0002"),
    ],
)
def test_whatever_names_a_case_of_a_person_lies_under_the_key_that_goes_by_its_reference(
    subject: str, key: str
) -> None:
    assert key_of(subject) == key
    assert is_reference(key)


@pytest.mark.parametrize(
    "subject",
    [
        session_workflow_id(SESSION),
        list_workflow_id("L-2026-1"),
        delivery_workflow_id("L-2026-1.3.1"),
        "desk/LedgerEnquiry/register/00ff",
        f"{SESSION}/{MARK}0",
        "C-2026-0007b",
        "",
    ],
)
def test_what_is_about_nobody_in_particular_lies_under_the_registers_key(subject: str) -> None:
    assert key_of(subject) == REGISTER_KEY


@pytest.mark.parametrize("subject", ["officer/O-17", "desk/InterestDeclaration/officer/O-17/00ff"])
def test_an_officers_interests_lie_under_the_officers_own_key(subject: str) -> None:
    assert key_of(subject) == "officer/O-17"
    assert is_key_name(key_of(subject))
    assert not is_reference(key_of(subject))


@pytest.mark.parametrize(
    "name",
    ["", "officer/", "officer/O-1/..", "../register", "register\n", "L-2026-1", f"{SESSION}/{MARK}/1", f"{MARK}"],
)
def test_a_name_from_outside_that_names_no_key_is_none(name: str) -> None:
    assert not is_key_name(name)
    assert not is_reference(name)
