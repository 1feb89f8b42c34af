"""The ledger while PostgreSQL restarts, is away, or refuses a statement."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import make_url

from activities.ports import LedgerUnavailable
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.sql import engine as engines
from adapters.sql.ledger import SqlLedger
from adapters.sql.reach import StatementRefused
from domain.ledger import Draft, Recorded
from tests.builders import a_candidacy, a_nomination, an_entry, drafts_of
from tests.keys import a_keyring
from tests.officers import Lenient

RECORDED = Recorded(reference="C-2026-0001", letters=("C-2026-0001.1.1", "C-2026-0001.1.2"))


async def test_a_restart_between_two_calls_is_not_noticed(ledger: SqlLedger, postgres: EmbeddedPostgres) -> None:
    entry = an_entry()
    await ledger.record(entry, drafts_of(entry))
    await asyncio.to_thread(postgres.restart)

    assert await ledger.record(entry, drafts_of(entry)) == RECORDED


async def test_the_ledger_is_unavailable_while_postgresql_is_down_and_heals_by_itself(
    ledger: SqlLedger, postgres: EmbeddedPostgres
) -> None:
    assert await ledger.totals() == (0, 0, 0)
    postgres.stop()
    try:
        for _ in range(2):
            with pytest.raises(LedgerUnavailable):
                await ledger.totals()
    finally:
        postgres.start()

    assert await ledger.totals() == (0, 0, 0)


async def test_a_step_that_a_restart_interrupts_is_recorded_once(ledger: SqlLedger, postgres: EmbeddedPostgres) -> None:
    entry = an_entry()

    def write_while_it_stops(reference: str) -> Sequence[Draft]:
        postgres.restart()
        return drafts_of(entry)(reference)

    with pytest.raises(LedgerUnavailable):
        await ledger.record(entry, write_while_it_stops)

    assert await ledger.totals() == (0, 0, 0)
    assert await ledger.record(entry, drafts_of(entry)) == RECORDED
    assert await ledger.totals() == (1, 1, 2)


async def test_a_server_that_was_never_there_is_unavailable(tmp_path: Path) -> None:
    engine = engines.create(f"postgresql+asyncpg://desk:secret@/postgres?host={tmp_path}&port=5432", pool=1)
    try:
        with pytest.raises(LedgerUnavailable):
            await SqlLedger(engine, a_keyring(), mail_domain="example.org", judge=Lenient()).totals()
    finally:
        await engine.dispose()


async def test_waiting_too_long_for_a_connection_is_unavailable(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "CONNECT_TIMEOUT", 0.05)
    engine = engines.create(database, pool=1)
    try:
        async with engine.connect():
            with pytest.raises(LedgerUnavailable):
                await SqlLedger(engine, a_keyring(), mail_domain="example.org", judge=Lenient()).totals()
    finally:
        await engine.dispose()


async def test_a_wrong_password_is_a_defect_and_not_an_outage(database: str) -> None:
    engine = engines.create(make_url(database).set(password="wrong").render_as_string(hide_password=False), pool=1)
    try:
        with pytest.raises(StatementRefused, match=r"^the database refused a statement \(28P01\)$"):
            await SqlLedger(engine, a_keyring(), mail_domain="example.org", judge=Lenient()).totals()
    finally:
        await engine.dispose()


async def test_a_refused_statement_quotes_nobody(ledger: SqlLedger) -> None:
    entry = an_entry(a_candidacy(a_nomination(given_name="Zinaida"))).model_copy(update={"stage": "nowhere"})

    with pytest.raises(StatementRefused) as refused:
        await ledger.record(entry, drafts_of(entry))

    assert str(refused.value) == "the database refused a statement (23514)"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
