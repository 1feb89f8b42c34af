"""Write the ledger again from what the workflows remember, where a step of theirs is missing in it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from temporalio import activity

from activities.authority import attempt, command, guarded
from activities.ports import Ledger, Memories, Renderer
from activities.post import about_trouble
from activities.record import Offices, writing
from domain.authority import REGISTER, Upkeep, incident_of, power_of, presented
from domain.envelope import Envelope
from domain.errors import Erased, Refusal, UnfoundedWord
from domain.ledger import Delivery, LetterState, Memory, Rebuilding
from domain.people import Contact


@dataclass
class _Work:
    """What was done so far."""

    cases: int = 0
    steps: int = 0
    letters: int = 0
    unknown: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Rebuild:
    """The ledger's other source: the histories."""

    ledger: Ledger
    memories: Memories
    renderer: Renderer
    desk: Contact
    offices: Offices = field(default_factory=dict)

    @activity.defn
    async def rebuild(self, envelope: Envelope[Upkeep]) -> Rebuilding:
        """Write every missing step and letter, and let no letter go out a second time.

        A letter of which the workflows know that it went out is written as sent; one whose delivery had begun, and of
        which they do not know, becomes ``unknown``; one whose delivery had not begun is left to its workflow.

        A history is no more believed than a workflow: every step is judged as it was when it was taken, and a case goes
        no further than the first that the ledger does not take.

        Raises:
            ApplicationError: The refusal.
        """
        shown = presented(envelope, "ledger.rebuild", REGISTER)
        async with guarded(self.ledger, power=shown.power, place=REGISTER, signed=shown.signed):
            await self.ledger.authorise(command(shown))
        work = _Work()
        unsent = frozenset(letter for letter, _ in await self.ledger.unsent_letters())
        waiting: list[Sequence[Memory]] = []
        async for memories in self.memories.remember():
            work.cases += 1
            known = await self.ledger.known_steps(memories[0].entry.workflow_id) if memories else 0
            await self._catch_up(memories[:known], unsent, work)
            waiting += await self._follow(memories[known:], work)
        # Word of another case is taken once that case's own step stands; some cases wait for each other more than once.
        left = 0
        while left != (left := sum(map(len, waiting))):
            waiting = [rest for memories in waiting for rest in await self._follow(memories, work)]
        return Rebuilding(
            cases=work.cases,
            steps=work.steps,
            letters=work.letters,
            unknown=tuple(work.unknown),
            refused=tuple(sorted({rest[0].entry.workflow_id for rest in waiting} | work.refused)),
        )

    async def _follow(self, memories: Sequence[Memory], work: _Work) -> list[Sequence[Memory]]:
        """Write a case's steps one after the other; those that must wait for another case, if any do."""
        for number, memory in enumerate(memories):
            activity.heartbeat()
            try:
                restored = await self._write(memory)
            except UnfoundedWord:
                return [memories[number:]]
            except Refusal as refusal:
                entry = memory.entry
                activity.logger.warning("refused", extra={"rule": refusal.rule})
                signer, key = entry.step.signer, entry.step.key
                by = f"{attempt()}/{entry.workflow_id}/{entry.step.seq}"
                kind, power = type(refusal).__name__, power_of(entry)
                incident = incident_of(
                    kind, refusal.rule, power=power, place=entry.workflow_id, by=by, signer=signer, key=key
                )
                await self.ledger.note(incident)
                work.refused.add(entry.workflow_id)
                return []
            work.steps += 1
            work.letters += len(restored)
            work.unknown += [delivery.letter for delivery in restored if delivery.state is LetterState.UNKNOWN]
        return []

    async def _write(self, memory: Memory) -> tuple[Delivery, ...]:
        """Write a step again, with its letters and those to the desk about them."""
        recorded = await self.ledger.record(memory.entry, writing(self.renderer, self.desk, memory.entry, self.offices))
        told = {delivery.letter: delivery for delivery in memory.deliveries}
        restored: list[Delivery] = []
        for letter in recorded.letters:
            otherwise = LetterState.UNKNOWN if memory.posted else LetterState.DRAFTED
            delivery = told.get(letter, Delivery(letter=letter, state=otherwise))
            await self._restore(delivery)
            restored.append(delivery)
        return (*restored, *await self._report(memory))

    async def _report(self, memory: Memory) -> list[Delivery]:
        """Write the letters to the desk about a step's letters again that are not there."""
        missing: list[Delivery] = []
        for report in memory.reports:
            try:
                await self.ledger.state_of(report.delivery.letter)
            except LookupError:
                draft = about_trouble(self.renderer, self.desk, report.about)
                letter = await self.ledger.add_letter(report.about.letter, draft)
                missing.append(report.delivery.model_copy(update={"letter": letter}))
                await self._restore(missing[-1])
        return missing

    async def _restore(self, delivery: Delivery) -> None:
        if delivery.state is not LetterState.DRAFTED:
            await self.ledger.restore(delivery)

    async def _catch_up(self, memories: Sequence[Memory], unsent: frozenset[str], work: _Work) -> None:
        """Have the letters of steps that stand know what became of them: the ledger may be one of an earlier day."""
        for memory in memories:
            activity.heartbeat()
            with suppress(Erased):
                missing = await self._report(memory)
                work.letters += len(missing)
                work.unknown += [delivery.letter for delivery in missing if delivery.state is LetterState.UNKNOWN]
            for delivery in memory.deliveries:
                if delivery.letter in unsent and delivery.state is LetterState.SENT:
                    await self.ledger.restore(delivery)
