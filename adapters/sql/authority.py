"""What the register holds of officers and their commands: the grounds on which a judge says yes or no."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import BindParameter, bindparam, exists, func, insert, or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql import interests
from adapters.sql.cells import Cells, content_of, content_of_command, state_of
from adapters.sql.reach import each
from adapters.sql.tables import (
    among,
    appointments,
    cases,
    commands,
    events,
    incidents,
    keys,
    readings,
    revocations,
    told,
)
from domain.authority import (
    Command,
    Grounds,
    Incident,
    Written,
    gives_seats,
    may_order,
    needs_acts,
    needs_candidacy,
    power_of,
    undoes,
)
from domain.candidacy import Act, CandidacyState, return_decision
from domain.cases import STATES
from domain.errors import Erased
from domain.ids import session_workflow_id
from domain.interests import check_interest
from domain.keys import KeyMissing, SealBroken, key_of
from domain.ledger import EnquiryAbout, Entry
from domain.lists import ListState
from domain.offices import Appointment, Office, Request, Revocation, check_held, ended_by
from domain.session import SessionState, Terms, terms_decision
from domain.signing import Credential, Signed, digest
from domain.steps import CaseKind, Trigger
from domain.suspension import SuspensionState

_ONE_AT_A_TIME: Final = 0x6F666669
"""Key of the advisory lock under which officers are admitted and revoked: "offi"."""

PAYLOADS: Final = "payloads"
"""What somebody has read who looked into Temporal's histories through the codec server."""
OPENINGS: Final = (EnquiryAbout.CASE, EnquiryAbout.TIMELINE, EnquiryAbout.LETTERS, EnquiryAbout.LETTER, PAYLOADS)
"""The questions that open a file."""

_BROKEN: Final = {"": "does not open"}

CREDENTIAL: Final[TypeAdapter[Credential]] = TypeAdapter(Credential)

_KEY: BindParameter[Any] = bindparam("key")
_WORKFLOW: BindParameter[Any] = bindparam("workflow_id")
_SEQ: BindParameter[Any] = bindparam("seq")
_NONCE: BindParameter[Any] = bindparam("nonce")
_PERSON: BindParameter[Any] = bindparam("person")
_TAKEN: BindParameter[Any] = bindparam("taken", type_=events.c.taken.type)
_BY: BindParameter[Any] = bindparam("by")

_HELD = appointments.outerjoin(revocations, revocations.c.appointment == appointments.c.n)
_OFFICES = (
    select(
        func.jsonb_agg(
            func.jsonb_build_object(
                *("person", appointments.c.person, "key", appointments.c.key, "office", appointments.c.office),
                *("since", appointments.c.since, "until", appointments.c.until, "revoked", revocations.c.at),
            )
        )
    )
    .select_from(_HELD)
    .where(appointments.c.key == keys.c.key)
    .scalar_subquery()
)
_OFFICER = (
    select(func.jsonb_build_object("person", keys.c.person, "key", keys.c.public, "appointments", _OFFICES))
    .where(keys.c.key == _KEY)
    .scalar_subquery()
)
_CASE = select(func.jsonb_build_array(cases.c.reference, cases.c.seq)).where(cases.c.workflow_id == _WORKFLOW)
_OF_CASE = events.join(cases, cases.c.reference == events.c.case_reference)
_IMPRINT = (
    select(events.c.imprint).select_from(_OF_CASE).where(cases.c.workflow_id == _WORKFLOW, events.c.seq == cases.c.seq)
)
_SAME = (
    select(func.jsonb_build_array(events.c.decision, events.c.nonce))
    .select_from(_OF_CASE)
    .where(cases.c.workflow_id == _WORKFLOW, events.c.seq == _SEQ)
)
_ENTRY: Final = select(
    _OFFICER.label("officer"),
    _CASE.scalar_subquery().label("case"),
    _IMPRINT.scalar_subquery().label("imprint"),
    _SAME.scalar_subquery().label("same"),
    exists().where(events.c.nonce == _NONCE).label("replayed"),
    interests.interested_in(_PERSON, _TAKEN).label("interested"),
)
"""All that a step by an officer or by time is judged by, in one question."""

_COMMAND: Final = select(
    _OFFICER.label("officer"),
    or_(
        exists().where(events.c.nonce == _NONCE),
        exists().where(commands.c.nonce == _NONCE, commands.c.by != _BY),
        exists().where(readings.c.nonce == _NONCE, readings.c.by != _BY),
    ).label("replayed"),
)


