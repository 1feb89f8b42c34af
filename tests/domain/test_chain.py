"""The chain of events: every way of changing a ledger unseen is seen, and named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chain import START, Seal, Stored, digest, examine, link

AT = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)


def chained(*cases: str) -> list[Stored]:
    """A ledger in which these cases took a step, one after the other."""
    stored: list[Stored] = []
    hashes: dict[str, tuple[int, bytes]] = {}
    head = START
    for n, case in enumerate(cases, 1):
        seq, previous = hashes.get(case, (0, START))
        told = digest({"case": case, "seq": seq + 1, "content": f"step {n}".encode()})
        found = link(previous, told)
        head = link(head, found)
        hashes[case] = seq + 1, found
        stored.append(Stored(reference=case, seq=seq + 1, digest=told, hash=found, n=n, head=head))
    return stored


def seal(stored: Stored) -> Seal:
    assert stored.n is not None
    assert stored.head is not None
    return Seal(n=stored.n, head=stored.head.hex(), at=AT, key="ab", signature="cd")


CASES = ("A", "B", "A", "A", "B")


def named(found: tuple[object, ...]) -> list[str]:
    return [f"{getattr(each, 'reference')} {getattr(each, 'what')}" for each in found]  # noqa: B009


@given(st.lists(st.sampled_from(["A", "B", "C"]), max_size=12))
def test_a_ledger_that_nobody_touched_is_whole(cases: list[str]) -> None:
    stored = chained(*cases)
    assert examine(stored, [seal(each) for each in stored[::2]]) == ()


@given(st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=12), st.data())
def test_a_changed_event_is_named_alone(cases: list[str], data: st.DataObject) -> None:
    stored = chained(*cases)
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] = replace(stored[at], digest=digest({"content": b"other"}))
    assert named(examine(stored)) == [f"{stored[at].reference} step {stored[at].seq}"]


def test_an_event_with_its_hash_made_anew_is_seen_where_the_chain_goes_on() -> None:
    stored = chained(*CASES)
    told = digest({"content": b"other"})
    stored[0] = replace(stored[0], digest=told, hash=link(START, told))
    assert named(examine(stored)) == ["A step 1", "A step 2"]


def test_a_removed_event_is_named_by_the_place_it_leaves() -> None:
    stored = chained(*CASES)
    stored[1] = replace(stored[1], digest=None, hash=None)
    assert named(examine(stored)) == ["B step 1", "B step 2"]


def test_an_event_that_is_removed_with_its_place_leaves_a_gap() -> None:
    stored = chained(*CASES)
    del stored[2]
    assert named(examine(stored)) == ["ledger links 3 to 3 of the chain", "A step 3"]


def test_an_inserted_event_has_no_place() -> None:
    stored = chained(*CASES)
    stored.append(Stored(reference="B", seq=3, digest=b"1", hash=b"2", n=None, head=None))
    assert named(examine(stored)) == ["B step 3"]


def test_events_that_changed_places_are_named() -> None:
    stored = chained(*CASES)
    first, second = stored[0], stored[1]
    stored[0] = replace(second, n=1, head=first.head)
    stored[1] = replace(first, n=2, head=second.head)
    assert named(examine(stored)) == ["B step 1", "A step 1"]


def test_an_end_that_was_cut_off_is_seen_by_its_seal_alone() -> None:
    stored = chained(*CASES)
    assert examine(stored[:3]) == ()
    assert named(examine(stored[:3], [seal(stored[4])])) == ["ledger links 4 to 5 of the chain"]


def test_a_chain_made_anew_from_its_first_link_is_seen_by_a_seal_alone() -> None:
    forged = chained(*reversed(CASES))
    assert examine(forged) == ()
    assert named(examine(forged, [seal(chained(*CASES)[3])])) == ["B step 2"]


def test_a_digest_does_not_depend_on_the_zone_or_on_what_is_not_set() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=3)))
    assert digest({"at": AT, "signer": None}) == digest({"at": elsewhere})


@pytest.mark.parametrize("other", [{"at": AT + timedelta(microseconds=1)}, {"on": AT}, {"at": AT, "b": 1}, {}])
def test_a_digest_depends_on_everything_else(other: dict[str, object]) -> None:
    assert digest(other) != digest({"at": AT})


def test_a_seal_signs_where_when_and_by_which_key() -> None:
    sealed = seal(chained(*CASES)[2])
    others = (sealed.model_copy(update=change) for change in ({"n": 4}, {"head": "00"}, {"key": "ff"}))
    assert sealed.statement not in {other.statement for other in others}
