"""Cases that have ended, in PostgreSQL: until when they are kept, and what the desk was told."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.cells import Cells, state_of
from adapters.sql.tables import DONE, WAITING, cases, commands, erasures, events, letters, retentions
from domain.clock import Clock
from domain.keys import key_of
from domain.notices import Template
from domain.retention import EndedCase
from domain.session import SessionState
from domain.steps import CaseKind
from domain.timelimits import UNTIL_DECIDED

_ENDED = (
    select(
        cases.c.reference,
        cases.c.session,
        cases.c.stage,
        cases.c.changed_at.label("ended"),
        cases.c.workflow_id,
        retentions.c.held.label("held"),
        retentions.c.announced,
        letters.c.state.label("letter"),
    )
    .select_from(
        cases.outerjoin(retentions, retentions.c.candidacy == cases.c.reference).outerjoin(
            letters, letters.c.reference == retentions.c.letter
        )
    )
    .where(cases.c.kind == CaseKind.CANDIDACY, cases.c.ended, cases.c.erased.is_(None))
    .order_by(cases.c.reference)
)


async def ended(connection: AsyncConnection, cells: Cells) -> Sequence[EndedCase]:
    """Every candidacy that has ended and is not erased, by reference; without those with an open suspension."""
    return await _ended(connection, cells, _ENDED)


async def one(connection: AsyncConnection, cells: Cells, candidacy: str) -> EndedCase | None:
    """One of them; None where it is none of them."""
    found = await _ended(connection, cells, _ENDED.where(cases.c.reference == candidacy))
    return found[0] if found else None


async def _ended(connection: AsyncConnection, cells: Cells, query: Select[Any]) -> Sequence[EndedCase]:
    suspended = select(cases.c.workflow_id).where(cases.c.kind == CaseKind.SUSPENSION, ~cases.c.ended)
    open_ = {key_of(workflow_id) for workflow_id in await connection.scalars(suspended)}
    clocks: dict[str, Clock] = {}
    found: list[EndedCase] = []
    for row in (await connection.execute(query)).mappings().all():
        if key_of(row["workflow_id"]) in open_:
            continue
        session = row["session"]
        if session not in clocks:
            clocks[session] = await clock_of(connection, cells, session)
        fields = {name: row[name] for name in ("reference", "session", "stage", "ended", "held", "announced")}
        found.append(EndedCase(**fields, told=row["letter"] in DONE, clock=clocks[session]))
    return found


async def clock_of(connection: AsyncConnection, cells: Cells, session: str) -> Clock:
    """The calendar of a session, whether it has ended or not."""
    row = (await connection.execute(select(cases.c.seq, cases.c.state).where(cases.c.reference == session))).one()
    state = SessionState.model_validate(await cells.read(state_of(session, row.seq), row.state))
    return state.plan.clock


async def begun(connection: AsyncConnection) -> Sequence[str]:
    """The candidacies whose erasure by a rule was begun, and is not certified."""
    query = select(erasures.c.candidacy).where(erasures.c.rule.is_not(None), erasures.c.certificate.is_(None))
    return list(await connection.scalars(query))


async def hold(connection: AsyncConnection, candidacy: str, until: date, command: int) -> None:
    """Write down until when a candidacy is held back, and by which command; the last one that was taken stands."""
    standing = select(commands.c.taken).join(retentions, retentions.c.command == commands.c.n)
    last = await connection.scalar(standing.where(retentions.c.candidacy == candidacy))
    taken = await connection.scalar(select(commands.c.taken).where(commands.c.n == command))
    if last is None or taken is None or last <= taken:
        await _keep([{"candidacy": candidacy, "held": until, "command": command}], connection)


async def hold_back(connection: AsyncConnection, since: datetime) -> Sequence[str]:
    """Hold back, until an officer says otherwise, what was opened before an instant and written again after it."""
    first = and_(events.c.case_reference == cases.c.reference, events.c.seq == 1)
    again = (
        select(cases.c.reference)
        .join(events, first)
        .outerjoin(retentions, retentions.c.candidacy == cases.c.reference)
        .where(
            cases.c.kind == CaseKind.CANDIDACY,
            cases.c.erased.is_(None),
            func.coalesce(events.c.taken, events.c.at) < since,
            events.c.recorded_at >= since,
            retentions.c.held.is_(None),
        )
    )
    rows = [{"candidacy": each, "held": UNTIL_DECIDED} for each in await connection.scalars(again)]
    if rows:
        await _keep(rows, connection)
    held = select(retentions.c.candidacy).where(retentions.c.held == UNTIL_DECIDED, retentions.c.command.is_(None))
    return list(await connection.scalars(held.order_by(retentions.c.candidacy)))


async def announce(connection: AsyncConnection, candidacies: Sequence[str], last: date, letter: str) -> None:
    """Write down that a letter tells the desk of the last day of the data of these candidacies."""
    rows = [{"candidacy": candidacy, "announced": last, "letter": letter} for candidacy in candidacies]
    await _keep(rows, connection)


async def _keep(rows: Sequence[dict[str, Any]], connection: AsyncConnection) -> None:
    insertion = upsert(retentions)
    changed: dict[str, ColumnElement[Any]] = {name: insertion.excluded[name] for name in rows[0] if name != "candidacy"}
    written = insertion.on_conflict_do_update(index_elements=[retentions.c.candidacy], set_=changed)
    await connection.execute(written, rows)


async def announcements(connection: AsyncConnection) -> Sequence[str]:
    """The letters that tell the desk of erasures and have yet to go out."""
    query = select(letters.c.reference).where(
        letters.c.template == Template.DESK_RETENTION, letters.c.state.in_(WAITING)
    )
    return list(await connection.scalars(query.order_by(letters.c.reference)))
