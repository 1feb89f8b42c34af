"""What the command line says of how long a case is kept."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.erasure import Certificate
from domain.ledger import CaseRow
from starter import show
from starter.commands.candidacy import kept
from starter.commands.common import certified
from tests.domain.test_erasure import a_certificate
from tests.starter.conftest import Starter

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--until", "soon", "--reason", "x"], "--until: must be a date such as 2026-01-31"),
        (["--until", "2030-01-01", "--reason", " "], "--reason: must not be empty"),
        (
            ["--until", "2030-01-01"],
            "Missing option '--reason'; `starter candidacy retain --help` says what there is",
        ),
    ],
)
def test_a_hold_that_cannot_be_used_is_named_by_its_option(starter: Starter, given: list[str], message: str) -> None:
    said = starter("candidacy", "retain", "C-2026-0001", *given)
    assert (said.code, said.out, said.err) == (2, "", f"usage: {message}\n")


def a_row(**changes: Any) -> CaseRow:
    fields: dict[str, Any] = {
        "reference": "C-2026-0001",
        "kind": "candidacy",
        "session": "2026",
        "stage": "lapsed",
        "ended": True,
        "seat": "general",
        "deadline": None,
        "seq": 2,
        "workflow_id": "candidacy/2026/x",
        "opened": AT,
        "changed": AT,
        "troubled_letters": 0,
    }
    return CaseRow.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ended": False}, None),
        ({"ended": False, "held_until": "2030-01-01"}, "2030-01-01 at the least, as an officer has said"),
        (
            {"kept_until": "9999-12-31", "held_until": "9999-12-31"},
            "until `starter candidacy retain` says otherwise: nobody knows whether an officer held it back",
        ),
        ({}, "it is erased when somebody asks for it only"),
        ({"kept_until": "2027-03-02"}, "2027-03-02, then erased by itself"),
        (
            {"kept_until": "2027-03-02", "announced": "2027-03-02"},
            "2027-03-02, then erased by itself, as the desk was told",
        ),
        (
            {"kept_until": "2030-01-01", "held_until": "2030-01-01", "announced": "2027-03-02"},
            "2030-01-01 (held back by an officer), then erased by itself",
        ),
    ],
)
def test_a_case_says_until_when_it_is_kept_and_why(changes: dict[str, Any], told: str | None) -> None:
    assert kept(a_row(**changes)) == told


def test_a_list_says_it_where_it_is_known_of_any(capsys: pytest.CaptureFixture[str]) -> None:
    show.write(show.cases("Candidacies", [a_row(), a_row(reference="C-2026-0002", kept_until=date(2027, 3, 2))]))
    assert "2027-03-02" in capsys.readouterr().out
    show.write(show.cases("Candidacies", [a_row()]))
    assert "kept until" not in capsys.readouterr().out


def test_a_certificate_says_what_it_rests_on() -> None:
    rule = {"setting": "DESK_RETAIN_LAPSED", "value": "1 year"}
    by_rule: Certificate = a_certificate(rule=rule, requested_by=None, requested_at=None, confirmed_by=None)
    assert str(certified(a_certificate())[0]).startswith("C-2026-0001: erased. Asked for by O-7, confirmed by O-8; ")
    assert "erased. Kept no longer by DESK_RETAIN_LAPSED (1 year); " in str(certified(by_rule)[0])
