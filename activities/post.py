"""Send letters, each once, and look after those that do not go out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.authority import command, guarded
from activities.ports import (
    Ledger,
    LedgerUnavailable,
    MailDeferred,
    Mailer,
    MailError,
    MailRefused,
    Renderer,
)
from activities.record import draft
from domain.authority import presented
from domain.envelope import Envelope
from domain.ids import NO_SUCH_CASE
from domain.ledger import Delivery, LetterState, Settlement
from domain.notices import Facts, Notice, Role, Template
from domain.people import Contact

HEARTBEAT: Final = timedelta(seconds=3)
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True)
class Patience:
    """How long a letter that cannot be delivered is tried again.

    Attributes:
        first: The pause after the first attempt; each later one is twice as long.
        longest: The longest pause.
        whole: After this time the desk must decide.
    """

    first: timedelta
    longest: timedelta
    whole: timedelta

    def pause(self, attempt: int) -> timedelta:
        """The pause after the ``attempt``-th attempt, counted from 1."""
        return min(self.longest, self.first * float(2 ** min(attempt - 1, 30)))


@dataclass(frozen=True)
class Post:
    """The desk's post."""

    ledger: Ledger
    mailer: Mailer
    renderer: Renderer
    desk: Contact
    patience: Patience

    @activity.defn
    async def deliver_letters(self, letters: tuple[str, ...]) -> tuple[Delivery, ...]:
        """Try each letter once; what became of each, in order.

        Run again after a crash, it sends what had not been claimed, and a letter that was claimed becomes ``unknown``.
        """
        async with beating():
            return tuple([await self._deliver(letter) for letter in letters])

    @activity.defn
    async def deliver_letter(self, letter: str) -> Delivery:
        """Deliver one letter, trying again with growing pauses for as long as patience lasts.

        Raises:
            ApplicationError: ``MailDeferred``, to be tried again.
        """
        async with beating():
            delivery = await self._deliver(letter)
        info = activity.info()
        pause = self.patience.pause(info.attempt)
        waited = info.current_attempt_scheduled_time - info.scheduled_time
        if delivery.state is LetterState.RELEASED and waited + pause < self.patience.whole:
            raise ApplicationError(f"letter {letter} is deferred", type=MailDeferred.__name__, next_retry_delay=pause)
        return delivery

    @activity.defn
    async def report_trouble(self, delivery: Delivery) -> str | None:
        """Write to the desk that a letter needs a decision; that letter's reference.

        None where the ledger knows of no such trouble, and where the troubled letter is itself one to the desk, which
        would only find the same trouble.
        """
        case, seq, _ = delivery.letter.rsplit(".", 2)
        trouble = LetterState.UNKNOWN if delivery.state is LetterState.UNKNOWN else LetterState.REFUSED
        facts = Facts(letter=delivery.letter, trouble=trouble.value)
        notice = Notice(template=Template.DESK_LETTER, role=Role.DESK, facts=facts)
        stands = await self.ledger.state_of(delivery.letter) is delivery.state
        if not stands or await self.ledger.is_for_desk(delivery.letter):
            return None
        return await self.ledger.add_letter(
            delivery.letter, draft(self.renderer, self.desk, notice, case, int(seq), about=delivery.letter)
        )

    @activity.defn
    async def settle_letter(self, envelope: Envelope[Settlement], letter: str) -> LetterState:
        """Take a person's decision about a letter.

        Raises:
            ApplicationError: The refusal; ``LetterSettled``: the letter needs no decision.
        """
        shown = presented(envelope, "letter.settle", letter)
        async with guarded(self.ledger, power=shown.power, place=letter, signed=shown.signed):
            try:
                return await self.ledger.settle(command(shown), envelope.content)
            except LookupError as missing:
                raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None

    async def _deliver(self, letter: str) -> Delivery:
        claim = await self.ledger.claim(letter)
        if claim.outgoing is None:
            return Delivery(letter=letter, state=claim.state)
        try:
            await self.mailer.send(claim.outgoing)
        except MailError as error:
            state = _after(error)
            delivery = Delivery(letter=letter, state=state, code=error.code)
        else:
            delivery = Delivery(letter=letter, state=LetterState.SENT)
        delivery = delivery.model_copy(update={"state": await self._mark(delivery)})
        activity.logger.info("letter", extra={"letter": letter, "state": delivery.state.value, "code": delivery.code})
        return delivery

    async def _mark(self, delivery: Delivery) -> LetterState:
        # What became of the letter is known here and nowhere else, so a database that restarts is waited for.
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self.ledger.mark(delivery)
            except LedgerUnavailable:
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)


def _after(error: MailError) -> LetterState:
    if isinstance(error, MailRefused):
        return LetterState.REFUSED
    return LetterState.RELEASED if isinstance(error, MailDeferred) else LetterState.UNKNOWN


@asynccontextmanager
async def beating(say: Callable[[], Sequence[object]] = tuple) -> AsyncIterator[None]:
    """Heartbeat all the while, so that a worker's death is noticed in seconds and not when a long limit ends.

    The server counts from the activity's start, so work that is done before the first pause ends need not call it.

    Args:
        say: What each heartbeat says of how far the work has come.
    """

    async def beat() -> None:
        while True:
            await asyncio.sleep(HEARTBEAT.total_seconds())
            activity.heartbeat(*say())

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
