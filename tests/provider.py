"""An OpenID Connect provider on loopback: its configuration, its key set, and the tokens it gives."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

AUDIENCE: Final = "dialogue-desk"


@dataclass(frozen=True)
class Provider:
    """A provider with one key."""

    issuer: str
    private: ec.EllipticCurvePrivateKey

    def token(
        self, *, signed_by: Any = None, alg: str = "ES256", kid: str = "one", at: datetime | None = None, **changes: Any
    ) -> str:
        """A token for five minutes from an instant, or from now on; a claim that is given as None is left out."""
        issued = at or datetime.now(UTC)
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "officer-at-the-house",
            "aud": AUDIENCE,
            "iat": issued,
            "exp": issued + timedelta(minutes=5),
            "jti": "t-1",
        }
        told = {name: value for name, value in (claims | changes).items() if value is not None}
        key: Any = None if alg == "none" else signed_by or self.private
        return jwt.encode(told, key, algorithm=alg, headers={"kid": kid})


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that answers."""
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
    try:
        yield Provider(f"http://127.0.0.1:{server.server_port}", private)
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
