"""What an assessor sees of another's findings: nothing, before giving their own."""

import pytest

from domain import candidacy
from domain.blind import is_sealed, sealed, unseen
from domain.candidacy import Act, CandidacyState, InformationRequest, Stage
from domain.checks import findings
from domain.identity import Namesake, doubts, identity_of
from domain.ledger import Answer, CaseFile, CaseRow, StepRow
from domain.screening import Resolution, Trust, Verdict
from domain.steps import CaseKind
from domain.traces import About
from domain.vetting import Judgement
from domain.watchlists import Screened
from tests.builders import NOMINATED_AT, a_case, a_hit, an_assessment, an_hour_after, commanded, information


def vetted(*judgements: Judgement) -> CandidacyState:
    """A candidacy that officers 2, 3, … have assessed."""
    state = a_case(Stage.VETTING)
    for number, judgement in enumerate(judgements, 2):
        state = commanded(state, Act.ASSESS, an_assessment(judgement), signer=f"O-{number}").state
    return state


ONE = vetted(Judgement.ADVERSE)
TWO = vetted(Judgement.ADVERSE, Judgement.CLEAR)
THREE = vetted(Judgement.ADVERSE, Judgement.CLEAR, Judgement.UNSURE)


@pytest.mark.parametrize(
    ("state", "reader", "closed"),
    [
        (a_case(Stage.VETTING), "O-3", False),
        (ONE, "O-2", False),
        (ONE, "O-3", True),
        (ONE, "O-1", True),
        (TWO, "O-3", False),
        (TWO, "O-4", True),
        (THREE, "O-9", False),
        (vetted(Judgement.CLEAR, Judgement.CLEAR), "O-9", False),
    ],
)
def test_findings_are_closed_to_who_has_not_given_theirs_while_another_may_be_asked(
    state: CandidacyState, reader: str, closed: bool
) -> None:
    assert is_sealed(state, reader) is closed


def test_findings_stay_closed_while_information_is_awaited() -> None:
    asked = commanded(ONE, Act.REQUEST_INFORMATION, InformationRequest(question="Where were you?")).state
    assert is_sealed(asked, "O-3")
    supplied = commanded(asked, Act.SUPPLY_INFORMATION, information()).state
    assert not is_sealed(supplied, "O-3")


def test_sealed_file_and_timeline_say_who_assessed_and_not_what_was_found() -> None:
    row = CaseRow(
        reference=TWO.reference, kind=CaseKind.CANDIDACY, session="2026", stage="vetting", ended=False, seat=None,
        deadline=None, seq=TWO.seq, workflow_id=TWO.workflow_id, opened=NOMINATED_AT, changed=NOMINATED_AT,
        troubled_letters=0,
    )  # fmt: skip
    step = StepRow(
        seq=4, act="assess", trigger="officer", at=NOMINATED_AT, recorded=NOMINATED_AT, stage_before="vetting",
        stage="vetting", signer="O-3", effects=("vetting:third_needed", "criterion:shares-values"), letters=(),
    )  # fmt: skip
    answer = Answer(case=CaseFile(row=row, state=TWO.model_dump(mode="json"), letters=()), steps=(step,))
    shown = sealed(answer, TWO, "O-4")
    assert shown.case is not None
    assert [given["officer"] for given in shown.case.state["assessments"]] == ["O-2", "O-3"]
    assert [given["judgements"] for given in shown.case.state["assessments"]] == [{}, {}]
    assert shown.steps[0].effects == ("vetting:third_needed",)
    assert "adverse" not in shown.model_dump_json()
    assert sealed(answer, TWO, "O-2") == answer


def resolving(*verdicts: Verdict, trust: Trust = Trust.OFFICIAL) -> CandidacyState:
    """A candidacy with a hit, on which officers 2, 3, … have given their word."""
    state = a_case(Stage.VETTING)
    found = candidacy.screened(state, Screened(asked={"somebody": 1}, hits=(a_hit(trust),)), an_hour_after(state))
    assert found is not None
    state = found.state
    for number, verdict in enumerate(verdicts, 2):
        hit = a_hit(trust)
        word = Resolution(hit=hit.id, digest=hit.digest, verdict=verdict, reason="Compared the photographs.")
        state = commanded(state, Act.RESOLVE, word, signer=f"O-{number}").state
    return state


