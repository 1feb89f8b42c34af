"""Temporal's database is lost in the middle of the work, and the register starts everything again."""

import asyncio
from pathlib import Path
from typing import Any, Final

from domain import candidacy, lists
from domain.candidacy import Act, InformationRequest, Reason
from domain.ledger import LetterState, Recovery
from domain.session import SessionState
from tests.faults.sitting import Sitting, an_address
from tests.faults.stage import Stage, comes_to
from tests.faults.story import Step, Story
from worker.parts import ProcessPart

SESSION: Final = "2030"
SEATED: Final = (4, 5, 6)
DEFERRED, IN_FLIGHT, WITHDRAWN = 7, 8, 9


async def test_every_open_case_starts_again_where_it_stood_and_no_letter_goes_out_twice(
    stage_on_disk: Stage, temporal_on_disk: ProcessPart, tmp_path: Path
) -> None:
    stage, register = stage_on_disk, stage_on_disk.register
    participant = Story(stage, "2031")
    await participant.open()
    await participant.until(Step.RATIFY)
    await participant.take(Step.RATIFY)
    sitting = Sitting(stage.officer, SESSION)
    await at_every_stage(stage, sitting)

    # Nobody delivers the letters of those who have heard the decision by the time the worker is killed.
    approved = [f"{sitting.candidacy(number)}.6.1" for number in SEATED]
    for letter in approved:
        stage.to_ledger.catch(letter, "sending", done=False)
    not_told = stage.to_ledger.catch(sitting.candidacy(SEATED[-1]), "approve", done=False)
    officer = asyncio.create_task(sitting.decide(SEATED))
    told = [sitting.candidacy(number) for number in SEATED[:-1]]
    await comes_to(lambda: register.stages(told), ["approved", "approved"])
    await not_told.caught.wait()
    await stage.kill_worker()
    await temporal_on_disk.stop()
    lose(tmp_path / "temporal")

    rows, letters = await register.cases(), await register.letters()
    unsent = [letter.reference for letter in letters if letter.state not in {LetterState.SENT, LetterState.WITHDRAWN}]
    deferred, in_flight = f"{sitting.candidacy(DEFERRED)}.2.1", f"{sitting.candidacy(IN_FLIGHT)}.1.2"
    assert unsent == [*approved[:-1], deferred, in_flight]
    await temporal_on_disk.start()
    await stage.worker.start()
    recovered = await stage.officer().recover_ledger()
    open_cases = {row.reference for row in rows if not row.ended}
    assert (set(recovered.restarted), recovered.running, list(recovered.letters)) == (open_cases, (), unsent)
    # The case that had not heard the decision hears it; every other one stands where it stood.
    late = sitting.candidacy(SEATED[-1])
    before = {row.reference: (row.stage, row.deadline) for row in rows if not row.ended and row.reference != late}
    assert await as_they_run(stage, before) == before
    await comes_to(lambda: register.stage(late), "approved")
    await officer

    stage.mail.busy.clear()
    await comes_to(register.under_way, [])
    assert await register.post(sitting.candidacy(IN_FLIGHT)) == {
        "receipt": "sent",
        "invitation": "unknown",
        "desk_letter": "sent",
    }
    posted = await post(stage)
    assert [posted[letter] for letter in (*approved, deferred)] == ["sent"] * 4
    await stage.holds_together(unknown=[in_flight])
    await nothing_is_left_to_recover(stage)

    for number in SEATED:
        assert await register.acts(sitting.candidacy(number)) == [
            *("nominate", "declare", "assess", "assess"),
            *("propose", "approve"),
        ]
    await sitting.ratify(SEATED)
    await comes_to(lambda: register.stages([sitting.candidacy(number) for number in SEATED]), ["participant"] * 3)
    await comes_to(register.under_way, [])
    await stage.holds_together(unknown=[in_flight])


