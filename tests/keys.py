"""Keys for tests: the same in each run, so that a history that was kept can be read again."""

import hashlib
from collections.abc import Sequence
from typing import Final

from adapters.keys.keyring import Keyring
from adapters.keys.master import LocalMasterKey
from adapters.keys.store import Record
from domain.keys import is_reference

MASTER_KEY: Final = bytes(range(100, 132))
MASTER: Final = LocalMasterKey(MASTER_KEY)


class FixedStore:
    """A store in memory in which every person's key is there already, and follows from its name."""

    def __init__(self) -> None:
        self._changed: dict[str, Record] = {}

    async def read(self, name: str) -> Record | None:
        if name in self._changed:
            return self._changed[name]
        if is_reference(name):
            return None
        wrapped = await MASTER.wrap(hashlib.sha256(f"a test's key {name}".encode()).digest(), name)
        self._changed[name] = Record(wrapped=wrapped, master=MASTER.mark)
        return self._changed[name]

    async def create(self, name: str, record: Record) -> Record:
        return self._changed.setdefault(name, record)

    async def replace(self, name: str, old: Record, new: Record) -> bool:
        if self._changed.get(name) != old:
            return False
        self._changed[name] = new
        return True

    async def purge(self) -> None:
        pass

    async def names(self) -> Sequence[str]:
        return sorted(self._changed)

    async def aclose(self) -> None:
        pass


def a_keyring() -> Keyring:
    """Keys for one test."""
    return Keyring(FixedStore(), MASTER)
