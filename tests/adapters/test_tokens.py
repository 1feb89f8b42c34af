"""Tokens of a house's provider: which are taken, and what is kept of them."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from activities.ports import ProviderUnavailable
from adapters.tokens import OidcTokens
from domain.errors import UnknownSigner

AUDIENCE = "dialogue-desk"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Provider:
    """A provider on loopback, with one key."""

    issuer: str
    private: ec.EllipticCurvePrivateKey

    def token(self, *, signed_by: Any = None, alg: str = "ES256", kid: str = "one", **changes: Any) -> str:
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "officer-at-the-house",
            "aud": AUDIENCE,
            "iat": NOW,
            "exp": NOW + timedelta(minutes=5),
            "jti": "t-1",
        }
        told = {name: value for name, value in (claims | changes).items() if value is not None}
        key: Any = None if alg == "none" else signed_by or self.private
        return jwt.encode(told, key, algorithm=alg, headers={"kid": kid})


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    private = ec.generate_private_key(ec.SECP256R1())
    published = json.loads(ECAlgorithm.to_jwk(private.public_key())) | {"kid": "one", "use": "sig", "alg": "ES256"}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer = f"http://127.0.0.1:{server.server_port}"
            documents: dict[str, Any] = {
                "/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": f"{issuer}/keys"},
                "/keys": {"keys": [published]},
            }
            found = documents.get(self.path)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield Provider(f"http://127.0.0.1:{server.server_port}", private)
    server.shutdown()
    serving.join()
    server.server_close()


async def test_token_of_the_provider_leaves_evidence_without_itself(provider: Provider) -> None:
    token = provider.token()
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
