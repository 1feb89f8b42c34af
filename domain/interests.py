"""Conflicts of interest: whom an officer must not judge, and whose case an officer must not see."""

import re
from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from domain.fingerprint import skeleton
from domain.ids import OfficerId
from domain.model import Address, Line, Model, Name
from domain.people import Nomination


class KnownPerson(Model):
    """Somebody an officer is close to, or the officer; the spelling does not matter, nor the order of the names."""

    family_name: Name
    given_name: Name

    @property
    def sounds(self) -> frozenset[str]:
        """What every spelling of the name has in common."""
        return frozenset({skeleton(self.family_name), skeleton(self.given_name)})


class Interests(Model):
    """What an officer declares: the content of ``declare_interests``; personal data of several people.

    Attributes:
        own_addresses: The officer's own e-mail addresses, by which a nomination of the officer's own is known.
        persons: Whom the officer is close to; also the officer.
        organisations: Where the officer belongs or is paid.
    """

    own_addresses: tuple[Address, ...] = Field(default=(), max_length=20)
    persons: tuple[KnownPerson, ...] = Field(default=(), max_length=200)
    organisations: tuple[Line, ...] = Field(default=(), max_length=100)


class Declared(Model):
    """An officer's interests as they stand: the officer is whoever signed them."""

    officer: OfficerId
    interests: Interests


class Conflict(StrEnum):
    """Why an officer must not judge a case."""

    NOMINATED = "nominated"
    ORGANISATION = "organisation"
    DECLARED = "declared"


_LEGAL_FORMS = frozenset(
    {"e", "v", "ev", "ngo", "asbl", "association", "foundation", "fund", "the", "of", "фонд", "нко"}
)


def organisation_key(name: str) -> frozenset[str]:
    """What two writings of one organisation have in common: its words, without legal forms and marks."""
    words = re.findall(r"\w+", name.casefold())
    telling = frozenset(word for word in words if word not in _LEGAL_FORMS)
    return telling or frozenset(words)


def conflict(interests: Interests, nomination: Nomination) -> Conflict | None:
    """Why the officer must not judge this candidacy; None where nothing stands against it.

    A name is compared by its sounds: better an officer too few than one who judges a friend.
    """
    if nomination.nominator.email.casefold() in {address.casefold() for address in interests.own_addresses}:
        return Conflict.NOMINATED
    if nomination.organisation is not None:
        theirs = organisation_key(nomination.organisation)
        if any(organisation_key(own) == theirs for own in interests.organisations):
            return Conflict.ORGANISATION
    candidate = nomination.candidate
    names = frozenset({skeleton(candidate.family_name), skeleton(candidate.given_name)})
    nominator = frozenset(skeleton(part) for part in re.findall(r"\w+", nomination.nominator.name))
    if any(person.sounds == names or person.sounds <= nominator for person in interests.persons):
        return Conflict.DECLARED
    return None


def free_of_conflict(declared: Iterable[Declared], officers: Iterable[str], nomination: Nomination) -> tuple[str, ...]:
    """The officers to whom a case may be offered, in the order given."""
    barred = {each.officer for each in declared if conflict(each.interests, nomination) is not None}
    return tuple(officer for officer in officers if officer not in barred)
