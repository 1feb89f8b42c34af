"""The keys in use: each unwrapped when it is needed, kept in memory for seconds, and never made up where one is gone.

What is sealed says under which key, so that it can be opened wherever it turns up:

    1 byte   form, 1
    1 byte   length of the key's name
    n bytes  the key's name
    12 bytes nonce
    the rest AES-256-GCM over a byte that says whether what follows is compressed, and what follows; bound to the key's
             name and to the place it was sealed for
"""

import asyncio
import hashlib
import hmac
import secrets
import time
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.keys.master import KEY_BYTES, NONCE_BYTES, MasterKey
from adapters.keys.store import Record, Store
from domain.errors import Erased
from domain.keys import REGISTER_KEY, KeyMissing, SealBroken, is_key_name, is_reference

CACHE_LIFE: Final = 5.0
"""Seconds for which a process may go on reading with a key that another has destroyed."""

_FORM: Final = 1
_PLAIN: Final = b"\0"
_COMPRESSED: Final = b"\1"
_COMPRESSED_FROM: Final = 500
"""Bytes. A state shrinks to less than half in 40 microseconds; what is shorter gains little (measured)."""
_MOST: Final = 10_000
"""Keys in memory at once."""


class WrongMasterKey(Exception):
    """The keys are wrapped by another master key than the ones that are given."""


class NoKeys(Exception):
    """The store holds no keys, and they may not be made here: it is another place than the register's."""


class DataKey:
    """One key, ready for use."""

    def __init__(self, name: str, key: bytes) -> None:
        self.name = name
        self._cipher = AESGCM(key)
        # Another key for another purpose: what is marked says nothing of what is encrypted.
        self._marking = hmac.digest(key, b"marks", hashlib.sha256)

    def encrypt(self, plain: bytes, place: str) -> bytes:
        """Nonce and ciphertext."""
        body = _PLAIN + plain
        if len(plain) >= _COMPRESSED_FROM:
            body = min(body, _COMPRESSED + zlib.compress(plain, 1), key=len)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, body, self._bound(place))

    def decrypt(self, data: bytes, place: str) -> bytes:
        """What was encrypted. Raises SealBroken."""
        try:
            body = self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], self._bound(place))
        except (InvalidTag, ValueError):
            raise SealBroken(f"what is sealed under {self.name} was altered or is not in its place") from None
        return zlib.decompress(body[1:]) if body[:1] == _COMPRESSED else body[1:]

    def mark(self, text: str) -> str:
        """32 hexadecimal digits (HMAC-SHA-256, first half) that stand for a text."""
        return hmac.digest(self._marking, text.encode(), hashlib.sha256).hex()[:32]

    def _bound(self, place: str) -> bytes:
        return f"{self.name}\n{place}".encode() if place else self.name.encode()


