"""Write a step of a case into the ledger, with its letters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from temporalio import activity

from activities.authority import guarded
from activities.ports import Ledger, Renderer, Write
from domain.authority import power_of
from domain.candidacy import Act
from domain.errors import StrayCase
from domain.ledger import Draft, Entry, Recorded
from domain.notices import Notice, Role
from domain.people import Contact
from domain.steps import CaseKind
from domain.suspension import SuspensionAct

_GOES_ON: Final = frozenset({Act.REINSTATE, SuspensionAct.REVERSE})
"""With these a case goes on that may have ended."""

Offices = Mapping[Role, tuple[Contact, ...]]


@dataclass(frozen=True)
class Recording:
    """The ledger's writing side.

    Attributes:
        ledger: The record.
        renderer: Writes the letters, so that the ledger keeps them word for word.
        desk: Where the desk's own letters go.
        offices: Where those of other offices go; the Bureau's go to the desk where nothing else is said.
    """

    ledger: Ledger
    renderer: Renderer
    desk: Contact
    offices: Offices = field(default_factory=dict)

    @activity.defn
    async def record_step(self, entry: Entry) -> Recorded:
        """Write one step, once: a second call with the same step changes nothing and answers the same.

        Raises:
            ApplicationError: The ledger refuses the step; nothing was written.
        """
        step = entry.step
        async with guarded(self.ledger, power=power_of(entry), place=entry.workflow_id, signed=step.signed):
            if activity.info().workflow_id != entry.workflow_id:
                raise StrayCase("a case is recorded by its own workflow alone", rule="ledger-state")
            recorded = await self.ledger.record(entry, writing(self.renderer, self.desk, entry, self.offices))
        goes_on = entry.step.seq == 1 or entry.step.act in _GOES_ON
        if entry.kind in {CaseKind.CANDIDACY, CaseKind.SUSPENSION} and goes_on:
            # The case is open in the ledger now, where an amendment of the session finds it. One that was made before,
            # and looked for open cases when this one was none, is in the ledger by now, and caught here.
            terms = await self.ledger.terms(entry.session)
            if terms is not None and terms.version > entry.state["terms"]["version"]:
                return recorded.model_copy(update={"terms": terms})
        return recorded


def writing(renderer: Renderer, desk: Contact, entry: Entry, offices: Offices) -> Write:
    """How an entry's letters are written once the case's reference is known."""

    def write(reference: str) -> tuple[Draft, ...]:
        letters = [
            (notice, to, reader)
            for notice in entry.notices
            for reader, to in enumerate(_readers(notice, desk, offices), 1)
        ]
        return tuple(
            draft(renderer, to, notice, reference, number).model_copy(update={"reader": reader})
            for number, (notice, to, reader) in enumerate(letters, 1)
        )

    return write


def _readers(notice: Notice, desk: Contact, offices: Offices) -> tuple[Contact, ...]:
    """Who gets a notice. There may be no secretariat; there is always a desk."""
    if notice.to is not None:
        return (notice.to,)
    return offices.get(notice.role, () if notice.role is Role.SECRETARIAT else (desk,))


def draft(renderer: Renderer, to: Contact, notice: Notice, case: str, number: int, about: str = "") -> Draft:
    """A notice written as a letter, addressed."""
    letter = renderer.render(notice, case=case, name=to.name, language=to.language)
    return Draft(number=number, template=notice.template, role=notice.role, to=to, letter=letter, about=about)
