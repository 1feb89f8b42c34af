"""The same person nominated by many at one moment, and many people nominated while the worker dies."""

import asyncio
import gc
from collections import Counter
from typing import Final

import pytest

from domain.ids import candidacy_reference
from starter.batch import Batch, Outcome
from starter.files import Row
from tests.builders import a_nomination
from tests.faults.sitting import Sitting
from tests.faults.stage import Stage, comes_to

SESSION: Final = "2030"
SPELLINGS: Final = (
    ("Пётр", "Вымышленный"),
    ("Петр", "ВЫМЫШЛЕННЫЙ"),
    ("Pyotr", "Vymyshlennyy"),
    ("Petr", "Vymyshlennyi"),
    ("Piotr", "Vymyshlenny"),
    ("Pjotr", "Wymyschlennyj"),
    ("Pëtr", "Vymyšlennyj"),
    ("Vymyshlenny", "Pyotr"),
    ("PETR", "VYMYSHLENNYY"),
    ("Piotr", "Vymychlenny"),
)


async def test_one_person_nominated_by_ten_officers_at_once_is_one_case(stage: Stage) -> None:
    sitting = Sitting(stage.officer, SESSION)
    await sitting.open()
    taken = await asyncio.gather(
        *(
            stage.officer(number).nominate(sitting.opened, a_nomination(given_name=given, family_name=family))
            for number, (given, family) in enumerate(SPELLINGS, 1)
        )
    )
    assert {each.receipt.reference for each in taken} == {sitting.candidacy()}
    assert [each.fresh for each in taken].count(True) == 1
    await comes_to(stage.register.under_way, [])

    references = [row.reference for row in await stage.register.cases()]
    assert references == [SESSION, sitting.candidacy()]
    assert await stage.register.acts(sitting.candidacy()) == ["nominate"]
    assert len(stage.mail.to("nominator@example.org")) == 1
    assert len(stage.mail.to("candidate@example.org")) == 1
    await stage.holds_together()


async def test_fifty_nominations_while_the_worker_is_killed_are_all_there_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    sitting = Sitting(stage.officer, SESSION)
    await sitting.open()
    numbers = range(1, 51)
    rows = [Row(source=f"line {number}", nomination=sitting.nomination(number)) for number in numbers]
    desk = stage.officer(patience=4.0)

    async def hand_in() -> Batch:
        batch = Batch(rows)
        await batch.send(lambda nomination: desk.nominate(sitting.opened, nomination))
        return batch

    async with asyncio.TaskGroup() as officers:
        first = officers.create_task(hand_in())
        await comes_to(lambda: _is_there(stage, sitting.candidacy(20)), True)
        in_flight = await stage.kill_worker()
    outcomes = Counter(result.outcome for result in first.result().results)
    assert outcomes.keys() == {Outcome.NOMINATED, Outcome.UNKNOWN, Outcome.NOT_SENT}
    assert (outcomes[Outcome.NOMINATED] >= 19, outcomes[Outcome.UNKNOWN]) == (True, 1)
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []

    await stage.worker.start()
    again = await hand_in()
    while again.stopped is not None:
        again = await hand_in()
    await comes_to(stage.register.under_way, [])
    assert [result.reference for result in again.results] == [candidacy_reference(SESSION, n) for n in numbers]
    there = [row.reference for row in await stage.register.cases()]
    assert there == [SESSION, *(candidacy_reference(SESSION, number) for number in numbers)]
    await stage.holds_together(unknown=in_flight)


async def _is_there(stage: Stage, case: str) -> bool:
    return bool(await stage.register.steps(case))
