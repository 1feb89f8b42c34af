"""Two persons erase a person's data, and what they did is said word for word."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from domain.erasure import (
    Certificate,
    CertificateCheck,
    Erasure,
    ErasureOrder,
    Kept,
    Reading,
    check_order,
    check_request,
)
from domain.errors import Erased, NothingToChange, Refusal, SamePerson
from tests.builders import a_person

AT = datetime(2026, 3, 3, 12, tzinfo=UTC)


def a_reading(**changes: int) -> Reading:
    return Reading.model_validate({"kept": Kept.REGISTER, "unreadable": 3, "readable": 0, "in_clear": 0} | changes)


def a_certificate(**changes: Any) -> Certificate:
    fields: dict[str, Any] = {
        "candidacy": "C-2026-0001",
        "key": a_person().key,
        "requested_by": "O-7",
        "requested_at": AT,
        "confirmed_by": "O-8",
        "confirmed_at": AT,
        "destroyed_at": AT,
        "verified_at": AT,
        "readings": [a_reading()],
        "cases": 1,
        "steps": 3,
        "letters": 2,
        "sent": 1,
    }
    return Certificate.model_validate(fields | changes)


def an_erasure(**changes: Any) -> Erasure:
    fields = {"candidacy": "C-2026-0001", "key": a_person().key, "requested_at": AT, "requested_by": "O-7"}
    return Erasure.model_validate(fields | {"reason": "File DP-12"} | changes)


def test_an_erasure_is_asked_for_once_and_again_by_the_same_officer() -> None:
    check_request(None, "O-7")
    check_request(an_erasure(), "O-7")
    with pytest.raises(NothingToChange, match="O-7 has asked for this erasure"):
        check_request(an_erasure(), "O-8")


def test_an_erasure_that_is_done_is_not_asked_for_again() -> None:
    with pytest.raises(Erased):
        check_request(an_erasure(certificate=a_certificate()), "O-7")


def test_another_officer_confirms_it() -> None:
    order = ErasureOrder(requested_by="O-7")
    assert check_order(an_erasure(), order, "O-8") == an_erasure()


@pytest.mark.parametrize(
    ("standing", "requester", "signer", "refusal"),
    [
        (an_erasure(), "O-7", "O-7", SamePerson),
        (an_erasure(), "O-9", "O-8", NothingToChange),
        (None, "O-7", "O-8", NothingToChange),
    ],
)
def test_nobody_erases_alone_or_by_mistake(
    standing: Erasure | None, requester: str, signer: str, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        check_order(standing, ErasureOrder(requested_by=requester), signer)


@pytest.mark.parametrize("wrong", ["readable", "in_clear"])
def test_nothing_is_clean_that_can_be_read(wrong: str) -> None:
    assert a_certificate().clean
    assert not a_certificate(readings=[a_reading(), a_reading(**{wrong: 1})]).clean
    assert CertificateCheck(genuine=True, on_file=True, readings=(a_reading(),)).holds
    assert not CertificateCheck(genuine=True, on_file=True, readings=(a_reading(**{wrong: 1}),)).holds
    assert not CertificateCheck(genuine=False, on_file=True).holds


def test_everything_but_the_signature_is_signed() -> None:
    signed = json.loads(a_certificate().statement)
    assert signed.keys() == Certificate.model_fields.keys() - {"signature", "rule"}
    assert a_certificate(signature="00").statement == a_certificate().statement


def test_a_person_is_known_by_every_name_of_the_key() -> None:
    person = a_person()
    assert person.names == {person.key, "C-2026-0001"}


def test_a_certificate_rests_on_two_officers_or_on_a_rule() -> None:
    rule = {"setting": "DESK_RETAIN_LAPSED", "value": "1 year"}
    nobody = {"requested_by": None, "requested_at": None, "confirmed_by": None}
    assert json.loads(a_certificate(rule=rule, **nobody).statement)["rule"] == rule
    for wrong in (nobody, {"rule": rule}, {"confirmed_by": None}):
        with pytest.raises(ValidationError, match="two officers or on a rule"):
            a_certificate(**wrong)


def test_what_a_rule_erases_needs_nobody_any_more() -> None:
    under_way = an_erasure(rule={"setting": "DESK_RETAIN_LAPSED", "value": "1 year"}, confirmed_at=AT)
    with pytest.raises(Erased):
        check_request(under_way, "O-7")
    with pytest.raises(Erased):
        check_order(under_way, ErasureOrder(requested_by="O-7"), "O-8")
