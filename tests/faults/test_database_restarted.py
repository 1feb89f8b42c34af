"""PostgreSQL restarted while ten candidacies' steps and letters are being written."""

import asyncio
from typing import Final, NamedTuple

from adapters.embedded.postgres import EmbeddedPostgres
from tests.faults.sitting import Sitting
from tests.faults.stage import Stage, comes_to, together

SESSION: Final = "2030"


class Interrupted(NamedTuple):
    """A write that the restart interrupts: of a step, or of the letter that goes with the declaration.

    Attributes:
        letter: Whether it is about that letter and not about the case.
        what: The act, or the state the letter comes to.
        done: Whether it is done, and only the answer is lost.
    """

    letter: bool
    what: str
    done: bool


WRITES: Final = (
    Interrupted(letter=False, what="declare", done=False),
    Interrupted(letter=False, what="declare", done=True),
    Interrupted(letter=True, what="sending", done=False),
    Interrupted(letter=True, what="sent", done=False),
    Interrupted(letter=True, what="sent", done=True),
    Interrupted(letter=False, what="assess", done=False),
    Interrupted(letter=False, what="assess", done=True),
    Interrupted(letter=False, what="assess", done=True),
    Interrupted(letter=True, what="sending", done=False),
    Interrupted(letter=True, what="sent", done=False),
)


async def test_a_restart_of_the_database_amid_ten_candidacies_loses_none_of_their_steps(
    stage: Stage, postgres: EmbeddedPostgres
) -> None:
    sitting = Sitting(stage.officer, SESSION)
    await sitting.open()
    numbers = range(1, len(WRITES) + 1)
    for number in numbers:
        await sitting.nominate(number)
    await comes_to(stage.register.under_way, [])
    catches = []
    for number, write in zip(numbers, WRITES, strict=True):
        case = sitting.candidacy(number)
        catches.append(stage.to_ledger.catch(f"{case}.2.1" if write.letter else case, write.what, done=write.done))
    async with asyncio.TaskGroup() as officers:
        for number in numbers:
            officers.create_task(sitting.examine(number))
        async with asyncio.timeout(15):
            await together(*(catch.caught.wait() for catch in catches))
        await asyncio.to_thread(postgres.stop)
        await stage.to_ledger.cut()
        await asyncio.to_thread(postgres.start)

    await comes_to(stage.register.under_way, [])
    cases = [sitting.candidacy(number) for number in numbers]
    assert await stage.register.stages(cases) == ["cleared"] * len(cases)
    assert [await stage.register.acts(case) for case in cases] == [["nominate", "declare", "assess", "assess"]] * 10
    post = {"receipt": "sent", "invitation": "sent", "declared": "sent"}
    assert [await stage.register.post(case) for case in cases] == [post] * len(cases)
    await stage.holds_together()
