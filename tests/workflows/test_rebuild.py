"""What the workflows remember, read from real histories, is enough to write the ledger again with every letter."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.testing import ActivityEnvironment

from activities.rebuild import Rebuild
from adapters.memory import TemporalMemories
from adapters.seal import Ed25519Sealer
from domain.ledger import Delivery, LetterState, Memory
from domain.memories import CaseMemory, ErasureMemory, Recalled
from domain.notices import Template
from letters.render import TemplateRenderer
from tests.builders import a_person
from tests.fakes import MemoryErasures, MemoryLedger, MemoryRetentions, StoredLetter
from tests.keys import a_keyring
from tests.officers import an_upkeep
from tests.replay.scenarios import letters_in_trouble
from tests.workflows.office import DESK, Office


@dataclass
class Remembered:
    """Memories of some cases, and of all commands since some instant."""

    cases: Sequence[Sequence[Memory]]
    begun: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    async def remember(self) -> AsyncIterator[CaseMemory]:
        for memories in self.cases:
            yield CaseMemory(memories[0].entry.workflow_id, memories)

    async def commands(self) -> Sequence[Recalled]:
        return ()

    async def erasures(self) -> Sequence[ErasureMemory]:
        return ()

    async def since(self) -> datetime:
        return self.begun


async def memories_of(office: Office) -> list[list[Memory]]:
    """What every case's workflow remembers."""
    found: list[list[Memory]] = []
    for case in office.ledger.cases.values():
        handle = office.env.client.get_workflow_handle(case.entry.workflow_id)
        first = (await handle.fetch_history()).events[0].workflow_execution_started_event_attributes
        run_id = first.original_execution_run_id
        found.append(await TemporalMemories(office.env.client).steps(handle.id, [run_id]))
    return found


def as_written(ledger: MemoryLedger) -> dict[str, tuple[object, LetterState]]:
    def text(stored: StoredLetter) -> object:
        return stored.draft.model_copy(update={"number": 0})

    return {reference: (text(stored), stored.state) for reference, stored in ledger.letters.items()}


def a_rebuild(ledger: MemoryLedger, memories: Remembered) -> Rebuild:
    return Rebuild(
        ledger,
        memories,
        MemoryErasures(a_person(), a_keyring()),
        MemoryRetentions(ledger),
        Ed25519Sealer(bytes(32)),
        TemplateRenderer(),
        DESK,
    )


async def rebuilt(ledger: MemoryLedger, cases: Sequence[Sequence[Memory]]) -> tuple[int, tuple[str, ...]]:
    """Rebuild a ledger; how many letters were written again, and which of them wait for a person."""
    done = await ActivityEnvironment().run(a_rebuild(ledger, Remembered(cases)).rebuild, an_upkeep("rebuild"))
    assert done.refused == ()
    return done.letters, done.unknown


async def test_the_desk_s_letters_about_letters_in_trouble_are_written_again(office: Office) -> None:
    await letters_in_trouble(office)
    cases = await memories_of(office)
    about = [stored for stored in office.ledger.letters.values() if stored.draft.template is Template.DESK_LETTER]
    assert len(about) == 2
    ledger = MemoryLedger()

    assert await rebuilt(ledger, cases) == (len(office.ledger.letters), ())
    assert as_written(ledger) == as_written(office.ledger)
    assert await rebuilt(ledger, cases) == (0, ())


async def test_a_ledger_of_an_earlier_day_learns_which_of_its_letters_went_out(office: Office) -> None:
    await letters_in_trouble(office)
    cases = await memories_of(office)
    ledger = MemoryLedger()
    await rebuilt(ledger, cases)
    for reference in [name for name, stored in ledger.letters.items() if stored.draft.about]:
        del ledger.letters[reference]
    sent = next(name for name, stored in ledger.letters.items() if stored.state is LetterState.SENT)
    ledger.letters[sent].state = LetterState.DRAFTED

    assert await rebuilt(ledger, cases) == (2, ())
    assert as_written(ledger) == as_written(office.ledger)
    await ledger.restore(Delivery(letter=sent, state=LetterState.UNKNOWN))
    assert ledger.letters[sent].state is LetterState.SENT
