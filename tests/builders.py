"""Valid values in one call: clearly fictional people, one session, and what a case of theirs looks like.

Every builder takes the fields that a test cares about and fills in the rest. Pure: the same call gives the same value.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from domain import candidacy, lists, suspension
from domain.candidacy import (
    ENDINGS,
    Act,
    Answer,
    CandidacyState,
    Declaration,
    Information,
    InformationRequest,
    Measure,
    Order,
    Reason,
    Stage,
    Tiding,
    TidingKind,
    Word,
)
from domain.criteria import CriteriaSet
from domain.envelope import Envelope
from domain.erasure import Person
from domain.fingerprint import fingerprint
from domain.ids import candidacy_reference, suspension_reference
from domain.ledger import Draft, Entry, entry
from domain.lists import Drafting, ListPlan, ListState, Place, SeatLaw, Standing
from domain.model import Model
from domain.notices import Letter, Role, Template
from domain.people import Contact, Language, Nomination, SeatKind
from domain.retention import Keeping, Retention, RetentionRule
from domain.screening import Hit, ListKind, Match, Trust, Watchlist, hit_on
from domain.session import SessionPlan, SessionState, Terms
from domain.signing import digest
from domain.steps import CaseKind, Outcome
from domain.suspension import (
    Assignment,
    Charge,
    Observations,
    Recommendation,
    Reversal,
    ReviewReport,
    Service,
    SuspensionAct,
    SuspensionDecision,
    SuspensionStage,
    SuspensionState,
)
from domain.timelimits import Limit, day_of
from domain.vetting import Assessment, Finding, Judgement

SESSION: Final = "2026"
LIST: Final = "L-2026-1"
KEY: Final = bytes(range(32))
"""A fingerprint key."""
NOMINATED_AT: Final = datetime(2025, 12, 1, 10, 0, tzinfo=UTC)
"""A Monday, five weeks before nominations close."""


def criteria() -> CriteriaSet:
    """Two criteria, worded in every language."""
    return CriteriaSet.model_validate(
        {
            "version": "1",
            "source": "Resolution 2621",
            "criteria": [
                {"key": key, "text": {language: f"{key} ({language})" for language in Language}}
                for key in ("shares-values", "opposes-war")
            ],
        }
    )


def a_plan(**changes: Any) -> SessionPlan:
    """What the session is opened with: 15 seats, one third reserved, ratified by the plenary."""
    fields: dict[str, Any] = {
        "reference": SESSION,
        "opens": date(2026, 1, 26),
        "closes": date(2027, 1, 24),
        "nominations_close": date(2026, 1, 5),
        "bureau_meets": date(2026, 1, 26),
        "seats": 15,
        "criteria": criteria(),
    }
    return SessionPlan.model_validate(fields | changes)


def terms(**changes: Any) -> Terms:
    """The terms of the session."""
    plan = a_plan()
    state = SessionState(
        reference=plan.reference,
        entered=NOMINATED_AT,
        mark=NOMINATED_AT,
        plan=plan,
        closed_days=frozenset({date(2025, 12, 25), date(2025, 12, 26), date(2026, 1, 1)}),
    )
    return Terms.model_validate(state.terms.model_dump() | changes)


def a_nomination(*, given_name: str = "Ada", family_name: str = "Example", **changes: Any) -> Nomination:
    """A nomination; another name is another person."""
    fields: dict[str, Any] = {
        "candidate": {
            "given_name": given_name,
            "family_name": family_name,
            "birth_date": date(1980, 5, 17),
            "email": "candidate@example.org",
            "language": Language.FRENCH,
        },
        "nominator": {"name": "Nora Invented", "email": "nominator@example.org", "language": Language.ENGLISH},
    }
    return Nomination.model_validate(fields | changes)


def a_family_name(number: int) -> str:
    """A name for the ``number``-th of many people: another number sounds otherwise, however it is spelt."""
    return "Example" + "".join(f"{'bdgklnprtv'[int(digit)]}am" for digit in str(number))


def an_envelope(act: str, case: str, content: Model, *, signer: str = "O-1", **changes: Any) -> Envelope[Any]:
    """A command, closed over its content."""
    fields: dict[str, Any] = {
        "act": act,
        "case": case,
        "content": content,
        "content_hash": digest(content.model_dump(mode="json")),
        "issued": NOMINATED_AT,
        "nonce": digest([act, case, content.model_dump(mode="json"), signer, changes.get("basis", 0)])[:32],
        "signer": signer,
    }
    envelope: Envelope[Any] = Envelope[type(content)].model_validate(fields | changes)  # type: ignore[misc]
    return envelope


def a_candidacy(nomination: Nomination | None = None, *, at: datetime = NOMINATED_AT) -> Outcome[CandidacyState]:
    """A candidacy's first step, not yet in the ledger."""
    nomination = nomination or a_nomination()
    mark = fingerprint(SESSION, nomination, KEY)
    envelope = an_envelope("nominate", f"candidacy/{SESSION}/{mark}", nomination)
    statements = criteria().statements(nomination.candidate.language)
    return candidacy.open_case(envelope, terms=terms(), fingerprint=mark, statements=statements, at=at)


