"""The ledger on PostgreSQL.

Statements that every step or letter needs are built once, here, so that a step costs one transaction of two or three of
them, and a letter's claim and its mark cost one each.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import (
    CTE,
    BindParameter,
    Column,
    ColumnElement,
    Insert,
    LargeBinary,
    Text,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from activities.ports import Judging, Keys, LedgerBehind, Write
from adapters.sql import authority, chain, enquiries, erasures, interests, retentions
from adapters.sql.cells import Cells, content_of, of_letter, reason_of, state_of
from adapters.sql.reach import connected
from adapters.sql.tables import TROUBLED, WAITING, among, cases, counters, events, letter_events, letters
from domain.authority import Command, Incident, Written
from domain.blind import unseen
from domain.candidacy import Act, CandidacyState, Stage
from domain.cases import STATES
from domain.chain import START, Examination, Seal
from domain.envelope import Envelope
from domain.erasure import ERASE_ACT, Certificate, Erasure, ErasureOrder, ErasureRequest, Person, Reading
from domain.errors import LetterSettled, NotAdmissible, StrayCase
from domain.identity import Namesake
from domain.ids import candidacy_reference, session_of, suspension_reference
from domain.interests import InterestRow, Interests, Withdrawal, check_withdrawal
from domain.keys import REGISTER_KEY, key_of
from domain.ledger import (
    Answer,
    Claim,
    Delivery,
    Difference,
    Draft,
    Enquiry,
    Entry,
    LetterState,
    Outgoing,
    Recorded,
    Settlement,
    SettlementHow,
)
from domain.memories import CaseMemory, ErasureMemory
from domain.notices import Letter, Role, Template, overtakes
from domain.offices import (
    Admission,
    Appointment,
    Office,
    Request,
    Revocation,
    appointed,
    check_admission,
    check_revocation,
)
from domain.people import Contact
from domain.retention import EndedCase, Hold, Retention, RetentionRule, check_hold
from domain.session import SessionState, Terms
from domain.signing import Credential, Signed
from domain.steps import CaseKind, CaseState, Dispatch, Step, Trigger
from domain.suspension import SuspensionAct, SuspensionState
from domain.timelimits import day_of

_SETTLEABLE: Final = (*TROUBLED, LetterState.RELEASED)
_SETTLED_AS: Final = {
    SettlementHow.SENT: LetterState.SENT,
    SettlementHow.RESEND: LetterState.RELEASED,
    SettlementHow.GIVE_UP: LetterState.WITHDRAWN,
}


_NUMBERED: Final = {CaseKind.CANDIDACY: candidacy_reference, CaseKind.SUSPENSION: suspension_reference}
"""The kinds of case whose number the register allots."""
_TOLD_EVERY: Final = 1000
"""Links of the chain between two words on how far the reading has come."""


def _given(column: Column[Any]) -> BindParameter[Any]:
    return bindparam(f"given_{column.name}", type_=column.type)


def _giving(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"given_{name}": value for name, value in values.items()}


def _trail(changed: CTE, **more: ColumnElement[Any]) -> Insert:
    """The statement that notes to what state each changed letter came."""
    columns: dict[str, ColumnElement[Any]] = {"letter": changed.c.reference, "state": changed.c.state} | more
    return insert(letter_events).from_select(list(columns), select(*columns.values()))


_MOVED = (
    update(cases)
    .where(cases.c.reference == _given(cases.c.reference), cases.c.seq < _given(cases.c.seq))
    .values(
        stage=_given(cases.c.stage),
        ended=_given(cases.c.ended),
        seat=_given(cases.c.seat),
        deadline=_given(cases.c.deadline),
        seq=_given(cases.c.seq),
        state=_given(cases.c.state),
        changed_at=_given(events.c.at),
    )
    .returning(cases.c.reference)
    .cte("moved")
)
_OF_STEP = [column for column in events.c if column.name not in {"case_reference", "hash"}]
_before = events.alias("before")
_HASH = func.sha256(
    func.coalesce(
        select(_before.c.hash)
        .where(_before.c.case_reference == _MOVED.c.reference, _before.c.seq == _given(events.c.seq) - 1)
        .scalar_subquery(),
        bindparam("start", START, type_=LargeBinary),
    ).op("||")(bindparam("digest", type_=LargeBinary)),
    type_=LargeBinary,
)
_TAKE: Final = (
    upsert(events)
    .from_select(
        ["case_reference", *(column.name for column in _OF_STEP), "hash"],
        select(_MOVED.c.reference, *(_given(column).label(column.name) for column in _OF_STEP), _HASH.label("hash")),
    )
    .on_conflict_do_nothing()
    .returning(events.c.seq)
)
"""Move a case on and write down the step that moves it, bound to the step before it, unless the case has come that far
already."""

_NUMBER: Final = upsert(counters).values(
    kind=_given(counters.c.kind), session=_given(counters.c.session), last=_given(counters.c.last)
)
_NEXT_NUMBER: Final = _NUMBER.on_conflict_do_update(
    index_elements=[counters.c.kind, counters.c.session], set_={"last": counters.c.last + 1}
).returning(counters.c.last)
_KNOWN_NUMBER: Final = _NUMBER.on_conflict_do_update(
    index_elements=[counters.c.kind, counters.c.session],
    set_={"last": func.greatest(counters.c.last, _NUMBER.excluded.last)},
)

_earlier = letters.alias("earlier")
_WRITE: Final = insert(letters).values(
    {column: _given(column) for column in letters.c if column.name not in {"thread", "written_at", "changed_at"}}
    | {
        letters.c.thread: select(_earlier.c.message_id)
        .where(
            _earlier.c.case_reference == _given(letters.c.case_reference),
            _earlier.c.role == _given(letters.c.role),
            _earlier.c.reader == _given(letters.c.reader),
            _earlier.c.thread.is_(None),
        )
        .scalar_subquery()
    }
)
"""Write a letter; the first to its reader begins the thread."""

_OVERTAKEN = (
    update(letters)
    .where(
        letters.c.case_reference == _given(letters.c.case_reference),
        letters.c.role == _given(letters.c.role),
        letters.c.seq < _given(letters.c.seq),
        among(letters.c.state, WAITING),
        letters.c.template == any_(bindparam("templates", type_=ARRAY(Text))),
    )
    .values(state=LetterState.WITHDRAWN, changed_at=func.now())
    .returning(letters.c.reference, letters.c.state)
    .cte("overtaken")
)
_WITHDRAW_OVERTAKEN: Final = _trail(_OVERTAKEN)

_own, _theirs = cases.alias("own"), cases.alias("theirs")


def _has_died(case_reference: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the person whose case it is has died, by the candidacy's own record."""
    of_person = [func.split_part(_own.c.workflow_id, "/", part) for part in (2, 3)]
    return exists().where(
        _own.c.reference == case_reference,
        _theirs.c.workflow_id == func.concat_ws("/", CaseKind.CANDIDACY.value, *of_person),
        _theirs.c.stage == Stage.DECEASED,
    )


