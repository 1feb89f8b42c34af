"""Ask the lists about people, and look after the lists themselves."""

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.ports import Cases, Ledger, ListBroken, Screener, Watchlists
from activities.post import beating
from domain.ids import LIST_BROKEN, NO_SUCH_CASE
from domain.screening import Subject
from domain.steps import CaseKind
from domain.watchlists import Import, ListAnswer, ListEnquiry, ListVersion, Screened


@dataclass(frozen=True)
class Screenings:
    """The side that compares."""

    screener: Screener

    @activity.defn
    async def screen_person(self, subject: Subject) -> Screened:
        """What the lists say of somebody. Heavy: on a task queue of its own, a few at a time."""
        async with beating():
            return await self.screener.screen(subject)


@dataclass(frozen=True)
class Lists:
    """The side that keeps the lists."""

    watchlists: Watchlists
    ledger: Ledger
    cases: Cases

    @activity.defn
    async def import_list(self, handed_in: Import) -> ListVersion:
        """Take a list as a new version, once. Heavy: on a task queue of its own, one at a time.

        Raises:
            ApplicationError: ``ListBroken``: it cannot be read, and nothing has changed.
        """

        async def progress(taken: int) -> None:
            activity.heartbeat(taken, None)

        try:
            return await self.watchlists.take(handed_in, progress)
        except ListBroken as broken:
            details = (broken.line, broken.field)
            raise ApplicationError(broken.problem, *details, type=LIST_BROKEN, non_retryable=True) from None

    @activity.defn
    async def ask_lists(self, enquiry: ListEnquiry) -> ListAnswer:
        """What lists are kept, the versions of one, or what changed between two.

        Raises:
            ApplicationError: ``NoSuchCase``: the list or version does not exist.
        """
        try:
            if enquiry.name is None:
                return ListAnswer(versions=tuple(await self.watchlists.lists()))
            if enquiry.old is None or enquiry.new is None:
                return ListAnswer(versions=tuple(await self.watchlists.versions(enquiry.name)))
            return ListAnswer(diff=await self.watchlists.diff(enquiry.name, enquiry.old, enquiry.new))
        except LookupError as missing:
            raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None

    @activity.defn
    async def remove_list(self, name: str) -> None:
        """Take a list out of the register.

        Raises:
            ApplicationError: ``NoSuchCase``: the list does not exist.
        """
        try:
            await self.watchlists.remove(name)
        except LookupError as missing:
            raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None

    @activity.defn
    async def rescreen_cases(self) -> int:
        """Have every open candidacy ask the lists again; how many. Where nothing is new, nothing is recorded."""
        told = 0
        for kind, _, workflow_id, _ in await self.ledger.open_cases():
            activity.heartbeat()
            if kind is CaseKind.CANDIDACY:
                await self.cases.rescreen(workflow_id)
                told += 1
        return told
