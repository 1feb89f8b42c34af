"""The legacy CSV of the Office of Foreign Assets Control: ``sdn.csv`` with ``alt.csv`` beside it.

No header row, ``-0-`` for an empty field, CR LF, and a Ctrl-Z at the end. Columns of ``sdn.csv``: entity number, name
("LAST, First Middle" for people), type (``individual``), programmes, title, six of vessels, remarks. Columns of
``alt.csv``: entity number, alias number, type, name, remarks.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from activities.ports import ListBroken
from adapters.watchlists.people import Tally, iso_date, listed, years_between
from adapters.watchlists.source import Stream, lines
from domain.screening import Listed

COLUMNS: Final = 12
ALIAS_COLUMNS: Final = 5
MAX_ALIASES: Final = 1_000_000
"""Aliases are held until their entry comes; the published file has twenty thousand."""
_EMPTY: Final = "-0-"
_END: Final = "\x1a"
_SPAN: Final = re.compile(r"(?:.*\b)?([0-9]{4}) to (?:.*\b)?([0-9]{4})")
_WEAK: Final = re.compile(r"a\.k\.a\. '([^']+)'")

Aliases = Mapping[str, list[tuple[str, str]]]
"""By entity number: FollowTheMoney's property and the alias."""


def _rows(stream: Stream, columns: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines(stream), strict=True, skipinitialspace=True)
    try:
        for row in reader:
            if not row or row == [_END]:
                continue
            if len(row) != columns:
                raise ListBroken(f"has {len(row)} columns, not {columns}", line=reader.line_num)
            fields = [field.strip() for field in row]
            number = fields[0]
            if not number.isdigit():
                raise ListBroken(f"is {number[:40]!r}, not a number", line=reader.line_num, field="entity number")
            yield reader.line_num, ["" if field == _EMPTY else field for field in fields]
    except csv.Error as wrong:
        raise ListBroken(f"is no CSV: {wrong}", line=reader.line_num) from None


def read_aliases(stream: Stream) -> Aliases:
    """The aliases of ``alt.csv``.

    Raises:
        ListBroken: It cannot be read.
    """
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for number, (line, row) in enumerate(_rows(stream, ALIAS_COLUMNS), 1):
        entity, _, kind, name, _ = row
        if number > MAX_ALIASES:
            raise ListBroken(f"there are more than {MAX_ALIASES} aliases", line=line)
        if not name:
            raise ListBroken("is empty", line=line, field="name")
        found[entity].append(("previousName" if kind == "fka" else "alias", name))
    return found


def read(stream: Stream, tally: Tally, aliases: Aliases | None = None) -> Iterator[Listed]:
    """The people of ``sdn.csv``, with their aliases.

    Aliases of entities that are not in this file are counted: the two files may be of different days.

    Raises:
        ListBroken: It cannot be read.
    """
    waiting = dict(aliases or {})
    for line, row in _rows(stream, COLUMNS):
        entity, name, kind, programmes, title, *_, remarks = row
        known_as = waiting.pop(entity, [])
        if kind != "individual":
            tally.skip("not a person")
            continue
        if not name:
            raise ListBroken("is empty", line=line, field="name")
        yield _person(entity, name, programmes, title, remarks, known_as, line)
    tally.skipped["alias of an entry that is not in this file"] += sum(map(len, waiting.values()))
    if not tally.skipped["alias of an entry that is not in this file"]:
        del tally.skipped["alias of an entry that is not in this file"]


def _person(
    entity: str, name: str, programmes: str, title: str, remarks: str, known_as: list[tuple[str, str]], line: int
) -> Listed:
    family, _, given = (part.strip() for part in name.partition(","))
    said = [statement.strip() for statement in remarks.rstrip(".").split(";")]
    names: dict[str, list[str]] = {"alias": [], "previousName": []}
    for kind, alias in known_as:
        names[kind].append(_in_order(alias))
    return listed(
        entity,
        {
            "name": [_in_order(name)],
            "lastName": [family] if given else [],
            "firstName": [given],
            **names,
            "weakAlias": _WEAK.findall(remarks),
            "birthDate": chain.from_iterable(_born(text) for text in _told(said, "DOB")),
            "birthPlace": _told(said, "POB"),
            "nationality": [*_told(said, "nationality"), *_told(said, "citizen")],
            "gender": [gender.lower() for gender in _told(said, "Gender")],
            "position": [title],
            "program": programmes.split("] ["),
        },
        line=line,
    )


def _in_order(name: str) -> str:
    family, _, given = (part.strip() for part in name.partition(","))
    return f"{given} {family}".strip()


def _told(said: list[str], about: str) -> list[str]:
    return [
        text.removeprefix("alt. ").removeprefix(about).strip()
        for text in said
        if text.removeprefix("alt. ").startswith(f"{about} ")
    ]


def _born(text: str) -> tuple[str, ...]:
    if (span := _SPAN.fullmatch(text)) is not None:
        return years_between(span[1], span[2])
    return (iso_date(text),)
