"""The connection to PostgreSQL."""

from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

CONNECT_TIMEOUT: Final = 10.0
COMMAND_TIMEOUT: Final = 30.0
"""In seconds: every statement of the ledger takes milliseconds, so whoever waits longer waits for a lost server."""


def create(url: str, *, pool: int) -> AsyncEngine:
    """An engine over a pool of connections; nothing is connected yet.

    Args:
        url: ``postgresql+asyncpg://user:password@host:port/name``.
        pool: How many connections are kept open at most.
    """
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT,
        # Parameters are personal data, and errors reach logs.
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": COMMAND_TIMEOUT,
            "server_settings": {"application_name": "dialogue-desk"},
        },
    )
    event.listen(engine.sync_engine, "checkout", _replace_closed)
    return engine


def _replace_closed(connection: Any, _record: object, _proxy: object) -> None:
    # asyncpg knows by itself when the server has closed a connection; asking the server each time, as SQLAlchemy's
    # pre-ping does, would cost three more exchanges per transaction.
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the server has closed this connection")
