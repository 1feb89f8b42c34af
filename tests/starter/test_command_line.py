"""The command line as a whole: help, options, exit codes, and the one document of ``--json``."""

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest

from config.settings import WrongSetting
from config.temporal import TemporalUnreachable
from domain.candidacy import Act, CandidacyState, Declaration
from domain.envelope import Receipt
from domain.errors import OutOfTime
from domain.ledger import CaseFile, CaseRow, Rebuilding
from domain.model import Model
from domain.steps import CaseKind
from domain.vetting import Assessment
from starter import cli
from starter.__main__ import run
from starter.calling import Call
from starter.desk import NoSuchCase, OutcomeUnknown, PartUnreachable, Refused, Taken
from tests.builders import NOMINATED_AT, a_case, criteria
from tests.starter.conftest import Starter

REFERENCE = "C-2026-0001"


def command(noun: str) -> click.Command:
    loaded = cli.root.get_command(click.Context(cli.root), noun)
    assert loaded is not None
    return loaded


NOUNS_WITHOUT_VERBS = ("demo", "completion")
PATHS = [
    *(
        f"{noun} {name}"
        for noun in cli.NOUNS
        if noun not in NOUNS_WITHOUT_VERBS
        for name in getattr(command(noun), "commands", ())
    ),
    *NOUNS_WITHOUT_VERBS,
]


def parsed(argv: list[str]) -> click.Context:
    """The context of the verb that a command line names, with its options parsed and nothing done."""
    found: click.Command | None = cli.root
    context = cli.root.make_context("starter", list(argv), obj=Call())
    while isinstance(found, click.Group):
        name, found, rest = found.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        context = found.make_context(name, rest, parent=context)
    return context


def test_every_noun_of_the_desk_is_there() -> None:
    assert sorted(PATHS) == sorted(
        [
            *(f"officer {verb}" for verb in ("enrol", "admit", "revoke", "list", "show", "use", "powers")),
            *(f"officer {verb}" for verb in ("declare-interest", "interests", "withdraw-interest")),
            *(f"session {verb}" for verb in ("amend", "open", "show")),
            *(
                f"candidacy {verb}"
                for verb in (
                    "assess",
                    "correct",
                    "declare",
                    "decline",
                    "erase",
                    "except",
                    "findings",
                    "functions",
                    "list",
                    "nominate",
                    "record-death",
                    "request-information",
                    "resolve",
                    "retain",
                    "show",
                    "supply-information",
                    "timeline",
                    "watch",
                    "withdraw",
                )
            ),
            *(f"list {verb}" for verb in ("amend", "decide", "draft", "list", "propose", "ratify", "show")),
            *(
                f"suspension {verb}"
                for verb in (
                    "assign",
                    "decide",
                    "declare-interest",
                    "extend",
                    "list",
                    "observe",
                    "open",
                    "report",
                    "reverse",
                    "serve",
                    "show",
                    "timeline",
                    "void",
                    "waive",
                    "watch",
                )
            ),
            *(f"letter {verb}" for verb in ("list", "settle", "show")),
            *(f"watchlist {verb}" for verb in ("diff", "import", "list", "remove", "rescreen", "show")),
            *(f"ledger {verb}" for verb in ("certificate", "incidents", "readers", "rebuild", "recover", "verify")),
            *(f"stack {verb}" for verb in ("down", "status", "up")),
            "demo",
            "completion",
        ]
    )


@pytest.mark.parametrize("path", PATHS)
def test_every_verb_has_a_summary_an_explanation_and_an_example(starter: Starter, path: str) -> None:
    said = starter(*path.split(), "--help")
    assert (said.code, said.err) == (0, "")
    usage, summary, explanation, *rest = said.out.split("\n\n")
    assert usage.startswith(f"Usage: starter {path}")
    assert summary.strip().endswith(".")
    assert not explanation.startswith("Options")
    assert rest[-1].strip().startswith(f"Example: starter {path}")


@pytest.mark.parametrize("path", PATHS)
def test_every_example_parses(starter: Starter, path: str) -> None:
    example = starter(*path.split(), "--help").out.split("Example: ")[-1]
    context = parsed(shlex.split(example)[1:])
    assert context.command_path == f"starter {path}"


