"""Wrapped keys in a folder: a file for each, shared by the processes of one machine."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from adapters.keys.store import Record
from domain.keys import KeysUnavailable, is_key_name

_ENDING: Final = ".key"
_LOCK: Final = "lock"


class FolderStore:
    """Keys in a folder of the owner's alone; fills ``adapters.keys.store.Store``.

    Args:
        folder: Made when the first key is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, name: str) -> Record | None:
        """What is kept under a name."""
        return self._read(self._path(name))

    async def create(self, name: str, record: Record) -> Record:
        """Keep a record under a name that has none; what is kept there now."""
        path = self._path(name)
        with self._locked():
            standing = self._read(path)
            if standing is not None:
                return standing
            self._put(path, record)
            return record

    async def replace(self, name: str, old: Record, new: Record) -> bool:
        """Put a record in another's place; the bytes of the old one are overwritten where they lie.

        A disk may keep copies of its own of what was overwritten: they are wrapped still.
        """
        path = self._path(name)
        with self._locked():
            if self._read(path) != old:
                return False
            with _reaching(), path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            self._put(path, new)
            return True

    async def purge(self) -> None:
        """Nothing is left: each record was overwritten as it was replaced."""

    async def names(self) -> Sequence[str]:
        """Every name, in order."""
        with _reaching():
            found = [path.name.removesuffix(_ENDING).replace(".", "/") for path in self._folder.glob(f"*{_ENDING}")]
        return sorted(found)

    async def aclose(self) -> None:
        """Nothing is held."""

    def _path(self, name: str) -> Path:
        if not is_key_name(name):
            # It would be part of a path.
            raise ValueError("no name of a key")
        return self._folder / f"{name.replace('/', '.')}{_ENDING}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Alone among those who change anything."""
        with _reaching():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self._folder / _LOCK).open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self, path: Path) -> Record | None:
        with _reaching():
            try:
                text = path.read_bytes()
            except FileNotFoundError:
                return None
        try:
            return Record.model_validate_json(text)
        except ValidationError:
            raise KeysUnavailable(f"{path} is spoilt; restore it from a copy") from None

    def _put(self, path: Path, record: Record) -> None:
        """Write a file whole or not at all."""
        unfinished = path.with_name(f"{secrets.token_hex(8)}.new")
        with _reaching():
            try:
                with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(record.model_dump_json(exclude_none=True))
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.replace(path)
            finally:
                with suppress(FileNotFoundError):
                    unfinished.unlink()
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as failed:
        raise KeysUnavailable(f"the folder of keys cannot be used: {failed.strerror}") from None
