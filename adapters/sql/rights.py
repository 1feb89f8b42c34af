"""What a worker's own login may do to the register, where the tables belong to another: never change what is kept.

The tables refuse that by themselves (triggers); whoever owns them could take the triggers away.
"""

from typing import Final

from sqlalchemy import Table, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sql.tables import chain, metadata, traces, watchlist_entries, watchlist_versions, watchlists

_EMPTIED: Final = (traces, watchlists, watchlist_versions, watchlist_entries)
"""What is taken out again: of persons who are erased, and of lists that are removed."""
_VERSION: Final = "alembic_version"


async def grant(owner: AsyncEngine, worker: str) -> None:
    """Give the worker's login its rights, and make it where it is missing.

    Args:
        owner: The database, as whom the tables belong to.
        worker: The URL with the worker's login and password.
    """
    login = make_url(worker)
    given = {"role": login.username, "password": login.password}
    async with owner.begin() as connection:

        async def run(statement: str) -> None:
            # The server puts the quotes: a statement about rights takes no parameters.
            said = f"SELECT format('{statement}', CAST(:role AS text), CAST(:password AS text))"
            await connection.exec_driver_sql(str(await connection.scalar(text(said), given)))

        known = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)")
        if not await connection.scalar(known, {"role": login.username}):
            await run("CREATE ROLE %1$I LOGIN PASSWORD %2$L")
        for table in metadata.sorted_tables:
            await run(f"REVOKE ALL ON {table.name} FROM %1$I")
            await run(f"GRANT {rights(table)} ON {table.name} TO %1$I")
        await run(f"GRANT SELECT ON {_VERSION} TO %1$I")


def rights(table: Table) -> str:
    """What a worker may do to a table."""
    if table is chain or "only ever added to" in (table.comment or ""):
        return "SELECT, INSERT"
    given = "SELECT, INSERT, UPDATE, DELETE" if table in _EMPTIED else "SELECT, INSERT, UPDATE"
    # Whoever imports a list has its index brought up to date.
    return f"{given}, MAINTAIN" if table is watchlist_entries else given
