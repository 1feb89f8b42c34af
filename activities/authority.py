"""How an activity presents to the ledger what an officer has signed, and what becomes of what the ledger refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

from activities.ports import Ledger, LedgerBehind
from activities.refusals import refusing
from domain.authority import Command, Presented, incident_of
from domain.errors import INCIDENTS, Refusal
from domain.signing import Signed


def attempt() -> str:
    """What this activity is known by, the same each time it is tried."""
    info = activity.info()
    return f"{info.workflow_run_id}/{info.activity_id}"


def command(presented: Presented) -> Command:
    """A command as it is taken now; an activity that is tried again takes it at the same instant."""
    return Command(**dict(presented), taken=activity.info().scheduled_time, by=attempt())


@asynccontextmanager
async def guarded(ledger: Ledger, *, power: str, place: str, signed: Signed | None = None) -> AsyncIterator[None]:
    """Let a refusal reach the workflow, and write it down where it is one for want of authority.

    Args:
        ledger: Where it is written down.
        power: What would have been done.
        place: The case or letter it would have been done to.
        signed: The signature, where there is one.
    """

    async def note(refusal: str, rule: str) -> None:
        signer, key = (signed.signer, signed.key) if signed is not None else (None, None)
        await ledger.note(incident_of(refusal, rule, power=power, place=place, by=attempt(), signer=signer, key=key))

    with refusing():
        try:
            yield
        except Refusal as refusal:
            if type(refusal).__name__ in INCIDENTS:
                activity.logger.warning("refused", extra={"rule": refusal.rule})
                await note(type(refusal).__name__, refusal.rule)
            raise
        except LedgerBehind:
            await note(LedgerBehind.__name__, "step-missing")
            raise