_silent = and_(letters.c.role == Role.CANDIDATE, _has_died(letters.c.case_reference).correlate(letters))
"""Nothing is written any more to whom the letter is for."""

_interrupted = letters.c.state == LetterState.SENDING
_CLAIMED = (
    update(letters)
    .where(letters.c.reference == _given(letters.c.reference), among(letters.c.state, (*WAITING, LetterState.SENDING)))
    .values(
        # A claim that finds the letter claimed knows that whoever claimed it is gone, and not how far they came.
        state=case((_interrupted, LetterState.UNKNOWN), (_silent, LetterState.WITHDRAWN), else_=LetterState.SENDING),
        attempts=letters.c.attempts + case((or_(_interrupted, _silent), 0), else_=1),
        changed_at=func.now(),
    )
    .returning(*letters.c)
    .cte("claimed")
)
_CLAIM: Final = select(_CLAIMED).add_cte(_trail(_CLAIMED).cte("noted"))

_MARKED = (
    update(letters)
    .where(
        letters.c.reference == _given(letters.c.reference),
        among(letters.c.state, (LetterState.SENDING, LetterState.UNKNOWN)),
        letters.c.state != _given(letters.c.state),
    )
    .values(state=_given(letters.c.state), code=_given(letters.c.code), changed_at=func.now())
    .returning(letters.c.reference, letters.c.state, letters.c.code)
    .cte("marked")
)
_MARK: Final = _trail(_MARKED, code=_MARKED.c.code)

_RESTORED = (
    update(letters)
    .where(letters.c.reference == _given(letters.c.reference), among(letters.c.state, WAITING))
    .values(
        state=_given(letters.c.state),
        code=_given(letters.c.code),
        attempts=func.greatest(letters.c.attempts, 1),
        changed_at=func.now(),
    )
    .returning(letters.c.reference, letters.c.state, letters.c.code)
    .cte("restored")
)
_RESTORE: Final = _trail(_RESTORED, code=_RESTORED.c.code)

_SETTLED = (
    update(letters)
    .where(letters.c.reference == _given(letters.c.reference))
    .values(
        state=_given(letters.c.state),
        email=func.coalesce(_given(letters.c.email), letters.c.email),
        changed_at=func.now(),
    )
    .returning(letters.c.reference, letters.c.state)
    .cte("settled")
)
_SETTLE: Final = _trail(_SETTLED, signer=_given(letter_events.c.signer), reason=_given(letter_events.c.reason))


