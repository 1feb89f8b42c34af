"""What an officer may write on the command line about a suspension, and what cannot be used."""

import hashlib
from pathlib import Path

import pytest
from rich.console import Console

from domain.ledger import CaseFile, CaseRow
from domain.steps import CaseKind
from domain.suspension import Evidence, SuspensionStage
from starter import files
from starter.commands import suspension
from starter.files import BadInput
from tests.builders import NOMINATED_AT, under_review
from tests.starter.conftest import Starter

OPEN = ["suspension", "open", "C-2026-0001", "--reason", "x"]
URL = "https://example.org/photograph"
DECIDE = ["suspension", "decide", "S-2026-0001", "--reference", "AS/Bur 12", "--reason", "x"]
REVERSE = ["suspension", "reverse", "S-2026-0001", "--reference", "AS/Bur 12", "--reason", "x"]
BAD = {
    "an unknown ground": (
        [*OPEN, "--ground", "gossip", "--measure", "full", "--evidence", URL],
        "--ground: must look like criterion:moral-standing, banned-symbol, screening-hit or complaint",
    ),
    "nothing that it rests on": (
        [*OPEN, "--ground", "complaint", "--measure", "full"],
        "give --evidence, or the --hit that it is for",
    ),
    "nothing that it is for": (
        [*OPEN, "--measure", "full", "--evidence", URL],
        "say the --ground, or the --hit that it is for",
    ),
    "a part of nothing": (
        [*OPEN, "--ground", "complaint", "--measure", "partial", "--evidence", URL],
        "a partial measure says what it covers, and no other does",
    ),
    "a scope of everything": (
        [*OPEN, "--ground", "complaint", "--measure", "full", "--scope", "No entry.", "--evidence", URL],
        "a partial measure says what it covers, and no other does",
    ),
    "a day that is none": (
        ["suspension", "serve", "S-2026-0001", "--how", "by hand", "--on", "31 March"],
        "--on: must be a date such as 2026-01-31",
    ),
    "no more days": (
        ["suspension", "extend", "S-2026-0001", "--days", "0", "--reason", "x"],
        "--days: must be greater than or equal to 1",
    ),
    "no answer": (["suspension", "observe", "S-2026-0001"], "give either --answer or --answer-file"),
    "votes in words": (
        [*DECIDE, "--outcome", "lifted", "--votes", "nine to two"],
        "Invalid value for '--votes': must look like 9:2 or 9:2:1 (for, against, abstentions)",
    ),
    "a tie without the President": (
        [*DECIDE, "--outcome", "lifted", "--votes", "3:3"],
        "the vote is tied, so the President's vote decides and is missing",
    ),
    "a measure of what is lifted": (
        [*DECIDE, "--outcome", "lifted", "--votes", "9:2", "--measure", "full"],
        "only a suspension that is upheld has a measure",
    ),
    "a reversal that takes away a part of nothing": (
        [*REVERSE, "--measure", "partial", "--votes", "9:2"],
        "a partial measure says what it covers, and no other does",
    ),
    "a reversal that nobody voted on": (
        [*REVERSE, "--measure", "none", "--votes", "0:0"],
        "no vote was cast",
    ),
    "the number of another kind of case": (
        ["suspension", "show", "C-2026-0001"],
        "Invalid value for 'REF': must look like S-2026-0003; `starter suspension show --help` says what there is",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_named_by_its_option(starter: Starter, case: str) -> None:
    argv, message = BAD[case]
    said = starter(*argv)
    assert (said.code, said.out, said.err) == (2, "", f"usage: {message}\n")


def test_evidence_that_is_not_there_is_bad_input(starter: Starter) -> None:
    said = starter(*OPEN, "--ground", "complaint", "--measure", "full", "--evidence", "nowhere.jpg", "--json")
    assert said.code == 2
    (problem,) = said.document["error"]["problems"]
    assert (problem["file"], problem["field"]) == ("nowhere.jpg", "evidence")
    assert problem["rule"].startswith("cannot be read: No such file or directory")


def test_of_a_file_the_name_and_a_digest_are_kept_and_of_an_address_the_address(tmp_path: Path) -> None:
    (tmp_path / "photograph.jpg").write_bytes(b"\x00\xff")
    assert files.evidence(str(tmp_path / "photograph.jpg")) == Evidence(
        source="photograph.jpg", sha256=hashlib.sha256(b"\x00\xff").hexdigest()
    )
    assert files.evidence(URL) == Evidence(source=URL)
    with pytest.raises(BadInput, match="Is a directory"):
        files.evidence(str(tmp_path))


@pytest.mark.parametrize("stage", SuspensionStage)
def test_every_suspension_can_be_shown_with_its_grounds(stage: SuspensionStage) -> None:
    state = under_review(stage)
    row = CaseRow(
        reference=state.reference,
        kind=CaseKind.SUSPENSION,
        session="2026",
        stage=stage,
        ended=state.ended,
        seat=None,
        deadline=None,
        seq=state.seq,
        workflow_id=state.workflow_id,
        opened=NOMINATED_AT,
        changed=NOMINATED_AT,
        troubled_letters=0,
    )
    paper = Console(width=160, record=True)
    for part in suspension._shown(CaseFile(row=row, state=state.model_dump(mode="json"), letters=())):
        paper.print(part)
    shown = paper.export_text()
    assert f"Suspension {state.reference}" in shown
    assert "Two members complained." in shown
    assert ("To come, if nobody acts" in shown) == (stage in {"opened", "hearing", "review"})