def an_entry(outcome: Outcome[CandidacyState] | None = None) -> Entry:
    """The ledger's entry for a step of a candidacy; its nomination, where no other is given."""
    outcome = outcome or a_candidacy()
    state = outcome.state
    return entry(
        CaseKind.CANDIDACY,
        outcome,
        workflow_id=state.workflow_id,
        session=state.terms.session,
        ended=state.ended,
        deadline=candidacy.deadline(state),
        seat=state.nomination.seat,
    )


def a_declaration(*, consent: bool = True, but: str | None = None) -> Declaration:
    """Consent and a yes to every criterion, ``but`` one."""
    answers = tuple(Answer(criterion=key, affirmed=key != but) for key in criteria().keys)
    return Declaration(consent=consent, answers=answers)


def an_assessment(*judgements: Judgement) -> Assessment:
    """One finding per criterion, in order; clear where none is given."""
    keys = criteria().keys
    given = (*judgements, *(Judgement.CLEAR for _ in keys[len(judgements) :]))
    return Assessment(
        findings=tuple(
            Finding(criterion=key, judgement=judgement, reason="Read the file.", evidence=("Exhibit 1",))
            for key, judgement in zip(keys, given, strict=True)
        )
    )


def a_word(act: Act, *, number: int = 1, of: str = LIST, **facts: Any) -> Word:
    """A list's word to the ``number``-th candidacy."""
    fields = {"decision": f"{of}/{number}/{act}", "act": act, "list": of, "hash": "0" * 64}
    return Word.model_validate(fields | facts)


def an_hour_after(state: CandidacyState | ListState | SessionState | SuspensionState) -> datetime:
    """When the next thing happens in a story that does not say when."""
    return max(state.entered, state.mark) + timedelta(hours=1)


def commanded(
    state: CandidacyState, act: Act, content: Model, *, signer: str = "O-1", at: datetime | None = None
) -> Outcome[CandidacyState]:
    """An officer's command to a candidacy, asked of the law and taken.

    Raises:
        Refusal: A rule forbids it.
    """
    at = at or an_hour_after(state)
    envelope = an_envelope(act, state.reference, content, signer=signer)
    candidacy.check_command(state, envelope, at)
    return candidacy.command(state, envelope, at)


def heard(state: CandidacyState, act: Act, *, at: datetime | None = None, **facts: Any) -> Outcome[CandidacyState]:
    """A list's word, taken by a candidacy."""
    return candidacy.hear(state, a_word(act, **facts), at or an_hour_after(state))


def an_order(state: CandidacyState, act: Act, *, number: int = 1, nth: int = 1, **facts: Any) -> Order:
    """The ``nth`` order of the ``number``-th suspension of a person."""
    workflow = f"suspension/{SESSION}/{state.fingerprint}/{number}"
    fields = {"decision": f"{workflow}/{nth}/{act}", "act": act, "suspension": workflow, "number": number}
    return Order.model_validate(fields | facts)


def ordered(state: CandidacyState, act: Act, *, at: datetime | None = None, **facts: Any) -> Outcome[CandidacyState]:
    """A suspension's order, taken by a candidacy."""
    return candidacy.obey(state, an_order(state, act, **facts), at or an_hour_after(state))


