"""Signatures over commands: what one is over, and by which key."""

from contextlib import aclosing

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.aside import Aside
from adapters.signatures import JsonWebSignatures, SignaturesAside
from domain.candidacy import Reason
from domain.signing import TYPE, PublicKey
from tests.builders import an_envelope
from tests.officers import a_pair

PAIR = a_pair()
HEADERS = {"kid": PAIR.public.id, "typ": TYPE}


def holds(signature: str, covered: bytes = b"covered", key: PublicKey = PAIR.public) -> bool:
    return JsonWebSignatures().holds(signature, covered, key)


def made(covered: bytes = b"covered", *, detached: bool = True, **headers: str) -> str:
    return jwt.PyJWS().encode(
        covered, PAIR.private, algorithm="EdDSA", headers=HEADERS | headers, is_payload_detached=detached
    )


def test_signature_holds_over_what_was_signed_by_the_key_that_signed() -> None:
    assert holds(made())
    assert not holds(made(), b"something else")
    assert not holds(made(), key=a_pair(2).public)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "a.b.c",
        "..",
        made(kid=a_pair(2).public.id),
        made(typ="JWT"),
        # With a payload of its own, which is what such a signature would be checked over.
        made(detached=False),
        jwt.PyJWS().encode(b"covered", "s" * 32, algorithm="HS256", headers=HEADERS, is_payload_detached=True),
        jwt.PyJWS().encode(b"covered", "", algorithm="none", headers=HEADERS, is_payload_detached=True),
    ],
)
def test_what_is_no_detached_signature_of_a_command_by_this_key_does_not_hold(signature: str) -> None:
    assert not holds(signature)


@given(st.integers(0, 10_000))
def test_no_character_of_a_signature_can_be_changed(place: int) -> None:
    signature = made()
    place %= len(signature)
    other = "A" if signature[place] != "A" else "B"
    changed = signature[:place] + other + signature[place + 1 :]
    # The last character of base64url has bits that belong to no byte.
    assert not holds(changed) or place == len(signature) - 1


def test_envelope_is_signed_over_all_but_its_content_of_which_it_has_the_digest() -> None:
    envelope = PAIR.sign(an_envelope("withdraw", "C-2026-0001", Reason(reason="No time.")))
    assert envelope.key == PAIR.public.id
    assert holds(envelope.signature or "", envelope.covered)
    for name, value in {
        "act": "decline",
        "case": "C-2026-0002",
        "basis": 7,
        "nonce": "f" * 32,
        "signer": "O-2",
    }.items():
        assert not holds(envelope.signature or "", envelope.model_copy(update={name: value}).covered)


def test_name_of_a_key_is_the_thumbprint_of_rfc_7638() -> None:
    # RFC 8037, appendix A.3.
    key = PublicKey(x="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert key.id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


async def test_signatures_that_are_checked_beside_are_told_apart() -> None:
    proofs = [(made(), b"covered", PAIR.public), (made(), b"else", PAIR.public), (made(b"else"), b"else", PAIR.public)]
    async with aclosing(Aside()) as aside:
        beside = SignaturesAside(aside.run)
        assert await beside.genuine(proofs) == {proofs[0], proofs[2]}
        assert await beside.genuine([]) == frozenset()
