"""Erasures in PostgreSQL: who is meant, what was asked for and done, and the attempt to read what is left."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql import retentions
from adapters.sql.cells import Cells, content_of, content_of_command, of_letter, reason_of, reason_of_erasure, state_of
from adapters.sql.reach import each
from adapters.sql.tables import WAITING, cases, commands, erasures, events, letter_events, letters
from domain.candidacy import ON_A_LIST, CandidacyState
from domain.envelope import Envelope
from domain.erasure import (
    ERASE_ACT,
    Certificate,
    Erasure,
    ErasureOrder,
    ErasureRequest,
    Kept,
    Person,
    PersonsCase,
    Reading,
)
from domain.errors import Erased
from domain.keys import REGISTER_KEY, SealBroken, key_of
from domain.ledger import LetterState
from domain.retention import Retention, RetentionRule
from domain.steps import CaseKind


async def person(connection: AsyncConnection, cells: Cells, candidacy: str) -> Person:
    """Whose candidacy it is.

    Raises:
        LookupError: There is no such candidacy.
    """
    query = select(cases.c.workflow_id, cases.c.seq, cases.c.stage, cases.c.state, cases.c.erased)
    found = await connection.execute(query.where(cases.c.reference == candidacy, cases.c.kind == CaseKind.CANDIDACY))
    row = found.one_or_none()
    if row is None:
        raise LookupError(f"there is no candidacy {candidacy}")
    key = key_of(row.workflow_id)
    theirs = (
        select(cases.c.reference, cases.c.kind, cases.c.workflow_id).where(of_person(key)).order_by(cases.c.reference)
    )
    of_cases = [PersonsCase.model_validate(dict(each)) for each in (await connection.execute(theirs)).mappings()]
    written = select(letters.c.reference).where(letters.c.case_reference.in_([each.reference for each in of_cases]))
    on_list, returned = None, 0
    if row.erased is None and row.stage in ON_A_LIST:
        # A register that went back to an older copy may not know that the key is gone.
        with suppress(Erased):
            state = CandidacyState.model_validate(await cells.read(state_of(candidacy, row.seq), row.state))
            on_list, returned = state.list_reference, state.reinstated
    return Person(
        key=key,
        candidacy=candidacy,
        cases=tuple(of_cases),
        letters=tuple(await connection.scalars(written.order_by(letters.c.reference))),
        on_list=on_list,
        returned=returned,
    )


def of_person(key: str) -> ColumnElement[bool]:
    """The cases of a person, by the name of the key that all of theirs lies under."""
    # A key's name is digits, letters and a slash: nothing that a pattern would take for more.
    return cases.c.workflow_id.op("~")(f"(^|/){key}(/|$)")


async def standing(connection: AsyncConnection, cells: Cells, key: str) -> Erasure | None:
    """The erasure of a person's data that was asked for, or done."""
    row = (await connection.execute(select(erasures).where(erasures.c.key == key))).mappings().one_or_none()
    if row is None:
        return None
    reason = None if row["reason"] is None else await cells.read(reason_of_erasure(key), row["reason"])
    return Erasure.model_validate(dict(row) | {"reason": reason})


async def request(
    connection: AsyncConnection, cells: Cells, person: Person, envelope: Envelope[ErasureRequest], at: datetime
) -> None:
    """Write down that an erasure is asked for, unless it is already."""
    reason = await cells.write(REGISTER_KEY, reason_of_erasure(person.key), envelope.content.reason)
    values = {
        "key": person.key,
        "candidacy": person.candidacy,
        "requested_at": at,
        "requested_by": envelope.signer,
        "reason": reason,
    }
    await connection.execute(upsert(erasures).values(values).on_conflict_do_nothing())


async def confirm(connection: AsyncConnection, person: Person, envelope: Envelope[ErasureOrder], at: datetime) -> bool:
    """Write down that it is confirmed, and let no letter of the person's go out; false where that was done before."""
    query = update(erasures).where(erasures.c.key == person.key, erasures.c.confirmed_at.is_(None))
    changed = await connection.execute(query.values(confirmed_at=at, confirmed_by=envelope.signer))
    if changed.rowcount == 0:
        return False
    await _close(connection, person, at)
    return True


async def _close(connection: AsyncConnection, person: Person, at: datetime) -> None:
    references = [case.reference for case in person.cases]
    await connection.execute(
        update(cases).where(cases.c.reference.in_(references)).values(erased=at, ended=True, deadline=None)
    )
    unsent = update(letters).where(letters.c.case_reference.in_(references), letters.c.state.in_(WAITING))
    await connection.execute(unsent.values(state=LetterState.WITHDRAWN, changed_at=func.now()))


