"""A session of the platform: its terms, and their amendment."""

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.care import Care
    from activities.enquire import Enquiries
    from domain import session as law
    from domain.cases import SessionCase
    from domain.envelope import Envelope, Receipt
    from domain.errors import AlteredCommand, Refusal
    from domain.ledger import Affected
    from domain.session import SessionAct, SessionAmendment, SessionStage, SessionState
    from domain.steps import CaseKind
from workflows.docket import Docket, Law
from workflows.policies import CARE
from workflows.recognition import recognise
from workflows.refusals import refusing

LAW = Law[SessionState](
    kind=CaseKind.SESSION,
    agenda=law.session_agenda,
    come_due=law.close_session,
    deadline=lambda state: None if state.ended else state.terms.closing,
    terms=lambda state: state.terms,
    stage=lambda state: state.stage,
)


@workflow.defn
class Session:
    """One session.

    Updates: ``receive`` (the opening's receipt), ``amend`` (answers with who is affected), ``preview`` (the same, and
    changes nothing). Query: ``imprints``. Ends closed, at the session's last instant.
    """

    @workflow.init
    def __init__(self, case: SessionCase) -> None:
        self._refused: Refusal | None = None
        self._circulars: dict[int, asyncio.Task[tuple[Affected, ...]]] = {}
        if case.state is not None:
            self._docket = Docket(LAW, case.state, edition=case.edition)
        elif case.opening is not None:
            envelope = case.opening.envelope
            at = envelope.content.clock.reading(workflow.now())
            try:
                envelope.verify(act=SessionAct.OPEN, case=frozenset({workflow.info().workflow_id}))
                opened = law.open_session(envelope, closed_days=case.opening.closed_days, at=at)
            except Refusal as refusal:
                self._refused = refusal
            else:
                self._docket = Docket(LAW, opened.state, edition=case.edition)
                self._docket.first(opened)

    @workflow.run
    async def run(self, case: SessionCase) -> SessionStage:
        """Run the session to its end."""
        await workflow.wait_condition(lambda: self._refused is None or workflow.all_handlers_finished())
        if isinstance(self._refused, AlteredCommand) and case.opening is not None:
            await recognise(case.opening.envelope, "session.open", workflow.info().workflow_id)
        self._admit()
        if case.state is not None:
            # Started again from the ledger, where an amendment may stand that not every case had heard of.
            await self._circulate()
        await self._docket.until()
        return self._state.stage

    @property
    def _state(self) -> SessionState:
        return self._docket.state

    def _admit(self) -> None:
        if self._refused is not None:
            with refusing():
                raise self._refused

    @workflow.update
    async def receive(self) -> Receipt:
        """The receipt for the opening, whoever asks."""
        self._admit()
        return await self._docket.opening()

    @workflow.update
    async def amend(self, envelope: Envelope[SessionAmendment]) -> Receipt:
        """Move dates; the answer's details name every candidacy whose own dates move with them."""
        receipt = await self._docket.command(
            envelope,
            self._law_on(envelope),
            lambda: law.amend(self._state, envelope, self._docket.now()),
        )
        # One circular for one step: whoever gives the same command again waits for the same one.
        if receipt.seq not in self._circulars:
            self._circulars[receipt.seq] = asyncio.create_task(self._circulate(envelope.signer))
        affected = await self._circulars[receipt.seq]
        details = {"affected": [case.model_dump(mode="json") for case in affected]}
        return receipt.model_copy(update={"details": details})

    @amend.validator
    def validate_amend(self, envelope: Envelope[SessionAmendment]) -> None:
        """Ask the law."""
        self._check(envelope)

    @workflow.update
    async def preview(self, envelope: Envelope[SessionAmendment]) -> tuple[Affected, ...]:
        """Whom an amendment would affect; nothing is recorded."""
        with refusing():
            plan = law.amended(self._state, envelope.content, self._docket.now())
        terms = self._state.model_copy(update={"plan": plan, "version": self._state.version + 1}).terms
        try:
            return await workflow.execute_activity_method(
                Enquiries.preview_amendment, args=[terms, envelope, envelope.signer], **CARE
            )
        except ActivityError as failed:
            raise failed.cause or failed from None

    @preview.validator
    def validate_preview(self, envelope: Envelope[SessionAmendment]) -> None:
        """Ask the law."""
        self._admit()
        with refusing():
            self._law_on(envelope)()

    @workflow.query
    def imprints(self) -> dict[str, str]:
        """The digest of each part of the state; the state itself is the ledger's to tell, to whom it may."""
        return self._state.imprints

    async def _circulate(self, reader: str | None = None) -> tuple[Affected, ...]:
        """Send the present terms to every open case; the candidacies whose own dates moved, as the reader may know."""
        terms = self._state.terms
        affected: tuple[Affected, ...] = await workflow.execute_activity_method(
            Enquiries.preview_amendment, args=[terms, None, reader], **CARE
        )
        await workflow.execute_activity_method(Care.rearm_cases, terms, **CARE)
        return affected

    def _check(self, envelope: Envelope[SessionAmendment]) -> None:
        self._admit()
        self._docket.admit(envelope, SessionAct.AMEND, self._law_on(envelope))

    def _law_on(self, envelope: Envelope[SessionAmendment]) -> Callable[[], object]:
        return lambda: law.amended(self._state, envelope.content, self._docket.now())