def a_charge(**changes: Any) -> Charge:
    """A trigger: a complaint, for which everything is taken away."""
    fields: dict[str, Any] = {
        "ground": "complaint",
        "measure": Measure.FULL,
        "evidence": [{"source": "Exhibit 1"}],
        "reason": "Two members complained.",
    }
    return Charge.model_validate(fields | changes)


def a_suspension(
    charge: Charge | None = None,
    *,
    of: CandidacyState | None = None,
    number: int = 1,
    signer: str = "O-1",
    at: datetime | None = None,
) -> Outcome[SuspensionState]:
    """A suspension's first step, numbered as the ledger would."""
    of = of or a_case(Stage.PARTICIPANT)
    workflow = f"suspension/{SESSION}/{of.fingerprint}/{number}"
    opened = suspension.open_case(
        an_envelope(SuspensionAct.OPEN, workflow, charge or a_charge(), signer=signer),
        terms=of.terms,
        fingerprint=of.fingerprint,
        number=number,
        candidacy=of.reference,
        candidacy_workflow=of.workflow_id,
        participant=of.nomination.candidate.contact,
        at=at or an_hour_after(of),
    )
    reference = suspension_reference(SESSION, number)
    return opened.model_copy(update={"state": opened.state.model_copy(update={"reference": reference})})


def ruled(
    state: SuspensionState, act: SuspensionAct, content: Model, *, signer: str = "O-1", at: datetime | None = None
) -> Outcome[SuspensionState]:
    """An officer's command to a suspension, asked of the law and taken.

    Raises:
        Refusal: A rule forbids it.
    """
    at = at or an_hour_after(state)
    envelope = an_envelope(act, state.reference, content, signer=signer)
    suspension.check_command(state, envelope, at)
    return suspension.command(state, envelope, at)


def a_service(state: SuspensionState, **changes: Any) -> Service:
    """Delivery on the day after the last thing happened."""
    return Service.model_validate({"how": "registered letter", "on": day_of(state.entered)} | changes)


def a_decision(outcome: Recommendation = Recommendation.LIFTED, **changes: Any) -> SuspensionDecision:
    """A decision of the Bureau, carried."""
    fields: dict[str, Any] = {
        "outcome": outcome,
        "reference": "AS/Bur 12",
        "votes": {"in_favour": 9, "against": 2},
        "reason": "As the report says.",
    }
    return SuspensionDecision.model_validate(fields | changes)


def a_reversal(**changes: Any) -> Reversal:
    """A decision of the Bureau to undo one."""
    fields: dict[str, Any] = {
        "measure": Measure.FULL,
        "reference": "AS/Bur 19",
        "votes": {"in_favour": 9, "against": 2},
        "reason": "A witness has come forward.",
    }
    return Reversal.model_validate(fields | changes)


def under_review(stage: SuspensionStage = SuspensionStage.REVIEW, **opening: Any) -> SuspensionState:
    """A suspension brought to a stage by the shortest road; O-1 opened it, O-2 reviews, O-3 signs what was decided."""
    state = a_suspension(**opening).state
    if stage is SuspensionStage.OPENED:
        return state
    state = ruled(state, SuspensionAct.SERVE, a_service(state)).state
    if stage is SuspensionStage.HEARING:
        return state
    state = ruled(state, SuspensionAct.OBSERVE, Observations(answer="It was not I.")).state
    if stage is SuspensionStage.REVIEW:
        return state
    state = ruled(state, SuspensionAct.ASSIGN, Assignment(reviewer="O-2")).state
    report = ReviewReport(text="It was not.", recommendation=Recommendation.LIFTED)
    state = ruled(state, SuspensionAct.REPORT, report, signer="O-2").state
    match stage:
        case SuspensionStage.UPHELD | SuspensionStage.EXPIRED:
            state = ruled(state, SuspensionAct.DECIDE, a_decision(Recommendation.UPHELD), signer="O-3").state
        case SuspensionStage.VOID:
            state = ruled(state, SuspensionAct.VOID, Reason(reason="Another person."), signer="O-3").state
        case SuspensionStage.EXCLUDED:
            state = ruled(state, SuspensionAct.DECIDE, a_decision(Recommendation.EXCLUDED), signer="O-3").state
        case SuspensionStage.LIFTED | SuspensionStage.DECIDED:
            state = ruled(state, SuspensionAct.DECIDE, a_decision(), signer="O-3").state
    if stage in suspension.OPEN:
        return state
    ended = {
        SuspensionStage.EXPIRED: Stage.EXPIRED,
        SuspensionStage.LAPSED_WITH_SESSION: Stage.EXPIRED,
        SuspensionStage.WITHDRAWN: Stage.WITHDRAWN,
        SuspensionStage.DECEASED: Stage.DECEASED,
    }.get(stage)
    if ended is not None:
        return told(state, TidingKind.ENDED, stage=ended).state
    order = state.decided.order if state.decided is not None else None
    return told(state, TidingKind.OBEYED, order=order).state


