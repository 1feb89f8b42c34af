import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.candidacy import Stage
from domain.errors import (
    NotAtThisStage,
    NotEligible,
    NothingToChange,
    OutOfTime,
    Refusal,
    SeatsExceeded,
    StaleContent,
    VoteNotCarried,
)
from domain.lists import (
    BureauDecision,
    DecisionOutcome,
    Drafting,
    ListAct,
    ListPlan,
    ListStage,
    ListState,
    Place,
    Proposal,
    Ratification,
    RatificationOutcome,
    SeatLaw,
    Standing,
    Vacancy,
    Votes,
    agenda,
    check_list_command,
    check_members,
    check_returning,
    check_seats,
    check_standings,
    come_due,
    command,
    keeps_seat_of,
    may_follow,
    names,
    rearm,
    reinstate,
    vacate,
)
from domain.model import Model
from domain.notices import Role, Template
from domain.people import SeatKind
from domain.session import Rounding
from domain.steps import Due, Outcome, Trigger
from domain.timelimits import end_of
from tests.builders import (
    LIST,
    NOMINATED_AT,
    a_list,
    a_list_plan,
    a_plan,
    a_standing,
    an_envelope,
    an_hour_after,
    terms,
)

SMALL: Final = SeatLaw(seats=3, reserved=1)
CARRIED: Final = Votes(in_favour=9, against=3)
LOST: Final = Votes(in_favour=3, against=9)
PLAN: Final = a_list_plan(general=(1, 2), reserved=(3,), reserve=(4, 5), not_retained=(6,))


def ref(number: int) -> str:
    return f"C-2026-{number:04d}"


def standings(numbers: Iterable[int] = range(1, 30), /, **each: Stage) -> dict[str, Standing]:
    """Every candidacy whose number is a multiple of three is nominated for a reserved seat; ``c4=…`` sets a stage."""
    return {
        ref(n): a_standing(
            n, each.get(f"c{n}", Stage.CLEARED), seat=SeatKind.RESERVED if n % 3 == 0 else SeatKind.GENERAL
        )
        for n in numbers
    }


def ordered(
    state: ListState,
    act: ListAct,
    content: Model,
    *,
    stand: Mapping[str, Standing] | None = None,
    at: datetime | None = None,
) -> Outcome[ListState]:
    """An officer's command to a list, asked of the law and taken."""
    at = at or an_hour_after(state)
    known = standings() if stand is None else stand
    envelope = an_envelope(act, state.reference, content)
    check_list_command(state, envelope, at)
    check_standings(state, envelope, {name: known[name] for name in names(state, envelope) if name in known})
    return command(state, envelope, at, known)


def proposed(state: ListState, **kwargs: Any) -> Outcome[ListState]:
    return ordered(state, ListAct.PROPOSE, Proposal(hash=state.hash), **kwargs)


def decided(
    state: ListState, outcome: DecisionOutcome = DecisionOutcome.ADOPTED, *, votes: Votes | None = None, **kwargs: Any
) -> Outcome[ListState]:
    adopted = outcome is DecisionOutcome.ADOPTED
    decision = BureauDecision(
        hash=state.hash,
        outcome=outcome,
        votes=votes or (CARRIED if adopted else LOST),
        reference="AS/Bur (2026) 1",
        reason=None if adopted else "Not balanced.",
    )
    return ordered(state, ListAct.DECIDE, decision, **kwargs)


def ratified(state: ListState, outcome: RatificationOutcome = RatificationOutcome.RATIFIED) -> Outcome[ListState]:
    reason = None if outcome is RatificationOutcome.RATIFIED else "Not now."
    content = Ratification(hash=state.hash, outcome=outcome, reference="AS (2026) CR 1", reason=reason)
    return ordered(state, ListAct.RATIFY, content)


def drafted(*, ratification: bool = False, plan: ListPlan = PLAN) -> ListState:
    return a_list(plan, standings(), law=SMALL, under=terms(ratification=ratification)).state


def in_force(*, ratification: bool = False) -> ListState:
    state = decided(proposed(drafted(ratification=ratification)).state).state
    return ratified(state).state if ratification else state


def told(outcome: Outcome[Any]) -> list[tuple[str, int]]:
    """Whom the step tells what, in order."""
    return [(word.content["act"], int(word.content["decision"][-4:])) for word in outcome.dispatches]


def without(state: ListState, *numbers: int) -> ListState:
    for number in numbers:
        vacancy = Vacancy(decision=f"vacate:{ref(number)}", candidacy=ref(number))
        state = vacate(state, vacancy, an_hour_after(state), {}).state
    return state


def came_back(state: ListState, number: int) -> Outcome[ListState]:
    vacancy = Vacancy(decision=f"reinstate:{ref(number)}:1", candidacy=ref(number))
    return reinstate(state, vacancy, an_hour_after(state))


FOLLOWED: Final = standings(c4=Stage.RESERVE)


