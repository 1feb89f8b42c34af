"""The ports: what activities need of the world. Adapters fill them; tests have fakes for them.

Mail errors, by what is known of the letter afterwards:

MailError
├── MailRefused       the server said no for good (5xx); the letter did not go out and will not
├── MailDeferred      the letter certainly did not go out, and a later attempt may succeed (4xx, no connection)
└── MailUncertain     the letter may have gone out; nobody knows
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from domain.authority import Command, Grounds, Incident, Proof, Written
from domain.candidacy import CandidacyState, Order
from domain.chain import Seal
from domain.envelope import Envelope
from domain.erasure import Certificate, Erasure, ErasureOrder, ErasureRequest, Person, Reading
from domain.identity import Namesake
from domain.interests import InterestRow, Interests, Withdrawal
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
)
from domain.lists import Standing, Vacancy
from domain.memories import CaseMemory, ErasureMemory, Recalled
from domain.notices import Letter, Notice
from domain.offices import Admission, Appointment, Officer, Request, Revocation
from domain.people import Language
from domain.retention import EndedCase, Hold, Retention
from domain.screening import Subject
from domain.session import Terms
from domain.signing import Credential, Signed
from domain.steps import CaseKind, CaseState, Dispatch
from domain.watchlists import Import, ListDiff, ListVersion, Screened


class MailError(Exception):
    """A letter was not certainly sent. ``code`` is the server's SMTP reply code; no address is in the message."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class MailRefused(MailError):
    """The server refused the letter or its recipient for good."""


class MailDeferred(MailError):
    """The letter did not go out; a later attempt may succeed."""


class MailUncertain(MailError):
    """The connection broke after the letter was handed over and before the server answered."""


class LedgerUnavailable(Exception):
    """The database cannot be reached or is restarting; the same call may succeed later."""


class LedgerBehind(LedgerUnavailable):
    """The ledger lacks the step before the one that is to be written; once it is rebuilt, the same call succeeds."""


class ProviderUnavailable(Exception):
    """The provider whose tokens are taken does not say by which keys it signs; the same call may succeed later."""


class CaseSilent(Exception):
    """A case runs and does not answer: its workflow is stuck, or no worker carries it."""


class ListBroken(Exception):
    """A published list cannot be read; nothing of it was taken.

    Args:
        problem: What is wrong and what would be right. Lists are public, so it may quote them.
        line: The line it is on, from 1, where that is known.
        field: The column or element, where there is one.
    """

    def __init__(self, problem: str, *, line: int | None = None, field: str | None = None) -> None:
        self.problem = problem
        self.line = line
        self.field = field
        where = [f"line {line}"] if line is not None else []
        where += [field] if field is not None else []
        super().__init__(f"{', '.join(where)}: {problem}" if where else problem)


class Keys(Protocol):
    """The keys under which personal data lies. Every method raises KeysUnavailable while they cannot be reached."""

    async def ready(self, name: str) -> None:
        """Have a key at hand for the next seconds, so that using it does not fail. Raises Erased, KeyMissing."""

    async def seal(self, name: str, plain: bytes, *, place: str = "") -> bytes:
        """Encrypt under a key, for one place only.

        A person's key is made when it is first asked for. Raises Erased where it was destroyed.
        """

    async def unseal(self, sealed: bytes, *, place: str = "") -> bytes:
        """Decrypt what was sealed for this place. Raises Erased, KeyMissing, SealBroken."""

    async def marks(self, texts: Sequence[str]) -> Sequence[str]:
        """What stands for each text: the same for the register's whole life, and of no use without its key."""

    async def entitle(self, reference: str, name: str) -> None:
        """Let a person's key go by the reference of one of the person's cases as well."""

    async def destroy(self, name: str) -> datetime:
        """Destroy a person's key for good; when that was done first. Raises KeyMissing."""

    async def forgotten(self) -> None:
        """Wait until no process can have a key in memory that is destroyed by now."""


class Mailer(Protocol):
    """Sends one letter."""

    async def send(self, outgoing: Outgoing) -> None:
        """Hand a letter to the mail server.

        Raises:
            MailError: It was not certainly sent; the subclass says what is known.
        """


class Renderer(Protocol):
    """Writes a letter."""

    def render(self, notice: Notice, *, case: str, name: str, language: Language) -> Letter:
        """The letter for a notice; ``case`` is the reference the reader may quote, ``name`` the reader's."""


Write = Callable[[str], Sequence[Draft]]
"""Writes a step's letters, given the case's reference."""


