"""The procedure common to every case: take what the law decides, record it, and only then act on it.

Whatever a case is asked to do waits for its turn: an officer's command, word from another case, something come due. The
run alone takes the turns, one after the other: it asks the law, has the step recorded, and only then is the case where
the step leads to. What the law or the ledger refuses has changed nothing. Nothing leaves the workflow before its step
stands in the ledger.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.post import Post
    from activities.record import Recording
    from domain.cases import LetterCase
    from domain.clock import Clock
    from domain.envelope import Envelope, Receipt
    from domain.errors import REFUSALS, AlteredCommand, Refusal, StrayCase
    from domain.ledger import LetterState, entry
    from domain.model import Model
    from domain.session import Terms
    from domain.steps import CaseKind, CaseState, Dispatch, Due, Outcome
from workflows import attributes
from workflows.letter import look_after
from workflows.policies import POST, RECORD
from workflows.recognition import recognise
from workflows.refusals import refusing

S = TypeVar("S", bound=CaseState)


@dataclass(frozen=True)
class Law(Generic[S]):
    """What a docket needs to know of the law of its kind of case.

    ``rearm`` is what new terms of the session lead to; a session's terms are its own.
    """

    kind: CaseKind
    agenda: Callable[[S], tuple[Due, ...]]
    come_due: Callable[[S, Due, datetime], Outcome[S]]
    deadline: Callable[[S], datetime | None]
    terms: Callable[[S], Terms]
    stage: Callable[[S], str]
    seat: Callable[[S], str | None] = lambda _: None
    rearm: Callable[[S, Terms, datetime], Outcome[S]] | None = None


def _nothing(_: object) -> None:
    """What most cases do about it."""


def _done() -> None:
    """What most cases do then."""


@dataclass(frozen=True)
class Hooks:
    """What a case does when it learns something on the way.

    Attributes:
        ended: The workflow of another case could not be told anything: it has ended.
        recorded: A step stands in the ledger, and the case is where it leads to.
    """

    ended: Callable[[str], None] = _nothing
    recorded: Callable[[], None] = _done


@dataclass
class _Turn(Generic[S]):
    """Something a case is asked to do.

    Attributes:
        take: Asks the law when its turn comes; None where there is nothing to do.
        over: Whether its turn has come, and what it led to stands in the ledger.
        refusal: Why it led to nothing.
    """

    take: Callable[[], Outcome[S] | None]
    over: bool = False
    refusal: ApplicationError | None = None


class Docket(Generic[S]):
    """One case's state as it stands in the ledger, what it is asked to do, and what its steps lead to.

    Attributes:
        state: The state.
        letters: Those that the next run delivers first, so that this one need not wait for them.
    """

    def __init__(
        self, law: Law[S], state: S, hooks: Hooks | None = None, *, edition: int, letters: tuple[str, ...] = ()
    ) -> None:
        self.state = state
        self.letters: tuple[str, ...] = ()
        self._edition = edition
        self._hooks = hooks or Hooks()
        self._law = law
        self._turns: deque[_Turn[S]] = deque()
        self._recorded = state.seq
        self._refused: ApplicationError | None = None
        self._receipts: dict[int, Receipt] = {}
        self._background: set[asyncio.Task[object]] = set()
        self._telling = asyncio.Lock()
        self._told: set[str] = set()
        self._shown: attributes.Shown | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._phase_ends: Callable[[], bool] = lambda: False
        if state.outbox:
            self._start(self._tell(state.outbox))
        if letters:
            self._start(self._post(letters))

    @property
    def clock(self) -> Clock:
        """The case's calendar."""
        return self._law.terms(self.state).clock

    def now(self) -> datetime:
        """The calendar's reading."""
        return self.clock.reading(workflow.now())

    def knows(self, *, since: int, marker: str | None = None) -> bool:
        """Whether this run knows a change of the procedure.

        Args:
            since: The edition that brought it.
            marker: What runs of the first edition bear that know it, from before editions were named.
        """
        return self._edition >= since or (marker is not None and workflow.patched(marker))

    def admit(self, envelope: Envelope[Model], act: str, ask: Callable[[], object]) -> None:
        """Let a command pass that the law allows, or that was taken before; for validators.

        Args:
            envelope: The command.
            act: The act it must be for.
            ask: Asks the law, and raises Refusal where it says no.

        Raises:
            ApplicationError: The refusal.
        """
        state = self.state
        if self._refused is not None:
            raise self._refused
        if envelope.agrees(act=act, case=frozenset({state.reference, state.workflow_id})):
            with refusing():
                self.recall(envelope, ask)
        # One that does not agree with itself is let in, so that the register refuses it and writes that down.

    def recall(self, envelope: Envelope[Model], ask: Callable[[], object]) -> str | None:
        """The decision in which this command was taken before; None where it is a new one that the law allows.

        An officer who got no answer gives the same command again. Where the case had taken it, the law now has no room
        for it, and the answer is that of the first time; where the law has room, it is said anew of a case gone on.

        Raises:
            Refusal: The law says no, and the command was never taken.
        """
        if envelope.decision in self.state.decisions:
            return envelope.decision
        try:
            ask()
        except Refusal:
            if (earlier := self.state.earlier(envelope.command)) is None:
                raise
            return earlier
        return None

    async def command(
        self, envelope: Envelope[Model], ask: Callable[[], object], take: Callable[[], Outcome[S]]
    ) -> Receipt:
        """Take a command once, at its turn, and answer when its step stands in the ledger.

        Raises:
            ApplicationError: The law says no by then, or the ledger refuses the signer; nothing has changed.
        """
        # An update bears the name of its act.
        update = workflow.current_update_info()
        act = update.name if update is not None else envelope.act
        power, names = f"{self._law.kind}.{act}", (self.state.reference, self.state.workflow_id)
        if not envelope.agrees(act=act, case=frozenset(names)):
            await recognise(envelope, power, *names)
            raise ApplicationError("the command is not what it says", "envelope", type=AlteredCommand.__name__)
        earlier: str | None = None

        def at_its_turn() -> Outcome[S] | None:
            nonlocal earlier
            earlier = self.recall(envelope, ask)
            return take() if earlier is None else None

        turn = self._queue(at_its_turn)
        await workflow.wait_condition(lambda: turn.over)
        if turn.refusal is not None:
            raise turn.refusal
        if earlier is not None and self.knows(since=2, marker="repeated-commands-are-recognised"):
            await recognise(envelope, power, *names)
        return self._answer(earlier or envelope.decision)

    def take(self, take: Callable[[], Outcome[S] | None]) -> None:
        """Take word from another case at its turn; word that the ledger refuses is dropped."""
        self._queue(take)

    def hear(self, decision: str, take: Callable[[], Outcome[S] | None]) -> None:
        """Take word from another case at its turn, if it was not taken before and the case has not ended by then."""
        self._queue(lambda: None if decision in self.state.decisions or self.state.ended else take())

    def rearm(self, terms: Terms) -> None:
        """Take the session's terms at their turn, if they are newer by then and the case has not ended."""

        def at_its_turn() -> Outcome[S] | None:
            newer = terms.version > self._law.terms(self.state).version
            if self._law.rearm is None or not newer or self.state.ended:
                return None
            return self._law.rearm(self.state, terms, self.now())

        self._queue(at_its_turn)

    def first(self, outcome: Outcome[S]) -> None:
        """Take the step that opens the case, whose state is the one it leads to from the beginning."""
        self._recorded = 0
        self._queue(lambda: outcome)

    async def opening(self) -> Receipt:
        """The receipt for the command that opened the case.

        Raises:
            ApplicationError: The ledger refused its signer; no case has come to be.
        """
        await workflow.wait_condition(lambda: self._recorded > 0 or self._refused is not None)
        if self._refused is not None:
            raise self._refused
        return self._answer(next(decision for decision, seq in self.state.decisions.items() if seq == 1))

    def _answer(self, decision: str) -> Receipt:
        """The receipt for a command whose step stands in the ledger."""
        seq = self.state.decisions[decision]
        if seq in self._receipts:
            return self._receipts[seq]
        # Recorded by an earlier run of this workflow: what matters is that it was done, and where the case is now.
        return Receipt(
            reference=self.state.reference,
            seq=seq,
            act="",
            stage=self._law.stage(self.state),
            at=self.now(),
            deadline=self._law.deadline(self.state),
        )

    def _queue(self, take: Callable[[], Outcome[S] | None]) -> _Turn[S]:
        turn = _Turn(take)
        self._turns.append(turn)
        return turn

    async def until(self, phase_ends: Callable[[], bool] = lambda: False) -> None:
        """Run the case until it has ended, or a phase of it has, with everything recorded, told and posted.

        What the steps that end a phase write is left in ``letters``.

        Raises:
            ApplicationError: The ledger refused the signer of the opening; no case has come to be.
        """
        self._phase_ends = phase_ends
        while True:
            while self._turns:
                await self._take_turn(self._turns.popleft())
            if self._refused is not None:
                await workflow.wait_condition(workflow.all_handlers_finished)
                raise self._refused
            over = not self.state.ended and phase_ends()
            if not over:
                self._post_held_back()
            if over or self.state.ended:
                await workflow.wait_condition(
                    lambda: bool(self._turns) or (not self._background and workflow.all_handlers_finished())
                )
                if not self._turns:
                    return
                continue
            await self._wait()

    async def _take_turn(self, turn: _Turn[S]) -> None:
        try:
            if self._refused is not None:
                raise self._refused
            with refusing():
                outcome = turn.take()
            if outcome is not None:
                await self._record(outcome)
        except ApplicationError as refusal:
            workflow.logger.warning("refused", extra={"case": self.state.reference, "rule": refusal.type})
            turn.refusal = refusal
        turn.over = True

    async def _wait(self) -> None:
        """Wait for somebody to ask something, or take what comes due first."""
        due = next(iter(self._law.agenda(self.state)), None)
        if due is None:
            await workflow.wait_condition(lambda: bool(self._turns))
            return
        if self.now() < due.at:
            alarm = self._alarm_for(due)
            await workflow.wait_condition(lambda: bool(self._turns) or alarm.done())
            if self._turns:
                return
        self._queue(lambda: self._law.come_due(self.state, due, max(self.now(), due.at)))

    def _alarm_for(self, due: Due) -> asyncio.Task[None]:
        """A timer that runs until something comes due; the one that runs already where that instant has not moved."""
        if self._alarm is None or self._alarm_at != due.at or self._alarm.done():
            if self._alarm is not None:
                self._alarm.cancel()
            wait = self.clock.wait(due.at, workflow.now())
            self._alarm = asyncio.create_task(workflow.sleep(wait, summary=f"{due.kind} {due.at:%Y-%m-%d}"))
            self._alarm_at = due.at
        return self._alarm

    async def _record(self, outcome: Outcome[S]) -> None:
        state, step = outcome.state, outcome.step
        terms = self._law.terms(state)
        deadline = self._law.deadline(state)
        try:
            recorded = await workflow.execute_activity_method(
                Recording.record_step,
                entry(
                    self._law.kind,
                    outcome,
                    workflow_id=workflow.info().workflow_id,
                    session=terms.session,
                    ended=state.ended,
                    taken=workflow.now(),
                    deadline=deadline,
                    seat=self._law.seat(state),
                    stands_on=self.state.imprint if step.seq > 1 else None,
                ),
                **RECORD,
            )
        except ActivityError as failed:
            if not isinstance(failed.cause, ApplicationError) or failed.cause.type not in REFUSALS:
                raise
            if step.seq == 1 or failed.cause.type == StrayCase.__name__:
                # No case has come to be, or this is none: nothing that it does may go any further.
                self._refused = failed.cause
            raise failed.cause from None
        # Word that was delivered while the step was being recorded has left the outbox meanwhile.
        left = tuple(word for word in state.outbox if word.decision not in self._told)
        self._told.clear()
        self.state = state.model_copy(update={"reference": recorded.reference, "outbox": left})
        self._receipts[step.seq] = Receipt(
            reference=recorded.reference,
            seq=step.seq,
            act=step.act,
            stage=step.stage,
            at=step.at,
            deadline=deadline,
            letters=len(recorded.letters),
            nonce=step.nonce,
        )
        self._recorded = step.seq
        self._show(recorded.reference, step.stage, self._law.seat(state), deadline)
        if recorded.letters:
            self._deliver(recorded.letters)
        if outcome.dispatches:
            self._start(self._tell(outcome.dispatches))
        if recorded.terms is not None:
            self.rearm(recorded.terms)
        self._hooks.recorded()

    def _deliver(self, letters: tuple[str, ...]) -> None:
        """Have letters delivered: by the next run where this one ends with the step that wrote them."""
        if not self.state.ended and self.knows(since=3) and self._phase_ends():
            self.letters += letters
        else:
            self._start(self._post(letters))

    def _post_held_back(self) -> None:
        """Deliver after all what was left to the next run: a later step has led back into the phase, or to the end."""
        if self.letters:
            self._start(self._post(self.letters))
            self.letters = ()

    async def _post(self, letters: tuple[str, ...]) -> None:
        for delivery in await workflow.execute_activity_method(Post.deliver_letters, letters, **POST):
            if delivery.state not in {LetterState.SENT, LetterState.WITHDRAWN}:
                await look_after(LetterCase(delivery=delivery, case=self.state.reference))

    async def _tell(self, dispatches: tuple[Dispatch, ...]) -> None:
        """Tell other cases, each in the order of its own words; the words leave the outbox when all are told."""
        by_case: dict[str, list[Dispatch]] = {}
        for dispatch in dispatches:
            by_case.setdefault(dispatch.workflow_id, []).append(dispatch)
        async with self._telling:
            await asyncio.gather(*(self._tell_one(words) for words in by_case.values()))
        self._told.update(dispatch.decision for dispatch in dispatches)
        left = tuple(word for word in self.state.outbox if word.decision not in self._told)
        self.state = self.state.model_copy(update={"outbox": left})

    async def _tell_one(self, words: list[Dispatch]) -> None:
        other = workflow.get_external_workflow_handle(words[0].workflow_id)
        for word in words:
            try:
                await other.signal(word.signal, word.content)
            except FailureError:
                # It has ended meanwhile, by an act of its own that its own record explains.
                workflow.logger.warning("not told: has ended", extra={"case": self.state.reference})
                self._hooks.ended(word.workflow_id)
                return

    def _show(self, reference: str, stage: str, seat: str | None, deadline: datetime | None) -> None:
        shown = (reference, stage, seat, deadline)
        if shown == self._shown:
            return
        self._shown = shown
        updates = [attributes.CASE.value_set(reference), attributes.STAGE.value_set(stage)]
        updates.append(attributes.SEAT.value_set(seat) if seat else attributes.SEAT.value_unset())
        workflow.upsert_search_attributes(
            [*updates, attributes.DEADLINE.value_set(deadline) if deadline else attributes.DEADLINE.value_unset()]
        )
        waits = f", next {deadline:%Y-%m-%d %H:%M} UTC" if deadline else ""
        workflow.set_current_details(f"**{reference}**: {stage.replace('_', ' ')}{waits}")

    def beside(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something beside the turns; the run does not end before it is done."""
        self._start(work)

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
