"""The chain of events in PostgreSQL: what each new link is made of, and the reading of it from first to last."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.reach import each
from adapters.sql.tables import chain, events, seals
from domain import chain as law
from domain.chain import Seal, Stored

_same: Final = and_(chain.c.case_reference == events.c.case_reference, chain.c.seq == events.c.seq)
_CHAIN: Final = (
    select(
        chain.c.n,
        chain.c.head,
        func.coalesce(events.c.case_reference, chain.c.case_reference).label("of_case"),
        func.coalesce(events.c.seq, chain.c.seq).label("of_step"),
        events.c.hash,
        *(column for column in events.c if column.name != "hash"),
    )
    .select_from(chain.join(events, _same, full=True))
    .order_by(chain.c.n.nulls_last(), events.c.case_reference, events.c.seq)
)
_DIGESTED: Final = tuple(column.name for column in events.c if column.name != "hash")


def digest(row: Mapping[str, Any]) -> bytes:
    """The digest over a row of the table of events, stored or about to be."""
    return law.digest({name: row[name] for name in _DIGESTED})


async def stored(connection: AsyncConnection) -> AsyncIterator[Stored]:
    """Every event and its link, in the order of the chain; those without a link last."""
    async for row in each(connection, _CHAIN):
        n, head, reference, seq, found, *told = tuple(row)
        digested = None if found is None else law.digest(dict(zip(_DIGESTED, told, strict=True)))
        yield Stored(reference=reference, seq=seq, digest=digested, hash=found, n=n, head=head)


async def length(connection: AsyncConnection) -> int:
    """How many links the chain has."""
    return int(await connection.scalar(select(func.count()).select_from(chain)) or 0)


async def head(connection: AsyncConnection) -> tuple[int, bytes] | None:
    """The number and head of the last link, unless it is sealed already."""
    last = select(chain.c.n, chain.c.head).order_by(chain.c.n.desc()).limit(1).subquery()
    found = await connection.execute(
        select(last.c.n, last.c.head).where(~select(seals.c.n).where(seals.c.n == last.c.n).exists())
    )
    row = found.one_or_none()
    return None if row is None else (row.n, row.head)


async def add_seal(connection: AsyncConnection, seal: Seal) -> None:
    """Keep a seal; where two workers seal the same head, the first stays."""
    await connection.execute(upsert(seals).values(seal.model_dump()).on_conflict_do_nothing())


async def sealed(connection: AsyncConnection) -> tuple[Seal, ...]:
    """Every seal, in order."""
    rows = (await connection.execute(select(seals).order_by(seals.c.n))).mappings()
    return tuple(Seal.model_validate(dict(row)) for row in rows)
