"""Bring a database to the present tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.ports import Keys

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS: Final = Path(__file__).parent / "migrations"
HEAD: Final = max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("r????_*.py"))
"""The last revision; a revision's file has its number."""
_KIND_OF_STATE: Final = (
    "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = to_regclass('cases') AND attname = 'state'"
)
_LOCK: Final = 0x6465736B
"""Key of the advisory lock: "desk"."""


async def upgrade(engine: AsyncEngine, keys: Keys) -> None:
    """Run every revision that the database lacks, in one transaction; others who start at the same time wait.

    Args:
        engine: From ``adapters.sql.engine.create``.
        keys: For what a revision encrypts.
    """
    async with engine.begin() as connection:
        await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if await _revisions(connection) != [HEAD]:
            await connection.run_sync(_upgrade, keys)


async def holds_sealed(engine: AsyncEngine) -> bool:
    """Whether a database holds cases that are encrypted already."""
    async with engine.connect() as connection:
        kind = await connection.scalar(text(_KIND_OF_STATE))
        return kind == "bytea" and bool(await connection.scalar(text("SELECT EXISTS (SELECT FROM cases)")))


async def _revisions(connection: AsyncConnection) -> list[str]:
    """Where a database stands, by Alembic's own table."""
    if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return []
    return list(await connection.scalars(text("SELECT version_num FROM alembic_version")))


def _upgrade(connection: Connection, keys: Keys) -> None:
    # Every start but the first of a version finds the present tables, and need not wait for this to be loaded.
    from alembic import command

    command.upgrade(configured(connection, keys), "head")


def configured(connection: Connection, keys: Keys) -> "Config":
    """What Alembic needs to know."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["keys"] = keys
    return config
