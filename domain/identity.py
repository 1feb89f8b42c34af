"""Whether a nomination is of whom it says: names that fit each other, a plausible birth date, nobody nominated twice.

A doubt decides nothing: a person looks at it and says, and a case is not cleared before.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Final

from pydantic import Field

from domain.fingerprint import skeleton
from domain.ids import CandidacyReference, SessionReference, session_of
from domain.model import Line, Model
from domain.people import Person
from domain.screening import HitId, Identity, Verdict
from domain.signing import Digest, digest
from domain.traces import About


class DoubtAbout(StrEnum):
    """What a doubt is about."""

    IDENTITY = "identity"
    DUPLICATE = "duplicate"


class Doubt(Model):
    """Something about a nomination that a person has to look at: personal data.

    Attributes:
        about: What it is about.
        what: The part of the nomination, or the other candidacy by its reference.
        why: What raises the doubt.
        digest: Of all this: a word on it holds for it and for nothing else.
        dispelled_by: What an officer says where there is nothing in it: that two names are of one person, or that two
            candidacies are of two.
    """

    id: HitId
    about: DoubtAbout
    what: Line
    why: tuple[Line, ...]
    digest: Digest
    dispelled_by: Verdict


class Namesake(Model):
    """Another candidacy, and what it shares with this one. Holds no personal data."""

    reference: CandidacyReference
    shares: frozenset[About] = Field(default=frozenset())


_PLACEHOLDERS: Final = frozenset({(1, 1, 1900), (1, 1, 1970), (31, 12, 1999), (1, 1, 2000)})
"""Birth dates that programs fill in where they know none."""
_ADULT: Final = 18
_OLD: Final = 100
_SCRIPTS: Final = ("LATIN", "CYRILLIC")


def identity_of(person: Person) -> Identity:
    """What of a candidate is held against itself."""
    return Identity(
        given_name=person.given_name,
        family_name=person.family_name,
        patronymic=person.patronymic,
        other_names=person.other_names,
        birth_date=person.birth_date,
    )


def doubts(identity: Identity, namesakes: Iterable[Namesake], session: SessionReference, on: date) -> tuple[Doubt, ...]:
    """Everything about a nomination that a person has to look at.

    Args:
        identity: The candidate.
        namesakes: Other candidacies that share something with this one.
        session: This candidacy's session.
        on: The day.
    """
    found = [_doubt(DoubtAbout.IDENTITY, "birth date", why) for why in _about_birth_date(identity.birth_date, on)]
    names = (identity.given_name, identity.family_name, identity.patronymic, *identity.other_names)
    mixed = [name for name in names if name is not None and _is_mixed(name)]
    found += [_doubt(DoubtAbout.IDENTITY, name, "letters of two scripts within one word") for name in mixed]
    if not mixed:
        found += [_doubt(DoubtAbout.IDENTITY, name, why) for name, why in _about_names(identity)]
    found += [
        _doubt(DoubtAbout.DUPLICATE, namesake.reference, *why)
        for namesake in sorted(namesakes, key=lambda each: each.reference)
        if (why := _alike(namesake, session))
    ]
    return tuple(found)


def _doubt(about: DoubtAbout, what: str, *why: str) -> Doubt:
    said = [about, what, list(why)]
    passes = Verdict.OTHER_PERSON if about is DoubtAbout.DUPLICATE else Verdict.SAME_PERSON
    return Doubt(
        id=f"D-{digest([about, what])[:12]}", about=about, what=what, why=why, digest=digest(said), dispelled_by=passes
    )


def _about_birth_date(born: date, on: date) -> Iterable[str]:
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    if age < _ADULT:
        yield f"{age} years old"
    if age > _OLD:
        yield f"{age} years old"
    if (born.day, born.month, born.year) in _PLACEHOLDERS:
        yield "a date that programs fill in where they know none"


def _about_names(identity: Identity) -> Iterable[tuple[str, str]]:
    """The names in the other script of which none can be a spelling of the name in the first."""
    own = f"{identity.given_name} {identity.family_name}"
    script = _scripts(own)
    if len(script) > 1:
        yield own, "given name and family name are in two scripts"
    others = [
        name for name in identity.other_names if len(_words(name)) > 1 and len(_scripts(name)) == 1 == len(script)
    ]
    foreign = [name for name in others if _scripts(name) != script]
    known = [own, *(name for name in others if _scripts(name) == script)]
    if foreign and not any(_fit(one, other) for one in foreign for other in known):
        for name in foreign:
            yield name, "in another script than the name, and no spelling of it"


def _fit(one: str, other: str) -> bool:
    """Whether two names can be spellings of one: the shorter has every word in common with the longer, two at least."""
    shorter, longer = sorted((_sounds(one), _sounds(other)), key=len)
    return len(shorter & longer) >= min(2, len(shorter))


def _sounds(name: str) -> set[str]:
    return {skeleton(word) for word in _words(name)}


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", name)


def _scripts(text: str) -> frozenset[str]:
    names = [unicodedata.name(letter, "") for letter in text if letter.isalpha()]
    return frozenset(script for script in _SCRIPTS for name in names if name.startswith(script))


def _is_mixed(name: str) -> bool:
    return any(len(_scripts(word)) > 1 for word in _words(name))


_DATES: Final = {
    About.BORN: "the same birth date",
    About.DAY: "a birth date on the same day of another year, or with day and month exchanged",
    About.YEAR: "a birth date in the same year",
}


def _alike(namesake: Namesake, session: str) -> Sequence[str]:
    """Why another candidacy is likely of the same person under another spelling; nothing where it is not likely.

    Who comes back in another session under the very same name and birth date hides nothing.
    """
    shares: Collection[About] = namesake.shares
    dates = [why for about, why in _DATES.items() if about in shares][:1]
    comes_back = About.WRITTEN in shares and session_of(namesake.reference) != session
    if About.CANDIDATE not in shares or not dates or comes_back:
        return ()
    return ("the name sounds the same", *dates)
