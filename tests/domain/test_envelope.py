from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.candidacy import Reason
from domain.envelope import Envelope, Receipt
from domain.errors import AlteredCommand
from domain.ids import candidacy_reference
from domain.people import Nomination
from domain.signing import digest
from domain.steps import Trigger
from tests.builders import NOMINATED_AT, a_nomination, an_envelope

CASE = candidacy_reference("2026", 1)


def withdrawal(**changes: Any) -> Envelope[Reason]:
    fields = {"act": "withdraw", "case": CASE} | changes
    return an_envelope(fields.pop("act"), fields.pop("case"), Reason(reason="No time."), **fields)


def test_a_digest_is_of_the_canonical_json() -> None:
    assert digest({"b": 1, "a": "Пётр"}) == digest({"a": "Пётр", "b": 1})
    assert digest([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


def test_an_envelope_as_it_was_closed_is_let_pass() -> None:
    withdrawal().verify(act="withdraw", case=frozenset({CASE}))


@pytest.mark.parametrize(
    ("envelope", "rule"),
    [
        (withdrawal(content_hash="0" * 64), "content-hash"),
        (withdrawal().model_copy(update={"content": Reason(reason="Another.")}), "content-hash"),
        (withdrawal(act="decline"), "envelope-act"),
        (withdrawal(case="C-2026-0002"), "envelope-case"),
    ],
)
def test_an_altered_envelope_is_refused(envelope: Envelope[Reason], rule: str) -> None:
    with pytest.raises(AlteredCommand) as refused:
        envelope.verify(act="withdraw", case=frozenset({CASE, "candidacy/2026/x"}))

    assert refused.value.rule == rule


def test_an_envelope_is_the_same_after_a_journey() -> None:
    nomination = a_nomination(given_name="Пётр", family_name="Вымышленный")
    envelope = an_envelope("nominate", "candidacy/2026/x", nomination)

    arrived = Envelope[Nomination].model_validate_json(envelope.model_dump_json())

    assert arrived == envelope
    arrived.verify(act="nominate", case=frozenset({"candidacy/2026/x"}))


@pytest.mark.parametrize(
    "later",
    [
        {"issued": NOMINATED_AT + timedelta(days=1)},
        {"nonce": "f" * 32},
        {"key": "a" * 43, "signature": "0"},
    ],
)
def test_the_same_command_sent_again_is_the_same_decision(later: dict[str, Any]) -> None:
    assert withdrawal(**later).decision == withdrawal().decision


@pytest.mark.parametrize("other", [{"signer": "O-2"}, {"case": "C-2026-0002"}, {"act": "decline"}, {"basis": 3}])
def test_another_command_is_another_decision(other: dict[str, Any]) -> None:
    assert withdrawal(**other).decision != withdrawal().decision


def test_other_content_is_another_decision() -> None:
    other = an_envelope("withdraw", CASE, Reason(reason="Too far."))

    assert other.decision != withdrawal().decision


def test_the_same_words_about_a_case_that_has_gone_on_are_the_same_command() -> None:
    assert withdrawal(basis=3).command == withdrawal(basis=7).command


def test_a_step_carries_the_whole_envelope() -> None:
    envelope = withdrawal(key="k" * 43, signature="s1")

    step = envelope.step(seq=4, at=NOMINATED_AT, before="vetting", stage="withdrawn", effects=("told",))

    assert (step.seq, step.act, step.trigger, step.stage_before, step.stage, step.effects) == (
        4,
        "withdraw",
        Trigger.OFFICER,
        "vetting",
        "withdrawn",
        ("told",),
    )
    assert (step.decision, step.signer, step.content_hash, step.issued, step.nonce, step.key, step.signature) == (
        envelope.decision,
        "O-1",
        envelope.content_hash,
        NOMINATED_AT,
        envelope.nonce,
        "k" * 43,
        "s1",
    )
    assert step.content == {"reason": "No time."}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content_hash", "0" * 63),
        ("content_hash", "G" * 64),
        ("content_hash", "0" * 64 + "\n"),
        ("nonce", "0" * 31),
        ("nonce", "0" * 33),
        ("signer", "Ada Example"),
        ("signer", "O-"),
        ("signer", "O-1\n"),
        ("issued", datetime(2026, 1, 1).isoformat()),  # noqa: DTZ001
        ("basis", -1),
        ("content", {"reason": ""}),
    ],
)
def test_a_malformed_envelope_names_its_field(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Envelope[Reason].model_validate(withdrawal().model_dump() | {field: value})

    assert [error["loc"][0] for error in refused.value.errors()] == [field]


def test_no_field_but_the_signer_says_who_acts() -> None:
    with pytest.raises(ValidationError) as refused:
        Envelope[Reason].model_validate(withdrawal().model_dump() | {"on_behalf_of": "O-2"})

    assert [(error["loc"], error["type"]) for error in refused.value.errors()] == [
        (("on_behalf_of",), "extra_forbidden")
    ]


def test_a_receipt_answers_the_envelope_that_was_taken() -> None:
    receipt = Receipt(reference=CASE, seq=4, act="withdraw", stage="withdrawn", at=NOMINATED_AT, nonce="0" * 32)

    assert receipt.answers(withdrawal(nonce="0" * 32)) is True
    assert receipt.answers(withdrawal(nonce="f" * 32)) is False