def amended_without_the_second(*, ratification: bool = False) -> ListState:
    """A list whose second candidacy has left, with a draft on the table that gives the seat to the fourth."""
    left = without(in_force(ratification=ratification), 2)
    kept = tuple(place for place in (left.in_force or left.plan).seats if place.candidacy != ref(2))
    given = ListPlan(seats=(*kept, Place(candidacy=ref(4), seat=SeatKind.GENERAL)))
    return ordered(left, ListAct.AMEND, Drafting(plan=given), stand=FOLLOWED).state


class TestTheLawOfSeats:
    @pytest.mark.parametrize(
        ("seats", "share", "rounding", "reserved"),
        [
            (12, Fraction(1, 3), Rounding.UP, 4),
            (15, Fraction(1, 3), Rounding.UP, 5),
            (15, "0.3", Rounding.UP, 5),
            (15, "0.3", Rounding.DOWN, 4),
            (15, "0.3", Rounding.NEAREST, 5),
            (12, "0.3", Rounding.UP, 4),
            (12, "0.3", Rounding.DOWN, 3),
            (12, "0.3", Rounding.NEAREST, 4),
            (14, "0.3", Rounding.NEAREST, 4),
            (10, 0.1, Rounding.UP, 1),
            (20, 0.55, Rounding.UP, 11),
            (15, 0, Rounding.UP, 0),
            (15, 1, Rounding.UP, 15),
        ],
    )
    def test_the_reserved_seats_are_the_share_of_the_seats_as_rounded(
        self, seats: int, share: object, rounding: Rounding, reserved: int
    ) -> None:
        plan = a_plan(seats=seats, reserved_share=share, rounding=rounding)

        assert plan.reserved_seats == reserved
        assert SeatLaw(seats=seats, reserved=plan.reserved_seats).general == seats - reserved

    @pytest.mark.parametrize(
        ("law", "general", "reserved"),
        [
            (SeatLaw(seats=12, reserved=4), range(1, 9), range(20, 24)),
            (SeatLaw(seats=12, reserved=4), range(1, 9), ()),
            (SeatLaw(seats=15, reserved=5), range(1, 11), range(20, 25)),
            (SeatLaw(seats=15, reserved=0), range(1, 16), ()),
            (SeatLaw(seats=12, reserved=4), (), range(1, 13)),
        ],
    )
    def test_general_and_reserved_seats_within_the_law_are_let_pass(
        self, law: SeatLaw, general: Iterable[int], reserved: Iterable[int]
    ) -> None:
        check_seats(law, a_list_plan(general=tuple(general), reserved=tuple(reserved)), {})

    def test_an_unfilled_reserved_seat_stays_empty(self) -> None:
        with pytest.raises(SeatsExceeded) as refused:
            check_seats(SeatLaw(seats=12, reserved=4), a_list_plan(general=tuple(range(1, 10))), {})

        assert refused.value.rule == "general-seats"
        assert str(refused.value) == (
            "9 general seats are given, and at most 8 of 12 may be general (reserved: 4): "
            "move C-2026-0009 to the reserve; reserved seats then empty: 4"
        )

    def test_the_substitution_takes_reserved_candidates_from_the_reserve_in_their_ranking(self) -> None:
        plan = a_list_plan(general=(1, 2, 4), reserve=(5, 9, 6))

        with pytest.raises(SeatsExceeded) as refused:
            check_seats(SMALL, plan, standings())

        assert str(refused.value).endswith(": move C-2026-0004 to the reserve and give C-2026-0009 a reserved seat")

    def test_more_names_than_seats_are_refused(self) -> None:
        with pytest.raises(SeatsExceeded) as refused:
            check_seats(SMALL, a_list_plan(general=(1,), reserved=(3, 6, 9)), {})

        assert refused.value.rule == "seats"
        assert str(refused.value) == ("4 seats are given, the session has 3: move C-2026-0009 to the reserve")

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def test_the_substitution_that_is_proposed_mends_the_list(self, data: st.DataObject) -> None:
        seats = data.draw(st.integers(2, 8))
        law = SeatLaw(seats=seats, reserved=data.draw(st.integers(0, seats - 1)))
        seated = data.draw(st.lists(st.integers(1, 29), min_size=1, max_size=12, unique=True))
        plan = ListPlan(
            seats=tuple(
                Place(candidacy=ref(n), seat=SeatKind.RESERVED if n % 3 == 0 and n % 2 else SeatKind.GENERAL)
                for n in seated
            ),
            reserve=tuple(ref(n) for n in range(1, 30) if n not in seated),
        )
        try:
            check_seats(law, plan, standings())
        except SeatsExceeded as refused:
            mended = substituted(plan, str(refused))
        else:
            return

        check_seats(law, mended, standings())
        check_members(LIST, "2026", mended, (), standings())
        assert sorted(mended.everybody) == sorted(plan.everybody)

    @settings(max_examples=200, deadline=None)
    @given(st.integers(1, 40), st.fractions(0, 1), st.sampled_from(Rounding))
    def test_reserved_and_general_seats_are_the_whole(self, seats: int, share: Fraction, rounding: Rounding) -> None:
        reserved = a_plan(seats=seats, reserved_share=share, rounding=rounding).reserved_seats

        assert 0 <= reserved <= seats
        assert abs(reserved - seats * share) < 1


