"""What Temporal's histories remember of the register, by which it can be written again where it was lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import AwareDatetime

from domain.authority import Command, presented
from domain.envelope import Envelope
from domain.erasure import Certificate, ErasureOrder
from domain.interests import InterestRow, Withdrawal
from domain.ledger import Memory


@dataclass(frozen=True)
class CaseMemory:
    """A case as its workflow remembers it.

    Attributes:
        workflow_id: The workflow.
        steps: Its recorded steps, in order; None where its person's data was erased and nobody can read them.
        stage, seat: Where it stood last, which Temporal keeps in clear.
    """

    workflow_id: str
    steps: Sequence[Memory] | None
    stage: str | None = None
    seat: str | None = None


@dataclass(frozen=True)
class Recalled:
    """A signed command that became no step of a case, as the workflow remembers that had it taken.

    Attributes:
        power: What it did, by its name among the powers.
        cases: What it may have been done to, by every name of that.
        taken: When it was taken; the clock's time.
        by: The attempt that took it.
        interests: All that its signer had ever declared once it was taken, of a command about interests.
    """

    power: str
    cases: tuple[str, ...]
    envelope: Envelope[Any]
    taken: AwareDatetime
    by: str
    interests: tuple[InterestRow, ...] = ()

    @property
    def command(self) -> Command:
        """The command as it was taken."""
        return Command(**dict(presented(self.envelope, self.power, *self.cases)), taken=self.taken, by=self.by)


@dataclass(frozen=True)
class ErasureMemory:
    """An erasure that was certified.

    Attributes:
        order: The second officer's word; None where it was done by a rule.
    """

    certificate: Certificate
    order: Envelope[ErasureOrder] | None = None


def same_interest(withdrawal: Withdrawal, remembered: Sequence[InterestRow], own: Sequence[InterestRow]) -> str | None:
    """The interest that a remembered withdrawal is about, by its id in the register; None where there is none.

    A register that was written again may have numbered it otherwise.

    Args:
        withdrawal: What was withdrawn, by the id it had.
        remembered: All that the officer had declared, with the ids it had.
        own: All that the officer has declared, as the register has it.
    """

    def what(row: InterestRow) -> tuple[object, ...]:
        return row.about, row.what, row.case, row.since

    meant = next((what(row) for row in remembered if row.id == withdrawal.interest), None)
    return next((row.id for row in own if row.until is None and what(row) == meant), None)
