"""The ledger's tables, and the migrations that lead to them."""

import asyncio
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from adapters.sql import engine as engines
from adapters.sql import migrate
from adapters.sql.tables import metadata
from tests.keys import a_keyring

CATALOGUE = """
SELECT 'constraint' AS what, conrelid::regclass::text AS of, conname::text AS name, pg_get_constraintdef(oid) AS is
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 't'
UNION ALL
SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'table', relname::text, '', obj_description(oid) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
UNION ALL
SELECT 'column', attrelid::regclass::text, attname::text, concat_ws(
    ', ', format_type(atttypid, atttypmod), attnotnull, attidentity, attcollation::regcollation,
    pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
)
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid AND relkind = 'r' AND relnamespace = 'public'::regnamespace
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped
ORDER BY 1, 2, 3
"""


async def catalogue(url: str) -> list[tuple[Any, ...]]:
    """Everything PostgreSQL knows of the register's tables."""
    engine = engines.create(url, pool=1)
    async with engine.connect() as connection:
        rows = [tuple(row) for row in await connection.execute(text(CATALOGUE))]
    await engine.dispose()
    return [row for row in rows if row[1] != "alembic_version"]


async def test_migrations_lead_to_the_tables_that_the_code_knows(database: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    engine = engines.create(database, pool=1)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()

    assert found == []


async def test_migrations_lead_to_the_same_constraints_indices_and_comments(database: str, empty_database: str) -> None:
    engine = engines.create(empty_database, pool=1)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()

    migrated = await catalogue(database)

    assert migrated == await catalogue(empty_database)
    assert {row[1] for row in migrated if row[0] == "table"} == set(metadata.tables)


async def test_database_at_the_last_revision_is_left_as_it_is(database: str) -> None:
    engine = engines.create(database, pool=1)
    async with engine.connect() as connection:
        script = ScriptDirectory.from_config(await connection.run_sync(migrate.configured, a_keyring()))
        versions = list(await connection.scalars(text("SELECT version_num FROM alembic_version")))
    before = await catalogue(database)
    await migrate.upgrade(engine, a_keyring())
    await engine.dispose()

    assert versions == [migrate.HEAD] == script.get_heads()
    assert await catalogue(database) == before


async def test_two_workers_may_migrate_at_the_same_moment(empty_database: str, database: str) -> None:
    engine = engines.create(empty_database, pool=4)
    keys = a_keyring()
    await asyncio.gather(*(migrate.upgrade(engine, keys) for _ in range(4)))
    await engine.dispose()

    assert await catalogue(empty_database) == await catalogue(database)


async def test_the_migrations_can_be_undone(database: str) -> None:
    def undo(connection: Connection) -> list[str]:
        command.downgrade(migrate.configured(connection, a_keyring()), "base")
        return inspect(connection).get_table_names()

    engine = engines.create(database, pool=1)
    async with engine.begin() as connection:
        left = await connection.run_sync(undo)
    await engine.dispose()

    assert left == ["alembic_version"]


def test_personal_columns_are_known() -> None:
    personal = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if (column.comment or "").startswith("personal: ")
    }

    assert personal == {
        "cases.state",
        "events.content",
        "events.state",
        "letters.name",
        "letters.email",
        "letters.text",
        "letters.html",
        "letter_events.reason",
        "erasures.reason",
        "commands.content",
    }


def test_every_table_and_column_says_what_it_holds() -> None:
    silent = [table.name for table in metadata.tables.values() if not table.comment]
    silent += [str(column) for table in metadata.tables.values() for column in table.columns if not column.comment]

    assert silent == []