def substituted(plan: ListPlan, message: str) -> ListPlan:
    """The list after the substitution that a refusal proposes."""
    found = re.search(r"move (?P<out>[C0-9, -]+) to the reserve(?: and give (?P<into>[C0-9, -]+) a reserved)?", message)
    assert found is not None
    out = found["out"].split(", ")
    into = found["into"].split(", ") if found["into"] else []
    return ListPlan(
        seats=(
            *(place for place in plan.seats if place.candidacy not in out),
            *(Place(candidacy=reference, seat=SeatKind.RESERVED) for reference in into),
        ),
        reserve=(*(reference for reference in plan.reserve if reference not in into), *out),
        not_retained=plan.not_retained,
    )


class TestWhoCanStandOnAList:
    @pytest.mark.parametrize(
        ("plan", "stand", "problem"),
        [
            (a_list_plan(general=(99,)), {}, "C-2026-0099 is no candidacy of this register"),
            (a_list_plan(general=(1,)), {"c1": Stage.VETTING}, "C-2026-0001 is vetting, not cleared"),
            (a_list_plan(general=(1,)), {"c1": Stage.PARTICIPANT}, "C-2026-0001 is participant, not cleared"),
            (a_list_plan(general=(1,), reserve=(2,)), {"c2": Stage.LAPSED}, "C-2026-0002 is lapsed, not cleared"),
            (
                a_list_plan(general=(1,), not_retained=(2,)),
                {"c2": Stage.WITHDRAWN},
                "C-2026-0002 is withdrawn, not cleared",
            ),
            (
                a_list_plan(reserved=(2,)),
                {},
                "C-2026-0002 is nominated for a general seat and cannot take a reserved one",
            ),
        ],
    )
    def test_who_cannot_take_the_place_is_named_with_the_reason(
        self, plan: ListPlan, stand: dict[str, Stage], problem: str
    ) -> None:
        with pytest.raises(NotEligible) as refused:
            a_list(plan, standings(**stand))

        assert (str(refused.value), refused.value.rule) == (problem, "list-members")

    def test_everyone_who_cannot_is_named_at_once(self) -> None:
        with pytest.raises(NotEligible) as refused:
            a_list(a_list_plan(general=(1,), reserve=(2,)), standings(c1=Stage.VETTING, c2=Stage.DECLINED))

        assert str(refused.value) == "C-2026-0001 is vetting, not cleared; C-2026-0002 is declined, not cleared"

    def test_who_stands_on_another_list_is_refused(self) -> None:
        stand = standings() | {ref(1): a_standing(1, Stage.PROPOSED, list_reference="L-2026-2")}

        with pytest.raises(NotEligible, match=r"^C-2026-0001 stands on L-2026-2$"):
            a_list(a_list_plan(general=(1,)), stand)

    def test_a_candidacy_of_another_session_is_refused(self) -> None:
        plan = ListPlan(seats=(Place(candidacy="C-2025-0001", seat=SeatKind.GENERAL),))

        with pytest.raises(NotEligible, match=r"^C-2025-0001 is not of session 2026$"):
            a_list(plan, standings())

    def test_a_reserved_candidate_may_take_a_general_seat(self) -> None:
        assert a_list(a_list_plan(general=(3,)), standings()).state.stage is ListStage.DRAFTED

    @pytest.mark.parametrize(
        "plan",
        [
            {"seats": []},
            {"seats": [{"candidacy": "C-2026-0001", "seat": "general"}], "reserve": ["C-2026-0001"]},
            {"seats": [{"candidacy": "C-2026-0001", "seat": "general"}], "reserve": ["C-2026-0002", "C-2026-0002"]},
            {"seats": [{"candidacy": "C-2026-1", "seat": "general"}]},
            {"seats": [{"candidacy": "C-2026-0001", "seat": "best"}]},
            {"seats": [{"candidacy": "C-2026-0001"}]},
        ],
    )
    def test_a_plan_that_is_no_list_is_refused(self, plan: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            ListPlan.model_validate(plan)

    def test_who_is_named_twice_is_named_in_the_message(self) -> None:
        with pytest.raises(ValidationError, match=r"C-2026-0001, C-2026-0003 is on the list more than once"):
            a_list_plan(general=(1, 2), reserved=(3,), reserve=(3, 1))


class TestDraftAndProposal:
    def test_the_first_draft_names_its_members_and_tells_nobody(self) -> None:
        outcome = a_list(PLAN, standings(), law=SMALL)

        assert (outcome.step.seq, outcome.step.stage, outcome.dispatches) == (1, ListStage.DRAFTED, ())
        assert outcome.state.members == {ref(n): f"candidacy/2026/{n:032x}" for n in (1, 2, 3, 4, 5, 6)}
        assert outcome.state.workflow_id == f"list/{LIST}"
        assert outcome.state.held == frozenset()

    def test_no_list_is_drafted_once_the_session_has_ended(self) -> None:
        with pytest.raises(OutOfTime):
            a_list(PLAN, standings(), at=end_of(date(2027, 1, 24)))

    def test_another_draft_is_another_version_under_another_hash(self) -> None:
        state = drafted()
        redrafted = ordered(state, ListAct.DRAFT, Drafting(plan=a_list_plan(general=(1, 2)))).state
        again = ordered(redrafted, ListAct.DRAFT, Drafting(plan=PLAN)).state

        assert (state.version, redrafted.version, again.version) == (1, 2, 3)
        assert len({state.hash, redrafted.hash, again.hash}) == 3

    def test_a_proposal_tells_the_seated_and_the_reserve_and_freezes_the_hash(self) -> None:
        state = drafted()
        outcome = proposed(state)

        assert told(outcome) == [("propose", 1), ("propose", 2), ("propose", 3), ("reserve", 4), ("reserve", 5)]
        assert [word.content["seat"] for word in outcome.dispatches[:3]] == ["general", "general", "reserved"]
        assert [word.content["rank"] for word in outcome.dispatches[3:]] == [1, 2]
        assert {word.content["hash"] for word in outcome.dispatches} == {state.hash}
        assert outcome.step.effects == (f"frozen:{state.hash}", "tells:5")
        assert outcome.state.outbox == outcome.dispatches

    @pytest.mark.parametrize(
        "content",
        [
            Proposal(hash="0" * 64),
            BureauDecision(hash="0" * 64, outcome=DecisionOutcome.ADOPTED, votes=CARRIED, reference="AS/Bur (2026) 1"),
            Ratification(hash="0" * 64, outcome=RatificationOutcome.RATIFIED, reference="AS (2026) CR 1"),
        ],
    )
    def test_an_act_on_a_stale_hash_is_refused(self, content: Model) -> None:
        state, act = {
            Proposal: (drafted(), ListAct.PROPOSE),
            BureauDecision: (proposed(drafted()).state, ListAct.DECIDE),
            Ratification: (decided(proposed(drafted(ratification=True)).state).state, ListAct.RATIFY),
        }[type(content)]

        with pytest.raises(StaleContent) as refused:
            ordered(state, act, content)

        assert refused.value.rule == "list-hash"

    def test_a_proposal_is_checked_against_how_the_candidacies_stand_now(self) -> None:
        with pytest.raises(NotEligible, match=r"^C-2026-0002 is withdrawn, not cleared$"):
            proposed(drafted(), stand=standings(c2=Stage.WITHDRAWN))

    def test_a_draft_that_changes_nothing_is_refused(self) -> None:
        with pytest.raises(NothingToChange) as refused:
            ordered(drafted(), ListAct.DRAFT, Drafting(plan=PLAN))

        assert refused.value.rule == "nothing-to-change"

    def test_a_draft_that_breaks_the_law_of_seats_is_refused(self) -> None:
        with pytest.raises(SeatsExceeded):
            ordered(drafted(), ListAct.DRAFT, Drafting(plan=a_list_plan(general=(1, 2, 4))))


class TestTheBureau:
    def test_adoption_tells_everybody_once(self) -> None:
        outcome = decided(proposed(drafted()).state)

        assert told(outcome) == [
            ("approve", 1),
            ("approve", 2),
            ("approve", 3),
            ("confirm_reserve", 4),
            ("confirm_reserve", 5),
            ("not_retain", 6),
        ]
        assert {word.content["ratification"] for word in outcome.dispatches} == {False}
        assert (outcome.state.stage, outcome.state.in_force) == (ListStage.ADOPTED, PLAN)
        assert outcome.step.effects == ("outcome:adopted", "tells:6")

    def test_adoption_says_where_the_plenary_has_yet_to_ratify(self) -> None:
        outcome = decided(proposed(drafted(ratification=True)).state)

        assert {word.content["ratification"] for word in outcome.dispatches[:3]} == {True}
        assert outcome.state.in_force is None

    @pytest.mark.parametrize(
        ("outcome", "stage", "version"),
        [(DecisionOutcome.SENT_BACK, ListStage.DRAFTED, 2), (DecisionOutcome.REJECTED, ListStage.REJECTED, 1)],
    )
    def test_a_list_that_fails_tells_everybody_it_had_told(
        self, outcome: DecisionOutcome, stage: ListStage, version: int
    ) -> None:
        failed = decided(proposed(drafted()).state, outcome)

        assert told(failed) == [("send_back", number) for number in (1, 2, 3, 4, 5)]
        assert (failed.state.stage, failed.state.version) == (stage, version)
        assert failed.state.ended is (stage is ListStage.REJECTED)

    @pytest.mark.parametrize(
        ("votes", "carried"),
        [
            (Votes(in_favour=2, against=1), True),
            (Votes(in_favour=1, against=2), False),
            (Votes(in_favour=1, against=0, abstentions=20, recusals=("O-7",)), True),
            (Votes(in_favour=5, against=5, president=True), True),
            (Votes(in_favour=5, against=5, president=False), False),
        ],
    )
    def test_the_majority_of_the_votes_cast_decides_and_on_a_tie_the_president(
        self, votes: Votes, carried: bool
    ) -> None:
        state = proposed(drafted()).state
        right, wrong = DecisionOutcome.ADOPTED, DecisionOutcome.SENT_BACK

        assert votes.carried is carried
        assert decided(state, right if carried else wrong, votes=votes).step.act == ListAct.DECIDE
        with pytest.raises(VoteNotCarried) as refused:
            decided(state, wrong if carried else right, votes=votes)
        assert refused.value.rule == "majority-of-votes-cast"

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"in_favour": 0, "against": 0, "abstentions": 5}, "no vote was cast"),
            ({"in_favour": 5, "against": 5}, "the vote is tied, so the President's vote decides and is missing"),
            ({"in_favour": 6, "against": 5, "president": True}, "the President votes only on a tie"),
        ],
    )
    def test_votes_that_cannot_be_are_refused(self, wrong: dict[str, Any], message: str) -> None:
        with pytest.raises(ValidationError) as refused:
            Votes.model_validate(wrong)

        assert [error["msg"] for error in refused.value.errors()] == [f"Value error, {message}"]

    def test_a_list_that_is_not_adopted_goes_back_with_a_reason(self) -> None:
        with pytest.raises(ValidationError, match="goes back with a reason"):
            BureauDecision(hash="0" * 64, outcome=DecisionOutcome.REJECTED, votes=LOST, reference="AS/Bur (2026) 1")

    def test_a_refusal_of_the_plenary_has_a_reason(self) -> None:
        with pytest.raises(ValidationError, match="a refusal has a reason"):
            Ratification(hash="0" * 64, outcome=RatificationOutcome.REFUSED, reference="AS (2026) CR 1")


