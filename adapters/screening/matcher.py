"""Compare a person with an entry of a list: logic-v2 decides, after names have been brought into one spelling.

``nomenklatura``'s logic-v2 weighs names, birth dates, countries and gender, and says why. What it does not do is stand
around it here, in one place: it is asked once with the name as it is, and once with each part of the name written as
the entry writes it, where

- both are readings of one Cyrillic form (see :mod:`adapters.screening.spelling`),
- one is an initial of the other,
- they differ by one slip of the pen (a short part only where one of the two is a name that the field's data knows and
  the other is none: Ian is no slip for Ivan, and Igr is one for Igor), or
- one is a diminutive of the other, and the birth date or the patronymic agrees as well.

Each but the first costs something; so does a space in the wrong place, where the letters agree. A patronymic that only
one of the two has is left out for a small cost; two that contradict each other cost much, and so do initials beside one
name that stand for none of the entry's. The better of the two answers counts.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from itertools import count
from operator import or_
from typing import Any, Final, NamedTuple

from followthemoney import EntityProxy, model
from nomenklatura.matching.logic_v2.model import LogicV2
from nomenklatura.matching.types import ScoringConfig
from rigour.names import NamePartTag, NameTypeTag, Symbol, analyze_names
from rigour.text.distance import levenshtein

from adapters.screening.shown import shown
from adapters.screening.spelling import System, any_reading, consonants, full_names, is_patronymic, readings, tokens
from domain.screening import NAMES, Listed, Match, Subject

THRESHOLD: Final = 0.7
"""logic-v2's own: from here on a match is a hit."""
INITIAL: Final = 0.04
SLIP: Final = 0.06
DIMINUTIVE: Final = 0.12
MISSING: Final = 0.03
CONTRADICTION: Final = 0.3
"""What each takes from the score: an initial, a slip of the pen, a diminutive, a patronymic that one side lacks, two
patronymics that contradict each other."""
SHORT_SLIP: Final = 0.1
"""What a slip of the pen takes from the score in a part of few letters."""
MIN_SLIP: Final = 4
"""A part of fewer letters may be another name when one of them changes."""
_NAME_LIKE: Final = frozenset({*NAMES, "firstName", "lastName", "middleName", "fatherName", "motherName", "secondName"})
_COMPARED: Final = (*sorted(_NAME_LIKE), "birthDate", "nationality", "citizenship", "country", "gender", "innCode")
"""What logic-v2 compares of people; the rest is only shown."""
_ASKED: Final = frozenset(
    ["name_match", "weak_alias_match", "country_mismatch", "dob_year_disjoint", "dob_day_disjoint", "gender_mismatch"]
)
"""What logic-v2 asks of people by what is compared; the rest of its questions would be answered by nothing."""


def _config() -> ScoringConfig:
    config = LogicV2.default_config()
    config.weights = {feature.name: 0.0 for feature in LogicV2.features if feature.name not in _ASKED}
    return config


_CONFIG: Final = _config()
_numbers = count(1)
_lock: Final = threading.Lock()


class Part(NamedTuple):
    """One part of a name."""

    text: str
    patronymic: bool

    @property
    def initial(self) -> bool:
        """Whether it is one letter only."""
        return len(self.text) == 1


Parts = tuple[Part, ...]


@lru_cache(maxsize=200_000)
def parts_of(name: str) -> Parts:
    """The parts of a name."""
    found = tokens(name)
    long = len(found) >= 3
    return tuple(Part(text, patronymic=long and is_patronymic(text)) for text in found)


@dataclass(frozen=True)
class Entry:
    """An entry of a list, made ready to be compared."""

    listed: Listed
    proxy: EntityProxy
    names: tuple[Parts, ...]


@dataclass
class Candidate:
    """A person, made ready to be compared with many entries."""

    subject: Subject
    proxy: EntityProxy
    names: tuple[Parts, ...]
    rewritten: dict[str, EntityProxy] = field(default_factory=dict)

    def under(self, name: str) -> EntityProxy:
        """The same person under another name."""
        if name not in self.rewritten:
            self.rewritten[name] = _asked(self.subject, [name])
        return self.rewritten[name]


@lru_cache(maxsize=50_000)
def _cleaned(schema: str, name: str, value: str) -> str | None:
    """A value as the model keeps it: countries by code, dates as far as they are known."""
    return model.schemata[schema].properties[name].type.clean(value)


