"""Whether the register takes what reaches it: who signed it, by which office, when, and whether it is what it says.

The ledger finds the grounds, in the transaction in which it would write; the judge here says yes or raises a refusal.
Nothing that reaches the worker's side is believed for where it comes from: not an officer's command, not word from
another case, not the state that a workflow says it has.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from pydantic import AwareDatetime

from domain.candidacy import CandidacyState, Tiding, TidingKind
from domain.envelope import Envelope
from domain.errors import (
    AlteredCommand,
    NotAdmissible,
    NotAtThisStage,
    ReplayedCommand,
    StaleCommand,
    StrayCase,
    UnfoundedWord,
    UnknownSigner,
)
from domain.ids import CASE_PATTERN, OFFICER_PATTERN, KeyId, OfficerId
from domain.interests import check_interest, check_own
from domain.ledger import Entry
from domain.lists import ListAct, ListState, SeatLaw, check_returning
from domain.model import Model
from domain.offices import APART, POWERS, Officer, Request, check_apart, check_power
from domain.session import SessionState
from domain.signing import Digest, Evidence, Identity, PublicKey, Signed, decision_of, digest
from domain.steps import CaseKind, CaseState, Trigger
from domain.suspension import (
    ORDERING,
    Charge,
    SuspensionAct,
    SuspensionState,
    check_heard,
    check_hits,
    check_opening,
    check_return,
)

REGISTER: Final = "register"
"""What a command or question names as its case that is about the register as a whole."""


_OWN: Final = frozenset({"officer.declare_interest", "officer.withdraw_interest", "read.interests"})
"""What an officer does with regard to that officer's own interests alone."""


class Signatures(Protocol):
    """Checks signatures."""

    def holds(self, signature: str, covered: bytes, key: PublicKey) -> bool:
        """Whether a signature over these bytes was made with the private half of a key."""


Proof = tuple[str, bytes, PublicKey]
"""A signature, what it is over, and the key it was made with: all that is needed to check it."""


class Tokens(Protocol):
    """Verifies bearer tokens of a house's OpenID Connect provider."""

    async def evidence(self, token: str) -> Evidence:
        """What a token says, once its issuer, audience and signature are verified; its time is for others to judge.

        Raises:
            UnknownSigner: It is none of that provider's for this register.
        """


class Presented(Model):
    """A signed command as it is presented to the register, beside what it would do there.

    Attributes:
        power: What it would do, by its name among the powers; the worker's side says so, not the command.
        cases: What it may be done to, by every name of that.
        signed: The command without its content, and its signature; None where nobody signed it.
        content: The content; None where the person's data was erased since, and its digest alone is left.
    """

    power: str
    cases: tuple[str, ...]
    signed: Signed | None
    content: dict[str, Any] | None


class Command(Presented):
    """A signed command that becomes no step of a case, as it is taken on the worker's side.

    Attributes:
        taken: The clock's reading when it was taken.
        by: The attempt that takes it; one that is made again is the same, and any other with this command a replay.
    """

    taken: AwareDatetime
    by: str


def presented(envelope: Envelope[Model], power: str, *cases: str) -> Presented:
    """What a command is to the register."""
    return Presented(power=power, cases=cases, signed=envelope.signed, content=envelope.content.model_dump(mode="json"))


class Upkeep(Model):
    """The content of a command about the register as a whole: the act says it all."""


class Written(Presented):
    """A command as it stands in the register, to be judged once more.

    Attributes:
        place: Where it stands.
        taken: The clock's reading when it was taken.
        acts: What officers did before in the same case, each with who signed it.
    """

    place: str
    taken: AwareDatetime | None
    acts: tuple[tuple[str, str], ...] = ()


def proof_of(written: Written, officer: Officer | None) -> Proof | None:
    """What a command's signature is checked by; None where it has none that could be checked.

    Args:
        written: The command.
        officer: Whose the key is that it names.
    """
    signed = written.signed
    if signed is None or signed.signature is None or officer is None or not isinstance(officer.key, PublicKey):
        return None
    return signed.signature, signed.covered, officer.key


class Incident(Model):
    """Something refused for want of authority, as it is written down. Holds no personal data."""

    refusal: str
    rule: str
    power: str
    place: str
    signer: OfficerId | None = None
    key: KeyId | None = None
    by: str