class TestThePlenary:
    def test_ratification_brings_the_list_into_force(self) -> None:
        outcome = ratified(decided(proposed(drafted(ratification=True)).state).state)

        assert told(outcome) == [("ratify", 1), ("ratify", 2), ("ratify", 3)]
        assert (outcome.state.stage, outcome.state.in_force) == (ListStage.RATIFIED, PLAN)

    def test_a_refusal_ends_the_list_and_leads_everybody_back(self) -> None:
        state = decided(proposed(drafted(ratification=True)).state).state
        outcome = ratified(state, RatificationOutcome.REFUSED)

        assert told(outcome) == [
            ("refuse_ratification", 1),
            ("refuse_ratification", 2),
            ("refuse_ratification", 3),
            ("send_back", 4),
            ("send_back", 5),
        ]
        assert outcome.state.stage is ListStage.REJECTED

    def test_a_session_without_ratification_takes_none(self) -> None:
        with pytest.raises(NotAtThisStage) as refused:
            ratified(in_force())

        assert refused.value.rule == "list-ratify"

    def test_a_list_is_not_amended_before_the_plenary_has_spoken(self) -> None:
        state = decided(proposed(drafted(ratification=True)).state).state

        with pytest.raises(NotAtThisStage) as refused:
            ordered(state, ListAct.AMEND, Drafting(plan=PLAN))

        assert refused.value.rule == "list-amend"

    def test_who_has_left_meanwhile_is_told_nothing(self) -> None:
        state = without(decided(proposed(drafted(ratification=True)).state).state, 2)

        assert told(ratified(state)) == [("ratify", 1), ("ratify", 3)]


