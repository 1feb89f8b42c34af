"""Officers' interests in PostgreSQL, and the marks by which they and other nominations are found in a nomination."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.ports import Keys
from adapters.sql.cells import Cells, content_of_command
from adapters.sql.tables import among, cases, commands, interest_ends, interests, traces
from domain.identity import Namesake
from domain.interests import InterestRow, Interests
from domain.keys import REGISTER_KEY, is_reference, key_of
from domain.people import Nomination
from domain.traces import DATED, INTERESTING, NAMED, About
from domain.traces import traces as traces_of

_HELD: Final = interests.outerjoin(interest_ends, interest_ends.c.interest == interests.c.n)


def person_of(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Whose a case is, from the workflow that carries it; null for what is nobody's in particular."""
    return func.substring(column, "([0-9]{4}[A-Z]?/[0-9a-f]{32})(?:/|$)")


def interested_in(person: Any, at: Any) -> ScalarSelect[Any]:
    """The officers who have an interest in a person at an instant of the clock, as part of a question."""
    of_person = traces.c.person == person, among(traces.c.about, sorted(INTERESTING))
    found = (
        select(func.array_agg(interests.c.officer.distinct()))
        .select_from(_HELD.join(traces, traces.c.mark == interests.c.mark))
        .where(*of_person, _holds(at))
    )
    return found.scalar_subquery()


def _holds(at: Any) -> ColumnElement[bool]:
    return and_(interests.c.at <= at, or_(interest_ends.c.at.is_(None), interest_ends.c.at > at))


async def interested(connection: AsyncConnection, subject: str, at: datetime) -> frozenset[str]:
    """The officers who have an interest in a case, by its reference, that of a letter, or its workflow."""
    person = await _person(connection, subject)
    return frozenset(await connection.scalar(select(interested_in(person, at))) or ()) if person else frozenset()


async def _person(connection: AsyncConnection, subject: str) -> str | None:
    key = key_of(subject)
    if is_reference(key):
        found = select(person_of(cases.c.workflow_id)).where(cases.c.reference == key)
        person: str | None = await connection.scalar(found)
        return person
    return key if key != REGISTER_KEY else None


async def hidden_from(connection: AsyncConnection, officer: str, at: datetime) -> frozenset[str]:
    """The persons in whose cases an officer has an interest at an instant of the clock."""
    found = (
        select(traces.c.person)
        .distinct()
        .select_from(_HELD.join(traces, traces.c.mark == interests.c.mark))
        .where(interests.c.officer == officer, among(traces.c.about, sorted(INTERESTING)), _holds(at))
    )
    return frozenset(await connection.scalars(found))


async def cases_of(connection: AsyncConnection, persons: frozenset[str]) -> frozenset[str]:
    """The references of every case of these persons."""
    if not persons:
        return frozenset()
    found = select(cases.c.reference).where(among(person_of(cases.c.workflow_id), sorted(persons)))
    return frozenset(await connection.scalars(found))


async def mark(connection: AsyncConnection, keys: Keys, person: str, nomination: Nomination) -> None:
    """Write down by which marks a nomination is found, besides those it had."""
    found = sorted(traces_of(nomination))
    marks = await keys.marks([trace.text for trace in found])
    rows = [{"person": person, "about": trace.about, "mark": mark} for trace, mark in zip(found, marks, strict=True)]
    await connection.execute(upsert(traces).on_conflict_do_nothing(), rows)


async def unmark(connection: AsyncConnection, person: str) -> None:
    """Let nobody find a person's nomination any more."""
    await connection.execute(delete(traces).where(traces.c.person == person))


async def namesakes(connection: AsyncConnection, person: str) -> Sequence[Namesake]:
    """The other candidacies that share a name with a person's, and what else."""
    own, other, named = traces.alias("own"), traces.alias("other"), traces.alias("named")
    names = select(own.c.mark).where(own.c.person == person, among(own.c.about, sorted(NAMED)))
    alike = select(named.c.person).where(
        named.c.mark.in_(names), among(named.c.about, sorted(NAMED)), named.c.person != person
    )
    dated = and_(own.c.about == other.c.about, among(own.c.about, sorted(DATED)))
    found = (
        select(cases.c.reference, func.array_agg(own.c.about.distinct()).label("shares"))
        .select_from(other)
        .outerjoin(own, and_(own.c.person == person, own.c.mark == other.c.mark, dated))
        .join(cases, cases.c.workflow_id == func.concat("candidacy/", other.c.person))
        .where(other.c.person.in_(alike))
        .group_by(cases.c.reference)
    )
    return [
        # Whichever of the two the name is an alias of, it is a name in common.
        Namesake(reference=row.reference, shares={About.CANDIDATE, *filter(None, row.shares)})
        for row in await connection.execute(found)
    ]


async def declare(
    connection: AsyncConnection, keys: Keys, declared: Interests, *, officer: str, command: int, at: datetime
) -> None:
    """Write down what an officer has declared.

    Raises:
        LookupError: There is no such case.
    """
    named = list(declared.named())
    marks = await keys.marks([text for _, _, text in named])
    rows = [
        {"officer": officer, "about": about, "mark": mark, "at": at, "command": command, "place": place}
        for place, ((about, _, _), mark) in enumerate(zip(named, marks, strict=True), 1)
    ]
    if rows:
        await connection.execute(insert(interests), rows)
    for reference in declared.cases:
        person = await _person(connection, reference)
        if person is None:
            raise LookupError(f"there is no case {reference}")
        await declare_in(connection, reference, person, officer=officer, at=at, command=command)


async def declare_in(
    connection: AsyncConnection, reference: str, person: str, *, officer: str, at: datetime, command: int | None = None
) -> None:
    """Write down that an officer has an interest in the person of a case."""
    whose = select(
        literal(officer),
        traces.c.about,
        traces.c.mark,
        literal(at, interests.c.at.type),
        literal(command, interests.c.command.type),
        literal(reference),
    ).where(traces.c.person == person, traces.c.about == About.CANDIDATE)
    columns = ["officer", "about", "mark", "at", "command", "case_reference"]
    await connection.execute(insert(interests).from_select(columns, whose))


async def withdraw(connection: AsyncConnection, interest: str, command: int, at: datetime) -> None:
    """Write down from when an interest holds no more."""
    await connection.execute(insert(interest_ends).values(interest=_number(interest), command=command, at=at))


async def own(connection: AsyncConnection, cells: Cells, officer: str) -> Sequence[InterestRow]:
    """Everything that an officer ever declared, in order of writing."""
    query = (
        select(*interests.c, interest_ends.c.at.label("until"), commands.c.nonce, commands.c.content)
        .select_from(_HELD.outerjoin(commands, commands.c.n == interests.c.command))
        .where(interests.c.officer == officer)
        .order_by(interests.c.n)
    )
    return [await _row(cells, row) for row in (await connection.execute(query)).mappings()]


async def _row(cells: Cells, row: Any) -> InterestRow:
    what = ""
    if row["place"] is not None:
        declared = Interests.model_validate(await cells.read(content_of_command(row["nonce"]), row["content"]))
        what = [shown for _, shown, _ in declared.named()][row["place"] - 1]
    return InterestRow(
        id=f"I-{row['n']}",
        about=row["about"],
        what=what,
        case=row["case_reference"],
        since=row["at"],
        until=row["until"],
    )


def _number(interest: str) -> int:
    return int(interest.removeprefix("I-"))
