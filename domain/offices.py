"""Who may do what: offices, held by persons from a date to a date through admitted keys, and the powers of each.

Pure: a function takes what the register holds and an instant of the clock, and says yes or raises a refusal. The signer
of a command is a person; the key says which of that person's keys was used. So one person with two offices or two keys
is one person wherever two are asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, StringConstraints, model_validator

from domain.errors import LastHeadOfDesk, NotAdmissible, NothingToChange, NotYourOffice, SamePerson
from domain.ids import KeyId, OfficerId
from domain.model import Model, Prose
from domain.signing import Credential, canonical


class Office(StrEnum):
    """The offices (design of the platform: the desk, those who decide, and those who watch over both)."""

    DESK_OFFICER = "desk-officer"
    VETTING_OFFICER = "vetting-officer"
    HEAD_OF_DESK = "head-of-desk"
    PRESIDENT = "president"
    BUREAU_CLERK = "bureau-clerk"
    REVIEWER = "reviewer"
    DATA_PROTECTION_OFFICER = "data-protection-officer"


_EVERYBODY: Final = frozenset(Office)
_DESK: Final = frozenset({Office.DESK_OFFICER, Office.HEAD_OF_DESK})
_HEAD: Final = frozenset({Office.HEAD_OF_DESK})
_VETTING: Final = frozenset({Office.VETTING_OFFICER})
_PRESIDENT: Final = frozenset({Office.PRESIDENT})
_BUREAU: Final = frozenset({Office.BUREAU_CLERK})
_REVIEWER: Final = frozenset({Office.REVIEWER})
_PROTECTION: Final = frozenset({Office.DATA_PROTECTION_OFFICER})

POWERS: Final[Mapping[str, frozenset[Office]]] = {
    "session.open": _HEAD,
    "session.amend": _HEAD,
    "candidacy.nominate": _DESK,
    "candidacy.declare": _DESK,
    "candidacy.decline": _DESK,
    "candidacy.assess": _VETTING,
    "candidacy.resolve": _VETTING,
    "candidacy.record_functions": _DESK | _VETTING,
    "candidacy.sign_exception": _VETTING,
    "candidacy.request_information": _DESK | _VETTING,
    "candidacy.supply_information": _DESK | _VETTING,
    "candidacy.correct": _DESK,
    "candidacy.withdraw": _DESK,
    "candidacy.request_erasure": _PROTECTION,
    "candidacy.record_death": _DESK,
    "candidacy.erase": _PROTECTION,
    "candidacy.retain": _PROTECTION,
    "list.draft": _DESK,
    "list.amend": _DESK,
    "list.propose": _PRESIDENT,
    "list.decide": _BUREAU,
    "list.ratify": _BUREAU,
    "suspension.open": _DESK,
    "suspension.serve": _DESK,
    "suspension.observe": _DESK,
    "suspension.waive": _DESK,
    "suspension.extend": _HEAD,
    "suspension.assign": _HEAD,
    "suspension.declare_interest": _EVERYBODY,
    "suspension.report": _REVIEWER,
    "suspension.decide": _BUREAU,
    "suspension.void": _HEAD,
    "suspension.reverse": _BUREAU,
    "letter.settle": _DESK,
    "watchlist.import": _HEAD,
    "watchlist.remove": _HEAD,
    "watchlist.rescreen": _DESK | _VETTING,
    "officer.admit": _HEAD,
    "officer.revoke": _HEAD,
    "officer.declare_interest": _EVERYBODY,
    "officer.withdraw_interest": _EVERYBODY,
    "ledger.verify": _DESK | _PROTECTION,
    "ledger.recover": _HEAD,
    "ledger.rebuild": _HEAD,
    "ledger.check_certificate": _EVERYBODY,
    "read.case": _EVERYBODY,
    "read.certificate": _EVERYBODY,
    "read.cases": _EVERYBODY,
    "read.place": _EVERYBODY,
    "read.timeline": _EVERYBODY,
    "read.letters": _EVERYBODY,
    "read.letter": _DESK | _PROTECTION,
    "read.officers": _EVERYBODY,
    "read.interests": _EVERYBODY,
    "read.preview": _DESK,
    "read.watchlists": _EVERYBODY,
    "read.readers": _HEAD | _PROTECTION,
    "read.payloads": _HEAD | _PROTECTION,
    "read.incidents": _HEAD | _PROTECTION,
}
"""Which office may do which act: the kind of case, or the part of the register, and the act."""

APART: Final[Mapping[str, frozenset[str]]] = {
    "candidacy.assess": frozenset({"nominate"}),
    "candidacy.resolve": frozenset({"nominate"}),
    "candidacy.sign_exception": frozenset({"nominate"}),
    "suspension.report": frozenset({"open"}),
    "suspension.decide": frozenset({"open", "report"}),
}
"""An act that must not be done by a person who did one of these acts earlier in the same case."""


class Request(Model):
    """A key on its way to the head of desk: whose it is, and the owner's proof of holding its private half.

    ``proof`` is a JSON Web Signature (compact, payload detached) by the key itself over everything else; an identity at
    a provider has none, since the provider vouches for it each time.
    """

    person: OfficerId
    key: Credential
    made: AwareDatetime
    proof: str

    @property
    def covered(self) -> bytes:
        """What the proof is over."""
        return canonical(self.model_dump(mode="json", exclude={"proof"}))


class Admission(Model):
    """The content of ``admit``: a key, the office it may act in, and from when until when.

    Without ``since`` it holds from the moment it is recorded, and it never holds from an earlier one.
    """

    request: Request
    office: Office
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise ValueError("until must be after since")
        return self


class Revocation(Model):
    """The content of ``revoke``: whose offices end now; all of them, or those of one key or in one office."""

    person: OfficerId
    key: KeyId | None = None
    office: Office | None = None
    reason: Prose


class Appointment(Model):
    """A person holds an office through a key, from an instant to an instant of the clock.

    Attributes:
        until: The first instant at which it is over; None for an office without an end.
        revoked: When it was ended before its time.
        by: Who admitted it; None for the first head of desk, whom the set-up admitted.
    """

    person: OfficerId
    key: KeyId
    office: Office
    since: AwareDatetime
    until: AwareDatetime | None = None
    revoked: AwareDatetime | None = None
    by: OfficerId | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at an instant."""
        ends = [end for end in (self.until, self.revoked) if end is not None]
        return self.since <= at and all(at < end for end in ends)


