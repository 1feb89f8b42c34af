"""A list's file as bytes and lines: unpacked on the way, bounded, and never held whole."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from activities.ports import ListBroken

MAX_BYTES: Final = 16 * 2**30
"""Unpacked; the largest collection published is a few GB."""
MAX_RATIO: Final = 200
"""A list shrinks to a tenth or a thirtieth; what shrinks to less was made to fill a disk."""
RATIO_FROM: Final = 64 * 2**20
"""Unpacked bytes up to which any ratio is harmless."""
MAX_LINE: Final = 8 * 2**20
"""Bytes in one line; an entry with all its aliases has some tens of thousands."""
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"


class Stream(Protocol):
    """What a reader needs of a file."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""

    def peek(self, size: int, /) -> bytes:
        """Some bytes to come, without taking them."""

    def readline(self, size: int, /) -> bytes:
        """A line with its end, or ``size`` bytes of it."""


class _Bounded(io.RawIOBase):
    """Bytes of a file, unpacked where it is packed, and no more of them than a list can have."""

    def __init__(self, packed: io.BufferedReader, content: io.BufferedIOBase) -> None:
        self._packed = packed
        self._content = content
        self._given = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        """Fill a buffer.

        Raises:
            ListBroken: The file is damaged, ends too early, or is larger than any list.
        """
        try:
            data = self._content.read(len(buffer))
        except EOFError:
            raise ListBroken("the packed file ends in the middle: it was not copied whole") from None
        except (gzip.BadGzipFile, zlib.error):
            raise ListBroken("the packed file is damaged") from None
        self._given += len(data)
        if self._given > MAX_BYTES:
            raise ListBroken(f"the list is larger than {MAX_BYTES // 2**30} GiB")
        if self._given > RATIO_FROM and self._given > MAX_RATIO * max(self._packed.tell(), 1):
            raise ListBroken(f"the file unpacks to more than {MAX_RATIO} times its size, which no list does")
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(path: Path) -> Iterator[Stream]:
    """The bytes of a list, unpacked where it comes as gzip.

    Raises:
        ListBroken: It is empty, or packed in another way.
        OSError: It cannot be opened.
    """
    with path.open("rb") as packed:
        start = packed.peek(4)[:4]
        if not start:
            raise ListBroken("the file is empty")
        if start.startswith(_ZIP):
            raise ListBroken("the file is a zip archive: unpack it and hand in the list itself")
        content: io.BufferedIOBase = packed
        if start.startswith(_GZIP):
            content = gzip.GzipFile(fileobj=packed)
        with io.BufferedReader(_Bounded(packed, content), 2**16) as stream:
            if not stream.peek(1):
                raise ListBroken("the file is empty")
            yield stream


def lines(stream: Stream) -> Iterator[str]:
    """The lines of a text in UTF-8, each with a line feed at its end; a byte order mark is left out.

    Raises:
        ListBroken: A line is too long, not UTF-8, or holds what no text holds.
    """
    number = 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE:
            raise ListBroken(f"the line has more than {MAX_LINE} bytes", line=number)
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if b"\0" in raw:
            raise ListBroken("holds a null byte: the list must be text in UTF-8", line=number)
        try:
            yield raw.decode("utf-8").rstrip("\r\n") + "\n"
        except UnicodeDecodeError as wrong:
            raise ListBroken(f"is not UTF-8 at byte {wrong.start + 1}", line=number) from None
