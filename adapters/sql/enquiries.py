"""What can be read from the ledger."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql import authority, interests
from adapters.sql.cells import Cells, of_letter, reason_of, state_of
from adapters.sql.reach import each
from adapters.sql.tables import (
    DONE,
    TROUBLED,
    cases,
    erasures,
    events,
    incidents,
    letter_events,
    letters,
    readings,
    retentions,
    told,
)
from domain.cases import STATES
from domain.erasure import Certificate
from domain.errors import Erased
from domain.keys import SealBroken
from domain.ledger import (
    Answer,
    CaseFile,
    CaseRow,
    Enquiry,
    EnquiryAbout,
    IncidentRow,
    LetterFile,
    LetterRow,
    LetterState,
    Place,
    ReadingRow,
    StepRow,
)
from domain.notices import Letter, Role
from domain.people import Contact
from domain.steps import CaseKind, Dispatch

_TROUBLED_LETTERS = (
    select(func.count())
    .where(letters.c.case_reference == cases.c.reference, letters.c.state.in_(TROUBLED))
    .scalar_subquery()
)
_CASE = select(
    cases.c.reference,
    cases.c.kind,
    cases.c.session,
    cases.c.stage,
    cases.c.ended,
    cases.c.seat,
    cases.c.deadline,
    cases.c.seq,
    cases.c.workflow_id,
    cases.c.opened_at.label("opened"),
    cases.c.changed_at.label("changed"),
    cases.c.erased,
    retentions.c.held.label("held_until"),
    retentions.c.announced,
    _TROUBLED_LETTERS.label("troubled_letters"),
).select_from(cases.outerjoin(retentions, retentions.c.candidacy == cases.c.reference))
_LETTER_ROW = (
    letters.c.reference,
    letters.c.case_reference.label("case"),
    letters.c.template,
    letters.c.role,
    letters.c.language,
    letters.c.state,
    letters.c.attempts,
    letters.c.code,
    letters.c.written_at.label("written"),
    letters.c.changed_at.label("changed"),
    letters.c.message_id,
)
_PLACE = (letters.c.case_reference, letters.c.seq, letters.c.number)


async def answer(
    connection: AsyncConnection, cells: Cells, enquiry: Enquiry, reader: str, hidden: Collection[str] = ()
) -> Answer:
    """Answer a question.

    Args:
        connection: To the database.
        cells: The personal columns.
        enquiry: The question.
        reader: The officer who asks.
        hidden: The persons whose cases the reader does not see in any list.

    Raises:
        LookupError: There is no such case or letter.
        ValueError: ``after`` is nothing that such a list could be continued from.
    """
    match enquiry.about:
        case EnquiryAbout.CASE:
            return Answer(case=await _case(connection, cells, enquiry))
        case EnquiryAbout.CASES:
            return await _cases(connection, enquiry, hidden)
        case EnquiryAbout.TIMELINE:
            return await _timeline(connection, enquiry)
        case EnquiryAbout.LETTERS:
            return await _letters(connection, enquiry, hidden)
        case EnquiryAbout.LETTER:
            return Answer(letter=await _letter(connection, cells, enquiry))
        case EnquiryAbout.PLACE:
            return Answer(place=await _place(connection, cells, enquiry))
        case EnquiryAbout.OFFICERS:
            return Answer(officers=tuple(await authority.register(connection)))
        case EnquiryAbout.READERS:
            return await _readers(connection, enquiry)
        case EnquiryAbout.INCIDENTS:
            return await _incidents(connection, enquiry, hidden)
        case EnquiryAbout.INTERESTS:
            return Answer(interests=tuple(await interests.own(connection, cells, reader)))
        case EnquiryAbout.CERTIFICATE:
            return await _certificate(connection, enquiry)


async def open_cases(
    connection: AsyncConnection, cells: Cells, session: str | None
) -> Sequence[tuple[CaseKind, str, str, Mapping[str, Any]]]:
    """Every open case, sessions first: kind, reference, workflow id and state."""
    query = select(cases.c.kind, cases.c.reference, cases.c.workflow_id, cases.c.seq, cases.c.state)
    query = query.where(~cases.c.ended)
    if session is not None:
        query = query.where(cases.c.session == session)
    rows = await connection.execute(query.order_by(cases.c.kind != CaseKind.SESSION, cases.c.reference))
    return [
        (CaseKind(row.kind), row.reference, row.workflow_id, await _state(cells, row.reference, row.seq, row.state))
        for row in rows
    ]


async def last_words(connection: AsyncConnection, cells: Cells) -> Sequence[Dispatch]:
    """What cases that have ended had to tell cases that are open, in order of case; those erased are left out."""
    open_ = select(cases.c.workflow_id).where(~cases.c.ended)
    tells = select(told.c.hearer).where(told.c.case_reference == cases.c.reference, told.c.hearer.in_(open_))
    query = select(cases.c.reference, cases.c.seq, cases.c.state, cases.c.kind)
    query = query.where(cases.c.ended, cases.c.erased.is_(None), tells.exists()).order_by(cases.c.reference)
    hearers = {row.workflow_id for row in await connection.execute(open_)}
    states = [
        STATES[CaseKind(row.kind)].model_validate(await _state(cells, row.reference, row.seq, row.state))
        for row in await connection.execute(query)
    ]
    return [word for state in states for word in state.outbox if word.workflow_id in hearers]


async def unsent_letters(connection: AsyncConnection) -> Sequence[tuple[str, LetterState]]:
    """Every letter that is neither sent nor withdrawn, in order of case, step and number."""
    query = select(letters.c.reference, letters.c.state).where(letters.c.state.not_in(DONE)).order_by(*_PLACE)
    return [(row.reference, LetterState(row.state)) for row in await connection.execute(query)]


async def workflows(connection: AsyncConnection, references: Sequence[str]) -> Mapping[str, str]:
    """The workflow of each case, by reference; those that do not exist, or were erased, are left out."""
    query = select(cases.c.reference, cases.c.workflow_id)
    query = query.where(cases.c.reference.in_(references), cases.c.erased.is_(None))
    return {row.reference: row.workflow_id for row in await connection.execute(query)}


async def reader(connection: AsyncConnection, letter: str) -> Role:
    """Who a letter goes to.

    Raises:
        LookupError: There is no such letter.
    """
    role = await connection.scalar(select(letters.c.role).where(letters.c.reference == letter))
    if role is None:
        raise LookupError(f"there is no letter {letter}")
    return Role(role)


async def totals(connection: AsyncConnection) -> tuple[int, int, int]:
    """How many cases, steps and letters there are."""
    counts = [select(func.count()).select_from(table).scalar_subquery() for table in (cases, events, letters)]
    row = (await connection.execute(select(*counts))).one()
    return row[0], row[1], row[2]


async def gaps(connection: AsyncConnection, cells: Cells) -> Sequence[str]:
    """The cases whose steps are not numbered from 1 without a gap, or whose last step is not their state's."""
    steps = select(func.count()).where(events.c.case_reference == cases.c.reference).scalar_subquery()
    last = select(func.max(events.c.seq)).where(events.c.case_reference == cases.c.reference).scalar_subquery()
    counted = and_(steps == cases.c.seq, last == cases.c.seq).label("counted")
    query = select(cases.c.reference, cases.c.seq, cases.c.state, counted).order_by(cases.c.reference)
    # A state that does not open in its place is not that of the last step either.
    return [
        row.reference
        async for row in each(connection, query)
        if not row.counted or not await _fits(cells, row.reference, row.seq, row.state)
    ]


