"""A suspension, from its trigger to its outcome."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.care import Care
    from activities.enquire import Enquiries
    from domain import suspension as law
    from domain.candidacy import Reason, Stage, Tiding, found_ended
    from domain.cases import EDITION, SuspensionCase
    from domain.envelope import Envelope, Receipt
    from domain.errors import AlteredCommand, Refusal
    from domain.model import Model
    from domain.session import Terms
    from domain.steps import CaseKind
    from domain.suspension import (
        Assignment,
        Charge,
        Extension,
        Observations,
        Reversal,
        ReviewReport,
        Service,
        SuspensionAct,
        SuspensionDecision,
        SuspensionStage,
        SuspensionState,
        Waiver,
    )
from workflows.docket import Docket, Hooks, Law
from workflows.policies import RECORD
from workflows.recognition import recognise
from workflows.refusals import refusing

LAW = Law[SuspensionState](
    kind=CaseKind.SUSPENSION,
    agenda=law.agenda,
    come_due=law.come_due,
    deadline=law.deadline,
    terms=lambda state: state.terms,
    stage=lambda state: state.stage,
    rearm=law.rearm,
)

_PAUSE: Final = timedelta(seconds=5)
"""Between two attempts to reach a candidacy that is open in the ledger and does not run."""
_LONG: Final = 40
"""Events after which a run ends, so that weekly referrals, or a hearing with many grounds, never add up."""
_ONCE_LONG: Final = 50
"""The same, before the third edition."""


@workflow.defn
class Suspension:
    """One suspension of one participant.

    Updates: ``open`` (the first trigger, and every further one, which joins), ``serve``, ``observe``, ``waive``,
    ``extend``, ``assign``, ``declare_interest``, ``report``, ``decide``, ``void``, ``reverse``. Signals: ``hear`` (word
    of the candidacy), ``rearm`` (new terms of the session). Query: ``imprints``. Endings: lifted, excluded, void,
    lapsed with the session, expired with it once upheld, withdrawn, deceased. Each ends after the candidacy has taken
    its part. A run ends with a stage, or once it is long, and the next goes on from the same state; so does one that is
    begun to undo the decision that ended the case.
    """

    @workflow.init
    def __init__(self, case: SuspensionCase) -> None:
        self._refused: Refusal | None = None
        self._opened_by = case.opening.envelope.nonce if case.opening is not None else None
        hooks = Hooks(ended=lambda _: self._docket.beside(self._reach_candidacy()))
        if case.state is not None:
            self._docket = Docket(LAW, case.state, hooks, edition=case.edition, letters=case.letters)
        elif case.opening is not None:
            opening = case.opening
            try:
                opening.envelope.verify(act=SuspensionAct.OPEN, case=frozenset({workflow.info().workflow_id}))
                opened = law.open_case(
                    opening.envelope,
                    terms=opening.terms,
                    fingerprint=opening.fingerprint,
                    number=opening.number,
                    candidacy=opening.candidacy,
                    candidacy_workflow=opening.candidacy_workflow,
                    participant=opening.participant,
                    at=opening.terms.clock.reading(workflow.now()),
                )
            except Refusal as refusal:
                self._refused = refusal
            else:
                # The candidacy is told once the ledger has the step, and not before.
                state = opened.state.model_copy(update={"outbox": ()})
                self._docket = Docket(LAW, state, hooks, edition=case.edition)
                self._docket.first(opened)

    @workflow.run
    async def run(self, case: SuspensionCase) -> SuspensionStage:
        """Run the suspension to its end."""
        await workflow.wait_condition(lambda: self._refused is None or workflow.all_handlers_finished())
        if isinstance(self._refused, AlteredCommand) and case.opening is not None:
            await recognise(case.opening.envelope, "suspension.open", workflow.info().workflow_id)
        self._admit()
        if case.state is not None and not case.state.ended and workflow.info().continued_run_id is None:
            # Started again from the ledger: what was on its way between the two may be lost. An order that is still in
            # the outbox goes out again by itself, and must not overtake those before it.
            self._docket.beside(self._find_out() if case.state.outbox else self._reach_candidacy())
        began = self._state.stage
        await self._docket.until(lambda: self._is_phase_over(began))
        if not self._state.ended:
            workflow.continue_as_new(SuspensionCase(state=self._state, edition=EDITION, letters=self._docket.letters))
        return self._state.stage

    def _is_phase_over(self, began: SuspensionStage) -> bool:
        if self._state.stage is SuspensionStage.DECIDED:
            return False
        long = _LONG if self._docket.knows(since=3) else _ONCE_LONG
        return self._state.stage is not began or workflow.info().get_current_history_length() >= long

    @property
    def _state(self) -> SuspensionState:
        return self._docket.state

    def _admit(self) -> None:
        """Say no to an opening that may not be taken; no case has come to be."""
        if self._refused is not None:
            with refusing():
                raise self._refused

    @workflow.update(name="open")
    async def open_or_join(self, envelope: Envelope[Charge]) -> Receipt:
        """Record a trigger: the first opens the case, another joins it."""
        if envelope.nonce == self._opened_by:
            return await self._docket.opening()
        return await self._take(envelope)

    @open_or_join.validator
    def validate_open(self, envelope: Envelope[Charge]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.OPEN)

    @workflow.update
    async def serve(self, envelope: Envelope[Service]) -> Receipt:
        """Record that a notice was delivered; the time to answer begins."""
        return await self._take(envelope)

    @serve.validator
    def validate_serve(self, envelope: Envelope[Service]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.SERVE)

    @workflow.update
    async def observe(self, envelope: Envelope[Observations]) -> Receipt:
        """Record what the participant answered."""
        return await self._take(envelope)

    @observe.validator
    def validate_observe(self, envelope: Envelope[Observations]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.OBSERVE)

    @workflow.update
    async def waive(self, envelope: Envelope[Waiver]) -> Receipt:
        """Record that the participant does not want to answer."""
        return await self._take(envelope)

    @waive.validator
    def validate_waive(self, envelope: Envelope[Waiver]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.WAIVE)

    @workflow.update
    async def extend(self, envelope: Envelope[Extension]) -> Receipt:
        """Give more time to answer."""
        return await self._take(envelope)

    @extend.validator
    def validate_extend(self, envelope: Envelope[Extension]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.EXTEND)

    @workflow.update
    async def assign(self, envelope: Envelope[Assignment]) -> Receipt:
        """Name the reviewer."""
        return await self._take(envelope)

    @assign.validator
    def validate_assign(self, envelope: Envelope[Assignment]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.ASSIGN)

    @workflow.update
    async def declare_interest(self, envelope: Envelope[Reason]) -> Receipt:
        """Record that whoever signs has an interest in the case."""
        return await self._take(envelope)

    @declare_interest.validator
    def validate_declare_interest(self, envelope: Envelope[Reason]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.DECLARE_INTEREST)

    @workflow.update
    async def report(self, envelope: Envelope[ReviewReport]) -> Receipt:
        """Record what the reviewer found."""
        return await self._take(envelope)

    @report.validator
    def validate_report(self, envelope: Envelope[ReviewReport]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.REPORT)

    @workflow.update
    async def decide(self, envelope: Envelope[SuspensionDecision]) -> Receipt:
        """Record what the Bureau decided."""
        return await self._take(envelope)

    @decide.validator
    def validate_decide(self, envelope: Envelope[SuspensionDecision]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.DECIDE)

    @workflow.update
    async def void(self, envelope: Envelope[Reason]) -> Receipt:
        """Record that it was opened in error."""
        return await self._take(envelope)

    @void.validator
    def validate_void(self, envelope: Envelope[Reason]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.VOID)

    @workflow.update
    async def reverse(self, envelope: Envelope[Reversal]) -> Receipt:
        """Undo the decision, also one that has come to pass; the case is under review again."""
        return await self._take(envelope)

    @reverse.validator
    def validate_reverse(self, envelope: Envelope[Reversal]) -> None:
        """Ask the law."""
        self._check(envelope, SuspensionAct.REVERSE)

    @workflow.signal
    def hear(self, tiding: Tiding) -> None:
        """Take word of the candidacy."""
        self._docket.hear(
            tiding.decision,
            lambda: (
                None if tiding.contact == self._state.participant else law.hear(self._state, tiding, self._docket.now())
            ),
        )

    @workflow.signal
    def rearm(self, terms: Terms) -> None:
        """Take the session's new terms."""
        self._docket.rearm(terms)

    @workflow.query
    def imprints(self) -> dict[str, str]:
        """The digest of each part of the state; the state itself is the ledger's to tell, to whom it may."""
        return self._state.imprints

    def _check(self, envelope: Envelope[Model], act: SuspensionAct) -> None:
        self._admit()
        self._docket.admit(envelope, act, self._law_on(envelope))

    async def _take(self, envelope: Envelope[Model]) -> Receipt:
        return await self._docket.command(
            envelope,
            self._law_on(envelope),
            lambda: law.command(self._state, envelope, self._docket.now()),
        )

    def _law_on(self, envelope: Envelope[Model]) -> Callable[[], object]:
        return lambda: law.check_command(self._state, envelope, self._docket.now())

    async def _find_out(self) -> bool:
        """Whether the candidacy has ended by its own record, which then ends this case."""
        ending = await workflow.execute_activity_method(Enquiries.ending, self._state.candidacy, **RECORD)
        if ending is None or self._undoes(ending):
            return False
        self.hear(found_ended(self._state.candidacy, ending, nth=self._state.reversals))
        return True

    def _undoes(self, ending: Stage) -> bool:
        return ending is Stage.EXCLUDED and law.brings_back(self._state)

    async def _reach_candidacy(self) -> None:
        """Find out how the candidacy ended; where it has not, repeat the last order, once it runs again."""
        candidacy = workflow.get_external_workflow_handle(self._state.candidacy_workflow)
        while not await self._find_out():
            order = self._state.order
            if self._state.ended or order is None:
                return
            if law.brings_back(self._state) and await workflow.execute_activity_method(
                Care.reinstate, args=(self._state.candidacy, order), **RECORD
            ):
                return
            try:
                await candidacy.signal("obey", order)
            except FailureError:
                await workflow.sleep(_PAUSE)
            else:
                return
