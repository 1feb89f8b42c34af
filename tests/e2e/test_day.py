"""What an officer meets every day: tables, what is overdue, completion, and a process that ends as it should."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from tests.e2e.terminal import Terminal, a_row, a_session, day


def test_case_reads_like_a_file_of_the_desk(terminal: Terminal) -> None:
    session = "2026H"
    reference = f"C-{session}-0001"
    plan = terminal.write("plan.yaml", a_session(session))
    table = terminal.write("people.csv", [a_row("Пётр", "Вымышленный", "reserved")])
    assert terminal.read("session", "open", plan).startswith(f"{session}: opened (step 1). It is open.")
    assert terminal.read("candidacy", "nominate", table, "--session", session).endswith("\nDone: 1 nominated.\n")
    assert terminal.read("candidacy", "declare", reference, "--consent", "--all-yes").startswith(
        f"{reference}: declaration recorded (step 2). It is vetting. Letters: 1. Next: "
    )
    shown = terminal.read("candidacy", "show", reference)
    assert "\n  candidate     Пётр Вымышленный\n" in shown
    assert "\nTo come, if nobody acts\n" in shown
    coming = shown.split("To come, if nobody acts\n")[1].split("Letters (")[0]
    assert [line.split("│")[2].strip() for line in coming.splitlines() if line.startswith("│")] == [
        "remind",
        "remind",
        "escalate",
        "expire",
    ]
    listed = terminal.read("candidacy", "list", "--session", session).splitlines()
    assert listed[0] == "Candidacies (1)"
    assert [cell.strip() for cell in listed[-2].split("│")[1:4]] == [reference, "vetting", "reserved"]
    timeline = [line for line in terminal.read("candidacy", "timeline", reference).splitlines() if line[0] == "│"]
    assert [[cell.strip() for cell in line.split("│")[3:6]] for line in timeline] == [
        ["nominate", "O-1", "nominated"],
        ["declare", "O-1", "vetting"],
    ]


def test_part_sessions_are_amended(terminal: Terminal) -> None:
    session = "2026J"
    terminal.open(session)
    spans = [f"{day(first)}..{day(first + 4)}" for first in (10, 90)]
    options = [word for span in spans for word in ("--part-session", span)]
    terminal.ask("session", "amend", session, *options, "--reason", "The Bureau set them.")
    parts = terminal.ask("session", "show", session)["session"]["part_sessions"]
    assert [f"{part['opens']}..{part['closes']}" for part in parts] == spans


def test_overdue_lists_what_the_sessions_own_calendar_has_passed(terminal: Terminal) -> None:
    session = "2026K"
    now = datetime.now(UTC)
    # Two days a second: the vetting that should take two of them is overdue as soon as the next working day is over.
    clock = {"policy": "compressed", "started": now.isoformat(), "origin": now.isoformat(), "speed": 2 * 86400}
    terminal.open(
        session,
        closes=day(790),
        nominations_close=day(200),
        bureau_meets=day(210),
        clock=clock,
        limits={"answer": {"days": 200}, "vetting": {"days": 2}, "escalation_every": 365},
    )
    vetting, nominated = terminal.nominate(session, a_row("Ada", "Example"), a_row("Max", "Fictive"))
    terminal.declare(vetting)
    limit = time.monotonic() + 20
    while not (overdue := terminal.cases(session, "--overdue")):
        assert time.monotonic() < limit
    assert [(row["reference"], row["stage"]) for row in overdue.values()] == [(vetting, "vetting")]
    for reference in (vetting, nominated):
        terminal.act("withdraw", reference, "--reason", "The calendar runs too fast.")


def test_shell_completes_a_command_line(terminal: Terminal) -> None:
    script = terminal.read("completion", "bash")
    assert "COMP_CWORD=$COMP_CWORD _STARTER_COMPLETE=bash_complete $1" in script
    asked = {"_STARTER_COMPLETE": "bash_complete", "COMP_WORDS": "starter cand", "COMP_CWORD": "1"}
    said = terminal.say_anew(settings=asked)
    assert (said.code, said.out, said.err) == (0, "plain,candidacy\n", "")


def test_process_ends_with_all_of_its_answer_and_its_exit_code_every_time(terminal: Terminal) -> None:
    # A few at a time: they wait for the server more than for the processor.
    with ThreadPoolExecutor(4) as pool:
        ended = list(
            pool.map(lambda _: terminal.say_anew("candidacy", "list", "--session", "1999", "--json"), range(20))
        )
    assert {(said.code, said.out, said.err) for said in ended} == {(0, '{\n  "candidacies": []\n}\n', "")}
