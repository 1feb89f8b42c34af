"""A worker's own login to the register: enough for all that a worker does, and too little to change what is kept."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.keys.keyring import Keyring
from adapters.sql import engine as engines
from adapters.sql import migrate, rights
from adapters.sql.ledger import SqlLedger
from adapters.sql.tables import events, metadata, traces
from domain.ledger import Delivery, LetterState
from tests.adapters.logins import as_worker
from tests.adapters.test_ledger_retention import AFTER, REFERENCE, RETENTION, fill, tell
from tests.officers import Lenient, admit_everybody

NOT_ALLOWED: Final = "42501"


@pytest.fixture
async def worker(database: str) -> AsyncIterator[AsyncEngine]:
    """The register, as a worker."""
    engine = engines.create(await as_worker(database), pool=2)
    yield engine
    await engine.dispose()


async def test_a_worker_does_all_it_does_under_its_own_login(worker: AsyncEngine, keyring: Keyring) -> None:
    await migrate.upgrade(worker, keyring)
    ledger = SqlLedger(worker, keyring, mail_domain="example.org", judge=Lenient())
    await admit_everybody(ledger, range(1, 3))
    await fill(ledger)
    letter, *_ = [name for name, _ in await ledger.unsent_letters()]
    await ledger.claim(letter)
    await ledger.mark(Delivery(letter=letter, state=LetterState.SENT))
    await tell(ledger)
    assert await ledger.expire(await ledger.person(REFERENCE), RETENTION, AFTER)
    assert await ledger.hold_back(datetime.now(UTC)) == []
    assert (await ledger.gaps(), await ledger.examine(lambda *_: None)) == ([], [])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET act = 'other'",
        "DELETE FROM events",
        "TRUNCATE events CASCADE",
        "UPDATE chain SET head = ''",
        "UPDATE appointments SET office = 'president'",
        "DELETE FROM readings",
        "DELETE FROM letters",
        "DELETE FROM cases",
        "DELETE FROM erasures",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TRIGGER kept ON events",
        "SET session_replication_role = replica",
        "CREATE TABLE other (n integer)",
    ],
)
async def test_a_worker_cannot_change_what_is_kept_nor_take_its_guards_away(
    worker: AsyncEngine, statement: str
) -> None:
    async with worker.connect() as connection:
        with pytest.raises(DBAPIError) as refused:
            await connection.execute(text(statement))
    assert getattr(refused.value.orig, "sqlstate", None) == NOT_ALLOWED


def test_every_table_that_is_only_ever_added_to_is_left_alone() -> None:
    assert rights.rights(events) == "SELECT, INSERT"
    assert rights.rights(traces).endswith("DELETE")
    added = {name for name, table in metadata.tables.items() if rights.rights(table) == "SELECT, INSERT"}
    kept = {"events", "told", "chain", "seals", "letter_events", "commands", "keys", "appointments", "revocations"}
    assert added == kept | {"interests", "interest_ends", "readings", "incidents"}
