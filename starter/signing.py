"""How an officer signs: a key pair of one's own, and commands closed over and signed with it.

The private key never leaves the officer's machine. It lies in a file (PKCS#8) under a passphrase, or in the system's
keyring; the public key goes to the head of desk in a request, with a proof that whoever asks holds the private one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from domain.envelope import Envelope
from domain.model import Model
from domain.offices import Request
from domain.signing import TYPE, Identity, PublicKey

C = TypeVar("C", bound=Model)

_ALGORITHM: Final = "EdDSA"


class Signer(Protocol):
    """Signs as one person."""

    @property
    def person(self) -> str:
        """Who signs, by number."""

    def sign(self, envelope: Envelope[C]) -> Envelope[C]:
        """The envelope, signed."""


class WrongPassphrase(Exception):
    """The private key does not open with this passphrase."""


@dataclass(frozen=True)
class KeyPair:
    """A key pair, and whose it is; fills the port ``Signer``."""

    person: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey.model_validate(OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True))

    def sign(self, envelope: Envelope[C]) -> Envelope[C]:
        """The envelope, signed."""
        keyed = envelope.model_copy(update={"key": self.public.id})
        return keyed.model_copy(update={"signature": self._signature(keyed.covered)})

    def request(self, made: datetime) -> Request:
        """A request to be admitted."""
        unproven = Request(person=self.person, key=self.public, made=made, proof="")
        return unproven.model_copy(update={"proof": self._signature(unproven.covered)})

    def _signature(self, covered: bytes) -> str:
        header = {"kid": self.public.id, "typ": TYPE}
        return jwt.PyJWS().encode(covered, self.private, algorithm=_ALGORITHM, headers=header, is_payload_detached=True)


def fresh(person: str) -> KeyPair:
    """A new key pair."""
    return KeyPair(person=person, private=Ed25519PrivateKey.generate())


def locked(pair: KeyPair, passphrase: str | None) -> str:
    """The private key as text (PKCS#8, PEM), under a passphrase; without one where another guard keeps the text."""
    lock = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.encode())
    return pair.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()


def opened(person: str, text: str, passphrase: str | None) -> KeyPair:
    """The key pair of a private key.

    Raises:
        WrongPassphrase: The text does not open, or holds no such key.
    """
    try:
        private = load_pem_private_key(text.encode(), None if passphrase is None else passphrase.encode())
    except (TypeError, ValueError):
        raise WrongPassphrase from None
    if not isinstance(private, Ed25519PrivateKey):
        raise WrongPassphrase
    return KeyPair(person=person, private=private)


class WrongToken(Exception):
    """A token does not say who it is of."""


def identity_of(token: str) -> Identity:
    """Who a token says it is of; whether that is true, the worker's side verifies.

    Raises:
        WrongToken: It says nothing of the kind.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        return Identity(iss=claims["iss"], sub=claims["sub"])
    except (jwt.PyJWTError, KeyError, ValueError):
        raise WrongToken from None


@dataclass(frozen=True)
class Bearer:
    """Acts with a token of the house's provider in the place of a signature.

    Attributes:
        person: Who acts, by number.
        key: The identity that was admitted, by its name among the keys.
        token: Gives a token that is good now.
    """

    person: str
    key: str
    token: Callable[[], str]

    def sign(self, envelope: Envelope[C]) -> Envelope[C]:
        """The envelope, with the token beside it."""
        return envelope.model_copy(update={"key": self.key, "token": self.token()})


@dataclass
class Locked:
    """A signer whose private key is opened when it first signs, and asked for once."""

    person: str
    unlock: Callable[[], KeyPair]
    _pair: KeyPair | None = None

    def sign(self, envelope: Envelope[C]) -> Envelope[C]:
        """The envelope, signed."""
        if self._pair is None:
            self._pair = self.unlock()
        return self._pair.sign(envelope)