def erased(reference: str) -> Erased:
    """The refusal to read or write what belongs to a case whose person's data was erased."""
    return Erased(f"the data of {reference} was erased", rule="erased")


async def reading(cells: Cells, row: RowMapping) -> tuple[str, str, str, str]:
    """Of a letter: the reader's name and address, and the letter as plain text and as HTML."""
    place = row["reference"]
    name, email, text, html = [
        await cells.read(of_letter(column, place), row[column]) for column in ("name", "email", "text", "html")
    ]
    return name, email, text, html


async def _state(cells: Cells, reference: str, seq: int, cell: bytes) -> dict[str, Any]:
    state: dict[str, Any] = await cells.read(state_of(reference, seq), cell)
    return state


async def _fits(cells: Cells, reference: str, seq: int, cell: bytes) -> bool:
    try:
        return bool((await _state(cells, reference, seq, cell))["seq"] == seq)
    except SealBroken:
        return False
    except Erased:
        return True  # nobody can say otherwise any more


def _asked_for(enquiry: Enquiry) -> ColumnElement[bool]:
    # By the name that the question was signed for.
    if enquiry.reference is not None:
        return cases.c.reference == enquiry.reference
    return cases.c.workflow_id == enquiry.workflow_id


def _no_case(enquiry: Enquiry) -> LookupError:
    return LookupError(f"there is no case {enquiry.reference}" if enquiry.reference else "there is no such case")


