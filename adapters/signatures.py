"""JSON Web Signatures (RFC 7515) with Ed25519 keys (RFC 8037), checked with PyJWT over ``cryptography``."""

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from domain.authority import Proof
from domain.signing import TYPE, PublicKey

_ALGORITHM: Final = "EdDSA"
_JWS: Final = jwt.PyJWS(algorithms=[_ALGORITHM])


@lru_cache(maxsize=4096)
def _parsed(key: PublicKey) -> tuple[Ed25519PublicKey, str]:
    """A key ready for use, and what it is called."""
    parsed = OKPAlgorithm.from_jwk(key.model_dump())
    if not isinstance(parsed, Ed25519PublicKey):
        raise TypeError("a public key is not one of Ed25519")
    return parsed, key.id


class JsonWebSignatures:
    """Fills the port ``domain.authority.Signatures``."""

    def holds(self, signature: str, covered: bytes, key: PublicKey) -> bool:
        """Whether a compact signature with its payload detached (RFC 7797) is over these bytes, by this key."""
        public, name = _parsed(key)
        try:
            found = _JWS.decode_complete(signature, public, algorithms=[_ALGORITHM], detached_payload=covered)
        except (jwt.InvalidTokenError, ValueError):
            return False
        header = found["header"]
        # A signature that brings a payload of its own would be checked over that one.
        return header.get("b64") is False and header.get("kid") == name and header.get("typ") == TYPE


def which_hold(proofs: Sequence[tuple[str, bytes, str]]) -> list[int]:
    """Of signatures, each with what it is over and the public key's ``x``, the places of those that hold."""
    signatures = JsonWebSignatures()
    return [
        place
        for place, (signature, covered, x) in enumerate(proofs)
        if signatures.holds(signature, covered, PublicKey(x=x))
    ]


class SignaturesAside:
    """Fills the port ``activities.ports.Proofs``; the library keeps the interpreter to itself while it checks.

    Args:
        run: Has a function run beside this process.
    """

    def __init__(self, run: Callable[..., Awaitable[list[int]]]) -> None:
        self._run = run

    async def genuine(self, proofs: Sequence[Proof]) -> frozenset[Proof]:
        """The proofs that hold."""
        if not proofs:
            return frozenset()
        # No models: what crosses is read faster than it could be checked.
        places = await self._run(which_hold, [(signature, covered, key.x) for signature, covered, key in proofs])
        return frozenset(proofs[place] for place in places)