class SqlLedger:
    """The register's record in PostgreSQL; fills the port ``activities.ports.Ledger``.

    Every method raises LedgerUnavailable while the database is away, and StatementRefused where the database refuses a
    statement, which is a defect.

    Args:
        engine: From ``adapters.sql.engine.create``.
        keys: The keys of the persons whom the register is about.
        mail_domain: The part of a Message-ID after the ``@``.
        judge: Says what is taken; asked in the transaction that would write it.
    """

    def __init__(self, engine: AsyncEngine, keys: Keys, *, mail_domain: str, judge: Judging) -> None:
        self._engine = engine
        self._keys = keys
        self._cells = Cells(keys)
        self._judge = judge
        # One statement is a transaction by itself; it need not pay for BEGIN and COMMIT.
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._mail_domain = mail_domain

    async def record(self, entry: Entry, write: Write) -> Recorded:
        """Write a step, the case's state and the step's letters in one transaction, once.

        Raises:
            Refusal: The judge does not take it.
            LedgerBehind: The step before it is missing.
            Erased: The person's data was erased.
            ValueError: A case's reference is that of another person.
        """
        state = STATES[entry.kind].model_validate(entry.state)
        key = key_of(entry.workflow_id)
        vouched = await self._judge.vouched(entry.step.signed)
        async with connected(self._engine) as connection:
            grounds, stands = await authority.grounds_of_entry(connection, self._cells, entry)
            if stands:
                return await _recall(connection, entry)
            if entry.step.seq > grounds.seq + 1:
                raise LedgerBehind(f"the step before step {entry.step.seq} is missing")
            self._judge.entry(entry, state, grounds, vouched)
            reference: str = entry.state["reference"]
            if not reference or not await self._take(connection, reference, entry, state.imprint, vouched):
                reference = await self._find_or_open(connection, entry)
                if not await self._take(connection, reference, entry, state.imprint, vouched):
                    return await _recall(connection, entry)
            await authority.tell(connection, reference, entry)
            await self._note_interests(connection, reference, entry, state)
            drafts = write(reference)
            rows = [
                await self._letter(key, reference, entry.step.seq, draft.number, draft, about=draft.about)
                for draft in drafts
            ]
            overtaking = [row | {"templates": sorted(old)} for row in rows if (old := overtakes(row["given_template"]))]
            if overtaking:
                await connection.execute(_WITHDRAW_OVERTAKEN, overtaking)
            if rows:
                await connection.execute(_WRITE, rows)
            if entry.kind is CaseKind.CANDIDACY and entry.stage == Stage.DECEASED:
                await connection.execute(_withdrawing_from(key))
            return Recorded(reference=reference, letters=tuple(row["given_reference"] for row in rows))

    async def claim(self, letter: str) -> Claim:
        """Take a letter for sending. One that an earlier attempt left claimed becomes ``unknown``.

        One to somebody who has died is withdrawn instead, whichever case it is of.

        Raises:
            LookupError: There is no such letter.
            Erased: The person's data was erased.
        """
        # A letter that is claimed and cannot be read would be taken for one that may be out.
        await self._keys.ready(key_of(letter))
        async with connected(self._single) as connection:
            row = (await connection.execute(_CLAIM, {"given_reference": letter})).one_or_none()
            if row is None:
                return Claim(state=await _state_of(connection, letter))
        if row.state != LetterState.SENDING:
            return Claim(state=row.state)
        name, email, plain, html = await enquiries.reading(self._cells, row._mapping)
        outgoing = Outgoing(
            reference=row.reference,
            message_id=row.message_id,
            thread=row.thread,
            to=Contact(name=name, email=email, language=row.language),
            letter=Letter(subject=row.subject, text=plain, html=html),
            written=row.written_at,
        )
        return Claim(state=row.state, outgoing=outgoing)

    async def mark(self, delivery: Delivery) -> LetterState:
        """Write down what became of a claimed letter; the state it is in now.

        What a person has settled meanwhile stands. A letter that did not go out, and that a newer decision or its
        reader's death overtook while it was claimed, is withdrawn instead of released.

        Raises:
            LookupError: There is no such letter.
        """
        values = _giving({"reference": delivery.letter, "state": delivery.state, "code": delivery.code})
        if delivery.state is not LetterState.RELEASED:
            async with connected(self._single) as connection:
                marked = await connection.execute(_MARK, values)
                return delivery.state if marked.rowcount else await _state_of(connection, delivery.letter)
        async with connected(self._engine) as connection:
            overtaken = await _is_overtaken(connection, delivery.letter)
            state = LetterState.WITHDRAWN if overtaken else delivery.state
            marked = await connection.execute(_MARK, values | {"given_state": state})
            return state if marked.rowcount else await _state_of(connection, delivery.letter)

    async def restore(self, delivery: Delivery) -> None:
        """Write down what the workflows know of a letter that waits here and was dealt with long ago."""
        async with connected(self._single) as connection:
            values = {"reference": delivery.letter, "state": delivery.state, "code": delivery.code}
            await connection.execute(_RESTORE, _giving(values))

    async def state_of(self, letter: str) -> LetterState:
        """The state of a letter.

        Raises:
            LookupError: There is no such letter.
        """
        async with connected(self._single) as connection:
            return await _state_of(connection, letter)

    async def is_for_desk(self, letter: str) -> bool:
        """Whether a letter is one to the desk itself.

        Raises:
            LookupError: There is no such letter.
        """
        async with connected(self._single) as connection:
            return await enquiries.reader(connection, letter) is Role.DESK

    async def add_letter(self, about: str, draft: Draft) -> str:
        """Add a letter about another letter to the same step, once; its reference.

        The draft's own number and ``about`` do not count: the letter gets the step's next number.

        Raises:
            LookupError: There is no letter ``about``.
        """
        async with connected(self._engine) as connection:
            step = await _lock_case_of(connection, about)
            standing = await connection.scalar(
                select(letters.c.reference).where(
                    letters.c.case_reference == step.case_reference,
                    letters.c.seq == step.seq,
                    letters.c.template == draft.template,
                    letters.c.role == draft.role,
                    letters.c.language == draft.to.language,
                    letters.c.about == about,
                )
            )
            if standing is not None:
                return str(standing)
            last = await connection.scalar(
                select(func.max(letters.c.number)).where(
                    letters.c.case_reference == step.case_reference, letters.c.seq == step.seq
                )
            )
            key = key_of(step.workflow_id)
            row = await self._letter(key, step.case_reference, step.seq, (last or 0) + 1, draft, about=about)
            await connection.execute(_WRITE, row)
            return str(row["given_reference"])

    async def settle(self, command: Command, settlement: Settlement) -> LetterState:
        """Write down a person's decision about a letter, and what state it is in now.

        The same decision by the same officer for the same reason is taken once, so that a call whose answer was lost
        can be made again.

        Raises:
            Refusal: The judge does not take it.
            LookupError: There is no such letter.
            LetterSettled: The letter waits for no decision, or would be sent to somebody who has died.
        """
        target = _SETTLED_AS[settlement.how]
        command = await self._vouched(command)
        async with connected(self._engine) as connection:
            signed = await self._judged(connection, command)
            letter, signer = signed.case, signed.signer
            state = await _state_of(connection, letter, lock=True)
            if await authority.taken_before(connection, command):
                return state
            if state in _SETTLEABLE:
                again = settlement.how is SettlementHow.RESEND
                if again and await connection.scalar(select(exists().where(letters.c.reference == letter, _silent))):
                    raise LetterSettled(
                        f"{letter} is to somebody who has died, to whom nothing is written any more",
                        rule="letter-to-the-dead",
                    )
                await authority.take(connection, self._cells, command)
                key = key_of(await _workflow_of(connection, letter))
                email = settlement.email
                values = {
                    "reference": letter,
                    "state": target,
                    "email": await self._cells.write(key, of_letter("email", letter), email) if email else None,
                    "signer": signer,
                    "reason": await self._cells.write(key, reason_of(letter), settlement.reason),
                }
                await connection.execute(_SETTLE, _giving(values))
                return target
            said = select(letter_events.c.reason).where(
                letter_events.c.letter == letter, letter_events.c.state == target, letter_events.c.signer == signer
            )
            for reason in (await connection.scalars(said)).all():
                if await self._cells.read(reason_of(letter), reason) == settlement.reason:
                    await authority.take(connection, self._cells, command)
                    return state
        raise LetterSettled(f"{letter} is {state.value} and waits for no decision", rule="letter-settled")

    async def answer(self, command: Command, enquiry: Enquiry) -> Answer:
        """Answer a question, and write down who asked.

        Raises:
            Refusal: The judge does not let it be answered.
            LookupError: There is no such case or letter.
            ValueError: ``after`` is nothing that such a list could be continued from.
        """
        command = await self._vouched(command)
        async with connected(self._engine) as connection:
            await self._judged(connection, command)
            reader = authority.signed_of(command).signer
            hidden = await interests.hidden_from(connection, reader, command.taken)
            answer = await enquiries.answer(connection, self._cells, enquiry, reader, hidden)
            answer = unseen(answer, await interests.cases_of(connection, hidden))
            await authority.note_reading(connection, command, enquiry.about, _read(enquiry, answer))
            return answer

    async def candidacy(self, reference: str) -> CandidacyState | None:
        """A candidacy as it stands; None where there is none of that reference, or it was erased."""
        query = select(cases.c.seq, cases.c.state).where(
            cases.c.reference == reference, cases.c.kind == CaseKind.CANDIDACY, cases.c.erased.is_(None)
        )
        async with connected(self._single) as connection:
            row = (await connection.execute(query)).one_or_none()
            if row is None:
                return None
            state = await self._cells.read(state_of(reference, row.seq), row.state)
            return CandidacyState.model_validate(state)

    async def recognise(self, command: Command, *, about: str) -> None:
        """Let a command pass that changes nothing, and write down who gave it.

        Raises:
            Refusal: The judge does not take it.
        """
        command = await self._vouched(command)
        async with connected(self._engine) as connection:
            signed = await self._judged(connection, command)
            await authority.note_reading(connection, command, about, signed.case)

    async def note_payloads(self, officer: str, names: Sequence[str], *, at: datetime, attempt: str) -> None:
        """Write down that an officer reads what lies under these keys in Temporal's histories.

        Args:
            officer: Who reads, known by a token.
            names: The names of the keys.
            at: When; clock time.
            attempt: What tells this reading from every other.

        Raises:
            NotYourOffice: The officer holds no office that allows it.
        """
        async with connected(self._engine) as connection:
            await authority.note_payloads(connection, officer, names, at=at, attempt=attempt)

    async def authorise(self, command: Command) -> None:
        """Write down a command about the register as a whole, once.

        Raises:
            Refusal: The judge does not take it.
        """
        command = await self._vouched(command)
        async with connected(self._engine) as connection:
            await self._judged(connection, command)
            if not await authority.taken_before(connection, command):
                await authority.take(connection, self._cells, command)

    async def admit(self, command: Command, admission: Admission) -> Appointment:
        """Admit a key to an office, once; the appointment.

        Raises:
            Refusal: The judge does not take it, or the key cannot be admitted.
        """
        command = await self._vouched(command)
        async with connected(self._engine) as connection:
            await authority.lock_register(connection)
            signer = (await self._judged(connection, command)).signer
            appointment = appointed(admission, by=signer, at=command.taken)
            if not await authority.taken_before(connection, command):
                self._judge.request(admission.request)
                register = await authority.register(connection)
                check_admission(admission, register, signer=signer, at=command.taken)
                number = await authority.take(connection, self._cells, command)
                await authority.appoint(connection, admission.request, appointment, number)
        return appointment

    async def revoke(self, command: Command, revocation: Revocation) -> tuple[Appointment, ...]:
        """End offices, once; the appointments that ended.

        Raises:
            Refusal: The judge does not take it, or there is nothing that can be ended.
        """
        command = await self._vouched(command)
        async with connected(self._engine) as connection:
            await authority.lock_register(connection)
            await self._judged(connection, command)
            if not await authority.taken_before(connection, command):
                check_revocation(revocation, await authority.register(connection), command.taken)
                number = await authority.take(connection, self._cells, command)
                await authority.revoke(connection, revocation, number, command.taken)
            register = await authority.register(connection)
        return tuple(each for each in register if each.person == revocation.person and each.revoked == command.taken)

    async def declare_interests(self, command: Command, declared: Interests) -> tuple[InterestRow, ...]:
        """Write down what an officer has declared, once; everything the officer ever declared.

        Raises:
            Refusal: The judge does not take it.
            LookupError: A case that is named does not exist.
        """
        command = await self._vouched(command)
        async with connected(self._engine) as connection:
            officer = (await self._judged(connection, command)).signer
            if not await authority.taken_before(connection, command):
                number = await authority.take(connection, self._cells, command)
                await interests.declare(
                    connection, self._keys, declared, officer=officer, command=number, at=command.taken
                )
            return tuple(await interests.own(connection, self._cells, officer))

    async def withdraw_interest(self, command: Command, withdrawal: Withdrawal) -> tuple[InterestRow, ...]:
        """Write down from when an interest holds no more, once; everything the officer ever declared.

        Raises:
            Refusal: The judge does not take it, or the interest cannot be withdrawn.
        """
        command = await self._vouched(command)
        async with connected(self._engine) as connection:
            officer = (await self._judged(connection, command)).signer
            if not await authority.taken_before(connection, command):
                known = {row.id: row for row in await interests.own(connection, self._cells, officer)}
                ends = check_withdrawal(withdrawal, known.get(withdrawal.interest), command.taken)
                number = await authority.take(connection, self._cells, command)
                await interests.withdraw(connection, withdrawal.interest, number, ends)
            return tuple(await interests.own(connection, self._cells, officer))

    async def interests_of(self, officer: str) -> Sequence[InterestRow]:
        """Everything that an officer ever declared."""
        async with connected(self._engine) as connection:
            return await interests.own(connection, self._cells, officer)

    async def has(self, command: Command) -> bool:
        """Whether a command that is no step of a case stands in the register."""
        async with connected(self._single) as connection:
            return await authority.taken_before(connection, command)

    async def namesakes(self, workflow_id: str) -> Sequence[Namesake]:
        """The other candidacies that share a name with one, and what else; by the workflow that carries it."""
        async with connected(self._single) as connection:
            return await interests.namesakes(connection, key_of(workflow_id))

    async def hidden_from(self, officer: str, at: datetime) -> frozenset[str]:
        """The references of the cases in which an officer has an interest at an instant of the clock."""
        async with connected(self._engine) as connection:
            return await interests.cases_of(connection, await interests.hidden_from(connection, officer, at))

    async def admit_first(self, request: Request, at: datetime) -> Appointment:
        """Admit the first head of desk, who needs nobody's signature; for the set-up alone.

        Raises:
            NotAdmissible: The request was not made with its key, or there was a head of desk before.
        """
        appointment = appointed(Admission(request=request, office=Office.HEAD_OF_DESK), by=None, at=at)
        async with connected(self._engine) as connection:
            await authority.lock_register(connection)
            self._judge.request(request)
            if await authority.has_head_of_desk(connection):
                raise NotAdmissible(
                    "there was a head of desk before; the head of desk admits every other officer", rule="first-of-all"
                )
            await authority.appoint(connection, request, appointment, None)
        return appointment

    async def note(self, incident: Incident) -> None:
        """Write down what was refused for want of authority, once for each attempt."""
        async with connected(self._single) as connection:
            await authority.note_incident(connection, incident)

    async def _vouched(self, command: Command) -> Command:
        return command.model_copy(update={"signed": await self._judge.vouched(command.signed)})

    async def _judged(self, connection: AsyncConnection, command: Command) -> Signed:
        self._judge.command(command, await authority.grounds_of_command(connection, command))
        return authority.signed_of(command)

    async def open_cases(self, session: str | None = None) -> Sequence[tuple[CaseKind, str, str, Mapping[str, Any]]]:
        """Every open case, sessions first: kind, reference, workflow id and state."""
        async with connected(self._single) as connection:
            return await enquiries.open_cases(connection, self._cells, session)

    async def last_words(self) -> Sequence[Dispatch]:
        """What cases that have ended had to tell cases that are open: known to be decided, not to be delivered."""
        async with connected(self._single) as connection:
            return await enquiries.last_words(connection, self._cells)

    async def unsent_letters(self) -> Sequence[tuple[str, LetterState]]:
        """Every letter that is neither sent nor withdrawn, in order of reference."""
        async with connected(self._single) as connection:
            return await enquiries.unsent_letters(connection)

    async def workflows(self, references: Sequence[str]) -> Mapping[str, str]:
        """The workflow of each case, by reference; references that do not exist are left out."""
        async with connected(self._single) as connection:
            return await enquiries.workflows(connection, references)

    async def terms(self, session: str) -> Terms | None:
        """The terms of a session as last recorded; None where it has ended, or never was."""
        async with connected(self._single) as connection:
            query = select(cases.c.seq, cases.c.state).where(cases.c.reference == session, ~cases.c.ended)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return SessionState.model_validate(await self._cells.read(state_of(session, row.seq), row.state)).terms

    async def known_steps(self, workflow_id: str) -> int:
        """How many steps of a workflow's case stand in the ledger; 0 where the case does not."""
        async with connected(self._single) as connection:
            seq = await connection.scalar(select(cases.c.seq).where(cases.c.workflow_id == workflow_id))
            return int(seq or 0)

    async def totals(self) -> tuple[int, int, int]:
        """How many cases, steps and letters there are."""
        async with connected(self._single) as connection:
            return await enquiries.totals(connection)

    async def person(self, candidacy: str) -> Person:
        """Whose candidacy it is.

        Raises:
            LookupError: There is no such candidacy.
        """
        async with connected(self._single) as connection:
            return await erasures.person(connection, self._cells, candidacy)

    async def erasure(self, key: str) -> Erasure | None:
        """The erasure of a person's data that was asked for, or done."""
        async with connected(self._single) as connection:
            return await erasures.standing(connection, self._cells, key)

    async def request_erasure(self, person: Person, envelope: Envelope[ErasureRequest], at: datetime) -> None:
        """Write down that an erasure is asked for, unless it is already."""
        async with connected(self._single) as connection:
            await erasures.request(connection, self._cells, person, envelope, at)

    async def erase(self, person: Person, envelope: Envelope[ErasureOrder], at: datetime) -> None:
        """Write down that it is done, once: the case ends where it stood, and no letter of the person's goes out.

        What the last step says lies under the register's key, since nothing can be written under the person's.
        """
        async with connected(self._engine) as connection:
            if not await erasures.confirm(connection, person, envelope, at):
                return
            await self._end(connection, person, _by_officers(envelope), at)

    async def expire(self, person: Person, retention: Retention, at: datetime) -> bool:
        """The same, by the rule for the case's ending; False where nothing was written since the case must be kept.

        An erasure that was begun by a rule before is true again.
        """
        async with connected(self._engine) as connection:
            ended = await erasures.lock(connection, person)
            if await erasures.rests_on_rule(connection, person):
                return True
            rule = await erasures.expire(connection, self._cells, person, retention, at) if ended else None
            if rule is None:
                return False
            await self._end(connection, person, _by_rule(rule), at)
            return True

    async def restore_erasure(self, erased: ErasureMemory, case: CaseMemory | None, reason: str | None) -> bool:
        """Write down again that a person's data was erased, once; False where that is not possible.

        The candidacy is opened again where it is missing, with the erasure for its only step: of what came before, the
        certificate alone says how much it was.
        """
        certificate, order = erased.certificate, erased.order
        async with connected(self._engine) as connection:
            if not await _opened_again(connection, certificate, case):
                return False
            person = await erasures.person(connection, self._cells, certificate.candidacy)
            if person.key != certificate.key:
                return False
            await erasures.lock(connection, person)
            standing = await erasures.standing(connection, self._cells, person.key)
            if standing is not None and standing.certificate is not None:
                return True
            await erasures.restore(connection, self._cells, person, certificate, reason)
            if certificate.rule is not None:
                await self._end(connection, person, _by_rule(certificate.rule), certificate.confirmed_at)
            elif order is not None:
                await self._end(connection, person, _by_officers(order), certificate.confirmed_at)
            return True

    async def _end(self, connection: AsyncConnection, person: Person, said: Mapping[str, Any], at: datetime) -> None:
        await interests.unmark(connection, person.key)
        query = select(cases.c.seq, cases.c.stage, cases.c.seat, cases.c.session)
        query = query.where(cases.c.reference == person.candidacy).with_for_update()
        case = (await connection.execute(query)).one()
        clock = await retentions.clock_of(connection, self._cells, case.session)
        step = Step(
            seq=case.seq + 1,
            act=ERASE_ACT,
            at=clock.reading(at),
            stage_before=case.stage,
            stage=case.stage,
            **said,
        )
        values = {"ended": True, "seat": case.seat, "deadline": None, "taken": at, "imprint": None}
        values |= {"evidence": None}
        left = {"reference": person.candidacy, "seq": step.seq, "decisions": {}}
        await self._write(connection, REGISTER_KEY, person.candidacy, step, left, values)

    async def hold(self, command: Command, hold: Hold) -> None:
        """Hold a case back from being erased by itself, once.

        Raises:
            Refusal: The judge does not take it, or the day is over.
            LookupError: There is no such candidacy.
        """
        command = await self._vouched(command)
        async with connected(self._engine) as connection:
            reference = (await self._judged(connection, command)).case
            # Whoever is about to erase it waits here, and then finds that it is held back.
            query = select(cases.c.session, cases.c.erased).with_for_update()
            found = await connection.execute(
                query.where(cases.c.reference == reference, cases.c.kind == CaseKind.CANDIDACY)
            )
            case = found.one_or_none()
            if case is None:
                raise LookupError(f"there is no candidacy {reference}")
            if case.erased is not None:
                raise enquiries.erased(reference)
            if not await authority.taken_before(connection, command):
                clock = await retentions.clock_of(connection, self._cells, case.session)
                check_hold(hold, day_of(clock.reading(command.taken)))
                number = await authority.take(connection, self._cells, command)
                await retentions.hold(connection, reference, hold.until, number)

    async def hold_back(self, since: datetime) -> Sequence[str]:
        """Hold back, until an officer says otherwise, what may have been held back before it was lost.

        These are the candidacies that were opened before an instant and written again after it, but for those of which
        an officer's word is known. All that are held back by this, by reference.
        """
        async with connected(self._engine) as connection:
            return await retentions.hold_back(connection, since)

    async def ended(self) -> Sequence[EndedCase]:
        """Every candidacy that has ended and is not erased, by reference; without those with an open suspension."""
        async with connected(self._engine) as connection:
            return await retentions.ended(connection, self._cells)

    async def begun(self) -> Sequence[str]:
        """The candidacies whose erasure by a rule was begun, and is not certified."""
        async with connected(self._single) as connection:
            return await retentions.begun(connection)

    async def announce(self, session: str, candidacies: Sequence[str], last: date, draft: Draft) -> str:
        """Add a letter to a session's last step that tells the desk of a last day, and write down that it was told.

        Said again of the same candidacies and day, it changes nothing. The draft's own number and ``about`` do not
        count. The letter's reference.
        """
        about = f"{candidacies[0]} until {last}"
        async with connected(self._engine) as connection:
            seq = await connection.scalar(select(cases.c.seq).where(cases.c.reference == session).with_for_update())
            of_session = letters.c.case_reference == session
            standing = await connection.scalar(select(letters.c.reference).where(of_session, letters.c.about == about))
            if standing is not None:
                return str(standing)
            number = await connection.scalar(select(func.max(letters.c.number)).where(of_session, letters.c.seq == seq))
            row = await self._letter(REGISTER_KEY, session, int(seq or 0), (number or 0) + 1, draft, about=about)
            await connection.execute(_WRITE, row)
            letter = str(row["given_reference"])
            await retentions.announce(connection, candidacies, last, letter)
            return letter

    async def announcements(self) -> Sequence[str]:
        """The letters that tell the desk of erasures and have yet to go out."""
        async with connected(self._single) as connection:
            return await retentions.announcements(connection)

    async def certify(self, certificate: Certificate) -> None:
        """Keep the certificate, once."""
        async with connected(self._single) as connection:
            await erasures.certify(connection, certificate)

    async def skeleton(self, person: Person) -> tuple[int, int, int]:
        """What stays of a person: how many steps and letters there are, and how many of the letters went out."""
        async with connected(self._single) as connection:
            return await erasures.skeleton(connection, person)

    async def read_all(self, person: Person) -> Reading:
        """Try to read everything that the register holds of a person."""
        async with connected(self._engine) as connection:
            return await erasures.read_all(connection, self._cells, person)

    async def register(self) -> Sequence[Appointment]:
        """Every appointment, in order of writing."""
        async with connected(self._single) as connection:
            return await authority.register(connection)

    async def unsigned_appointments(self) -> Sequence[tuple[Credential, Appointment]]:
        """The appointments that nobody signed, each with its key."""
        async with connected(self._single) as connection:
            return await authority.unsigned(connection)

    async def written(self) -> AsyncIterator[Written]:
        """Every officer's command that was ever taken: those to the register first, in order, then every case's."""
        async with connected(self._engine) as connection:
            async for written in authority.written(connection, self._cells):
                yield written

    async def gaps(self) -> Sequence[str]:
        """The cases whose steps are not numbered from 1 without a gap, up to the one they say is the last."""
        async with connected(self._single) as connection:
            return await enquiries.gaps(connection)

    async def unlike(self) -> Sequence[str]:
        """The cases that are not as their last step left them."""
        async with connected(self._single) as connection:
            return await enquiries.unlike(connection)

    async def holds(self) -> Mapping[str, date]:
        """The candidacies that are held back from being erased, each until when; without those that were erased."""
        async with connected(self._single) as connection:
            return await retentions.holds(connection)

    async def examine(self, progress: Callable[[int, int], None]) -> Sequence[Difference]:
        """Read the chain from its first link to its last, as it stands at one moment; everything that is wrong with it.

        Args:
            progress: Told from time to time how many links are read, of how many.
        """
        # One snapshot: a step that is written meanwhile is missing from both the events and the chain.
        at_one_moment = self._engine.execution_options(isolation_level="REPEATABLE READ")
        async with connected(at_one_moment) as connection:
            length = await chain.length(connection)
            examination = Examination({seal.n: seal for seal in await chain.sealed(connection)})
            found: list[Difference] = []
            read = 0
            async for stored in chain.stored(connection):
                found.extend(examination.read(stored))
                read += 1
                if read % _TOLD_EVERY == 0:
                    progress(read, length)
            progress(read, length)
            return [*found, *examination.close()]

    async def unsealed(self) -> tuple[int, bytes] | None:
        """The number and head of the chain's last link; None where there is none, or it is sealed."""
        async with connected(self._single) as connection:
            return await chain.head(connection)

    async def seal(self, seal: Seal) -> None:
        """Keep a seal; where two workers seal the same head, the first stays."""
        async with connected(self._single) as connection:
            await chain.add_seal(connection, seal)

    async def seals(self) -> Sequence[Seal]:
        """Every seal, in order."""
        async with connected(self._single) as connection:
            return await chain.sealed(connection)

    async def _take(
        self, connection: AsyncConnection, reference: str, entry: Entry, imprint: str, vouched: Signed | None
    ) -> bool:
        """Whether the step was taken now."""
        values = {
            "ended": entry.ended,
            "seat": entry.seat,
            "deadline": entry.deadline,
            "taken": entry.taken,
            "imprint": imprint,
            "evidence": vouched.evidence.model_dump(mode="json") if vouched and vouched.evidence else None,
        }
        state = entry.state | {"reference": reference}
        return await self._write(connection, key_of(entry.workflow_id), reference, entry.step, state, values)

    async def _write(
        self,
        connection: AsyncConnection,
        key: str,
        reference: str,
        step: Step,
        state: dict[str, Any],
        more: Mapping[str, Any],
    ) -> bool:
        """Write a step and the state it leads to, with what more there is to it; whether that was done now."""
        values = (
            step.model_dump(exclude={"token"})
            | dict(more)
            | {
                "reference": reference,
                "content": await self._cells.write(key, content_of(reference, step.seq), step.content),
                "state": await self._cells.write(key, state_of(reference, step.seq), state),
                "recorded_at": datetime.now(UTC),
            }
        )
        digest = chain.digest(values | {"case_reference": reference})
        return (await connection.execute(_TAKE, _giving(values) | {"digest": digest})).one_or_none() is not None

    async def _find_or_open(self, connection: AsyncConnection, entry: Entry) -> str:
        """The reference of the workflow's case; a new case is one that no step has moved yet."""
        # Whoever opens the same case at the same moment waits here, and then finds it.
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(entry.workflow_id, 0))))
        found = await connection.scalar(select(cases.c.reference).where(cases.c.workflow_id == entry.workflow_id))
        if found is not None:
            # It stands, and so does its key's further name.
            return str(found)
        reference, number = await self._allot(connection, entry)
        await _open(connection, entry, reference, number)
        return reference

    async def _allot(self, connection: AsyncConnection, entry: Entry) -> tuple[str, int]:
        """The reference and number of a new case.

        Before the case can be found under its reference, so can its key. A number that the keys know as somebody else's
        is passed over: a register that is lost had given it away.
        """
        key = key_of(entry.workflow_id)
        reference: str = entry.state["reference"]
        if entry.kind is CaseKind.SESSION:
            return reference, 1
        if reference:
            if key != REGISTER_KEY:
                await self._keys.entitle(reference, key)
            return reference, await _known_number(connection, entry.kind, entry.session, reference)
        counter = _giving({"kind": entry.kind, "session": entry.session, "last": 1})
        while True:
            number = int(await connection.scalar(_NEXT_NUMBER, counter) or 0)
            reference = _NUMBERED[entry.kind](entry.session, number)
            try:
                await self._keys.entitle(reference, key)
            except ValueError:
                continue
            return reference, number

    async def _note_interests(
        self, connection: AsyncConnection, reference: str, entry: Entry, state: CaseState
    ) -> None:
        """Let a case be found by the interests of officers, and by other nominations of its person."""
        person, step = key_of(entry.workflow_id), entry.step
        match state:
            case CandidacyState() if step.act in {Act.NOMINATE, Act.CORRECT}:
                await interests.mark(connection, self._keys, person, state.nomination)
            case SuspensionState() if step.act == SuspensionAct.DECLARE_INTEREST:
                at = entry.taken or step.at
                await interests.declare_in(connection, reference, person, officer=step.signer or "", at=at)

    async def _letter(
        self, key: str, reference: str, seq: int, number: int, draft: Draft, *, about: str
    ) -> dict[str, Any]:
        letter = f"{reference}.{seq}.{number}"
        # With what it is about: one that tells the desk of something else must not pass for one that went out before,
        # where a register that was lost has numbered that the same.
        said = f"{letter}\n{about}\n{self._mail_domain}" if about else f"{letter}\n{self._mail_domain}"
        opaque = hashlib.sha256(said.encode()).hexdigest()[:32]
        personal = {
            "name": draft.to.name,
            "email": draft.to.email,
            "text": draft.letter.text,
            "html": draft.letter.html,
        }
        return _giving(
            {
                "reference": letter,
                "case_reference": reference,
                "seq": seq,
                "number": number,
                "template": draft.template,
                "role": draft.role,
                "language": draft.to.language,
                "about": about,
                "reader": draft.reader,
                "subject": draft.letter.subject,
                "message_id": f"<{opaque}@{self._mail_domain}>",
                "state": LetterState.DRAFTED,
                "attempts": 0,
                "code": None,
            }
            | {
                column: await self._cells.write(key, of_letter(column, letter), value)
                for column, value in personal.items()
            }
        )