class TestAmendment:
    @pytest.mark.parametrize("ratification", [False, True])
    def test_a_vacated_seat_is_filled_from_the_reserve_and_only_who_is_new_is_approved(
        self, ratification: bool
    ) -> None:
        state = without(in_force(ratification=ratification), 2)
        stand = standings(c1=Stage.APPROVED, c3=Stage.APPROVED, c4=Stage.RESERVE, c5=Stage.RESERVE)
        plan = a_list_plan(general=(1, 4), reserved=(3,), reserve=(5,))

        amended = ordered(state, ListAct.AMEND, Drafting(plan=plan), stand=stand).state
        tabled = proposed(amended, stand=stand)
        adopted = decided(tabled.state)

        assert amended.version == 2
        assert told(tabled) == [("propose", 4), ("reserve", 5)]
        assert told(adopted) == [("approve", 4), ("confirm_reserve", 5)]
        final = ratified(adopted.state) if ratification else adopted
        assert final.state.in_force == plan
        assert final.state.held == {ref(1), ref(3), ref(4)}

    def test_an_amendment_takes_no_seat_away(self) -> None:
        with pytest.raises(NotEligible) as refused:
            ordered(in_force(), ListAct.AMEND, Drafting(plan=a_list_plan(general=(1,), reserved=(3,), reserve=(2,))))

        assert refused.value.rule == "amendment-keeps-seats"

    def test_neither_does_the_next_draft_of_an_amendment(self) -> None:
        state = without(in_force(), 2)
        stand = standings(c1=Stage.APPROVED, c3=Stage.APPROVED, c4=Stage.RESERVE, c5=Stage.RESERVE)
        plan = a_list_plan(general=(1, 4), reserved=(3,))
        amended = ordered(state, ListAct.AMEND, Drafting(plan=plan), stand=stand).state

        with pytest.raises(NotEligible, match=r"^C-2026-0001 holds a seat; "):
            ordered(amended, ListAct.DRAFT, Drafting(plan=a_list_plan(general=(4,), reserved=(3,))), stand=stand)

    @pytest.mark.parametrize("outcome", [DecisionOutcome.SENT_BACK, DecisionOutcome.REJECTED])
    def test_an_amendment_that_fails_leaves_what_is_in_force(self, outcome: DecisionOutcome) -> None:
        state = without(in_force(), 2)
        stand = standings(c1=Stage.APPROVED, c3=Stage.APPROVED, c4=Stage.RESERVE, c5=Stage.RESERVE)
        plan = a_list_plan(general=(1, 4), reserved=(3,), reserve=(5, 7))
        amended = ordered(state, ListAct.AMEND, Drafting(plan=plan), stand=stand).state

        failed = decided(proposed(amended, stand=stand).state, outcome)

        assert told(failed) == [
            ("send_back", 4),
            ("send_back", 5),
            ("send_back", 7),
            ("reserve", 4),
            ("reserve", 5),
        ]
        assert failed.state.in_force == PLAN
        assert failed.state.stage is (ListStage.DRAFTED if outcome is DecisionOutcome.SENT_BACK else ListStage.ADOPTED)

    def test_an_amendment_that_the_plenary_refuses_leaves_what_is_in_force(self) -> None:
        state = without(in_force(ratification=True), 2)
        stand = standings(c1=Stage.APPROVED, c3=Stage.APPROVED, c4=Stage.RESERVE, c5=Stage.RESERVE)
        plan = a_list_plan(general=(1, 4), reserved=(3,), reserve=(5,))
        amended = ordered(state, ListAct.AMEND, Drafting(plan=plan), stand=stand).state

        refused = ratified(decided(proposed(amended, stand=stand).state).state, RatificationOutcome.REFUSED)

        assert told(refused) == [("refuse_ratification", 4), ("send_back", 5), ("reserve", 4), ("reserve", 5)]
        assert (refused.state.stage, refused.state.plan) == (ListStage.RATIFIED, PLAN)

    def test_who_is_left_off_the_reserve_is_told_when_the_amendment_is_adopted(self) -> None:
        state = without(in_force(), 2)
        stand = standings(c1=Stage.APPROVED, c3=Stage.APPROVED, c4=Stage.RESERVE, c5=Stage.RESERVE)
        plan = a_list_plan(general=(1, 4), reserved=(3,))
        amended = ordered(state, ListAct.AMEND, Drafting(plan=plan), stand=stand).state

        assert told(decided(proposed(amended, stand=stand).state)) == [("approve", 4), ("send_back", 5)]

    @pytest.mark.parametrize(
        ("left", "reserve", "followers"),
        [
            ((2,), (4, 5), {4: "general"}),
            ((1, 2), (4, 5), {4: "general", 5: "general"}),
            ((3,), (4, 5), {}),
            ((3,), (4, 6), {6: "reserved"}),
            ((2,), (6, 4), {6: "general"}),
            ((2, 3), (6, 4), {6: "reserved", 4: "general"}),
            ((2, 3), (4, 5), {4: "general"}),
            ((), (4, 5), {}),
        ],
    )
    def test_who_may_follow_takes_the_ranking_and_the_law_of_seats(
        self, left: tuple[int, ...], reserve: tuple[int, ...], followers: dict[int, str]
    ) -> None:
        plan = a_list_plan(general=(1, 2), reserved=(3,), reserve=reserve)
        state = without(decided(proposed(drafted(plan=plan)).state).state, *left)
        stand = standings(**{f"c{number}": Stage.RESERVE for number in reserve})

        assert [(place.candidacy, place.seat) for place in may_follow(state, stand)] == [
            (ref(number), kind) for number, kind in followers.items()
        ]

    def test_who_has_left_the_reserve_does_not_follow(self) -> None:
        state = without(in_force(), 2)

        stand = standings([5], c5=Stage.RESERVE) | standings([4], c4=Stage.WITHDRAWN)

        assert [place.candidacy for place in may_follow(state, stand)] == [ref(5)]


