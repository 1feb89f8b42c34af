"""What the register takes: every way in which it says no, and that nothing but the truth gets a yes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.signatures import JsonWebSignatures
from domain import candidacy, suspension
from domain.authority import Freshness, Grounds, Judge, incident_of
from domain.candidacy import Act, CandidacyState, Reason
from domain.errors import Refusal, UnknownSigner
from domain.ledger import Entry, Settlement, SettlementHow, entry
from domain.offices import Office, Officer
from domain.session import SessionState
from domain.signing import Evidence, Identity
from domain.steps import CaseKind
from domain.suspension import SuspensionStage, SuspensionState
from tests.builders import (
    NOMINATED_AT,
    a_candidacy,
    a_case,
    a_nomination,
    a_plan,
    a_reversal,
    a_session,
    an_entry,
    an_envelope,
    commanded,
    heard,
    terms,
    under_review,
)
from tests.officers import a_command, a_pair, an_officer

JUDGE = Judge(
    signatures=JsonWebSignatures(), freshness=Freshness(within=timedelta(minutes=10), skew=timedelta(minutes=1))
)
TAKEN = NOMINATED_AT + timedelta(seconds=2)


def signed_withdrawal(state: CandidacyState, *, number: int = 1, **changes: Any) -> Entry:
    """A withdrawal's entry; the envelope is altered before it is signed."""
    envelope = an_envelope(
        "withdraw", state.reference, Reason(reason="No time."), signer=f"O-{number}", basis=state.seq
    )
    signed = a_pair(number).sign(envelope.model_copy(update=changes))
    outcome = candidacy.command(state, signed, NOMINATED_AT + timedelta(hours=1))
    return an_entry(outcome).model_copy(update={"taken": TAKEN, "stands_on": state.imprint})


def grounds(state: CandidacyState, **changes: Any) -> Grounds:
    fields: dict[str, Any] = {
        "officer": an_officer(1, [Office.DESK_OFFICER]),
        "reference": state.reference,
        "seq": state.seq,
        "imprint": state.imprint,
        "acts": (("nominate", "O-1"),),
    }
    return Grounds.model_validate(fields | changes)


def judge(entry: Entry, held: Grounds) -> None:
    JUDGE.entry(entry, CandidacyState.model_validate(entry.state), held, entry.step.signed)


STATE = a_case()
GOOD = signed_withdrawal(STATE)


def altered(**changes: Any) -> Entry:
    return GOOD.model_copy(update={"step": GOOD.step.model_copy(update=changes)})


def test_command_of_an_officer_with_the_power_is_taken() -> None:
    judge(GOOD, grounds(STATE))


