"""Keys under which the index finds the entries that a person may be.

Two people can only match where two parts of their names do: one of them closely, the other at least in its outline. So
a key is made of one part and the outline of another:

- a *close* form of a part is the consonants of a reading (see :mod:`adapters.screening.spelling`), or a name as the
  field's own data knows it in all languages (``NAME:Q…``: Muhammad, Mohamed, Мухаммад);
- an *outline* is two of its consonants: the first two, the last two, or the first and the last, of which one slip of
  the pen leaves at least one.

Two names that are known to the field's data make a key by themselves, and so do initials and single names. An entry is
read in the systems in which it is likely written, a person in all of them.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import islice, product
from typing import Final

from adapters.screening.matcher import parts_of, symbols
from adapters.screening.spelling import any_reading, frame, full_names, likely_readings

MAX_PARTS: Final = 7
"""Parts of one name that make keys, the longest; names of more are found by these."""
PARTICLES: Final = frozenset(
    [
        "al",
        "el",
        "ul",
        "bin",
        "ibn",
        "bint",
        "abu",
        "abd",
        "abdul",
        "de",
        "da",
        "di",
        "del",
        "der",
        "den",
        "van",
        "von",
        "la",
        "le",
        "dos",
        "das",
        "san",
    ]
)
"""Parts that half a list has in common; a name is found by its others, if it has two."""
SHORT: Final = 2
"""Consonants of a name in which one slip changes everything."""
MAX_NAMES: Final = 60
"""Names of one entry that make keys."""


@lru_cache(maxsize=1_000_000)
def _number(key: str) -> int:
    """A key as PostgreSQL's bigint."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)


@lru_cache(maxsize=200_000)
def _frames(part: str, *, asked: bool) -> tuple[str, ...]:
    read = any_reading(part) if asked else likely_readings(part)
    return tuple({frame(reading) for reading in read})


@lru_cache(maxsize=200_000)
def _outlines(part: str, *, asked: bool) -> tuple[str, ...]:
    found: set[str] = set()
    for consonants in _frames(part, asked=asked):
        found |= {f"^{consonants[:2]}", f"{consonants[-2:]}$", f"{consonants[:1]}~{consonants[-1:]}"}
        if len(consonants) <= SHORT:
            # One slip in a short name leaves no two of its consonants.
            found |= {f"^{consonants[:1]}", f"{consonants[-1:]}$"}
    return tuple(found | {f"^{frame(full)[:2]}" for full in full_names(part)})


@lru_cache(maxsize=200_000)
def _starts(part: str, *, asked: bool) -> tuple[str, ...]:
    read = any_reading(part) if asked else likely_readings(part)
    return tuple({reading[:1] for reading in read} | {part[:1]})


@lru_cache(maxsize=500_000)
def _pair(one: str, other: str, *, asked: bool) -> tuple[int, ...]:
    """The keys of a close form of one part with an outline of another."""
    outlines = _outlines(other, asked=asked)
    close = (*_frames(one, asked=asked), *symbols(one))
    found = [f"2|{form}|{outline}" for form in close for outline in outlines]
    if one <= other:
        found += [f"s|{'|'.join(sorted(pair))}" for pair in product(symbols(one), symbols(other))]
    # An initial meets a whole name, on either side.
    kind = "w" if asked else "i"
    found += [f"{kind}|{form}|{start}" for form in close for start in _starts(other, asked=asked)]
    return tuple(map(_number, found))


@lru_cache(maxsize=200_000)
def _initial(one: str, initial: str, *, asked: bool) -> tuple[int, ...]:
    close = (*_frames(one, asked=asked), *symbols(one))
    kinds = "i" if asked else "iw"
    starts = _starts(initial, asked=asked)
    return tuple(_number(f"{kind}|{form}|{start}") for kind in kinds for form in close for start in starts)


@lru_cache(maxsize=200_000)
def _alone(part: str, *, asked: bool, whole: bool) -> tuple[int, ...]:
    """Whoever is asked for by one name is looked for in whole names; an entry of one name, in no part of others."""
    kinds = ("1+" if asked else "1") if whole else ("" if asked else "+")
    close = (*_frames(part, asked=asked), *symbols(part))
    return tuple(_number(f"{kind}|{form}") for kind in kinds for form in close)


def _keys_of(name: str, *, asked: bool) -> Iterator[int]:
    parts = sorted((part.text for part in parts_of(name)), key=lambda text: (-len(text), text))
    if len(parts) == 1:
        yield from _alone(parts[0], asked=asked, whole=True)
        return
    initials = [part for part in parts if len(part) == 1]
    telling = [part for part in parts if len(part) > 1 and part not in PARTICLES]
    whole = (telling if len(telling) + len(initials) > 1 else [part for part in parts if len(part) > 1])[:MAX_PARTS]
    for number, part in enumerate(whole):
        yield from _alone(part, asked=asked, whole=False)
        for initial in initials:
            yield from _initial(part, initial, asked=asked)
        for other in (*whole[:number], *whole[number + 1 :]):
            yield from _pair(part, other, asked=asked)


def entry_keys(names: Iterable[str]) -> list[int]:
    """The keys of an entry, in order."""
    return sorted({key for name in islice(dict.fromkeys(names), MAX_NAMES) for key in _keys_of(name, asked=False)})


def asked_keys(names: Iterable[str]) -> list[int]:
    """The keys under which entries are looked for that a person may be, in order."""
    return sorted({key for name in dict.fromkeys(names) for key in _keys_of(name, asked=True)})
