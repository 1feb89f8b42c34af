"""Officers for tests: each number is a person with a key, the same in every run, admitted to whatever a test needs."""

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from temporalio.testing import ActivityEnvironment

from activities.audit import Audit
from activities.ports import Judging
from adapters.signatures import JsonWebSignatures
from adapters.sql.ledger import SqlLedger
from domain.authority import REGISTER, Command, Freshness, Grounds, Judge, Proof, Upkeep, Written, presented
from domain.envelope import Envelope
from domain.ledger import Answer, Enquiry, Entry, LetterState, Settlement
from domain.model import Model
from domain.offices import Admission, Appointment, Office, Officer, Request
from domain.roll import Roll
from domain.signing import Signed, digest
from domain.steps import CaseState
from starter.signing import KeyPair

BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""When everybody was admitted."""
JUDGE: Final = Judge(
    signatures=JsonWebSignatures(),
    # A server that skips time is years ahead of the clock by which commands are signed.
    freshness=Freshness(within=timedelta(days=36500), skew=timedelta(minutes=1)),
)


class Lenient:
    """A judge for tests of what comes after the judgement."""

    async def vouched(self, signed: Signed | None) -> Signed | None:
        return signed

    def entry(self, entry: Entry, state: CaseState, grounds: Grounds, vouched: Signed | None) -> None:
        pass

    def command(self, command: Command, grounds: Grounds) -> None:
        pass

    def request(self, request: Request) -> None:
        pass

    def written(self, written: Written, officer: Officer | None, *, genuine: bool) -> None:
        pass


class Checking:
    """Checks signatures here and now."""

    async def genuine(self, proofs: Sequence[Proof]) -> frozenset[Proof]:
        signatures = JsonWebSignatures()
        return frozenset(proof for proof in proofs if signatures.holds(*proof))


def a_pair(number: int = 1, *, key: int = 1) -> KeyPair:
    """A key of the officer of that number; another ``key`` is another one of the same person's."""
    seed = hashlib.sha256(f"O-{number}, key {key}".encode()).digest()
    return KeyPair(person=f"O-{number}", private=Ed25519PrivateKey.from_private_bytes(seed))


def an_officer(number: int = 1, offices: Iterable[Office] = Office, *, key: int = 1, **changes: Any) -> Officer:
    """An officer who holds these offices through a key; all of them, where none is named."""
    pair = a_pair(number, key=key)
    held = [
        Appointment.model_validate(
            {"person": pair.person, "key": pair.public.id, "office": office, "since": BEGINNING} | changes
        )
        for office in offices
    ]
    return Officer(person=pair.person, key=pair.public, appointments=tuple(held))


def a_command(
    power: str,
    case: str,
    content: Model,
    *,
    number: int = 1,
    taken: datetime | None = None,
    by: str = "attempt",
    **changes: Any,
) -> Command:
    """A signed command that becomes no step."""
    issued = taken or datetime(2026, 1, 1, tzinfo=UTC)
    envelope: Envelope[Any] = Envelope(
        act=power.rpartition(".")[2],
        case=case,
        content=content,
        content_hash=digest(content.model_dump(mode="json")),
        issued=issued,
        nonce=digest([power, case, content.model_dump(mode="json"), number, by])[:32],
        signer=f"O-{number}",
    )
    signed = a_pair(number).sign(envelope.model_copy(update=changes))
    return Command(**dict(presented(signed, power, case)), taken=issued, by=by)


def an_upkeep(act: str) -> Envelope[Upkeep]:
    """A signed command about the register as a whole."""
    envelope: Envelope[Upkeep] = Envelope(
        act=act,
        case=REGISTER,
        content=Upkeep(),
        content_hash=digest({}),
        issued=datetime.now(UTC),
        nonce=secrets.token_hex(16),
        signer="O-1",
    )
    return a_pair().sign(envelope)


def of_workflow(workflow_id: str) -> ActivityEnvironment:
    """An activity of one workflow."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, workflow_id=workflow_id)
    return environment


def a_question(enquiry: Enquiry, *, number: int = 1) -> Command:
    """A signed question to the ledger, another one each time."""
    named = enquiry.reference or enquiry.workflow_id or REGISTER
    power, now = f"read.{enquiry.about}", datetime.now(UTC)
    return a_command(power, named, enquiry, number=number, taken=now, nonce=secrets.token_hex(16))


async def asked(ledger: SqlLedger, enquiry: Enquiry) -> Answer:
    """What the ledger answers."""
    return await ledger.answer(a_question(enquiry), enquiry)


async def settled(ledger: SqlLedger, letter: str, settlement: Settlement, *, number: int = 1) -> LetterState:
    """What state a letter is in once an officer has decided."""
    command = a_command("letter.settle", letter, settlement, number=number, nonce=secrets.token_hex(16))
    return await ledger.settle(command, settlement)


async def admit_everybody(ledger: SqlLedger, numbers: Iterable[int] = range(1, 11)) -> None:
    """Admit each of these officers to every office, by signed commands, as it would have been done."""
    at = BEGINNING
    await ledger.admit_first(a_pair(1).request(at), at)
    await admit(ledger, 2, Office.HEAD_OF_DESK, by=1, at=at)
    for number in numbers:
        held = {Office.HEAD_OF_DESK} if number in {1, 2} else set()
        for office in set(Office) - held:
            await admit(ledger, number, office, by=2 if number == 1 else 1, at=at)


async def admit(
    ledger: SqlLedger, number: int, office: Office, *, by: int, at: datetime, **changes: Any
) -> Appointment:
    """Have one officer admit another."""
    fields: dict[str, Any] = {"request": a_pair(number).request(at), "office": office}
    admission = Admission.model_validate(fields | changes)
    command = a_command("officer.admit", REGISTER, admission, number=by, taken=at, nonce=secrets.token_hex(16))
    return await ledger.admit(command, admission)


async def audited(ledger: SqlLedger, judge: Judging) -> tuple[Roll, Audit]:
    """The officers as they follow from what was signed, once all of that is judged again."""
    roll = Roll(await ledger.unsigned_appointments())
    async with asyncio.TaskGroup() as group:
        audit = Audit(judge, Checking(), roll, group)
        async for written in ledger.written():
            await audit.take(written)
        await audit.finish()
    return roll, audit
