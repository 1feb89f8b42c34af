"""The walk-through's pure parts: its cast and stories, its calendar, and what counts as gone wrong."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from domain.candidacy import ENDINGS, MOVES, Stage
from domain.fingerprint import fingerprint
from domain.ledger import Answer, CaseRow, Difference, Enquiry, LetterRow, LetterState, StepRow, Verification
from domain.lists import ListStage
from domain.notices import Role, Template
from domain.people import Language
from domain.steps import CaseKind
from domain.suspension import SUSPENSION_MOVES, SuspensionStage
from domain.timelimits import end_of, expiry, start_of
from starter.demo import screen, stories
from starter.demo.board import Board
from starter.demo.outcome import Case, Outcome, message_ids
from starter.demo.parts import Parts, choose_home, forget_own_settings
from starter.demo.stories import NOMINATED_TWICE, ORIGIN, STORIES, SUSPENSIONS, Story
from starter.desk import Desk
from starter.failures import Failure, Kind
from tests.builders import KEY, SESSION

AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
STARTED = datetime.now(UTC)
STORY = Story(told="says no", way=("nominated", "declined"), letters={Template.RECEIPT: 1, Template.DECLINED: 1})


def a_step(seq: int, stage: str) -> StepRow:
    return StepRow(
        seq=seq,
        act="act",
        trigger="officer",
        at=AT,
        recorded=AT,
        stage_before="",
        stage=stage,
        signer="O-1",
        effects=(),
        letters=(),
    )


def a_letter(number: int, template: Template, state: LetterState = LetterState.SENT) -> LetterRow:
    return LetterRow(
        reference=f"C-2026-0001.1.{number}",
        case="C-2026-0001",
        template=template,
        role=Role.CANDIDATE,
        language=Language.ENGLISH,
        state=state,
        attempts=1,
        code=None,
        written=STARTED + timedelta(seconds=1),
        changed=STARTED,
        message_id=f"<{number}@example.org>",
    )


def a_row(seq: int, stage: str) -> CaseRow:
    return CaseRow(
        reference="C-2026-0001",
        kind=CaseKind.CANDIDACY,
        session=SESSION,
        stage=stage,
        ended=stage in ENDINGS,
        seat="general",
        deadline=None,
        seq=seq,
        workflow_id="candidacy/2026/0",
        opened=AT,
        changed=AT,
        troubled_letters=0,
    )


def a_case(*stages: str) -> Case:
    steps = [a_step(seq, stage) for seq, stage in enumerate(stages, 1)]
    return Case(reference="C-2026-0001", who="Ada Example", story=STORY, steps=steps)


def an_outcome(**changes: Any) -> Outcome:
    """One case that went as it must, and the others without anything to find fault with."""
    others = [
        replace(a_case("open"), reference=f"{n}", story=Story("", ("open",), {}))
        for n in range(len(STORIES) + len(SUSPENSIONS) + 1)
    ]
    letters = [a_letter(1, Template.RECEIPT), a_letter(2, Template.DECLINED)]
    fields: dict[str, Any] = {
        "cases": [a_case("nominated", "declined"), *others],
        "letters": letters,
        "caught": [letter.message_id for letter in letters],
        "verification": Verification(cases=10, steps=2, letters=2, signatures=2, differences=()),
        "refusals": (),
        "affected": (),
    }
    return Outcome(**fields | changes)


def with_case(case: Case) -> Sequence[Case]:
    return [case, *an_outcome().cases[1:]]


def test_cast_writes_in_every_language_and_in_two_scripts() -> None:
    people = [nomination.candidate for nomination in stories.cast().values()]
    assert {person.language for person in people} == set(Language)
    assert {person.family_name.isascii() for person in people} == {True, False}


def test_cast_has_only_addresses_that_lead_nowhere() -> None:
    addresses = [
        address
        for nomination in stories.cast().values()
        for address in (nomination.candidate.email, nomination.nominator.email)
    ]
    assert {address.rpartition("@")[2] for address in addresses} == {"example.org", "example.com"}


def test_second_nomination_is_of_the_same_person_and_no_other_two_are() -> None:
    marks = {name: fingerprint(SESSION, nomination, KEY) for name, nomination in stories.cast().items()}
    assert marks[NOMINATED_TWICE] == marks["third-assessor"]
    assert len(set(marks.values())) == len(STORIES)


def test_stories_come_to_every_ending_but_death() -> None:
    assert {story.way[-1] for story in STORIES.values()} == ENDINGS - {Stage.DECEASED}


def test_one_suspension_is_lifted_and_one_excludes() -> None:
    assert {story.way[-1] for story in SUSPENSIONS.values()} == {SuspensionStage.LIFTED, SuspensionStage.EXCLUDED}
    assert SUSPENSIONS.keys() <= STORIES.keys()


@pytest.mark.parametrize("story", SUSPENSIONS.values(), ids=SUSPENSIONS)
def test_a_suspension_goes_only_where_the_law_lets_it(story: Story) -> None:
    legal = {
        (source, target)
        for moves in SUSPENSION_MOVES.values()
        for source, targets in moves.items()
        for target in targets
    }
    assert [pair for pair in zip(story.way, story.way[1:], strict=False) if pair not in legal] == []


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_story_goes_only_where_the_law_lets_it(story: Story) -> None:
    legal = {(source, target) for moves in MOVES.values() for source, targets in moves.items() for target in targets}
    assert [pair for pair in zip(story.way, story.way[1:], strict=False) if pair not in legal] == []


def test_list_passes_through_every_stage_but_rejection() -> None:
    assert set(ListStage) - set(stories.LIST_WAY) == {ListStage.REJECTED}


def test_plan_keeps_one_seat_of_three_reserved() -> None:
    plan = stories.plan()
    assert (plan.seats, plan.reserved_seats) == (3, 1)


def test_silence_ends_before_the_list_is_drafted() -> None:
    plan = stories.plan()
    lapsed = expiry(ORIGIN + timedelta(days=14), plan.limits.answer, plan.closed_days())
    assert lapsed < start_of(plan.nominations_close)


@pytest.mark.parametrize(("answer", "seconds"), [(0.01, 40.0), (0.05, 40.0), (0.075, 45.0), (0.125, 52.0), (3.0, 52.0)])
def test_calendar_takes_longer_on_a_slow_machine_and_never_too_long(answer: float, seconds: float) -> None:
    assert stories.length(answer) == seconds


def test_compressed_calendar_passes_the_whole_session_in_the_time_given() -> None:
    clock = stories.compressed(50.0, STARTED)
    assert clock.reading(STARTED) == ORIGIN
    assert abs(clock.reading(STARTED + timedelta(seconds=50)) - end_of(stories.AMENDED_CLOSING)) < timedelta(seconds=1)


def test_case_passes_through_a_stage_once_for_all_the_steps_it_takes_there() -> None:
    case = a_case("nominated", "nominated", "vetting", "nominated")
    assert case.way == ("nominated", "vetting", "nominated")


def test_walk_that_went_as_it_must_has_no_problem() -> None:
    assert an_outcome().problems() == []


def test_case_that_went_another_way_is_a_problem() -> None:
    lapsed = an_outcome(cases=with_case(a_case("nominated", "lapsed")))
    assert lapsed.problems() == ["C-2026-0001 went nominated → lapsed, and must go nominated → declined"]


def test_case_that_was_never_opened_is_a_problem() -> None:
    assert an_outcome(cases=an_outcome().cases[:-2]).problems() == ["cases that were never opened: 2"]


def test_letter_that_was_written_twice_is_a_problem() -> None:
    letters = [*an_outcome().letters, a_letter(3, Template.DECLINED)]
    twice = an_outcome(letters=letters, caught=[letter.message_id for letter in letters])
    assert twice.problems() == ["C-2026-0001: 2 letters declined, and must be 1"]


def test_letter_that_was_never_written_is_a_problem() -> None:
    letters = an_outcome().letters[:1]
    without = an_outcome(letters=letters, caught=[letter.message_id for letter in letters])
    assert without.problems() == ["C-2026-0001: 0 letters declined, and must be 1"]


def test_number_of_reminders_is_left_to_the_calendar() -> None:
    letters = [*an_outcome().letters, a_letter(3, Template.REMINDER), a_letter(4, Template.REMINDER)]
    reminded = an_outcome(letters=letters, caught=[letter.message_id for letter in letters])
    assert reminded.problems() == []


def test_letter_that_lies_in_the_folder_twice_is_a_problem() -> None:
    outcome = an_outcome()
    twice = replace(outcome, caught=[*outcome.caught, outcome.caught[0]])
    assert twice.problems() == ["letter C-2026-0001.1.1 is sent, and lies in the mail folder 2 times"]


def test_letter_that_is_not_out_is_a_problem() -> None:
    letters = [a_letter(1, Template.RECEIPT), a_letter(2, Template.DECLINED, LetterState.UNKNOWN)]
    waiting = an_outcome(letters=letters, caught=[letters[0].message_id])
    assert waiting.problems() == ["letter C-2026-0001.1.2 is unknown"]


def test_letter_that_was_overtaken_is_none() -> None:
    letters = [a_letter(1, Template.RECEIPT), a_letter(2, Template.DECLINED, LetterState.WITHDRAWN)]
    assert an_outcome(letters=letters, caught=[letters[0].message_id]).problems() == []


def test_letter_that_nobody_knows_is_a_problem() -> None:
    stranger = an_outcome(caught=[*an_outcome().caught, "<stranger@example.org>"])
    assert stranger.problems() == ["letters in the mail folder that the register does not know: 1"]


def test_difference_between_ledger_and_workflow_is_a_problem() -> None:
    found = Difference(reference="C-2026-0001", what="step", ledger="step 2", workflow="step 3")
    differing = an_outcome(verification=Verification(cases=1, steps=2, letters=2, signatures=2, differences=(found,)))
    assert differing.problems() == ["C-2026-0001: step: the ledger says step 2, the workflow step 3"]


def test_outcome_counts_letters_by_kind_and_state() -> None:
    letters = [a_letter(1, Template.RECEIPT), a_letter(2, Template.REMINDER), a_letter(3, Template.REMINDER)]
    letters[2] = letters[2].model_copy(update={"state": LetterState.WITHDRAWN})
    assert an_outcome(letters=letters).document()["letters"] == {
        "written": 3,
        "sent": 2,
        "caught": 2,
        "kinds": {"receipt": {"sent": 1}, "reminder": {"sent": 1, "withdrawn": 1}},
    }


def test_message_ids_are_read_from_letters_new_and_seen(tmp_path: Path) -> None:
    for part, identity in (("new", "<1@example.org>"), ("cur", "<2@example.org>")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "letter").write_bytes(f"Message-ID: {identity}\r\n\r\nПривет\r\n".encode())
    assert sorted(message_ids(tmp_path)) == ["<1@example.org>", "<2@example.org>"]


def test_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "register").touch()
    with pytest.raises(Failure) as refused:
        choose_home(tmp_path)
    assert refused.value.kind is Kind.USAGE


def test_folder_that_is_empty_or_missing_is_taken(tmp_path: Path) -> None:
    assert choose_home(tmp_path) == tmp_path
    assert choose_home(tmp_path / "new") == tmp_path / "new"


def test_settings_of_the_desk_in_daily_use_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"DESK_DATABASE_URL": "x", "TEMPORAL_ADDRESS": "y", "PATH": "z"})
    forget_own_settings()
    assert os.environ == {"PATH": "z"}


def stack_that_says(monkeypatch: pytest.MonkeyPatch, folder: Path, answer: str, code: int) -> Parts:
    program = folder / "python"
    program.write_text(f"#!/bin/sh\ncat {folder}/answer\nexit {code}\n")
    program.chmod(0o700)
    (folder / "answer").write_text(answer)
    monkeypatch.setattr(sys, "executable", str(program))
    return Parts(folder)


async def test_part_that_cannot_be_started_is_named_with_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failed = {"part": "temporal", "reason": "not ready within 60 s", "log": "/logs/temporal.log", "lines": []}
    parts = stack_that_says(monkeypatch, tmp_path, json.dumps({"up": False, "failed": failed}), 5)
    with pytest.raises(Failure) as unreachable:
        await parts.up()
    assert (unreachable.value.code, unreachable.value.message) == (
        5,
        "temporal: not ready within 60 s; its log is /logs/temporal.log",
    )


async def test_stack_that_says_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    parts = stack_that_says(monkeypatch, tmp_path, "", 1)
    with pytest.raises(Failure) as unreachable:
        await parts.up()
    assert unreachable.value.code == 5


async def test_trouble_is_told_with_what_the_supervisor_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: dict[str, Any] = {part: {"running": True} for part in ("temporal", "postgres", "mail")}
    parts = stack_that_says(monkeypatch, tmp_path, json.dumps(told | {"up": True, "logs": str(tmp_path)}), 0)
    lines = [
        {"logger": "stack", "level": "INFO", "message": "stack up"},
        {"logger": "stack", "level": "WARNING", "message": "worker ended: SIGKILL"},
    ]
    (tmp_path / "supervisor.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    logs = f"the logs are in {tmp_path} and {tmp_path}/postgres/log"
    assert await parts.trouble() == f"worker does not run; worker ended: SIGKILL; {logs}"


@dataclass
class Register:
    """Shows one row after the other, each time it is looked at; the last one for ever."""

    rows: list[CaseRow]
    letters: tuple[LetterRow, ...] = ()
    looks: int = field(default=0)

    async def cases(self) -> tuple[CaseRow, ...]:
        row = self.rows[min(self.looks, len(self.rows) - 1)]
        self.looks += 1
        return (row,)

    async def ask(self, enquiry: Enquiry) -> Answer:
        return Answer(letters=self.letters)


async def looked_at(register: Register, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setattr("starter.demo.board._LOOK_EVERY", 0.0)
    board = Board(cast(Desk, register), stories.compressed(50.0, STARTED), lambda _: None)
    looking = asyncio.create_task(board.look())
    async with asyncio.timeout(10):
        await board.until_at({"C-2026-0001": stage})
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    return board


async def test_board_tells_each_change_of_stage_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = ((1, Stage.NOMINATED), (1, Stage.NOMINATED), (2, Stage.NOMINATED), (3, Stage.LAPSED))
    board = await looked_at(Register([a_row(seq, stage) for seq, stage in stages]), Stage.LAPSED, monkeypatch)
    assert [str(news) for news in board.news] == ["Mon 2026-01-05  C-2026-0001: nominated → lapsed"]


async def test_board_tells_of_a_letter_once_and_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [a_row(1, Stage.NOMINATED), a_row(1, Stage.NOMINATED), a_row(2, Stage.DECLINED)]
    register = Register(rows, letters=(a_letter(1, Template.RECEIPT), a_letter(2, Template.INVITATION)))
    board = await looked_at(register, Stage.DECLINED, monkeypatch)
    assert [str(news) for news in board.news if news.of_letter] == [
        "Wed 2025-11-12  letter C-2026-0001.1.1 sent: receipt to the candidate, in en",
        "Wed 2025-11-12  letter C-2026-0001.1.2 sent: invitation to the candidate, in en",
    ]
    assert board.sent == 2


async def test_picture_shows_who_stands_where(monkeypatch: pytest.MonkeyPatch) -> None:
    board = await looked_at(Register([a_row(1, Stage.NOT_RETAINED)]), Stage.NOT_RETAINED, monkeypatch)
    board.people["C-2026-0001"] = stories.cast()["takes-part"].candidate
    paper = StringIO()
    Console(width=120, file=paper).print(screen.picture(board))
    row = next(line for line in paper.getvalue().splitlines() if line.startswith("│ C-2026-0001"))
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "C-2026-0001",
        "Ada Example",
        "not retained",
        "–",
        "1",
        "0",
    ]
