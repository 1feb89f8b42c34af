"""The lists in the register's database: imported as a whole or not at all, and found in by key.

An entry stands once for all the versions in which it says the same. What a list said before is kept, so that two
versions can be compared; only what is in force has keys.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Final, NamedTuple

import asyncpg
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.ports import LedgerUnavailable, ListBroken, Progress
from adapters.sql.reach import StatementRefused, connected
from adapters.sql.tables import watchlist_versions, watchlists
from domain.screening import Listed, ListFormat, Watchlist
from domain.watchlists import EntryChange, InForce, ListDiff, ListVersion

BATCH: Final = 500
"""Entries that are read, or given their keys, at once."""
LONG: Final = 600.0
"""In seconds: a statement over a whole list takes longer than those of the ledger."""
SHOWN_CHANGES: Final = 200

_INCOMING: Final = """
CREATE TEMPORARY TABLE incoming (entry text COLLATE "C", digest text, schema text, properties jsonb) ON COMMIT DROP
"""
_TWICE: Final = "SELECT entry FROM incoming GROUP BY entry HAVING count(*) > 1 ORDER BY entry LIMIT 1"
_NEW: Final = """
SELECT entry, digest, schema, properties::text FROM incoming WHERE NOT EXISTS (
    SELECT FROM watchlist_entries AS known
    WHERE known.list = $1 AND known.until IS NULL AND known.entry = incoming.entry AND known.digest = incoming.digest
)
"""
_SUPERSEDE: Final = """
WITH ended AS (
    UPDATE watchlist_entries AS known SET until = $2, keys = NULL
    WHERE known.list = $1 AND known.until IS NULL AND NOT EXISTS (
        SELECT FROM incoming WHERE incoming.entry = known.entry AND incoming.digest = known.digest
    )
    RETURNING known.entry
)
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM incoming WHERE incoming.entry = ended.entry)) FROM ended
"""
_DIFF: Final = """
WITH old AS (
    SELECT entry, digest, properties FROM watchlist_entries
    WHERE list = $1 AND since <= $2 AND (until IS NULL OR until > $2)
), new AS (
    SELECT entry, digest, properties FROM watchlist_entries
    WHERE list = $1 AND since <= $3 AND (until IS NULL OR until > $3)
)
SELECT entry, coalesce(old.properties->'name'->>0, ''), coalesce(new.properties->'name'->>0, ''), old.digest IS NULL,
    new.digest IS NULL, count(*) FILTER (WHERE old.digest IS NULL) OVER (),
    count(*) FILTER (WHERE new.digest IS NULL) OVER (), count(*) OVER ()