async def _case(connection: AsyncConnection, cells: Cells, enquiry: Enquiry) -> CaseFile:
    found = await connection.execute(_CASE.add_columns(cases.c.state).where(_asked_for(enquiry)))
    row = found.mappings().one_or_none()
    if row is None:
        raise _no_case(enquiry)
    query = select(*_LETTER_ROW).where(letters.c.case_reference == row["reference"]).order_by(*_PLACE)
    written = (await connection.execute(query)).mappings()
    fields = dict(row)
    cell = fields.pop("state")
    # Of an erased case no key is asked for: one that is destroyed may be in memory still for some seconds.
    state = {} if row["erased"] else await _state(cells, row["reference"], row["seq"], cell)
    return CaseFile(
        row=CaseRow.model_validate(fields), state=state, letters=tuple(LetterRow.model_validate(row) for row in written)
    )


async def _place(connection: AsyncConnection, cells: Cells, enquiry: Enquiry) -> Place:
    found = await connection.execute(_CASE.add_columns(cases.c.state).where(_asked_for(enquiry)))
    row = found.mappings().one_or_none()
    if row is None:
        raise _no_case(enquiry)
    fields = dict(row)
    cell = fields.pop("state")
    state = {"decisions": {}} if row["erased"] else await _state(cells, row["reference"], row["seq"], cell)
    return Place(decisions=state["decisions"], row=CaseRow.model_validate(fields))


async def _readers(connection: AsyncConnection, enquiry: Enquiry) -> Answer:
    """Who opened a case's file: the case itself, its steps, or a letter of it."""
    of_case = or_(
        readings.c.reference == enquiry.reference,
        readings.c.reference.startswith(f"{enquiry.reference}.", autoescape=True),
    )
    query = (
        select(*(readings.c[name] for name in ReadingRow.model_fields))
        .where(of_case, readings.c.about.in_(authority.OPENINGS))
        .order_by(readings.c.n)
        .limit(enquiry.limit + 1)
    )
    if enquiry.after is not None:
        query = query.where(readings.c.n > int(enquiry.after))
    rows, more = _page(enquiry, (await connection.execute(query)).mappings().all())
    return Answer(readers=tuple(ReadingRow.model_validate(dict(row)) for row in rows), more=more)


async def _certificate(connection: AsyncConnection, enquiry: Enquiry) -> Answer:
    reference = await _reference(connection, enquiry)
    found = await connection.scalar(select(erasures.c.certificate).where(erasures.c.candidacy == reference))
    return Answer(certificate=None if found is None else Certificate.model_validate(found))


async def _incidents(connection: AsyncConnection, enquiry: Enquiry, hidden: Collection[str]) -> Answer:
    query = select(*(incidents.c[name] for name in IncidentRow.model_fields)).order_by(incidents.c.n)
    if enquiry.after is not None:
        query = query.where(incidents.c.n > int(enquiry.after))
    if hidden:
        named = func.substring(incidents.c.place, "^[^.]+")
        theirs = await interests.cases_of(connection, frozenset(hidden))
        query = query.where(named.not_in(sorted(theirs)), _shown(incidents.c.place, hidden))
    rows, more = _page(enquiry, (await connection.execute(query.limit(enquiry.limit + 1))).mappings().all())
    return Answer(incidents=tuple(IncidentRow.model_validate(dict(row)) for row in rows), more=more)


def _shown(workflow_id: ColumnElement[str], hidden: Collection[str]) -> ColumnElement[bool]:
    """Whether a case is shown to a reader who does not see those of some persons."""
    return func.coalesce(interests.person_of(workflow_id), "").not_in(sorted(hidden))


async def _cases(connection: AsyncConnection, enquiry: Enquiry, hidden: Collection[str]) -> Answer:
    query = _CASE.order_by(cases.c.reference).limit(enquiry.limit + 1)
    for column, value in (
        (cases.c.session, enquiry.session),
        (cases.c.kind, enquiry.kind),
        (cases.c.stage, enquiry.stage),
        (cases.c.seat, enquiry.seat),
        (cases.c.ended, enquiry.ended),
    ):
        if value is not None:
            query = query.where(column == value)
    if enquiry.overdue is not None:
        query = query.where(cases.c.deadline < enquiry.overdue, ~cases.c.ended)
    if hidden:
        query = query.where(_shown(cases.c.workflow_id, hidden))
    if enquiry.after is not None:
        query = query.where(cases.c.reference > enquiry.after)
    rows, more = _page(enquiry, (await connection.execute(query)).mappings().all())
    return Answer(cases=tuple(CaseRow.model_validate(row) for row in rows), more=more)


