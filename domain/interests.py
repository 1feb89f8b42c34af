"""Conflicts of interest: whom an officer must not judge, and whose case an officer must not see.

An officer declares persons, organisations, and the addresses under which the officer nominates; or an interest in one
case, which is one in its person. What is declared lies under the officer's own key. The register compares marks of it
with marks of each nomination (``domain.traces``), and names nobody.
"""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from domain.errors import ConflictOfInterest, NothingToChange, OutOfTime, SamePerson
from domain.ids import CandidacyReference, CaseReference
from domain.model import Address, Line, Model, Name, Prose
from domain.people import Nomination
from domain.traces import INTERESTING, About, address_trace, name_trace, organisation_trace, traces

InterestId = Annotated[str, StringConstraints(pattern=r"^I-[0-9]{1,9}$")]
"""An interest in the register: ``I-12``."""


def officer_file(officer: str) -> str:
    """What a command names as its case that is about an officer's own interests; also the key under which they lie."""
    return f"officer/{officer}"


class KnownPerson(Model):
    """Somebody an officer is close to, or the officer; the spelling does not matter, nor the order of the names."""

    family_name: Name
    given_name: Name


class Interests(Model):
    """What an officer declares: the content of ``declare_interest``; personal data of several people.

    Attributes:
        persons: Whom the officer is close to; also the officer.
        organisations: Where the officer belongs or is paid.
        own_addresses: The officer's own e-mail addresses, by which a nomination of the officer's own is known.
        cases: Candidacies in whose person the officer has an interest.
    """

    persons: tuple[KnownPerson, ...] = Field(default=(), max_length=200)
    organisations: tuple[Line, ...] = Field(default=(), max_length=100)
    own_addresses: tuple[Address, ...] = Field(default=(), max_length=20)
    cases: tuple[CandidacyReference, ...] = Field(default=(), max_length=50)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.persons or self.organisations or self.own_addresses or self.cases):
            raise ValueError("names neither a person nor an organisation, an address or a case")
        return self

    def named(self) -> Iterator[tuple[About, str, str]]:
        """Each interest but those in a case: what it is, how its officer is shown it, and the text to be marked."""
        for person in self.persons:
            shown = f"{person.family_name}, {person.given_name}"
            yield About.CANDIDATE, shown, name_trace(person.family_name, person.given_name)
        for name in self.organisations:
            yield About.ORGANISATION, name, organisation_trace(name)
        for address in self.own_addresses:
            yield About.ADDRESS, address, address_trace(address)


class Withdrawal(Model):
    """The content of ``withdraw_interest``: from when an interest holds no more, at once where nothing is said."""

    interest: InterestId
    since: AwareDatetime | None = None
    reason: Prose


class InterestRow(Model):
    """An interest as its officer has it: personal data.

    Attributes:
        about: What it is: a person (``candidate``), an ``organisation``, an ``address``.
        what: Whom or what it names; empty where it was declared in a case.
        case: That case.
        since: From when it holds; the clock's time.
        until: From when it holds no more.
    """

    id: InterestId
    about: About
    what: str = ""
    case: CaseReference | None = None
    since: AwareDatetime
    until: AwareDatetime | None = None


def conflicts(interests: Interests, nomination: Nomination) -> bool:
    """Whether an officer with these interests must not judge this candidacy.

    A name is compared by its sounds: better an officer too few than one who judges a friend.
    """
    theirs = {trace.text for trace in traces(nomination) if trace.about in INTERESTING}
    return any(text in theirs for _, _, text in interests.named())


_FREE: Final = frozenset({"candidacy.nominate", "suspension.declare_interest"})
"""What also an officer with an interest may do: hand in what arrived, and say that there is an interest."""


def check_interest(power: str, officer: str, content: dict[str, Any] | None, interested: Collection[str]) -> None:
    """Whether an officer may do an act in a case, and whoever it names may be named.

    Args:
        power: The act.
        officer: Who would do it.
        content: The command; None where it was erased.
        interested: The officers who have an interest in the case.

    Raises:
        ConflictOfInterest: One of them has an interest.
    """
    named = (content or {}).get("reviewer") if power == "suspension.assign" else None
    for person in (officer, named):
        if person in interested and power not in _FREE:
            raise ConflictOfInterest(f"{person} has declared an interest in this case", rule="declared-interest")


def check_own(case: str, signer: str) -> None:
    """Whether a command or question about interests is about the signer's own.

    Raises:
        SamePerson: It is about another officer's.
    """
    if case != officer_file(signer):
        raise SamePerson("an officer's interests are that officer's own to declare and to read", rule="own-interests")


def check_withdrawal(withdrawal: Withdrawal, standing: InterestRow | None, at: AwareDatetime) -> AwareDatetime:
    """From when an interest holds no more, where it may be withdrawn.

    Args:
        withdrawal: The command.
        standing: The interest, if the officer has one of that id.
        at: The clock's reading.

    Raises:
        NothingToChange: There is none, or it is withdrawn already.
        OutOfTime: The day has passed: what was barred then stays barred.
    """
    if standing is None or standing.until is not None:
        what = "is withdrawn already" if standing is not None else "is no interest of yours"
        raise NothingToChange(f"{withdrawal.interest} {what}", rule="no-such-interest")
    if withdrawal.since is not None and withdrawal.since < at:
        raise OutOfTime("an interest cannot be withdrawn from a day that has begun", rule="withdrawal-date")
    return withdrawal.since or at
