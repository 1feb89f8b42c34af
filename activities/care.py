"""Look after the register as a whole: send new terms round, compare the ledger with the cases, start cases again."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from temporalio import activity

from activities.audit import Audit
from activities.authority import command, guarded
from activities.ports import Cases, CaseSilent, Judging, Ledger, Proofs, Sealer
from activities.post import beating
from domain.authority import REGISTER, Upkeep, presented
from domain.candidacy import Order, Stage
from domain.cases import STATES
from domain.envelope import Envelope
from domain.errors import StrayCase
from domain.ledger import Delivery, Difference, LetterState, Recovery, Verification
from domain.roll import Roll
from domain.session import Terms
from domain.steps import CaseKind

_SETTLING: Final = 2.0
"""Seconds after which a step that was under way must stand in both places."""


@dataclass(frozen=True)
class Care:
    """The register's upkeep."""

    ledger: Ledger
    cases: Cases
    judge: Judging
    proofs: Proofs
    sealer: Sealer

    @activity.defn
    async def rearm_cases(self, terms: Terms) -> None:
        """Send every open case of a session its new terms; a case that has them already takes no notice.

        Raises:
            ApplicationError: ``StrayCase``: these are not the terms that the ledger has.
        """
        async with guarded(self.ledger, power="session.amend", place=terms.session):
            recorded = await self.ledger.terms(terms.session)
            if recorded is None or recorded.version > terms.version:
                return
            if recorded != terms:
                raise StrayCase("the ledger has other terms of this session", rule="session-terms")
        for kind, _, workflow_id, _ in await self.ledger.open_cases(terms.session):
            activity.heartbeat()
            if kind is not CaseKind.SESSION:
                await self.cases.rearm(workflow_id, terms)

    @activity.defn
    async def reinstate(self, candidacy: str, order: Order) -> bool:
        """Give an order to a candidacy that an exclusion has ended, and start it again from the ledger for that.

        False where it has come back already. An order that nobody was recorded as giving is given in vain: the
        candidacy's own step would not be taken.
        """
        state = await self.ledger.candidacy(candidacy)
        if state is None or state.stage is not Stage.EXCLUDED:
            return False
        await self.cases.reinstate(state, order)
        return True

    @activity.defn
    async def verify(self, envelope: Envelope[Upkeep]) -> Verification:
        """Read the chain of events, check its seals and every signature, and compare the ledger with the workflows.

        Each heartbeat says how many events are read, of how many.

        Raises:
            ApplicationError: The refusal.
        """
        shown = presented(envelope, "ledger.verify", REGISTER)
        async with guarded(self.ledger, power=shown.power, place=REGISTER, signed=shown.signed):
            await self.ledger.recognise(command(shown), about="verification")
        read: list[int] = []

        def progress(*so_far: int) -> None:
            read[:] = so_far
            activity.heartbeat(*so_far)

        async with beating(lambda: read):
            return await self._verify(progress)

    async def _verify(self, progress: Callable[[int, int], None]) -> Verification:
        # The chain is read here while signatures are checked elsewhere.
        async with asyncio.TaskGroup() as group:
            chain = group.create_task(self.ledger.examine(progress))
            signed = group.create_task(self._signatures())
        differences, (signatures, doubtful) = list(chain.result()), signed.result()
        seals = await self.ledger.seals()
        differences += [
            Difference(
                reference="ledger", what=f"seal of step {seal.n}", ledger="not made by a key of ours", workflow=""
            )
            for seal in seals
            if not self.sealer.knows(seal)
        ]
        differences += [
            Difference(reference=reference, what="steps", ledger="not numbered without a gap", workflow="")
            for reference in await self.ledger.gaps()
        ]
        suspects = await self._compare()
        if suspects:
            # A step that is being taken stands in the workflow a moment before it stands in the ledger.
            await asyncio.sleep(_SETTLING)
            again = {(found.reference, found.what) for found in suspects}
            differences += [found for found in await self._compare() if (found.reference, found.what) in again]
        cases, steps, letters = await self.ledger.totals()
        return Verification(
            cases=cases,
            steps=steps,
            letters=letters,
            signatures=signatures,
            differences=(*differences, *doubtful),
            sealed=seals[-1].at if seals else None,
        )

    async def _signatures(self) -> tuple[int, list[Difference]]:
        """How many signatures there are, and which of them are none by what the register held when they were made."""
        roll = Roll(await self.ledger.unsigned_appointments())
        doubtful = [_doubt("register", "the first head of desk", "admitted more than once")] if roll.doubled else []
        async with asyncio.TaskGroup() as group:
            audit = Audit(self.judge, self.proofs, roll, group)
            async for written in self.ledger.written():
                await audit.take(written)
            await audit.finish()
        doubtful += audit.doubtful
        if list(roll.appointments) != list(await self.ledger.register()):
            doubtful.append(_doubt("register", "appointments", "are not those that were signed"))
        return audit.count, doubtful

    async def _compare(self) -> list[Difference]:
        found: list[Difference] = []
        open_cases = await self.ledger.open_cases()
        for kind, reference, workflow_id, state in open_cases:
            try:
                running = await self.cases.imprints(workflow_id)
            except CaseSilent:
                found.append(Difference(reference=reference, what="case", ledger="open", workflow="does not answer"))
                continue
            if running is None:
                found.append(Difference(reference=reference, what="case", ledger="open", workflow="not running"))
            elif (difference := _differ(reference, STATES[kind].model_validate(state).imprints, running)) is not None:
                found.append(difference)
        known = {workflow_id for _, _, workflow_id, _ in open_cases}
        for kind in CaseKind:
            unknown = [workflow_id for workflow_id in await self.cases.running(kind) if workflow_id not in known]
            found.extend(
                Difference(reference=workflow_id, what="case", ledger="not open", workflow="running")
                for workflow_id in unknown
            )
        return found

    @activity.defn
    async def recover(self, envelope: Envelope[Upkeep]) -> Recovery:
        """Start every open case that does not run again from the ledger, and look after every letter that is not out.

        A case goes on at the stage and with the deadlines it had, and hears again what those that have ended had to
        tell it; a letter that was sent stays sent, and one that was being sent when all stopped becomes ``unknown``.

        Raises:
            ApplicationError: The refusal.
        """
        shown = presented(envelope, "ledger.recover", REGISTER)
        async with guarded(self.ledger, power=shown.power, place=REGISTER, signed=shown.signed):
            await self.ledger.authorise(command(shown))
        # Before any is started again: a case that has ended may still be delivering its last letters.
        at_work = {workflow_id for kind in CaseKind for workflow_id in await self.cases.running(kind)}
        restarted: list[str] = []
        running: list[str] = []
        # Sessions last: they send their terms to the cases that run by then.
        open_cases = sorted(await self.ledger.open_cases(), key=lambda case: case[0] is CaseKind.SESSION)
        for kind, reference, _, state in open_cases:
            activity.heartbeat()
            again = await self.cases.restart(kind, STATES[kind].model_validate(state))
            (restarted if again else running).append(reference)
        for word in await self.ledger.last_words():
            activity.heartbeat()
            await self.cases.tell(word)
        taken_up: list[str] = []
        unsent = [(letter, letter.rsplit(".", 2)[0], state) for letter, state in await self.ledger.unsent_letters()]
        workflows = await self.ledger.workflows([case for _, case, _ in unsent])
        for letter, case, letter_state in unsent:
            activity.heartbeat()
            # A case that runs delivers its own new letters.
            runs = case in running or workflows[case] in at_work
            under_way = runs and letter_state in {LetterState.DRAFTED, LetterState.SENDING}
            if not under_way and await self.cases.look_after(Delivery(letter=letter, state=letter_state), case):
                taken_up.append(letter)
        return Recovery(restarted=tuple(restarted), running=tuple(running), letters=tuple(taken_up))


def _doubt(reference: str, what: str, ledger: str) -> Difference:
    return Difference(reference=reference, what=what, ledger=ledger, workflow="")


def _differ(reference: str, ledger: Mapping[str, str], running: Mapping[str, str]) -> Difference | None:
    if ledger["seq"] != running["seq"]:
        return Difference(
            reference=reference, what="step", ledger=f"step {ledger['seq']}", workflow=f"step {running['seq']}"
        )
    if fields := [name for name, imprint in running.items() if ledger.get(name) != imprint]:
        # Names of fields only: their values may be personal.
        names = ", ".join(sorted(fields))
        return Difference(reference=reference, what=f"state: {names}", ledger="differs", workflow="differs")
    return None
