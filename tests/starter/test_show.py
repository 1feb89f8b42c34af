"""What a person sees, and what a program gets."""

from datetime import UTC, date, datetime
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import RenderableType

from domain.envelope import Receipt
from domain.ledger import CaseRow, StepRow
from domain.steps import CaseKind
from starter import calling, show
from starter.desk import Taken

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (AT, "Mon 2026-01-05 10:30"),
        (datetime(2026, 7, 5, 9, 30, tzinfo=UTC), "Sun 2026-07-05 11:30"),
        (datetime(2026, 1, 5, 23, 0, tzinfo=UTC), "Mon 2026-01-05, end of day"),
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), "Sat 2026-03-28, end of day"),
        (datetime(2026, 3, 29, 22, 0, tzinfo=UTC), "Sun 2026-03-29, end of day"),
        (None, "–"),
    ],
)
def test_instant_is_shown_at_the_seat_with_its_weekday(instant: datetime | None, shown: str) -> None:
    assert show.moment(instant) == shown


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "letter", "1 letter"), (0, "letter", "0 letters"), (2, "candidacy", "2 candidacies"), (2, "day", "2 days")],
)
def test_number_is_said_with_its_noun(number: int, noun: str, said: str) -> None:
    assert show.counted(number, noun) == said


def printed(capsys: pytest.CaptureFixture[str], *parts: RenderableType) -> str:
    show.write(*parts)
    return capsys.readouterr().out


def test_markup_in_a_name_stays_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(capsys, show.facts("Case", {"name": "[red]Ada[/red] :boom:", "nothing": None}))
    assert told == "Case\n  name  [red]Ada[/red] :boom:\n"


def test_table_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, show.table("Letters", ("letter",), [])) == "Letters: none\n"


def test_output_has_no_colour_and_no_blanks_at_the_end_of_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(capsys, show.table("Letters", ("letter", "state"), [("C-2026-0001.1.1", None)]))
    assert "\x1b" not in told
    assert [line for line in told.splitlines() if line != line.rstrip()] == []
    assert "│ C-2026-0001.1.1 │ –     │" in told.splitlines()


def test_reference_stays_whole_in_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "_WIDTH_WITHOUT_TERMINAL", 40)
    row = CaseRow(
        reference="C-2026-0001",
        kind=CaseKind.CANDIDACY,
        session="2026",
        stage="vetting",
        ended=False,
        seat="general",
        deadline=AT,
        seq=2,
        workflow_id="candidacy/2026/x",
        opened=AT,
        changed=AT,
        troubled_letters=0,
    )
    told = printed(capsys, show.cases("Candidacies", [row]))
    assert "C-2026-0001" in told
    assert max(map(len, told.splitlines())) <= 40


def test_long_line_is_left_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "x " * 200 + "end") == "x " * 200 + "end\n"


def receipt(**changes: object) -> Receipt:
    fields = {"reference": "C-2026-0001", "seq": 2, "act": "declare", "stage": "vetting", "at": AT}
    return Receipt.model_validate(fields | changes)


def test_command_that_was_taken_is_told_with_what_follows() -> None:
    taken = Taken(receipt=receipt(letters=1, deadline=datetime(2026, 1, 5, 23, tzinfo=UTC)), fresh=True)
    assert show.taken(taken, "declaration recorded") == (
        "C-2026-0001: declaration recorded (step 2). It is vetting. Letters: 1. Next: Mon 2026-01-05, end of day."
    )


def test_command_that_was_taken_before_is_told_as_that() -> None:
    assert show.taken(Taken(receipt=receipt(), fresh=False), "declaration recorded") == (
        "C-2026-0001: taken before, nothing was done again. It is vetting."
    )


def test_step_is_one_line() -> None:
    row = StepRow(
        seq=3,
        act="lapse",
        trigger="time",
        at=AT,
        recorded=AT,
        stage_before="nominated",
        stage="lapsed",
        signer=None,
        effects=("late",),
        letters=("C-2026-0001.3.1",),
    )
    assert show.step(row) == "  3  Mon 2026-01-05 10:30  lapse by time  → lapsed  late  C-2026-0001.3.1"


def test_document_holds_json_types_and_instants_in_utc() -> None:
    word = StrEnum("word", {"A": "a"})
    value = {
        word["A"]: (word["A"], Fraction(1, 3), Path("x"), None, True),
        "at": AT.astimezone(ZoneInfo("Europe/Paris")),
        "day": date(2026, 1, 5),
        "set": frozenset({"b", "a"}),
        "model": receipt(),
    }
    assert calling.plain(value) == {
        "a": ["a", "1/3", "x", None, True],
        "at": "2026-01-05T09:30:00Z",
        "day": "2026-01-05",
        "set": ["a", "b"],
        "model": {
            "reference": "C-2026-0001",
            "seq": 2,
            "act": "declare",
            "stage": "vetting",
            "at": "2026-01-05T09:30:00Z",
            "deadline": None,
            "letters": 0,
            "nonce": None,
            "details": {},
        },
    }
