"""What the desk can do, as a library: every command of the command line is one call of this and its printing.

DeskError                 the call did not do what was asked
├── Refused               a rule forbids it (exit 3); nothing was recorded
├── NoSuchCase            the case or letter does not exist (exit 4)
├── BadList               a list that was handed in cannot be read (exit 2); nothing has changed
├── PartUnreachable       a part does not answer (exit 5); nothing was done
└── OutcomeUnknown        the command was sent and no answer came (exit 5); sending it again is safe
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import TypedSearchAttributes, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, FailureError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from config.settings import Settings, WrongSetting
from domain.authority import REGISTER, Upkeep
from domain.candidacy import Act, CandidacyState
from domain.cases import (
    EDITION,
    CandidacyCase,
    CandidacyOpening,
    ListCase,
    ListOpening,
    SessionCase,
    SessionOpening,
    SuspensionCase,
    SuspensionOpening,
)
from domain.envelope import Envelope, Receipt
from domain.erasure import (
    CHECK_ACT,
    ERASE_ACT,
    REQUEST_ACT,
    Certificate,
    CertificateCheck,
    Erasure,
    ErasureOrder,
    ErasureRequest,
)
from domain.errors import REFUSALS, Erased
from domain.fingerprint import fingerprint
from domain.ids import (
    LIST_BROKEN,
    NO_SUCH_CASE,
    candidacy_workflow_id,
    delivery_workflow_id,
    list_reference,
    list_workflow_id,
    session_workflow_id,
    suspension_workflow_id,
)
from domain.interests import InterestRow, Interests, Withdrawal, officer_file
from domain.keys import REGISTER_KEY, KeysUnavailable, key_of
from domain.ledger import (
    Affected,
    Answer,
    CaseFile,
    CaseRow,
    Enquiry,
    EnquiryAbout,
    IncidentRow,
    LetterState,
    Place,
    ReadingRow,
    Rebuilding,
    Recovery,
    Settlement,
    Verification,
)
from domain.lists import Drafting, ListAct, ListStage, SeatLaw
from domain.model import Model
from domain.offices import Admission, Appointment, Revocation
from domain.people import Nomination
from domain.retention import RETAIN_ACT, Held, Hold
from domain.session import SessionAct, SessionAmendment, SessionPlan, SessionState
from domain.signing import digest
from domain.steps import CaseKind
from domain.suspension import (
    Charge,
    Evidence,
    SuspensionAct,
    SuspensionStage,
    check_hits,
    check_opening,
    check_usable,
    evidence_of,
)
from domain.watchlists import ListAct as ListDuty
from domain.watchlists import ListAnswer, ListEnquiry, ListImport, ListRemoval, ListVersion
from starter.signing import Signer
from workflows import attributes

C = TypeVar("C", bound=Model)

_OPENINGS: Final = 5
"""How often a suspension is looked for where the one that was found has just ended."""
_AN_HOUR: Final = timedelta(hours=1)
"""How long work over the whole register may take."""
_GLANCE: Final = 0.5
"""Seconds between two looks at how far a long piece of work has come."""


class DeskError(Exception):
    """The call did not do what was asked; the message says why and what to do."""


class Refused(DeskError):
    """A rule forbids it; nothing was recorded."""

    def __init__(self, message: str, *, rule: str, refusal: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.refusal = refusal


class NoSuchCase(DeskError):
    """There is no such case or letter."""


class BadList(DeskError):
    """A list that was handed in cannot be read; nothing has changed."""


class PartUnreachable(DeskError):
    """A part of the desk does not answer; nothing was done."""


class OutcomeUnknown(DeskError):
    """The command was sent and no answer came in time. It carries its own id, so sending it again is safe."""


class _HasEnded(Exception):
    """A case that was to be opened has come and gone."""


@dataclass(frozen=True)
class Taken:
    """A command that was taken; ``fresh`` is false where the same had been taken before and nothing was done again."""

    receipt: Receipt
    fresh: bool


@dataclass(frozen=True)
class Desk:
    """The desk, as one officer.

    Attributes:
        client: The connection to Temporal.
        settings: The settings.
        signer: Who signs; no other argument of any call says who acts.
    """

    client: Client
    settings: Settings
    signer: Signer

    @property
    def officer(self) -> str:
        """Who acts, by number."""
        return self.signer.person

    def close_over(self, act: str, case: str, content: C, *, basis: int = 0) -> Envelope[C]:
        """Put a command into its envelope, and sign it; ``basis`` is the case's last step that the officer has seen."""
        envelope: Envelope[C] = Envelope(
            act=act,
            case=case,
            content=content,
            content_hash=digest(content.model_dump(mode="json")),
            basis=basis,
            issued=datetime.now(UTC),
            nonce=secrets.token_hex(16),
            signer=self.officer,
        )
        return self.signer.sign(envelope)

    async def open_session(self, plan: SessionPlan) -> Taken:
        """Open a session, once."""
        workflow_id = session_workflow_id(plan.reference)
        envelope = self.close_over(SessionAct.OPEN, workflow_id, plan)
        return await self._open(
            "Session",
            SessionCase(opening=SessionOpening(envelope=envelope, closed_days=plan.closed_days()), edition=EDITION),
            workflow_id,
            envelope,
            summary=f"Session {plan.reference}",
            shown=attributes.at_start(session=plan.reference, stage="open", case=plan.reference),
        )

    async def session(self, reference: str) -> SessionState:
        """An open session's present state.

        Raises:
            NoSuchCase: It is not open.
        """
        missing = f"session {reference} is not open"
        try:
            file = await self.case(reference)
        except NoSuchCase:
            raise NoSuchCase(missing) from None
        if file.row.ended:
            raise NoSuchCase(missing)
        return SessionState.model_validate(file.state)

    async def amend_session(self, reference: str, amendment: SessionAmendment) -> Taken:
        """Move dates of a session; the receipt's details name the candidacies affected."""
        return await self._command(reference, SessionAct.AMEND, amendment)

    async def preview_amendment(self, reference: str, amendment: SessionAmendment) -> tuple[Affected, ...]:
        """Whom an amendment would affect; nothing is recorded."""
        envelope = self.close_over("preview", reference, amendment)
        workflow_id = session_workflow_id(reference)
        asked: tuple[Affected, ...] = await self._send(
            workflow_id, "preview", envelope, tuple[Affected, ...], reference
        )
        return asked

    def candidacy_of(self, session: str, nomination: Nomination) -> str:
        """The workflow id of a person's candidacy, by the keyed fingerprint.

        Raises:
            WrongSetting: The key is not set.
        """
        return candidacy_workflow_id(session, self._fingerprint(session, nomination))

    async def nominate(self, session: SessionState, nomination: Nomination) -> Taken:
        """Nominate a person, once; not fresh where this person is nominated already, by whomever."""
        reference = session.reference
        mark = self._fingerprint(reference, nomination)
        workflow_id = candidacy_workflow_id(reference, mark)
        envelope = self.close_over(Act.NOMINATE, workflow_id, nomination)
        opening = CandidacyOpening(
            envelope=envelope,
            fingerprint=mark,
            terms=session.terms,
            statements=session.plan.criteria.statements(nomination.candidate.language),
        )
        return await self._open(
            "Candidacy",
            CandidacyCase(opening=opening, edition=EDITION),
            workflow_id,
            envelope,
            summary=f"Candidacy in session {reference}",
            shown=attributes.at_start(session=reference, stage="nominated", seat=nomination.seat),
        )

    async def act(self, reference: str, act: Act, content: Model) -> Taken:
        """Send a command to a candidacy."""
        return await self._command(reference, act, content)

    async def draft_list(self, session: SessionState, drafting: Drafting) -> Taken:
        """Draft the session's list: a new one where none is under way, another draft of the one that is."""
        lists = await self.cases(session=session.reference, kind=CaseKind.LIST)
        under_way = next((row for row in lists if not row.ended), None)
        if under_way is not None and under_way.stage == ListStage.DRAFTED and under_way.seq > 1:
            return await self._redraft(under_way.reference, drafting)
        reference = under_way.reference if under_way else list_reference(session.reference, len(lists) + 1)
        workflow_id = list_workflow_id(reference)
        envelope = self.close_over(ListAct.DRAFT, reference, drafting)
        seats = SeatLaw(seats=session.plan.seats, reserved=session.plan.reserved_seats)
        opening = ListOpening(envelope=envelope, reference=reference, terms=session.terms, law=seats)
        taken = await self._open(
            "SessionList",
            ListCase(opening=opening, edition=EDITION),
            workflow_id,
            envelope,
            summary=f"List of session {session.reference}",
            shown=attributes.at_start(session=session.reference, stage="drafted", case=reference),
        )
        # Somebody else's draft opened it: this one goes on the table as the next.
        return taken if taken.fresh else await self._redraft(reference, drafting)

    async def _redraft(self, reference: str, drafting: Drafting) -> Taken:
        return await self.act_on_list(reference, ListAct.DRAFT, drafting)

    async def act_on_list(self, reference: str, act: ListAct, content: Model) -> Taken:
        """Send a command to a list."""
        return await self._command(reference, act, content)

    async def hit_of(self, reference: str, hit: str) -> Evidence:
        """A hit on a participant, as evidence for a suspension.

        Raises:
            Refusal: It is none of this participant's, or one that counts against nobody.
        """
        file = CandidacyState.model_validate((await self.case(reference)).state).file
        found = next((each for each in (file.hits if file is not None else ()) if each.id == hit), None)
        return evidence_of(check_usable(found, hit, file))

    async def open_suspension(self, reference: str, charge: Charge) -> Taken:
        """Bring a trigger against a participant: it opens a suspension, or joins the one that is open.

        Raises:
            Refusal: The candidacy is no participant's, or the criterion is none of the session's.
        """
        for attempt in range(_OPENINGS):
            candidacy = CandidacyState.model_validate((await self.case(reference)).state)
            terms = candidacy.terms
            check_opening(terms, charge, candidacy.stage, terms.clock.reading(datetime.now(UTC)))
            check_hits(charge, candidacy.file)
            try:
                return await self._charge(candidacy, charge)
            except _HasEnded:
                # Somebody decided in this very moment; the candidacy hears of it before the suspension ends.
                await asyncio.sleep(0.1 * attempt)
        raise PartUnreachable("the suspension has just ended and the candidacy does not say so; try again")

    async def _charge(self, candidacy: CandidacyState, charge: Charge) -> Taken:
        session = candidacy.terms.session
        # The candidacy counts its suspensions. Two officers who act at once find the same number, and so one case.
        number = candidacy.suspensions + (candidacy.review is None)
        workflow_id = suspension_workflow_id(session, candidacy.fingerprint, number)
        envelope = self.close_over(SuspensionAct.OPEN, workflow_id, charge)
        opening = SuspensionOpening(
            envelope=envelope,
            fingerprint=candidacy.fingerprint,
            number=number,
            terms=candidacy.terms,
            candidacy=candidacy.reference,
            candidacy_workflow=candidacy.workflow_id,
            participant=candidacy.nomination.candidate.contact,
        )
        return await self._begin(
            "Suspension",
            SuspensionCase(opening=opening, edition=EDITION),
            workflow_id,
            envelope,
            update=SuspensionAct.OPEN,
            arguments=(envelope,),
            summary=f"Suspension in session {session}",
            shown=attributes.at_start(session=session, stage=SuspensionStage.OPENED),
        )

    async def act_on_suspension(self, reference: str, act: SuspensionAct, content: Model) -> Taken:
        """Send a command to a suspension."""
        return await self._command(reference, act, content)

    async def settle_letter(self, letter: str, settlement: Settlement) -> LetterState:
        """Decide about a letter that waits for a person; the state it is in now."""
        answer = await self.ask(Enquiry(about=EnquiryAbout.LETTER, reference=letter))
        attempts = answer.letter.row.attempts if answer.letter else 0
        envelope = self.close_over("settle", letter, settlement, basis=attempts)
        state: LetterState = await self._send(delivery_workflow_id(letter), "settle", envelope, LetterState, letter)
        return state

    async def locate(self, reference: str) -> CaseRow:
        """Where a case is.

        Raises:
            NoSuchCase: There is none.
        """
        return (await self._place(reference=reference)).row

    async def _place(self, **named: str) -> Place:
        answer = await self.ask(Enquiry(about=EnquiryAbout.PLACE, **named))
        if answer.place is None:
            raise NoSuchCase("there is no such case")
        return answer.place

    async def case(self, reference: str) -> CaseFile:
        """One case in full.

        Raises:
            NoSuchCase: There is none.
        """
        answer = await self.ask(Enquiry(about=EnquiryAbout.CASE, reference=reference))
        if answer.case is None:
            raise NoSuchCase(f"there is no case {reference}")
        return answer.case

    async def cases(self, **narrowed: Any) -> tuple[CaseRow, ...]:
        """Every case that fits, page by page."""
        rows: list[CaseRow] = []
        while True:
            after = rows[-1].reference if rows else None
            answer = await self.ask(Enquiry(about=EnquiryAbout.CASES, after=after, **narrowed))
            rows.extend(answer.cases)
            if not answer.more:
                return tuple(rows)

    async def ask(self, enquiry: Enquiry) -> Answer:
        """Put a question to the ledger."""
        named = enquiry.reference or enquiry.workflow_id or REGISTER
        key = key_of(enquiry.workflow_id or enquiry.reference or "")
        envelope = self.close_over(enquiry.about, named, enquiry)
        try:
            answer: Answer = await self._run("LedgerEnquiry", envelope, Answer, key=key)
        except Erased:
            # Of whoever was erased there is nothing personal left to answer: what is left is the register's.
            answer = await self._run("LedgerEnquiry", envelope, Answer)
        return answer

    async def request_erasure(self, reference: str, request: ErasureRequest) -> Erasure:
        """Ask for the erasure of a person's data."""
        envelope = self.close_over(REQUEST_ACT, reference, request)
        asked: Erasure = await self._run("ErasureRequesting", envelope, Erasure)
        return asked

    async def erase(self, reference: str, order: ErasureOrder) -> Certificate:
        """Erase a person's data that another officer has asked to be erased."""
        envelope = self.close_over(ERASE_ACT, reference, order)
        done: Certificate = await self._run("PersonErasure", envelope, Certificate, timedelta(hours=1))
        return done

    async def retain(self, reference: str, hold: Hold) -> Held:
        """Hold a case back from being erased by itself."""
        envelope = self.close_over(RETAIN_ACT, reference, hold)
        try:
            held: Held = await self._run("CaseHolding", envelope, Held, key=key_of(reference))
        except Erased:
            raise Refused(f"the data of {reference} was erased", rule="erased", refusal=Erased.__name__) from None
        return held

    async def certificate(self, reference: str) -> Certificate:
        """The certificate of the erasure of a person's data.

        Raises:
            NoSuchCase: There is none.
        """
        answer = await self.ask(Enquiry(about=EnquiryAbout.CERTIFICATE, reference=reference))
        if answer.certificate is None:
            raise NoSuchCase(f"there is no certificate for {reference}: its data was not erased")
        return answer.certificate

    async def check_certificate(self, certificate: Certificate) -> CertificateCheck:
        """Whether a certificate of erasure is genuine, and true today."""
        envelope = self.close_over(CHECK_ACT, REGISTER, certificate)
        found: CertificateCheck = await self._run("CertificateCheck", envelope, CertificateCheck, timedelta(hours=1))
        return found

    async def readers(self, reference: str) -> tuple[ReadingRow, ...]:
        """Who opened a case's file."""
        rows: list[ReadingRow] = []
        while True:
            after = str(rows[-1].n) if rows else None
            answer = await self.ask(Enquiry(about=EnquiryAbout.READERS, reference=reference, after=after))
            rows.extend(answer.readers)
            if not answer.more:
                return tuple(rows)

    async def incidents(self) -> tuple[IncidentRow, ...]:
        """What was refused for want of authority."""
        rows: list[IncidentRow] = []
        while True:
            after = str(rows[-1].n) if rows else None
            answer = await self.ask(Enquiry(about=EnquiryAbout.INCIDENTS, after=after))
            rows.extend(answer.incidents)
            if not answer.more:
                return tuple(rows)

    async def officers(self) -> tuple[Appointment, ...]:
        """Every appointment there ever was."""
        return (await self.ask(Enquiry(about=EnquiryAbout.OFFICERS))).officers

    async def admit(self, admission: Admission) -> Appointment:
        """Admit a key to an office."""
        appointment: Appointment = await self._run(
            "OfficerAdmission", self.close_over("admit", REGISTER, admission), Appointment
        )
        return appointment

    async def revoke(self, revocation: Revocation) -> tuple[Appointment, ...]:
        """End offices; those that ended."""
        ended: tuple[Appointment, ...] = await self._run(
            "OfficerRevocation", self.close_over("revoke", REGISTER, revocation), tuple[Appointment, ...]
        )
        return ended

    async def declare_interests(self, interests: Interests) -> tuple[InterestRow, ...]:
        """Declare one's own interests; everything one ever declared.

        Raises:
            NoSuchCase: A case that is named does not exist.
        """
        return await self._about_interests("InterestDeclaration", "declare_interest", interests)

    async def withdraw_interest(self, withdrawal: Withdrawal) -> tuple[InterestRow, ...]:
        """Withdraw an interest of one's own; everything one ever declared."""
        return await self._about_interests("InterestWithdrawal", "withdraw_interest", withdrawal)

    async def _about_interests(self, workflow: str, act: str, content: Model) -> tuple[InterestRow, ...]:
        own = officer_file(self.officer)
        rows: tuple[InterestRow, ...] = await self._run(
            workflow, self.close_over(act, own, content), tuple[InterestRow, ...], key=own
        )
        return rows

    async def interests(self) -> tuple[InterestRow, ...]:
        """Everything one ever declared."""
        return (await self.ask(Enquiry(about=EnquiryAbout.INTERESTS, reference=officer_file(self.officer)))).interests

    async def verify_ledger(self, progress: Callable[[int, int], None] | None = None) -> Verification:
        """Read the ledger's chain and its signatures, and compare the ledger with the running workflows.

        Args:
            progress: Told from time to time how many steps are read, of how many.
        """
        found: Verification = await self._run(
            "LedgerVerification", self._upkeep("verify"), Verification, _AN_HOUR, progress=progress
        )
        return found

    async def recover_ledger(self) -> Recovery:
        """Start every open case again that does not run."""
        done: Recovery = await self._run("LedgerRecovery", self._upkeep("recover"), Recovery, _AN_HOUR)
        return done

    async def rebuild_ledger(self) -> Rebuilding:
        """Write again every step that a workflow remembers and the ledger lacks."""
        done: Rebuilding = await self._run("LedgerRebuilding", self._upkeep("rebuild"), Rebuilding, _AN_HOUR)
        return done

    def _upkeep(self, act: str) -> Envelope[Upkeep]:
        return self.close_over(act, REGISTER, Upkeep())

    async def import_list(self, content: ListImport, progress: Callable[[int, int], None] | None = None) -> ListVersion:
        """Import a list that was handed in; the version it became.

        Raises:
            BadList: It cannot be read; nothing has changed.
        """
        envelope = self.close_over(ListDuty.IMPORT, REGISTER, content)
        done: ListVersion = await self._run(
            "WatchlistImport", envelope, ListVersion, timedelta(hours=12), progress=progress
        )
        return done

    async def remove_list(self, content: ListRemoval) -> int:
        """Take a list out of the register; how many candidacies are screened again.

        Raises:
            NoSuchCase: There is no such list.
        """
        envelope = self.close_over(ListDuty.REMOVE, REGISTER, content)
        told: int = await self._run("WatchlistRemoval", envelope, int, _AN_HOUR)
        return told

    async def rescreen(self) -> int:
        """Have every open candidacy screened again; how many."""
        told: int = await self._run("WatchlistRescreening", self._upkeep(ListDuty.RESCREEN), int, _AN_HOUR)
        return told

    async def ask_lists(self, enquiry: ListEnquiry) -> ListAnswer:
        """Put a question about the lists.

        Raises:
            NoSuchCase: There is no such list or version.
        """
        envelope = self.close_over(ListDuty.ENQUIRE, REGISTER, enquiry)
        answer: ListAnswer = await self._run("WatchlistEnquiry", envelope, ListAnswer)
        return answer

    @property
    def _patience(self) -> timedelta:
        return timedelta(seconds=self.settings.answer_timeout)

    def _fingerprint(self, session: str, nomination: Nomination) -> str:
        key = self.settings.fingerprint_key
        if key is None:
            raise WrongSetting("DESK_FINGERPRINT_KEY: is needed to nominate")
        return fingerprint(session, nomination, bytes.fromhex(key.get_secret_value()))

    async def _open(
        self,
        workflow: str,
        case: Model,
        workflow_id: str,
        envelope: Envelope[Any],
        *,
        summary: str,
        shown: TypedSearchAttributes,
    ) -> Taken:
        """Open a case, once; the receipt of one that has come and gone."""
        try:
            return await self._begin(workflow, case, workflow_id, envelope, summary=summary, shown=shown)
        except _HasEnded:
            return await self._ended(workflow_id)

    async def _begin(
        self,
        workflow: str,
        case: Model,
        workflow_id: str,
        envelope: Envelope[Any],
        *,
        update: str = "receive",
        arguments: Sequence[Model] = (),
        summary: str,
        shown: TypedSearchAttributes,
    ) -> Taken:
        """Open a case, or bring the command to the one that runs.

        Raises:
            _HasEnded: It ran once, and runs no more.
        """
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            workflow,
            case,
            id=workflow_id,
            task_queue=self.settings.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            # A case that was refused at the door may be brought again; one that was ever open may not.
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            static_summary=summary,
            search_attributes=shown,
        )
        try:
            receipt = await self._start(start, envelope, update, arguments)
        except WorkflowAlreadyStartedError:
            raise _HasEnded from None
        except RPCError as failed:
            if failed.status is RPCStatusCode.ALREADY_EXISTS:
                raise _HasEnded from None
            raise self._error(failed) from None
        except (WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError) as failed:
            raise self._error(failed) from None
        return Taken(receipt=receipt, fresh=receipt.answers(envelope))

    async def _start(
        self,
        start: WithStartWorkflowOperation[Any, Any],
        envelope: Envelope[Any],
        update: str,
        arguments: Sequence[Model],
    ) -> Receipt:
        try:
            receipt: Receipt = await self.client.execute_update_with_start_workflow(
                update,
                args=arguments,
                start_workflow_operation=start,
                id=envelope.nonce,
                result_type=Receipt,
                rpc_timeout=self._patience,
            )
        except (Erased, KeysUnavailable):
            # Nothing was sent, so the operation knows nothing and would never answer.
            raise
        except Exception:
            # The operation keeps the failure too; unless it is asked for it, asyncio complains on standard error.
            with suppress(Exception):
                await start.workflow_handle()
            raise
        return receipt

    async def _ended(self, workflow_id: str) -> Taken:
        """The receipt of a case that has come and gone."""
        row = (await self._place(workflow_id=workflow_id)).row
        receipt = Receipt(reference=row.reference, seq=row.seq, act="", stage=row.stage, at=row.changed)
        return Taken(receipt=receipt, fresh=False)

    async def _command(self, reference: str, act: str, content: Model) -> Taken:
        place = await self._place(reference=reference)
        row = place.row
        if row.erased is not None:
            raise Refused(f"the data of {reference} was erased", rule="erased", refusal=Erased.__name__)
        envelope = self.close_over(act, reference, content, basis=row.seq)
        if row.ended and (seq := _taken_as(place, envelope)) is not None:
            receipt = Receipt(reference=reference, seq=seq, act=act, stage=row.stage, at=row.changed)
            return Taken(receipt=receipt, fresh=False)
        receipt = await self._send(row.workflow_id, act, envelope, Receipt, reference)
        return Taken(receipt=receipt, fresh=receipt.answers(envelope))

    async def _send(
        self,
        workflow_id: str,
        update: str,
        envelope: Envelope[Any],
        answer: type[Any],
        case: str,
    ) -> Any:
        handle = self.client.get_workflow_handle(workflow_id)
        try:
            return await handle.execute_update(
                update,
                envelope,
                # The same for each attempt to send these very bytes. The case itself knows a command given again by its
                # decision, and one that was refused may be given again when what forbade it has gone.
                id=envelope.nonce,
                result_type=answer,
                rpc_timeout=self._patience,
            )
        except RPCError as failed:
            if failed.status is RPCStatusCode.NOT_FOUND:
                raise await self._closed(workflow_id, update, case) from None
            raise self._error(failed) from None
        except (WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError) as failed:
            raise self._error(failed) from None

    async def _closed(self, workflow_id: str, act: str, case: str) -> DeskError:
        """Why a workflow takes no command: its case has ended, or never was."""
        if workflow_id.startswith("letter/"):
            answer = await self.ask(Enquiry(about=EnquiryAbout.LETTER, reference=case))
            state = answer.letter.row.state.value if answer.letter else "unknown"
            return Refused(
                f"letter {case} is {state}; it waits for nobody", rule="letter-settled", refusal="LetterSettled"
            )
        row = await self.locate(case)
        if not row.ended:
            return PartUnreachable(f"{case} is open in the ledger but does not run; `starter ledger recover` starts it")
        return Refused(
            f"{act} is not possible: {case} has ended as {row.stage}", rule="case-ended", refusal="NotAtThisStage"
        )

    async def _run(
        self,
        workflow: str,
        envelope: Envelope[Any],
        answer: Any,
        patience: timedelta | None = None,
        *,
        key: str = REGISTER_KEY,
        progress: Callable[[int, int], None] | None = None,
    ) -> Any:
        try:
            handle = await self.client.start_workflow(
                workflow,
                envelope,
                # Question and answer lie under the key that the id names; the same question cannot be put twice.
                id=f"desk/{workflow}/{key}/{envelope.nonce}",
                task_queue=self.settings.task_queue,
                result_type=answer,
                execution_timeout=patience or self._patience,
            )
            if progress is None:
                return await handle.result()
            watching = asyncio.create_task(self._watch(handle, progress))
            try:
                return await handle.result()
            finally:
                watching.cancel()
        except WorkflowFailureError as failed:
            raise self._failure(failed.cause) from None
        except RPCError as failed:
            raise self._error(failed, sent=False) from None

    async def _watch(self, handle: WorkflowHandle[Any, Any], progress: Callable[[int, int], None]) -> None:
        """Pass on how far the workflow's activity has come, by its heartbeats."""
        while True:
            await asyncio.sleep(_GLANCE)
            described = await handle.describe()
            for pending in described.raw_description.pending_activities:
                if payloads := pending.heartbeat_details.payloads:
                    read, length = await self.client.data_converter.decode(payloads)
                    progress(read, length)

    def _error(self, failed: Exception, *, sent: bool = True) -> DeskError:
        """What a failed call means for the desk."""
        if isinstance(failed, WorkflowUpdateFailedError):
            return self._failure(failed.cause)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # Temporal's client reports an interruption as a time-out; whoever interrupts does not wait for an answer.
            raise asyncio.CancelledError from failed
        unavailable = isinstance(failed, RPCError) and failed.status is RPCStatusCode.UNAVAILABLE
        if sent and not unavailable:
            return OutcomeUnknown(
                "no answer came in time, so the outcome is unknown: run the same command again, which is safe. "
                "Does a worker run? (`starter stack status`)"
            )
        return PartUnreachable("Temporal or its worker does not answer; `starter stack up` starts them")

    def _failure(self, cause: BaseException | None) -> DeskError:
        inner = cause
        while isinstance(inner, FailureError) and not isinstance(inner, ApplicationError) and inner.cause is not None:
            inner = inner.cause
        if isinstance(inner, ApplicationError):
            if inner.type in REFUSALS:
                rule = str(inner.details[0]) if inner.details else ""
                return Refused(inner.message, rule=rule, refusal=inner.type or "")
            if inner.type == LIST_BROKEN:
                line, field = inner.details
                where = [*([f"line {line}"] if line else []), *([str(field)] if field else [])]
                return BadList(f"{', '.join(where)}: {inner.message}" if where else inner.message)
            if inner.type == NO_SUCH_CASE:
                return NoSuchCase(inner.message)
            if inner.type == "ProviderUnavailable":
                return PartUnreachable("the provider of the house's tokens does not answer")
            if inner.type in {"PartUnreachable", "LedgerUnavailable"}:
                return PartUnreachable("the ledger's database does not answer; `starter stack status` shows the parts")
        return PartUnreachable(
            "no worker answered in time; run the same command again once `starter stack status` shows that one runs"
        )


def _taken_as(place: Place, envelope: Envelope[Any]) -> int | None:
    """The step that this command became before its case ended, if it did."""
    return max(
        (seq for decision, seq in place.decisions.items() if decision.startswith(f"{envelope.command}.")), default=None
    )
