"""What officers hand in: what is taken, and the clear error for everything that is not."""

import io
import json
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from domain.people import Language, Nomination, SeatKind
from domain.session import SessionPlan
from starter import files
from starter.failures import Failure

GOOD = """\
candidate:
  family_name: Вымышленный
  given_name: Пётр
  birth_date: 1980-05-17
  email: candidate@example.org
  language: ru
nominator:
  name: Nora Invented
  email: nominator@example.org
"""

PLAN = """\
reference: "2026"
opens: 2026-01-26
closes: 2027-01-24
nominations_close: 2026-01-05
bureau_meets: 2026-01-26
seats: 15
"""

HEADER = "family_name,given_name,birth_date,email,nominator_name,nominator_email"
ROW = "Example,Ada,1980-05-17,ada@example.org,Nora Invented,nora@example.org"

Write = Callable[[str, str | bytes], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file into the working folder; its name."""
    monkeypatch.chdir(tmp_path)

    def written(name: str, content: str | bytes) -> str:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return written


def problems(read: Callable[[], object]) -> list[str]:
    with pytest.raises(files.BadInput) as bad:
        read()
    return [str(problem) for problem in bad.value.problems]


def first_row_problems(path: str, *, table: bool = False) -> list[str]:
    return [str(problem) for row in files.nominations(path, table=table) for problem in row.problems]


def test_nomination_is_read_from_yaml(write: Write) -> None:
    nomination = files.read(write("n.yaml", GOOD), Nomination)
    assert nomination.candidate.family_name == "Вымышленный"
    assert nomination.candidate.birth_date == date(1980, 5, 17)
    assert nomination.candidate.language is Language.RUSSIAN


def test_nomination_is_read_from_json_with_tabs_and_escapes(write: Write) -> None:
    nomination = files.read(write("n.yaml", GOOD), Nomination)
    text = json.dumps(nomination.model_dump(mode="json"), indent="\t", ensure_ascii=True)
    assert files.read(write("n.json", text), Nomination) == nomination


def test_byte_order_mark_is_no_part_of_the_text(write: Write) -> None:
    plain = files.read(write("n.yaml", GOOD), Nomination)
    assert files.read(write("bom.yaml", b"\xef\xbb\xbf" + GOOD.encode()), Nomination) == plain


def test_standard_input_is_read_as_what_it_begins_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'[{"candidate": 1}]')))
    assert first_row_problems("-") == [
        "standard input:1: candidate: must be a mapping of fields",
        "standard input:1: nominator: is missing",
    ]


def test_words_that_other_readers_take_for_values_stay_words(write: Write) -> None:
    document = files.load(write("w.yaml", "[no, Yes, on, Null, True, 1980-05-17, 1_000, 0x1F, 017, 1.5, =, <<]\n"))
    assert document.value == [
        "no", "Yes", "on", "Null", "True", "1980-05-17", "1_000", "0x1F", "017", "1.5", "=", "<<",
    ]  # fmt: skip


def test_true_false_null_and_whole_numbers_are_values(write: Write) -> None:
    document = files.load(write("w.yaml", "[true, false, null, ~, , 15, -3, 'true', \"15\"]\n".replace(", ,", ", '',")))
    assert document.value == [True, False, None, None, "", 15, -3, "true", "15"]


def test_many_nominations_come_from_one_file_with_their_lines(write: Write) -> None:
    one = "- " + GOOD.replace("\n", "\n  ").rstrip() + "\n"
    rows = list(files.nominations(write("many.yaml", one + one), table=False))
    assert [row.source for row in rows] == ["many.yaml:1", "many.yaml:10"]
    assert [row.problems for row in rows] == [(), ()]


def test_one_bad_nomination_leaves_the_others_good(write: Write) -> None:
    one = "- " + GOOD.replace("\n", "\n  ").rstrip() + "\n"
    rows = list(files.nominations(write("many.yaml", one + one.replace("1980-05-17", "soon")), table=False))
    assert [row.nomination is not None for row in rows] == [True, False]
    assert first_row_problems("many.yaml") == ["many.yaml:13: candidate.birth_date: must be a date such as 2026-01-31"]


CANDIDATE = "  given_name: Пётр\n"
MALFORMED_YAML: dict[str, tuple[str | bytes, list[str]]] = {
    "an empty file": ("", ["n.yaml: is empty"]),
    "only blanks": (" \n\n", ["n.yaml: is empty"]),
    "only a comment": ("# nothing\n", ["n.yaml: is empty"]),
    "null": ("null\n", ["n.yaml: is empty"]),
    "a word": ("word\n", ["n.yaml:1: must be a mapping of fields"]),
    "a number": ("17\n", ["n.yaml:1: must be a mapping of fields"]),
    "latin 1": (
        GOOD.encode().replace(b"Nora", b"Nor\xe9"),
        ["n.yaml: is not UTF-8: byte 165 (0xE9) cannot be read; save it as UTF-8"],
    ),
    "latin 1 after a mark": (
        b"\xef\xbb\xbf\xe9",
        ["n.yaml: is not UTF-8: byte 3 (0xE9) cannot be read; save it as UTF-8"],
    ),
    "UTF-16": (GOOD.encode("utf-16"), ["n.yaml: is UTF-16; save it as UTF-8"]),
    "a NUL": (GOOD.replace("Nora", "No\0ra"), ["n.yaml:8: holds a NUL character"]),
    "a control character": (GOOD.replace("Nora", "No\x07ra"), ["n.yaml:8: is not YAML: U+0007 is not printable"]),
    "a huge file": (b"#" * ((1 << 20) + 1), ["n.yaml: is larger than 1 MiB"]),
    "a tab": (GOOD.replace("  given", "\tgiven"), ["n.yaml:3: is not YAML: a tab cannot indent; use spaces"]),
    "two documents": (GOOD + "---\n" + GOOD, ["n.yaml:10: holds more than one document; put each into its own file"]),
    "an anchor": (
        GOOD.replace("Пётр", "&a Пётр"),
        ["n.yaml:3: anchors and aliases are not taken; write the value out"],
    ),
    "an alias": ("a: *b\n", ["n.yaml:1: anchors and aliases are not taken; write the value out"]),
    "a bomb": ("a: &a [x, x]\nb: &b [*a, *a]\n", ["n.yaml:1: anchors and aliases are not taken; write the value out"]),
    "a tag": (GOOD.replace("Пётр", "!!python/name:os.system Пётр"), ["n.yaml:3: tags are not taken"]),
    "deep nesting": ("[" * 40 + "]" * 40, ["n.yaml:1: is nested more than 32 levels deep"]),
    "deeper nesting": ("[" * 100_000, ["n.yaml:1: is nested more than 32 levels deep"]),
    "an open bracket": ("a: [1\n", ["n.yaml:2: is not YAML: expected ',' or ']', but got '<stream end>'"]),
    "a list as a key": ("? [a]\n: b\n", ["n.yaml:1: the name of a field must be text"]),
    "a field given twice": (
        GOOD.replace(CANDIDATE, CANDIDATE * 2),
        ["n.yaml:4: candidate.given_name: is given more than once"],
    ),
    "an unknown field": (GOOD + "age: 40\n", ["n.yaml:10: age: is no field that belongs here"]),
    "an unknown field with a name in it": (GOOD + "Пётр: 40\n", ["n.yaml:10: …: is no field that belongs here"]),
    "a missing field": (GOOD.replace(CANDIDATE, ""), ["n.yaml:1: candidate.given_name: is missing"]),
    "a missing part": (
        "candidate: {}\n",
        [
            "n.yaml:1: candidate.family_name: is missing",
            "n.yaml:1: candidate.given_name: is missing",
            "n.yaml:1: candidate.birth_date: is missing",
            "n.yaml:1: candidate.email: is missing",
            "n.yaml:1: nominator: is missing",
        ],
    ),
    "a list for a mapping": (
        GOOD.replace("nominator:", "nominator: []\nx:"),
        [
            "n.yaml:7: nominator: must be a mapping of fields",
            "n.yaml:8: x: is no field that belongs here",
        ],
    ),
    "a merge key": (GOOD + "<<: {seat: reserved}\n", ["n.yaml:10: …: is no field that belongs here"]),
}


@pytest.mark.parametrize("case", MALFORMED_YAML)
def test_malformed_yaml_is_refused_with_its_line(write: Write, case: str) -> None:
    content, expected = MALFORMED_YAML[case]
    assert problems(lambda: files.read(write("n.yaml", content), Nomination)) == expected


LINE = "must be one line of printable text, found U+"


DATE = "must be a date such as 2026-01-31"
BOUNDS = "must lie between 1900-01-01 and 2015-12-31"
MALFORMED_FIELDS: dict[str, tuple[str, str, str]] = {
    "an empty name": ("given_name: Пётр", "given_name:", "3: candidate.given_name: must be text"),
    "a blank name": ("Пётр", "'  '", "3: candidate.given_name: must not be empty"),
    "a name of digits": ("Пётр", "'1234'", "3: candidate.given_name: must contain a letter"),
    "a number for a name": ("Пётр", "1234", "3: candidate.given_name: must be text; put it into quotes"),
    "a truth value for a name": ("Пётр", "true", "3: candidate.given_name: must be text; put it into quotes"),
    "a list for a name": ("Пётр", "[Пётр]", "3: candidate.given_name: must be text"),
    "a long name": ("Пётр", "x" * 100, "3: candidate.given_name: must have at most 99 characters"),
    "a huge name": ("Пётр", "x" * 100_000, "3: candidate.given_name: must have at most 200 characters"),
    "a header in a name": ("Пётр", r'"Ada\r\nBcc: x@example.org"', f"3: candidate.given_name: {LINE}000D"),
    "a line in a name": ("Пётр", r'"Ada\nExample"', f"3: candidate.given_name: {LINE}000A"),
    "a line separator in a name": ("Пётр", r'"Ada\u2028Example"', f"3: candidate.given_name: {LINE}2028"),
    "a name turned around": ("Пётр", r'"Ada\u202eExample"', f"3: candidate.given_name: {LINE}202E"),
    "half a character in a name": ("Пётр", r'"Ada\ud800"', "3: candidate.given_name: must be text in whole characters"),
    "a null in a name": ("Пётр", r'"Ada\0"', f"3: candidate.given_name: {LINE}0000"),
    "a day that April lacks": (
        "1980-05-17",
        "1980-04-31",
        "4: candidate.birth_date: is no day of the calendar: day value is outside expected range",
    ),
    "a thirteenth month": (
        "1980-05-17",
        "1980-13-01",
        "4: candidate.birth_date: is no day of the calendar: month value is outside expected range of 1-12",
    ),
    "the 29th of February of no leap year": (
        "1980-05-17",
        "1981-02-29",
        "4: candidate.birth_date: is no day of the calendar: day value is outside expected range",
    ),
    "a year for a date": ("1980-05-17", "1980", f"4: candidate.birth_date: {DATE}"),
    "a year in quotes": ("1980-05-17", "'1980'", f"4: candidate.birth_date: {DATE}"),
    "a date with points": ("1980-05-17", "17.05.1980", f"4: candidate.birth_date: {DATE}"),
    "an instant for a date": ("1980-05-17", "1980-05-17T00:00:00Z", f"4: candidate.birth_date: {DATE}"),
    "a birth to come": ("1980-05-17", "2080-05-17", f"4: candidate.birth_date: {BOUNDS}"),
    "a birth too long ago": ("1980-05-17", "1080-05-17", f"4: candidate.birth_date: {BOUNDS}"),
    "an address without an at": (
        "candidate@example.org",
        "candidate",
        "5: candidate.email: value is not a valid email address: An email address must have an @-sign.",
    ),
    "two addresses": (
        "candidate@example.org",
        "a@example.org,b@example.org",
        "5: candidate.email: value is not a valid email address: The part after the @-sign contains invalid "
        "characters: ',', '@'.",
    ),
    "a header in an address": (
        "candidate@example.org",
        r'"a@example.org\r\nBcc: b@example.org"',
        "5: candidate.email: value is not a valid email address: Carriage return and line feed characters are "
        "not allowed",
    ),
    "a language of no letter": ("language: ru", "language: de", "6: candidate.language: must be 'en', 'fr' or 'ru'"),
    "a language in capitals": ("language: ru", "language: RU", "6: candidate.language: must be 'en', 'fr' or 'ru'"),
    "an unknown seat": ("nominator:", "seat: window\nnominator:", "7: seat: must be 'general' or 'reserved'"),
    "a name for a reference": (
        "nominator:",
        "distinct_from: Ada\nnominator:",
        "7: distinct_from: must look like C-2026-0007",
    ),
    "a text for a list": ("language: ru", "other_names: Ada", "6: candidate.other_names: must be a list"),
    "a bad name in a list": (
        "language: ru",
        "other_names:\n    - Ada\n    - '7'",
        "8: candidate.other_names.1: must contain a letter",
    ),
    "too many names": (
        "language: ru",
        f"other_names: [{', '.join(['Ada'] * 21)}]",
        "6: candidate.other_names: must have at most 20 items",
    ),
    "a huge statement": (
        "nominator:",
        f"statement: {'x' * 4001}\nnominator:",
        "7: statement: must have at most 4000 characters",
    ),
    "an empty statement": ("nominator:", "statement: ''\nnominator:", "7: statement: must not be empty"),
    "a bell in a statement": (
        "nominator:",
        'statement: "a\\a"\nnominator:',
        "7: statement: must be printable text, found U+0007",
    ),
}


@pytest.mark.parametrize("case", MALFORMED_FIELDS)
def test_malformed_field_is_refused_with_its_line(write: Write, case: str) -> None:
    before, after, expected = MALFORMED_FIELDS[case]
    assert first_row_problems(write("n.yaml", GOOD.replace(before, after, 1))) == [f"n.yaml:{expected}"]


MALFORMED_JSON: dict[str, tuple[str, list[str]]] = {
    "a comma too many": (
        '{\n"a": 1,\n}',
        ["n.json:3: is not JSON: Expecting property name enclosed in double quotes (column 1)"],
    ),
    "no JSON": ("candidate: x", ["n.json:1: is not JSON: Expecting value (column 1)"]),
    "two values": ("{}\n{}", ["n.json:2: is not JSON: Extra data (column 1)"]),
    "not a number": ('{"a": NaN}', ["n.json: is not JSON: NaN is no number"]),
    "a field given twice": (
        '{\n\t"candidate": {"email": 1},\n\t"candidate": {}\n}',
        ["n.json:3: candidate: is given more than once"],
    ),
    "deep nesting": ("[" * 40 + "]" * 40, ["n.json: is nested more than 32 levels deep"]),
    "deeper nesting": ("[" * 100_000 + "]" * 100_000, ["n.json: is nested more than 32 levels deep"]),
    "a line break in text": ('{"a": "b\nc"}', ["n.json:1: is not JSON: Invalid control character at (column 9)"]),
    "a long number": (
        '{"candidate": ' + "9" * 10_000 + ', "nominator": 1.5}',
        [
            "n.json:1: candidate: must be a mapping of fields",
            "n.json:1: nominator: must be a mapping of fields",
        ],
    ),
}


@pytest.mark.parametrize("case", MALFORMED_JSON)
def test_malformed_json_is_refused_with_its_line(write: Write, case: str) -> None:
    content, expected = MALFORMED_JSON[case]
    assert first_row_problems(write("n.json", content)) == expected


def test_json_field_is_named_with_its_line(write: Write) -> None:
    content = (
        '{\n\t"candidate": {\n\t\t"birth_date": "1980-02-30",\n\t\t"given_name": "Ada",\n\t\t"family_name": "Example",'
    )
    content += '\n\t\t"email": "ada@example.org"},\n\t"nominator": {"name": "Nora", "email": "nora@example.org"}\n}'
    assert first_row_problems(write("n.json", content)) == [
        "n.json:3: candidate.birth_date: is no day of the calendar: day value is outside expected range"
    ]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("missing.yaml", "cannot be read: No such file or directory"),
        (".", "cannot be read: Is a directory"),
        ("a\0b.yaml", "cannot be read: the path holds a NUL character"),
    ],
)
def test_file_that_is_none_is_refused(write: Write, path: str, rule: str) -> None:
    assert problems(lambda: files.load(path)) == [f"{path}: {rule}"]


def test_no_error_quotes_what_a_file_holds(write: Write) -> None:
    secret = "Тайна"
    content = (
        GOOD.replace("candidate@example.org", f"'{secret}'").replace("1980-05-17", secret) + f"{secret}: {secret}\n"
    )
    assert secret not in "\n".join(first_row_problems(write("n.yaml", content)))


def test_table_is_read_with_either_delimiter(write: Write) -> None:
    comma = list(files.nominations(write("c.csv", f"{HEADER}\n{ROW}\n"), table=False))
    semicolon = list(files.nominations(write("s.csv", f"{HEADER}\n{ROW}\n".replace(",", ";")), table=False))
    assert comma[0].nomination == semicolon[0].nomination
    assert comma[0].source == "c.csv:2"


def test_table_as_a_spreadsheet_saves_it_is_read(write: Write) -> None:
    header = f"{HEADER},other_names,seat,statement,patronymic".upper().replace(",", " ;")
    row = f'{ROW},A. Example|Ada Invented,reserved,"One line\nand another",'.replace(",", ";")
    content = b"\xef\xbb\xbf" + f"{header}\r\n{row}\r\n;;;;;;;;;\r\n".encode()
    rows = list(files.nominations(write("export.txt", content), table=True))
    assert [row.problems for row in rows] == [()]
    nomination = rows[0].nomination
    assert nomination is not None
    assert nomination.candidate.other_names == ("A. Example", "Ada Invented")
    assert nomination.seat is SeatKind.RESERVED
    assert nomination.statement == "One line\nand another"
    assert nomination.candidate.patronymic is None


def test_line_of_a_row_counts_the_lines_inside_quotes(write: Write) -> None:
    content = f'{HEADER},statement\n{ROW},"one\ntwo\nthree"\n\n{ROW},\n'
    assert [row.source for row in files.nominations(write("n.csv", content), table=False)] == ["n.csv:2", "n.csv:6"]


MALFORMED_TABLES: dict[str, tuple[str, list[str]]] = {
    "no header": (
        ROW,
        [
            *(f"n.csv:1: {column}: is missing in the header row" for column in HEADER.split(",")),
            *(f"n.csv:1: column {number}: must be one of {', '.join(files.COLUMNS)}" for number in range(1, 7)),
        ],
    ),
    "a column missing": (HEADER.replace("email,nom", "nom"), ["n.csv:1: email: is missing in the header row"]),
    "a column twice": (f"{HEADER},email", ["n.csv:1: email: is in the header row more than once"]),
    "an unknown column": (f"{HEADER},age", [f"n.csv:1: column 7: must be one of {', '.join(files.COLUMNS)}"]),
    "a cell too many": (f"{HEADER}\n{ROW},x", ["n.csv:2: has 7 cells, and the header row has 6"]),
    "a cell too few": (f"{HEADER}\nExample,Ada", ["n.csv:2: has 2 cells, and the header row has 6"]),
    "an open quote": (f'{HEADER}\n"{ROW}', ["n.csv:2: is not CSV: unexpected end of data"]),
    "an empty cell that is needed": (f"{HEADER}\n{ROW.replace('Ada', ' ')}", ["n.csv:2: given_name: is missing"]),
    "a bad nominator": (
        f"{HEADER}\n{ROW.replace('nora@', 'nora')}",
        ["n.csv:2: nominator_email: value is not a valid email address: An email address must have an @-sign."],
    ),
    "a bad name among others": (f"{HEADER},other_names\n{ROW},Ada|7", ["n.csv:2: other_names: must contain a letter"]),
}


@pytest.mark.parametrize("case", MALFORMED_TABLES)
def test_malformed_table_is_refused_with_its_line(write: Write, case: str) -> None:
    content, expected = MALFORMED_TABLES[case]
    assert first_row_problems(write("n.csv", content)) == expected


def test_plan_takes_the_shipped_criteria_where_it_names_none(write: Write) -> None:
    plan = files.read_plan(write("plan.yaml", PLAN))
    assert plan.criteria.version == "2026.1"
    assert len(plan.criteria.keys) == 15


def test_plan_names_its_criteria_beside_itself(write: Write, tmp_path: Path) -> None:
    text = "{en: I agree., fr: D'accord., ru: Согласен.}"
    (tmp_path / "folder").mkdir()
    write("folder/criteria.yaml", f"version: '1'\nsource: Rule 1\ncriteria: [{{key: agree, text: {text}}}]\n")
    plan = files.read_plan(write("folder/plan.yaml", f"{PLAN}criteria: criteria.yaml\n"))
    assert plan.criteria.keys == ("agree",)


def test_problem_in_the_criteria_names_their_file(write: Write) -> None:
    write("criteria.yaml", "version: '1'\nsource: Rule 1\ncriteria:\n  - key: Agree\n    text: {en: Yes.}\n")
    assert problems(lambda: files.read_plan(write("plan.yaml", f"{PLAN}criteria: criteria.yaml\n"))) == [
        "criteria.yaml:4: criteria.0.key: must look like moral-standing"
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('"2026"', "2026", ["plan.yaml:1: reference: must be text; put it into quotes"]),
        ('"2026"', "spring", ["plan.yaml:1: reference: must look like 2026"]),
        ("2027-01-24", "2025-01-24", ["plan.yaml:1: closes must be after opens"]),
        ("15", "many", ["plan.yaml:6: seats: must be a whole number"]),
        ("15", "0", ["plan.yaml:6: seats: must be greater than or equal to 1"]),
        (
            "seats: 15",
            "seats: 15\nreserved_share: a third",
            ["plan.yaml:7: reserved_share: must be a share such as 1/3 or 0.3"],
        ),
        (
            "seats: 15",
            "seats: 15\nreserved_share: 1/0",
            ["plan.yaml:7: reserved_share: must be a share such as 1/3 or 0.3"],
        ),
        ("seats: 15", "seats: 15\nratification: maybe", ["plan.yaml:7: ratification: must be true or false"]),
        (
            "seats: 15",
            "seats: 15\nlimits: {answer: {days: -1}}",
            ["plan.yaml:7: limits.answer.days: must be greater than or equal to 0"],
        ),
    ],
)
def test_malformed_plan_is_refused_with_its_line(write: Write, before: str, after: str, expected: list[str]) -> None:
    assert problems(lambda: files.read_plan(write("plan.yaml", PLAN.replace(before, after, 1)))) == expected


def test_share_of_the_seats_is_exact(write: Write) -> None:
    plan = files.read_plan(write("plan.yaml", f"{PLAN}reserved_share: 0.3\n"))
    assert plan.reserved_share == Fraction(3, 10)


def test_option_that_cannot_be_used_is_named() -> None:
    plan: dict[str, Any] = {"nominations_close": "soon", "seats": None}
    with pytest.raises(Failure) as wrong:
        files.build(SessionPlan, **plan)
    assert wrong.value.message.startswith(
        "--opens: is missing; --closes: is missing; --nominations-close: must be a date"
    )