async def test_recovering_a_register_at_work_changes_nothing(stage: Stage) -> None:
    sitting = Sitting(stage.officer, SESSION)
    await sitting.open()
    for number in (1, 2, 3):
        await sitting.nominate(number)
    await comes_to(stage.register.under_way, [])
    # One letter waits to be tried again, one is with the mail server, and so is the last of a case that has ended.
    stage.mail.busy.add(an_address(SESSION, 1))
    in_flight = [stage.mail.delay(an_address(SESSION, number)) for number in (2, 3)]
    await sitting.declare(1)
    await sitting.declare(2)
    await sitting.act(3, Act.WITHDRAW, Reason(reason="Another post."))
    for delay in in_flight:
        await delay.taken.wait()
    await comes_to(lambda: stage.register.post(sitting.candidacy(1)), DEFERRED_POST)

    await nothing_is_left_to_recover(stage)

    stage.mail.busy.clear()
    for delay in in_flight:
        delay.answered.set()
    await comes_to(stage.register.under_way, [])
    await stage.holds_together()


DEFERRED_POST: Final = {"receipt": "sent", "invitation": "sent", "declared": "released"}


async def at_every_stage(stage: Stage, sitting: Sitting) -> None:
    """Bring nine candidacies to stages of their own, two of them with a letter that is not out."""
    await sitting.open()
    for number in range(1, 8):
        await sitting.nominate(number)
    await sitting.declare(2)
    await sitting.declare(3)
    await sitting.act(3, Act.REQUEST_INFORMATION, InformationRequest(question="Where were you in 2015?"))
    for number in SEATED:
        await sitting.examine(number)
    await sitting.draft(SEATED)
    await sitting.propose(SEATED)
    seated = [sitting.candidacy(number) for number in SEATED]
    await comes_to(lambda: stage.register.stages(seated), ["proposed"] * len(SEATED))
    await comes_to(stage.register.under_way, [])

    stage.mail.busy.add(an_address(SESSION, DEFERRED))
    await sitting.declare(DEFERRED)
    await comes_to(lambda: stage.register.post(sitting.candidacy(DEFERRED)), DEFERRED_POST)
    delay = stage.mail.delay(an_address(SESSION, IN_FLIGHT))
    await sitting.nominate(IN_FLIGHT)
    await delay.taken.wait()
    await sitting.nominate(WITHDRAWN)
    await sitting.act(WITHDRAWN, Act.WITHDRAW, Reason(reason="Another post."))
    await comes_to(lambda: stage.register.under_way(sitting.candidacy(WITHDRAWN)), [])


def lose(folder: Path) -> None:
    """Delete Temporal's database."""
    for file in folder.iterdir():
        file.unlink()


async def as_they_run(stage: Stage, cases: dict[str, Any]) -> dict[str, Any]:
    """Stage and deadline of cases whose workflows stand in every part where the register has them."""
    found: dict[str, Any] = {}
    for reference, state in (await stage.register.open_cases()).items():
        if reference not in cases:
            continue
        running = await stage.client.get_workflow_handle(state.workflow_id).query(
            "imprints", result_type=dict[str, str]
        )
        assert running == state.imprints
        match state:
            case candidacy.CandidacyState():
                found[reference] = (state.stage, candidacy.deadline(state))
            case lists.ListState():
                found[reference] = (state.stage, lists.deadline(state))
            case SessionState():
                found[reference] = (state.stage, state.terms.closing)
    return found


async def post(stage: Stage) -> dict[str, str]:
    """What became of every letter so far; one that is tried again is now claimed and now not."""
    trying = {LetterState.RELEASED, LetterState.SENDING}
    letters = await stage.register.letters()
    return {letter.reference: "under way" if letter.state in trying else letter.state for letter in letters}


async def nothing_is_left_to_recover(stage: Stage) -> None:
    """Recovering changes nothing."""
    cases = await stage.register.cases()
    steps = [await stage.register.steps(case.reference) for case in cases]
    letters = await post(stage)
    again = await stage.officer().recover_ledger()
    assert again == Recovery(restarted=(), running=again.running, letters=())
    assert sorted(again.running) == sorted(case.reference for case in cases if not case.ended)
    assert await stage.register.cases() == cases
    assert [await stage.register.steps(case.reference) for case in cases] == steps
    assert await post(stage) == letters
