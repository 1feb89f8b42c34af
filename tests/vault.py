"""A key service on loopback that speaks the HTTP API of the transit engine as Vault and OpenBao document it."""

import base64
import json
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.made-up"  # of a service that lives as long as a test


class Wrong(Exception):
    """A request that the service does not take."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Transit:
    """The engine: named keys with versions.

    Attributes:
        answers: Statuses with which the next requests are answered instead.
        asked: What was asked: method, path and what stood in the headers about the namespace.
        oldest: The oldest version by which it still decrypts.
    """

    url: str = ""
    keys: dict[str, list[bytes]] = field(default_factory=dict)
    oldest: int = 1
    answers: list[int] = field(default_factory=list)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    def rotate(self, key: str) -> None:
        """Another version of a key, or the first."""
        self.keys.setdefault(key, []).append(AESGCM.generate_key(256))

    def answer(self, act: str, key: str, said: dict[str, str]) -> dict[str, Any]:
        """What is in the ``data`` of an answer."""
        if key not in self.keys:
            raise Wrong(404 if act == "keys" else 400, "" if act == "keys" else "encryption key not found")
        versions = self.keys[key]
        bound = base64.b64decode(said.get("associated_data", ""))
        if act == "keys":
            return {"name": key, "type": "aes256-gcm96", "latest_version": len(versions)}
        if act == "encrypt":
            nonce = secrets.token_bytes(12)
            sealed = nonce + AESGCM(versions[-1]).encrypt(nonce, base64.b64decode(said["plaintext"]), bound)
            return {
                "ciphertext": f"vault:v{len(versions)}:{base64.b64encode(sealed).decode()}",
                "key_version": len(versions),
            }
        _, version, text = said["ciphertext"].split(":")
        number = int(version[1:])
        if number < self.oldest:
            raise Wrong(400, "ciphertext or signature version is disallowed by policy (too old)")
        data = base64.b64decode(text)
        try:
            plain = AESGCM(versions[number - 1]).decrypt(data[:12], data[12:], bound)
        except InvalidTag:
            raise Wrong(400, "cipher: message authentication failed") from None
        return {"plaintext": base64.b64encode(plain).decode()}


@contextmanager
def serving(secured: ssl.SSLContext | None = None) -> Iterator[Transit]:
    """The service, with one key ``desk`` in an engine at ``transit``."""
    transit = Transit()
    transit.rotate("desk")

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, said: dict[str, str]) -> None:
            transit.asked.append((self.command, self.path, self.headers["X-Vault-Namespace"]))
            try:
                document: dict[str, Any] = {"data": self._found(said)}
                status = 200
            except Wrong as wrong:
                status, document = wrong.status, {"errors": [wrong.message] if wrong.message else []}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def _found(self, said: dict[str, str]) -> dict[str, Any]:
            if transit.answers:
                raise Wrong(transit.answers.pop(0), "in trouble")
            if self.headers["X-Vault-Token"] != TOKEN:
                raise Wrong(403, "permission denied")
            version, mount, act, key = self.path.strip("/").split("/")
            if (version, mount) != ("v1", "transit") or act not in {"keys", "encrypt", "decrypt"}:
                raise Wrong(404, "no handler for route")
            return transit.answer(act, key, said)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    scheme = "http"
    if secured is not None:
        server.socket = secured.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    transit.url = f"{scheme}://127.0.0.1:{server.server_port}"
    answering = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    answering.start()
    try:
        yield transit
    finally:
        server.shutdown()
        server.server_close()
        answering.join()
