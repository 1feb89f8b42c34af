"""The session list on the command line: hashes, the sheet, and what a decision would lead to."""

from datetime import datetime, timedelta

import click
import pytest

from domain import candidacy, lists
from domain.candidacy import Act, CandidacyState, Stage
from domain.errors import StaleContent, VoteNotCarried
from domain.ledger import CaseRow
from domain.lists import BureauDecision, DecisionOutcome, ListAct, ListStage, ListState, Proposal, Standing, Votes
from domain.people import SeatKind
from domain.steps import CaseKind
from starter.commands.list_ import Foretold, Sheet, resolve
from tests.builders import (
    LIST,
    NOMINATED_AT,
    SESSION,
    a_case,
    a_list,
    a_list_plan,
    a_standing,
    an_envelope,
    an_hour_after,
    heard,
)

PLAN = a_list_plan(general=(1, 2), reserved=(3,), reserve=(4,), not_retained=(5,))
STANDINGS: dict[str, Standing] = {
    standing.reference: standing
    for number in range(1, 6)
    for standing in [a_standing(number, seat=SeatKind.RESERVED if number in {3, 4} else SeatKind.GENERAL)]
}


def drafted() -> ListState:
    return a_list(PLAN, STANDINGS).state


def proposed() -> ListState:
    state = drafted()
    envelope = an_envelope("propose", LIST, Proposal(hash=state.hash))
    return lists.command(state, envelope, NOMINATED_AT, STANDINGS).state


def row(number: int, stage: Stage) -> CaseRow:
    standing = STANDINGS[f"C-{SESSION}-{number:04d}"]
    return CaseRow(
        reference=standing.reference,
        kind=CaseKind.CANDIDACY,
        session=SESSION,
        stage=stage,
        ended=False,
        seat=standing.seat,
        deadline=None,
        seq=1,
        workflow_id=standing.workflow_id,
        opened=NOMINATED_AT,
        changed=NOMINATED_AT,
        troubled_letters=0,
    )


def members(state: ListState) -> dict[str, CandidacyState]:
    """The candidacies of a proposed list, as they stand."""
    cases: dict[str, CandidacyState] = {}
    for number, place in enumerate(state.plan.everybody, 1):
        case = a_case(Stage.CLEARED, number=number)
        if place in state.plan.seated:
            case = heard(case, Act.PROPOSE, seat=SeatKind.GENERAL).state
        elif place in state.plan.reserve:
            case = heard(case, Act.RESERVE, rank=1).state
        cases[place] = case
    return cases


def decision(state: ListState, **changes: object) -> BureauDecision:
    fields = {
        "hash": state.hash,
        "outcome": DecisionOutcome.ADOPTED,
        "votes": Votes(in_favour=12, against=3),
        "reference": "Bureau, item 7",
    }
    return BureauDecision.model_validate(fields | changes)


def test_first_digits_of_the_hash_stand_for_all_of_it() -> None:
    state = drafted()
    assert [resolve(state, state.hash[:length]) for length in (12, 40, 64)] == [state.hash] * 3
    assert resolve(state, state.hash[:12].upper()) == state.hash


@pytest.mark.parametrize("digits", ["", "abc", "0" * 11, "0" * 65, "x" * 12])
def test_what_is_no_hash_is_a_usage_error(digits: str) -> None:
    with pytest.raises(click.BadParameter, match="must be 12 to 64 hexadecimal digits"):
        resolve(drafted(), digits)


def test_hash_of_another_version_is_refused() -> None:
    state = drafted()
    with pytest.raises(StaleContent) as refused:
        resolve(state, "0" * 12)
    assert refused.value.rule == "list-hash"
    assert refused.value.message == (f"the list on the table is version 1 under {state.hash[:12]}…, not 000000000000…")


