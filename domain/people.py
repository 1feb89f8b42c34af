"""Who a case is about and who speaks for them."""

from datetime import date
from enum import StrEnum

from pydantic import Field, field_validator

from domain.ids import CandidacyReference
from domain.model import Address, Day, Line, Model, Name, Prose


class Language(StrEnum):
    """The languages of letters; each person chooses their own."""

    ENGLISH = "en"
    FRENCH = "fr"
    RUSSIAN = "ru"


class Contact(Model):
    """Where letters go, and in which language."""

    name: Line
    email: Address
    language: Language = Language.ENGLISH


class Person(Model):
    """A candidate. The birth date is needed to tell people of one name apart."""

    family_name: Name
    given_name: Name
    patronymic: Name | None = None
    birth_date: Day
    other_names: tuple[Name, ...] = Field(default=(), max_length=20)
    email: Address
    language: Language = Language.ENGLISH

    @field_validator("birth_date")
    @classmethod
    def _plausible(cls, value: date) -> date:
        # No rule of the Assembly sets an age; the bounds only catch a mistyped year.
        if not date(1900, 1, 1) <= value <= date(2015, 12, 31):
            raise ValueError("must lie between 1900-01-01 and 2015-12-31")
        return value

    @property
    def contact(self) -> Contact:
        """Where this person's letters go."""
        return Contact(name=f"{self.given_name} {self.family_name}", email=self.email, language=self.language)


class SeatKind(StrEnum):
    """What a seat is: one third is reserved for indigenous peoples and national minorities (Resolution 2621)."""

    GENERAL = "general"
    RESERVED = "reserved"


class Nomination(Model):
    """A proposal that a person take part, as the desk receives it.

    ``distinct_from`` is the desk's word that this is another person than the one whose case is named, for two people
    who share a name and a birth date.
    """

    candidate: Person
    nominator: Contact
    organisation: Line | None = None
    seat: SeatKind = SeatKind.GENERAL
    statement: Prose | None = None
    distinct_from: CandidacyReference | None = None