REFUSED: dict[str, tuple[Entry, Grounds, str, str]] = {
    "unsigned": (altered(signature=None), grounds(STATE), "UnknownSigner", "signature"),
    "no such key": (GOOD, grounds(STATE, officer=None), "UnknownSigner", "unknown-key"),
    "another's key": (GOOD, grounds(STATE, officer=an_officer(2)), "UnknownSigner", "key-of-another"),
    "a signature cut short": (
        altered(signature=(GOOD.step.signature or "")[:-4]), grounds(STATE), "UnknownSigner", "signature"
    ),
    "another nonce": (altered(nonce="f" * 32), grounds(STATE), "UnknownSigner", "signature"),
    "another time": (altered(issued=NOMINATED_AT + timedelta(seconds=1)), grounds(STATE), "UnknownSigner", "signature"),
    "another content": (altered(content={"reason": "x"}), grounds(STATE), "AlteredCommand", "content-hash"),
    "another decision": (altered(decision="0" * 32 + ".1"), grounds(STATE), "AlteredCommand", "envelope-decision"),
    "another case": (signed_withdrawal(STATE, case="C-2026-0002"), grounds(STATE), "AlteredCommand", "envelope-case"),
    "taken before": (GOOD, grounds(STATE, replayed=True), "ReplayedCommand", "replayed-command"),
    "signed too long ago": (
        signed_withdrawal(STATE, issued=TAKEN - timedelta(minutes=11)), grounds(STATE), "StaleCommand", "stale-command"
    ),
    "signed in the future": (
        signed_withdrawal(STATE, issued=TAKEN + timedelta(minutes=2)), grounds(STATE), "StaleCommand", "stale-command"
    ),
    "taken at no time": (GOOD.model_copy(update={"taken": None}), grounds(STATE), "StaleCommand", "stale-command"),
    "the wrong office": (GOOD, grounds(STATE, officer=an_officer(1, [Office.PRESIDENT])), "NotYourOffice", "office"),
    "an office that is over": (GOOD, grounds(STATE, officer=an_officer(1, until=TAKEN)), "NotYourOffice", "office"),
    "an office that was ended": (GOOD, grounds(STATE, officer=an_officer(1, revoked=TAKEN)), "NotYourOffice", "office"),
    "another state": (GOOD, grounds(STATE, imprint="0" * 64), "StrayCase", "ledger-state"),
    "a step too many": (GOOD, grounds(STATE, seq=2), "StrayCase", "ledger-state"),
    "another reference": (GOOD, grounds(STATE, reference="C-2026-0009"), "StrayCase", "ledger-state"),
    "another workflow": (
        GOOD.model_copy(update={"workflow_id": f"candidacy/2026/{'f' * 32}"}),
        grounds(STATE), "StrayCase", "ledger-state",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_step_that_does_not_come_from_where_it_says_is_refused(what: str) -> None:
    entry, held, kind, rule = REFUSED[what]
    with pytest.raises(Refusal) as refused:
        judge(entry, held)
    assert (type(refused.value).__name__, refused.value.rule) == (kind, rule)


def test_word_of_another_case_is_taken_where_that_case_gave_it() -> None:
    state = a_case(candidacy.Stage.CLEARED)
    entry = an_entry(heard(state, Act.RESERVE, rank=1)).model_copy(update={"stands_on": state.imprint})
    judge(entry, grounds(state, founded=True))
    with pytest.raises(Refusal, match="no case was recorded as saying this"):
        judge(entry, grounds(state))


def a_nomination_in(**changes: Any) -> tuple[Entry, Grounds]:
    """A signed nomination, and a session whose terms it came in under."""
    opened = a_candidacy(a_nomination())
    envelope = an_envelope("nominate", opened.state.workflow_id, opened.state.nomination)
    signed = a_pair().sign(envelope)
    statements = opened.notices[1].facts.statements
    opened = candidacy.open_case(
        signed, terms=opened.state.terms, fingerprint=opened.state.fingerprint, statements=statements, at=NOMINATED_AT
    )
    entry = an_entry(opened).model_copy(update={"taken": TAKEN})
    plan = a_plan()
    session = SessionState(
        reference=plan.reference, entered=NOMINATED_AT, mark=NOMINATED_AT, plan=plan, closed_days=terms().closed_days
    )
    fields = {"officer": an_officer(), "session": session, "terms_told": True}
    return entry, Grounds.model_validate(fields | changes)


def test_new_case_comes_in_under_the_terms_of_its_session() -> None:
    judge(*a_nomination_in())
    for changes in ({"terms_told": False}, {"session": None}):
        with pytest.raises(Refusal, match="its session is not open under these terms"):
            judge(*a_nomination_in(**changes))


def test_new_case_words_the_criteria_as_its_session_does() -> None:
    entry, held = a_nomination_in()
    notices = [
        each.model_copy(update={"facts": each.facts.model_copy(update={"statements": ("Nothing at all",)})})
        for each in entry.notices
    ]
    with pytest.raises(Refusal, match="the criteria are worded otherwise in its session"):
        judge(entry.model_copy(update={"notices": tuple(notices)}), held)


def a_signed_reversal(*, number: int = 4) -> tuple[Entry, SuspensionState]:
    """A reversal's entry, and the suspension that it undoes the decision of."""
    state = under_review(SuspensionStage.EXCLUDED)
    envelope = an_envelope("reverse", state.reference, a_reversal(), signer=f"O-{number}", basis=state.seq)
    outcome = suspension.command(state, a_pair(number).sign(envelope), state.entered + timedelta(hours=1))
    step = entry(CaseKind.SUSPENSION, outcome, workflow_id=state.workflow_id, session="2026", ended=False, taken=TAKEN)
    return step.model_copy(update={"stands_on": state.imprint}), state


def test_reversal_is_held_against_what_it_undoes() -> None:
    step, state = a_signed_reversal()
    after = SuspensionState.model_validate(step.state)
    held = Grounds(
        officer=an_officer(4, [Office.BUREAU_CLERK]),
        reference=state.reference,
        seq=state.seq,
        imprint=state.imprint,
        acts=(("open", "O-1"), ("report", "O-2")),
        session=a_session(),
        candidacy=a_case(candidacy.Stage.EXCLUDED),
        suspension=state,
    )
    JUDGE.entry(step, after, held, step.step.signed)
    for changes, rule in (
        ({"suspension": None}, "ledger-state"),
        ({"candidacy": None}, "ledger-state"),
        ({"candidacy": a_case(candidacy.Stage.PARTICIPANT)}, "suspension-participant"),
        ({"session": None}, "session-closed"),
        ({"acts": (("open", "O-4"),)}, "reverse-apart-from-open"),
        ({"officer": an_officer(4, [Office.DESK_OFFICER])}, "office"),
    ):
        with pytest.raises(Refusal) as refused:
            JUDGE.entry(step, after, held.model_copy(update=changes), step.step.signed)
        assert refused.value.rule == rule


def test_command_that_becomes_no_step_is_held_against_what_it_would_do() -> None:
    letter = "C-2026-0001.1.1"
    settlement = Settlement(how=SettlementHow.SENT, reason="It came.")
    held = Grounds(officer=an_officer())
    JUDGE.command(a_command("letter.settle", letter, settlement), held)
    for command, rule in (
        (a_command("letter.settle", letter, settlement, act="resettle"), "envelope-act"),
        (a_command("letter.settle", letter, settlement).model_copy(update={"cases": ("x",)}), "envelope-case"),
        (a_command("letter.settle", letter, settlement).model_copy(update={"content": {}}), "content-hash"),
        (a_command("letter.settle", letter, settlement).model_copy(update={"signed": None}), "signature"),
        (a_command("letter.settle", letter, settlement, number=2), "key-of-another"),
    ):
        with pytest.raises(Refusal) as refused:
            JUDGE.command(command, held)
        assert refused.value.rule == rule


def test_incident_holds_only_what_has_the_form_of_a_reference() -> None:
    known = incident_of("StrayCase", "x", power="list.decide", place="C-2026-0001.1.2", by="run/1")
    assert (known.power, known.place) == ("list.decide", "C-2026-0001.1.2")
    assert incident_of("StrayCase", "x", power="list.decide", place="session/2026", by="run/1").place == "session/2026"
    said = incident_of("StrayCase", "x", power="Ada Example", place="candidacy/2026/Ada Example", by="run/1")
    assert said.power == "none"
    assert said.place.startswith("sha256:")


def test_request_is_made_by_who_holds_the_key() -> None:
    request = a_pair(5).request(NOMINATED_AT)
    JUDGE.request(request)
    for changes in ({"person": "O-6"}, {"key": a_pair(6).public}, {"made": datetime.now(NOMINATED_AT.tzinfo)}):
        with pytest.raises(Refusal, match="the request was not made with the key it names"):
            JUDGE.request(request.model_copy(update=changes))


def test_later_step_stands_on_the_imprint_of_the_one_before_whatever_was_told_meanwhile() -> None:
    state = commanded(a_case(candidacy.Stage.PROPOSED), Act.WITHDRAW, Reason(reason="No time.")).state
    assert state.outbox
    assert state.model_copy(update={"outbox": ()}).imprint == state.imprint
    assert CandidacyState.model_validate(state.model_dump(mode="json")).imprint == state.imprint
    assert state.model_copy(update={"round": 2}).imprint != state.imprint


IDENTITY = Identity(iss="https://login.example.org", sub="officer-at-the-house")
EVIDENCE = Evidence(
    iss=IDENTITY.iss, sub=IDENTITY.sub, kid="one", issued=TAKEN, expires=TAKEN + timedelta(minutes=5), digest="0" * 64
)


class OneProvider:
    """A provider that vouches for one token."""

    async def evidence(self, token: str) -> Evidence:
        if token != "the token":
            raise UnknownSigner("no such token", rule="token")
        return EVIDENCE


def by_token(**changes: Any) -> tuple[Entry, Grounds]:
    """A withdrawal with a token beside it, and the officer whose identity that is."""
    key = an_officer(1, [Office.DESK_OFFICER]).appointments[0].model_copy(update={"key": IDENTITY.id})
    officer = Officer(person="O-1", key=IDENTITY, appointments=(key,))
    step = GOOD.step.model_copy(update={"signature": None, "token": "the token", "key": IDENTITY.id} | changes)
    return GOOD.model_copy(update={"step": step}), grounds(STATE, officer=officer)


async def judge_token(entry: Entry, held: Grounds, tokens: OneProvider | None) -> None:
    judge = Judge(signatures=JUDGE.signatures, freshness=JUDGE.freshness, tokens=tokens)
    vouched = await judge.vouched(entry.step.signed)
    assert vouched is None or vouched.token is None
    judge.entry(entry, CandidacyState.model_validate(entry.state), held, vouched)


async def test_token_of_the_house_stands_for_a_signature() -> None:
    await judge_token(*by_token(), OneProvider())


async def test_token_that_does_not_vouch_for_this_officer_now_is_refused() -> None:
    for changes, tokens, rule in (
        ({}, None, "no-tokens"),
        ({"token": "another"}, OneProvider(), "token"),
        ({"token": None, "signature": GOOD.step.signature}, OneProvider(), "token"),
        ({"signer": "O-2"}, OneProvider(), "envelope-decision"),
    ):
        with pytest.raises(Refusal) as refused:
            await judge_token(*by_token(**changes), tokens)
        assert refused.value.rule == rule
    entry, held = by_token()
    late = entry.model_copy(update={"taken": EVIDENCE.expires})
    with pytest.raises(Refusal, match="the token had expired when the command was taken"):
        await judge_token(late, held, OneProvider())
    other = an_officer(1, [Office.DESK_OFFICER])
    with pytest.raises(Refusal, match="the signature is not over this command"):
        await judge_token(entry, grounds(STATE, officer=other), OneProvider())
