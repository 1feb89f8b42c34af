"""What two nominations, or a nomination and an officer's interest, can have in common: texts to be put under a key.

The register keeps of each trace a keyed mark and nothing else, so that it can say that two of them are the same, and
nobody can say of whom they are.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from itertools import combinations_with_replacement
from typing import Final, NamedTuple

from domain.fingerprint import skeleton
from domain.people import Nomination, Person


class About(StrEnum):
    """What of a nomination a trace is of.

    ``written`` is the name letter by letter with the birth date; ``born``, ``year`` and ``day`` are the birth date, its
    year, and its day and month in either order.
    """

    CANDIDATE = "candidate"
    ALIAS = "alias"
    NOMINATOR = "nominator"
    ADDRESS = "address"
    ORGANISATION = "organisation"
    WRITTEN = "written"
    BORN = "born"
    YEAR = "year"
    DAY = "day"


class Trace(NamedTuple):
    """One trace: what it is of, and the text of which the mark is made; personal data."""

    about: About
    text: str


INTERESTING: Final = frozenset({About.CANDIDATE, About.ALIAS, About.NOMINATOR, About.ADDRESS, About.ORGANISATION})
"""The traces by which an officer's interest is known."""
NAMED: Final = frozenset({About.CANDIDATE, About.ALIAS})
"""The traces that are names of the candidate."""
DATED: Final = frozenset({About.WRITTEN, About.BORN, About.YEAR, About.DAY})
"""The traces that hold the birth date."""

_LEGAL_FORMS: Final = frozenset(
    {"e", "v", "ev", "ngo", "asbl", "association", "foundation", "fund", "the", "of", "фонд", "нко"}
)


def name_trace(*parts: str) -> str:
    """What every spelling of a name has in common, in whatever order its parts stand."""
    return _text("name", sorted({skeleton(part) for part in parts}))


def address_trace(address: str) -> str:
    """What every writing of an e-mail address has in common."""
    return _text("address", [address.casefold()])


def organisation_trace(name: str) -> str:
    """What every writing of an organisation has in common: its words, without legal forms and marks."""
    words = set(re.findall(r"\w+", name.casefold()))
    return _text("organisation", sorted(words - _LEGAL_FORMS or words))


def traces(nomination: Nomination) -> frozenset[Trace]:
    """Every trace of a nomination."""
    candidate, nominator = nomination.candidate, nomination.nominator
    born = candidate.birth_date
    found = {
        Trace(About.CANDIDATE, name_trace(candidate.family_name, candidate.given_name)),
        Trace(About.WRITTEN, _text("written", [candidate.family_name, candidate.given_name, born.isoformat()])),
        Trace(About.BORN, _text("born", [born.isoformat()])),
        Trace(About.YEAR, _text("year", [f"{born.year}"])),
        Trace(About.DAY, _text("day", sorted([f"{born.month:02}", f"{born.day:02}"]))),
        Trace(About.ADDRESS, address_trace(nominator.email)),
        Trace(About.ADDRESS, address_trace(candidate.email)),
    }
    found |= {Trace(About.ALIAS, text) for text in _aliases(candidate)}
    found |= {Trace(About.NOMINATOR, text) for text in _any_two(nominator.name)}
    if nomination.organisation is not None:
        found.add(Trace(About.ORGANISATION, organisation_trace(nomination.organisation)))
    return frozenset(found)


def _aliases(candidate: Person) -> frozenset[str]:
    return frozenset().union(*(_any_two(name) for name in candidate.other_names))


def _any_two(name: str) -> frozenset[str]:
    """Every two parts of a name that is written as a whole: nobody says which of them are given and family name."""
    parts: Iterable[str] = dict.fromkeys(re.findall(r"\w+", name))
    return frozenset(name_trace(*two) for two in combinations_with_replacement(parts, 2) if two[0] != two[1])


def _text(kind: str, parts: Iterable[str]) -> str:
    return "\x1f".join((kind, *parts))