async def _timeline(connection: AsyncConnection, enquiry: Enquiry) -> Answer:
    reference = await _reference(connection, enquiry)
    query = (
        select(
            events.c.seq,
            events.c.act,
            events.c.trigger,
            events.c.at,
            events.c.recorded_at.label("recorded"),
            events.c.stage_before,
            events.c.stage,
            events.c.signer,
            events.c.effects,
        )
        .where(events.c.case_reference == reference)
        .order_by(events.c.seq)
        .limit(enquiry.limit + 1)
    )
    if enquiry.after is not None:
        query = query.where(events.c.seq > int(enquiry.after))
    rows, more = _page(enquiry, (await connection.execute(query)).mappings().all())
    written: dict[int, list[str]] = defaultdict(list)
    of_case = select(letters.c.seq, letters.c.reference).where(letters.c.case_reference == reference)
    for seq, letter in await connection.execute(of_case.order_by(*_PLACE)):
        written[seq].append(letter)
    steps = (StepRow.model_validate(dict(row) | {"letters": written[row["seq"]]}) for row in rows)
    return Answer(steps=tuple(steps), more=more)


async def _letters(connection: AsyncConnection, enquiry: Enquiry, hidden: Collection[str]) -> Answer:
    query = select(*_LETTER_ROW).order_by(*_PLACE).limit(enquiry.limit + 1)
    if enquiry.reference is not None or enquiry.workflow_id is not None:
        query = query.where(letters.c.case_reference == await _reference(connection, enquiry))
    if enquiry.state is not None:
        query = query.where(letters.c.state == enquiry.state)
    if hidden:
        theirs = await interests.cases_of(connection, frozenset(hidden))
        query = query.where(letters.c.case_reference.not_in(sorted(theirs)))
    if enquiry.after is not None:
        case_reference, seq, number = enquiry.after.split(".")
        query = query.where(tuple_(*_PLACE) > tuple_(case_reference, int(seq), int(number)))
    rows, more = _page(enquiry, (await connection.execute(query)).mappings().all())
    return Answer(letters=tuple(LetterRow.model_validate(row) for row in rows), more=more)


async def _letter(connection: AsyncConnection, cells: Cells, enquiry: Enquiry) -> LetterFile:
    of_reader = (letters.c.name, letters.c.email, letters.c.subject, letters.c.text, letters.c.html)
    query = select(*_LETTER_ROW, *of_reader).where(letters.c.reference == enquiry.reference)
    query = query.add_columns(cases.c.erased).join(cases, cases.c.reference == letters.c.case_reference)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise LookupError(f"there is no letter {enquiry.reference}")
    if row["erased"] is not None:
        # Before any key is asked for: one that is destroyed may be in memory still for some seconds.
        raise erased(row["case"])
    trail = select(letter_events).where(letter_events.c.letter == enquiry.reference).order_by(letter_events.c.n)
    changes = (await connection.execute(trail)).mappings().all()
    name, email, text, html = await reading(cells, row)
    return LetterFile(
        row=LetterRow.model_validate({column.name: row[column.name] for column in _LETTER_ROW}),
        to=Contact(name=name, email=email, language=row["language"]),
        letter=Letter(subject=row["subject"], text=text, html=html),
        history=(
            f"{row['written'].isoformat(timespec='seconds')} {LetterState.DRAFTED}",
            *[await _told(cells, change) for change in changes],
        ),
    )


async def _reference(connection: AsyncConnection, enquiry: Enquiry) -> str:
    reference = await connection.scalar(select(cases.c.reference).where(_asked_for(enquiry)))
    if reference is None:
        raise _no_case(enquiry)
    return str(reference)


def _page(enquiry: Enquiry, rows: Sequence[RowMapping]) -> tuple[Sequence[RowMapping], bool]:
    return rows[: enquiry.limit], len(rows) > enquiry.limit


async def _told(cells: Cells, change: RowMapping) -> str:
    told = f"{change['at'].isoformat(timespec='seconds')} {change['state']}"
    if change["code"] is not None:
        told += f" ({change['code']})"
    if change["signer"] is not None:
        reason = await cells.read(reason_of(change["letter"]), change["reason"])
        told += f" by {change['signer']}: {reason}"
    return told
