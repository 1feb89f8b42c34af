"""What a signature covers, and how keys are named. Pure: who computes signatures and checks them stands outside."""

import base64
import hashlib
import json
from datetime import UTC
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from domain.ids import KeyId, OfficerId
from domain.model import Model

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Nonce = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]

TYPE: Final = "desk-command"
"""The ``typ`` of a command's JSON Web Signature, so that a signature over anything else is none over a command."""


# Made once: to make one costs as much as to write a command with it.
_CANONICAL: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: Any) -> bytes:
    """A value's canonical JSON: sorted keys, no spaces, UTF-8."""
    return _CANONICAL.encode(value).encode()


def digest(value: Any) -> str:
    """SHA-256, in hexadecimal, of a value's canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def thumbprint(value: dict[str, str]) -> str:
    """SHA-256, in base64url, of a value's canonical JSON; of a key's required members it is that of RFC 7638."""
    return base64.urlsafe_b64encode(hashlib.sha256(canonical(value)).digest()).rstrip(b"=").decode()


class PublicKey(Model):
    """The public half of an officer's key, as a JSON Web Key (RFC 8037)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    x: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]

    @property
    def id(self) -> str:
        """The key's thumbprint (RFC 7638): what it is called everywhere."""
        return thumbprint(self.model_dump())


class Identity(Model):
    """Somebody as their house's OpenID Connect provider knows them: its issuer, and its name for the subject."""

    iss: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    sub: Annotated[str, StringConstraints(min_length=1, max_length=255)]

    @property
    def id(self) -> str:
        """What it is called among the keys."""
        return thumbprint(self.model_dump())


Credential = PublicKey | Identity
"""By what an officer is known: a key of their own, or the word of their house's provider."""


class Evidence(Model):
    """What is kept of a bearer token that was verified: whose it was and who said so, and never the token itself.

    Attributes:
        iss, sub: The provider and the subject.
        jti: The token's own id, where it has one.
        kid: The provider's key it was signed with.
        issued: When the provider issued it.
        expires: From when on it is good for nothing.
        digest: SHA-256 of the token, by which one that turns up later is known again.
    """

    iss: str
    sub: str
    jti: str | None = None
    kid: str
    issued: AwareDatetime
    expires: AwareDatetime
    digest: Digest

    @property
    def identity(self) -> Identity:
        """Who it says acts."""
        return Identity(iss=self.iss, sub=self.sub)


def decision_of(act: str, case: str, content_hash: str, signer: str) -> str:
    """What stays the same each time the same officer says the same about the same case, at whatever time."""
    return digest([act, case, content_hash, signer])[:32]


class Signed(Model):
    """A command without its content, and its signature: all that is needed to verify it, now or years later.

    Attributes:
        act: The act's name.
        case: What it is done to, as the command names it.
        content_hash: The digest of the command's content.
        basis: The last step of the case that the signer had seen.
        issued: When it was signed, by the signer's clock.
        nonce: Random, so that two signatures never cover the same bytes.
        signer: The person who signed, by number.
        key: The key the signature was made with, or the identity that a token is of.
        signature: A JSON Web Signature (RFC 7515, compact) whose payload, detached (RFC 7797), is ``covered``.
        token: A bearer token beside the command, in the place of a signature; it is verified and not kept.
        evidence: What is kept of it once it is verified.
    """

    act: str
    case: str
    content_hash: Digest
    basis: int = Field(ge=0)
    issued: AwareDatetime
    nonce: Nonce
    signer: OfficerId
    key: KeyId
    signature: str | None = None
    token: str | None = None
    evidence: Evidence | None = None

    @property
    def covered(self) -> bytes:
        """The bytes the signature is over: everything but itself."""
        return covered(self.model_dump(exclude={"signature", "token", "evidence"}))


def covered(fields: dict[str, Any]) -> bytes:
    """The canonical bytes of a command's fields; the instant in UTC, so that it is the same wherever it is read."""
    return canonical(fields | {"issued": fields["issued"].astimezone(UTC).isoformat(timespec="microseconds")})