class Judging(Protocol):
    """Says what the register takes; see ``domain.authority.Judge``."""

    async def vouched(self, signed: Signed | None) -> Signed | None:
        """A command with its token verified and put away, where it has one.

        Raises:
            Refusal: The token is not one that is taken here.
            ProviderUnavailable: Whoever issues tokens does not answer.
        """

    def entry(self, entry: Entry, state: CaseState, grounds: Grounds, vouched: Signed | None) -> None:
        """Judge a step. Raises Refusal."""

    def command(self, command: Command, grounds: Grounds) -> None:
        """Judge a command that becomes no step. Raises Refusal."""

    def request(self, request: Request) -> None:
        """Judge a request to be admitted. Raises Refusal."""

    def written(self, written: Written, officer: Officer | None, *, genuine: bool) -> None:
        """Judge once more what was taken long ago, by what the register held then. Raises Refusal.

        ``genuine`` says whether its signature holds.
        """


class Proofs(Protocol):
    """Checks many signatures, beside everything else."""

    async def genuine(self, proofs: Sequence[Proof]) -> frozenset[Proof]:
        """Those that hold."""


class Ledger(Protocol):
    """The register's record. Every method raises LedgerUnavailable while the database is away.

    Whatever changes something, and every question of an officer, is judged in the same transaction; a method that takes
    an entry or a command raises Refusal where the judge says no, and has then changed nothing.
    """

    async def record(self, entry: Entry, write: Write) -> Recorded:
        """Write a step, the case's state and the step's letters in one transaction.

        A case's first step allots its reference: the next number of its kind in its session. Writing a step that stands
        already changes nothing and answers as before. Letters overtaken by a new one are withdrawn if they are not out,
        and so is every one to a candidate who has died.

        Raises:
            Refusal: The step may not be taken; nothing was written.
            LedgerBehind: The step before it is missing.
        """

    async def claim(self, letter: str) -> Claim:
        """Take a letter for sending. One that an earlier attempt left claimed becomes ``unknown``.

        One to a candidate who has died is withdrawn.
        """

    async def mark(self, delivery: Delivery) -> LetterState:
        """Write down what became of a claimed letter; the state it is in now.

        One that did not go out, and was overtaken by a newer decision meanwhile, is ``withdrawn``.
        """

    async def restore(self, delivery: Delivery) -> None:
        """Write down what the workflows know of a letter that waits in the ledger and was dealt with long ago."""

    async def state_of(self, letter: str) -> LetterState:
        """The state of a letter. Raises LookupError where there is none."""

    async def is_for_desk(self, letter: str) -> bool:
        """Whether a letter is one to the desk itself. Raises LookupError where there is none."""

    async def add_letter(self, about: str, draft: Draft) -> str:
        """Add a letter about another letter to the same step, once; its reference."""

    async def settle(self, command: Command, settlement: Settlement) -> LetterState:
        """Write down a person's decision about a letter, and what state it is in now."""

    async def answer(self, command: Command, enquiry: Enquiry) -> Answer:
        """Answer a question, and write down who asked.

        Raises:
            LookupError: A case or letter that is asked for does not exist.
            ValueError: The question cannot be answered.
        """

    async def candidacy(self, reference: str) -> CandidacyState | None:
        """A candidacy as it stands; None where there is none of that reference."""

    async def recognise(self, command: Command, *, about: str) -> None:
        """Let a command pass that changes nothing, and write down who gave it."""

    async def authorise(self, command: Command) -> None:
        """Write down a command about the register as a whole, once."""

    async def admit(self, command: Command, admission: Admission) -> Appointment:
        """Admit a key to an office, once."""

    async def revoke(self, command: Command, revocation: Revocation) -> tuple[Appointment, ...]:
        """End offices, once; those that ended."""

    async def declare_interests(self, command: Command, declared: Interests) -> tuple[InterestRow, ...]:
        """Write down what an officer has declared, once; everything the officer ever declared.

        Raises:
            LookupError: A case that is named does not exist.
        """

    async def withdraw_interest(self, command: Command, withdrawal: Withdrawal) -> tuple[InterestRow, ...]:
        """Write down from when an interest holds no more, once; everything the officer ever declared."""

    async def interests_of(self, officer: str) -> Sequence[InterestRow]:
        """Everything that an officer ever declared."""

    async def has(self, command: Command) -> bool:
        """Whether a command that is no step of a case stands in the register."""

    async def namesakes(self, workflow_id: str) -> Sequence[Namesake]:
        """The other candidacies that share a name with one, and what else; by the workflow that carries it."""

    async def hidden_from(self, officer: str, at: datetime) -> frozenset[str]:
        """The references of the cases in which an officer has an interest at an instant of the clock."""

    async def note(self, incident: Incident) -> None:
        """Write down what was refused for want of authority, once for each attempt."""

    async def open_cases(self, session: str | None = None) -> Sequence[tuple[CaseKind, str, str, Mapping[str, Any]]]:
        """Every open case: kind, reference, workflow id and state."""

    async def last_words(self) -> Sequence[Dispatch]:
        """What cases that have ended had to tell cases that are open: known to be decided, not to be delivered."""

    async def unsent_letters(self) -> Sequence[tuple[str, LetterState]]:
        """Every letter that is neither sent nor withdrawn."""

    async def workflows(self, references: Sequence[str]) -> Mapping[str, str]:
        """The workflow of each case, by reference; references that do not exist are left out."""

    async def terms(self, session: str) -> Terms | None:
        """The terms of a session as last recorded; None where it has ended, or never was."""

    async def known_steps(self, workflow_id: str) -> int:
        """How many steps of a workflow's case stand in the ledger; 0 where the case does not."""

    async def totals(self) -> tuple[int, int, int]:
        """How many cases, steps and letters there are."""

    async def register(self) -> Sequence[Appointment]:
        """Every appointment, in order of writing."""

    async def unsigned_appointments(self) -> Sequence[tuple[Credential, Appointment]]:
        """The appointments that nobody signed, each with its key."""

    def written(self) -> AsyncIterator[Written]:
        """Every officer's command that was ever taken: those to the register first, in order, then every case's."""

    async def gaps(self) -> Sequence[str]:
        """The cases whose steps are not numbered from 1 without a gap, or whose last step is not their state's."""

    async def examine(self, progress: Callable[[int, int], None]) -> Sequence[Difference]:
        """Read the chain of events; what is wrong with it. ``progress`` is told how many are read, of how many."""

    async def unsealed(self) -> tuple[int, bytes] | None:
        """The number and head of the chain's last link; None where there is none, or it is sealed."""

    async def seal(self, seal: Seal) -> None:
        """Keep a seal; where the same head is sealed already, that seal stays."""

    async def seals(self) -> Sequence[Seal]:
        """Every seal, in order."""


