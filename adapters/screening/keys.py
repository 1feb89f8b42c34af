"""Keys under which the index finds the entries that a person may be.

Two people can only match where two parts of their names do: one of them closely, the other at least in its outline. So
a key is made of one part and the outline of another:

- a *close* form of a part is the consonants of a reading (see :mod:`adapters.screening.spelling`), or a name as the
  field's own data knows it in all languages (``NAME:Q…``: Muhammad, Mohamed, Мухаммад);
- an *outline* is two of its consonants in any order: the first two, the last two, or the first and the last where
  there are few, of which one slip of the pen leaves at least one. A slip in a short part may leave none: with another
  part as it is written, such a part makes keys without each of its letters.

Two names that are known to the field's data make a key by themselves, and so do initials, single names and all letters
of a name without its spaces. An entry is read in the systems in which it is likely written, a person in all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import combinations, islice
from typing import Final

from adapters.screening.matcher import Part, parts_of, spaceless, symbols
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
FEW_LETTERS: Final = 7
"""A part of so few letters makes keys without each of them, since a slip may leave nothing of its outlines."""
FEW: Final = 4
"""Consonants of a name in which one slip may touch both the first two and the last two."""
SHORT: Final = 2
"""Consonants of a name in which one slip changes everything."""
MAX_NAMES: Final = 60
"""Names of one entry that make keys."""
ALL: Final = "2"
TWO: Final = "="
EXACT: Final = "c"
"""Kinds of keys: of every entry, of those only that are names of two parts, and of a name with its patronymic as both
should be."""


MASK: Final = 2**64 - 1
HALF: Final = 2**63


@lru_cache(maxsize=400_000)
def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _keys(ones: Iterable[int], others: Iterable[int] = (0,)) -> set[int]:
    """Each of some numbers with each of some others in one, as PostgreSQL's bigint."""
    return {((one + other) & MASK) - HALF for one in ones for other in others}


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
    found = {f"^{''.join(sorted(frame(full)[:2]))}" for full in full_names(part)}
    for consonants in _frames(part, asked=asked):
        first, last = ("".join(sorted(pair)) for pair in (consonants[:2], consonants[-2:]))
        found |= {f"^{first}", f"{last}$"}
        if len(consonants) <= FEW:
            # Where there are more, one slip touches the first two or the last two only.
            found.add(f"{consonants[:1]}~{consonants[-1:]}")
        if len(consonants) <= SHORT:
            # One slip in a short name leaves no two of its consonants.
            found |= {f"^{consonants[:1]}", f"{consonants[-1:]}$"}
    return tuple(map(_number, found))


@lru_cache(maxsize=200_000)
def _slips(part: str) -> tuple[int, ...]:
    """A short part as it is and without each of its letters: two that differ by one slip have one in common."""
    if len(part) > FEW_LETTERS:
        return ()
    left = {part, *(f"{part[:place]}{part[place + 1 :]}" for place in range(len(part)))}
    return tuple(_number(f"-{text}") for text in left)


@lru_cache(maxsize=200_000)
def _starts(part: str, *, asked: bool) -> tuple[int, ...]:
    read = any_reading(part) if asked else likely_readings(part)
    return tuple(map(_number, {reading[:1] for reading in read} | {part[:1]}))


@lru_cache(maxsize=200_000)
def _known(part: str, kind: str) -> tuple[int, ...]:
    return tuple(_number(f"s{kind}|{symbol}") for symbol in symbols(part))


def _two(one: str, other: str, kind: str, *, asked: bool) -> set[int]:
    """The keys of two parts: a close form of either with an outline of the other, or both as the data knows them."""
    if kind == EXACT:
        return _exact(one, other, asked=asked)
    return (
        _keys(_close(one, kind, asked=asked), _outlines(other, asked=asked))
        | _keys(_close(other, kind, asked=asked), _outlines(one, asked=asked))
        | _keys(_known(one, kind), _known(other, kind))
        | _keys([_number(f"{kind}|{one}")], _slips(other))
        | _keys([_number(f"{kind}|{other}")], _slips(one))
    )


def _exact(one: str, other: str, *, asked: bool) -> set[int]:
    ones, others = ([_number(f"{EXACT}|{form}") for form in _frames(part, asked=asked)] for part in (one, other))
    return _keys(ones, others)


def _abbreviated(one: str, other: str, kind: str, *, asked: bool) -> set[int]:
    """The keys of a part with the first letter of another."""
    return _keys(_close(one, kind, asked=asked), _starts(other, asked=asked))


def _alone(part: str, kinds: str, *, asked: bool) -> set[int]:
    """The keys of a part by itself."""
    return {key for kind in kinds for key in _keys(_close(part, kind, asked=asked))}


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
        # A given name with its patronymic is what half a list shares. A family name with it is not: it comes to stand
        # second where a slip of the pen makes the given name look like a rare one, and is then looked under exactly.
        yield from ((second, third, kind) for kind in ((TWO, EXACT) if symbols(second) else (ALL,)))
    else:
        yield from ((one, other, ALL) for one, other in combinations(names[: 2 + parts // 3], 2))


def _found_by(names: Iterable[str], *, asked: bool) -> set[int]:
    found: set[int] = set()
    done: set[tuple[str, ...]] = set()

    def add(make: Callable[..., set[int]], *parts: str) -> None:
        # The names of one entry have most of their parts in common.
        known = (make.__name__, *parts)
        if known not in done:
            done.add(known)
            found.update(make(*parts, asked=asked))

    for name in names:
        written = parts_of(name)
        parts = sorted(written, key=lambda part: (-len(part.text), part.text))
        # A name is found with its spaces in other places.
        found |= _keys([_number(f"j|{spaceless(written)}")])
        if len(parts) == 1:
            # Whoever is asked for by one name is looked for in whole names; an entry of one name, in no part of others.
            add(_alone, parts[0].text, "1+" if asked else "1")
            continue
        initials = [part.text for part in parts if part.initial]
        telling = [part for part in parts if not part.initial and part.text not in PARTICLES]
        enough = len(telling) + len(initials) > 1
        whole = (telling if enough else [part for part in parts if not part.initial])[:MAX_PARTS]
        for part in whole:
            if not asked:
                add(_alone, part.text, "+")
            for initial in initials:
                for kind in "i" if asked else "iw":
                    add(_abbreviated, part.text, initial, kind)
        for long in whole:
            # An initial meets a whole name, on either side; one of an entry may be of a particle: A. for Abdul.
            for word in whole if asked else parts:
                if long is not word and not word.initial:
                    add(_abbreviated, long.text, word.text, "w" if asked else "i")
        if asked:
            for one, other, kind in _sought(whole, len(parts)):
                add(_two, one, other, kind)
            continue
        for first, second in combinations(whole, 2):
            add(_two, first.text, second.text, ALL)
            if len(whole) == 2:
                add(_two, first.text, second.text, TWO)
            if first.patronymic or second.patronymic:
                add(_two, first.text, second.text, EXACT)
    return found


def entry_keys(names: Iterable[str]) -> list[int]:
    """The keys of an entry, in order."""
    return sorted(_found_by(islice(dict.fromkeys(names), MAX_NAMES), asked=False))


def asked_keys(names: Iterable[str]) -> list[int]:
    """The keys under which entries are looked for that a person may be, in order."""
    return sorted(_found_by(dict.fromkeys(names), asked=True))