def _proxy(key: str, schema: str, properties: Mapping[str, Iterable[str]]) -> EntityProxy:
    proxy = model.make_entity(schema)
    proxy.id = key
    for name in _COMPARED:
        known = proxy.schema.properties.get(name)
        if known is None:
            continue
        for value in properties.get(name, ()):
            # Countries and dates repeat, and to look one up costs more than to compare two names.
            cleaned = value if name in _NAME_LIKE else _cleaned(schema, name, value)
            if cleaned:
                proxy.unsafe_add(known, cleaned, cleaned=True)
    return proxy


def names_of(listed: Listed) -> tuple[Parts, ...]:
    """The names of an entry in their parts, each once."""
    return tuple(dict.fromkeys(parts for name in listed.names if (parts := parts_of(name))))


def entry(listed: Listed) -> Entry:
    """An entry, ready. Its id is the digest of what it says: logic-v2 remembers features by id."""
    proxy = _proxy(listed.digest, listed.schema_, listed.properties)
    return Entry(listed=listed, proxy=proxy, names=names_of(listed))


def candidate(subject: Subject) -> Candidate:
    """A person, ready."""
    names = tuple(dict.fromkeys(parts for name in subject.names if (parts := parts_of(name))))
    return Candidate(subject=subject, proxy=_asked(subject, subject.names), names=names)


def _asked(subject: Subject, names: Iterable[str]) -> EntityProxy:
    # A number that is never used again, since features are remembered by id.
    with _lock:
        key = f"asked-{next(_numbers)}"
    known: dict[str, Iterable[str]] = {
        "name": names,
        "birthDate": [subject.birth_date] if subject.birth_date else [],
        "nationality": subject.nationalities,
        "gender": [subject.gender] if subject.gender else [],
    }
    return _proxy(key, "Person", known)


@dataclass(frozen=True)
class Rewriting:
    """A name as the entry would write it.

    Attributes:
        name: The name.
        cost: What it takes from the score.
        agreed: How many parts were found in the entry's name.
        why: Each change, in words.
    """

    name: str
    cost: float
    agreed: int
    why: tuple[str, ...]


_NAMED: Final = (Symbol.Category.NAME, Symbol.Category.NICK)


@lru_cache(maxsize=200_000)
def symbols(part: str) -> frozenset[str]:
    """What the field's data calls a part of a name in whatever language: Muhammad, Mohamed and Мухаммад are one."""
    names = analyze_names(NameTypeTag.PER, [part], phonetics=False, numerics=False)
    return frozenset(symbol.id for name in names for symbol in name.symbols if symbol.category in _NAMED)