@pytest.mark.parametrize("noun", cli.NOUNS)
def test_every_noun_has_help(starter: Starter, noun: str) -> None:
    said = starter(noun, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: starter {noun}")


def test_options_of_every_verb_may_stand_anywhere(tmp_path: Path) -> None:
    options = ["--json", "--home", str(tmp_path), "--profile", "vetting"]
    expected = Call(as_json=True, home=tmp_path, profile="vetting")
    for argv in (
        [*options, "officer", "powers"],
        ["officer", *options, "powers"],
        ["officer", "powers", *options],
        ["--json", "officer", "--home", str(tmp_path), "powers", "--profile", "vetting"],
        ["--profile", "head", "--home", "/nowhere", "officer", "powers", *options],
    ):
        assert parsed(argv).find_object(Call) == expected


def test_help_of_the_root_loads_nothing_it_does_not_need() -> None:
    program = (
        "import sys\nfrom starter.__main__ import run\ncode = run(['--help'])\n"
        "heavy = {'temporalio', 'rich', 'pydantic', 'yaml', 'domain', 'starter.desk'} & set(sys.modules)\n"
        "sys.exit(f'{code} {sorted(heavy)}')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == "0 []\n"


USAGE_ERRORS = {
    "an unknown noun": (["lst"], "No such command 'lst'. Did you mean 'list'? `starter --help` says what there is"),
    "an unknown verb": (
        ["list", "shw"],
        "No such command 'shw'. Did you mean 'show'? `starter list --help` says what there is",
    ),
    "an unknown option": (
        ["officer", "powers", "--loud"],
        "No such option '--loud'; `starter officer powers --help` says what there is",
    ),
    "no reference": (
        ["candidacy", "show"],
        "Missing argument 'REF'; `starter candidacy show --help` says what there is",
    ),
    "a name for a reference": (
        ["candidacy", "show", "Ada Example"],
        "Invalid value for 'REF': must look like C-2026-0007; `starter candidacy show --help` says what there is",
    ),
    "a reference of another kind": (
        ["list", "show", REFERENCE],
        "Invalid value for 'REF': must look like L-2026-1; `starter list show --help` says what there is",
    ),
    "a reference with a line break": (
        ["session", "show", "2026\n"],
        "Invalid value for 'REF': must look like 2026; `starter session show --help` says what there is",
    ),
    "a missing reason": (
        ["candidacy", "withdraw", REFERENCE],
        "Missing option '--reason'; `starter candidacy withdraw --help` says what there is",
    ),
    "an empty reason": (["candidacy", "withdraw", REFERENCE, "--reason", " "], "--reason: must not be empty"),
    "a huge reason": (
        ["candidacy", "withdraw", REFERENCE, "--reason", "x" * 4001],
        "--reason: must have at most 4000 characters",
    ),
    "nothing to correct": (
        ["candidacy", "correct", REFERENCE, "--role", "candidate", "--reason", "x"],
        "names neither an address nor a language to correct",
    ),
    "the desk's own address": (
        ["candidacy", "correct", REFERENCE, "--role", "desk", "--reason", "x"],
        "Invalid value for '--role': 'desk' is not one of 'candidate', 'nominator'; "
        "`starter candidacy correct --help` says what there is",
    ),
    "a file and options": (
        ["candidacy", "declare", REFERENCE, "d.yaml", "--consent"],
        "give either a FILE, or --consent with --all-yes or --no KEY",
    ),
    "neither a file nor options": (
        ["candidacy", "declare", REFERENCE],
        "give either a FILE, or --consent with --all-yes or --no KEY",
    ),
    "an answer and no consent": (
        ["candidacy", "declare", REFERENCE, "--all-yes"],
        "say --consent or --no-consent, and either --all-yes or --no KEY",
    ),
    "yes to all and no to one": (
        ["candidacy", "declare", REFERENCE, "--consent", "--all-yes", "--no", "values"],
        "say --consent or --no-consent, and either --all-yes or --no KEY",
    ),
    "findings without a reason": (
        ["candidacy", "assess", REFERENCE, "--all-clear"],
        "give either a FILE, or --all-clear with --reason",
    ),
    "two questions": (
        ["candidacy", "request-information", REFERENCE, "--question", "x", "--question-file", "y"],
        "give either --question or --question-file",
    ),
    "no date to amend": (["session", "amend", "2026", "--reason", "x"], "names no date to change"),
    "a day that April lacks": (
        ["session", "amend", "2026", "--closes", "2027-04-31", "--reason", "x"],
        "--closes: is no day of the calendar: day value is outside expected range",
    ),
    "a part-session without its end": (
        ["session", "amend", "2026", "--part-session", "2026-04-20", "--reason", "x"],
        "Invalid value for '--part-session': must look like 2026-04-20..2026-04-24; "
        "`starter session amend --help` says what there is",
    ),
    "a part-session that ends on no day": (
        ["session", "amend", "2026", "--part-session", "2026-04-20..April", "--reason", "x"],
        "--part-session: must be a date such as 2026-01-31",
    ),
    "no votes": (
        ["list", "decide", "L-2026-1", "--hash", "0" * 12, "--outcome", "adopted", "--for", "0", "--against", "0",
         "--reference", "x"],
        "no vote was cast",
    ),
    "a tie": (
        ["list", "decide", "L-2026-1", "--hash", "0" * 12, "--outcome", "adopted", "--for", "3", "--against", "3",
         "--reference", "x"],
        "the vote is tied, so the President's vote decides and is missing",
    ),
    "a President who votes on no tie": (
        ["list", "decide", "L-2026-1", "--hash", "0" * 12, "--outcome", "adopted", "--for", "4", "--against", "3",
         "--president", "for", "--reference", "x"],
        "the President votes only on a tie",
    ),
    "votes below none": (
        ["list", "decide", "L-2026-1", "--hash", "0" * 12, "--outcome", "adopted", "--for", "-1", "--against", "3",
         "--reference", "x"],
        "--for: must be greater than or equal to 0",
    ),
    "no officer": (
        ["candidacy", "show", REFERENCE],
        "no officer profile says who acts; make one: `starter officer enrol NAME --officer O-17`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", USAGE_ERRORS)
def test_usage_error_is_one_clear_line(starter: Starter, case: str) -> None:
    argv, message = USAGE_ERRORS[case]
    said = starter(*argv)
    assert (said.code, said.out, said.err) == (2, "", f"usage: {message}\n")


@pytest.mark.parametrize("case", USAGE_ERRORS)
def test_usage_error_is_one_document_where_json_is_asked_for(starter: Starter, case: str) -> None:
    argv, message = USAGE_ERRORS[case]
    said = starter(*argv, "--json")
    assert (said.code, said.err) == (2, "")
    assert said.document == {"error": {"kind": "usage", "message": message}}


def test_bad_file_is_named_before_anything_else_is_tried(starter: Starter) -> None:
    Path("bad.yaml").write_text("consent: maybe\n")
    said = starter("candidacy", "declare", REFERENCE, "bad.yaml", "--json")
    assert said.code == 2
    problems = [
        {"file": "bad.yaml", "line": 1, "field": "consent", "rule": "must be true or false"},
        {"file": "bad.yaml", "line": 1, "field": "answers", "rule": "is missing"},
    ]
    assert said.document == {
        "error": {
            "kind": "bad-input",
            "message": "2 problems; the first: bad.yaml:1: consent: must be true or false",
            "problems": problems,
        }
    }
    told = starter("candidacy", "declare", REFERENCE, "bad.yaml")
    assert told.err == (
        "bad input: bad.yaml:1: consent: must be true or false\nbad input: bad.yaml:1: answers: is missing\n"
    )


def test_wrong_setting_is_named(starter: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_ANSWER_TIMEOUT", "0")
    said = starter("candidacy", "list")
    assert said.code == 2
    assert said.err.startswith("setting: DESK_ANSWER_TIMEOUT: ")


@dataclass
class DeskOnPaper:
    """A desk with one candidacy, which writes down what it is told to do; or fails at every turn."""

    case_state: CandidacyState = field(default_factory=a_case)
    failure: Exception | None = None
    acts: list[tuple[str, Act, Model]] = field(default_factory=list)

    async def case(self, reference: str) -> CaseFile:
        row = CaseRow(
            reference=reference,
            kind=CaseKind.CANDIDACY,
            session="2026",
            stage=self.case_state.stage,
            ended=False,
            seat="general",
            deadline=None,
            seq=1,
            workflow_id=self.case_state.workflow_id,
            opened=NOMINATED_AT,
            changed=NOMINATED_AT,
            troubled_letters=0,
        )
        return CaseFile(row=row, state=self.case_state.model_dump(mode="json"), letters=())

    async def act(self, reference: str, act: Act, content: Model) -> Taken:
        if self.failure is not None:
            raise self.failure
        self.acts.append((reference, act, content))
        receipt = Receipt(reference=reference, seq=2, act=act, stage="vetting", at=NOMINATED_AT, letters=1)
        return Taken(receipt=receipt, fresh=True)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> DeskOnPaper:
    paper = DeskOnPaper()

    async def open_(call: Call) -> DeskOnPaper:
        return paper

    monkeypatch.setattr(Call, "desk", open_)
    return paper


def test_declaration_by_options_answers_each_criterion(starter: Starter, desk: DeskOnPaper) -> None:
    said = starter("candidacy", "declare", REFERENCE, "--consent", "--no", "opposes-war", "--received", "by post")
    assert (said.code, said.out) == (0, f"{REFERENCE}: declaration recorded (step 2). It is vetting. Letters: 1.\n")
    answers = [{"criterion": "shares-values", "affirmed": True}, {"criterion": "opposes-war", "affirmed": False}]
    declaration = Declaration.model_validate({"consent": True, "answers": answers, "received": "by post"})
    assert desk.acts == [(REFERENCE, Act.DECLARE, declaration)]


def test_declaration_by_options_names_a_criterion_that_is_none(starter: Starter, desk: DeskOnPaper) -> None:
    said = starter("candidacy", "declare", REFERENCE, "--consent", "--no", "valuess")
    assert said.code == 2
    assert said.err == (
        "usage: Invalid value for '--no': valuess is no criterion of this session; "
        "they are shares-values, opposes-war\n"
    )
    assert desk.acts == []


def test_assessment_by_options_finds_each_criterion_clear(starter: Starter, desk: DeskOnPaper) -> None:
    assert starter("candidacy", "assess", REFERENCE, "--all-clear", "--reason", "Read the file").code == 0
    findings = [{"criterion": key, "judgement": "clear", "reason": "Read the file"} for key in criteria().keys]
    assert desk.acts == [(REFERENCE, Act.ASSESS, Assessment.model_validate({"findings": findings}))]


def test_receipt_is_one_document(starter: Starter, desk: DeskOnPaper) -> None:
    said = starter("candidacy", "decline", REFERENCE, "--reason", "No time", "--json")
    assert said.code == 0
    assert said.document == {
        "fresh": True,
        "reference": REFERENCE,
        "seq": 2,
        "act": "decline",
        "stage": "vetting",
        "at": "2025-12-01T10:00:00Z",
        "deadline": None,
        "letters": 1,
        "details": {},
    }


@dataclass(frozen=True)
class RegisterOnPaper:
    """A register of which a letter was under way when it was lost."""

    async def rebuild_ledger(self) -> Rebuilding:
        return Rebuilding(cases=3, steps=1, letters=2, unknown=(f"{REFERENCE}.1.2",))


def test_rebuilding_names_the_letters_that_wait_for_a_person(starter: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    async def open_(call: Call) -> RegisterOnPaper:
        return RegisterOnPaper()

    monkeypatch.setattr(Call, "desk", open_)
    said = starter("ledger", "rebuild")
    assert (said.code, said.out) == (
        0,
        "Workflows read: 3. Written again: 1 step, 2 letters, 0 other commands, 0 erasures.\n"
        f"Unknown now, for `starter letter settle`: {REFERENCE}.1.2\n",
    )
    assert starter("ledger", "rebuild", "--json").document == {
        "cases": 3, "steps": 1, "letters": 2, "commands": 0, "erasures": 0, "unknown": [f"{REFERENCE}.1.2"],
        "refused": [], "held": [], "lost": [], "since": None,
    }  # fmt: skip


def test_rebuilding_names_what_is_held_back_and_what_is_not_written_again(
    starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(RegisterOnPaper):
        async def rebuild_ledger(self) -> Rebuilding:
            done = await super().rebuild_ledger()
            return done.model_copy(update={"held": (REFERENCE,), "lost": ("O-3",), "refused": ("list/L-2026-1",)})

    async def open_(call: Call) -> Forgetful:
        return Forgetful()

    monkeypatch.setattr(Call, "desk", open_)
    said = starter("ledger", "rebuild")
    assert (said.code, said.err) == (3, "refused (ledger-incomplete): 2 remembered and not written again\n")
    assert said.out.splitlines()[2:] == [
        f"Held back from erasure until `starter candidacy retain` says otherwise: {REFERENCE}",
        "Remembered and not taken (`starter ledger incidents` says why): list/L-2026-1",
        "Erased, or no interest in it is known any more: O-3",
    ]


FAILURES: list[tuple[Exception, int, dict[str, Any]]] = [
    (
        Refused("it has ended", rule="case-ended", refusal="NotAtThisStage"),
        3,
        {"kind": "refused", "rule": "case-ended", "message": "it has ended"},
    ),
    (
        OutOfTime("too late", rule="answer-limit"),
        3,
        {"kind": "refused", "rule": "answer-limit", "message": "too late"},
    ),
    (NoSuchCase("there is none"), 4, {"kind": "no-such-case", "message": "there is none"}),
    (PartUnreachable("away"), 5, {"kind": "unreachable", "message": "away"}),
    (OutcomeUnknown("no answer"), 5, {"kind": "outcome-unknown", "message": "no answer"}),
    (
        TemporalUnreachable("localhost:7233"),
        5,
        {"kind": "unreachable", "message": "Temporal does not answer at localhost:7233; `starter stack up` starts it"},
    ),
    (WrongSetting("DESK_HOME: wrong"), 2, {"kind": "setting", "message": "DESK_HOME: wrong"}),
]


@pytest.mark.parametrize(("error", "code", "document"), FAILURES, ids=lambda value: type(value).__name__)
def test_failure_has_its_code_and_its_document(
    starter: Starter, desk: DeskOnPaper, error: Exception, code: int, document: dict[str, Any]
) -> None:
    desk.failure = error
    argv = ("candidacy", "decline", REFERENCE, "--reason", "x")
    said = starter(*argv, "--json")
    assert (said.code, said.document, said.err) == (code, {"error": document}, "")
    told = starter(*argv)
    kind = document["kind"].replace("-", " ")
    rule = f" ({document['rule']})" if "rule" in document else ""
    assert (told.code, told.out, told.err) == (code, "", f"{kind}{rule}: {document['message']}\n")


def test_defect_is_one_line_without_what_a_person_wrote(starter: Starter, desk: DeskOnPaper) -> None:
    desk.failure = KeyError("Ada Example")
    argv = ("candidacy", "decline", REFERENCE, "--reason", "Ada Example")
    said = starter(*argv)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("defect: KeyError at test_command_line.py:")
    assert said.err.endswith("; please report it\n")
    assert said.err.count("\n") == 1
    debugged = starter(*argv, "--debug")
    assert "in decline" in debugged.err
    assert "Ada Example" not in debugged.err
    assert starter(*argv, "--json").document["error"]["kind"] == "defect"


def test_keyboard_stops_a_command_with_code_130(starter: Starter, desk: DeskOnPaper) -> None:
    desk.failure = KeyboardInterrupt()  # type: ignore[assignment]
    said = starter("candidacy", "decline", REFERENCE, "--reason", "x")
    assert (said.code, said.err) == (130, "interrupted: stopped by the keyboard\n")


def test_bare_command_shows_its_help_and_counts_as_a_usage_error(starter: Starter) -> None:
    for argv in ([], ["candidacy"]):
        said = starter(*argv)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("Usage: starter")
    assert starter("--json").document["error"]["kind"] == "usage"
    assert starter("candidacy", "--json").document["error"]["kind"] == "usage"


def test_reader_who_goes_away_is_no_error(home: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m starter completion bash | true; echo ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=False,
        cwd=Path(cli.__file__).parent.parent,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_output_that_cannot_be_written_is_said(home: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m starter officer powers --json > /dev/full",
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=False,
        cwd=Path(cli.__file__).parent.parent,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        5,
        "unreachable: it was done, and the answer cannot be written: No space left on device\n",
    )


def test_argument_that_is_no_text_is_an_error_like_any_other(home: Path) -> None:
    argv = [sys.executable.encode(), b"-m", b"starter", b"--json", b"caf\xe9"]
    done = subprocess.run(argv, capture_output=True, check=False, cwd=Path(cli.__file__).parent.parent)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["message"].startswith("No such command 'caf\\udce9'")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed_for_each_shell(starter: Starter, shell: str) -> None:
    assert "_STARTER_COMPLETE" in starter("completion", shell).out
    assert starter("completion", shell, "--json").document["shell"] == shell


def test_completion_knows_nouns_and_verbs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("_STARTER_COMPLETE", "bash_complete")
    for words, completed in (
        ("starter cand", ["plain,candidacy"]),
        ("starter candidacy wi", ["plain,withdraw"]),
        ("starter candidacy list --seat r", ["plain,reserved"]),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        assert run([]) == 0
        assert capsys.readouterr().out.splitlines() == completed


def test_stack_passes_output_and_exit_code_on(
    starter: Starter, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def spawned(command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        asked.append(command[1:])
        return subprocess.CompletedProcess(command, 5)

    monkeypatch.setattr(subprocess, "run", spawned)
    assert starter("stack", "up", "--no-ui", "--home", str(tmp_path)).code == 5
    assert starter("--json", "stack", "status").code == 5
    assert starter("stack", "down").code == 5
    assert asked == [
        ["-m", "worker.stack", "up", "--no-ui", "--home", str(tmp_path)],
        ["-m", "worker.stack", "status", "--json"],
        ["-m", "worker.stack", "down"],
    ]
