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

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import combinations, islice
from typing import Final

from adapters.screening.matcher import Part, parts_of, symbols
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
ALL: Final = "2"
TWO: Final = "="
"""Kinds of keys: of every entry, and of those only that are names of two parts."""


MASK: Final = 2**64 - 1
HALF: Final = 2**63


@lru_cache(maxsize=400_000)
def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _key(one: int, other: int = 0) -> int:
    """Two numbers in one, as PostgreSQL's bigint."""
    return ((one + other) & MASK) - HALF


@lru_cache(maxsize=200_000)
def _frames(part: str, *, asked: bool) -> tuple[str, ...]:
    read = any_reading(part) if asked else likely_readings(part)
    return tuple({frame(reading) for reading in read})


@lru_cache(maxsize=200_000)
def _close(part: str, kind: str, *, asked: bool) -> tuple[int, ...]:
    """The close forms of a part, for one kind of key."""
    return tuple(_number(f"{kind}|{form}") for form in (*_frames(part, asked=asked), *symbols(part)))


@lru_cache(maxsize=200_000)
def _outlines(part: str, *, asked: bool) -> tuple[int, ...]:
    found: set[str] = set()
    for consonants in _frames(part, asked=asked):
        found |= {f"^{consonants[:2]}", f"{consonants[-2:]}$", f"{consonants[:1]}~{consonants[-1:]}"}
        if len(consonants) <= SHORT:
            # One slip in a short name leaves no two of its consonants.
            found |= {f"^{consonants[:1]}", f"{consonants[-1:]}$"}
    return tuple(map(_number, found | {f"^{frame(full)[:2]}" for full in full_names(part)}))


@lru_cache(maxsize=200_000)
def _starts(part: str, *, asked: bool) -> tuple[int, ...]:
    read = any_reading(part) if asked else likely_readings(part)
    return tuple(map(_number, {reading[:1] for reading in read} | {part[:1]}))


def _two(one: str, other: str, kind: str, *, asked: bool) -> Iterator[int]:
    """The keys of two parts: a close form of either with an outline of the other."""
    for near, far in ((one, other), (other, one)):
        outlines = _outlines(far, asked=asked)
        for form in _close(near, kind, asked=asked):
            for outline in outlines:
                yield _key(form, outline)
    for mine in symbols(one):
        for theirs in symbols(other):
            # In whatever order.
            yield _key(_number(f"s{kind}|{mine}"), _number(f"s{kind}|{theirs}"))


def _abbreviated(one: str, other: str, kinds: str, *, asked: bool) -> Iterator[int]:
    """The keys of a part with the first letter of another."""
    starts = _starts(other, asked=asked)
    for kind in kinds:
        for form in _close(one, kind, asked=asked):
            for start in starts:
                yield _key(form, start)


def _alone(part: str, *, asked: bool, whole: bool) -> Iterator[int]:
    """Whoever is asked for by one name is looked for in whole names; an entry of one name, in no part of others."""
    kinds = ("1+" if asked else "1") if whole else ("" if asked else "+")
    return (_key(form) for kind in kinds for form in _close(part, kind, asked=asked))


def _rarest(parts: Sequence[Part]) -> list[str]:
    """Parts of a name, the more telling first: a patronymic tells least, a name that the field's data knows little."""
    return [part.text for part in sorted(parts, key=lambda part: (len(symbols(part.text)), -len(part.text), part.text))]


def _sought(whole: Sequence[Part], parts: int) -> Iterator[tuple[str, str, str]]:
    """Two parts of a name that an entry must agree in, and the kind of keys to look under, for every entry that counts.

    Whoever comes to a hit lacks one part at most, or one of every three where there are many (see
    :func:`adapters.screening.matcher.plausible`); a patronymic may be missing besides. So a few pairs are enough, and
    those of common parts, which half a list shares, need not be looked under. A name of three parts may stand in a list
    with two of them and nothing else: such entries have keys of a kind of their own.

    Args:
        whole: The parts that make keys.
        parts: How many the name has in all.
    """
    names = _rarest([part for part in whole if not part.patronymic])
    if len(whole) <= 2 or len(names) < 2:
        yield from ((one.text, other.text, ALL) for one, other in combinations(whole, 2))
    elif len(whole) == parts == 3:
        first, second, third = [*names, *(part.text for part in whole if part.patronymic)]
        yield first, second, ALL
        yield first, third, ALL
        yield second, third, TWO
    else:
        yield from ((one, other, ALL) for one, other in combinations(names[: 2 + parts // 3], 2))


def _keys_of(name: str, *, asked: bool) -> Iterator[int]:
    parts = sorted(parts_of(name), key=lambda part: (-len(part.text), part.text))
    if len(parts) == 1:
        yield from _alone(parts[0].text, asked=asked, whole=True)
        return
    initials = [part.text for part in parts if part.initial]
    telling = [part for part in parts if not part.initial and part.text not in PARTICLES]
    whole = (telling if len(telling) + len(initials) > 1 else [part for part in parts if not part.initial])[:MAX_PARTS]
    for number, part in enumerate(whole):
        yield from _alone(part.text, asked=asked, whole=False)
        for initial in initials:
            yield from _abbreviated(part.text, initial, "i" if asked else "iw", asked=asked)
        for other in (*whole[:number], *whole[number + 1 :]):
            # An initial meets a whole name, on either side.
            yield from _abbreviated(part.text, other.text, "w" if asked else "i", asked=asked)
    if asked:
        for one, two, kind in _sought(whole, len(parts)):
            yield from _two(one, two, kind, asked=True)
        return
    for first, second in combinations(whole, 2):
        yield from _two(first.text, second.text, ALL, asked=False)
        if len(whole) == 2:
            yield from _two(first.text, second.text, TWO, asked=False)


def entry_keys(names: Iterable[str]) -> list[int]:
    """The keys of an entry, in order."""
    return sorted({key for name in islice(dict.fromkeys(names), MAX_NAMES) for key in _keys_of(name, asked=False)})


def asked_keys(names: Iterable[str]) -> list[int]:
    """The keys under which entries are looked for that a person may be, in order."""
    return sorted({key for name in dict.fromkeys(names) for key in _keys_of(name, asked=True)})