FROM old FULL JOIN new USING (entry) WHERE old.digest IS DISTINCT FROM new.digest ORDER BY entry LIMIT $4
"""

Keys = Callable[[Sequence[tuple[str, ...]]], Awaitable[Sequence[Sequence[int]]]]
"""The keys of some entries, by their names; slow, and made where nothing else waits for it."""


class Found(NamedTuple):
    """An entry in force, as it is kept."""

    list: str
    entry: str
    schema: str
    properties: str

    def listed(self) -> Listed:
        """The entry as the domain knows it; it was checked when it was imported."""
        properties = {name: tuple(values) for name, values in json.loads(self.properties).items()}
        return Listed.model_construct(id=self.entry, schema_=self.schema, properties=properties)


class SqlWatchlists:
    """The lists.

    Args:
        engine: The register's database.
        keys: Makes the keys of entries.
    """

    def __init__(self, engine: AsyncEngine, keys: Keys) -> None:
        self._engine = engine
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._keys = keys

    async def imported(self, key: str) -> ListVersion | None:
        """The version that an import made, if it was done already."""
        async with connected(self._engine) as connection:
            return await self._version(connection, watchlist_versions.c.key == key)

    async def import_version(
        self,
        watchlist: Watchlist,
        people: Iterable[Listed],
        *,
        key: str,
        officer: str,
        form: ListFormat,
        source: str,
        file: str,
        skipped: Callable[[], dict[str, int]],
        progress: Progress,
    ) -> ListVersion:
        """Take a list as a new version, in one transaction: whatever breaks leaves everything as it was.

        Args:
            watchlist: The list; a description that differs from the one before replaces it.
            people: Whom it names, read as they are taken, in a thread of its own.
            key: The import's id: one that was done already is not done again.
            officer: Who ordered it.
            form: The format it came in.
            source: The name of the file.
            file: The digest of the file.
            skipped: What was left out, once all are read.
            progress: Told how far it is.

        Raises:
            ListBroken: The list cannot be read, or names one entry twice.
            LedgerUnavailable: The database is away.
        """
        async with self._driver(self._engine) as (connection, driver):
            # One import of a list at a time; the lock goes with the transaction.
            await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(watchlist.name, 0))))
            if (done := await self._version(connection, watchlist_versions.c.key == key)) is not None:
                return done
            version = await self._next(connection, watchlist)
            await driver.execute(_INCOMING)
            entries = await self._take(driver, people, progress)
            if (twice := await driver.fetchval(_TWICE, timeout=LONG)) is not None:
                raise ListBroken(f"names entry {twice} more than once")
            await driver.execute("ANALYZE incoming")
            ended, changed = await driver.fetchrow(_SUPERSEDE, watchlist.name, version, timeout=LONG)
            fresh = await self._add(driver, watchlist.name, version, entries, progress)
            await connection.execute(
                insert(watchlist_versions).values(
                    list=watchlist.name, version=version, format=form, source=source, file=file, entries=entries,
                    added=fresh - changed, changed=changed, removed=ended - changed, skipped=skipped(), officer=officer,
                    key=key,
                )
            )  # fmt: skip
            taken = await self._only(connection, watchlist_versions.c.key == key)
        async with self._driver(self._single) as (_, driver):
            # It would go into the index when the database pleases, and until then every question would pay for it.
            await driver.execute("VACUUM (ANALYZE) watchlist_entries", timeout=LONG)
        return taken

    async def _next(self, connection: AsyncConnection, watchlist: Watchlist) -> int:
        described = watchlist.model_dump()
        values = insert(watchlists).values(**described, version=1)
        again = values.on_conflict_do_update(
            index_elements=[watchlists.c.name], set_=described | {"version": watchlists.c.version + 1}
        ).returning(watchlists.c.version)
        return int((await connection.execute(again)).scalar_one())

    async def _take(self, driver: Any, people: Iterable[Listed], progress: Progress) -> int:
        taken = 0
        waiting = iter(people)
        while batch := await asyncio.to_thread(_batch, waiting):
            await driver.copy_records_to_table("incoming", records=batch)
            taken += len(batch)
            await progress(taken)
        return taken

    async def _add(self, driver: Any, name: str, version: int, entries: int, progress: Progress) -> int:
        added = 0
        async for rows in _pages(driver, _NEW, name):
            names = [Listed.model_construct(id=row[0], properties=json.loads(row[3])).names for row in rows]
            keys = await self._keys(names)
            await driver.copy_records_to_table(
                "watchlist_entries",
                records=[
                    (name, row[0], row[1], row[2], row[3], version, found)
                    for row, found in zip(rows, keys, strict=True)
                ],
                columns=("list", "entry", "digest", "schema", "properties", "since", "keys"),
            )
            added += len(rows)
            await progress(entries + added)
        return added

    async def any(self) -> bool:
        """Whether any list is kept."""
        async with connected(self._engine) as connection:
            return (await connection.execute(select(watchlists.c.name).limit(1))).first() is not None

    async def lists(self) -> list[ListVersion]:
        """The version in force of every list, by name."""
        async with connected(self._engine) as connection:
            rows = await connection.execute(
                self._versions().where(watchlist_versions.c.version == watchlists.c.version).order_by(watchlists.c.name)
            )
            return [_as_version(row) for row in rows]

    async def versions(self, name: str) -> list[ListVersion]:
        """Every version of a list, newest first. Raises LookupError where there is no such list."""
        async with connected(self._engine) as connection:
            rows = await connection.execute(
                self._versions().where(watchlists.c.name == name).order_by(watchlist_versions.c.version.desc())
            )
            found = [_as_version(row) for row in rows]
        if not found:
            raise LookupError(f"there is no list {name}")
        return found

    async def diff(self, name: str, old: int, new: int) -> ListDiff:
        """What changed between two versions of a list. Raises LookupError where one of them does not exist."""
        known = {version.version for version in await self.versions(name)}
        if missing := {old, new} - known:
            raise LookupError(f"list {name} has no version {', '.join(map(str, sorted(missing)))}")
        async with self._driver(self._engine) as (_, driver):
            rows = await driver.fetch(_DIFF, name, old, new, SHOWN_CHANGES, timeout=LONG)
        added, removed, every = rows[0][5:8] if rows else (0, 0, 0)
        return ListDiff(
            name=name,
            old=old,
            new=new,
            added=added,
            removed=removed,
            changed=every - added - removed,
            changes=tuple(EntryChange(entry=row[0], before=row[1], after=row[2]) for row in rows),
        )

    async def remove(self, name: str) -> None:
        """Take a list out of the register, with every version of it. Raises LookupError where there is none."""
        async with connected(self._engine) as connection:
            gone = await connection.execute(delete(watchlists).where(watchlists.c.name == name))
            if gone.rowcount == 0:
                raise LookupError(f"there is no list {name}")

    async def found(self, keys: Sequence[int]) -> tuple[list[InForce], list[Found]]:
        """The lists as they stand, and the entries in force that have one of some keys, each with its list."""
        async with self._driver(self._engine) as (_, driver):
            # The planner takes many keys for many entries, and would read them all.
            await driver.execute("SET LOCAL enable_seqscan = off")
            lists = await driver.fetch("SELECT name, publisher, trust, kind, version FROM watchlists ORDER BY name")
            rows = await driver.fetch(
                "SELECT list, entry, schema, properties::text FROM watchlist_entries WHERE keys && $1::bigint[]", keys
            )
        standing = [
            InForce(watchlist=Watchlist(name=row[0], publisher=row[1], trust=row[2], kind=row[3]), version=row[4])
            for row in lists
        ]
        return standing, [Found(*row) for row in rows]

    def _versions(self) -> Any:
        return select(
            watchlists.c.name, watchlists.c.publisher, watchlists.c.trust, watchlists.c.kind, watchlist_versions
        ).join_from(watchlist_versions, watchlists, watchlists.c.name == watchlist_versions.c.list)

    async def _version(self, connection: AsyncConnection, condition: Any) -> ListVersion | None:
        row = (await connection.execute(self._versions().where(condition))).one_or_none()
        return _as_version(row) if row is not None else None

    async def _only(self, connection: AsyncConnection, condition: Any) -> ListVersion:
        return _as_version((await connection.execute(self._versions().where(condition))).one())

    @asynccontextmanager
    async def _driver(self, engine: AsyncEngine) -> AsyncIterator[tuple[AsyncConnection, Any]]:
        """A connection, and the driver's own below it, which can copy."""
        async with connected(engine) as connection:
            await connection.execute(select(1))
            driver = (await connection.get_raw_connection()).driver_connection
            try:
                yield connection, driver
            except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.QueryCanceledError) as away:
                raise LedgerUnavailable("the database is away (connection lost)") from away
            except asyncpg.PostgresError as failed:
                state = str(failed.sqlstate)
                if state.startswith(("40", "53", "57")):
                    raise LedgerUnavailable(f"the database is away ({state})") from None
                raise StatementRefused(f"the database refused a statement ({state})") from None


def _batch(people: Any) -> list[tuple[str, str, str, str]]:
    return [
        (person.id, person.digest, person.schema_, json.dumps(person.properties, ensure_ascii=False))
        for person in islice(people, BATCH)
    ]


async def _pages(driver: Any, statement: str, *arguments: Any) -> AsyncIterator[list[Any]]:
    cursor = await driver.cursor(statement, *arguments, timeout=LONG)
    while rows := await cursor.fetch(BATCH, timeout=LONG):
        yield rows


def _as_version(row: Any) -> ListVersion:
    known = row._mapping
    return ListVersion(
        watchlist=Watchlist(name=known["name"], publisher=known["publisher"], trust=known["trust"], kind=known["kind"]),
        version=known["version"],
        format=known["format"],
        source=known["source"],
        file=known["file"],
        entries=known["entries"],
        added=known["added"],
        changed=known["changed"],
        removed=known["removed"],
        skipped=known["skipped"],
        officer=known["officer"],
        imported=known["imported_at"],
    )