class Grounds(Model):
    """What the ledger holds that a step is judged by.

    Attributes:
        officer: Whose the key is that signed; None where nobody admitted it.
        replayed: The command was taken before, by another attempt than this one.
        reference: The case that the workflow carries; None where there is none yet.
        seq: The number of its last step.
        imprint: The imprint of the state that step led to.
        acts: What officers did in this case, each with who signed it.
        interested: The officers who have an interest in this case.
        founded: Another case was recorded as saying this very word to this one.
        session: The session as it stands, for a case's first step.
        terms_told: The terms that the case came in under are terms of its session.
        candidacy: The candidacy of a suspension as its own record has it, where that is needed.
        suspension: The suspension as it stands, where a decision is reversed or the candidacy given another order.
        seat: The list of its candidacy, where a decision is reversed.
        returning: For a list, the candidacies that are to take up a seat of it again and have not said so yet.
    """

    officer: Officer | None = None
    replayed: bool = False
    reference: str | None = None
    seq: int = 0
    imprint: Digest | None = None
    acts: tuple[tuple[str, str], ...] = ()
    interested: frozenset[OfficerId] = frozenset()
    founded: bool = False
    session: SessionState | None = None
    terms_told: bool = False
    candidacy: CandidacyState | None = None
    suspension: SuspensionState | None = None
    seat: ListState | None = None
    returning: tuple[str, ...] = ()


def power_of(entry: Entry) -> str:
    """The power that a step needs where an officer takes it."""
    return f"{entry.kind}.{entry.step.act}"


def needs_acts(power: str) -> bool:
    """Whether who did what before in the same case matters."""
    return power in APART


@dataclass(frozen=True)
class Freshness:
    """How long a signature is good for.

    Attributes:
        within: From when it was made until the worker's side takes the command.
        skew: By how much the signer's clock may be ahead.
    """

    within: timedelta
    skew: timedelta

    def check(self, issued: datetime, taken: datetime) -> None:
        """Whether a command that is taken at an instant was signed recently.

        Raises:
            StaleCommand: It was signed too long before, or after.
        """
        if issued - taken > self.skew:
            raise StaleCommand(
                "signed in the future; is the clock of the signer's machine right?", rule="stale-command"
            )
        if taken - issued > self.within:
            raise StaleCommand(
                f"signed more than {self.within.total_seconds():g} s before it was taken; give the command again",
                rule="stale-command",
            )