class Keyring:
    """The keys of one register; fills the port ``activities.ports.Keys``.

    Args:
        store: Where the wrapped keys are.
        master: What new keys are wrapped by.
        previous: The master key before it, for as long as some keys are still wrapped by that one.
        life: Seconds for which a key is kept in memory.
    """

    def __init__(
        self, store: Store, master: MasterKey, *, previous: MasterKey | None = None, life: float = CACHE_LIFE
    ) -> None:
        self._store = store
        self._master = master
        self._masters = {each.mark: each for each in (previous, master) if each is not None}
        self._life = life
        self._held: dict[str, tuple[float, DataKey]] = {}

    async def begin(self) -> None:
        """Make the register's own key where there is none yet.

        Raises:
            WrongMasterKey: There is one, and the master key does not fit it.
        """
        if await self._store.read(REGISTER_KEY) is None:
            await self._make(REGISTER_KEY)
        await self.check()

    async def check(self) -> None:
        """Whether this is a register's store of keys, and the master key theirs.

        Raises:
            WrongMasterKey: The master key does not fit.
            NoKeys: It holds no keys.
        """
        try:
            await self.key(REGISTER_KEY)
        except KeyMissing:
            raise NoKeys from None

    async def ready(self, name: str) -> None:
        """Have a key at hand for the next seconds.

        Raises:
            Erased, KeyMissing: There is none to be had.
        """
        await self.key(name)

    async def seal(self, name: str, plain: bytes, *, place: str = "") -> bytes:
        """Encrypt under a key, for one place only.

        Raises:
            Erased: The key was destroyed.
        """
        key = await self.key(name, make=True)
        marked = key.name.encode()
        return bytes((_FORM, len(marked))) + marked + key.encrypt(plain, place)

    async def unseal(self, sealed: bytes, *, place: str = "") -> bytes:
        """Decrypt what was sealed for this place.

        Raises:
            Erased: The key was destroyed.
            KeyMissing: There is no such key.
            SealBroken: It was altered, or sealed for another place.
        """
        name, data = _parts(sealed)
        return (await self.key(name)).decrypt(data, place)

    async def marks(self, texts: Sequence[str]) -> Sequence[str]:
        """What stands for each text: the same for the register's whole life, and of no use without its key.

        Raises:
            KeyMissing: The register has no key.
        """
        key = await self.key(REGISTER_KEY)
        return [key.mark(text) for text in texts]

    async def key(self, name: str, *, make: bool = False) -> DataKey:
        """A key by its name, or by a further name.

        Args:
            name: The name.
            make: Make a person's key where there is none.

        Raises:
            Erased: It was destroyed.
            KeyMissing: There is none. A reference by which no key goes is that of no person: it leads to the
                register's own key.
        """
        held = self._held.get(name)
        now = time.monotonic()
        if held is not None and now < held[0]:
            return held[1]
        key = await self._fetch(name, make=make)
        if is_reference(name) and key.name == REGISTER_KEY:
            # The case may come to be at any moment, and then the reference leads to its person's key.
            return key
        if len(self._held) >= _MOST:
            self.forget()
        self._held[name] = (now + self._life, key)
        return key

    async def entitle(self, reference: str, name: str) -> None:
        """Let a person's key go by a reference as well.

        Raises:
            ValueError: Another key goes by it.
            Erased: The key was destroyed.
        """
        key = await self.key(name, make=True)
        held = self._held.get(reference)
        if held is not None and held[1].name == key.name:
            return
        standing = await self._store.create(reference, Record(same_as=key.name))
        if standing.same_as != key.name:
            raise ValueError(f"{reference} is the reference of another person")

    async def destroy(self, name: str) -> datetime:
        """Destroy a key for good, leaving a note that it was; when that was done first.

        Other processes may still read with it for as long as they keep it in memory.

        Raises:
            KeyMissing: There is none.
        """
        while True:
            record = await self._store.read(name)
            if record is None:
                raise KeyMissing(name)
            if record.same_as is not None:
                name = record.same_as
                continue
            if record.destroyed is None:
                gone = Record(destroyed=datetime.now(UTC))
                if not await self._store.replace(name, record, gone):
                    continue
                record = gone
            await self._store.purge()
            self.forget()
            if record.destroyed is not None:
                return record.destroyed

    async def rewrap(self) -> int:
        """Wrap every key by the present master key; how many were not. What was encrypted with them stays as it is.

        Raises:
            WrongMasterKey: One is wrapped by a master key that is not given.
        """
        changed = 0
        for name in await self._store.names():
            record = await self._store.read(name)
            while record is not None and record.wrapped is not None and not await self._fresh(record):
                wrapped = await self._master.wrap(await self._unwrap(name, record), name)
                if await self._store.replace(name, record, Record(wrapped=wrapped, master=self._master.mark)):
                    changed += 1
                record = await self._store.read(name)
        if changed:
            await self._store.purge()
        return changed

    async def _fresh(self, record: Record) -> bool:
        return record.master == self._master.mark and await self._master.newest(record.wrapped or "")

    async def forgotten(self) -> None:
        """Wait until no process can have a key in memory that is destroyed by now."""
        self.forget()
        await asyncio.sleep(self._life)

    def forget(self) -> None:
        """Keep no key in memory."""
        self._held.clear()

    async def aclose(self) -> None:
        """Let go of the store."""
        self.forget()
        await self._store.aclose()

    async def _fetch(self, name: str, *, make: bool) -> DataKey:
        if not is_key_name(name):
            raise KeyMissing("of that name")
        record = await self._store.read(name)
        if record is None:
            if is_reference(name):
                return await self.key(REGISTER_KEY)
            if not make or name == REGISTER_KEY:
                raise KeyMissing(name)
            record = await self._make(name)
        if record.same_as is not None:
            return await self.key(record.same_as)
        if record.wrapped is None:
            raise Erased("this person's data was erased", rule="erased")
        return DataKey(name, await self._unwrap(name, record))

    async def _make(self, name: str) -> Record:
        wrapped = await self._master.wrap(secrets.token_bytes(KEY_BYTES), name)
        return await self._store.create(name, Record(wrapped=wrapped, master=self._master.mark))

    async def _unwrap(self, name: str, record: Record) -> bytes:
        master = self._masters.get(record.master or "")
        if master is None:
            raise WrongMasterKey
        return await master.unwrap(record.wrapped or "", name)


def _parts(sealed: bytes) -> tuple[str, bytes]:
    """The name of the key, and what is sealed under it."""
    if len(sealed) < 2 or sealed[0] != _FORM:
        raise SealBroken("this is nothing that was sealed here")
    end = 2 + sealed[1]
    return sealed[2:end].decode("ascii", "replace"), sealed[end:]