def told(
    state: SuspensionState, kind: TidingKind, *, at: datetime | None = None, **facts: Any
) -> Outcome[SuspensionState]:
    """A candidacy's tiding, taken by its suspension."""
    tiding = Tiding(decision=f"{state.candidacy}/{state.seq}/{kind}", kind=kind, **facts)
    return suspension.hear(state, tiding, at or an_hour_after(state))


def a_case(
    stage: Stage = Stage.NOMINATED,
    *,
    number: int = 1,
    seat: SeatKind = SeatKind.GENERAL,
    under: Terms | None = None,
    at: datetime = NOMINATED_AT,
) -> CandidacyState:
    """The ``number``-th candidacy of the session, brought to a stage by the shortest road, an hour for each step.

    Participation begins without ratification, at the session's opening or an hour after approval if that is later.
    """
    nomination = a_nomination(family_name=f"Example{'abcdefghij'[number % 10]}", seat=seat)
    reference = candidacy_reference(SESSION, number)
    mark = f"{number:032x}"
    envelope = an_envelope("nominate", f"candidacy/{SESSION}/{mark}", nomination)
    opened = candidacy.open_case(envelope, terms=under or terms(), fingerprint=mark, statements=(), at=at)
    state = opened.state.model_copy(update={"reference": reference})
    match stage:
        case Stage.NOMINATED:
            return state
        case Stage.DECLINED:
            return commanded(state, Act.DECLINE, Reason(reason="No time.")).state
        case Stage.WITHDRAWN:
            return commanded(state, Act.WITHDRAW, Reason(reason="No time.")).state
        case Stage.LAPSED | Stage.EXPIRED:
            last = Act.LAPSE if stage is Stage.LAPSED else Act.EXPIRE
            due = next(due for due in candidacy.agenda(state) if due.kind == last)
            return candidacy.come_due(state, due, due.at).state
        case Stage.INELIGIBLE:
            return commanded(state, Act.DECLARE, a_declaration(but="opposes-war")).state
    state = commanded(state, Act.DECLARE, a_declaration()).state
    match stage:
        case Stage.VETTING:
            return state
        case Stage.INFORMATION_REQUESTED:
            return commanded(state, Act.REQUEST_INFORMATION, InformationRequest(question="Where were you?")).state
    for signer in ("O-2", "O-3"):
        state = commanded(state, Act.ASSESS, an_assessment(), signer=signer).state
    match stage:
        case Stage.CLEARED:
            return state
        case Stage.NOT_RETAINED:
            return heard(state, Act.NOT_RETAIN).state
        case Stage.RESERVE:
            return heard(state, Act.RESERVE, rank=1).state
    state = heard(state, Act.PROPOSE, seat=seat).state
    if stage is Stage.PROPOSED:
        return state
    if stage is Stage.DECEASED:
        return commanded(state, Act.RECORD_DEATH, Reason(reason="Told by the family.")).state
    begins = max(an_hour_after(state), state.terms.opening) if stage is not Stage.APPROVED else None
    state = heard(state, Act.APPROVE, seat=seat, at=begins).state
    if stage in {Stage.APPROVED, Stage.PARTICIPANT}:
        return state
    state = ordered(state, Act.SUSPEND, measure=Measure.FULL).state
    return state if stage is Stage.SUSPENDED else ordered(state, Act.EXCLUDE).state


