"""Write the ledger again from what the workflows remember, where something of theirs is missing in it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from temporalio import activity

from activities.authority import attempt, command, guarded
from activities.ports import Erasures, Ledger, Memories, Renderer, Retentions, Sealer
from activities.post import about_trouble, beating
from activities.record import Offices, writing
from domain.authority import REGISTER, Upkeep, incident_of, power_of, presented
from domain.envelope import Envelope
from domain.erasure import ErasureRequest
from domain.errors import Erased, Refusal, UnfoundedWord
from domain.interests import Interests, Withdrawal
from domain.ledger import Delivery, LetterState, Memory, Rebuilding
from domain.memories import CaseMemory, Recalled, same_interest
from domain.offices import Admission, Revocation
from domain.people import Contact
from domain.retention import Hold
from domain.signing import Signed
from domain.steps import CaseKind


@dataclass
class _Work:
    """What was done so far.

    Attributes:
        erased: The cases that nobody can read any more, by workflow.
    """

    cases: int = 0
    steps: int = 0
    letters: int = 0
    commands: int = 0
    erasures: int = 0
    unknown: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    erased: dict[str, CaseMemory] = field(default_factory=dict)


@dataclass(frozen=True)
class Rebuild:
    """The ledger's other source: the histories."""

    ledger: Ledger
    memories: Memories
    erasures: Erasures
    retentions: Retentions
    sealer: Sealer
    renderer: Renderer
    desk: Contact
    offices: Offices = field(default_factory=dict)

    @activity.defn
    async def rebuild(self, envelope: Envelope[Upkeep]) -> Rebuilding:
        """Write every missing step, letter and command, and let no letter go out a second time.

        A letter of which the workflows know that it went out is written as sent; one whose delivery had begun, and of
        which they do not know, becomes ``unknown``; one whose delivery had not begun is left to its workflow.

        A history is no more believed than a workflow: every step and command is judged as it was when it was taken, a
        case goes no further than the first that the ledger does not take, and a certificate must be the worker's own.
        What nobody remembers is never taken for something that was not: see ``Rebuilding``.

        Raises:
            ApplicationError: The refusal.
        """
        shown = presented(envelope, "ledger.rebuild", REGISTER)
        async with guarded(self.ledger, power=shown.power, place=REGISTER, signed=shown.signed):
            await self.ledger.authorise(command(shown))
        async with beating():
            return await self._rebuild()

    async def _rebuild(self) -> Rebuilding:
        work = _Work()
        since = await self.memories.since()
        recalled = await self.memories.commands()
        # Whoever was admitted is who signed the steps.
        await self._recall(recalled, work, officers=True)
        await self._cases(recalled, work)
        await self._recall(recalled, work, officers=False)
        return Rebuilding(
            cases=work.cases,
            steps=work.steps,
            letters=work.letters,
            commands=work.commands,
            erasures=work.erasures,
            unknown=tuple(work.unknown),
            refused=tuple(sorted(work.refused)),
            held=tuple(sorted(await self.retentions.hold_back(since))),
            lost=tuple(sorted(work.lost)),
            since=since,
        )

    async def _cases(self, recalled: Sequence[Recalled], work: _Work) -> None:
        unsent = frozenset(letter for letter, _ in await self.ledger.unsent_letters())
        waiting: list[Sequence[Memory]] = []
        async for case in self.memories.remember():
            work.cases += 1
            if case.steps is None:
                work.erased[case.workflow_id] = case
                continue
            known = await self.ledger.known_steps(case.workflow_id) if case.steps else 0
            await self._catch_up(case.steps[:known], unsent, work)
            waiting += await self._follow(case.steps[known:], work)
        # A list hears that somebody who was erased has left it, which only the end of that case explains.
        await self._erase_again(recalled, work)
        # Word of another case is taken once that case's own step stands; some cases wait for each other more than once.
        left = 0
        while left != (left := sum(map(len, waiting))):
            waiting = [rest for memories in waiting for rest in await self._follow(memories, work)]
        work.refused |= {rest[0].entry.workflow_id for rest in waiting}

    async def _erase_again(self, recalled: Sequence[Recalled], work: _Work) -> None:
        """Have the register know of whoever was erased, and with which certificate."""
        certified = {erased.certificate.key: erased for erased in await self.memories.erasures()}
        reasons = _reasons(recalled)
        for key, erased in certified.items():
            certificate = erased.certificate
            case = work.erased.pop(f"{CaseKind.CANDIDACY}/{key}", None)
            if not self.sealer.certified(certificate):
                work.refused.add(certificate.candidacy)
                continue
            standing = await self.erasures.erasure(key)
            if standing is not None and standing.certificate is not None:
                continue
            reason = reasons.get((certificate.candidacy, certificate.requested_by))
            if await self.erasures.restore_erasure(erased, case, reason):
                work.erasures += 1
            else:
                work.lost.add(certificate.candidacy)
        for workflow_id in work.erased:
            # Further cases of somebody who is known to be erased are told of by the certificate.
            if not any(key in workflow_id for key in certified) and not await self.ledger.known_steps(workflow_id):
                work.lost.add(workflow_id)

    async def _recall(self, recalled: Sequence[Recalled], work: _Work, *, officers: bool) -> None:
        """Write the commands again that are missing: those about officers, or all others."""
        for each in recalled:
            about_officers = isinstance(each.envelope.content, Admission | Revocation)
            if about_officers is not officers or await self.ledger.has(each.command):
                continue
            try:
                await self._take(each, work)
            except Erased:
                # Nobody can be given back what was said of somebody who was erased.
                continue
            except (Refusal, LookupError) as refusal:
                work.refused.add(each.envelope.case)
                if isinstance(refusal, Refusal):
                    await self._note(refusal, each.power, each.envelope.case, each.by, each.envelope.signed)
            else:
                work.commands += 1

    async def _take(self, recalled: Recalled, work: _Work) -> None:
        taken, content, signer = recalled.command, recalled.envelope.content, recalled.envelope.signer
        match content:
            case Admission():
                await self.ledger.admit(taken, content)
            case Revocation():
                await self.ledger.revoke(taken, content)
            case Interests():
                known = await self.ledger.workflows(content.cases)
                if any(case not in known for case in content.cases):
                    work.lost.add(signer)
                cases = tuple(case for case in content.cases if case in known)
                await self.ledger.declare_interests(taken, content.model_copy(update={"cases": cases}))
            case Withdrawal():
                own = await self.ledger.interests_of(signer)
                meant = same_interest(content, recalled.interests, own)
                if meant is None:
                    raise LookupError(f"{signer} has declared nothing of the kind")
                await self.ledger.withdraw_interest(taken, content.model_copy(update={"interest": meant}))
            case Hold():
                await self.retentions.hold(taken, content)
            case ErasureRequest():
                person = await self.erasures.person(recalled.envelope.case)
                await self.ledger.authorise(taken)
                await self.erasures.request_erasure(person, recalled.envelope, recalled.taken)
            case other:
                raise TypeError(f"nothing is known of {type(other).__name__}")

    async def _note(self, refusal: Refusal, power: str, place: str, by: str, signed: Signed | None) -> None:
        activity.logger.warning("refused", extra={"rule": refusal.rule})
        signer, key = (signed.signer, signed.key) if signed is not None else (None, None)
        kind, by = type(refusal).__name__, f"{attempt()}/{by}"
        await self.ledger.note(incident_of(kind, refusal.rule, power=power, place=place, by=by, signer=signer, key=key))

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
                step = f"{entry.workflow_id}/{entry.step.seq}"
                await self._note(refusal, power_of(entry), entry.workflow_id, step, entry.step.signed)
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


def _reasons(recalled: Sequence[Recalled]) -> Mapping[tuple[str, str | None], str]:
    """Why erasures were asked for, by the candidacy and who asked."""
    return {
        (each.envelope.case, each.envelope.signer): each.envelope.content.reason
        for each in recalled
        if isinstance(each.envelope.content, ErasureRequest)
    }
