"""The erasure of a person's data: asked for by one officer and confirmed by another, or due by a rule; and certified.

What is destroyed is the key; with it every copy becomes unreadable, backups and histories included. The skeleton of the
cases stays: references, stages, dates, who signed what, and the counts that follow from them.
"""

import json
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from domain.errors import Erased, NothingToChange, SamePerson
from domain.ids import CandidacyReference, CaseReference, LetterReference, ListReference, OfficerId
from domain.model import Model, Prose
from domain.retention import RetentionRule
from domain.steps import CaseKind

REQUEST_ACT: Final = "request_erasure"
ERASE_ACT: Final = "erase"
CHECK_ACT: Final = "check_certificate"

KeyName = Annotated[str, StringConstraints(max_length=64)]


class ErasureRequest(Model):
    """The content of ``request_erasure``. The reason stays on file after the erasure, so it must name nobody."""

    reason: Prose


class ErasureOrder(Model):
    """The content of ``erase``: the second officer's word, about the request that is on file."""

    requested_by: OfficerId


class PersonsCase(Model):
    """One case of a person."""

    reference: CaseReference
    kind: CaseKind
    workflow_id: str


class Person(Model):
    """A person as the register knows them without a name.

    Attributes:
        key: The name of the key that everything of theirs lies under.
        candidacy: The case that the erasure is asked for by.
        cases: Every case of theirs.
        letters: Every letter of these cases.
        on_list: The list on which the candidacy holds a place, if it does.
    """

    key: KeyName
    candidacy: CandidacyReference
    cases: tuple[PersonsCase, ...]
    letters: tuple[LetterReference, ...]
    on_list: ListReference | None = None

    @property
    def names(self) -> frozenset[str]:
        """Every name that the key goes by."""
        return frozenset({self.key, *(case.reference for case in self.cases)})


class Erasure(Model):
    """An erasure as it stands in the register.

    Attributes:
        requested_at, requested_by, reason: Who asked for it, and why; None where nobody did.
        confirmed_at: When it was begun, from where there is no way back.
        confirmed_by: The second officer; None where it rests on a rule.
        rule: What it rests on instead of two officers.
    """

    candidacy: CandidacyReference
    key: KeyName
    requested_at: AwareDatetime | None = None
    requested_by: OfficerId | None = None
    reason: str | None = None
    confirmed_at: AwareDatetime | None = None
    confirmed_by: OfficerId | None = None
    rule: RetentionRule | None = None
    certificate: "Certificate | None" = None


class Kept(StrEnum):
    """Where data of a person was kept."""

    REGISTER = "register"
    TEMPORAL = "temporal"


class Reading(Model):
    """What came of the attempt to read a store after the key was destroyed.

    Attributes:
        kept: The store.
        unreadable: How many pieces of the person's data are there still and cannot be read.
        readable: How many could be read all the same.
        in_clear: How many were never encrypted.
    """

    kept: Kept
    unreadable: int = Field(ge=0)
    readable: int = Field(ge=0)
    in_clear: int = Field(ge=0)

    @property
    def clean(self) -> bool:
        """Whether nothing can be read."""
        return self.readable == self.in_clear == 0


class Certificate(Model):
    """What was erased, when, by whom, and what is left; signed by the worker.

    Attributes:
        candidacy, key: Whose data, by reference and by the name of the key.
        requested_by, requested_at, confirmed_by: The two officers; clock time, UTC.
        rule: The setting it rests on, and its value, where no two officers did this.
        confirmed_at: When it was begun.
        destroyed_at: When the key was destroyed.
        verified_at: When every store had been read in vain.
        readings: What came of reading each store.
        cases, steps, letters: The skeleton that stays, in numbers.
        sent: The letters that had gone out: they are at their readers' and at the mail server.
        signer: The fingerprint of the worker's public key (Ed25519).
        public_key: That key, in hexadecimal.
        signature: Over :attr:`statement`, in hexadecimal.
    """

    candidacy: CandidacyReference
    key: KeyName
    requested_by: OfficerId | None = None
    requested_at: AwareDatetime | None = None
    confirmed_by: OfficerId | None = None
    rule: RetentionRule | None = None
    confirmed_at: AwareDatetime
    destroyed_at: AwareDatetime
    verified_at: AwareDatetime
    readings: tuple[Reading, ...]
    cases: int = Field(ge=0)
    steps: int = Field(ge=0)
    letters: int = Field(ge=0)
    sent: int = Field(ge=0)
    signer: str = ""
    public_key: str = ""
    signature: str = ""

    @model_validator(mode="after")
    def _grounded(self) -> Self:
        officers = {self.requested_by is not None, self.requested_at is not None, self.confirmed_by is not None}
        if officers != {self.rule is None}:
            raise ValueError("rests either on two officers or on a rule")
        return self

    @property
    def statement(self) -> bytes:
        """What is signed, as JSON with sorted keys and no spaces, in UTF-8: everything but the signature, and nulls."""
        told = self.model_dump(mode="json", exclude={"signature"}, exclude_none=True)
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @property
    def clean(self) -> bool:
        """Whether nothing could be read in any store."""
        return all(reading.clean for reading in self.readings)


class CertificateCheck(Model):
    """What is known of a certificate today.

    Attributes:
        genuine: It was signed by a key of this register's workers, and says what it said then.
        on_file: The register has the same erasure.
        readings: What comes of reading each store now.
    """

    genuine: bool
    on_file: bool
    readings: tuple[Reading, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the certificate is true."""
        return self.genuine and self.on_file and all(reading.clean for reading in self.readings)


def check_request(standing: Erasure | None, signer: str) -> None:
    """Whether an erasure may be asked for.

    Raises:
        Erased: It is done, or under way by a rule.
        NothingToChange: The same officer has asked already, or another has.
    """
    if standing is None:
        return
    if standing.certificate is not None or standing.rule is not None:
        raise Erased(f"the data of {standing.candidacy} was erased", rule="erased")
    if standing.requested_by != signer:
        raise NothingToChange(
            f"{standing.requested_by} has asked for this erasure; --confirm confirms it", rule="erasure-requested"
        )


def check_order(standing: Erasure | None, order: ErasureOrder, signer: str) -> Erasure:
    """Whether an erasure may be confirmed; the request that it is about.

    Raises:
        Erased: It is done, or under way, by a rule.
        NothingToChange: Nobody has asked for it, or somebody else has.
        SamePerson: Whoever asked for it confirms it.
    """
    if standing is not None and standing.rule is not None:
        raise Erased(f"the data of {standing.candidacy} was erased", rule="erased")
    if standing is None or standing.requested_by != order.requested_by:
        raise NothingToChange("nobody has asked for this erasure, or another has by now", rule="erasure-requested")
    if standing.requested_by == signer:
        raise SamePerson(f"{signer} has asked for this erasure; two officers means two persons", rule="two-officers")
    return standing
