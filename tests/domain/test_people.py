import unicodedata
from copy import deepcopy
from datetime import date
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.people import Language, Nomination, SeatKind
from tests.builders import a_nomination

MISSING: Final = object()
ONE_LINE: Final = "Value error, must be one line of printable text, found "
NOT_A_DATE: Final = "Value error, must be a date such as 2026-01-31"
NOT_AN_ADDRESS: Final = "value is not a valid email address: "
WRONG_TYPE: Final = "Input should be a valid string"


def written(loc: tuple[str | int, ...] = (), value: object = MISSING) -> dict[str, Any]:
    """A nomination as a file has it, with one value put in or, where none is given, left out."""
    fields: dict[str, Any] = {
        "candidate": {
            "family_name": "Example",
            "given_name": "Ada",
            "patronymic": "Testovna",
            "birth_date": "1980-05-17",
            "other_names": ["Invented"],
            "email": "candidate@example.org",
            "language": "ru",
        },
        "nominator": {"name": "Nora Invented", "email": "nominator@example.org", "language": "en"},
        "organisation": "An Association",
        "seat": "general",
        "statement": "Known for years.",
    }
    if not loc:
        return fields
    inner: Any = fields
    for part in loc[:-1]:
        inner = inner[part]
    if value is MISSING:
        del inner[loc[-1]]
    else:
        inner[loc[-1]] = deepcopy(value)
    return fields


