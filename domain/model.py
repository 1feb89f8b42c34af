"""The base of every message and state, and the kinds of text that enter the register."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, EmailStr, StringConstraints

MAX_LINE: Final = 200
MAX_NAME: Final = 99
"""Two names and a space between them are a line."""
MAX_PROSE: Final = 4000


class Model(BaseModel):
    """A frozen value; an unknown field is an error, so a typing mistake never passes for an omission."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="iso8601")


def _normalised(value: object) -> object:
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def _one_line(value: str) -> str:
    for character in value:
        # "Cc" holds CR and LF, which would let a name write headers of its own; "Zl" and "Zp" are line breaks too.
        # "Cf" may reorder or hide what an officer reads, "Cs" cannot be written as UTF-8, "Co" has no meaning.
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
            raise ValueError(f"must be one line of printable text, found U+{ord(character):04X}")
    return value


def _prose(value: str) -> str:
    for character in value:
        if unicodedata.category(character) in {"Cc", "Cs", "Co"} and character not in "\n\t":
            raise ValueError(f"must be printable text, found U+{ord(character):04X}")
    return value


def _written_out(value: object) -> object:
    # pydantic reads a number, also one in quotes, as seconds since 1970: a birth year alone would become a day in 1970.
    written = isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)
    if not written and not isinstance(value, date):
        raise ValueError("must be a date such as 2026-01-31")
    return value


def _name(value: str) -> str:
    if len(value) > MAX_NAME:
        raise ValueError(f"must have at most {MAX_NAME} characters")
    if not any(character.isalpha() for character in value):
        raise ValueError("must contain a letter")
    return value


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LINE),
    BeforeValidator(_normalised),
    AfterValidator(_one_line),
]
"""One line of printable text, NFC, 1 to 200 characters."""

Name = Annotated[Line, AfterValidator(_name)]
"""A part of a person's name: a line of 1 to 99 characters with at least one letter, in any script."""

Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_PROSE),
    BeforeValidator(lambda value: value.replace("\r\n", "\n") if isinstance(value, str) else value),
    BeforeValidator(_normalised),
    AfterValidator(_prose),
]
"""Text of several lines, NFC, 1 to 4,000 characters; line ends of any system."""

Day = Annotated[date, BeforeValidator(_written_out)]
"""A day of the calendar, written year-month-day."""

Days = Annotated[tuple[Day, ...], AfterValidator(lambda days: tuple(sorted(set(days))))]
"""Days in order, each once: a value whose digest is the same wherever it is computed."""

Address = Annotated[EmailStr, StringConstraints(max_length=254)]
"""An e-mail address; syntax only (RFC 5321, RFC 6531), so that nothing is looked up in the network."""