class Officer(Model):
    """Whose a key is, and what offices were ever held through it."""

    person: OfficerId
    key: Credential
    appointments: tuple[Appointment, ...] = ()

    def offices(self, at: datetime) -> frozenset[Office]:
        """The offices that are held through this key at an instant."""
        return frozenset(each.office for each in self.appointments if each.holds(at))


def check_held(power: str, person: str, register: Iterable[Appointment], at: datetime) -> None:
    """Whether a person who has not signed, but is known by other means, may do an act at an instant of the clock.

    Raises:
        NotYourOffice: No office that is held allows it, through whatever key.
    """
    held = {each.office for each in register if each.person == person and each.holds(at)}
    if not held & POWERS.get(power, frozenset()):
        raise NotYourOffice(f"{power} needs the office of {_listed(POWERS[power], ' or ')}", rule="office")


OfficeName = Annotated[str, StringConstraints(pattern=r"^[a-z-]{1,40}$")]


def check_power(power: str, officer: Officer, at: datetime) -> None:
    """Whether an officer may do an act at an instant of the clock.

    Raises:
        NotYourOffice: No office that is held allows it; the message says which is needed.
    """
    needed = POWERS.get(power, frozenset())
    held = officer.offices(at)
    if held & needed:
        return
    holds = f"holds {_listed(held)}" if held else "holds no office"
    if not needed:
        raise NotYourOffice(f"no office may do {power}; {officer.person} {holds}", rule="office")
    raise NotYourOffice(
        f"{power} needs the office of {_listed(needed, ' or ')}; {officer.person} {holds}", rule="office"
    )


