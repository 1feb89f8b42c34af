"""The codec server: decrypts payloads for Temporal's web interface and its ``temporal`` program.

It only ever decrypts, for officers who hold an office that allows it, and nothing is decrypted before it stands in the
register who reads whose data. What was erased, or comes from elsewhere, is told as such.
"""

import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from aiohttp import web
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.converter import PayloadCodec

from adapters.keys.codec import ENCODING, KEY_ID
from domain.errors import Erased, Refusal
from domain.keys import KeyMissing, KeysUnavailable, SealBroken, is_key_name

_LARGEST: Final = 8 * 2**20
"""Bytes of one request."""
_ALLOWED_HEADERS: Final = "authorization, content-type, x-namespace"


class Token(BaseModel):
    """What is kept of an officer's token: its digest, never the token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    officer: str
    digest: str
    until: AwareDatetime


_TOKENS: Final = TypeAdapter(tuple[Token, ...])


class Tokens:
    """The tokens by which officers are known to the codec server, in a file of its owner's alone.

    Args:
        file: Made when the first token is.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def make(self, officer: str, *, days: float) -> str:
        """A new token of an officer's, in place of the one before; it is shown once and kept nowhere."""
        token = secrets.token_urlsafe(32)
        until = datetime.now(UTC) + timedelta(days=days)
        mine = Token(officer=officer, digest=_digest(token), until=until)
        kept = (*(each for each in self._read() if each.officer != officer), mine)
        unfinished = self._file.with_name(f"{self._file.name}.new")
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600, exist_ok=False)
        unfinished.write_bytes(_TOKENS.dump_json(kept, indent=1))
        unfinished.replace(self._file)
        return token

    def officer(self, token: str) -> str | None:
        """Whose a token is, while it lasts."""
        now, digest = datetime.now(UTC), _digest(token)
        found = [each for each in self._read() if secrets.compare_digest(each.digest, digest) and now < each.until]
        return found[0].officer if found else None

    def _read(self) -> tuple[Token, ...]:
        try:
            return _TOKENS.validate_json(self._file.read_bytes())
        except (FileNotFoundError, ValidationError):
            # Nobody is known by a file that is spoilt.
            return ()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class Reader(Protocol):
    """Writes down who reads."""

    async def __call__(self, officer: str, keys: Sequence[str]) -> None:
        """Write down that an officer is about to read what lies under these keys.

        Raises:
            Refusal: The officer holds no office that allows it.
            Exception: It cannot be written down, so nothing may be read.
        """


@dataclass(frozen=True)
class CodecServer:
    """Answers ``POST /decode``, as Temporal's interface and program ask.

    Attributes:
        codec: Decrypts.
        tokens: Who is known.
        note: Writes down who reads.
        origin: The web page that may ask, as its browser says it; None for no page at all.
    """

    codec: PayloadCodec
    tokens: Tokens
    note: Reader
    origin: str | None = None

    def application(self) -> web.Application:
        """The application that serves it."""
        made = web.Application(client_max_size=_LARGEST, middlewares=[self._cross_origin])
        made.router.add_post("/decode", self._decode)
        made.router.add_route("OPTIONS", "/decode", self._options)
        return made

    @web.middleware
    async def _cross_origin(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if (origin := request.headers.get("Origin")) is not None and origin != self.origin:
            return web.Response(status=403, text="not from this page\n")
        response = await handler(request)
        if origin is not None:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
            response.headers["Vary"] = "Origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _options(self, _request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _decode(self, request: web.Request) -> web.Response:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        officer = self.tokens.officer(token.strip()) if kind.casefold() == "bearer" else None
        if officer is None:
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"}, text="no token that is known\n")
        try:
            payloads = ParseDict(await request.json(), Payloads()).payloads
        except (ParseError, ValueError):
            return web.Response(status=400, text="no payloads\n")
        named = {each.metadata[KEY_ID].decode("ascii", "replace") for each in payloads if _is_ours(each)}
        try:
            await self.note(officer, sorted(filter(is_key_name, named)))
        except Refusal as refusal:
            return web.Response(status=403, text=f"{refusal.message}\n")
        return _answer([await self._told(each) for each in payloads])

    async def _told(self, payload: Payload) -> Payload:
        try:
            return (await self.codec.decode([payload]))[0]
        except Erased:
            return _instead("erased")
        except (KeyMissing, SealBroken):
            return _instead("cannot be read: altered, or another register's")
        except KeysUnavailable:
            return _instead("cannot be read now: the keys cannot be reached")


def _is_ours(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == ENCODING and KEY_ID in payload.metadata


def _instead(why: str) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(f"[{why}]").encode())


def _answer(payloads: Sequence[Payload]) -> web.Response:
    document: dict[str, Any] = {"payloads": [MessageToDict(each) for each in payloads]}
    return web.json_response(document)