class TestWhatAListDoesByItself:
    @pytest.mark.parametrize(
        ("state", "overdue"),
        [
            (drafted(), "decision"),
            (proposed(drafted()).state, "decision"),
            (decided(proposed(drafted(ratification=True)).state).state, "ratification"),
        ],
    )
    def test_an_overdue_list_comes_up_every_week(self, state: ListState, overdue: str) -> None:
        # The plenary sits some days after the Bureau: a week after the adoption its decision is overdue.
        adopted = state.stage is ListStage.ADOPTED
        by = state.entered + timedelta(days=7) if adopted else end_of(date(2026, 1, 26))
        first = agenda(state)[0]
        outcome = come_due(state, first, first.at)

        assert first == Due(at=by, kind=ListAct.ESCALATE)
        assert [(notice.template, notice.role, notice.facts.overdue) for notice in outcome.notices] == [
            (Template.DESK_OVERDUE, Role.DESK, overdue)
        ]
        assert outcome.state.stage is state.stage
        assert agenda(outcome.state)[0].at == by + timedelta(days=7)

    def test_a_long_stop_sends_one_letter(self) -> None:
        late = end_of(date(2026, 3, 1))
        state = come_due(drafted(), agenda(drafted())[0], late).state

        assert agenda(state)[0] == Due(at=end_of(date(2026, 3, 2)), kind=ListAct.ESCALATE)

    def test_a_list_in_force_closes_with_the_session_and_writes_to_nobody(self) -> None:
        (due,) = agenda(in_force())
        outcome = come_due(in_force(), due, due.at)

        assert due == Due(at=end_of(date(2027, 1, 24)), kind=ListAct.CLOSE)
        assert (outcome.state.stage, outcome.notices, outcome.dispatches) == (ListStage.CLOSED, (), ())
        assert (outcome.state.ended, agenda(outcome.state)) == (True, ())

    def test_new_dates_move_its_deadlines(self) -> None:
        new = terms(version=2, bureau_meets=date(2026, 2, 9), ratification=False)
        outcome = rearm(drafted(), new, NOMINATED_AT)

        assert (outcome.step.decision, outcome.step.trigger) == ("terms:2", Trigger.CASE)
        assert agenda(outcome.state)[0].at == end_of(date(2026, 2, 9))

    def test_a_vacancy_stands_in_its_own_step(self) -> None:
        vacancy = Vacancy(decision="vacate:C-2026-0002", candidacy=ref(2))
        outcome = vacate(in_force(), vacancy, an_hour_after(in_force()), standings(c5=Stage.RESERVE))

        assert (outcome.step.act, outcome.step.decision, outcome.step.content) == (
            ListAct.VACATE,
            "vacate:C-2026-0002",
            vacancy.model_dump(mode="json"),
        )
        assert outcome.state.held == {ref(1), ref(3)}

    def test_of_a_vacant_seat_the_desk_is_told_who_may_follow(self) -> None:
        vacancy = Vacancy(decision="vacate:C-2026-0002", candidacy=ref(2))
        stand = standings(c4=Stage.RESERVE, c5=Stage.RESERVE)
        outcome = vacate(in_force(), vacancy, an_hour_after(in_force()), stand)
        (notice,) = outcome.notices

        expected = tuple(place.candidacy for place in may_follow(outcome.state, stand))
        assert (notice.template, notice.facts.candidacies) == (Template.DESK_VACANCY, expected)
        assert outcome.step.effects == tuple(f"may-follow:{candidacy}" for candidacy in expected)

    def test_a_seat_that_nobody_was_given_is_taken_up_again(self) -> None:
        left = without(in_force(), 2)
        back = came_back(left, 2)

        assert (back.state.held, back.step.effects) == (in_force().held, ("restores:seat:C-2026-0002",))
        assert [(notice.template, notice.facts.outcome) for notice in back.notices] == [
            (Template.DESK_VACANCY, "restored")
        ]

    def test_who_comes_back_and_leaves_again_leaves_a_vacant_seat(self) -> None:
        back = came_back(without(in_force(), 2), 2).state
        again = Vacancy(decision="vacate:C-2026-0002:1", candidacy=ref(2))

        assert vacate(back, again, an_hour_after(back), {}).state.held == {ref(1), ref(3)}

    @pytest.mark.parametrize("ratification", [False, True])
    def test_a_seat_that_another_was_given_is_not_taken_away(self, ratification: bool) -> None:
        state = amended_without_the_second(ratification=ratification)
        adopted = decided(proposed(state, stand=FOLLOWED).state, stand=FOLLOWED).state

        assert keeps_seat_of(state, ref(2)) is True
        assert keeps_seat_of(adopted, ref(2)) is False
        with pytest.raises(SeatsExceeded) as refused:
            came_back(adopted, 2)
        assert refused.value.rule == "seat-taken"

    def test_a_seat_that_the_plenary_refused_to_another_is_taken_up_again(self) -> None:
        state = amended_without_the_second(ratification=True)
        adopted = decided(proposed(state, stand=FOLLOWED).state, stand=FOLLOWED).state
        refused = ratified(adopted, RatificationOutcome.REFUSED).state

        assert ref(2) in came_back(refused, 2).state.held

    def test_a_list_that_has_ended_has_no_seat_to_come_back_to(self) -> None:
        state = without(in_force(), 2)
        closed = come_due(state, Due(at=state.terms.closing, kind=ListAct.CLOSE), state.terms.closing).state

        assert keeps_seat_of(closed, ref(2)) is False

    def test_an_amendment_that_gives_away_a_seat_taken_up_again_goes_no_further(self) -> None:
        state = amended_without_the_second()
        for back in (came_back(state, 2).state, came_back(proposed(state, stand=FOLLOWED).state, 2).state):
            with pytest.raises(NotEligible) as refused:
                proposed(back, stand=FOLLOWED) if back.stage is ListStage.DRAFTED else decided(back)
            assert refused.value.rule == "amendment-keeps-seats"
        assert decided(back, DecisionOutcome.REJECTED).state.stage is ListStage.ADOPTED

    def test_a_list_is_not_adopted_past_somebody_who_was_told_to_come_back_to_a_seat(self) -> None:
        state = proposed(amended_without_the_second(), stand=FOLLOWED).state
        check_returning(state, (ref(2),))
        with pytest.raises(NotEligible) as refused:
            check_returning(decided(state).state, (ref(2),))
        assert refused.value.rule == "amendment-keeps-seats"

    def test_a_reserved_seat_stays_empty_rather_than_go_to_a_general_candidate(self) -> None:
        vacancy = Vacancy(decision="vacate:C-2026-0003", candidacy=ref(3))
        outcome = vacate(in_force(), vacancy, an_hour_after(in_force()), standings(c4=Stage.RESERVE, c5=Stage.RESERVE))

        assert [notice.facts.candidacies for notice in outcome.notices] == [()]