async def grounds_of_entry(connection: AsyncConnection, cells: Cells, entry: Entry) -> tuple[Grounds, bool]:
    """What a step is judged by, and whether it stands in the ledger already."""
    step = entry.step
    given = {
        "key": step.key,
        "workflow_id": entry.workflow_id,
        "seq": step.seq,
        "nonce": step.nonce,
        "person": key_of(entry.workflow_id),
        "taken": entry.taken,
    }
    row = (await connection.execute(_ENTRY, given)).one()
    if row.same is not None and row.same == [step.decision, step.nonce]:
        return Grounds(), True
    reference, seq = row.case or (None, 0)
    imprint = row.imprint
    if reference is not None and imprint is None:
        state = await _state(connection, cells, reference)
        # Its last step was written before imprints were.
        imprint = STATES[entry.kind].model_validate(state).imprint
    grounds = Grounds(
        officer=row.officer,
        replayed=row.replayed,
        reference=reference,
        seq=seq,
        imprint=imprint,
        acts=await _acts(connection, reference) if needs_acts(power_of(entry)) else (),
        interested=frozenset(row.interested or ()),
        founded=step.trigger is Trigger.CASE and await _founded(connection, entry),
    )
    if needs_candidacy(entry) and not grounds.founded:
        own = await _state(connection, cells, entry.state["candidacy"])
        of = None if own is None else CandidacyState.model_validate(own)
        grounds = grounds.model_copy(update={"candidacy": of})
    if reference is not None and (undoes(entry) or may_order(entry)):
        # Whoever starts a workflow chooses its name, which may be another case's.
        kept = await _state(connection, cells, reference, kind=CaseKind.SUSPENSION)
        stands = None if kept is None else SuspensionState.model_validate(kept)
        grounds = grounds.model_copy(update={"suspension": stands})
    if undoes(entry):
        grounds = await _with_seat(connection, cells, grounds)
    if gives_seats(entry):
        grounds = grounds.model_copy(update={"returning": await _returning(connection, entry)})
    if undoes(entry) or (step.seq == 1 and entry.kind is not CaseKind.SESSION):
        return await _with_session(connection, cells, entry, grounds), False
    return grounds, False


async def grounds_of_command(connection: AsyncConnection, command: Command) -> Grounds:
    """What a command is judged by that becomes no step of a case."""
    if (signed := command.signed) is None:
        return Grounds()
    given = {"key": signed.key, "nonce": signed.nonce, "by": command.by}
    row = (await connection.execute(_COMMAND, given)).one()
    acts = await _acts(connection, signed.case) if needs_acts(command.power) else ()
    interested = await interests.interested(connection, signed.case, command.taken)
    return Grounds(officer=row.officer, replayed=row.replayed, acts=acts, interested=interested)


async def _state(connection: AsyncConnection, cells: Cells, reference: str, *, kind: CaseKind | None = None) -> Any:
    """The whole of a case; None where there is none, or none of that kind."""
    query = select(cases.c.seq, cases.c.state).where(cases.c.reference == reference)
    row = (await connection.execute(query if kind is None else query.where(cases.c.kind == kind))).first()
    return None if row is None else await cells.read(state_of(reference, row.seq), row.state)


async def _acts(connection: AsyncConnection, reference: str | None) -> tuple[tuple[str, str], ...]:
    query = select(events.c.act, events.c.signer).where(
        events.c.case_reference == reference, events.c.signer.is_not(None)
    )
    return tuple((row.act, row.signer) for row in await connection.execute(query))


async def _founded(connection: AsyncConnection, entry: Entry) -> bool:
    step = entry.step
    said = exists().where(
        among(told.c.hearer, (entry.workflow_id, session_workflow_id(entry.session))),
        told.c.decision == step.decision,
        told.c.digest == digest(step.content),
    )
    if step.act != "vacate":
        return bool(await connection.scalar(select(said)))
    # A candidacy that ended before it heard that it stands on a list says nothing; its own record explains the vacancy.
    ended = exists().where(cases.c.reference == step.content.get("candidacy"), cases.c.ended)
    return bool(await connection.scalar(select(or_(said, ended))))


async def _with_session(connection: AsyncConnection, cells: Cells, entry: Entry, grounds: Grounds) -> Grounds:
    state = await _state(connection, cells, entry.session)
    if state is None:
        return grounds
    terms = Terms.model_validate(entry.state["terms"])
    said = exists().where(
        told.c.hearer == session_workflow_id(entry.session),
        told.c.decision == terms_decision(terms),
        told.c.digest == digest(entry.state["terms"]),
    )
    update = {"session": SessionState.model_validate(state), "terms_told": bool(await connection.scalar(select(said)))}
    return grounds.model_copy(update=update)


async def _with_seat(connection: AsyncConnection, cells: Cells, grounds: Grounds) -> Grounds:
    """The list whose seat an excluded participant would come back to."""
    on = None if grounds.candidacy is None else grounds.candidacy.list_reference
    if on is None:
        return grounds
    await _hold(connection, on)
    seat = await _state(connection, cells, on)
    return grounds.model_copy(update={"seat": None if seat is None else ListState.model_validate(seat)})


