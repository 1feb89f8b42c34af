"""A register that has kept many cases for years: ended ones, with their steps in the chain."""

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
from domain.candidacy import Act, Stage
from domain.chain import START, link
from domain.keys import REGISTER_KEY
from domain.steps import CaseKind, Trigger

_STEPS: Final = 10
"""Steps of each case."""
_CELL: Final = 2_000
"""Bytes of an encrypted state, about: one that was measured had 1,900."""
_WRITTEN: Final = 2_000
"""Rows in one transaction."""


async def fill(engine: AsyncEngine, keyring: Keyring, session: str, *, steps: int) -> None:
    """Write ended cases with so many steps in all, as the chain wants them."""
    rows = _steps(Cells(keyring), session, steps)
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


async def _steps(cells: Cells, session: str, steps: int) -> AsyncIterator[dict[str, Any]]:
    began = datetime(2026, 1, 1, tzinfo=UTC)
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
            before = link(before, chain.digest(row))
            yield row | {"hash": before}


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