@pytest.mark.parametrize("act", [ListAct.DRAFT, ListAct.PROPOSE, ListAct.DECIDE, ListAct.RATIFY, ListAct.AMEND])
@pytest.mark.parametrize(
    "state",
    [
        drafted(),
        proposed(drafted()).state,
        in_force(),
        in_force(ratification=True),
        decided(proposed(drafted()).state, DecisionOutcome.REJECTED).state,
    ],
    ids=lambda state: state.stage,
)
def test_an_act_belongs_to_its_stages_or_is_refused_by_the_rule_of_its_name(state: ListState, act: ListAct) -> None:
    allowed = {
        ListAct.DRAFT: {ListStage.DRAFTED},
        ListAct.PROPOSE: {ListStage.DRAFTED},
        ListAct.DECIDE: {ListStage.PROPOSED},
        ListAct.RATIFY: set(),
        ListAct.AMEND: {ListStage.ADOPTED, ListStage.RATIFIED},
    }[act]
    stand = standings(c1=Stage.APPROVED, c2=Stage.APPROVED, c3=Stage.APPROVED) if state.held else standings()
    shorter = a_list_plan(general=(1, 2), reserved=(3,))
    content: Model = {
        ListAct.DRAFT: Drafting(plan=shorter),
        ListAct.AMEND: Drafting(plan=shorter),
        ListAct.PROPOSE: Proposal(hash=state.hash),
        ListAct.DECIDE: BureauDecision(
            hash=state.hash, outcome=DecisionOutcome.ADOPTED, votes=CARRIED, reference="AS/Bur (2026) 1"
        ),
        ListAct.RATIFY: Ratification(hash=state.hash, outcome=RatificationOutcome.RATIFIED, reference="AS (2026) CR 1"),
    }[act]

    if state.stage in allowed:
        assert ordered(state, act, content, stand=stand).step.act == act
    else:
        with pytest.raises(NotAtThisStage) as refused:
            ordered(state, act, content, stand=stand)
        assert refused.value.rule == f"list-{act}"