class Sealer(Protocol):
    """Who seals the ledger."""

    def seal(self, n: int, head: bytes, at: datetime) -> Seal:
        """The seal of a head, signed."""

    def knows(self, seal: Seal) -> bool:
        """Whether a seal is genuine."""

    def certify(self, certificate: Certificate) -> Certificate:
        """A certificate, signed."""

    def certified(self, certificate: Certificate) -> bool:
        """Whether a certificate is genuine."""


class Cases(Protocol):
    """The running cases, asked directly: they, not the ledger, know where they stand."""

    async def standings(self, workflow_ids: Mapping[str, str]) -> Mapping[str, Standing]:
        """How candidacies stand, by reference; those that answer no more are left out."""

    async def affected(self, workflow_id: str, terms: Terms) -> tuple[str, ...]:
        """Which kinds of date of a candidacy would move under other terms."""

    async def imprints(self, workflow_id: str) -> Mapping[str, str] | None:
        """What a running case says of its state, without telling it; None where it does not run. Raises CaseSilent."""

    async def running(self, kind: CaseKind) -> Sequence[str]:
        """The workflow ids of every running case of a kind."""

    async def rearm(self, workflow_id: str, terms: Terms) -> None:
        """Send a case its session's new terms; a case that does not run needs none."""

    async def tell(self, word: Dispatch) -> None:
        """Deliver word to a case, which knows it if it heard it before; one that does not run needs none."""

    async def restart(self, kind: CaseKind, state: CaseState) -> bool:
        """Start a case again from its state; False where it runs already."""

    async def reinstate(self, state: CandidacyState, order: Order) -> None:
        """Give a candidacy an order, and start it again from its state for that where it does not run."""

    async def rescreen(self, workflow_id: str) -> None:
        """Have a candidacy ask the lists again; one that does not run needs nothing."""

    async def look_after(self, delivery: Delivery, case: str) -> bool:
        """Start looking after a letter that is not out; False where that is under way already."""


