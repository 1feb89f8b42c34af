"""Write the ledger again from what the workflows remember, where a step of theirs is missing in it."""

from dataclasses import dataclass, field

from temporalio import activity

from activities.ports import Ledger, Memories, Renderer
from activities.record import Offices, writing
from domain.ledger import Delivery, LetterState, Memory, Rebuilding
from domain.people import Contact


@dataclass(frozen=True)
class Rebuild:
    """The ledger's other source: the histories."""

    ledger: Ledger
    memories: Memories
    renderer: Renderer
    desk: Contact
    offices: Offices = field(default_factory=dict)

    @activity.defn
    async def rebuild(self) -> Rebuilding:
        """Write every missing step, and let no letter of one go out a second time.

        A letter of which the workflows know that it went out is written as sent; one whose delivery had begun, and of
        which they do not know, becomes ``unknown``; one whose delivery had not begun is left to its workflow.
        """
        cases = steps = letters = 0
        unknown: list[str] = []
        async for memories in self.memories.remember():
            activity.heartbeat()
            cases += 1
            known = await self.ledger.known_steps(memories[0].entry.workflow_id) if memories else 0
            for memory in memories[known:]:
                restored = await self._write(memory)
                steps += 1
                letters += len(restored)
                unknown += [delivery.letter for delivery in restored if delivery.state is LetterState.UNKNOWN]
        return Rebuilding(cases=cases, steps=steps, letters=letters, unknown=tuple(unknown))

    async def _write(self, memory: Memory) -> tuple[Delivery, ...]:
        recorded = await self.ledger.record(memory.entry, writing(self.renderer, self.desk, memory.entry, self.offices))
        told = {delivery.letter: delivery for delivery in memory.deliveries}
        restored: list[Delivery] = []
        for letter in recorded.letters:
            otherwise = LetterState.UNKNOWN if memory.posted else LetterState.DRAFTED
            delivery = told.get(letter, Delivery(letter=letter, state=otherwise))
            if delivery.state is not LetterState.DRAFTED:
                await self.ledger.claim(letter)
                await self.ledger.mark(delivery)
            restored.append(delivery)
        return tuple(restored)
