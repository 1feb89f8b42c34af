"""The ledger in PostgreSQL cannot be changed unseen: the database refuses, and where it is forced, the chain tells."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from temporalio.testing import ActivityEnvironment

from activities.care import Care
from adapters.seal import Ed25519Sealer
from adapters.sql import engine as engines
from adapters.sql.ledger import SqlLedger
from domain.candidacy import Act, Reason
from domain.chain import Seal
from tests.builders import NOMINATED_AT, a_candidacy, a_declaration, a_nomination, an_entry, commanded, drafts_of
from tests.fakes import NoCases
from tests.officers import JUDGE, Checking, an_upkeep

NAMES = ("Bea", "Cora", "Dora", "Finn", "Gina", "Hugo", "Jack", "Kim")
STEP = "case_reference = 'C-2026-0001' AND seq"
CHANGES = {
    "changed": (f"UPDATE events SET act = 'withdraw' WHERE {STEP} = 2", "C-2026-0001 step 2"),
    "changed in time": (f"UPDATE events SET recorded_at = now() WHERE {STEP} = 1", "C-2026-0001 step 1"),
    "removed": (f"DELETE FROM events WHERE {STEP} = 3", "C-2026-0001 step 3"),
    "removed with its place": (
        f"DELETE FROM chain WHERE {STEP} = 2; DELETE FROM events WHERE {STEP} = 2",
        "ledger links 3 to 3 of the chain",
    ),
    "inserted": (
        'INSERT INTO events SELECT (jsonb_populate_record(e, \'{"seq": 4, "decision": "made-up", "nonce": null}\')).* '
        f"FROM events e WHERE {STEP} = 3",
        "C-2026-0001 step 4",
    ),
    "reordered": (
        "UPDATE chain SET n = -n WHERE n IN (2, 3); UPDATE chain SET n = 5 + n WHERE n < 0",
        "C-2026-0001 step 2",
    ),
}


BESIDES = {
    "stage": ("UPDATE cases SET stage = 'cleared' WHERE reference = 'C-2026-0001'", "C-2026-0001 case"),
    "state": (
        "UPDATE cases SET state = (SELECT state FROM cases WHERE reference = 'C-2026-0001') "
        "WHERE reference = 'C-2026-0002'",
        "C-2026-0002 case",
    ),
}
"""What the chain does not tell, or not alone."""


async def fill(ledger: SqlLedger) -> None:
    """Two cases: the first takes steps 1, 3 and 4 of the ledger, the second step 2."""
    taken = {"taken": NOMINATED_AT}
    outcome = a_candidacy()
    entry = an_entry(outcome).model_copy(update=taken)
    recorded = await ledger.record(entry, drafts_of(entry))
    other = an_entry(a_candidacy(a_nomination(given_name="Bea")))
    await ledger.record(other, drafts_of(other))
    state = outcome.state.model_copy(update={"reference": recorded.reference})
    for act, content in ((Act.DECLARE, a_declaration()), (Act.WITHDRAW, Reason(reason="no time"))):
        outcome = commanded(state, act, content)
        entry = an_entry(outcome).model_copy(update=taken)
        await ledger.record(entry, drafts_of(entry))
        state = outcome.state


async def force(database: str, statements: str, *, guarded: bool = False) -> None:
    """Run statements; without the guards, as somebody may who owns the database."""
    engine = engines.create(database, pool=1)
    try:
        async with engine.begin() as connection:
            if not guarded:
                await connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements.split("; "):
                await connection.execute(text(statement.replace(":", "\\:")))
    finally:
        await engine.dispose()


async def named(ledger: SqlLedger) -> Sequence[str]:
    return [f"{found.reference} {found.what}" for found in await ledger.examine(lambda read, of: None)]


async def test_a_ledger_that_nobody_touched_is_whole(ledger: SqlLedger) -> None:
    assert await named(ledger) == []
    await fill(ledger)
    heard: list[tuple[int, int]] = []

    assert await ledger.examine(lambda read, of: heard.append((read, of))) == []
    assert heard[-1] == (4, 4)


async def test_steps_that_are_written_at_the_same_moment_stand_in_one_chain(ledger: SqlLedger) -> None:
    entries = [an_entry(a_candidacy(a_nomination(given_name=name))) for name in NAMES]
    await asyncio.gather(*(ledger.record(entry, drafts_of(entry)) for entry in entries))

    heard: list[tuple[int, int]] = []
    assert await ledger.examine(lambda read, of: heard.append((read, of))) == []
    assert heard == [(8, 8)]


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_forced_on_the_database_is_found_and_named(ledger: SqlLedger, database: str, change: str) -> None:
    await fill(ledger)
    statements, first = CHANGES[change]
    await force(database, statements)

    assert (await named(ledger))[0] == first


@pytest.mark.parametrize("table", ["events", "chain", "seals", "letter_events"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET {} = NULL"])
async def test_the_database_refuses_to_change_what_is_only_ever_added_to(
    ledger: SqlLedger, database: str, table: str, change: str
) -> None:
    await fill(ledger)
    await ledger.claim("C-2026-0001.1.1")
    await seal(ledger)
    column = {"events": "signer", "chain": "head", "seals": "key", "letter_events": "code"}[table]

    with pytest.raises(DBAPIError, match="is only ever added to"):
        await force(database, change.format(table, column), guarded=True)


async def test_an_end_that_was_cut_off_is_seen_by_its_seal(ledger: SqlLedger, database: str) -> None:
    await fill(ledger)
    cut = f"DELETE FROM chain WHERE n = 4; DELETE FROM events WHERE {STEP} = 3"
    await seal(ledger)
    await force(database, cut)

    assert await named(ledger) == ["ledger links 4 to 4 of the chain"]


async def test_a_head_is_sealed_once(ledger: SqlLedger) -> None:
    assert await ledger.unsealed() is None
    await fill(ledger)
    first = await seal(ledger)

    assert await ledger.unsealed() is None
    await ledger.seal(first.model_copy(update={"key": "another"}))
    assert await ledger.seals() == (first,)


async def seal(ledger: SqlLedger) -> Seal:
    found = await ledger.unsealed()
    assert found is not None
    n, head = found
    sealed = Seal(n=n, head=head.hex(), at=datetime(2026, 3, 1, tzinfo=UTC), key="ab", signature="cd")
    await ledger.seal(sealed)
    return sealed


@pytest.mark.parametrize("change", CHANGES | BESIDES)
async def test_a_verification_comes_to_its_end_whatever_is_forced_on_the_database(
    ledger: SqlLedger, database: str, change: str
) -> None:
    await fill(ledger)
    statements, place = (CHANGES | BESIDES)[change]
    await force(database, statements)
    care = Care(ledger, NoCases(), JUDGE, Checking(), Ed25519Sealer(bytes(32)))
    found = await ActivityEnvironment().run(care.verify, an_upkeep("verify"))
    assert place in [f"{each.reference} {each.what}" for each in found.differences]