class Erasures(Protocol):
    """The register, where a person's data is erased. Raises LedgerUnavailable while the database is away."""

    async def person(self, candidacy: str) -> Person:
        """Whose candidacy it is. Raises LookupError where there is none."""

    async def erasure(self, key: str) -> Erasure | None:
        """The erasure of a person's data that was asked for, or done."""

    async def request_erasure(self, person: Person, envelope: Envelope[ErasureRequest], at: datetime) -> None:
        """Write down that an erasure is asked for."""

    async def erase(self, person: Person, envelope: Envelope[ErasureOrder], at: datetime) -> None:
        """Write down that it is done, once: the case ends where it stood, and no letter of the person's goes out."""

    async def expire(self, person: Person, retention: Retention, at: datetime) -> bool:
        """The same, by the rule for the case's ending; False where nothing was written since the case must be kept.

        An erasure that was begun by a rule before is true again.
        """

    async def certify(self, certificate: Certificate) -> None:
        """Keep the certificate."""

    async def restore_erasure(self, erased: ErasureMemory, case: CaseMemory | None, reason: str | None) -> bool:
        """Write down again that a person's data was erased, once; False where that is not possible.

        Args:
            erased: The erasure.
            case: The candidacy, as Temporal lists it; needed where the register does not have it.
            reason: Why it was asked for.
        """

    async def skeleton(self, person: Person) -> tuple[int, int, int]:
        """What stays of a person: how many steps and letters there are, and how many of the letters went out."""

    async def read_all(self, person: Person) -> Reading:
        """Try to read everything that the register holds of a person."""


class Retentions(Protocol):
    """The register, where it keeps cases for some time. Every method raises LedgerUnavailable while it is away."""

    async def hold(self, command: Command, hold: Hold) -> None:
        """Hold a case back from being erased by itself, once.

        Raises:
            Refusal: The judge does not take it, or the day is over.
            LookupError: There is no such candidacy.
        """

    async def hold_back(self, since: datetime) -> Sequence[str]:
        """Hold back, until an officer says otherwise, what may have been held back before it was lost.

        These are the candidacies that were opened before an instant and written again after it, but for those of which
        an officer's word is known. All that are held back by this, by reference.
        """

    async def ended(self) -> Sequence[EndedCase]:
        """Every candidacy that has ended and is not erased, by reference; without those with an open suspension."""

    async def begun(self) -> Sequence[str]:
        """The candidacies whose erasure by a rule was begun, and is not certified."""

    async def announce(self, session: str, candidacies: Sequence[str], last: date, draft: Draft) -> str:
        """Add a letter to a session's last step that tells the desk of a last day, and write down that it was told.

        Said again of the same candidacies and day, it changes nothing. The letter's reference.
        """

    async def announcements(self) -> Sequence[str]:
        """The letters that tell the desk of erasures and have yet to go out."""


class Estate(Protocol):
    """What Temporal holds of a person."""

    async def close(self, person: Person, reason: str) -> None:
        """End every open workflow of a person's, and wait until it is closed."""

    async def vacate(self, list_workflow: str, vacancy: Vacancy) -> None:
        """Tell a list that a candidacy has left its place; a list that does not run need not know."""

    async def read_all(self, person: Person) -> Reading:
        """Try to read everything that Temporal holds of a person."""


class Memories(Protocol):
    """What the workflows remember, read from their histories."""

    def remember(self) -> AsyncIterator[CaseMemory]:
        """Every case with its recorded steps, in order; cases that are kept no longer are left out."""

    async def commands(self) -> Sequence[Recalled]:
        """The commands that became no step of a case, in the order in which they were taken."""

    async def erasures(self) -> Sequence[ErasureMemory]:
        """The erasures that were certified."""

    async def since(self) -> datetime:
        """From when on everything is remembered; what ended before may be gone."""


Progress = Callable[[int], Awaitable[None]]
"""Told how many entries of a list have been dealt with so far."""


class Watchlists(Protocol):
    """The lists that people are screened against. Every method raises LedgerUnavailable while the database is away."""

    async def take(self, handed_in: Import, progress: Progress) -> ListVersion:
        """Take a list that was handed in as a new version, once: as a whole, or not at all.

        Raises:
            ListBroken: It cannot be read, or is not there.
        """

    async def lists(self) -> Sequence[ListVersion]:
        """The version in force of every list, by name."""

    async def versions(self, name: str) -> Sequence[ListVersion]:
        """Every version of a list, newest first. Raises LookupError where there is no such list."""

    async def diff(self, name: str, old: int, new: int) -> ListDiff:
        """What changed between two versions. Raises LookupError where one of them does not exist."""

    async def remove(self, name: str) -> None:
        """Take a list out of the register, with all its versions. Raises LookupError where there is none."""


class Screener(Protocol):
    """Compares people with the lists."""

    async def screen(self, subject: Subject) -> Screened:
        """What the lists say of somebody; a list that could not be asked is among the silent, never left out.

        Raises:
            LedgerUnavailable: The lists cannot be reached at all.
        """
