"""Letters while the mail server is away, refuses an address, or takes its time."""

import asyncio

from domain.candidacy import Act, Correction, Reason
from domain.ledger import LetterState, Settlement, SettlementHow
from domain.lists import RatificationOutcome
from domain.notices import Role, Template
from tests.faults.sitting import Sitting, an_address
from tests.faults.stage import Stage, comes_to

SESSION = "2030"
DESK = "desk@example.org"


async def test_an_outage_of_the_mail_server_holds_up_letters_and_not_the_procedure(stage: Stage) -> None:
    sitting = Sitting(stage.officer, SESSION)
    await sitting.open()
    await stage.mail.down()
    for number in (1, 2, 3):
        await sitting.nominate(number)
    await sitting.declare(2)
    await sitting.examine(3)
    await sitting.draft((3,))
    await sitting.propose((3,))
    await comes_to(lambda: stage.register.stage(sitting.candidacy(3)), "proposed")
    await sitting.decide((3,))
    await sitting.ratify((3,))
    await comes_to(lambda: stage.register.stage(sitting.candidacy(3)), "participant")
    stages = [await stage.register.stage(sitting.candidacy(number)) for number in (1, 2, 3)]
    assert (stages, stage.mail.received) == (["nominated", "vetting", "participant"], [])

    await stage.mail.up()
    await comes_to(stage.register.under_way, [])
    overtaken = dict.fromkeys(("invitation", "declared", "approved"), "withdrawn")
    assert [await stage.register.post(sitting.candidacy(number)) for number in (1, 2, 3)] == [
        {"receipt": "sent", "invitation": "sent"},
        {"receipt": "sent", "invitation": "withdrawn", "declared": "sent"},
        {"receipt": "sent", **overtaken, "participation": "sent"},
    ]
    await stage.holds_together()


async def test_one_dead_address_among_fifteen_keeps_no_other_letter_back(stage: Stage) -> None:
    sitting = Sitting(stage.officer, SESSION)
    await sitting.open()
    dead, better = an_address(SESSION, 15), "better@example.org"
    stage.mail.dead.add(dead)
    for number in range(1, 16):
        await sitting.nominate(number)
    case = sitting.candidacy(15)
    letter = f"{case}.1.2"
    refused = {"receipt": "sent", "invitation": "refused", "desk_letter": "sent"}
    await comes_to(lambda: stage.register.post(case), refused)
    await comes_to(stage.register.under_way, [])
    posted = [len(stage.mail.to(an_address(SESSION, number))) for number in range(1, 16)]
    assert posted == [1] * 14 + [0]
    assert len(stage.mail.to(DESK)) == 1

    await sitting.act(15, Act.CORRECT, Correction(role=Role.CANDIDATE, email=better, reason="By telephone."))
    await sitting.declare(15)
    await comes_to(lambda: stage.register.post(case), refused | {"declared": "sent"})
    assert await stage.register.stage(case) == "vetting"
    again = Settlement(how=SettlementHow.RESEND, email=better, reason="By telephone.")
    assert await stage.officer().settle_letter(letter, again) is LetterState.RELEASED
    await comes_to(lambda: stage.register.post(case), refused | {"declared": "sent", "invitation": "sent"})

    ids = {str(letter.template): letter.message_id for letter in await stage.register.letters(case)}
    assert stage.mail.to(better) == [ids[Template.DECLARED], ids[Template.INVITATION]]
    assert stage.mail.to(dead) == []
    await stage.holds_together()


async def test_whoever_was_approved_and_then_was_not_gets_one_letter_and_the_right_one(stage: Stage) -> None:
    sitting = Sitting(stage.officer, SESSION)
    await sitting.open()
    seated = (1, 2)
    for number in seated:
        await sitting.nominate(number)
    # A declaration that came before its invitation was out would overtake it.
    await comes_to(stage.register.under_way, [])
    for number in seated:
        await sitting.examine(number)
    await sitting.draft(seated)
    await sitting.propose(seated)
    cases = [sitting.candidacy(number) for number in seated]
    await comes_to(lambda: stage.register.stages(cases), ["proposed", "proposed"])
    await comes_to(stage.register.under_way, [])
    before = {number: stage.mail.to(an_address(SESSION, number)) for number in seated}

    await stage.mail.down()
    await sitting.decide(seated)
    await comes_to(lambda: stage.register.stages(cases), ["approved", "approved"])
    await sitting.act(1, Act.WITHDRAW, Reason(reason="Another post."))
    await sitting.ratify(seated, RatificationOutcome.REFUSED)
    await comes_to(lambda: stage.register.stage(sitting.candidacy(2)), "cleared")
    await stage.mail.up()
    await comes_to(stage.register.under_way, [])

    for number, right in ((1, "withdrawn"), (2, "ratification_refused")):
        post = await stage.register.post(sitting.candidacy(number))
        assert post == {
            "receipt": "sent",
            "invitation": "sent",
            "declared": "sent",
            "approved": "withdrawn",
            right: "sent",
        }
        ids = {
            str(letter.template): letter.message_id
            for letter in await stage.register.letters(sitting.candidacy(number))
        }
        assert stage.mail.to(an_address(SESSION, number)) == [*before[number], ids[Template(right)]]
    await stage.holds_together()


async def test_a_worker_that_is_asked_to_stop_finishes_the_letter_it_is_sending(stage: Stage) -> None:
    sitting = Sitting(stage.officer, SESSION)
    await sitting.open()
    delay = stage.mail.delay(an_address(SESSION, 1))
    await sitting.nominate()
    await delay.taken.wait()
    stopping = asyncio.create_task(stage.worker.stop())
    await comes_to(lambda: _says(stage, "worker stopping"), True)
    await asyncio.sleep(0.5)
    assert not stopping.done()
    assert await stage.register.post(sitting.candidacy()) == {"receipt": "sent", "invitation": "sending"}

    delay.answered.set()
    await stopping
    assert await stage.worker.ended() == "exit code 0"
    assert await stage.register.post(sitting.candidacy()) == {"receipt": "sent", "invitation": "sent"}
    await stage.worker.start()
    await stage.holds_together()


async def _says(stage: Stage, words: str) -> bool:
    return words in stage.worker.output()
