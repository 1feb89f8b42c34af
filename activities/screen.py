"""Ask the lists about people, and look after the lists themselves."""

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.authority import command, guarded
from activities.ports import Cases, Ledger, ListBroken, Screener, Watchlists
from activities.post import beating
from domain.authority import REGISTER, Upkeep, presented
from domain.envelope import Envelope
from domain.identity import doubts
from domain.ids import LIST_BROKEN, NO_SUCH_CASE
from domain.keys import key_of
from domain.model import Model
from domain.screening import Subject
from domain.steps import CaseKind
from domain.timelimits import day_of
from domain.watchlists import Import, ListAnswer, ListEnquiry, ListImport, ListRemoval, ListVersion, Screened


@dataclass(frozen=True)
class Screenings:
    """The side that compares: with lists, with other nominations, and a nomination with itself."""

    screener: Screener
    ledger: Ledger

    @activity.defn
    async def screen_person(self, subject: Subject) -> Screened:
        """What the lists say of a candidate, and what of the nomination a person has to look at.

        Heavy: on a task queue of its own, a few at a time.
        """
        async with beating():
            answer = await self.screener.screen(subject)
            if subject.identity is None:
                return answer
            info = activity.info()
            namesakes = await self.ledger.namesakes(info.workflow_id or "")
        session, _, _ = key_of(info.workflow_id or "").partition("/")
        found = doubts(subject.identity, namesakes, session, day_of(info.scheduled_time))
        return answer.model_copy(update={"doubts": found})


@dataclass(frozen=True)
class Lists:
    """The side that keeps the lists."""

    watchlists: Watchlists
    ledger: Ledger
    cases: Cases

    @activity.defn
    async def import_list(self, envelope: Envelope[ListImport]) -> ListVersion:
        """Take a list as a new version, once. Heavy: on a task queue of its own, one at a time.

        Raises:
            ApplicationError: The refusal; ``ListBroken``: it cannot be read, and nothing has changed.
        """
        await self._authorise(envelope, "watchlist.import")
        # The nonce is the command's own, so an attempt after a crash is the same import.
        handed_in = Import(key=envelope.nonce, officer=envelope.signer, handed_in=envelope.content)

        reached = 0

        async def progress(taken: int) -> None:
            nonlocal reached
            reached = taken

        try:
            async with beating(lambda: (reached, None)):
                return await self.watchlists.take(handed_in, progress)
        except ListBroken as broken:
            details = (broken.line, broken.field)
            raise ApplicationError(broken.problem, *details, type=LIST_BROKEN, non_retryable=True) from None

    @activity.defn
    async def ask_lists(self, envelope: Envelope[ListEnquiry]) -> ListAnswer:
        """What lists are kept, the versions of one, or what changed between two.

        Raises:
            ApplicationError: The refusal; ``NoSuchCase``: the list or version does not exist.
        """
        enquiry = envelope.content
        shown = presented(envelope, "read.watchlists", REGISTER)
        async with guarded(self.ledger, power=shown.power, place=REGISTER, signed=shown.signed):
            await self.ledger.recognise(command(shown), about="watchlists")
        try:
            if enquiry.name is None:
                return ListAnswer(versions=tuple(await self.watchlists.lists()))
            if enquiry.old is None or enquiry.new is None:
                return ListAnswer(versions=tuple(await self.watchlists.versions(enquiry.name)))
            return ListAnswer(diff=await self.watchlists.diff(enquiry.name, enquiry.old, enquiry.new))
        except LookupError as missing:
            raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None

    @activity.defn
    async def remove_list(self, envelope: Envelope[ListRemoval]) -> None:
        """Take a list out of the register.

        Raises:
            ApplicationError: The refusal; ``NoSuchCase``: the list does not exist.
        """
        await self._authorise(envelope, "watchlist.remove")
        try:
            await self.watchlists.remove(envelope.content.name)
        except LookupError as missing:
            raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None

    @activity.defn
    async def rescreen_cases(self, envelope: Envelope[Upkeep] | None) -> int:
        """Have every open candidacy ask the lists again; how many. Where nothing is new, nothing is recorded.

        Args:
            envelope: The command of the officer who would have it so; None where a list has changed, or it is time.

        Raises:
            ApplicationError: The refusal.
        """
        if envelope is not None:
            await self._authorise(envelope, "watchlist.rescreen")
        told = 0
        async with beating():
            for kind, _, workflow_id, _ in await self.ledger.open_cases():
                if kind is CaseKind.CANDIDACY:
                    await self.cases.rescreen(workflow_id)
                    told += 1
        return told

    async def _authorise(self, envelope: Envelope[Model], power: str) -> None:
        shown = presented(envelope, power, REGISTER)
        async with guarded(self.ledger, power=power, place=REGISTER, signed=shown.signed):
            await self.ledger.authorise(command(shown))