async def _hold(connection: AsyncConnection, reference: str) -> None:
    """Let no step of a list be written until this transaction ends: either it sees what is written here, or is seen."""
    await connection.execute(select(cases.c.reference).where(cases.c.reference == reference).with_for_update())


async def _returning(connection: AsyncConnection, entry: Entry) -> tuple[str, ...]:
    """The candidacies that were told to come back to a seat of this list, which the list has not heard of yet."""
    state = entry.state
    await _hold(connection, state["reference"])
    query = select(func.count()).select_from(told.join(cases, cases.c.workflow_id == told.c.hearer))
    query = query.where(cases.c.erased.is_(None), told.c.decision.endswith(f"/{Act.REINSTATE}", autoescape=True))
    returning: list[str] = []
    for candidacy in state["vacated"]:
        times = await connection.scalar(query.where(cases.c.reference == candidacy)) or 0
        if times and return_decision(candidacy, times) not in state["decisions"]:
            returning.append(candidacy)
    return tuple(returning)


async def tell(connection: AsyncConnection, reference: str, entry: Entry) -> None:
    """Write down what a step tells others."""
    rows = [
        {
            "case_reference": reference,
            "seq": entry.step.seq,
            "hearer": each.to,
            "decision": each.decision,
            "digest": each.digest,
        }
        for each in entry.told
    ]
    if rows:
        await connection.execute(insert(told), rows)


def signed_of(command: Command) -> Signed:
    """The signature of a command that was judged, and so has one."""
    if command.signed is None:
        raise ValueError("the command was never judged")
    return command.signed


async def taken_before(connection: AsyncConnection, command: Command) -> bool:
    """Whether this attempt has written the command down already."""
    stands = exists().where(commands.c.nonce == signed_of(command).nonce, commands.c.by == command.by)
    return bool(await connection.scalar(select(stands)))


async def take(connection: AsyncConnection, cells: Cells, command: Command) -> int:
    """Write a command down; its number."""
    signed = signed_of(command)
    content = await cells.write(key_of(signed.case), content_of_command(signed.nonce), command.content)
    written = insert(commands).values(
        power=command.power,
        act=signed.act,
        addressed=signed.case,
        content=content,
        content_hash=signed.content_hash,
        basis=signed.basis,
        issued=signed.issued,
        nonce=signed.nonce,
        signer=signed.signer,
        key=signed.key,
        signature=signed.signature,
        evidence=signed.evidence.model_dump(mode="json") if signed.evidence else None,
        taken=command.taken,
        by=command.by,
    )
    number = await connection.scalar(written.returning(commands.c.n))
    return int(number or 0)


async def note_reading(connection: AsyncConnection, command: Command, about: str, reference: str | None) -> None:
    """Write down that somebody has read; an attempt that is made again is one reading."""
    if about not in OPENINGS:
        # Nothing of a file was told, so nobody need wait until the disk has the trace.
        await connection.execute(text("SET LOCAL synchronous_commit = off"))
    signed = signed_of(command)
    read = upsert(readings).values(
        at=command.taken,
        reader=signed.signer,
        key=signed.key,
        about=about,
        reference=reference,
        nonce=signed.nonce,
        by=command.by,
    )
    await connection.execute(read.on_conflict_do_nothing())


async def note_payloads(
    connection: AsyncConnection, officer: str, names: Sequence[str], *, at: datetime, attempt: str
) -> None:
    """Write down that an officer, known by a token, reads what lies under these keys: once for each case of each.

    Raises:
        NotYourOffice: The officer holds no office that allows it.
        ConflictOfInterest: The officer has an interest in one of the cases.
    """
    check_held("read.payloads", officer, await register(connection), at)
    known = await connection.execute(select(cases.c.reference, cases.c.workflow_id))
    wanted = set(names)
    for name in sorted(wanted):
        check_interest("read.payloads", officer, None, await interests.interested(connection, name, at))
    found = [row.reference for row in known if key_of(row.workflow_id) in wanted or row.reference in wanted]
    for number, reference in enumerate(found or [None]):
        row = {"at": at, "reader": officer, "key": PAYLOADS, "about": PAYLOADS, "reference": reference}
        await connection.execute(insert(readings).values(row | {"nonce": f"{attempt}.{number}", "by": attempt}))


async def note_incident(connection: AsyncConnection, incident: Incident) -> None:
    """Write down what was refused; an attempt that is made again is one incident."""
    await connection.execute(upsert(incidents).values(dict(incident)).on_conflict_do_nothing())


