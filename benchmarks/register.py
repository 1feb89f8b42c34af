"""A register that has kept many cases for years: ended ones, with their steps in the chain, and their signatures."""

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
from domain.keys import REGISTER_KEY
from domain.signing import digest
from domain.steps import CaseKind, Trigger
from starter.signing import KeyPair

_STEPS: Final = 10
"""Steps of each case."""
_SIGNED: Final = 5
"""How many of them an officer took."""
_CELL: Final = 2_000
"""Bytes of an encrypted state, about: one that was measured had 1,900."""
_WRITTEN: Final = 2_000
"""Rows in one transaction."""


async def fill(engine: AsyncEngine, keyring: Keyring, session: str, *, signer: KeyPair, steps: int) -> None:
    """Write ended cases with so many steps in all, as the chain wants them."""
    rows = _steps(Cells(keyring), session, signer, steps)
    number = itertools.count(1)
    while written := [row async for row in _some(rows, _WRITTEN)]:
        ended = [_case(session, next(number), last) for last in written[_STEPS - 1 :: _STEPS]]
        async with engine.begin() as connection:
            await connection.execute(insert(cases), ended)
            await connection.execute(insert(events), written)


async def _some(rows: AsyncIterator[dict[str, Any]], most: int) -> AsyncIterator[dict[str, Any]]:
    for _ in range(most):
        try:
            yield await anext(rows)
        except StopAsyncIteration:
            return


async def _steps(cells: Cells, session: str, signer: KeyPair, steps: int) -> AsyncIterator[dict[str, Any]]:
    began = datetime.now(UTC)
    for number in range(steps // _STEPS):
        reference, before = _reference(session, number + 1), START
        for seq in range(1, _STEPS + 1):
            at = began + timedelta(minutes=number * _STEPS + seq)
            row = {column.name: None for column in events.c if column.name != "hash"} | {
                "case_reference": reference,
                "seq": seq,
                "act": Act.REMIND,
                "trigger": Trigger.TIME,
                "at": at,
                "recorded_at": at,
                "stage_before": Stage.NOMINATED,
                "stage": Stage.LAPSED if seq == _STEPS else Stage.NOMINATED,
                "decision": f"due:{seq}",
                "content": await cells.write(REGISTER_KEY, content_of(reference, seq), {}),
                "effects": [],
                "state": await cells.write(
                    REGISTER_KEY, state_of(reference, seq), {"seq": seq, "told": secrets.token_hex(_CELL)}
                ),
            }
            if seq <= _SIGNED:
                row |= await _signed(cells, signer, reference, seq, at)
            before = link(before, chain.digest(row))
            yield row | {"hash": before}


async def _signed(cells: Cells, signer: KeyPair, reference: str, seq: int, at: datetime) -> dict[str, Any]:
    """What is otherwise in a step that an officer took."""
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
    return {name: getattr(step, name) for name in (*names, "signature")} | {
        "taken": at,
        "content": await cells.write(REGISTER_KEY, content_of(reference, seq), step.content),
    }


def _case(session: str, number: int, last: dict[str, Any]) -> dict[str, Any]:
    return {
        "reference": last["case_reference"],
        "kind": CaseKind.CANDIDACY,
        "session": session,
        "number": number,
        "workflow_id": f"candidacy/{session}/{secrets.token_hex(16)}",
        "stage": Stage.LAPSED,
        "ended": True,
        "seq": last["seq"],
        "state": last["state"],
        "opened_at": last["at"],
        "changed_at": last["at"],
    }


def _reference(session: str, number: int) -> str:
    return f"C-{session}-{number:04}"
