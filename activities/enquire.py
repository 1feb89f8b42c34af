"""Ask the ledger and the running cases; nothing here changes anything."""

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.authority import command, guarded
from activities.ports import Cases, Ledger
from domain.authority import REGISTER, presented
from domain.blind import sealed
from domain.candidacy import Stage
from domain.envelope import Envelope
from domain.ids import NO_SUCH_CASE, session_workflow_id
from domain.ledger import Affected, Answer, CaseRow, Enquiry, EnquiryAbout
from domain.lists import Standing
from domain.retention import Retention
from domain.session import SessionAmendment, Terms
from domain.steps import CaseKind


@dataclass(frozen=True)
class Enquiries:
    """The register's reading side."""

    ledger: Ledger
    cases: Cases
    retention: Retention

    @activity.defn
    async def answer(self, envelope: Envelope[Enquiry]) -> Answer:
        """Answer an officer's question to the ledger, with what that officer may see.

        Raises:
            ApplicationError: The refusal, ``Erased`` among them; ``NoSuchCase``: the case or letter does not exist.
        """
        enquiry = envelope.content
        named = enquiry.reference or enquiry.workflow_id or REGISTER
        shown = presented(envelope, f"read.{enquiry.about}", named)
        async with guarded(self.ledger, power=shown.power, place=named, signed=shown.signed):
            try:
                answer = await self.ledger.answer(command(shown), enquiry)
            except ValueError as wrong:
                raise ApplicationError(str(wrong), type="WrongEnquiry", non_retryable=True) from None
            except LookupError as missing:
                raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None
        answer = self._dated(answer)
        reference = answer.case.row.reference if answer.case is not None else enquiry.reference
        if reference is None or enquiry.about not in {EnquiryAbout.CASE, EnquiryAbout.TIMELINE}:
            return answer
        state = await self.ledger.candidacy(reference)
        return answer if state is None else sealed(answer, state, envelope.signer)

    def _dated(self, answer: Answer) -> Answer:
        """The answer, in which every candidacy that has ended says until when it is kept."""

        def dated(row: CaseRow) -> CaseRow:
            if row.kind is not CaseKind.CANDIDACY or not row.ended or row.erased is not None:
                return row
            until = self.retention.kept_until(Stage(row.stage), row.changed, row.held_until, row.announced)
            return row.model_copy(update={"kept_until": until})

        case = answer.case and answer.case.model_copy(update={"row": dated(answer.case.row)})
        return answer.model_copy(update={"case": case, "cases": tuple(map(dated, answer.cases))})

    @activity.defn
    async def standings(self, references: tuple[str, ...]) -> dict[str, Standing]:
        """How candidacies stand, told by themselves; one that has ended or does not exist is left out."""
        return dict(await self.cases.standings(await self.ledger.workflows(references)))

    @activity.defn
    async def ending(self, candidacy: str) -> Stage | None:
        """How a candidacy ended, by its own record; None where it has not."""
        state = await self.ledger.candidacy(candidacy)
        return state.stage if state is not None and state.ended else None

    @activity.defn
    async def preview_amendment(
        self, terms: Terms, envelope: Envelope[SessionAmendment] | None, reader: str | None = None
    ) -> tuple[Affected, ...]:
        """The open candidacies whose own dates would move under new terms of their session.

        Args:
            terms: The terms.
            envelope: The question of the officer who would know; None where the session itself is about to send them.
            reader: The officer who is told, and does not see the cases in which that officer has an interest.

        Raises:
            ApplicationError: The refusal.
        """
        if envelope is not None:
            session = terms.session
            shown = presented(envelope, "read.preview", session, session_workflow_id(session))
            async with guarded(self.ledger, power=shown.power, place=session, signed=shown.signed):
                await self.ledger.recognise(command(shown), about="preview")
        hidden: frozenset[str] = frozenset()
        if reader is not None:
            hidden = await self.ledger.hidden_from(reader, activity.info().scheduled_time)
        affected: list[Affected] = []
        for kind, reference, workflow_id, state in await self.ledger.open_cases(terms.session):
            activity.heartbeat()
            if kind is not CaseKind.CANDIDACY or reference in hidden:
                continue
            if moved := await self.cases.affected(workflow_id, terms):
                affected.append(Affected(reference=reference, stage=str(state["stage"]), moved=moved))
        return tuple(affected)
