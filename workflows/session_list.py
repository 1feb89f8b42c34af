"""The session list: drafted, proposed, decided, ratified, amended."""

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.enquire import Enquiries
    from domain import lists as law
    from domain.candidacy import vacancy_decision
    from domain.cases import ListCase, ListOpening
    from domain.envelope import Envelope, Receipt
    from domain.errors import AlteredCommand, Refusal
    from domain.lists import (
        BureauDecision,
        Drafting,
        ListAct,
        ListStage,
        ListState,
        Proposal,
        Ratification,
        Standing,
        Vacancy,
    )
    from domain.model import Model
    from domain.session import Terms
    from domain.steps import CaseKind
from workflows.docket import Docket, Hooks, Law
from workflows.policies import ENQUIRE, RECORD
from workflows.recognition import recognise
from workflows.refusals import refusing

LAW = Law[ListState](
    kind=CaseKind.LIST,
    agenda=law.agenda,
    come_due=law.come_due,
    deadline=law.deadline,
    terms=lambda state: state.terms,
    stage=lambda state: state.stage,
    rearm=law.rearm,
)


@workflow.defn
class SessionList:
    """One list of a session's participants.

    Updates: ``receive`` (the first draft's receipt), ``draft``, ``propose``, ``decide``, ``ratify``, ``amend``.
    Signals: ``vacate`` (a candidacy has left its place), ``reinstate`` (it takes it up again), ``rearm``. Query:
    ``imprints``. Ends rejected, or closed with the session.
    """

    @workflow.init
    def __init__(self, case: ListCase) -> None:
        self._opened = asyncio.Event()
        self._refused: Refusal | None = None
        # Two officers' commands are held against the candidacies one after the other, each against the list as the
        # one before it left it.
        self._table = asyncio.Lock()
        if case.state is not None:
            self._docket = Docket(LAW, case.state, Hooks(ended=self._vacated_by), edition=case.edition)
            self._opened.set()

    @workflow.run
    async def run(self, case: ListCase) -> ListStage:
        """Run the list to its end."""
        if case.opening is not None and not self._opened.is_set():
            await self._open(case.opening, case.edition)
        await self._docket.until()
        return self._state.stage

    async def _open(self, opening: ListOpening, edition: int) -> None:
        envelope = opening.envelope
        try:
            envelope.verify(act=ListAct.DRAFT, case=frozenset({workflow.info().workflow_id, opening.reference}))
            standings = await self._standings(envelope.content.plan.everybody)
            opened = law.open_list(
                envelope,
                reference=opening.reference,
                terms=opening.terms,
                law=opening.law,
                standings=standings,
                at=opening.terms.clock.reading(workflow.now()),
            )
        except Refusal as refusal:
            self._refused = refusal
            self._opened.set()
            await workflow.wait_condition(workflow.all_handlers_finished)
            if isinstance(refusal, AlteredCommand):
                await recognise(envelope, "list.draft", workflow.info().workflow_id, opening.reference)
            with refusing():
                raise
        self._docket = Docket(LAW, opened.state, Hooks(ended=self._vacated_by), edition=edition)
        self._docket.first(opened)
        self._opened.set()

    @property
    def _state(self) -> ListState:
        return self._docket.state

    @workflow.update
    async def receive(self) -> Receipt:
        """The receipt for the first draft, whoever asks."""
        await self._opened.wait()
        if self._refused is not None:
            with refusing():
                raise self._refused
        return self._detailed(await self._docket.opening())

    @workflow.update
    async def draft(self, envelope: Envelope[Drafting]) -> Receipt:
        """Put another draft on the table."""
        return await self._take(envelope)

    @draft.validator
    def validate_draft(self, envelope: Envelope[Drafting]) -> None:
        """Ask the law."""
        self._check(envelope, ListAct.DRAFT)

    @workflow.update
    async def propose(self, envelope: Envelope[Proposal]) -> Receipt:
        """The President proposes the list; it is frozen under its hash."""
        return await self._take(envelope)

    @propose.validator
    def validate_propose(self, envelope: Envelope[Proposal]) -> None:
        """Ask the law."""
        self._check(envelope, ListAct.PROPOSE)

    @workflow.update
    async def decide(self, envelope: Envelope[BureauDecision]) -> Receipt:
        """The Bureau adopts the list, sends it back, or rejects it."""
        return await self._take(envelope)

    @decide.validator
    def validate_decide(self, envelope: Envelope[BureauDecision]) -> None:
        """Ask the law."""
        self._check(envelope, ListAct.DECIDE)

    @workflow.update
    async def ratify(self, envelope: Envelope[Ratification]) -> Receipt:
        """The plenary ratifies the list, or refuses."""
        return await self._take(envelope)

    @ratify.validator
    def validate_ratify(self, envelope: Envelope[Ratification]) -> None:
        """Ask the law."""
        self._check(envelope, ListAct.RATIFY)

    @workflow.update
    async def amend(self, envelope: Envelope[Drafting]) -> Receipt:
        """Draft a new version of a list in force."""
        return await self._take(envelope)

    @amend.validator
    def validate_amend(self, envelope: Envelope[Drafting]) -> None:
        """Ask the law."""
        self._check(envelope, ListAct.AMEND)

    @workflow.signal
    async def vacate(self, vacancy: Vacancy) -> None:
        """A candidacy has left its place."""
        await self._opened.wait()
        await self._take_vacancy(vacancy)

    @workflow.signal
    async def reinstate(self, vacancy: Vacancy) -> None:
        """A candidacy takes up its seat again."""
        await self._opened.wait()
        self._docket.hear(vacancy.decision, lambda: law.reinstate(self._state, vacancy, self._docket.now()))

    @workflow.signal
    async def rearm(self, terms: Terms) -> None:
        """Take the session's new terms."""
        await self._opened.wait()
        self._docket.rearm(terms)

    @workflow.query
    def imprints(self) -> dict[str, str]:
        """The digest of each part of the state; the state itself is the ledger's to tell, to whom it may."""
        return self._state.imprints

    def _check(self, envelope: Envelope[Model], act: ListAct) -> None:
        if not self._opened.is_set() or self._refused is not None:
            raise ApplicationError("the list is not on the table yet", "list-opening", type="NotAtThisStage")
        self._docket.admit(envelope, act, self._law_on(envelope))

    async def _take(self, envelope: Envelope[Model]) -> Receipt:
        async with self._table:
            standings = await self._standings(law.names(self._state, envelope))

            def ask() -> None:
                self._law_on(envelope)()
                law.check_standings(self._state, envelope, standings)

            receipt = self._docket.command(
                envelope, ask, lambda: law.command(self._state, envelope, self._docket.now(), standings)
            )
            return self._detailed(await receipt)

    def _law_on(self, envelope: Envelope[Model]) -> Callable[[], object]:
        return lambda: law.check_list_command(self._state, envelope, self._docket.now())

    def _vacated_by(self, workflow_id: str) -> None:
        """A candidacy ended before it heard that it stands on this list, so it could not say that it leaves it."""
        reference = next(ref for ref, member in self._state.members.items() if member == workflow_id)
        vacancy = Vacancy(decision=vacancy_decision(reference), candidacy=reference)
        self._docket.beside(self._take_vacancy(vacancy))

    async def _take_vacancy(self, vacancy: Vacancy) -> None:
        standings: dict[str, Standing] = {}
        held = vacancy.candidacy in self._state.held and vacancy.decision not in self._state.decisions
        reserve = self._state.in_force.reserve if self._state.in_force is not None else ()
        # A history that took a vacancy without asking who may follow goes on without having asked.
        if held and reserve and self._docket.knows(since=2, marker="vacancy-names-who-may-follow"):
            # Tried for as long as it takes: nobody waits for it, and the desk must hear who may follow.
            standings = await workflow.execute_activity_method(Enquiries.standings, reserve, **RECORD)
        self._docket.hear(vacancy.decision, lambda: law.vacate(self._state, vacancy, self._docket.now(), standings))

    async def _standings(self, references: tuple[str, ...]) -> dict[str, Standing]:
        if not references:
            return {}
        try:
            return await workflow.execute_activity_method(Enquiries.standings, references, **ENQUIRE)
        except ActivityError as failed:
            # Refused rather than stuck: whoever acts is there to try again.
            raise ApplicationError("the candidacies do not answer; try again", type="PartUnreachable") from failed

    def _detailed(self, receipt: Receipt) -> Receipt:
        state = self._state
        told = sum(len(part) for part in (state.plan.seats, state.plan.reserve, state.plan.not_retained))
        details = {"hash": state.hash, "version": state.version, "candidacies": told}
        return receipt.model_copy(update={"details": details})
