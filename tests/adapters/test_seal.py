"""Seals are known again by the key that made them, and by no other."""

from datetime import UTC, datetime

import pytest

from adapters.seal import Ed25519Sealer, fingerprint
from domain.chain import Seal

AT = datetime(2026, 3, 1, tzinfo=UTC)
PUBLIC = bytes.fromhex("3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")
"""The public key of the private key that is all zeros (RFC 8032)."""


def sealed() -> Seal:
    return Ed25519Sealer(bytes(32)).seal(7, b"head", AT)


def test_a_seal_names_its_key_and_is_known_again() -> None:
    assert sealed().key == fingerprint(PUBLIC)
    assert Ed25519Sealer(bytes(32)).knows(sealed())


def test_a_seal_of_a_former_key_is_known_and_one_of_a_strange_key_is_not() -> None:
    assert Ed25519Sealer(bytes([1] * 32), [PUBLIC]).knows(sealed())
    assert not Ed25519Sealer(bytes([1] * 32)).knows(sealed())


@pytest.mark.parametrize(
    "change",
    [
        {"n": 8},
        {"head": "00"},
        {"at": datetime(2026, 3, 2, tzinfo=UTC)},
        {"signature": "00" * 64},
        {"signature": "not hexadecimal"},
        {"signature": ""},
    ],
)
def test_a_seal_that_was_changed_is_not_known(change: dict[str, object]) -> None:
    assert not Ed25519Sealer(bytes(32)).knows(sealed().model_copy(update=change))
