"""Screening in the procedure: it runs by itself, holds the case until somebody has looked, and runs again."""

from typing import Any

import pytest

from domain.candidacy import Act, CandidacyState, Information, InformationRequest
from domain.errors import Refusal
from domain.functions import ExceptionReason, Function, FunctionKind, Functions, Payer
from domain.identity import Namesake
from domain.notices import Template
from domain.screening import Hit, Resolution, Silence, Trust, Verdict
from domain.suspension import Evidence, SuspensionState, evidence_of
from domain.traces import About
from domain.watchlists import ListEnquiry, ListImport, Screened
from starter.desk import BadList, NoSuchCase, Refused
from tests.builders import a_hit, criteria
from tests.workflows.office import Office

NEW = "1" * 64


def screened(*hits: Hit, version: int = 1) -> Screened:
    return Screened(asked={"somebody": version}, hits=hits)


async def file_of(office: Office, reference: str) -> CandidacyState:
    with office.still():
        return CandidacyState.model_validate((await office.officer().case(reference)).state)


async def vetted(office: Office, *hits: Hit) -> str:
    """A candidacy with two clear assessments, whose screening found this."""
    await office.open()
    office.lists.says = screened(*hits)
    reference = await office.nominate()
    await office.clear(reference)
    return reference


async def resolve(
    office: Office,
    reference: str,
    hit: Hit,
    *,
    officer: int,
    verdict: Verdict = Verdict.OTHER_PERSON,
    reason: str = "born in another year",
) -> Any:
    word = Resolution(hit=hit.id, digest=hit.digest, verdict=verdict, reason=reason)
    return await office.act(reference, Act.RESOLVE, word, officer=officer)


async def test_a_candidate_who_enters_vetting_is_screened_under_every_name(office: Office) -> None:
    reference = await vetted(office)

    (asked,) = office.lists.asked
    candidate = office.nomination().candidate
    assert asked.names[0].split()[0] == candidate.given_name
    assert asked.birth_date == candidate.birth_date.isoformat()
    assert office.acts(reference) == ["nominate", "declare", "screen", "assess", "assess"]
    await office.stage(reference, "cleared")


