"""Judge once more what officers' commands the register has taken."""

import asyncio
from collections import deque
from typing import Final

from activities.ports import Judging, Proofs
from domain.authority import Proof, Written, proof_of
from domain.errors import Refusal
from domain.ledger import Difference
from domain.offices import Officer
from domain.roll import ADMITTING, Roll

_AT_ONCE: Final = 500
"""Signatures that are checked together, in a tenth of a second."""
_AHEAD: Final = 4
"""How many such lots may be under way while more is read."""

_Lot = list[tuple[Written, Officer | None, Proof | None]]


class Audit:
    """Takes commands in the order in which they bear on each other, and has their signatures checked in lots, beside.

    Attributes:
        count: How many were judged.
        doubtful: Those that would not be taken.

    Args:
        judge: Says what would be taken.
        proofs: Checks signatures.
        roll: The officers, as far as they are known before the first command.
        group: What is under way ends with it.
    """

    def __init__(self, judge: Judging, proofs: Proofs, roll: Roll, group: asyncio.TaskGroup) -> None:
        self._judge, self._proofs, self._roll, self._group = judge, proofs, roll, group
        self._lot: _Lot = []
        self._under_way: deque[tuple[_Lot, asyncio.Task[frozenset[Proof]]]] = deque()
        self.count = 0
        self.doubtful: list[Difference] = []

    async def take(self, written: Written) -> None:
        """Take the next command."""
        officer = self._roll.officer(written)
        self._lot.append((written, officer, proof_of(written, officer)))
        if written.power in ADMITTING:
            # Whoever signs what follows may be known by it.
            await self.finish()
        elif len(self._lot) >= _AT_ONCE:
            self._send()
            while len(self._under_way) > _AHEAD:
                await self._first()

    async def finish(self) -> None:
        """Judge all that was taken."""
        self._send()
        while self._under_way:
            await self._first()

    def _send(self) -> None:
        lot, self._lot = self._lot, []
        proofs = [proof for _, _, proof in lot if proof is not None]
        self._under_way.append((lot, self._group.create_task(self._proofs.genuine(proofs))))

    async def _first(self) -> None:
        lot, checked = self._under_way.popleft()
        genuine = await checked
        for written, officer, proof in lot:
            self.count += 1
            try:
                self._judge.written(written, officer, genuine=proof in genuine)
            except Refusal as refusal:
                what = f"signature: {refusal.rule}"
                doubt = Difference(reference=written.place, what=what, ledger="does not hold", workflow="")
                self.doubtful.append(doubt)
            else:
                self._roll.follow(written)
