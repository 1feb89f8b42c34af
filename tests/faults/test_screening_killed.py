"""``kill -9`` of the worker over imports, and over the screenings that follow one.

A worker that begins anew loads what it compares names with, which takes seconds: one kill strikes several cases.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql import engine as engines
from domain.candidacy import CandidacyState
from domain.keys import key_of
from domain.screening import ListFormat, ListKind, Trust, Watchlist
from domain.watchlists import ListImport, ListVersion
from tests.faults.sitting import Sitting
from tests.faults.stage import Stage, comes_to, together

SESSION: Final = "2031"
LIST: Final = "wanted"
NUMBERS: Final = (1, 2, 3, 4)
LOADED_WITHIN: Final = 120.0
"""Seconds for a screening by a worker that was killed and begins anew."""


@dataclass(frozen=True)
class Lists:
    """The lists as they stand in the database, read past the worker, and the folder in which they are handed in."""

    engine: AsyncEngine
    folder: Path

    async def versions(self) -> list[tuple[str, int]]:
        """Every version of every list."""
        return await self._rows("SELECT list, version FROM watchlist_versions ORDER BY 1, 2")

    async def entries(self) -> list[tuple[str, int]]:
        """Every entry in force, with how often it is."""
        query = "SELECT entry, count(*) FROM watchlist_entries WHERE until IS NULL GROUP BY entry ORDER BY 1"
        return await self._rows(query)

    async def _rows(self, query: str) -> list[tuple[str, int]]:
        async with self.engine.connect() as connection:
            return [(row[0], row[1]) for row in await connection.execute(text(query))]

    def hand_in(self, lines: Sequence[str]) -> ListImport:
        """Put a list into the folder."""
        data = "\n".join(lines).encode()
        file = hashlib.sha256(data).hexdigest()
        self.folder.mkdir(exist_ok=True)
        (self.folder / file).write_bytes(data)
        whose = Watchlist(name=LIST, publisher="Somebody", trust=Trust.OFFICIAL, kind=ListKind.WANTED)
        return ListImport(watchlist=whose, file=file, source="list.json", form=ListFormat.FTM)


def entries_of(sitting: Sitting, note: str) -> list[str]:
    """A list that names every candidate."""
    people = [(number, sitting.nomination(number).candidate) for number in NUMBERS]
    return [
        json.dumps(
            {
                "id": f"{number}",
                "schema": "Person",
                "properties": {
                    "name": [f"{person.given_name} {person.family_name}"],
                    "birthDate": [person.birth_date.isoformat()],
                    "notes": [note],
                },
            }
        )
        for number, person in people
    ]


async def struck(stage: Stage, *caught: asyncio.Event) -> None:
    """Kill the worker once it has come everywhere it comes no further."""
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in caught)), timeout=60)
    await stage.kill_worker()


@pytest.mark.timeout(300)
async def test_a_worker_killed_over_lists_leaves_nothing_half_visible_and_does_nothing_twice(
    stage: Stage, database: str, tmp_path: Path
) -> None:
    engine = engines.create(database, pool=2)
    lists, sitting, register = Lists(engine, tmp_path / "watchlists"), Sitting(stage.officer, SESSION), stage.register
    cases = [sitting.candidacy(number) for number in NUMBERS]
    await sitting.open()
    for number in NUMBERS:
        await sitting.nominate(number)

    async def imported(note: str) -> ListVersion:
        return await stage.officer().import_list(lists.hand_in(entries_of(sitting, note)))

    async def screens() -> list[int]:
        return [(await register.acts(case)).count("screen") for case in cases]

    async with asyncio.TaskGroup() as officers:
        # Before the import is written: nothing of it is there.
        first = officers.create_task(imported("first"))
        await struck(stage, stage.to_ledger.catch(LIST, done=False).caught)
        assert (await lists.versions(), await lists.entries()) == ([], [])
        await stage.worker.start()
        assert (await first).entries == len(NUMBERS)
        assert await lists.versions() == [(LIST, 1)]

        await together(*(sitting.declare(number) for number in NUMBERS))
        await comes_to(screens, [1] * len(NUMBERS), within=LOADED_WITHIN)

        # In the middle of the re-screening that follows an import: one candidacy is being compared, what was found of
        # another is about to be written, that of a third is written and the worker does not hear so, a fourth has it.
        second = officers.create_task(imported("second"))
        at = (
            stage.to_ledger.catch(key_of(sitting.workflow_id(1)), "written", done=False),
            stage.to_ledger.catch(cases[1], "screen", done=False),
            stage.to_ledger.catch(cases[2], "screen", done=True),
        )
        await struck(stage, *(catch.caught for catch in at))
        await stage.worker.start()
        assert (await second).version == 2
        await comes_to(screens, [2] * len(NUMBERS), within=LOADED_WITHIN)
        await lists_and_cases_agree(lists, stage, version=2)

        # After an import is written, and before the worker hears so.
        third = officers.create_task(imported("third"))
        await struck(stage, stage.to_ledger.catch(LIST, done=True).caught)
        assert await lists.versions() == [(LIST, 1), (LIST, 2), (LIST, 3)]
        await stage.worker.start()
        assert (await third).version == 3
    assert await lists.versions() == [(LIST, 1), (LIST, 2), (LIST, 3)]
    await engine.dispose()
    await stage.holds_together()


async def lists_and_cases_agree(lists: Lists, stage: Stage, *, version: int) -> None:
    """Every entry is there once, and every case has the one hit on its person as the list has it by now."""
    assert await lists.entries() == [(f"{number}", 1) for number in NUMBERS]
    for reference, state in (await stage.register.open_cases()).items():
        if isinstance(state, CandidacyState):
            assert state.file is not None
            (hit,) = state.file.hits
            assert (hit.entry, hit.version) == (reference[-1], version)
