"""The lists that people are screened against: imported, removed, asked about, and asked again for every open case."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.screen import Lists
    from domain.envelope import Envelope
    from domain.ids import lists_queue
    from domain.watchlists import Import, ListAct, ListAnswer, ListEnquiry, ListImport, ListRemoval, ListVersion
from workflows.policies import CARE, ENQUIRE, IMPORT
from workflows.refusals import refusing


@workflow.defn
class WatchlistImport:
    """Takes a list that was handed in as a new version, and has every open candidacy screened against it.

    Fails with ``ListBroken`` where it cannot be read: then nothing has changed.
    """

    @workflow.run
    async def run(self, envelope: Envelope[ListImport]) -> ListVersion:
        """Import, then screen again."""
        handed_in = envelope.content
        with refusing():
            envelope.verify(act=ListAct.IMPORT, case=frozenset({handed_in.watchlist.name}))
        info = workflow.info()
        version: ListVersion = await workflow.execute_activity_method(
            Lists.import_list,
            Import(key=info.first_execution_run_id, officer=envelope.signer, handed_in=handed_in),
            task_queue=lists_queue(info.task_queue),
            **IMPORT,
        )
        await workflow.execute_activity_method(Lists.rescreen_cases, **CARE)
        return version


@workflow.defn
class WatchlistRemoval:
    """Takes a list out of the register, and has every open candidacy screened without it."""

    @workflow.run
    async def run(self, envelope: Envelope[ListRemoval]) -> int:
        """Remove, then screen again; how many candidacies."""
        name = envelope.content.name
        with refusing():
            envelope.verify(act=ListAct.REMOVE, case=frozenset({name}))
        await workflow.execute_activity_method(Lists.remove_list, name, **ENQUIRE)
        return await workflow.execute_activity_method(Lists.rescreen_cases, **CARE)


@workflow.defn
class WatchlistRescreening:
    """Has every open candidacy ask the lists again; started by an officer, and at the pace that is set."""

    @workflow.run
    async def run(self) -> int:
        """Screen again; how many candidacies."""
        return await workflow.execute_activity_method(Lists.rescreen_cases, **CARE)


@workflow.defn
class WatchlistEnquiry:
    """Puts one question about the lists. Fails with ``NoSuchCase`` where the list or version does not exist."""

    @workflow.run
    async def run(self, enquiry: ListEnquiry) -> ListAnswer:
        """Ask, and answer."""
        return await workflow.execute_activity_method(Lists.ask_lists, enquiry, **ENQUIRE)
