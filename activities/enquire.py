"""Ask the ledger and the running cases; nothing here changes anything."""

from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.ports import Cases, Ledger
from domain.candidacy import Stage
from domain.ids import NO_SUCH_CASE
from domain.ledger import Affected, Answer, Enquiry, EnquiryAbout
from domain.lists import Standing
from domain.session import Terms
from domain.steps import CaseKind


@dataclass(frozen=True)
class Enquiries:
    """The register's reading side."""

    ledger: Ledger
    cases: Cases

    @activity.defn
    async def answer(self, enquiry: Enquiry) -> Answer:
        """Answer a question to the ledger.

        Raises:
            ApplicationError: ``NoSuchCase``: the case or letter does not exist.
        """
        try:
            return await self.ledger.answer(enquiry)
        except ValueError as wrong:
            raise ApplicationError(str(wrong), type="WrongEnquiry", non_retryable=True) from None
        except LookupError as missing:
            raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None

    @activity.defn
    async def standings(self, references: tuple[str, ...]) -> dict[str, Standing]:
        """How candidacies stand, told by themselves; one that has ended or does not exist is left out."""
        return dict(await self.cases.standings(await self.ledger.workflows(references)))

    @activity.defn
    async def ending(self, candidacy: str) -> Stage | None:
        """How a candidacy ended, by its own record; None where it has not."""
        answer = await self.answer(Enquiry(about=EnquiryAbout.CASE, reference=candidacy))
        row = answer.case.row if answer.case is not None else None
        return Stage(row.stage) if row is not None and row.ended else None

    @activity.defn
    async def preview_amendment(self, terms: Terms) -> tuple[Affected, ...]:
        """The open candidacies whose own dates would move under new terms of their session."""
        affected: list[Affected] = []
        for kind, reference, workflow_id, state in await self.ledger.open_cases(terms.session):
            activity.heartbeat()
            if kind is not CaseKind.CANDIDACY:
                continue
            if moved := await self.cases.affected(workflow_id, terms):
                affected.append(Affected(reference=reference, stage=str(state["stage"]), moved=moved))
        return tuple(affected)