def _read(enquiry: Enquiry, answer: Answer) -> str | None:
    """The case or letter that was read, by reference also where it was asked for by its workflow."""
    if answer.case is not None:
        return answer.case.row.reference
    return answer.place.row.reference if answer.place is not None else enquiry.reference


def _by_officers(order: Envelope[ErasureOrder]) -> dict[str, Any]:
    """What the step says by which two officers erase."""
    # The officer's own command stands among the commands: what ends the case is that it was carried out.
    return {
        "trigger": Trigger.CASE,
        "decision": order.decision,
        "signer": order.signer,
        "content": order.content.model_dump(mode="json"),
    }


def _by_rule(rule: RetentionRule) -> dict[str, Any]:
    """What the step says by which a rule erases."""
    return {
        "trigger": Trigger.TIME,
        "decision": "retention",
        "content": rule.model_dump(mode="json"),
        "effects": (f"rule:{rule.setting}",),
    }


def _withdrawing_from(key: str) -> Insert:
    """The statement that withdraws every letter of a person's cases that waits to be sent to them."""
    theirs = select(cases.c.reference).where(erasures.of_person(key))
    withdrawn = (
        update(letters)
        .where(
            letters.c.case_reference.in_(theirs),
            letters.c.role == Role.CANDIDATE,
            among(letters.c.state, WAITING),
        )
        .values(state=LetterState.WITHDRAWN, changed_at=func.now())
        .returning(letters.c.reference, letters.c.state)
        .cte("withdrawn")
    )
    return _trail(withdrawn)


