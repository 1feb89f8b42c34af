"""A register that has kept many cases for years: ended ones of as many persons, each under a key of its own.

Every step is in the chain, and signed by an officer: the most that a step can cost whoever verifies it.
"""

import itertools
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.keys.keyring import Keyring
from adapters.sql import chain
from adapters.sql.cells import Cells, content_of, state_of
from adapters.sql.tables import cases, events
from domain.candidacy import Act, Reason, Stage
from domain.chain import START, link
from domain.envelope import Envelope
from domain.ids import candidacy_workflow_id
from domain.keys import key_of
from domain.signing import digest
from domain.steps import CaseKind
from starter.signing import KeyPair

_STEPS: Final = 10
"""Steps of each case."""
_CELL: Final = 2_000
"""Bytes of an encrypted state, about: one that was measured had 1,900."""
_WRITTEN: Final = 2_000
"""Rows in one transaction."""


async def fill(engine: AsyncEngine, keyring: Keyring, session: str, *, signer: KeyPair, steps: int) -> None:
    """Write ended cases with so many steps in all, as the chain wants them."""
    rows = _steps(Cells(keyring), session, signer, steps)
    number = itertools.count(1)
    while written := [row async for row in _some(rows, _WRITTEN)]:
        ended = [_case(session, next(number), workflow_id, last) for workflow_id, last in written[_STEPS - 1 :: _STEPS]]
        async with engine.begin() as connection:
            await connection.execute(insert(cases), ended)
            await connection.execute(insert(events), [row for _, row in written])


_Step = tuple[str, dict[str, Any]]
"""The workflow of a case, and the row of one of its steps."""


async def _some(rows: AsyncIterator[_Step], most: int) -> AsyncIterator[_Step]:
    for _ in range(most):
        try:
            yield await anext(rows)
        except StopAsyncIteration:
            return


async def _steps(cells: Cells, session: str, signer: KeyPair, steps: int) -> AsyncIterator[_Step]:
    began = datetime.now(UTC)
    for number in range(steps // _STEPS):
        reference, before = _reference(session, number + 1), START
        workflow_id = candidacy_workflow_id(session, secrets.token_hex(16))
        key = key_of(workflow_id)
        for seq in range(1, _STEPS + 1):
            at = began + timedelta(minutes=number * _STEPS + seq)
            state = {"seq": seq, "told": secrets.token_hex(_CELL)}
            row = {column.name: None for column in events.c if column.name != "hash"} | {
                "case_reference": reference,
                "seq": seq,
                "at": at,
                "recorded_at": at,
                "stage_before": Stage.NOMINATED,
                "stage": Stage.LAPSED if seq == _STEPS else Stage.NOMINATED,
                "effects": [],
                "taken": at,
                "state": await cells.write(key, state_of(reference, seq), state),
            }
            command = _signed(signer, reference, seq, at)
            row |= command | {"content": await cells.write(key, content_of(reference, seq), command["content"])}
            before = link(before, chain.digest(row))
            yield workflow_id, row | {"hash": before}


def _signed(signer: KeyPair, reference: str, seq: int, at: datetime) -> dict[str, Any]:
    """What is in a step by the officer's command."""
    reason = Reason(reason=f"As agreed, {secrets.token_hex(100)}")
    envelope: Envelope[Reason] = Envelope(
        act=Act.CORRECT,
        case=reference,
        content=reason,
        content_hash=digest(reason.model_dump(mode="json")),
        basis=seq - 1,
        issued=at,
        nonce=secrets.token_hex(16),
        signer=signer.person,
    )
    step = signer.sign(envelope).step(seq=seq, at=at, before=Stage.NOMINATED, stage=Stage.NOMINATED)
    names = ("act", "trigger", "decision", "signer", "addressed", "basis", "content_hash", "issued", "nonce", "key")
    return {name: getattr(step, name) for name in (*names, "signature", "content")}


def _case(session: str, number: int, workflow_id: str, last: dict[str, Any]) -> dict[str, Any]:
    return {
        "reference": last["case_reference"],
        "kind": CaseKind.CANDIDACY,
        "session": session,
        "number": number,
        "workflow_id": workflow_id,
        "stage": Stage.LAPSED,
        "ended": True,
        "seq": last["seq"],
        "state": last["state"],
        "opened_at": last["at"],
        "changed_at": last["at"],
    }


def _reference(session: str, number: int) -> str:
    return f"C-{session}-{number:04}"