async def expire(
    connection: AsyncConnection, cells: Cells, person: Person, retention: Retention, at: datetime
) -> RetentionRule | None:
    """The same by the rule for the case's ending; the rule, and None where it must be kept."""
    case = await retentions.one(connection, cells, person.candidacy)
    rule = None if case is None else retention.rule_for(case, at)
    if rule is None:
        return None
    values = {"rule": rule.model_dump(mode="json"), "confirmed_at": at}
    begun = upsert(erasures).values(key=person.key, candidacy=person.candidacy, **values)
    await connection.execute(begun.on_conflict_do_update(index_elements=[erasures.c.key], set_=values))
    await _close(connection, person, at)
    return rule


async def lock(connection: AsyncConnection, person: Person) -> bool:
    """Let nobody else write to a person's cases until this transaction ends; whether all of them have ended."""
    locked = select(cases.c.ended).where(of_person(person.key)).order_by(cases.c.reference).with_for_update()
    return all(await connection.scalars(locked))


async def rests_on_rule(connection: AsyncConnection, person: Person) -> bool:
    """Whether the erasure of a person's data by a rule was begun."""
    query = select(erasures.c.rule.is_not(None)).where(
        erasures.c.key == person.key, erasures.c.confirmed_at.is_not(None)
    )
    return bool(await connection.scalar(query))


async def restore(
    connection: AsyncConnection, cells: Cells, person: Person, certificate: Certificate, reason: str | None
) -> None:
    """Write down again what a certificate says was done, and let no letter of the person's go out."""
    kept = None if reason is None else await cells.write(REGISTER_KEY, reason_of_erasure(person.key), reason)
    told = certificate.model_dump(mode="json")
    values = {name: getattr(certificate, name) for name in ("requested_at", "requested_by", "confirmed_by")}
    values |= {"confirmed_at": certificate.confirmed_at, "rule": told["rule"], "certificate": told, "reason": kept}
    written = upsert(erasures).values(key=person.key, candidacy=person.candidacy, **values)
    await connection.execute(written.on_conflict_do_update(index_elements=[erasures.c.key], set_=values))
    await _close(connection, person, certificate.confirmed_at)


async def certify(connection: AsyncConnection, certificate: Certificate) -> None:
    """Keep the certificate, once."""
    query = update(erasures).where(erasures.c.key == certificate.key, erasures.c.certificate.is_(None))
    await connection.execute(query.values(certificate=certificate.model_dump(mode="json")))


async def skeleton(connection: AsyncConnection, person: Person) -> tuple[int, int, int]:
    """How many steps and letters there are, and how many of the letters went out."""
    references = [case.reference for case in person.cases]
    of_person = letters.c.case_reference.in_(references)
    counts = (
        select(func.count()).select_from(events).where(events.c.case_reference.in_(references)),
        select(func.count()).select_from(letters).where(of_person),
        select(func.count()).select_from(letters).where(of_person, letters.c.state == LetterState.SENT),
    )
    row = (await connection.execute(select(*(count.scalar_subquery() for count in counts)))).one()
    return row[0], row[1], row[2]


async def read_all(connection: AsyncConnection, cells: Cells, person: Person) -> Reading:
    """Try to read every cell that lies, or should lie, under a person's key."""
    unreadable = readable = in_clear = 0
    async for place, cell in _cells(connection, person):
        try:
            await cells.read(place, cell)
        except Erased:
            unreadable += 1
        except SealBroken:
            # Nothing that was encrypted here.
            in_clear += 1
        else:
            readable += 1
    return Reading(kept=Kept.REGISTER, unreadable=unreadable, readable=readable, in_clear=in_clear)


async def _cells(connection: AsyncConnection, person: Person) -> AsyncIterator[tuple[str, bytes]]:
    """Every cell but those that say that it was erased: the last step of the candidacy, and the case as it left it."""
    references = [case.reference for case in person.cases]

    of_cases = select(cases.c.reference, cases.c.seq, cases.c.state).where(cases.c.reference.in_(references))
    async for case in each(connection, of_cases.where(cases.c.reference != person.candidacy)):
        yield state_of(case.reference, case.seq), case.state
    async for event in each(
        connection, select(events).where(events.c.case_reference.in_(references), events.c.act != ERASE_ACT)
    ):
        yield state_of(event.case_reference, event.seq), event.state
        yield content_of(event.case_reference, event.seq), event.content
    async for letter in each(connection, select(letters).where(letters.c.case_reference.in_(references))):
        for column in ("name", "email", "text", "html"):
            yield of_letter(column, letter.reference), letter._mapping[column]
    taken = select(commands.c.nonce, commands.c.content)
    async for command in each(connection, taken.where(commands.c.addressed.in_([*references, *person.letters]))):
        yield content_of_command(command.nonce), command.content
    said = (
        select(letter_events.c.letter, letter_events.c.reason).where(letter_events.c.reason.is_not(None)).join(letters)
    )
    async for change in each(connection, said.where(letters.c.case_reference.in_(references))):
        yield reason_of(change.letter), change.reason