@lru_cache(maxsize=1_000_000)
def _alike(one: str, other: str) -> bool:
    """Whether two parts may be one name in any way that counts."""
    if one == other:
        return True
    if len(one) == 1 or len(other) == 1:
        return _starts(*((Part(one, patronymic=False), Part(other, patronymic=False))[:: 1 if len(one) == 1 else -1]))
    left, right = any_reading(one), any_reading(other)
    if not left.isdisjoint(right) or not symbols(one).isdisjoint(symbols(other)):
        return True
    if not full_names(one).isdisjoint(right) or not full_names(other).isdisjoint(left):
        return True
    return _one_slip(one, other) or _read_alike(one, other, max(1, (max(len(one), len(other)) + 1) // 4))


def _read_alike(one: str, other: str, edits: int) -> bool:
    """Whether two parts have readings that differ by so many edits at most."""
    theirs = _framed(other)
    for consonants_of_one, mine in _framed(one):
        length, letters = len(consonants_of_one[0]), consonants_of_one[1]
        for consonants_of_other, read in theirs:
            # Readings differ by as many edits as their consonants do, at least; of these there are few.
            if (
                (letters ^ consonants_of_other[1]).bit_count() <= 2 * edits
                and -edits <= length - len(consonants_of_other[0]) <= edits
                and _near(consonants_of_one, consonants_of_other, edits)
                and any(_near(reading, against, edits) for reading in mine for against in read)
            ):
                return True
    return False


Lettered = tuple[str, int]
"""A text with the set of its letters as bits."""


def _near(one: Lettered, other: Lettered, edits: int) -> bool:
    """Whether two texts differ by so many edits at most."""
    # An edit changes two of the letters that occur at most; to count these is much quicker.
    return (
        -edits <= len(one[0]) - len(other[0]) <= edits
        and (one[1] ^ other[1]).bit_count() <= 2 * edits
        and levenshtein(one[0], other[0], max_edits=edits) <= edits
    )


@lru_cache(maxsize=400_000)
def _lettered(text: str) -> Lettered:
    return text, reduce(or_, (1 << ord(letter) % 61 for letter in text), 0)


@lru_cache(maxsize=200_000)
def _framed(part: str) -> tuple[tuple[Lettered, tuple[Lettered, ...]], ...]:
    """The readings of a part, by their consonants."""
    found: dict[str, list[Lettered]] = {}
    for reading in any_reading(part):
        found.setdefault(consonants(reading), []).append(_lettered(reading))
    return tuple((_lettered(each), tuple(read)) for each, read in found.items())


@lru_cache(maxsize=200_000)
def _weight(part: str) -> float:
    """What logic-v2 makes of a part that only one side has: al and de weigh little, bin less than a name."""
    for name in analyze_names(NameTypeTag.PER, [part], phonetics=False, numerics=False):
        if any(each.tag == NamePartTag.STOP for each in name.parts):
            return 0.35
        if any(symbol.category == Symbol.Category.SYMBOL for symbol in name.symbols):
            return 0.7
    return 1.0


@lru_cache(maxsize=200_000)
def spaceless(name: Parts) -> str:
    """A name without what parts it."""
    return "".join(part.text for part in name)


def plausible(asked: Candidate, listed: Listed) -> bool:
    """Whether a full comparison could come to a hit, at the least cost of each part that one side lacks.

    logic-v2 counts a part that the entry lacks with 0.8, one that the person lacks with 0.2 and each family name with
    1.3; so this is the most that it could say.
    """
    families = max((len(parts_of(name)) for name in listed.properties.get("lastName", ())), default=1)
    return any(
        _most(mine, theirs, families) >= THRESHOLD or spaceless(mine) == spaceless(theirs)
        for theirs in names_of(listed)
        for mine in asked.names
    )


def _most(mine: Parts, theirs: Parts, families: int) -> float:
    left: set[int] = set(range(len(theirs)))
    agreed = lacked = 0
    lacking = 0.0
    for part in mine:
        # One part of theirs may be like several of mine: which of them it is does not matter for the most.
        like = [number for number, other in enumerate(theirs) if _alike(part.text, other.text)]
        left.difference_update(like)
        if like:
            agreed += 1
        elif not part.patronymic or any(other.patronymic for other in theirs):
            lacked += 1
            lacking += 0.8 * _weight(part.text)
            if _share(len(mine) - lacked, families, lacking) < THRESHOLD:
                return 0.0
    agreed = min(agreed, len(theirs) - len(left))
    if not agreed or (agreed == 1 and len(mine) > 1):
        return 0.0
    known = any(part.patronymic for part in mine)
    lacking += sum(0.2 * _weight(theirs[number].text) for number in left if known or not theirs[number].patronymic)
    return _share(agreed, families, lacking)


def _share(agreed: int, families: int, lacking: float) -> float:
    weight = agreed + 0.3 * min(agreed, families)
    return weight / (weight + lacking)


@lru_cache(maxsize=500_000)
def _one_slip(left: str, right: str) -> bool:
    """Whether two parts differ by one letter too many, too few or another, or by two that changed places."""
    if min(len(left), len(right)) < 2:
        return False
    one, other = _lettered(left), _lettered(right)
    if _near(one, other, 1):
        return True
    if len(left) != len(right) or one[1] != other[1]:
        return False
    different = [number for number, (one, other) in enumerate(zip(left, right, strict=True)) if one != other]
    return (
        len(different) == 2
        and different[1] == different[0] + 1
        and left[different[0]] == right[different[1]]
        and left[different[1]] == right[different[0]]
    )


def _slipped(asked: str, listed: str, asked_readings: frozenset[str]) -> bool:
    known = bool(symbols(asked)), bool(symbols(listed))
    if all(known) or (not any(known) and min(len(asked), len(listed)) < MIN_SLIP):
        # Two names that are known are two names, and so are two short ones that are not.
        return False
    if _one_slip(asked, listed):
        return True
    theirs = any_reading(listed)
    return any(_one_slip(one, other) for one in asked_readings for other in theirs)


def _starts(initial: Part, word: Part) -> bool:
    if word.text.startswith(initial.text):
        return True
    # Я. is Ya. and Yu. begins as Ю does; by readings, since the scripts may differ.
    return any(
        reading[:1] == start[:1] for start in any_reading(initial.text) for reading in any_reading(word.text) if start
    )


def _supported(asked: Candidate, against: Entry) -> bool:
    """Whether the birth dates agree, as far as both are known; what a diminutive needs beside the family name."""
    born = asked.subject.birth_date
    listed = against.listed.properties.get("birthDate", ())
    return born is not None and any(date.startswith(born) or born.startswith(date) for date in listed)


def rewritings(asked: Candidate, against: Entry) -> list[Rewriting]:
    """The person's names as the entry would write them, the best first."""
    supported = _supported(asked, against)
    found: dict[str, Rewriting] = {}
    for name in asked.names:
        for listed in against.names:
            if name != listed and spaceless(name) == spaceless(listed):
                written = " ".join(part.text for part in listed)
                told = "the letters agree, with a space in another place"
                found[written] = Rewriting(name=written, cost=SLIP, agreed=max(2, len(listed)), why=(told,))
            for read in _ways(name):
                rewritten = _rewritten(name, listed, read, supported)
                if rewritten is not None:
                    known = found.get(rewritten.name)
                    if known is None or (rewritten.cost, -rewritten.agreed) < (known.cost, -known.agreed):
                        found[rewritten.name] = rewritten
    return sorted(found.values(), key=lambda each: (-each.agreed, each.cost))


@lru_cache(maxsize=10_000)
def _ways(name: Parts) -> tuple[tuple[frozenset[str], ...], ...]:
    """What the parts of a name may be in each system; systems that agree on all of them count once."""
    systems: list[System | None] = [*dict.fromkeys(system for part in name for system in readings(part.text))]
    found = (
        tuple(readings(part.text).get(system, frozenset()) if system is not None else frozenset() for part in name)
        for system in systems or [None]
    )
    return tuple(dict.fromkeys(found))


def _rewritten(name: Parts, listed: Parts, read: Sequence[frozenset[str]], supported: bool) -> Rewriting | None:
    free = list(range(len(listed)))
    taken: dict[int, int] = {}
    cost = 0.0
    slips = 0
    why: list[str] = []

    def take(number: int, other: int, price: float, told: str) -> None:
        nonlocal cost
        taken[number] = other
        free.remove(other)
        cost += price
        if told:
            why.append(told)

    for number, part in enumerate(name):
        same = next((other for other in free if listed[other].text == part.text), None)
        if same is not None:
            take(number, same, 0.0, "")
    for number, part in enumerate(name):
        if number in taken or part.initial:
            continue
        same = next((other for other in free if not read[number].isdisjoint(any_reading(listed[other].text))), None)
        if same is not None:
            take(number, same, 0.0, f"{part.text} and {listed[same].text} are one name in two spellings")
    if all(name[number].initial for number in taken):
        return None
    for number, part in enumerate(name):
        if number in taken:
            continue
        for other in free:
            word = listed[other]
            if part.initial != word.initial and _starts(*((part, word) if part.initial else (word, part))):
                take(number, other, INITIAL, f"{part.text} fits {word.text} as an initial")
                break
            if not part.initial and not word.initial and _slipped(part.text, word.text, read[number]):
                short = min(len(part.text), len(word.text)) < MIN_SLIP
                told = f"{part.text} and {word.text} differ by one slip of the pen"
                take(number, other, SHORT_SLIP if short else SLIP, told)
                slips += 1
                break
    abbreviated = any(name[number].initial != listed[other].initial for number, other in taken.items())
    if (abbreviated or len(taken) - slips < 2) and any(
        not (listed[other].initial or listed[other].patronymic) for other in free
    ):
        # A family name of another person has the same first letter as many a patronymic, or is like another name.
        return None
    if len(taken) >= 2 or (len(taken) == 1 and supported):
        patronymics = any(name[number].patronymic and listed[other].patronymic for number, other in taken.items())
        for number, part in enumerate(name):
            if number in taken or part.initial or not (supported or patronymics):
                continue
            for other in free:
                if _diminutive(part, listed[other]):
                    take(number, other, DIMINUTIVE, f"{part.text} and {listed[other].text}: one is short for the other")
                    break
    # In the entry's order, as far as it goes: logic-v2 does not always see through another one.
    order = sorted(range(len(name)), key=lambda number: taken.get(number, len(listed)))
    words = [listed[taken[number]].text if number in taken else name[number].text for number in order]
    left = [number for number in range(len(name)) if number not in taken]
    if any(name[number].patronymic for number in left) and not any(word.patronymic for word in listed):
        # The entry does not know the patronymic: that says little.
        words = [
            word for number, word in zip(order, words, strict=True) if number in taken or not name[number].patronymic
        ]
        cost += MISSING
        why.append("the entry has no patronymic")
    elif not any(part.patronymic for part in name) and any(listed[other].patronymic for other in free):
        words.extend(listed[other].text for other in free if listed[other].patronymic)
        cost += MISSING
        why.append("the patronymic is not known")
    return Rewriting(name=" ".join(words), cost=cost, agreed=len(taken), why=tuple(why))


def _diminutive(one: Part, other: Part) -> bool:
    return not full_names(one.text).isdisjoint(any_reading(other.text)) or not full_names(other.text).isdisjoint(
        any_reading(one.text)
    )


def _contradicts(asked: Candidate, against: Entry) -> bool:
    """Whether both have patronymics, or the initial of one, and none of the one's can be one of the other's."""
    theirs = {part for parts in against.names for part in parts if part.patronymic or (part.initial and len(parts) > 2)}
    mine = {part for parts in asked.names for part in parts if part.patronymic or (part.initial and len(parts) > 2)}
    if not any(part.patronymic for part in mine | theirs) or not mine or not theirs:
        return False
    # An initial may stand for any part of the other's name, not for the patronymic only.
    whole = {part for parts in asked.names for part in parts if not part.initial}
    return not any(_agree(one, other) for one in mine for other in theirs) and not any(
        _starts(initial, word) for initial in theirs if initial.initial for word in whole if not initial.patronymic
    )


def _stands_for_none(asked: Candidate, against: Entry) -> bool:
    """Whether the person is asked for by one name with initials, of which none fits any name of the entry."""
    return not any(_may_stand(mine, theirs) for mine in asked.names for theirs in against.names)


def _may_stand(mine: Parts, theirs: Parts) -> bool:
    initials = [part for part in mine if part.initial]
    if not initials or len(mine) - len(initials) != 1 or len(theirs) == 1:
        return True
    return any(_starts(initial, word) for initial in initials for word in theirs)


def _agree(one: Part, other: Part) -> bool:
    if one.initial or other.initial:
        return _starts(*((one, other) if one.initial else (other, one)))
    # The same patronymic differs more from one East Slavic language to another than by a slip.
    return _alike(one.text, other.text)


def compare(asked: Candidate, against: Entry) -> Match | None:
    """How far the person is the one of the entry, and why; None below the threshold."""
    plain = LogicV2.compare(asked.proxy, against.proxy, _CONFIG)
    best, cost, score = plain, 0.0, plain.score
    why: tuple[str, ...] = ()
    for rewriting in rewritings(asked, against)[:2] if plain.score < 1.0 else ():
        if rewriting.agreed < 2 or 1.0 - rewriting.cost <= score:
            continue
        again = LogicV2.compare(asked.under(rewriting.name), against.proxy, _CONFIG)
        if again.score - rewriting.cost > score:
            best, cost, why, score = again, rewriting.cost, rewriting.why, again.score - rewriting.cost
    if score < THRESHOLD:
        return None
    told = list(why)
    for contradicts, said in (
        (_contradicts, "the patronymics contradict each other"),
        (_stands_for_none, "the initial stands for none of the names"),
    ):
        if contradicts(asked, against):
            score -= CONTRADICTION
            cost += CONTRADICTION
            told.append(said)
    if score < THRESHOLD:
        return None
    return Match(
        entry=against.listed.id,
        digest=against.proxy.id or "",
        caption=against.listed.caption,
        score=round(min(score, 1.0), 3),
        why=(*_explained(best), *told, *([f"taken off for all this: {cost:.2f}"] if cost else [])),
        says=shown(against.listed),
    )


def _explained(result: Any) -> list[str]:
    """What logic-v2 says, in the order of its weight."""
    counted = [(name, found) for name, found in result.explanations.items() if found.score]
    return [
        f"{name.replace('_', ' ')} {found.score:+.2f}" + (f": {found.detail}" if found.detail else "")
        for name, found in sorted(counted, key=lambda each: -abs(each[1].score))
    ]


def plain_score(asked: Candidate, against: Entry) -> float:
    """What logic-v2 alone says."""
    return float(LogicV2.compare(asked.proxy, against.proxy, _CONFIG).score)


def best_matches(asked: Candidate, entries: Sequence[Entry]) -> list[Match]:
    """Every match among some entries, the best first."""
    found = [match for each in entries if (match := compare(asked, each)) is not None]
    return sorted(found, key=lambda match: (-match.score, match.entry))