async def test_where_no_list_is_kept_nothing_is_recorded_and_nothing_held(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.clear(reference)

    assert office.acts(reference) == ["nominate", "declare", "assess", "assess"]
    await office.stage(reference, "cleared")


async def test_a_hit_on_an_official_list_holds_the_case_until_two_officers_have_said_the_same(office: Office) -> None:
    hit = a_hit(Trust.OFFICIAL)
    reference = await vetted(office, hit)
    await office.stage(reference, "vetting")

    await resolve(office, reference, hit, officer=2)
    await office.stage(reference, "vetting")
    with pytest.raises(Refused) as same:
        await resolve(office, reference, hit, officer=2, reason="said once more")
    taken = await resolve(office, reference, hit, officer=3)

    assert same.value.rule == "nothing-to-change"
    assert taken.receipt.stage == "cleared"


async def test_a_hit_on_a_hostile_list_holds_nothing_and_is_resolved_by_nobody(office: Office) -> None:
    hit = a_hit(Trust.HOSTILE)
    reference = await vetted(office, hit)

    await office.stage(reference, "cleared")
    with pytest.raises(Refused) as refused:
        await resolve(office, reference, hit, officer=2)
    assert refused.value.rule == "hostile-list"


async def test_a_resolved_hit_comes_back_only_when_the_entry_says_something_else(office: Office) -> None:
    hit = a_hit(Trust.UNKNOWN)
    reference = await vetted(office, hit)
    await resolve(office, reference, hit, officer=2)
    await office.stage(reference, "cleared")

    office.lists.says = screened(hit, version=2)
    with office.still():
        assert await office.officer().rescreen() == 1
    await office.pass_days(0.1)
    assert office.letters(reference)[-1] is not Template.DESK_HIT

    changed = a_hit(Trust.UNKNOWN, digest=NEW)
    office.lists.says = screened(changed, version=3)
    with office.still():
        await office.officer().rescreen()
    await office.pass_days(0.1)

    assert office.letters(reference)[-1] is Template.DESK_HIT
    await office.stage(reference, "cleared")
    with pytest.raises(Refused) as stale:
        await resolve(office, reference, hit, officer=3)
    assert stale.value.rule == "hit-stale"


async def test_a_list_that_cannot_be_asked_is_a_finding_and_vetting_waits_for_it(office: Office) -> None:
    await office.open()
    office.lists.says = Screened(asked={"first": 1}, silent=(Silence(what="somebody", cause="no answer"),))
    reference = await office.nominate()
    await office.clear(reference)

    await office.stage(reference, "vetting")
    state = await file_of(office, reference)
    assert state.file is not None
    assert state.file.screening is not None
    assert [silence.what for silence in state.file.screening.silent] == ["somebody"]

    office.lists.says = screened()
    await office.pass_days(0.1)
    await office.stage(reference, "cleared")


async def test_lists_that_do_not_answer_at_all_are_asked_again_and_again(office: Office) -> None:
    await office.open()
    office.lists.away = True
    reference = await office.nominate()
    await office.declare(reference)
    await office.pass_days(0.5)
    for officer in (2, 3):
        await office.act(reference, Act.ASSESS, office.assessment(), officer=officer)
    await office.stage(reference, "vetting")

    office.lists.away = False
    await office.pass_days(0.1)

    await office.stage(reference, "cleared")


async def test_functions_that_need_an_exception_hold_the_case_until_two_officers_have_signed(office: Office) -> None:
    await office.open()
    reference = await office.nominate()
    await office.declare(reference)
    declared = Functions(
        functions=(
            Function(
                kind=FunctionKind.POST, what="Teacher", body="A school", payer=Payer.STATE, since="2012", until="2019"
            ),
        )
    )
    await office.act(reference, Act.RECORD_FUNCTIONS, declared)
    for officer in (2, 3):
        await office.act(reference, Act.ASSESS, office.assessment(), officer=officer)
    await office.stage(reference, "vetting")

    reason = ExceptionReason(digest=declared.digest, reason="taught chemistry")
    await office.act(reference, Act.SIGN_EXCEPTION, reason, officer=2)
    again = ExceptionReason(digest=declared.digest, reason="said once more")
    with pytest.raises(Refused) as same:
        await office.act(reference, Act.SIGN_EXCEPTION, again, officer=2)
    taken = await office.act(reference, Act.SIGN_EXCEPTION, reason, officer=3)

    assert same.value.rule == "two-officers"
    assert taken.receipt.stage == "cleared"


async def test_a_hit_that_is_not_on_the_case_is_refused(office: Office) -> None:
    reference = await vetted(office)

    with pytest.raises(Refused) as refused:
        await resolve(office, reference, a_hit(), officer=2)
    assert refused.value.rule == "no-such-hit"


async def test_what_is_wrong_with_a_list_reaches_whoever_handed_it_in(office: Office) -> None:
    content = ListImport(watchlist=a_hit().watchlist, file=NEW, source="list.csv")

    with office.still():
        with pytest.raises(BadList, match="line 7, name: is no list"):
            await office.officer().import_list(content)
        with pytest.raises(NoSuchCase):
            await office.officer().ask_lists(ListEnquiry(name="somebody"))
        assert (await office.officer().ask_lists(ListEnquiry())).versions == ()


async def test_a_doubt_about_who_is_nominated_holds_the_case_until_an_officer_has_looked(office: Office) -> None:
    office.ledger.known_namesakes = (Namesake(reference="C-2026-0099", shares=frozenset({About.CANDIDATE, About.DAY})),)
    reference = await vetted(office)
    await office.stage(reference, "vetting")
    state = await file_of(office, reference)
    assert state.file is not None
    (doubt,) = state.file.doubts
    assert doubt.what == "C-2026-0099"

    for verdict, stage in ((Verdict.SAME_PERSON, "vetting"), (Verdict.OTHER_PERSON, "cleared")):
        word = Resolution(hit=doubt.id, digest=doubt.digest, verdict=verdict, reason="asked both")
        taken = await office.act(reference, Act.RESOLVE, word, officer=2)
        assert taken.receipt.stage == stage


async def test_evidence_that_the_session_asks_for_holds_the_case_until_it_is_there(office: Office) -> None:
    asked = [each.model_copy(update={"evidence": each.key == "opposes-war"}) for each in criteria().criteria]
    await office.open(criteria=criteria().model_copy(update={"criteria": tuple(asked)}))
    reference = await office.nominate()
    await office.clear(reference)
    await office.stage(reference, "vetting")

    await office.act(reference, Act.REQUEST_INFORMATION, InformationRequest(question="What did you publish?"))
    unknown = Information(answer="This.", evidence={"no-criterion": ("An article",)})
    with pytest.raises(Refused, match="no-criterion"):
        await office.act(reference, Act.SUPPLY_INFORMATION, unknown)
    supplied = Information(answer="This.", evidence={"opposes-war": ("An article",)})
    await office.act(reference, Act.SUPPLY_INFORMATION, supplied)
    for officer in (2, 3):
        await office.act(reference, Act.ASSESS, office.assessment(), officer=officer)
    await office.stage(reference, "cleared")


async def test_a_new_hit_on_a_participant_reaches_the_desk_and_opens_a_suspension_with_itself_as_evidence(
    office: Office,
) -> None:
    reference = await office.participant()
    hit, hostile, other = a_hit(), a_hit(Trust.HOSTILE, name="hostile"), a_hit(entry="2")
    office.lists.says = screened(hit, hostile, other)
    with office.still():
        await office.officer().rescreen()
    await office.pass_days(0.1)
    (letter,) = [each for each in office.box.received if f"--hit {hit.id}" in each.letter.text]
    assert f"starter suspension open {reference} --hit {hit.id} --measure full" in letter.letter.text
    assert hostile.id not in letter.letter.text
    for officer in (2, 3):
        await resolve(office, reference, other, officer=officer)

    desk = office.officer()
    with office.still():
        for asked, rule in (
            (hostile.id, "hostile-list"),
            (other.id, "hit-of-another-person"),
            ("H-000000000000", "hit-of-participant"),
        ):
            with pytest.raises(Refusal) as refused:
                await desk.hit_of(reference, asked)
            assert refused.value.rule == rule
        attached = await desk.hit_of(reference, hit.id)
    suspension = await office.suspend(reference, ground="screening-hit", evidence=(attached,))
    state = SuspensionState.model_validate(office.ledger.cases[suspension].entry.state)
    assert state.grounds[0].evidence == (attached,)
    assert (attached.hit, attached.sha256) == (hit, hit.digest)


@pytest.mark.parametrize(
    ("evidence", "rule"),
    [
        ((Evidence(source="A list"),), "suspension-names-hit"),
        ((evidence_of(a_hit(Trust.HOSTILE, name="hostile")),), "hostile-list"),
        ((evidence_of(a_hit(entry="3")),), "hit-of-participant"),
        ((evidence_of(a_hit(digest=NEW)),), "hit-stale"),
    ],
)
async def test_the_register_takes_no_suspension_for_a_hit_that_is_none_of_the_participants(
    office: Office, evidence: tuple[Evidence, ...], rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = await office.participant()
    office.lists.says = screened(a_hit(), a_hit(Trust.HOSTILE, name="hostile"))
    with office.still():
        await office.officer().rescreen()
    await office.pass_days(0.1)
    # As a client would that goes to Temporal past `starter`.
    monkeypatch.setattr("starter.desk.check_hits", lambda charge, file: None)
    with pytest.raises(Refused) as refused:
        await office.suspend(reference, ground="screening-hit", evidence=evidence)
    assert refused.value.rule == rule