@dataclass(frozen=True)
class Judge:
    """Says what the register takes."""

    signatures: Signatures
    freshness: Freshness
    tokens: Tokens | None = None

    async def vouched(self, signed: Signed | None) -> Signed | None:
        """A command with its token verified and put away, where it has one; before the transaction that would write it.

        Raises:
            UnknownSigner: The token is not one that is taken here.
        """
        if signed is None or signed.token is None:
            return signed
        if self.tokens is None:
            raise UnknownSigner("no provider's tokens are taken here; sign with a key", rule="no-tokens")
        evidence = await self.tokens.evidence(signed.token)
        return signed.model_copy(update={"token": None, "evidence": evidence})

    def command(self, command: Command, grounds: Grounds) -> None:
        """Judge a command that becomes no step of a case.

        Raises:
            Refusal: It is not what it says, or its signer may not give it.
        """
        signed = _agreed(command)
        self._signed(signed, command.power, grounds, command.taken)
        if command.power in _OWN:
            check_own(signed.case, signed.signer)
        check_interest(command.power, signed.signer, command.content, grounds.interested)

    def written(self, written: Written, officer: Officer | None, *, genuine: bool) -> None:
        """Judge once more what was taken long ago.

        Args:
            written: The command.
            officer: Whose the key is, with every office that was ever held through it.
            genuine: Whether its ``proof_of`` holds.

        Raises:
            Refusal: It would not be taken.
        """
        if written.taken is None:
            raise StaleCommand("nobody says when it was taken", rule="stale-command")
        signed = _agreed(written)
        self._signed(signed, written.power, Grounds(officer=officer, acts=written.acts), written.taken, genuine=genuine)

    def request(self, request: Request) -> None:
        """Judge a request to be admitted.

        Raises:
            NotAdmissible: Whoever made it does not hold the key.
        """
        key = request.key
        # An identity is vouched for by its provider each time that it acts.
        if isinstance(key, PublicKey) and not self.signatures.holds(request.proof, request.covered, key):
            raise NotAdmissible("the request was not made with the key it names", rule="key-proof")

    def entry(self, entry: Entry, state: CaseState, grounds: Grounds, vouched: Signed | None) -> None:
        """Judge a step that does not stand in the ledger yet.

        Args:
            entry: The step.
            state: The state it leads to.
            grounds: What the ledger holds.
            vouched: Its command, as ``vouched`` gives it back.

        Raises:
            Refusal: It does not come from where it says.
        """
        step = entry.step
        if entry.workflow_id != state.workflow_id:
            raise StrayCase("the workflow is not the one that carries this case", rule="ledger-state")
        if step.trigger is Trigger.OFFICER:
            if (signed := vouched) is None:
                raise UnknownSigner("nobody has signed this", rule="signature")
            if entry.taken is None:
                raise StaleCommand("nobody says when it was taken", rule="stale-command")
            if signed.case not in {entry.workflow_id, state.reference} - {""}:
                raise AlteredCommand("the envelope is addressed to another case", rule="envelope-case")
            _check_content(step.content, signed)
            command = decision_of(signed.act, signed.case, signed.content_hash, signed.signer)
            if step.decision != f"{command}.{signed.basis}":
                raise AlteredCommand("the decision is not the one that was signed", rule="envelope-decision")
            self._signed(signed, power_of(entry), grounds, entry.taken)
            check_interest(power_of(entry), signed.signer, step.content, grounds.interested)
        self._follows(entry, state, grounds)
        if undoes(entry):
            if grounds.suspension is None or grounds.candidacy is None:
                raise StrayCase("there is no decision to undo", rule="ledger-state")
            check_return(
                grounds.suspension,
                step.at,
                candidacy=grounds.candidacy,
                seat=grounds.seat,
                session=grounds.session,
            )
        if isinstance(state, ListState):
            check_returning(state, grounds.returning)
        if may_order(entry) and grounds.suspension is not None and grounds.candidacy is not None:
            check_heard(grounds.suspension, SuspensionAct(step.act), grounds.candidacy)
        if isinstance(state, SuspensionState) and step.act == SuspensionAct.OPEN:
            own = grounds.candidacy
            check_hits(Charge.model_validate(step.content), own.file if own is not None else None, step.at)
        if step.trigger is Trigger.CASE and not grounds.founded and not _explained(entry, state, grounds):
            raise UnfoundedWord("no case was recorded as saying this", rule="word-unfounded")
        if step.seq == 1 and not isinstance(state, SessionState):
            _check_opening(entry, state, grounds)

    def _follows(self, entry: Entry, state: CaseState, grounds: Grounds) -> None:
        """Whether a step follows the last one that the ledger has."""
        seq = entry.step.seq
        if seq != grounds.seq + 1 or state.seq != seq or (seq > 1 and entry.stands_on != grounds.imprint):
            raise StrayCase(
                f"the ledger has another state of this case, at step {grounds.seq}; "
                "`starter ledger verify` compares the two",
                rule="ledger-state",
            )
        if seq > 1 and grounds.reference != state.reference:
            raise StrayCase("the ledger has this case under another reference", rule="ledger-state")

    def _signed(
        self, signed: Signed, power: str, grounds: Grounds, taken: datetime, *, genuine: bool | None = None
    ) -> None:
        """Whether a command is by whom it says, and may be; ``genuine`` where the signature was checked before."""
        officer = grounds.officer
        if officer is None:
            raise UnknownSigner("the key is not admitted; the head of desk admits it", rule="unknown-key")
        if officer.person != signed.signer:
            raise UnknownSigner("the key is not that of who is said to have signed", rule="key-of-another")
        match officer.key:
            case PublicKey() as key:
                if genuine is None and signed.signature is not None:
                    genuine = self.signatures.holds(signed.signature, signed.covered, key)
                if not genuine:
                    raise UnknownSigner("the signature is not over this command", rule="signature")
            case Identity() as identity:
                _check_evidence(signed.evidence, identity, taken)
        if grounds.replayed:
            raise ReplayedCommand("this very command was taken before", rule="replayed-command")
        self.freshness.check(signed.issued, taken)
        check_power(power, officer, taken)
        check_apart(power, signed.signer, grounds.acts)


def _check_evidence(evidence: Evidence | None, identity: Identity, taken: datetime) -> None:
    if evidence is None or evidence.identity != identity:
        raise UnknownSigner("no token of this identity is beside the command", rule="token")
    if taken >= evidence.expires:
        raise StaleCommand("the token had expired when the command was taken", rule="token-expired")


def _agreed(presented: Presented) -> Signed:
    """The signature of a command that is what it says, whoever signed it."""
    signed = presented.signed
    if signed is None:
        raise UnknownSigner("nobody has signed this", rule="signature")
    if signed.act != presented.power.rpartition(".")[2]:
        raise AlteredCommand(f"the envelope says {signed.act}, not {presented.power}", rule="envelope-act")
    if signed.case not in presented.cases:
        raise AlteredCommand("the envelope is addressed to another case", rule="envelope-case")
    if presented.content is not None:
        _check_content(presented.content, signed)
    return signed


