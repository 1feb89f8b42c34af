"""The lists that people are screened against: imported, removed, asked about, and asked again for every open case."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.screen import Lists
    from domain.authority import Upkeep
    from domain.envelope import Envelope
    from domain.ids import lists_queue
    from domain.watchlists import ListAnswer, ListEnquiry, ListImport, ListRemoval, ListVersion
from workflows.policies import ENQUIRE, IMPORT, RESCREEN


@workflow.defn
class WatchlistImport:
    """Takes a list that was handed in as a new version, and has every open candidacy screened against it.

    Fails with ``ListBroken`` where it cannot be read: then nothing has changed.
    """

    @workflow.run
    async def run(self, envelope: Envelope[ListImport]) -> ListVersion:
        """Import, then screen again."""
        queue = lists_queue(workflow.info().task_queue)
        version: ListVersion = await workflow.execute_activity_method(
            Lists.import_list, envelope, task_queue=queue, **IMPORT
        )
        await workflow.execute_activity_method(Lists.rescreen_cases, None, **RESCREEN)
        return version


@workflow.defn
class WatchlistRemoval:
    """Takes a list out of the register, and has every open candidacy screened without it."""

    @workflow.run
    async def run(self, envelope: Envelope[ListRemoval]) -> int:
        """Remove, then screen again; how many candidacies."""
        await workflow.execute_activity_method(Lists.remove_list, envelope, **ENQUIRE)
        return await workflow.execute_activity_method(Lists.rescreen_cases, None, **RESCREEN)


@workflow.defn
class WatchlistRescreening:
    """Has every open candidacy ask the lists again; started by an officer, and at the pace that is set."""

    @workflow.run
    async def run(self, envelope: Envelope[Upkeep] | None = None) -> int:
        """Screen again; how many candidacies."""
        return await workflow.execute_activity_method(Lists.rescreen_cases, envelope, **RESCREEN)


@workflow.defn
class WatchlistEnquiry:
    """Puts one question about the lists. Fails with ``NoSuchCase`` where the list or version does not exist."""

    @workflow.run
    async def run(self, envelope: Envelope[ListEnquiry]) -> ListAnswer:
        """Ask, and answer."""
        return await workflow.execute_activity_method(Lists.ask_lists, envelope, **ENQUIRE)