def test_nothing_is_taken_once_the_session_has_ended() -> None:
    with pytest.raises(OutOfTime) as refused:
        proposed(drafted(), at=end_of(date(2027, 1, 24)))

    assert refused.value.rule == "session-closed"


def test_a_refused_act_changes_nothing() -> None:
    state = proposed(drafted()).state
    before = state.model_dump_json()

    with pytest.raises(Refusal):
        ordered(state, ListAct.DRAFT, Drafting(plan=PLAN))

    assert state.model_dump_json() == before


def test_content_of_another_case_is_a_defect() -> None:
    state = drafted()

    with pytest.raises(TypeError, match=r"^no list takes SeatLaw$"):
        command(state, an_envelope(ListAct.PROPOSE, LIST, SMALL), NOMINATED_AT, {})


def test_a_word_is_told_under_one_decision_id_each() -> None:
    decisions = [word.content["decision"] for word in decided(proposed(drafted()).state).dispatches]

    assert decisions[0] == "L-2026-1/3/approve/C-2026-0001"
    assert len(set(decisions)) == len(decisions)


def test_a_state_is_the_same_after_it_was_written_down() -> None:
    for state in (drafted(), proposed(drafted()).state, in_force(ratification=True)):
        assert ListState.model_validate_json(state.model_dump_json()) == state
