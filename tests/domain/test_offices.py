"""Offices and their powers: who may act when, who may not act after whom, and how officers come and go."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.candidacy import Act, Stage
from domain.errors import LastHeadOfDesk, NotAdmissible, NothingToChange, NotYourOffice, SamePerson
from domain.lists import ListAct
from domain.offices import (
    APART,
    POWERS,
    Admission,
    Appointment,
    Office,
    Revocation,
    appointed,
    check_admission,
    check_apart,
    check_power,
    check_revocation,
    revoked,
)
from domain.session import SessionAct
from tests.officers import BEGINNING, a_pair, an_officer

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def admission(number: int, office: Office, *, key: int = 1, **changes: Any) -> Admission:
    fields = {"request": a_pair(number, key=key).request(BEGINNING), "office": office}
    return Admission.model_validate(fields | changes)


def a_register(*held: tuple[int, Office]) -> list[Appointment]:
    return [appointed(admission(number, office), by=None, at=BEGINNING) for number, office in held]


HEAD = a_register((1, Office.HEAD_OF_DESK))


def test_every_act_of_an_officer_is_some_offices_power() -> None:
    by_case = {Act.REMIND, Act.LAPSE, Act.RESUME, Act.ESCALATE, Act.BEGIN, Act.NOTIFY_EXPIRY, Act.EXPIRE, Act.REARM}
    by_case |= {Act.PROPOSE, Act.RESERVE, Act.SEND_BACK, Act.APPROVE, Act.CONFIRM_RESERVE, Act.NOT_RETAIN, Act.RATIFY}
    by_case |= {Act.REFUSE_RATIFICATION, Act.UNHEEDED, Act.SCREEN, Act.SUSPEND, Act.RESTORE, Act.EXCLUDE}
    by_case |= {Act.REINSTATE}
    officers = {f"candidacy.{act}" for act in set(Act) - by_case}
    officers |= {f"session.{act}" for act in (SessionAct.OPEN, SessionAct.AMEND)}
    officers |= {f"list.{act}" for act in ListAct if act.value in {"draft", "propose", "decide", "ratify", "amend"}}
    assert officers <= POWERS.keys()
    assert all(POWERS.values())


def test_what_happens_by_itself_is_nobodys_power() -> None:
    assert not {f"candidacy.{act}" for act in (Act.LAPSE, Act.EXPIRE, Act.PROPOSE, Act.APPROVE)} & POWERS.keys()
    assert Stage.CLEARED not in POWERS


@given(st.sampled_from(sorted(POWERS)), st.sets(st.sampled_from(Office)))
def test_who_holds_an_office_that_allows_an_act_may_do_it_and_nobody_else(power: str, held: set[Office]) -> None:
    officer = an_officer(1, held)
    if held & POWERS[power]:
        check_power(power, officer, NOW)
    else:
        with pytest.raises(NotYourOffice) as refused:
            check_power(power, officer, NOW)
        assert all(office.value in refused.value.message for office in POWERS[power])


def test_refusal_says_which_office_is_needed_and_what_is_held() -> None:
    with pytest.raises(
        NotYourOffice, match=r"^list\.propose needs the office of president; O-2 holds vetting-officer$"
    ):
        check_power("list.propose", an_officer(2, [Office.VETTING_OFFICER]), NOW)
    with pytest.raises(NotYourOffice, match=r"^no office may do list\.burn; O-2 holds no office$"):
        check_power("list.burn", an_officer(2, []), NOW)


@given(
    st.integers(-5, 5), st.one_of(st.none(), st.integers(-5, 5)), st.one_of(st.none(), st.integers(-5, 5)),
    st.integers(-6, 6),
)  # fmt: skip
def test_office_is_held_from_its_first_instant_to_the_first_after_it(
    since: int, until: int | None, ended: int | None, at: int
) -> None:
    appointment = Appointment(
        person="O-1",
        key=a_pair().public.id,
        office=Office.REVIEWER,
        since=NOW + since * HOUR,
        until=None if until is None else NOW + until * HOUR,
        revoked=None if ended is None else NOW + ended * HOUR,
    )
    held = since <= at and (until is None or at < until) and (ended is None or at < ended)
    assert appointment.holds(NOW + at * HOUR) is held


@pytest.mark.parametrize(
    ("power", "earlier", "rule"),
    [
        ("candidacy.assess", "nominate", "assess-apart-from-nominate"),
        ("suspension.report", "open", "report-apart-from-open"),
        ("suspension.decide", "open", "decide-apart-from-open"),
        ("suspension.decide", "report", "decide-apart-from-report"),
    ],
)
def test_two_officers_means_two_persons(power: str, earlier: str, rule: str) -> None:
    check_apart(power, "O-2", [(earlier, "O-1")])
    check_apart(power, "O-1", [("correct", "O-1")])
    with pytest.raises(SamePerson) as refused:
        check_apart(power, "O-1", [("correct", "O-3"), (earlier, "O-1")])
    assert refused.value.rule == rule


def test_acts_that_stand_apart_are_powers() -> None:
    assert APART.keys() <= POWERS.keys()


def test_key_is_admitted_from_the_moment_it_is_recorded_and_never_before() -> None:
    assert appointed(admission(2, Office.REVIEWER), by="O-1", at=NOW).since == NOW
    early = admission(2, Office.REVIEWER, since=NOW - HOUR)
    assert appointed(early, by="O-1", at=NOW).since == NOW
    late = admission(2, Office.REVIEWER, since=NOW + HOUR, until=NOW + 2 * HOUR)
    assert (appointed(late, by="O-1", at=NOW).since, appointed(late, by="O-1", at=NOW).until) == (
        late.since,
        late.until,
    )


def test_office_that_ends_before_it_begins_is_no_admission() -> None:
    with pytest.raises(ValidationError, match="until must be after since"):
        admission(2, Office.REVIEWER, since=NOW, until=NOW)


REFUSED: list[tuple[Admission, Sequence[Appointment], type[Exception], str]] = [
    (admission(1, Office.REVIEWER), HEAD, SamePerson, "not-oneself"),
    (admission(2, Office.REVIEWER, until=NOW), HEAD, NotAdmissible, "admission-dates"),
    (
        admission(2, Office.REVIEWER),
        [*HEAD, *a_register((2, Office.REVIEWER))],
        NothingToChange,
        "nothing-to-change",
    ),
    (
        admission(2, Office.REVIEWER).model_copy(
            update={"request": a_pair(1).request(BEGINNING).model_copy(update={"person": "O-2"})}
        ),
        HEAD,
        NotAdmissible,
        "one-person-per-key",
    ),
]


@pytest.mark.parametrize(("wanted", "register", "kind", "rule"), REFUSED)
def test_admission_that_cannot_be_is_refused(
    wanted: Admission, register: Sequence[Appointment], kind: type[Exception], rule: str
) -> None:
    with pytest.raises(kind) as refused:
        check_admission(wanted, register, signer="O-1", at=NOW)
    assert refused.value.rule == rule  # type: ignore[attr-defined]


def test_head_of_desk_admits_others_and_a_further_key_of_their_own() -> None:
    check_admission(admission(2, Office.REVIEWER), HEAD, signer="O-1", at=NOW)
    check_admission(admission(1, Office.HEAD_OF_DESK, key=2), HEAD, signer="O-1", at=NOW)
    for_a_while = a_register((2, Office.REVIEWER))
    for_a_while[0] = for_a_while[0].model_copy(update={"until": NOW + HOUR})
    check_admission(admission(2, Office.REVIEWER), [*HEAD, *for_a_while], signer="O-1", at=NOW)


def test_revocation_ends_what_it_names_and_nothing_else() -> None:
    register = a_register(
        (1, Office.HEAD_OF_DESK), (2, Office.REVIEWER), (2, Office.VETTING_OFFICER), (3, Office.REVIEWER)
    )
    whole = revoked(register, Revocation(person="O-2", reason="Left."), NOW)
    assert [each.revoked for each in whole] == [None, NOW, NOW, None]
    part = revoked(register, Revocation(person="O-2", office=Office.REVIEWER, reason="Left."), NOW)
    assert [each.revoked for each in part] == [None, NOW, None, None]
    key = revoked(register, Revocation(person="O-2", key=a_pair(3).public.id, reason="Lost."), NOW)
    assert [each.revoked for each in key] == [None, None, None, None]


def test_revocation_that_would_leave_nobody_to_admit_is_refused() -> None:
    with pytest.raises(LastHeadOfDesk):
        check_revocation(Revocation(person="O-1", reason="Left."), HEAD, NOW)
    two = a_register((1, Office.HEAD_OF_DESK), (2, Office.HEAD_OF_DESK))
    check_revocation(Revocation(person="O-1", reason="Left."), two, NOW)
    with pytest.raises(NothingToChange):
        check_revocation(Revocation(person="O-3", reason="Left."), two, NOW)
