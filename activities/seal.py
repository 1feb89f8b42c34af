"""Seal the ledger's head, so that what stands in it can never be made anew unseen."""

from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from activities.ports import Ledger, Sealer


@dataclass(frozen=True)
class Sealing:
    """The worker's seal on the ledger."""

    ledger: Ledger
    sealer: Sealer

    @activity.defn
    async def seal_ledger(self) -> int | None:
        """Seal the last step that was written, by its place among all; None where it is sealed, or there is none."""
        unsealed = await self.ledger.unsealed()
        if unsealed is None:
            return None
        n, head = unsealed
        await self.ledger.seal(self.sealer.seal(n, head, datetime.now(UTC)))
        return n
