"""Commands are judged once more: in lots, and each by what was known when it was given."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from activities.audit import Audit
from domain.authority import REGISTER, Proof, Upkeep, Written
from domain.model import Model
from domain.offices import Admission, Appointment, Office, Revocation
from domain.roll import Roll
from tests.officers import BEGINNING, JUDGE, Checking, a_command, a_pair


@dataclass
class Counting(Checking):
    """Counts the lots."""

    lots: list[int] = field(default_factory=list)

    async def genuine(self, proofs: Sequence[Proof]) -> frozenset[Proof]:
        self.lots.append(len(proofs))
        return await super().genuine(proofs)


def written(power: str, content: Model, hours: float, *, by: int = 1, **changes: Any) -> Written:
    """A command that was taken so many hours after the beginning."""
    at = BEGINNING + timedelta(hours=hours)
    command = a_command(power, REGISTER, content, number=by, taken=at, nonce=secrets.token_hex(16))
    fields = {name: value for name, value in dict(command).items() if name in Written.model_fields}
    return Written(**(fields | {"place": f"{power} {hours}"} | changes))


def admission(number: int, office: Office) -> Admission:
    return Admission(request=a_pair(number).request(BEGINNING), office=office)


async def audit(*commands: Written, proofs: Checking | None = None) -> tuple[int, list[str]]:
    """How many were judged, and the places of those that would not be taken."""
    head = a_pair(1)
    first = Appointment(person="O-1", key=head.public.id, office=Office.HEAD_OF_DESK, since=BEGINNING)
    async with asyncio.TaskGroup() as group:
        found = Audit(JUDGE, proofs or Checking(), Roll([(head.public, first)]), group)
        for command in commands:
            await found.take(command)
        await found.finish()
    return found.count, [each.reference for each in found.doubtful]


async def test_who_was_admitted_may_sign_from_then_on_and_no_longer_than_until_the_end() -> None:
    assert await audit(
        written("ledger.verify", Upkeep(), 1, by=2),
        written("officer.admit", admission(2, Office.HEAD_OF_DESK), 2),
        written("ledger.verify", Upkeep(), 3, by=2),
        written("officer.revoke", Revocation(person="O-2", reason="left"), 4),
        written("ledger.verify", Upkeep(), 5, by=2),
    ) == (5, ["ledger.verify 1", "ledger.verify 5"])


async def test_a_forged_signature_is_found_among_many_and_named() -> None:
    genuine = written("ledger.verify", Upkeep(), 1)
    assert genuine.signed is not None
    theirs = written("ledger.verify", Upkeep(), 1, by=2).signed
    assert theirs is not None
    forged = genuine.signed.model_copy(update={"signature": theirs.signature})
    commands = [genuine] * 1200
    commands[700] = genuine.model_copy(update={"signed": forged, "place": "here"})
    proofs = Counting()
    assert await audit(*commands, proofs=proofs) == (1200, ["here"])
    assert proofs.lots == [500, 500, 200]
