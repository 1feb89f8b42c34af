"""The master key, by which every data key is wrapped. It encrypts nothing else, and is never stored with what it wraps.

A key service that wraps and unwraps by itself, so that no process ever holds the master key, is another
:class:`MasterKey` (``adapters.keys.vault``).
"""

import base64
import hashlib
import hmac
import secrets
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.keys import KeysUnavailable, SealBroken

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class ServiceRefused(KeysUnavailable):
    """A key service answers, and does not do what is asked: later, perhaps, once somebody has mended it.

    Args:
        message: What it says no to; never what was sent.
        settings: The settings that lead there, as ``config.settings`` names them.
    """

    def __init__(self, message: str, *settings: str) -> None:
        super().__init__(message)
        self.settings = settings


class MasterKey(Protocol):
    """Wraps data keys."""

    @property
    def mark(self) -> str:
        """What tells this master key from others, and says nothing about it."""

    async def wrap(self, key: bytes, name: str) -> str:
        """Encrypt a data key, bound to its name. Raises KeysUnavailable."""

    async def unwrap(self, wrapped: str, name: str) -> bytes:
        """Decrypt it. Raises KeysUnavailable, or SealBroken where it was altered or is another name's."""

    async def newest(self, wrapped: str) -> bool:
        """Whether a data key is wrapped by the newest version of this master key. Raises KeysUnavailable."""


class LocalMasterKey:
    """A master key in this process, as it came from a file or the environment.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._mark = hmac.new(key, b"mark of this master key", hashlib.sha256).hexdigest()[:16]

    @property
    def mark(self) -> str:
        """What tells this master key from others."""
        return self._mark

    async def wrap(self, key: bytes, name: str) -> str:
        """Encrypt a data key, bound to its name."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, key, name.encode())).decode()

    async def unwrap(self, wrapped: str, name: str) -> bytes:
        """Decrypt a data key.

        Raises:
            SealBroken: It was altered, or is another name's.
        """
        data = base64.b64decode(wrapped)
        try:
            return self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], name.encode())
        except InvalidTag:
            raise SealBroken(f"the key {name} was altered in its store") from None

    async def newest(self, wrapped: str) -> bool:
        """Always: another version is another key."""
        return True
