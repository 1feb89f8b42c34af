from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.screening import (
    OFFICERS,
    Hit,
    HitStanding,
    Listed,
    Resolved,
    Screening,
    Silence,
    Trust,
    Verdict,
    counts_against,
    hit_id,
    new_hits,
    screened_again,
    standing,
    unsettled,
)
from tests.builders import NOMINATED_AT, a_hit

SAME, OTHER, UNSURE = Verdict.SAME_PERSON, Verdict.OTHER_PERSON, Verdict.UNSURE
OLD, NEW = "0" * 64, "1" * 64

words = st.lists(st.tuples(st.sampled_from(["O-1", "O-2", "O-3", "O-4"]), st.sampled_from(Verdict)), max_size=8)


def resolved(said: Sequence[tuple[str, Verdict]], hit: Hit, digest: str | None = None) -> tuple[Resolved, ...]:
    return tuple(
        Resolved(officer=officer, at=NOMINATED_AT, hit=hit.id, digest=digest or hit.digest, verdict=verdict)
        for officer, verdict in said
    )


@pytest.mark.parametrize(
    ("trust", "said", "expected"),
    [
        (Trust.OFFICIAL, [], HitStanding.OPEN),
        (Trust.OFFICIAL, [("O-1", UNSURE)], HitStanding.OPEN),
        (Trust.OFFICIAL, [("O-1", OTHER)], HitStanding.SECOND),
        (Trust.OFFICIAL, [("O-1", OTHER), ("O-1", OTHER)], HitStanding.SECOND),
        (Trust.OFFICIAL, [("O-1", OTHER), ("O-2", UNSURE)], HitStanding.SECOND),
        (Trust.OFFICIAL, [("O-1", OTHER), ("O-2", OTHER)], HitStanding.OTHER_PERSON),
        (Trust.ALLIED, [("O-1", SAME), ("O-2", SAME)], HitStanding.SAME_PERSON),
        (Trust.ALLIED, [("O-1", SAME), ("O-2", OTHER)], HitStanding.DISPUTED),
        (Trust.ALLIED, [("O-1", SAME), ("O-2", OTHER), ("O-3", OTHER)], HitStanding.OTHER_PERSON),
        (Trust.ALLIED, [("O-1", SAME), ("O-2", OTHER), ("O-1", OTHER)], HitStanding.OTHER_PERSON),
        (Trust.UNKNOWN, [], HitStanding.OPEN),
        (Trust.UNKNOWN, [("O-1", UNSURE)], HitStanding.OPEN),
        (Trust.UNKNOWN, [("O-1", OTHER)], HitStanding.OTHER_PERSON),
        (Trust.UNKNOWN, [("O-1", SAME), ("O-2", OTHER)], HitStanding.DISPUTED),
        (Trust.HOSTILE, [], HitStanding.PERSECUTION),
    ],
)
def test_where_a_hit_stands_by_trust_and_by_what_officers_said(
    trust: Trust, said: list[tuple[str, Verdict]], expected: HitStanding
) -> None:
    hit = a_hit(trust)

    assert standing(hit, resolved(said, hit)) is expected


@given(words)
def test_a_hit_on_a_hostile_list_never_counts_against_anyone_and_never_holds_a_case(
    said: list[tuple[str, Verdict]],
) -> None:
    hit = a_hit(Trust.HOSTILE)

    assert standing(hit, resolved(said, hit)) is HitStanding.PERSECUTION
    assert not counts_against(hit, resolved(said, hit))
    assert unsettled([hit], resolved(said, hit)) == ()


@given(st.sampled_from([Trust.OFFICIAL, Trust.ALLIED, Trust.UNKNOWN]), words)
def test_a_hit_is_resolved_only_by_as_many_persons_as_its_publisher_asks_for(
    trust: Trust, said: list[tuple[str, Verdict]]
) -> None:
    hit = a_hit(trust)
    where = standing(hit, resolved(said, hit))
    last = dict(said)

    if where in {HitStanding.SAME_PERSON, HitStanding.OTHER_PERSON}:
        agreeing = [officer for officer, verdict in last.items() if verdict == where.value]
        assert len(agreeing) >= OFFICERS[trust]
    else:
        assert unsettled([hit], resolved(said, hit)) == (hit,)


@given(st.dictionaries(st.sampled_from(["O-1", "O-2", "O-3"]), st.sampled_from(Verdict)))
def test_the_order_in_which_different_officers_speak_does_not_count(said: dict[str, Verdict]) -> None:
    hit = a_hit()

    assert len({standing(hit, resolved(order, hit)) for order in permutations(said.items())}) == 1


@given(words)
def test_what_was_said_of_an_entry_does_not_hold_for_what_it_says_now(said: list[tuple[str, Verdict]]) -> None:
    hit = a_hit(digest=NEW)

    assert standing(hit, resolved(said, hit, OLD)) is HitStanding.OPEN


def test_a_resolved_hit_that_is_found_again_stays_resolved() -> None:
    before = a_hit()
    words = resolved([("O-1", OTHER), ("O-2", OTHER)], before)
    again = a_hit().model_copy(update={"version": 2, "score": 0.8})

    assert again.id == before.id
    assert standing(again, words) is HitStanding.OTHER_PERSON


def test_an_entrys_digest_is_of_what_it_says_and_not_of_the_order() -> None:
    one = Listed(id="1", properties={"name": ("A B",), "alias": ("C", "D")})
    same = Listed(id="1", properties={"alias": ("D", "C", "C"), "name": ("A B",), "gender": ()})
    other = Listed(id="1", properties={"name": ("A B",), "alias": ("C",)})

    assert one.digest == same.digest
    assert one.digest != other.digest
    assert one.names == ("A B", "C", "D")
    assert one.caption == "A B"


def test_a_list_that_could_not_be_asked_keeps_the_hits_it_had() -> None:
    before = Screening(
        at=NOMINATED_AT, asked={"first": 1, "second": 1}, hits=(a_hit(name="first"), a_hit(name="second"))
    )
    now = Screening(at=NOMINATED_AT, asked={"second": 2}, silent=(Silence(what="first", cause="no-answer"),))

    kept = screened_again(before, now)

    assert [hit.watchlist.name for hit in kept.hits] == ["first"]
    assert kept.asked == {"first": 1, "second": 2}
    assert kept.silent == now.silent


def test_only_hits_that_were_not_there_or_say_something_else_are_new() -> None:
    before = Screening(at=NOMINATED_AT, hits=(a_hit(entry="1"), a_hit(entry="2")))
    now = Screening(at=NOMINATED_AT, hits=(a_hit(entry="1"), a_hit(entry="2", digest=NEW), a_hit(entry="3")))

    assert [hit.id for hit in new_hits(before, now)] == [hit_id("somebody", "2"), hit_id("somebody", "3")]
    assert new_hits(None, now) == now.hits