async def _recall(connection: AsyncConnection, entry: Entry) -> Recorded:
    """What was answered when the step was taken.

    Raises:
        StrayCase: Another step stands in its place, taken in the same moment by another workflow of the same name.
    """
    step = entry.step
    standing = await connection.execute(
        select(events.c.case_reference, events.c.decision)
        .join(cases, cases.c.reference == events.c.case_reference)
        .where(cases.c.workflow_id == entry.workflow_id, events.c.seq == step.seq)
    )
    reference, decision = standing.one_or_none() or (entry.state["reference"], None)
    if decision != step.decision:
        raise StrayCase(f"step {step.seq} of {reference} is another one", rule="ledger-state")
    written = await connection.scalars(
        select(letters.c.reference)
        .where(letters.c.case_reference == reference, letters.c.seq == step.seq, letters.c.about == "")
        .order_by(letters.c.number)
    )
    return Recorded(reference=reference, letters=tuple(written))


async def _open(connection: AsyncConnection, entry: Entry, reference: str, number: int) -> None:
    await connection.execute(
        insert(cases).values(
            reference=reference,
            kind=entry.kind,
            session=entry.session,
            number=number,
            workflow_id=entry.workflow_id,
            stage=entry.stage,
            ended=entry.ended,
            seq=0,
            # The step that opens it fills this in.
            state=b"",
            opened_at=entry.step.at,
            changed_at=entry.step.at,
        )
    )