def a_file(state: CandidacyState) -> Answer:
    row = CaseRow(
        reference=state.reference, kind=CaseKind.CANDIDACY, session="2026", stage=state.stage, ended=False, seat=None,
        deadline=None, seq=state.seq, workflow_id=state.workflow_id, opened=NOMINATED_AT, changed=NOMINATED_AT,
        troubled_letters=0,
    )  # fmt: skip
    return Answer(case=CaseFile(row=row, state=state.model_dump(mode="json"), letters=()))


def words_seen(state: CandidacyState, reader: str) -> list[Verdict | None]:
    shown = sealed(a_file(state), state, reader).case
    assert shown is not None
    file = CandidacyState.model_validate(shown.state).file
    assert file is not None
    return [word.verdict for word in file.resolved]


SAME, OTHER, UNSURE = Verdict.SAME_PERSON, Verdict.OTHER_PERSON, Verdict.UNSURE


@pytest.mark.parametrize(
    ("state", "reader", "seen"),
    [
        (resolving(SAME), "O-2", [SAME]),
        (resolving(SAME), "O-3", [None]),
        (resolving(UNSURE), "O-3", [None]),
        (resolving(SAME, OTHER), "O-3", [SAME, OTHER]),
        (resolving(SAME, OTHER), "O-4", [None, None]),
        (resolving(OTHER, OTHER), "O-4", [OTHER, OTHER]),
        (resolving(OTHER, trust=Trust.UNKNOWN), "O-4", [OTHER]),
        (resolving(UNSURE, trust=Trust.UNKNOWN), "O-4", [UNSURE]),
    ],
)
def test_a_word_on_a_hit_that_takes_two_officers_is_closed_to_who_has_not_given_theirs(
    state: CandidacyState, reader: str, seen: list[Verdict | None]
) -> None:
    assert words_seen(state, reader) == seen


def test_findings_say_that_another_has_spoken_and_not_what() -> None:
    shown = sealed(a_file(resolving(SAME)), resolving(SAME), "O-3").case
    assert shown is not None
    state = CandidacyState.model_validate(shown.state)
    (hit,) = [each for each in findings(state.file) if each.check == "hit"]
    assert "O-2 has given a word, sealed until you give yours" in hit.why
    assert "same" not in "".join(hit.why[-1:]) + hit.result
    assert hit.holds


def test_a_doubt_does_not_name_a_candidacy_that_is_hidden_from_its_reader() -> None:
    state = a_case(Stage.VETTING)
    alike = doubts(
        identity_of(state.nomination.candidate),
        [
            Namesake(reference=reference, shares=frozenset({About.CANDIDATE, About.BORN}))
            for reference in ("C-2026-0008", "C-2026-0009")
        ],
        "2026",
        NOMINATED_AT.date(),
    )
    found = candidacy.screened(state, Screened(doubts=alike), an_hour_after(state))
    assert found is not None
    state = found.state
    (doubt,) = [each for each in alike if each.what == "C-2026-0009"]
    word = Resolution(hit=doubt.id, digest=doubt.digest, verdict=OTHER, reason="Born in another town.")
    state = commanded(state, Act.RESOLVE, word, signer="O-2").state

    shown = unseen(a_file(state), {"C-2026-0009"})

    assert shown.case is not None
    file = CandidacyState.model_validate(shown.case.state).file
    assert file is not None
    assert [each.what for each in file.doubts] == ["C-2026-0008"]
    assert file.resolved == ()
    assert unseen(a_file(state), {"C-2026-0001"}) == a_file(state)
    assert unseen(Answer(), {"C-2026-0009"}) == Answer()
