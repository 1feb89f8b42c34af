"""A candidacy, from nomination to the end of the session."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.screen import Screenings
    from domain import candidacy as law
    from domain.candidacy import (
        OPEN,
        Act,
        CandidacyState,
        Correction,
        Declaration,
        Information,
        InformationRequest,
        Order,
        Reason,
        Stage,
        Tiding,
        Word,
    )
    from domain.cases import EDITION, CandidacyCase
    from domain.checks import whom_to_screen
    from domain.envelope import Envelope, Receipt
    from domain.errors import AlteredCommand, Refusal
    from domain.functions import ExceptionReason, Functions
    from domain.ids import screening_queue
    from domain.lists import Standing
    from domain.model import Model
    from domain.screening import Resolution, Silence
    from domain.session import Terms
    from domain.steps import CaseKind, Outcome
    from domain.vetting import Assessment
    from domain.watchlists import Screened
from workflows.docket import Docket, Hooks, Law
from workflows.policies import SCREEN, SCREEN_AGAIN, SCREEN_FIRST
from workflows.recognition import recognise
from workflows.refusals import refusing

LAW = Law[CandidacyState](
    kind=CaseKind.CANDIDACY,
    agenda=law.agenda,
    come_due=law.come_due,
    deadline=law.deadline,
    terms=lambda state: state.terms,
    stage=lambda state: state.stage,
    seat=lambda state: state.place or state.nomination.seat,
    rearm=law.rearm,
)

_PAUSE: Final = timedelta(seconds=5)
"""Between two attempts to reach a list that does not run."""
_SCREENED = OPEN - {Stage.NOMINATED}
"""Nobody is asked about who has not consented."""
_WAS_SEATED = frozenset({Stage.APPROVED, Stage.PARTICIPANT, Stage.SUSPENDED, Stage.EXCLUDED})
"""Where a run may begin that follows the seat; from an exclusion where that is undone."""


@workflow.defn
class Candidacy:
    """One person's candidacy in one session.

    Updates: ``receive`` (the nomination's receipt), ``declare``, ``decline``, ``assess``, ``request_information``,
    ``supply_information``, ``resolve``, ``record_functions``, ``sign_exception``, ``correct``, ``withdraw``,
    ``record_death``. Signals: ``hear`` (word of a list), ``obey`` (an order of a suspension), ``rearm`` (new terms of
    the session), ``rescreen`` (the watchlists may have changed). Queries: ``imprints``, ``standing``, ``affected``.
    Endings: lapsed, declined, ineligible, not retained, withdrawn, excluded, deceased, expired. A run ends when a seat
    is given, and the next goes on from the same state; so does one that an order begins which undoes an exclusion.
    """

    @workflow.init
    def __init__(self, case: CandidacyCase) -> None:
        self._refused: Refusal | None = None
        self._screening: asyncio.Task[None] | None = None
        self._screening_awaited = False
        self._screening_due = False
        hooks = Hooks(recorded=self._screen_in_vetting, ended=self._unheard_by)
        if case.state is not None:
            self._docket = Docket(LAW, case.state, hooks, edition=case.edition, letters=case.letters)
        elif case.opening is not None:
            opening = case.opening
            at = opening.terms.clock.reading(workflow.now())
            try:
                opening.envelope.verify(act=Act.NOMINATE, case=frozenset({workflow.info().workflow_id}))
                opened = law.open_case(
                    opening.envelope,
                    terms=opening.terms,
                    fingerprint=opening.fingerprint,
                    statements=opening.statements,
                    at=at,
                )
            except Refusal as refusal:
                self._refused = refusal
            else:
                self._docket = Docket(LAW, opened.state, hooks, edition=case.edition)
                self._docket.first(opened)

    @workflow.run
    async def run(self, case: CandidacyCase) -> Stage:
        """Run the candidacy to its end."""
        await workflow.wait_condition(lambda: self._refused is None or workflow.all_handlers_finished())
        if isinstance(self._refused, AlteredCommand) and case.opening is not None:
            await recognise(case.opening.envelope, "candidacy.nominate", workflow.info().workflow_id)
        self._admit()
        if case.state is not None:
            self._screen_in_vetting()
        began_seated = case.state is not None and case.state.stage in _WAS_SEATED
        # The year that follows the seat has a history of its own: what came before can then shed its old code.
        await self._docket.until(lambda: not began_seated and self._is_seated())
        if self._screening is not None:
            self._screening.cancel()
        if not self._state.ended:
            workflow.continue_as_new(CandidacyCase(state=self._state, edition=EDITION, letters=self._docket.letters))
        return self._state.stage

    @property
    def _state(self) -> CandidacyState:
        return self._docket.state

    def _is_seated(self) -> bool:
        stage = self._state.stage
        # A history that went on through the approval in one run ends that run when participation begins.
        return stage is Stage.PARTICIPANT or (
            stage is Stage.APPROVED and self._docket.knows(since=2, marker="run-ends-with-approval")
        )

    def _admit(self) -> None:
        """Say no to a nomination that may not be taken; no case has come to be."""
        if self._refused is not None:
            with refusing():
                raise self._refused

    @workflow.update
    async def receive(self) -> Receipt:
        """The receipt for the nomination, whoever asks."""
        self._admit()
        return await self._docket.opening()

    @workflow.update
    async def declare(self, envelope: Envelope[Declaration]) -> Receipt:
        """Record the candidate's consent and answers."""
        return await self._take(envelope)

    @declare.validator
    def validate_declare(self, envelope: Envelope[Declaration]) -> None:
        """Ask the law."""
        self._check(envelope, Act.DECLARE)

    @workflow.update
    async def decline(self, envelope: Envelope[Reason]) -> Receipt:
        """Record that the candidate said no."""
        return await self._take(envelope)

    @decline.validator
    def validate_decline(self, envelope: Envelope[Reason]) -> None:
        """Ask the law."""
        self._check(envelope, Act.DECLINE)

    @workflow.update
    async def assess(self, envelope: Envelope[Assessment]) -> Receipt:
        """Record an officer's findings on every criterion."""
        return await self._take(envelope)

    @assess.validator
    def validate_assess(self, envelope: Envelope[Assessment]) -> None:
        """Ask the law."""
        self._check(envelope, Act.ASSESS)

    @workflow.update
    async def request_information(self, envelope: Envelope[InformationRequest]) -> Receipt:
        """Ask the candidate; the time-limit for vetting stands still until the answer."""
        return await self._take(envelope)

    @request_information.validator
    def validate_request_information(self, envelope: Envelope[InformationRequest]) -> None:
        """Ask the law."""
        self._check(envelope, Act.REQUEST_INFORMATION)

    @workflow.update
    async def supply_information(self, envelope: Envelope[Information]) -> Receipt:
        """Record the candidate's answer; a new round of assessments begins."""
        return await self._take(envelope)

    @supply_information.validator
    def validate_supply_information(self, envelope: Envelope[Information]) -> None:
        """Ask the law."""
        self._check(envelope, Act.SUPPLY_INFORMATION)

    @workflow.update
    async def resolve(self, envelope: Envelope[Resolution]) -> Receipt:
        """Record what an officer says of a hit."""
        return await self._take(envelope)

    @resolve.validator
    def validate_resolve(self, envelope: Envelope[Resolution]) -> None:
        """Ask the law."""
        self._check(envelope, Act.RESOLVE)

    @workflow.update
    async def record_functions(self, envelope: Envelope[Functions]) -> Receipt:
        """Record the posts, mandates and payments that the candidate declared."""
        return await self._take(envelope)

    @record_functions.validator
    def validate_record_functions(self, envelope: Envelope[Functions]) -> None:
        """Ask the law."""
        self._check(envelope, Act.RECORD_FUNCTIONS)

    @workflow.update
    async def sign_exception(self, envelope: Envelope[ExceptionReason]) -> Receipt:
        """Record an officer's signature under an exception."""
        return await self._take(envelope)

    @sign_exception.validator
    def validate_sign_exception(self, envelope: Envelope[ExceptionReason]) -> None:
        """Ask the law."""
        self._check(envelope, Act.SIGN_EXCEPTION)

    @workflow.update
    async def correct(self, envelope: Envelope[Correction]) -> Receipt:
        """Record a better address, name or language for the letters to come."""
        return await self._take(envelope)

    @correct.validator
    def validate_correct(self, envelope: Envelope[Correction]) -> None:
        """Ask the law."""
        self._check(envelope, Act.CORRECT)

    @workflow.update
    async def withdraw(self, envelope: Envelope[Reason]) -> Receipt:
        """Record that the candidate or participant withdraws."""
        return await self._take(envelope)

    @withdraw.validator
    def validate_withdraw(self, envelope: Envelope[Reason]) -> None:
        """Ask the law."""
        self._check(envelope, Act.WITHDRAW)

    @workflow.update
    async def record_death(self, envelope: Envelope[Reason]) -> Receipt:
        """Record that the candidate or participant has died; nothing is written to them any more."""
        return await self._take(envelope)

    @record_death.validator
    def validate_record_death(self, envelope: Envelope[Reason]) -> None:
        """Ask the law."""
        self._check(envelope, Act.RECORD_DEATH)

    @workflow.signal
    def obey(self, order: Order) -> None:
        """Take an order of a suspension."""
        self._docket.take(lambda: self._obeyed(order))

    @workflow.signal
    def hear(self, word: Word) -> None:
        """Take word of a list."""
        self._docket.hear(word.decision, lambda: law.hear(self._state, word, self._docket.now()))

    @workflow.signal
    def rearm(self, terms: Terms) -> None:
        """Take the session's new terms."""
        self._docket.rearm(terms)

    @workflow.signal
    def rescreen(self) -> None:
        """Ask the lists again."""
        if self._state.stage in _SCREENED:
            self._screening_due = True
            self._screen()

    @workflow.query
    def imprints(self) -> dict[str, str]:
        """The digest of each part of the state; the state itself is the ledger's to tell, to whom it may."""
        return self._state.imprints

    @workflow.query
    def standing(self) -> Standing:
        """How the candidacy stands, for a list; no personal data."""
        state = self._state
        return Standing(
            reference=state.reference,
            workflow_id=state.workflow_id,
            stage=state.stage,
            seat=state.nomination.seat,
            list_reference=state.list_reference,
        )

    @workflow.query
    def affected(self, terms: Terms) -> tuple[str, ...]:
        """Which kinds of date would move under other terms."""
        return law.affected(self._state, terms)

    def _obeyed(self, order: Order) -> Outcome[CandidacyState] | None:
        # An exclusion that is undone is the one ending from which a candidacy comes back.
        back = order.act is Act.REINSTATE and self._state.stage is Stage.EXCLUDED
        if order.decision not in self._state.decisions and (back or not self._state.ended):
            return law.obey(self._state, order, self._docket.now())
        if (answer := law.answer_again(self._state, order)) is not None:
            self._docket.beside(self._answer(order, answer))
        return None

    async def _answer(self, order: Order, answer: Tiding) -> None:
        """Answer an order that asks for no step."""
        try:
            await workflow.get_external_workflow_handle(order.suspension).signal("hear", answer)
        except FailureError:
            workflow.logger.info("not told: has ended", extra={"case": self._state.reference})

    def _unheard_by(self, workflow_id: str) -> None:
        if law.return_again(self._state, workflow_id) is not None:
            self._docket.beside(self._return_to(workflow_id))

    async def _return_to(self, workflow_id: str) -> None:
        """Tell a list that a seat is taken up again, once it runs: both may be started again from the ledger."""
        while (word := law.return_again(self._state, workflow_id)) is not None:
            await workflow.sleep(_PAUSE)
            with suppress(FailureError):
                await workflow.get_external_workflow_handle(workflow_id).signal(word.signal, word.content)
                return

    def _check(self, envelope: Envelope[Model], act: Act) -> None:
        self._admit()
        self._docket.admit(envelope, act, self._law_on(envelope))

    async def _take(self, envelope: Envelope[Model]) -> Receipt:
        if self._screening_awaited and envelope.act == Act.ASSESS:
            with suppress(TimeoutError):
                await workflow.wait_condition(lambda: not self._screening_awaited, timeout=SCREEN_FIRST)
        return await self._docket.command(
            envelope,
            self._law_on(envelope),
            lambda: law.command(self._state, envelope, self._docket.now(), screening_awaited=self._screening_awaited),
        )

    def _screen_in_vetting(self) -> None:
        """Begin to screen a candidate who enters vetting; a history from before there were lists went on without."""
        in_vetting = self._state.stage is Stage.VETTING and self._screening is None
        if in_vetting and self._docket.knows(since=2, marker="screened-in-vetting"):
            self._screening_awaited = self._screening_due = True
            self._screen()

    def _screen(self) -> None:
        if self._screening is None or self._screening.done():
            self._screening = asyncio.create_task(self._keep_screening())

    async def _keep_screening(self) -> None:
        """Ask the lists now, again whenever they change, and again after a pause where they could not be asked."""
        while not self._state.ended:
            await workflow.wait_condition(lambda: self._screening_due)
            self._screening_due = False
            answer = await self._ask_lists()
            self._docket.take(lambda answer=answer: self._screened(answer))  # type: ignore[misc]
            if answer.silent:
                with suppress(TimeoutError):
                    await workflow.wait_condition(lambda: self._screening_due, timeout=SCREEN_AGAIN)
                self._screening_due = True

    async def _ask_lists(self) -> Screened:
        try:
            return await workflow.execute_activity_method(
                Screenings.screen_person,
                whom_to_screen(self._state.nomination.candidate),
                task_queue=screening_queue(workflow.info().task_queue),
                **SCREEN,
            )
        except ActivityError:
            return Screened(silent=(Silence(what="lists", cause="no answer"),))

    def _screened(self, answer: Screened) -> Outcome[CandidacyState] | None:
        self._screening_awaited = False
        return law.screened(self._state, answer, self._docket.now()) if not self._state.ended else None

    def _law_on(self, envelope: Envelope[Model]) -> Callable[[], object]:
        return lambda: law.check_command(self._state, envelope, self._docket.now())
