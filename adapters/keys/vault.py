"""The master key in a key service: the transit engine of HashiCorp Vault or OpenBao, over its HTTP API.

The service wraps and unwraps, and the master key never leaves it. What is wrapped says by which version of the key
(``vault:v2:…``), so that the service may rotate it by itself; `python -m worker.keys rewrap` then wraps everything by
the newest. Each wrapped key is bound to its name by the associated data of the cipher.
"""

import asyncio
import base64
import binascii
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from adapters.keys.master import ServiceRefused
from domain.keys import KeysUnavailable, SealBroken

TIMEOUT: Final = 5.0
"""Seconds for one exchange with the service, the connection included."""
_ATTEMPTS: Final = 3
_PAUSE: Final = 0.2
"""Seconds before the second attempt; twice as long before each later one."""
_PASSING: Final = frozenset(
    {
        HTTPStatus.PRECONDITION_FAILED,  # a node that has not caught up yet
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,  # sealed, or without a leader
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Answers after which the same request may succeed."""


class TransitMasterKey:
    """A master key that a key service keeps; fills ``adapters.keys.master.MasterKey``.

    Args:
        url: The service's address; ``https``, or ``http`` on loopback.
        key: The name of the key; of a kind that takes associated data, and not derived.
        token: Asked for a token before each request, so that one which was renewed in its file is used.
        mount: Where the engine is mounted.
        namespace: Of the service, where it has some.
        cafile: The authorities by which its certificate is checked, if not the machine's own.
        timeout: Seconds for one exchange.

    Raises:
        OSError: The file of authorities cannot be read.
    """

    def __init__(
        self,
        url: str,
        key: str,
        token: Callable[[], str],
        *,
        mount: str = "transit",
        namespace: str | None = None,
        cafile: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._base = f"{url.rstrip('/')}/v1/{quote(mount.strip('/'))}"
        self._key = quote(key, safe="")
        self._token = token
        self._headers = {"X-Vault-Request": "true"} | ({"X-Vault-Namespace": namespace} if namespace else {})
        self._secured = ssl.create_default_context(cafile=cafile)
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        # Not of the address: the same key may be reached by another one after the service has moved.
        named = f"{namespace or ''}/{mount.strip('/')}/{key}"
        self._mark = f"transit-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
        self._session: aiohttp.ClientSession | None = None
        self._asking = 0
        self._newest: int | None = None

    @property
    def mark(self) -> str:
        """What tells this master key from others, whatever its version."""
        return self._mark

    async def wrap(self, key: bytes, name: str) -> str:
        """Encrypt a data key, bound to its name.

        Raises:
            KeysUnavailable: The service does not answer, or refuses.
        """
        data = await self._ask("POST", "encrypt", plaintext=_coded(key), associated_data=_coded(name.encode()))
        try:
            return str(data["ciphertext"])
        except KeyError:
            raise ServiceRefused(
                "the key service answers in another way than the transit engine", "vault_url"
            ) from None

    async def unwrap(self, wrapped: str, name: str) -> bytes:
        """Decrypt a data key.

        Raises:
            KeysUnavailable: The service does not answer, or refuses.
            SealBroken: It was altered, or is another name's.
        """
        data = await self._ask("POST", "decrypt", ciphertext=wrapped, associated_data=_coded(name.encode()), about=name)
        try:
            return base64.b64decode(data["plaintext"], validate=True)
        except (KeyError, binascii.Error):
            raise ServiceRefused(
                "the key service answers in another way than the transit engine", "vault_url"
            ) from None

    async def newest(self, wrapped: str) -> bool:
        """Whether a data key is wrapped by the newest version of the master key.

        Raises:
            KeysUnavailable: The service does not answer, or refuses.
        """
        try:
            if self._newest is None:
                self._newest = int((await self._ask("GET", "keys"))["latest_version"])
            # It may be rotated again meanwhile: what is newer than the newest that was found is new enough.
            return int(wrapped.split(":")[1].removeprefix("v")) >= self._newest
        except (LookupError, ValueError):
            raise _another() from None

    async def _ask(self, method: str, act: str, *, about: str = "", **said: str) -> dict[str, Any]:
        """What the service answers; the same request is made again after what may pass."""
        pause = _PAUSE
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(pause)
                pause *= 2
            try:
                status, answer = await self._exchange(method, act, said)
            except (aiohttp.ClientError, TimeoutError) as failed:
                if isinstance(failed, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
                    message = "the certificate of the key service is none that is trusted"
                    raise ServiceRefused(message, "vault_url", "vault_ca_file") from None
                continue
            if status == HTTPStatus.OK:
                return dict(answer.get("data") or {})
            if status not in _PASSING:
                raise _refusal(status, act, about, answer)
        raise KeysUnavailable("the key service cannot be reached, or is sealed")

    async def _exchange(self, method: str, act: str, said: dict[str, str]) -> tuple[int, dict[str, Any]]:
        async with (
            self._connected() as session,
            session.request(
                method,
                f"{self._base}/{act}/{self._key}",
                json=said or None,
                headers=self._headers | {"X-Vault-Token": self._token()},
                ssl=self._secured,
                # A token goes to the address that is set, and nowhere else.
                allow_redirects=False,
            ) as response,
        ):
            try:
                answer = await response.json(content_type=None)
            except ValueError:
                answer = {}
            return response.status, answer if isinstance(answer, dict) else {}

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Connections that all share who ask at the same time, and that the last of them closes."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        session = self._session
        self._asking += 1
        try:
            yield session
        finally:
            self._asking -= 1
            if not self._asking:
                self._session = None
                await session.close()


def _refusal(status: int, act: str, about: str, answer: dict[str, Any]) -> Exception:
    """What an answer means that will not change by itself. The service's own words are read, and never passed on."""
    said = " ".join(map(str, answer.get("errors") or ()))
    match status:
        case HTTPStatus.FORBIDDEN:
            return ServiceRefused(f"the key service does not let this token {act}", "vault_token", "vault_token_file")
        case HTTPStatus.NOT_FOUND:
            return ServiceRefused("the key service has no such engine or key", "vault_mount", "vault_key")
        case HTTPStatus.BAD_REQUEST if "key not found" in said:
            return ServiceRefused("the key service has no such key", "vault_key")
        case HTTPStatus.BAD_REQUEST if "disallowed by policy" in said or "version" in said:
            return ServiceRefused(
                f"the key service takes the version no longer by which {about} is wrapped", "vault_key"
            )
        case HTTPStatus.BAD_REQUEST if act == "decrypt":
            return SealBroken(f"the key {about} was altered in its store")
        case _:
            return ServiceRefused(f"the key service answered {status}", "vault_url")


def _another() -> ServiceRefused:
    return ServiceRefused("something else than the transit engine answers", "vault_url", "vault_mount")


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()
