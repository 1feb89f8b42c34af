"""Connections for the ledger, and the one place that tells a database that is away from a statement that is wrong."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from sqlalchemy import Row, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.ports import LedgerUnavailable

# SQLSTATE, by class (PostgreSQL manual, appendix A): 08 connection lost, 40 rolled back for the sake of others, 53 out
# of connections or space, 57 shutting down, starting up or cancelled; and 25006, a standby that is not promoted yet.
_PASSING: Final = ("08", "40", "53", "57", "25006")


class StatementRefused(Exception):
    """The database refused a statement. The message holds its SQLSTATE only: the rest may quote personal data."""


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection with a transaction (none on an engine in autocommit mode), committed at the end.

    Raises:
        LedgerUnavailable: The database is away; the same work may succeed later.
        StatementRefused: The database refused a statement for good.
    """
    try:
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(engine.begin())
            except OSError as away:
                # Here only: later an OSError may be anybody's, such as a template that cannot be read.
                raise LedgerUnavailable("the database cannot be reached") from away
            yield connection
    except (ConnectionError, TimeoutError, PoolTimeout) as away:
        raise LedgerUnavailable("the database does not answer") from away
    except DBAPIError as failed:
        # The driver's own exception would travel along as the cause and quote the row.
        raise _sorted(failed) from None


def _sorted(failed: DBAPIError) -> Exception:
    state: str = getattr(failed.orig, "sqlstate", None) or ""
    if failed.connection_invalidated or state.startswith(_PASSING):
        return LedgerUnavailable(f"the database is away ({state or 'connection closed'})")
    return StatementRefused(f"the database refused a statement ({state or type(failed.orig).__name__})")


async def each(connection: AsyncConnection, query: Select[Any], *, at_once: int = 500) -> AsyncIterator[Row[Any]]:
    """The rows of a query, of which so many are held at a time; in a transaction.

    They are handed over in bulk: each by itself would cost more than to look at it.
    """
    rows = await connection.stream(query, execution_options={"yield_per": at_once})
    async for several in rows.partitions():
        for row in several:
            yield row