def a_hit(trust: Trust = Trust.OFFICIAL, *, name: str = "somebody", entry: str = "1", digest: str = "0" * 64) -> Hit:
    """A hit on the list ``somebody``, whose entry says what ``digest`` stands for."""
    watchlist = Watchlist(name=name, publisher="Somebody", trust=trust, kind=ListKind.SANCTIONS)
    match = Match(entry=entry, digest=digest, caption="Testov", score=0.9, why=("same name",))
    return hit_on(watchlist, 1, match)


def information() -> Information:
    """What a candidate supplied."""
    return Information(answer="At home.", documents=("Exhibit 2",))


def a_standing(number: int, stage: Stage = Stage.CLEARED, **changes: Any) -> Standing:
    """How the ``number``-th candidacy stands."""
    fields: dict[str, Any] = {
        "reference": candidacy_reference(SESSION, number),
        "workflow_id": f"candidacy/{SESSION}/{number:032x}",
        "stage": stage,
        "seat": SeatKind.GENERAL,
    }
    return Standing.model_validate(fields | changes)


def a_list_plan(
    *,
    general: tuple[int, ...] = (),
    reserved: tuple[int, ...] = (),
    reserve: tuple[int, ...] = (),
    not_retained: tuple[int, ...] = (),
) -> ListPlan:
    """A list's content, by the numbers of the candidacies."""

    def references(numbers: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(candidacy_reference(SESSION, number) for number in numbers)

    return ListPlan(
        seats=(
            *(Place(candidacy=reference, seat=SeatKind.GENERAL) for reference in references(general)),
            *(Place(candidacy=reference, seat=SeatKind.RESERVED) for reference in references(reserved)),
        ),
        reserve=references(reserve),
        not_retained=references(not_retained),
    )


def a_list(
    plan: ListPlan,
    standings: dict[str, Standing],
    *,
    law: SeatLaw | None = None,
    under: Terms | None = None,
    at: datetime = NOMINATED_AT,
) -> Outcome[ListState]:
    """A list's first draft: 12 seats, four of them reserved."""
    return lists.open_list(
        an_envelope("draft", LIST, Drafting(plan=plan)),
        reference=LIST,
        terms=under or terms(),
        law=law or SeatLaw(seats=12, reserved=4),
        standings=standings,
        at=at,
    )


def a_contact(**changes: Any) -> Contact:
    """A reader of letters; the desk, where nobody else is given."""
    return Contact.model_validate({"name": "The Desk", "email": "desk@example.org"} | changes)


def a_draft(template: Template = Template.DESK_LETTER, role: Role = Role.DESK, **changes: Any) -> Draft:
    """A letter as it enters the ledger."""
    fields: dict[str, Any] = {
        "number": 1,
        "template": template,
        "role": role,
        "to": a_contact(),
        "letter": Letter(subject="Reference", text=f"{template} letter", html=f"<p>{template} letter</p>"),
    }
    return Draft.model_validate(fields | changes)


def a_person(**changes: Any) -> Person:
    """Somebody with one candidacy and two letters, without a name."""
    mark = "a" * 32
    case = {"reference": "C-2026-0001", "kind": CaseKind.CANDIDACY, "workflow_id": f"candidacy/{SESSION}/{mark}"}
    fields: dict[str, Any] = {
        "key": f"{SESSION}/{mark}",
        "candidacy": "C-2026-0001",
        "cases": [case],
        "letters": ["C-2026-0001.1.1", "C-2026-0001.1.2"],
    }
    return Person.model_validate(fields | changes)


def a_retention(limits: Mapping[Stage, Limit | None] | None = None, *, notice: int = 30) -> Retention:
    """Every ending kept for a year, but for those that are named otherwise."""

    def keeping(ending: Stage) -> Keeping:
        limit = (limits or {}).get(ending, Limit(years=1))
        return Keeping(rule=RetentionRule(setting=f"DESK_RETAIN_{ending.upper()}", value="as set"), limit=limit)

    return Retention(keeping={ending: keeping(ending) for ending in ENDINGS}, notice=notice)


def drafts_of(step: Entry) -> Callable[[str], Sequence[Draft]]:
    """What writes the letters of an entry: one per notice, in order."""

    def write(_reference: str) -> Sequence[Draft]:
        return [
            a_draft(notice.template, notice.role, number=number, to=notice.to or a_contact())
            for number, notice in enumerate(step.notices, 1)
        ]

    return write
