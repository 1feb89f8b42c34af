"""The body of a letter as a row of blocks, from which both the plain text and the HTML are written.

A rendered body holds blocks parted by blank lines: paragraphs, bulleted lists (``- ``), numbered lists (``1. ``) and
quotations (``> ``). What a person wrote enters only through ``one_line``, ``numbered`` or ``quoted``, so that it can
never pass for a block of its own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

WIDTH: Final = 78
"""Columns of a line of plain text (RFC 5322, section 2.1.1)."""

# No-break spaces are kept: French and Russian punctuation hangs on them.
_SPACES: Final = re.compile(r"[^\S\u00a0\u202f]+")
_BLANK_LINES: Final = re.compile(r"\n(?:[ \t]*\n)+")
_BULLET: Final = re.compile(r"- ")
_NUMBER: Final = re.compile(r"\d+\. ")
_INDENT: Final = " " * 4


class Kind(StrEnum):
    """What a block is."""

    PARAGRAPH = "paragraph"
    BULLETED = "bulleted"
    NUMBERED = "numbered"
    QUOTATION = "quotation"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph has one part, a list one for each item, a quotation one for each line as it was written."""

    kind: Kind
    parts: tuple[str, ...]


def one_line(text: str) -> str:
    """The text with every run of spaces and line breaks made one space."""
    return _SPACES.sub(" ", text).strip()


def numbered(statements: Iterable[str]) -> str:
    """The source of a numbered list."""
    return "\n".join(f"{number}. {one_line(statement)}" for number, statement in enumerate(statements, 1))


def quoted(text: str) -> str:
    """The source of a quotation, which keeps the lines of the text."""
    return "\n".join(f"> {line.expandtabs(4)}" for line in text.strip().splitlines())


def parse(source: str) -> tuple[Block, ...]:
    """The blocks of a rendered body."""
    return tuple(_block(part.split("\n")) for part in _BLANK_LINES.split(source.strip()))


def plain(blocks: Iterable[Block]) -> str:
    """The blocks as plain text of at most ``WIDTH`` columns, but that no word, such as a URL, is broken."""
    return "\n\n".join("\n".join(_lines(block)) for block in blocks) + "\n"


def _block(lines: Sequence[str]) -> Block:
    first = lines[0]
    if first.startswith("> "):
        return Block(Kind.QUOTATION, tuple(line[2:].rstrip() for line in lines))
    if _BULLET.match(first):
        return Block(Kind.BULLETED, _items(lines, _BULLET))
    if _NUMBER.match(first):
        return Block(Kind.NUMBERED, _items(lines, _NUMBER))
    return Block(Kind.PARAGRAPH, (" ".join(map(str.strip, lines)),))


def _items(lines: Iterable[str], marker: re.Pattern[str]) -> tuple[str, ...]:
    items: list[str] = []
    for line in lines:
        if found := marker.match(line):
            items.append(line[found.end() :])
        else:
            items[-1] += f" {line.strip()}"
    return tuple(items)


def _lines(block: Block) -> list[str]:
    match block.kind:
        case Kind.PARAGRAPH:
            return _wrap(block.parts[0])
        case Kind.BULLETED:
            return [line for part in block.parts for line in _wrap(part, "- ", "  ")]
        case Kind.NUMBERED:
            return [
                line for number, part in enumerate(block.parts, 1) for line in _wrap(part, f"{number:2}. ", _INDENT)
            ]
        case Kind.QUOTATION:
            return [line for part in block.parts for line in _wrap(part, _INDENT, _INDENT)]


def _wrap(text: str, first: str = "", rest: str = "") -> list[str]:
    lines: list[str] = []
    line, words = first, text.split(" ")
    start, room = 0, WIDTH - len(first)
    for end, word in enumerate(words):
        if (room := room - len(word)) < 0 and end > start:
            lines.append(line + " ".join(words[start:end]))
            line, start, room = rest, end, WIDTH - len(rest) - len(word)
        room -= 1
    lines.append(line + " ".join(words[start:]))
    return [line.rstrip() for line in lines]
