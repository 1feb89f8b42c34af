"""The ledger's head is sealed at each turn, once."""

from temporalio.testing import ActivityEnvironment

from activities.care import Care
from activities.seal import Sealing
from adapters.seal import Ed25519Sealer
from tests.builders import a_candidacy, an_entry, drafts_of
from tests.fakes import MemoryLedger, NoCases
from tests.officers import Checking, Lenient, an_upkeep

OURS, THEIRS = Ed25519Sealer(bytes(32)), Ed25519Sealer(bytes([1] * 32))


async def sealed_by(sealer: Ed25519Sealer) -> MemoryLedger:
    ledger = MemoryLedger()
    entry = an_entry(a_candidacy())
    await ledger.record(entry, drafts_of(entry))
    assert await ActivityEnvironment().run(Sealing(ledger=ledger, sealer=sealer).seal_ledger) == 1
    return ledger


async def test_an_empty_ledger_has_nothing_to_seal() -> None:
    assert await ActivityEnvironment().run(Sealing(ledger=MemoryLedger(), sealer=OURS).seal_ledger) is None


async def test_a_head_is_sealed_once() -> None:
    ledger = await sealed_by(OURS)
    assert await ActivityEnvironment().run(Sealing(ledger=ledger, sealer=OURS).seal_ledger) is None
    assert [OURS.knows(seal) for seal in await ledger.seals()] == [True]


async def test_a_seal_that_is_not_ours_is_named() -> None:
    ledger = await sealed_by(THEIRS)
    ledger.cases.clear()
    care = Care(ledger=ledger, cases=NoCases(), judge=Lenient(), proofs=Checking(), sealer=OURS)
    found = await ActivityEnvironment().run(care.verify, an_upkeep("verify"))
    assert [(each.reference, each.what) for each in found.differences] == [("ledger", "seal of step 1")]
    assert found.sealed is not None