def test_sheet_shows_who_may_follow_once_the_list_is_in_force() -> None:
    rows = {
        each.reference: each
        for each in [
            row(1, Stage.WITHDRAWN),
            row(2, Stage.PARTICIPANT),
            row(3, Stage.PARTICIPANT),
            row(4, Stage.RESERVE),
        ]
    }
    state = proposed().model_copy(update={"stage": ListStage.RATIFIED, "in_force": PLAN, "vacated": ("C-2026-0001",)})
    document = Sheet.of(state, rows).document()
    assert document["in_force"] is True
    assert document["seats"] == {
        "general": 2, "general_at_most": 8, "reserved": 1, "of_all": 12, "empty": 9, "reserve": 1, "not_retained": 1,
    }  # fmt: skip
    assert document["places"] == [
        {"candidacy": "C-2026-0001", "stage": "withdrawn", "seat": "general"},
        {"candidacy": "C-2026-0002", "stage": "participant", "seat": "general"},
        {"candidacy": "C-2026-0003", "stage": "participant", "seat": "reserved"},
    ]
    assert document["reserve"] == [{"rank": 1, "candidacy": "C-2026-0004", "stage": "reserve"}]
    assert document["not_retained"] == [{"candidacy": "C-2026-0005", "stage": "unknown"}]
    assert document["vacated"] == ("C-2026-0001",)
    assert [(place.candidacy, place.seat) for place in document["may_follow"]] == [("C-2026-0004", SeatKind.RESERVED)]


def test_nobody_may_follow_while_the_list_is_not_in_force() -> None:
    assert Sheet.of(drafted(), {"C-2026-0004": row(4, Stage.RESERVE)}).document()["may_follow"] == ()


def test_dry_run_of_a_decision_counts_what_each_candidacy_then_does() -> None:
    state = proposed()
    cases = members(state)
    at = max(map(an_hour_after, cases.values()))
    envelope = an_envelope(ListAct.DECIDE, LIST, decision(state))
    by_workflow = {workflow: cases[reference] for reference, workflow in state.members.items()}
    known = {ref: case.model_copy(update={"fingerprint": _mark(state, ref)}) for ref, case in cases.items()}
    foretold = Foretold.of(state, ListAct.DECIDE, envelope, known, at)
    assert foretold.told == {Act.APPROVE: 3, Act.CONFIRM_RESERVE: 1, Act.NOT_RETAIN: 1}
    done = lists.command(state, envelope, at, {}).dispatches
    letters = sum(_letters(by_workflow[each.workflow_id], each.content, at) for each in done)
    assert foretold.letters == {Act.APPROVE: 3, Act.CONFIRM_RESERVE: 1, Act.NOT_RETAIN: 1}
    assert sum(foretold.letters.values()) == letters


def _mark(state: ListState, reference: str) -> str:
    return state.members[reference].rsplit("/", 1)[1]


def _letters(case: CandidacyState, word: dict[str, object], at: datetime) -> int:
    return len(candidacy.hear(case, candidacy.Word.model_validate(word), at).notices)


def test_dry_run_of_a_decision_that_was_taken_foretells_nothing() -> None:
    state = proposed()
    envelope = an_envelope(ListAct.DECIDE, LIST, decision(state))
    decided = lists.command(state, envelope, NOMINATED_AT + timedelta(hours=1), {}).state
    foretold = Foretold.of(decided, ListAct.DECIDE, envelope, {}, NOMINATED_AT + timedelta(hours=2))
    assert foretold == Foretold(fresh=False, told={}, letters={})


def test_dry_run_of_a_decision_is_refused_by_the_same_rule() -> None:
    state = proposed()
    envelope = an_envelope(ListAct.DECIDE, LIST, decision(state, votes=Votes(in_favour=3, against=12)))
    with pytest.raises(VoteNotCarried, match="3 for, 12 against: the votes do not carry the list"):
        Foretold.of(state, ListAct.DECIDE, envelope, {}, NOMINATED_AT + timedelta(hours=1))
