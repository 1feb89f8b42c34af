"""The worker's key for the ledger's seals and for certificates: Ed25519 (RFC 8032)."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.chain import Seal
from domain.erasure import Certificate


class Ed25519Sealer:
    """Seals heads with one key, and knows again its own seals and those of former keys.

    Args:
        key: The private key's 32 bytes.
        former: The 32 bytes of the public keys that sealed before it.
    """

    def __init__(self, key: bytes, former: Iterable[bytes] = ()) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(key)
        public = self._key.public_key().public_bytes_raw()
        self._own = fingerprint(public)
        self._known = {fingerprint(each): Ed25519PublicKey.from_public_bytes(each) for each in (public, *former)}

    def seal(self, n: int, head: bytes, at: datetime) -> Seal:
        """The seal of a head, signed."""
        seal = Seal(n=n, head=head.hex(), at=at, key=self._own)
        return seal.model_copy(update={"signature": self._key.sign(seal.statement).hex()})

    def knows(self, seal: Seal) -> bool:
        """Whether a seal was made with one of the keys, and says what it said then."""
        return self._signed(seal.key, seal.statement, seal.signature)

    def certify(self, certificate: Certificate) -> Certificate:
        """A certificate, signed."""
        public = self._key.public_key().public_bytes_raw().hex()
        named = certificate.model_copy(update={"signer": self._own, "public_key": public})
        return named.model_copy(update={"signature": self._key.sign(named.statement).hex()})

    def certified(self, certificate: Certificate) -> bool:
        """Whether a certificate was signed with one of the keys, and says what it said then."""
        return self._signed(certificate.signer, certificate.statement, certificate.signature)

    def _signed(self, name: str, statement: bytes, signature: str) -> bool:
        key = self._known.get(name)
        try:
            if key is not None:
                key.verify(bytes.fromhex(signature), statement)
        except (InvalidSignature, ValueError):
            return False
        return key is not None


def fingerprint(public: bytes) -> str:
    """What a public key is called in a seal: the first half of its SHA-256, in hexadecimal."""
    return hashlib.sha256(public).hexdigest()[:32]
