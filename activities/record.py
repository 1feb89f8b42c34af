"""Write a step of a case into the ledger, with its letters."""

from dataclasses import dataclass

from temporalio import activity

from activities.ports import Ledger, Renderer, Write
from activities.refusals import refusing
from domain.ledger import Draft, Entry, Recorded
from domain.notices import Notice
from domain.people import Contact
from domain.steps import CaseKind


@dataclass(frozen=True)
class Recording:
    """The ledger's writing side.

    Attributes:
        ledger: The record.
        renderer: Writes the letters, so that the ledger keeps them word for word.
        desk: Where the desk's own letters go.
    """

    ledger: Ledger
    renderer: Renderer
    desk: Contact

    @activity.defn
    async def record_step(self, entry: Entry) -> Recorded:
        """Write one step, once: a second call with the same step changes nothing and answers the same.

        Raises:
            ApplicationError: The ledger refuses the step; nothing was written.
        """
        with refusing():
            recorded = await self.ledger.record(entry, writing(self.renderer, self.desk, entry))
        if entry.kind is CaseKind.CANDIDACY and entry.step.seq == 1:
            # The case stands in the ledger now, where an amendment of the session finds it. One that was made just
            # before, and looked for open cases before this one stood there, is in the ledger by now, and caught here.
            terms = await self.ledger.terms(entry.session)
            if terms is not None and terms.version > entry.state["terms"]["version"]:
                return recorded.model_copy(update={"terms": terms})
        return recorded


def writing(renderer: Renderer, desk: Contact, entry: Entry) -> Write:
    """How an entry's letters are written once the case's reference is known."""

    def write(reference: str) -> tuple[Draft, ...]:
        return tuple(draft(renderer, desk, notice, reference, n) for n, notice in enumerate(entry.notices, 1))

    return write


def draft(renderer: Renderer, desk: Contact, notice: Notice, case: str, number: int, about: str = "") -> Draft:
    """A notice written as a letter, addressed."""
    to = notice.to or desk
    letter = renderer.render(notice, case=case, name=to.name, language=to.language)
    return Draft(number=number, template=notice.template, role=notice.role, to=to, letter=letter, about=about)