async def _opened_again(connection: AsyncConnection, certificate: Certificate, case: CaseMemory | None) -> bool:
    """Whether the register has the candidacy of somebody who was erased, or has it again."""
    reference = certificate.candidacy
    session = session_of(reference)
    known = await connection.scalars(select(cases.c.reference).where(cases.c.reference.in_([reference, session])))
    found = set(known)
    if reference in found:
        return True
    if case is None or case.stage is None or session not in found:
        return False
    await connection.execute(
        insert(cases).values(
            reference=reference,
            kind=CaseKind.CANDIDACY,
            session=session,
            number=await _known_number(connection, CaseKind.CANDIDACY, session, reference),
            workflow_id=case.workflow_id,
            stage=case.stage,
            seat=case.seat,
            ended=True,
            seq=0,
            state=b"",
            opened_at=certificate.confirmed_at,
            changed_at=certificate.confirmed_at,
        )
    )
    return True


async def _known_number(connection: AsyncConnection, kind: CaseKind, session: str, reference: str) -> int:
    """The number of a case that was numbered elsewhere, perhaps by a register that is lost; none gets it again."""
    number = int(reference.rpartition("-")[2])
    await connection.execute(_KNOWN_NUMBER, _giving({"kind": kind, "session": session, "last": number}))
    return number