FAMILY: Final = ("candidate", "family_name")
GIVEN: Final = ("candidate", "given_name")
BORN: Final = ("candidate", "birth_date")
EMAIL: Final = ("candidate", "email")
BAD: Final[list[tuple[tuple[str | int, ...], object, str]]] = [
    # Names that would write a header, a line or a direction of their own.
    (FAMILY, "Example\r\nBcc: everyone@example.org", ONE_LINE + "U+000D"),
    (FAMILY, "Example\nSubject: hello", ONE_LINE + "U+000A"),
    (FAMILY, "Exam\tple", ONE_LINE + "U+0009"),
    (FAMILY, "Exam\x00ple", ONE_LINE + "U+0000"),
    (FAMILY, "Exam\x1bple", ONE_LINE + "U+001B"),
    (FAMILY, "Exam\x7fple", ONE_LINE + "U+007F"),
    (FAMILY, "Exam\x85ple", ONE_LINE + "U+0085"),
    (FAMILY, "Exam\u2028ple", ONE_LINE + "U+2028"),
    (FAMILY, "Exam\u2029ple", ONE_LINE + "U+2029"),
    (FAMILY, "Exam\u202eple", ONE_LINE + "U+202E"),
    (FAMILY, "\u202eelpmaxE", ONE_LINE + "U+202E"),
    (FAMILY, "Exam\u2066ple", ONE_LINE + "U+2066"),
    (FAMILY, "Exam\u200bple", ONE_LINE + "U+200B"),
    (FAMILY, "Exam\u00adple", ONE_LINE + "U+00AD"),
    (FAMILY, "\ufeffExample", ONE_LINE + "U+FEFF"),
    (FAMILY, "Exam\ue000ple", ONE_LINE + "U+E000"),
    (FAMILY, "Exam\ud800ple", "Input should be a valid string, unable to parse raw data as a unicode string"),
    # Names that are none.
    (FAMILY, "", "String should have at least 1 character"),
    (FAMILY, "   ", "String should have at least 1 character"),
    (FAMILY, "\u00a0\u2003", "String should have at least 1 character"),
    (FAMILY, "-", "Value error, must contain a letter"),
    (FAMILY, "12345", "Value error, must contain a letter"),
    (FAMILY, "☺", "Value error, must contain a letter"),
    (FAMILY, "E" * 100, "Value error, must have at most 99 characters"),
    (FAMILY, "E" * 300, "String should have at most 200 characters"),
    (FAMILY, "E" * 1_000_000, "String should have at most 200 characters"),
    (FAMILY, None, WRONG_TYPE),
    (FAMILY, 7, WRONG_TYPE),
    (FAMILY, ["Example"], WRONG_TYPE),
    (FAMILY, {"ru": "Пример"}, WRONG_TYPE),
    (FAMILY, b"\xff", "Input should be a valid string, unable to parse raw data as a unicode string"),
    (FAMILY, MISSING, "Field required"),
    (GIVEN, MISSING, "Field required"),
    (GIVEN, "Ada\r\nTo: all@example.org", ONE_LINE + "U+000D"),
    (("candidate", "patronymic"), "", "String should have at least 1 character"),
    (("candidate", "patronymic"), "?", "Value error, must contain a letter"),
    (("candidate", "other_names"), "Invented", "Input should be a valid tuple"),
    (("candidate", "other_names"), ["A"] * 21, "Tuple should have at most 20 items after validation, not 21"),
    (("candidate", "other_names", 0), "Inven\nted", ONE_LINE + "U+000A"),
    # Dates.
    (BORN, "1980-04-31", "Input should be a valid date or datetime, day value is outside expected range"),
    (BORN, "1981-02-29", "Input should be a valid date or datetime, day value is outside expected range"),
    (BORN, "1980-13-01", "Input should be a valid date or datetime, month value is outside expected range of 1-12"),
    (BORN, "31 April 1980", NOT_A_DATE),
    (BORN, "17.05.1980", NOT_A_DATE),
    (BORN, "05/17/1980", NOT_A_DATE),
    (BORN, "1980", NOT_A_DATE),
    (BORN, 1980, NOT_A_DATE),
    (BORN, 326_419_200, NOT_A_DATE),
    (BORN, "326419200", NOT_A_DATE),
    (BORN, 19_800_517.0, NOT_A_DATE),
    (BORN, True, NOT_A_DATE),
    (BORN, "", NOT_A_DATE),
    (BORN, None, NOT_A_DATE),
    (BORN, "１９８０-05-17", NOT_A_DATE),
    (BORN, "1980-05-17\n", NOT_A_DATE),
    (BORN, "1899-12-31", "Value error, must lie between 1900-01-01 and 2015-12-31"),
    (BORN, "2080-05-17", "Value error, must lie between 1900-01-01 and 2015-12-31"),
    (BORN, MISSING, "Field required"),
    # Addresses.
    (EMAIL, "candidate", NOT_AN_ADDRESS + "An email address must have an @-sign."),
    (EMAIL, "@example.org", NOT_AN_ADDRESS + "There must be something before the @-sign."),
    (EMAIL, "candidate@", NOT_AN_ADDRESS + "There must be something after the @-sign."),
    (EMAIL, "candidate@example", NOT_AN_ADDRESS + "The part after the @-sign is not valid. It should have a period."),
    (EMAIL, "a..b@example.org", NOT_AN_ADDRESS + "An email address cannot have two periods in a row."),
    (
        EMAIL,
        "candidate@example.org\r\nBcc: all@example.org",
        NOT_AN_ADDRESS + "Carriage return and line feed characters are not allowed",
    ),
    (EMAIL, "candidate@example.org\n", NOT_AN_ADDRESS + "Carriage return and line feed characters are not allowed"),
    (
        EMAIL,
        "a@example.org, b@example.org",
        NOT_AN_ADDRESS + "The part after the @-sign contains invalid characters: ',', '@', SPACE.",
    ),
    (
        EMAIL,
        "candi\u202edate@example.org",
        NOT_AN_ADDRESS + "The email address contains unsafe characters: RIGHT-TO-LEFT OVERRIDE.",
    ),
    (
        EMAIL,
        '"a b"@example.org',
        NOT_AN_ADDRESS + "Quoting the part before the @-sign is not allowed here.",
    ),
    (EMAIL, "", NOT_AN_ADDRESS + "An email address must have an @-sign."),
    (EMAIL, None, WRONG_TYPE),
    (EMAIL, ["candidate@example.org"], WRONG_TYPE),
    (EMAIL, MISSING, "Field required"),
    # Choices, and what belongs to nobody.
    (("candidate", "language"), "de", "Input should be 'en', 'fr' or 'ru'"),
    (("candidate", "language"), "", "Input should be 'en', 'fr' or 'ru'"),
    (("candidate", "language"), None, "Input should be 'en', 'fr' or 'ru'"),
    (("candidate", "age"), 45, "Extra inputs are not permitted"),
    (("candidate",), "Ada Example", "Input should be a valid dictionary or instance of Person"),
    (("candidate",), [], "Input should be a valid dictionary or instance of Person"),
    (("candidate",), MISSING, "Field required"),
    (("nominator",), None, "Input should be a valid dictionary or instance of Contact"),
    (("nominator", "name"), "Nora\r\nBcc: all@example.org", ONE_LINE + "U+000D"),
    (("nominator", "name"), "N" * 201, "String should have at most 200 characters"),
    (("nominator", "email"), "nora", NOT_AN_ADDRESS + "An email address must have an @-sign."),
    (("organisation",), "An\nAssociation", ONE_LINE + "U+000A"),
    (("organisation",), "", "String should have at least 1 character"),
    (("seat",), "front", "Input should be 'general' or 'reserved'"),
    (("seat",), 1, "Input should be 'general' or 'reserved'"),
    (("statement",), "bell\x07", "Value error, must be printable text, found U+0007"),
    (("statement",), "x" * 4001, "String should have at most 4000 characters"),
    (("statement",), " \n\t ", "String should have at least 1 character"),
    (("distinct_from",), "the other one", "String should match pattern '^C-[0-9]{4}[A-Z]?-[0-9]{4,6}$'"),
    (("priority",), "high", "Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("loc", "value", "message"), BAD, ids=range(len(BAD)))
def test_a_malformed_nomination_names_the_field_and_says_what_is_wrong(
    loc: tuple[str | int, ...], value: object, message: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        Nomination.model_validate(written(loc, value))

    assert [(error["loc"], error["msg"]) for error in refused.value.errors()] == [(loc, message)]


@pytest.mark.parametrize("whole", [None, [], "", "nomination", 1])
def test_what_is_no_nomination_at_all_is_refused(whole: object) -> None:
    with pytest.raises(ValidationError, match="Input should be a valid dictionary or instance of Nomination"):
        Nomination.model_validate(whole)


def test_every_wrong_field_is_named_at_once() -> None:
    fields = written(EMAIL, "nowhere")
    fields["candidate"]["birth_date"] = "1980-04-31"
    fields["seat"] = "front"

    with pytest.raises(ValidationError) as refused:
        Nomination.model_validate(fields)

    assert [error["loc"] for error in refused.value.errors()] == [BORN, EMAIL, ("seat",)]


@pytest.mark.parametrize(
    "name",
    [
        "O'Neil",
        "O’Neil",
        "Jean-Luc",
        "Нга́н",
        "Ё",
        "Y",
        "李",
        "司马",
        "Vân Anh",
        "d'Arc",
        "ʻOkina",
        "Иванов-Вымышленный",
        "Müller",
        "Ng",
        "St. Example",
        "E" * 99,
        "د. مثال",
        "III Example",
    ],
)
def test_an_unusual_name_is_a_name(name: str) -> None:
    nomination = Nomination.model_validate(written(FAMILY, name))

    assert nomination.candidate.family_name == name


def test_two_names_of_full_length_still_address_a_letter() -> None:
    contact = a_nomination(given_name="G" * 99, family_name="F" * 99).candidate.contact

    assert contact.name == "G" * 99 + " " + "F" * 99


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Example  ", "Example"),
        ("Example\n", "Example"),
        ("E\u0301lodie", "Élodie"),
        ("И\u0306ов", "Йов"),
        ("Å", "Å"),
    ],
)
def test_a_name_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert Nomination.model_validate(written(FAMILY, typed)).candidate.family_name == kept


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_a_name_is_refused_or_safe_to_write_anywhere(text: str) -> None:
    try:
        name = Nomination.model_validate(written(FAMILY, text)).candidate.family_name
    except ValidationError as refused:
        assert [error["loc"] for error in refused.errors()] == [FAMILY]  # noqa: PT017
        return

    assert name == name.strip() == unicodedata.normalize("NFC", name)
    assert name.splitlines() == [name]
    assert name.encode().decode() == name


@pytest.mark.parametrize(
    "email", ["ada@example.org", "ada.o'neil+desk@example.org", "ада@example.org", "a@пример.example"]
)
def test_an_address_may_be_written_in_any_script(email: str) -> None:
    assert Nomination.model_validate(written(EMAIL, email)).candidate.email == email


def test_what_is_left_out_has_a_plain_meaning() -> None:
    nomination = Nomination.model_validate(
        {
            "candidate": {
                "family_name": "Example",
                "given_name": "Ada",
                "birth_date": "1980-05-17",
                "email": "candidate@example.org",
            },
            "nominator": {"name": "Nora Invented", "email": "nominator@example.org"},
        }
    )

    assert (nomination.seat, nomination.candidate.language, nomination.distinct_from) == (
        SeatKind.GENERAL,
        Language.ENGLISH,
        None,
    )


def test_the_candidates_letters_go_to_them_by_name_in_their_language() -> None:
    contact = Nomination.model_validate(written()).candidate.contact

    assert (contact.name, contact.email, contact.language) == ("Ada Example", "candidate@example.org", Language.RUSSIAN)


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(2015, 12, 31)])
def test_the_bounds_of_a_birth_date_are_included(day: date) -> None:
    assert Nomination.model_validate(written(BORN, day)).candidate.birth_date == day