def check_apart(power: str, person: str, earlier: Iterable[tuple[str, str]]) -> None:
    """Whether an act may be done by a person who did others in the same case before.

    Args:
        power: The act.
        person: Who would do it.
        earlier: The acts that were done in this case, each with who signed it.

    Raises:
        SamePerson: It asks for another person.
    """
    for act, signer in earlier:
        if signer == person and act in APART.get(power, frozenset()):
            verb = power.rpartition(".")[2]
            raise SamePerson(
                f"{person} did {act} in this case, and {verb} asks for another person", rule=f"{verb}-apart-from-{act}"
            )


def appointed(admission: Admission, *, by: str | None, at: datetime) -> Appointment:
    """The appointment that an admission becomes when it is recorded."""
    return Appointment(
        person=admission.request.person,
        key=admission.request.key.id,
        office=admission.office,
        since=max(admission.since, at) if admission.since else at,
        until=admission.until,
        by=by,
    )


def check_admission(admission: Admission, register: Sequence[Appointment], *, signer: str, at: datetime) -> None:
    """Whether the head of desk may admit a key to an office.

    Args:
        admission: Which key to which office.
        register: Every appointment there is.
        signer: Who admits.
        at: The clock's reading.

    Raises:
        NotAdmissible: The key is somebody else's, or the time is over already.
        SamePerson: Nobody admits themselves to an office they do not hold.
        NothingToChange: The key holds the office already.
    """
    person, key = admission.request.person, admission.request.key.id
    if any(each.key == key and each.person != person for each in register):
        raise NotAdmissible("the key is another person's; nobody shares a key", rule="one-person-per-key")
    if admission.until is not None and admission.until <= at:
        raise NotAdmissible("the office would be over before it begins", rule="admission-dates")
    held = [each for each in register if each.person == person and each.office is admission.office and each.holds(at)]
    if signer == person and not held:
        raise SamePerson("nobody admits themselves to an office they do not hold", rule="not-oneself")
    if any(each.key == key and _lasts(each, admission.until) for each in held):
        raise NothingToChange("the key holds this office for that time already", rule="nothing-to-change")


def _lasts(held: Appointment, until: datetime | None) -> bool:
    return held.until is None or (until is not None and until <= held.until)


def ended_by(revocation: Revocation, register: Sequence[Appointment], at: datetime) -> list[Appointment]:
    """The appointments that a revocation ends: those in force, and those that were still to begin."""
    return [
        each
        for each in register
        if each.person == revocation.person
        and revocation.key in {None, each.key}
        and revocation.office in {None, each.office}
        and each.revoked is None
        and (each.until is None or at < each.until)
    ]


def check_revocation(revocation: Revocation, register: Sequence[Appointment], at: datetime) -> None:
    """Whether offices may be ended.

    Raises:
        NothingToChange: None of them is in force or to come.
        LastHeadOfDesk: Nobody would be left who could admit anybody.
    """
    ended = ended_by(revocation, register, at)
    if not ended:
        raise NothingToChange(f"{revocation.person} holds no such office", rule="nothing-to-change")
    left = [each for each in register if each.office is Office.HEAD_OF_DESK and each.holds(at) and each not in ended]
    if not left:
        raise LastHeadOfDesk("nobody would be left to admit officers; admit another first", rule="last-head-of-desk")


def revoked(register: Sequence[Appointment], revocation: Revocation, at: datetime) -> tuple[Appointment, ...]:
    """The register after a revocation."""
    ended = ended_by(revocation, register, at)
    return tuple(each.model_copy(update={"revoked": at}) if each in ended else each for each in register)


def _listed(offices: Iterable[Office], joint: str = ", ") -> str:
    held = set(offices)
    return joint.join(office.value for office in Office if office in held)
