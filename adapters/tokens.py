"""Bearer tokens of a house's OpenID Connect provider, verified against the keys it publishes.

OpenID Connect Core 1.0 (section 3.1.3.7) says what of an ID token must be checked; RFC 7519 and RFC 7517 say how.
"""

import asyncio
import hashlib
import json
import urllib.request
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from jwt.exceptions import PyJWKClientConnectionError

from activities.ports import ProviderUnavailable
from domain.errors import UnknownSigner
from domain.signing import Evidence

_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""No symmetric one: whoever knew the secret could be anybody."""
_NEEDED: Final = ("iss", "sub", "aud", "iat", "exp")
_PATIENCE: Final = 5.0
"""Seconds the provider may take to answer."""
_KEPT: Final = 300.0
"""Seconds for which its keys are kept; one that is not among them is looked for at once."""


class OidcTokens:
    """Fills the port ``domain.authority.Tokens``.

    Args:
        issuer: The provider, as its tokens name it.
        audience: What its tokens for this register are for.
        keys: Where its keys are; found out by its configuration, where none is given.
    """

    def __init__(self, issuer: str, audience: str, *, keys: str | None = None) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._client: jwt.PyJWKClient | None = None

    async def evidence(self, token: str) -> Evidence:
        """What a token says, once its issuer, audience and signature are verified; its time is for others to judge.

        Raises:
            UnknownSigner: It is none of this provider's for this register.
            ProviderUnavailable: The provider does not answer.
        """
        return await asyncio.to_thread(self._verified, token)

    def _verified(self, token: str) -> Evidence:
        try:
            key = self._published().get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                # Its time is held against when the command was taken, not against now: a step may be written again.
                options={"require": list(_NEEDED), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            return Evidence(
                iss=claims["iss"],
                sub=claims["sub"],
                jti=claims.get("jti"),
                kid=str(key.key_id),
                issued=_instant(claims["iat"]),
                expires=_instant(claims["exp"]),
                digest=hashlib.sha256(token.encode()).hexdigest(),
            )
        except (PyJWKClientConnectionError, OSError) as away:
            raise ProviderUnavailable("the provider of tokens does not answer") from away
        except (jwt.PyJWTError, ValueError, OverflowError):
            # What is wrong with a token may quote it.
            raise UnknownSigner("the token is none of the house's provider for this register", rule="token") from None

    def _published(self) -> jwt.PyJWKClient:
        if self._client is None:
            where = self._keys or str(self._configuration()["jwks_uri"])
            self._client = jwt.PyJWKClient(where, lifespan=_KEPT, timeout=_PATIENCE)
        return self._client

    def _configuration(self) -> dict[str, Any]:
        where = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        with urllib.request.urlopen(where, timeout=_PATIENCE) as answer:  # noqa: S310  # the settings let https pass
            found: dict[str, Any] = json.load(answer)
        return found


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