async def _state_of(connection: AsyncConnection, letter: str, *, lock: bool = False) -> LetterState:
    query = select(letters.c.state).where(letters.c.reference == letter)
    state = await connection.scalar(query.with_for_update() if lock else query)
    if state is None:
        raise LookupError(f"there is no letter {letter}")
    return LetterState(state)


async def _workflow_of(connection: AsyncConnection, letter: str) -> str:
    """The workflow of the case that a letter belongs to."""
    query = select(cases.c.workflow_id).join(letters, letters.c.case_reference == cases.c.reference)
    return str(await connection.scalar(query.where(letters.c.reference == letter)))


async def _lock_case_of(connection: AsyncConnection, letter: str) -> Any:
    """The letter's place in its case, of which nothing else is written until this transaction ends."""
    found = await connection.execute(
        select(letters.c.case_reference, letters.c.seq, letters.c.role, letters.c.template, cases.c.workflow_id)
        .join(cases, cases.c.reference == letters.c.case_reference)
        .where(letters.c.reference == letter)
        .with_for_update(of=cases)
    )
    row = found.one_or_none()
    if row is None:
        raise LookupError(f"there is no letter {letter}")
    return row


async def _is_overtaken(connection: AsyncConnection, letter: str) -> bool:
    old = await _lock_case_of(connection, letter)
    newer = exists().where(
        letters.c.case_reference == old.case_reference,
        letters.c.role == old.role,
        letters.c.seq > old.seq,
        letters.c.template.in_([template for template in Template if old.template in overtakes(template)]),
    )
    silent = exists().where(letters.c.reference == letter, _silent)
    return bool(await connection.scalar(select(or_(newer, silent))))
