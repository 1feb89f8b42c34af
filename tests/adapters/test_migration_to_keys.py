"""A register that was kept in clear is encrypted, row by row, and reads the same afterwards."""

from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.ports import Keys
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.sql import engine as engines
from adapters.sql import migrate
from adapters.sql.ledger import SqlLedger
from domain.candidacy import Act
from domain.ledger import Answer, Enquiry, EnquiryAbout, Settlement, SettlementHow
from tests.builders import a_candidacy, a_declaration, a_nomination, an_entry, commanded, drafts_of
from tests.keys import a_keyring
from tests.officers import Lenient, asked, settled
from tests.search import search

NAME = "Аполлинария"


async def to(engine: AsyncEngine, keys: Keys, revision: str) -> None:
    def change(connection: Connection) -> None:
        command.downgrade(migrate.configured(connection, keys), revision)

    async with engine.begin() as connection:
        await connection.run_sync(change)


async def live(ledger: SqlLedger) -> None:
    """A candidacy with two steps, and a letter about which somebody decided."""
    nominated = a_candidacy(a_nomination(given_name=NAME))
    entry = an_entry(nominated)
    recorded = await ledger.record(entry, drafts_of(entry))
    state = nominated.state.model_copy(update={"reference": recorded.reference})
    declared = an_entry(commanded(state, Act.DECLARE, a_declaration()))
    await ledger.record(declared, drafts_of(declared))
    for _ in range(2):
        await ledger.claim(recorded.letters[0])
    arrived = Settlement(how=SettlementHow.SENT, reason=f"{NAME} has it")
    await settled(ledger, recorded.letters[0], arrived)


async def told(ledger: SqlLedger) -> list[Answer]:
    """All that the ledger says of it."""
    about = [(EnquiryAbout.CASE, "C-2026-0001"), (EnquiryAbout.TIMELINE, "C-2026-0001")]
    about += [(EnquiryAbout.LETTER, letter) for letter in ("C-2026-0001.1.1", "C-2026-0001.1.2", "C-2026-0001.2.1")]
    return [await asked(ledger, Enquiry(about=what, reference=reference)) for what, reference in about]


async def types(engine: AsyncEngine) -> Any:
    query = "SELECT data_type FROM information_schema.columns WHERE (table_name, column_name) = ('events', 'state')"
    async with engine.connect() as connection:
        return await connection.scalar(text(query))


async def test_a_register_in_clear_is_encrypted_and_reads_the_same(reachable_folder: Path) -> None:
    server = EmbeddedPostgres(reachable_folder / "postgres", settings={"fsync": "off"})
    engine = engines.create(server.start(), pool=2)
    try:
        before = a_keyring()
        await migrate.upgrade(engine, before)
        ledger = SqlLedger(engine, before, mail_domain="example.org", judge=Lenient())
        await live(ledger)
        answers = await told(ledger)
        await to(engine, before, "0001")
        assert await types(engine) == "jsonb"
        tables = [reachable_folder / "postgres" / "data" / "base"]
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(text("CHECKPOINT"))
        assert search([NAME], *tables)

        after = a_keyring()
        await migrate.upgrade(engine, after)
        assert await types(engine) == "bytea"
        encrypted = SqlLedger(engine, after, mail_domain="example.org", judge=Lenient())
        assert await told(encrypted) == answers
        assert await encrypted.gaps() == []
        assert await encrypted.examine(lambda *_: None) == []
        assert (await after.key("C-2026-0001")).name == answers[0].case.row.workflow_id.partition("/")[2]  # type: ignore[union-attr]
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(text("CHECKPOINT"))
        assert search([NAME], *tables) == []
    finally:
        await engine.dispose()
        server.stop()
