"""Bring a database to the present tables."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.ports import Keys

MIGRATIONS: Final = Path(__file__).parent / "migrations"
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
        await connection.run_sync(_upgrade, keys)


async def holds_sealed(engine: AsyncEngine) -> bool:
    """Whether a database holds cases that are encrypted already."""
    async with engine.connect() as connection:
        kind = await connection.scalar(text(_KIND_OF_STATE))
        return kind == "bytea" and bool(await connection.scalar(text("SELECT EXISTS (SELECT FROM cases)")))


def _upgrade(connection: Connection, keys: Keys) -> None:
    command.upgrade(configured(connection, keys), "head")


def configured(connection: Connection, keys: Keys) -> Config:
    """What Alembic needs to know."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["keys"] = keys
    return config