async def register(connection: AsyncConnection) -> Sequence[Appointment]:
    """Every appointment, in order of writing."""
    return [appointment for _, appointment in await _appointments(connection)]


async def _appointments(connection: AsyncConnection) -> list[tuple[int, Appointment]]:
    query = (
        select(appointments, revocations.c.at.label("revoked"), commands.c.signer.label("by"))
        .select_from(_HELD.outerjoin(commands, commands.c.n == appointments.c.command))
        .order_by(appointments.c.n)
    )
    rows = (await connection.execute(query)).mappings()
    return [(row["n"], Appointment(**{name: row[name] for name in Appointment.model_fields})) for row in rows]


async def lock_register(connection: AsyncConnection) -> None:
    """Let nobody else admit or revoke until this transaction ends: each is judged by what the one before it left."""
    await connection.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))


async def appoint(connection: AsyncConnection, request: Request, appointment: Appointment, command: int | None) -> None:
    """Write an appointment down, and its key if it is new."""
    key = upsert(keys).values(key=request.key.id, person=request.person, public=request.key.model_dump(mode="json"))
    await connection.execute(key.on_conflict_do_nothing())
    await connection.execute(
        insert(appointments).values(
            command=command,
            person=appointment.person,
            key=appointment.key,
            office=appointment.office,
            since=appointment.since,
            until=appointment.until,
        )
    )


async def revoke(connection: AsyncConnection, revocation: Revocation, command: int, at: datetime) -> None:
    """Write down which appointments end."""
    numbered = await _appointments(connection)
    ended = ended_by(revocation, [appointment for _, appointment in numbered], at)
    rows = [{"appointment": n, "command": command, "at": at} for n, appointment in numbered if appointment in ended]
    await connection.execute(insert(revocations), rows)


async def has_head_of_desk(connection: AsyncConnection) -> bool:
    """Whether a head of desk was ever admitted."""
    return bool(await connection.scalar(select(exists().where(appointments.c.office == Office.HEAD_OF_DESK))))


async def unsigned(connection: AsyncConnection) -> Sequence[tuple[Credential, Appointment]]:
    """The appointments that nobody signed, each with its key."""
    query = select(appointments.c.n, keys.c.public).join(keys, keys.c.key == appointments.c.key)
    public = {
        row.n: CREDENTIAL.validate_python(row.public)
        for row in await connection.execute(query.where(appointments.c.command.is_(None)))
    }
    return [(public[n], appointment) for n, appointment in await _appointments(connection) if n in public]


async def written(connection: AsyncConnection, cells: Cells) -> AsyncIterator[Written]:
    """Every officer's command that was ever taken: those to the register first, in order, then every case's."""
    async for row in each(connection, select(commands).order_by(commands.c.n)):
        fields = dict(row._mapping)
        yield Written(
            place=row.addressed,
            power=row.power,
            cases=(row.addressed,),
            signed=_signed(fields),
            content=await _opened(cells, content_of_command(row.nonce), row.content),
            taken=row.taken,
        )
    acts: tuple[tuple[str, str], ...] = ()
    case_reference = ""
    steps = (
        # Not the whole state of each, which no signature is over.
        select(*(column for column in events.c if column.name != "state"), cases.c.kind, cases.c.workflow_id)
        .join(cases, cases.c.reference == events.c.case_reference)
        .where(events.c.trigger == Trigger.OFFICER)
        .order_by(events.c.case_reference, events.c.seq)
    )
    async for row in each(connection, steps):
        fields = dict(row._mapping)
        acts = acts if row.case_reference == case_reference else ()
        case_reference = row.case_reference
        yield Written(
            place=f"{row.case_reference}, step {row.seq}",
            power=f"{row.kind}.{row.act}",
            cases=(row.case_reference, row.workflow_id),
            signed=_signed(fields),
            content=await _opened(cells, content_of(row.case_reference, row.seq), row.content),
            taken=row.taken,
            acts=acts,
        )
        acts = (*acts, (row.act, row.signer))


async def _opened(cells: Cells, place: str, cell: bytes) -> Any:
    """What a cell holds; None where the person's data was erased, and only the signature over its digest is left.

    Of one that does not open in its place, nothing that anybody could have signed.
    """
    try:
        return await cells.read(place, cell)
    except Erased:
        return None
    except (SealBroken, KeyMissing):
        return _BROKEN


def _signed(row: Mapping[str, Any]) -> Signed | None:
    if row["key"] is None or (row["signature"] is None and row["evidence"] is None):
        return None
    fields = {name: row[name] for name in Signed.model_fields if name not in {"case", "token"}}
    try:
        return Signed.model_validate(fields | {"case": row["addressed"]})
    except ValidationError:
        # Put there past the desk: the register itself writes nothing of the kind.
        return None
