"""Wrapped keys in a PostgreSQL database of their own, for workers on several machines.

PostgreSQL keeps old row versions until it cleans up, and its write-ahead log longer; so a key that is destroyed is
vacuumed away at once, and this database's log must not be archived with the register's.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    MetaData,
    Table,
    Text,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from adapters.keys.store import Record
from domain.keys import KeysUnavailable

CONNECT_TIMEOUT: Final = 10.0
COMMAND_TIMEOUT: Final = 10.0
"""In seconds."""

_metadata: Final = MetaData()
keys: Final = Table(
    "keys",
    _metadata,
    Column("name", Text, primary_key=True, comment="whose key: session and fingerprint, a case's reference, register"),
    Column("wrapped", Text, comment="the key, wrapped by the master key"),
    Column("master", Text, comment="which master key it is wrapped by"),
    Column("destroyed", DateTime(timezone=True), comment="when it was destroyed; clock time"),
    Column("same_as", Text, comment="the key that this is a further name of"),
    CheckConstraint("num_nonnulls(wrapped, destroyed, same_as) = 1", name="keys_one_of_three"),
    CheckConstraint("(wrapped IS NULL) = (master IS NULL)", name="keys_master_check"),
    comment="wrapped keys; a destroyed one leaves its row",
)
_COLUMNS: Final = (keys.c.wrapped, keys.c.master, keys.c.destroyed, keys.c.same_as)
_LOCK: Final = 0x6B657973
"""Key of the advisory lock under which the table is made: "keys"."""


class DatabaseStore:
    """Keys in a database of their own; fills ``adapters.keys.store.Store``.

    Args:
        url: ``postgresql+asyncpg://user:password@host:port/name``.
    """

    def __init__(self, url: str) -> None:
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=2,
            max_overflow=2,
            pool_timeout=CONNECT_TIMEOUT,
            pool_pre_ping=True,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "timeout": CONNECT_TIMEOUT,
                "command_timeout": COMMAND_TIMEOUT,
                "server_settings": {"application_name": "dialogue-desk-keys"},
            },
        )
        self._made = False

    async def read(self, name: str) -> Record | None:
        """What is kept under a name."""
        async with self._connected() as connection:
            return await _read(connection, name)

    async def create(self, name: str, record: Record) -> Record:
        """Keep a record under a name that has none; what is kept there now."""
        async with self._connected() as connection:
            await connection.execute(
                upsert(keys).values(name=name, **_values(record)).on_conflict_do_nothing(index_elements=[keys.c.name])
            )
            standing = await _read(connection, name)
        if standing is None:
            raise KeysUnavailable(f"the key {name} was removed from its store")
        return standing

    async def replace(self, name: str, old: Record, new: Record) -> bool:
        """Put a record in another's place; False where that is not there any more."""
        same = (
            column.is_not_distinct_from(value) for column, value in zip(_COLUMNS, _values(old).values(), strict=True)
        )
        async with self._connected() as connection:
            changed = await connection.execute(update(keys).where(keys.c.name == name, *same).values(_values(new)))
            return changed.rowcount == 1

    async def purge(self) -> None:
        """Write the table anew, without the old versions of its rows."""
        async with self._connected() as connection:
            await connection.execute(text("VACUUM FULL keys"))

    async def names(self) -> Sequence[str]:
        """Every name, in order."""
        async with self._connected() as connection:
            return list(await connection.scalars(select(keys.c.name).order_by(keys.c.name)))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        """A connection to a database that has the table."""
        try:
            async with self._engine.connect() as connection:
                if not self._made:
                    await connection.run_sync(_make)
                    self._made = True
                yield connection
        except (OSError, TimeoutError, PoolTimeout):
            raise KeysUnavailable("the database of keys cannot be reached") from None
        except DBAPIError as failed:
            state = getattr(failed.orig, "sqlstate", None) or type(failed.orig).__name__
            raise KeysUnavailable(f"the database of keys refused a statement ({state})") from None


def _make(connection: Connection) -> None:
    # Held by the connection, since each statement is a transaction by itself.
    connection.execute(select(func.pg_advisory_lock(_LOCK)))
    try:
        _metadata.create_all(connection)
    finally:
        connection.execute(select(func.pg_advisory_unlock(_LOCK)))


def _values(record: Record) -> dict[str, Any]:
    return {column.name: getattr(record, column.name) for column in _COLUMNS}


async def _read(connection: AsyncConnection, name: str) -> Record | None:
    row = (await connection.execute(select(*_COLUMNS).where(keys.c.name == name))).mappings().one_or_none()
    return None if row is None else Record.model_validate(dict(row))