def _check_content(content: dict[str, Any], signed: Signed) -> None:
    if digest(content) != signed.content_hash:
        raise AlteredCommand("the content is not what was signed", rule="content-hash")


def _check_opening(entry: Entry, state: CaseState, grounds: Grounds) -> None:
    """Whether a new case came in under what its session has, which no officer signs."""
    session = grounds.session
    if session is None or session.ended or not grounds.terms_told:
        raise StrayCase("its session is not open under these terms", rule="session-terms")
    plan = session.plan
    match state:
        case CandidacyState():
            language = state.nomination.candidate.language
            worded = {plan.criteria.statements(language), ()}
            if any(notice.facts.statements not in worded for notice in entry.notices):
                raise StrayCase("the criteria are worded otherwise in its session", rule="session-terms")
        case SuspensionState():
            _check_suspension(entry, state, grounds)
        case ListState() if state.law != SeatLaw(seats=plan.seats, reserved=plan.reserved_seats):
            raise StrayCase("its session has another number of seats", rule="session-terms")
        case _:
            pass


def _check_suspension(entry: Entry, state: SuspensionState, grounds: Grounds) -> None:
    """Whether a new suspension is of the participant it says, and the only one that is open."""
    candidacy = grounds.candidacy
    if (
        candidacy is None
        or (candidacy.reference, candidacy.workflow_id) != (state.candidacy, state.candidacy_workflow)
        or (candidacy.fingerprint, candidacy.nomination.candidate.contact) != (state.fingerprint, state.participant)
    ):
        raise StrayCase("the candidacy is another person's, or its letters go elsewhere", rule="suspension-candidacy")
    charge = Charge.model_validate(entry.step.content)
    check_opening(state.terms, charge, candidacy.stage, entry.step.at)
    if candidacy.review is not None:
        raise NotAtThisStage("another suspension is open on this participant", rule="one-suspension")


def needs_candidacy(entry: Entry) -> bool:
    """Whether a step is judged by what the candidacy's own record says, where no word of it stands in the ledger."""
    step = entry.step
    return entry.kind is CaseKind.SUSPENSION and (
        step.seq == 1 or step.trigger is Trigger.CASE or undoes(entry) or may_order(entry)
    )


def may_order(entry: Entry) -> bool:
    """Whether a step may give a candidacy another order, so that it must have heard of the one before."""
    return entry.kind is CaseKind.SUSPENSION and entry.step.seq > 1 and entry.step.act in ORDERING


def undoes(entry: Entry) -> bool:
    """Whether a step undoes a decision, so that the candidacy and its list must still have room for that."""
    return entry.kind is CaseKind.SUSPENSION and entry.step.act == SuspensionAct.REVERSE


def gives_seats(entry: Entry) -> bool:
    """Whether a step may give a seat to another that its holder has left, so that nobody may be about to come back."""
    return entry.kind is CaseKind.LIST and entry.step.act == ListAct.DECIDE and bool(entry.state["vacated"])


def _explained(entry: Entry, state: CaseState, grounds: Grounds) -> bool:
    """Whether the candidacy's own record explains what its suspension found out without being told.

    A candidacy that has ended may be beyond saying so, and what it said may be lost with the server that carried it.
    """
    candidacy = grounds.candidacy
    if not isinstance(state, SuspensionState) or candidacy is None:
        return False
    tiding = Tiding.model_validate(entry.step.content)
    match tiding.kind:
        case TidingKind.ENDED:
            return candidacy.ended and candidacy.stage is tiding.stage
        case TidingKind.CONTACT:
            return candidacy.nomination.candidate.contact == tiding.contact
        case _:
            return False


_PLACES: Final = re.compile(
    rf"{CASE_PATTERN}(\.[0-9]+\.[0-9]+)?|register|officer/{OFFICER_PATTERN}|(session|list|letter)/[0-9A-Z.-]{{4,40}}|candidacy/[0-9A-Z]{{4,5}}/[0-9a-f]{{32}}"
    r"|suspension/[0-9A-Z]{4,5}/[0-9a-f]{32}/[0-9]{1,4}"
    r"|desk/[A-Za-z]{1,40}/[0-9a-zA-Z/-]{1,50}"
)


def incident_of(
    refusal: str, rule: str, *, power: str, place: str, by: str, signer: str | None = None, key: str | None = None
) -> Incident:
    """What is written down of something that was refused.

    Whoever sends a command chooses its words, so only those are kept that have the form of a reference.
    """
    return Incident(
        refusal=refusal,
        rule=rule,
        power=power if power in POWERS else "none",
        place=place if _PLACES.fullmatch(place) else f"sha256:{digest(place)[:16]}",
        signer=signer,
        key=key,
        by=by,
    )
