"""Tokens of a house's provider: which are taken, and what is kept of them."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from activities.ports import ProviderUnavailable
from adapters.tokens import OidcTokens
from domain.errors import UnknownSigner
from tests.provider import AUDIENCE, Provider, providing

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as running:
        yield running


async def test_token_of_the_provider_leaves_evidence_without_itself(provider: Provider) -> None:
    token = provider.token(at=NOW)
    evidence = await OidcTokens(provider.issuer, AUDIENCE).evidence(token)
    assert (evidence.iss, evidence.sub, evidence.jti, evidence.kid) == (
        provider.issuer, "officer-at-the-house", "t-1", "one",
    )  # fmt: skip
    assert (evidence.issued, evidence.expires) == (NOW, NOW + timedelta(minutes=5))
    assert evidence.digest == hashlib.sha256(token.encode()).hexdigest()
    assert token not in evidence.model_dump_json()


async def test_keys_may_be_elsewhere_than_the_configuration_says(provider: Provider) -> None:
    tokens = OidcTokens("https://login.example.org", AUDIENCE, keys=f"{provider.issuer}/keys")
    evidence = await tokens.evidence(provider.token(iss="https://login.example.org"))
    assert evidence.iss == "https://login.example.org"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://another.example.org"},
        {"aud": "another-house"},
        {"sub": None},
        {"exp": None},
        {"iat": None},
        {"kid": "two"},
        {"signed_by": ec.generate_private_key(ec.SECP256R1())},
        {"signed_by": "a secret that everybody knows, of some length", "alg": "HS256"},
        {"alg": "none"},
    ],
)
async def test_token_that_is_not_the_providers_for_this_register_is_refused(
    provider: Provider, changes: dict[str, Any]
) -> None:
    with pytest.raises(UnknownSigner) as refused:
        await OidcTokens(provider.issuer, AUDIENCE).evidence(provider.token(**changes))
    assert refused.value.rule == "token"


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "..", "😀.😀.😀"])
async def test_what_is_no_token_is_refused(provider: Provider, token: str) -> None:
    with pytest.raises(UnknownSigner):
        await OidcTokens(provider.issuer, AUDIENCE).evidence(token)


async def test_provider_that_does_not_answer_may_answer_later(provider: Provider) -> None:
    for tokens in (
        OidcTokens("http://127.0.0.1:9", AUDIENCE),
        OidcTokens(provider.issuer, AUDIENCE, keys="http://127.0.0.1:9/keys"),
    ):
        with pytest.raises(ProviderUnavailable):
            await tokens.evidence(provider.token())
