"""One in-memory class for each port."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from activities.ports import Judging, LedgerUnavailable, ListBroken, MailError, Progress, Write
from adapters.keys.keyring import Keyring
from domain.authority import Command, Grounds, Incident, Written, gives_seats, may_order, needs_candidacy, undoes
from domain.candidacy import CandidacyState, Order, Stage, return_decision
from domain.cases import STATES
from domain.chain import Seal
from domain.envelope import Envelope
from domain.erasure import Certificate, Erasure, ErasureOrder, ErasureRequest, Kept, Person, Reading
from domain.errors import AlteredCommand, Erased, LetterSettled
from domain.identity import Namesake
from domain.ids import candidacy_reference, session_workflow_id, suspension_reference
from domain.interests import InterestRow, Interests, Withdrawal
from domain.ledger import (
    Answer,
    CaseFile,
    CaseRow,
    Claim,
    Delivery,
    Difference,
    Draft,
    Enquiry,
    EnquiryAbout,
    Entry,
    LetterFile,
    LetterRow,
    LetterState,
    Outgoing,
    Place,
    Recorded,
    Settlement,
    SettlementHow,
)
from domain.lists import ListState, Standing, Vacancy
from domain.memories import CaseMemory, ErasureMemory
from domain.notices import Role, overtakes
from domain.offices import (
    Admission,
    Appointment,
    Officer,
    Revocation,
    appointed,
    check_admission,
    check_revocation,
    revoked,
)
from domain.retention import EndedCase, Hold, Retention, RetentionRule
from domain.screening import Subject
from domain.session import SessionState, Terms
from domain.signing import PublicKey, Signed, digest
from domain.steps import CaseKind, CaseState, Dispatch, Step, Told
from domain.suspension import SuspensionState
from domain.timelimits import UNTIL_DECIDED
from domain.watchlists import Import, ListDiff, ListVersion, Screened
from tests.officers import Lenient


@dataclass
class StoredLetter:
    """A letter as the ledger keeps it."""

    draft: Draft
    case: str
    state: LetterState = LetterState.DRAFTED
    attempts: int = 0


@dataclass
class StoredCase:
    """A case as the ledger keeps it."""

    entry: Entry
    steps: list[Step] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


@dataclass
class MemoryLedger:
    """A ledger that lasts as long as the test.

    ``away`` makes it unreachable; the acts in ``refused`` may not be taken.
    """

    cases: dict[str, StoredCase] = field(default_factory=dict)
    letters: dict[str, StoredLetter] = field(default_factory=dict)
    away: bool = False
    refused: frozenset[str] = frozenset()
    judge: Judging = field(default_factory=Lenient)
    officers: dict[str, Officer] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    readings: list[tuple[str, str, str]] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    sealed: dict[int, Seal] = field(default_factory=dict)
    known_namesakes: tuple[Namesake, ...] = ()

    def _here(self) -> None:
        if self.away:
            raise LedgerUnavailable("away")

    def _reference(self, entry: Entry) -> str:
        for reference, case in self.cases.items():
            if case.entry.workflow_id == entry.workflow_id:
                return reference
        numbered = {CaseKind.CANDIDACY: candidacy_reference, CaseKind.SUSPENSION: suspension_reference}
        if entry.kind in numbered:
            kind = [case for case in self.cases.values() if case.entry.kind is entry.kind]
            return numbered[entry.kind](entry.session, len(kind) + 1)
        return str(entry.state["reference"])

    async def record(self, entry: Entry, write: Write) -> Recorded:
        self._here()
        if entry.step.act in self.refused:
            raise AlteredCommand("not what was signed", rule="refused-by-the-ledger")
        reference = self._reference(entry)
        if not self._stands(reference, entry.step):
            self.judge.entry(
                entry,
                STATES[entry.kind].model_validate(entry.state),
                self._grounds(reference, entry),
                entry.step.signed,
            )
        case = self.cases.setdefault(reference, StoredCase(entry=entry))
        case.told.extend(entry.told)
        if entry.step.seq <= len(case.steps):
            if case.steps[entry.step.seq - 1].decision != entry.step.decision:
                raise ValueError(f"{reference} has another step {entry.step.seq}")
        else:
            assert entry.step.seq == len(case.steps) + 1
            case.steps.append(entry.step)
            state = dict(entry.state) | {"reference": reference}
            case.entry = entry.model_copy(update={"state": state})
            for draft in write(reference):
                for name, letter in self.letters.items():
                    if name.startswith(f"{reference}.{entry.step.seq}."):
                        continue
                    same_reader = letter.case == reference and letter.draft.role is draft.role
                    unsent = letter.state in {LetterState.DRAFTED, LetterState.RELEASED}
                    if same_reader and unsent and letter.draft.template in overtakes(draft.template):
                        letter.state = LetterState.WITHDRAWN
                self.letters[f"{reference}.{entry.step.seq}.{draft.number}"] = StoredLetter(draft, reference)
        prefix = f"{reference}.{entry.step.seq}."
        ours = tuple(
            letter for letter, stored in self.letters.items() if letter.startswith(prefix) and not stored.draft.about
        )
        return Recorded(reference=reference, letters=ours)

    def _stands(self, reference: str, step: Step) -> bool:
        case = self.cases.get(reference)
        return case is not None and any(
            (each.seq, each.decision, each.nonce) == (step.seq, step.decision, step.nonce) for each in case.steps
        )

    def _grounds(self, reference: str, entry: Entry) -> Grounds:
        case, step = self.cases.get(reference), entry.step
        told = {(each.to, each.decision, each.digest) for stored in self.cases.values() for each in stored.told}
        session = self.cases.get(entry.session)
        room = session_workflow_id(entry.session)
        terms = entry.state.get("terms", {"version": 0})
        gone = self.cases.get(str(step.content.get("candidacy")))
        return Grounds(
            officer=self.officers.get(step.key or ""),
            replayed=step.nonce is not None
            and any(each.nonce == step.nonce for stored in self.cases.values() for each in stored.steps),
            reference=reference if case else None,
            seq=len(case.steps) if case else 0,
            imprint=STATES[entry.kind].model_validate(case.entry.state).imprint if case else None,
            acts=tuple((each.act, each.signer) for each in case.steps if each.signer) if case else (),
            founded=any((to, step.decision, digest(step.content)) in told for to in (entry.workflow_id, room))
            or (step.act == "vacate" and gone is not None and gone.entry.ended),
            session=SessionState.model_validate(session.entry.state) if session else None,
            terms_told=(room, f"terms:{terms['version']}", digest(terms)) in told,
            candidacy=self._candidacy_of(entry) if needs_candidacy(entry) else None,
            suspension=SuspensionState.model_validate(case.entry.state)
            if case and (undoes(entry) or may_order(entry))
            else None,
            seat=self._seat_of(entry) if undoes(entry) else None,
            returning=self._returning(entry) if gives_seats(entry) else (),
        )

    def _candidacy_of(self, entry: Entry) -> CandidacyState | None:
        own = self.cases.get(entry.state["candidacy"])
        return CandidacyState.model_validate(own.entry.state) if own is not None else None

    def _seat_of(self, entry: Entry) -> ListState | None:
        candidacy = self._candidacy_of(entry)
        on = self.cases.get(candidacy.list_reference or "") if candidacy is not None else None
        return ListState.model_validate(on.entry.state) if on is not None else None

    def _returning(self, entry: Entry) -> tuple[str, ...]:
        told = [each for case in self.cases.values() for each in case.told if each.decision.endswith("/reinstate")]
        times = {
            candidacy: sum(each.to == self.cases[candidacy].entry.workflow_id for each in told)
            for candidacy in entry.state["vacated"]
        }
        return tuple(
            candidacy
            for candidacy, n in times.items()
            if n and return_decision(candidacy, n) not in entry.state["decisions"]
        )

    def _judged(self, command: Command) -> Signed:
        self._here()
        signed = command.signed
        nonce = signed.nonce if signed else ""
        taken = self.commands.get(nonce)
        replayed = taken is not None and taken.by != command.by
        steps = [step for case in self.cases.values() for step in case.steps]
        grounds = Grounds(
            officer=self.officers.get(signed.key) if signed else None,
            replayed=replayed or any(step.nonce == nonce for step in steps),
            acts=tuple(
                (step.act, step.signer)
                for reference, case in self.cases.items()
                for step in case.steps
                if step.signer and signed and reference == signed.case
            ),
        )
        self.judge.command(command, grounds)
        self.commands[nonce] = command
        assert signed is not None
        return signed

    async def recognise(self, command: Command, *, about: str) -> None:
        signed = self._judged(command)
        self.readings.append((signed.signer, about, signed.case))

    async def authorise(self, command: Command) -> None:
        self._judged(command)

    async def admit(self, command: Command, admission: Admission) -> Appointment:
        appointment = appointed(admission, by=self._judged(command).signer, at=command.taken)
        check_admission(admission, await self.register(), signer=appointment.by or "", at=command.taken)
        key = admission.request.key
        officer = self.officers.get(key.id, Officer(person=appointment.person, key=key))
        held = (*officer.appointments, appointment)
        self.officers[key.id] = officer.model_copy(update={"appointments": held})
        return appointment

    async def revoke(self, command: Command, revocation: Revocation) -> tuple[Appointment, ...]:
        self._judged(command)
        register = await self.register()
        check_revocation(revocation, register, command.taken)
        after = revoked(register, revocation, command.taken)
        for key, officer in self.officers.items():
            held = tuple(each for each in after if each.key == key)
            self.officers[key] = officer.model_copy(update={"appointments": held})
        return tuple(each for each in after if each.revoked == command.taken)

    async def declare_interests(self, command: Command, declared: Interests) -> tuple[InterestRow, ...]:
        self._judged(command)
        return ()

    async def withdraw_interest(self, command: Command, withdrawal: Withdrawal) -> tuple[InterestRow, ...]:
        self._judged(command)
        return ()

    async def interests_of(self, officer: str) -> Sequence[InterestRow]:
        return ()

    async def has(self, command: Command) -> bool:
        return command.signed is not None and command.signed.nonce in self.commands

    async def namesakes(self, workflow_id: str) -> Sequence[Namesake]:
        return self.known_namesakes

    async def hidden_from(self, officer: str, at: datetime) -> frozenset[str]:
        return frozenset()

    async def note(self, incident: Incident) -> None:
        self.incidents.append(incident)

    async def register(self) -> Sequence[Appointment]:
        return [each for officer in self.officers.values() for each in officer.appointments]

    async def unsigned_appointments(self) -> Sequence[tuple[PublicKey, Appointment]]:
        return []

    async def written(self) -> AsyncIterator[Written]:
        nothing: tuple[Written, ...] = ()
        for written in nothing:
            yield written

    async def candidacy(self, reference: str) -> CandidacyState | None:
        case = self.cases.get(reference)
        if case is None or case.entry.kind is not CaseKind.CANDIDACY:
            return None
        return CandidacyState.model_validate(case.entry.state)

    async def restore(self, delivery: Delivery) -> None:
        stored = self.letters[delivery.letter]
        if stored.state in {LetterState.DRAFTED, LetterState.RELEASED}:
            stored.state = delivery.state

    async def state_of(self, letter: str) -> LetterState:
        return self.letters[letter].state

    async def claim(self, letter: str) -> Claim:
        self._here()
        stored = self.letters[letter]
        if stored.state is LetterState.SENDING:
            stored.state = LetterState.UNKNOWN
        if stored.state not in {LetterState.DRAFTED, LetterState.RELEASED}:
            return Claim(state=stored.state)
        stored.state = LetterState.SENDING
        stored.attempts += 1
        outgoing = Outgoing(
            reference=letter,
            message_id=f"<{letter}@example.org>",
            thread=None,
            to=stored.draft.to,
            letter=stored.draft.letter,
            written=datetime(2026, 1, 1, tzinfo=UTC),
        )
        return Claim(state=LetterState.SENDING, outgoing=outgoing)

    async def mark(self, delivery: Delivery) -> LetterState:
        self._here()
        self.letters[delivery.letter].state = delivery.state
        return delivery.state

    async def is_for_desk(self, letter: str) -> bool:
        return self.letters[letter].draft.role is Role.DESK

    async def add_letter(self, about: str, draft: Draft) -> str:
        case, seq, _ = about.rsplit(".", 2)
        for reference, stored in self.letters.items():
            if stored.draft.about == about:
                return reference
        number = sum(letter.startswith(f"{case}.{seq}.") for letter in self.letters) + 1
        reference = f"{case}.{seq}.{number}"
        self.letters[reference] = StoredLetter(draft, case)
        return reference

    async def settle(self, command: Command, settlement: Settlement) -> LetterState:
        letter = self._judged(command).case
        stored = self.letters[letter]
        if stored.state not in {LetterState.REFUSED, LetterState.UNKNOWN, LetterState.RELEASED}:
            raise LetterSettled(f"letter {letter} is {stored.state.value}", rule="letter-settled")
        stored.state = {
            SettlementHow.SENT: LetterState.SENT,
            SettlementHow.RESEND: LetterState.RELEASED,
            SettlementHow.GIVE_UP: LetterState.WITHDRAWN,
        }[settlement.how]
        return stored.state

    async def answer(self, command: Command, enquiry: Enquiry) -> Answer:
        self.readings.append((self._judged(command).signer, enquiry.about, enquiry.reference or ""))
        rows = {reference: self._row(reference) for reference in sorted(self.cases)}
        if enquiry.about is EnquiryAbout.CASES:
            found = [
                row
                for row in rows.values()
                if enquiry.kind in {None, row.kind} and enquiry.session in {None, row.session}
            ]
            return Answer(cases=tuple(found))
        if enquiry.about is EnquiryAbout.LETTER:
            return Answer(letter=self._letter(enquiry.reference or ""))
        if enquiry.about is EnquiryAbout.OFFICERS:
            return Answer(officers=tuple(await self.register()))
        assert enquiry.about in {EnquiryAbout.CASE, EnquiryAbout.PLACE}, "the fake answers for cases and letters"
        for reference, row in rows.items():
            if enquiry.reference == reference or enquiry.workflow_id == row.workflow_id:
                if enquiry.about is EnquiryAbout.PLACE:
                    return Answer(place=Place(row=row, decisions=self.cases[reference].entry.state["decisions"]))
                return Answer(case=CaseFile(row=row, state=self.cases[reference].entry.state, letters=()))
        raise LookupError(f"no case {enquiry.reference or ''}")

    def _letter(self, reference: str) -> LetterFile:
        stored = self.letters[reference]
        at = datetime(2026, 1, 1, tzinfo=UTC)
        row = LetterRow(
            reference=reference,
            case=stored.case,
            template=stored.draft.template,
            role=stored.draft.role,
            language=stored.draft.to.language,
            state=stored.state,
            attempts=stored.attempts,
            code=None,
            written=at,
            changed=at,
            message_id=f"<{reference}@example.org>",
        )
        return LetterFile(row=row, to=stored.draft.to, letter=stored.draft.letter, history=())

    def _row(self, reference: str) -> CaseRow:
        entry = self.cases[reference].entry
        return CaseRow(
            reference=reference,
            kind=entry.kind,
            session=entry.session,
            stage=entry.stage,
            ended=entry.ended,
            seat=entry.seat,
            deadline=entry.deadline,
            seq=entry.step.seq,
            workflow_id=entry.workflow_id,
            opened=self.cases[reference].steps[0].at,
            changed=entry.step.at,
            troubled_letters=0,
        )

    async def open_cases(self, session: str | None = None) -> Sequence[tuple[CaseKind, str, str, Mapping[str, Any]]]:
        self._here()
        return [
            (case.entry.kind, reference, case.entry.workflow_id, case.entry.state)
            for reference, case in self.cases.items()
            if not case.entry.ended and session in {None, case.entry.session}
        ]

    async def last_words(self) -> Sequence[Dispatch]:
        hearers = {case.entry.workflow_id for case in self.cases.values() if not case.entry.ended}
        ended = [case.entry for case in self.cases.values() if case.entry.ended]
        words = [word for entry in ended for word in STATES[entry.kind].model_validate(entry.state).outbox]
        return [word for word in words if word.workflow_id in hearers]

    async def unsent_letters(self) -> Sequence[tuple[str, LetterState]]:
        done = {LetterState.SENT, LetterState.WITHDRAWN}
        return [(letter, stored.state) for letter, stored in self.letters.items() if stored.state not in done]

    async def workflows(self, references: Sequence[str]) -> Mapping[str, str]:
        return {ref: self.cases[ref].entry.workflow_id for ref in references if ref in self.cases}

    async def terms(self, session: str) -> Terms | None:
        kept = self.cases.get(session)
        if kept is None or kept.entry.ended:
            return None
        return SessionState.model_validate(kept.entry.state).terms

    async def examine(self, progress: Callable[[int, int], None]) -> Sequence[Difference]:
        self._here()
        steps = sum(len(case.steps) for case in self.cases.values())
        progress(steps, steps)
        return ()

    async def unsealed(self) -> tuple[int, bytes] | None:
        self._here()
        steps = sum(len(case.steps) for case in self.cases.values())
        return (steps, bytes(32)) if steps and steps not in self.sealed else None

    async def seal(self, seal: Seal) -> None:
        self._here()
        self.sealed.setdefault(seal.n, seal)

    async def seals(self) -> Sequence[Seal]:
        return [self.sealed[n] for n in sorted(self.sealed)]

    async def known_steps(self, workflow_id: str) -> int:
        return sum(len(case.steps) for case in self.cases.values() if case.entry.workflow_id == workflow_id)

    async def totals(self) -> tuple[int, int, int]:
        return len(self.cases), sum(len(case.steps) for case in self.cases.values()), len(self.letters)

    async def gaps(self) -> Sequence[str]:
        return []

    async def unlike(self) -> Sequence[str]:
        return []

    async def holds(self) -> Mapping[str, date]:
        return {}


@dataclass
class Letterbox:
    """A mailer that keeps what it is given; ``trouble`` answers for an address instead, one error a time."""

    received: list[Outgoing] = field(default_factory=list)
    trouble: dict[str, list[MailError]] = field(default_factory=dict)

    async def send(self, outgoing: Outgoing) -> None:
        if errors := self.trouble.get(outgoing.to.email):
            error = errors.pop(0)
            if len(errors) == 0 and getattr(error, "lasting", False):
                errors.append(error)
            raise error
        self.received.append(outgoing)


@dataclass
class ListDesk:
    """Lists and a screener in one: ``says`` is what they answer; while ``away`` is set, they do not."""

    says: Screened = field(default_factory=Screened)
    away: bool = False
    asked: list[Subject] = field(default_factory=list)

    async def screen(self, subject: Subject) -> Screened:
        self.asked.append(subject)
        if self.away:
            raise LedgerUnavailable("away")
        return self.says

    async def take(self, handed_in: Import, progress: Progress) -> ListVersion:
        raise ListBroken("is no list", line=7, field="name")

    async def lists(self) -> Sequence[ListVersion]:
        return ()

    async def versions(self, name: str) -> Sequence[ListVersion]:
        raise LookupError(f"there is no list {name}")

    async def diff(self, name: str, old: int, new: int) -> ListDiff:
        raise LookupError(f"there is no list {name}")

    async def remove(self, name: str) -> None:
        raise LookupError(f"there is no list {name}")


@dataclass
class NoCases:
    """No case runs; what is started is remembered."""

    started: list[str] = field(default_factory=list)

    async def standings(self, workflow_ids: Mapping[str, str]) -> Mapping[str, Standing]:
        return {}

    async def affected(self, workflow_id: str, terms: Terms) -> tuple[str, ...]:
        return ()

    async def imprints(self, workflow_id: str) -> Mapping[str, str] | None:
        return None

    async def running(self, kind: CaseKind) -> Sequence[str]:
        return ()

    async def rearm(self, workflow_id: str, terms: Terms) -> None:
        raise AssertionError("no case runs")

    async def rescreen(self, workflow_id: str) -> None:
        self.started.append(f"rescreen {workflow_id}")

    async def tell(self, word: Dispatch) -> None:
        self.started.append(f"{word.signal} {word.workflow_id}")

    async def restart(self, kind: CaseKind, state: CaseState) -> bool:
        self.started.append(state.workflow_id)
        return True

    async def reinstate(self, state: CandidacyState, order: Order) -> None:
        self.started.append(f"{order.act} {state.workflow_id}")

    async def look_after(self, delivery: Delivery, case: str) -> bool:
        self.started.append(f"letter/{delivery.letter}")
        return True


@dataclass
class MemoryErasures:
    """One person, of whom the register holds some cells that lie under ``keyring``'s key of theirs.

    ``due`` is the rule by which they are to be erased.
    """

    person_: Person
    keyring: Keyring
    cells: list[bytes] = field(default_factory=list)
    standing: Erasure | None = None
    due: RetentionRule | None = None

    async def person(self, candidacy: str) -> Person:
        if candidacy != self.person_.candidacy:
            raise LookupError(f"there is no candidacy {candidacy}")
        return self.person_

    async def erasure(self, key: str) -> Erasure | None:
        assert key == self.person_.key
        return self.standing

    async def request_erasure(self, person: Person, envelope: Envelope[ErasureRequest], at: datetime) -> None:
        self.standing = Erasure(
            candidacy=person.candidacy,
            key=person.key,
            requested_at=at,
            requested_by=envelope.signer,
            reason=envelope.content.reason,
        )

    async def erase(self, person: Person, envelope: Envelope[ErasureOrder], at: datetime) -> None:
        assert self.standing is not None
        if self.standing.confirmed_at is None:
            self.standing = self.standing.model_copy(update={"confirmed_at": at, "confirmed_by": envelope.signer})

    async def expire(self, person: Person, retention: Retention, at: datetime) -> bool:
        if self.standing is None or self.standing.confirmed_at is None:
            if self.due is None:
                return False
            asked = self.standing or Erasure(candidacy=person.candidacy, key=person.key)
            self.standing = asked.model_copy(update={"confirmed_at": at, "rule": self.due})
        return self.standing.rule is not None

    async def certify(self, certificate: Certificate) -> None:
        assert self.standing is not None
        self.standing = self.standing.model_copy(update={"certificate": certificate})

    async def restore_erasure(self, erased: ErasureMemory, case: CaseMemory | None, reason: str | None) -> bool:
        fields = dict(erased.certificate)
        shared = {name: fields[name] for name in Erasure.model_fields if name in fields}
        self.standing = Erasure(**shared, reason=reason, certificate=erased.certificate)
        return case is not None

    async def skeleton(self, person: Person) -> tuple[int, int, int]:
        return 3, 2, 1

    async def read_all(self, person: Person) -> Reading:
        readable = 0
        for cell in self.cells:
            with suppress(Erased):
                await self.keyring.unseal(cell)
                readable += 1
        unreadable = len(self.cells) - readable
        return Reading(kept=Kept.REGISTER, unreadable=unreadable, readable=readable, in_clear=0)


@dataclass
class MemoryRetentions:
    """What has ended in a ledger that lasts as long as the test, and was told of it."""

    ledger: MemoryLedger
    held: dict[str, date] = field(default_factory=dict)
    told: dict[str, tuple[date, str]] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)

    async def hold(self, command: Command, hold: Hold) -> None:
        signed = self.ledger._judged(command)
        if signed.case not in self.ledger.cases:
            raise LookupError(f"there is no candidacy {signed.case}")
        self.held[signed.case] = hold.until

    async def hold_back(self, since: datetime) -> Sequence[str]:
        for reference, case in self.ledger.cases.items():
            if case.entry.kind is CaseKind.CANDIDACY and case.steps[0].at < since:
                self.held.setdefault(reference, UNTIL_DECIDED)
        return [reference for reference, until in self.held.items() if until == UNTIL_DECIDED]

    async def ended(self) -> Sequence[EndedCase]:
        found: list[EndedCase] = []
        for reference, case in self.ledger.cases.items():
            entry = case.entry
            if entry.kind is not CaseKind.CANDIDACY or not entry.ended:
                continue
            last, letter = self.told.get(reference, (None, ""))
            found.append(
                EndedCase(
                    reference=reference,
                    session=entry.session,
                    stage=Stage(entry.stage),
                    ended=case.steps[-1].at,
                    held=self.held.get(reference),
                    announced=last,
                    told=letter in self.ledger.letters and self.ledger.letters[letter].state is LetterState.SENT,
                )
            )
        return found

    async def begun(self) -> Sequence[str]:
        return self.unfinished

    async def announce(self, session: str, candidacies: Sequence[str], last: date, draft: Draft) -> str:
        letter = f"{session}.{len(self.ledger.cases[session].steps)}.{len(self.ledger.letters) + 1}"
        self.ledger.letters[letter] = StoredLetter(draft, session)
        self.told |= dict.fromkeys(candidacies, (last, letter))
        return letter

    async def announcements(self) -> Sequence[str]:
        letters = {letter for _, letter in self.told.values()}
        return sorted(letter for letter in letters if self.ledger.letters[letter].state is LetterState.DRAFTED)


@dataclass
class MemoryEstate:
    """What Temporal holds of a person: open workflows, and payloads in clear."""

    open: bool = True
    in_clear: int = 0
    vacated: list[str] = field(default_factory=list)

    async def close(self, person: Person, reason: str) -> None:
        assert reason == f"{person.candidacy}: erasure"
        self.open = False

    async def vacate(self, list_workflow: str, vacancy: Vacancy) -> None:
        self.vacated.append(f"{list_workflow} {vacancy.candidacy}")

    async def read_all(self, person: Person) -> Reading:
        return Reading(kept=Kept.TEMPORAL, unreadable=5, readable=0, in_clear=self.in_clear)
