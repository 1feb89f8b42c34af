"""Look for words on a disk, in every form in which they may have been written down."""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True)
class Found:
    """A word that stands where it should not."""

    word: str
    form: str
    file: Path


def forms(word: str) -> Iterator[tuple[str, bytes]]:
    """The forms of a word, by name: plain, in either byte order of UTF-16, and for JSON, URLs and base64."""
    utf8 = word.encode()
    yield "UTF-8", utf8
    for order in ("le", "be"):
        yield f"UTF-16 {order}", word.encode(f"utf-16-{order}")
    for text, name in ((word, "UTF-8"), (json.dumps(word)[1:-1], "JSON")):
        for shift in range(3):
            yield f"base64 of {name}, {shift}", _inner_base64(text.encode(), shift)
    for shift in range(3):
        yield f"base64 of UTF-16, {shift}", _inner_base64(word.encode("utf-16-le"), shift)
    if not word.isascii():
        escaped = json.dumps(word)[1:-1]
        yield "JSON", escaped.encode()
        yield "JSON in JSON", json.dumps(escaped)[1:-1].encode()
        yield "JSON, capitals", escaped.upper().replace("\\U", "\\u").encode()
        yield "URL", quote(word).encode()


def _inner_base64(data: bytes, shift: int) -> bytes:
    """The characters of the base64 form of anything that holds the data ``shift`` bytes after a group's beginning."""
    bits = 8 * shift
    first = -(-bits // 6)
    last = (bits + 8 * len(data)) // 6
    return base64.b64encode(bytes(shift) + data + bytes(2))[first:last]


def search(words: Iterable[str], *places: Path) -> list[Found]:
    """Where any of the words stands, in any form, in the files of these places and in their names."""
    wanted = [(word, form, pattern) for word in words for form, pattern in forms(word)]
    found: list[Found] = []
    for file in sorted(path for place in places for path in ([place] if place.is_file() else place.rglob("*"))):
        try:
            content = str(file).encode() + b"\0" + (file.read_bytes() if file.is_file() else b"")
        except FileNotFoundError:
            continue  # a server's own file that it has done with
        found += [Found(word, form, file) for word, form, pattern in wanted if pattern in content]
    return found
