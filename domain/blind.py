"""What an officer does not get to see.

That is another's findings, and another's word on a hit, before giving their own; and, in the file of one candidate,
that another one in whom the officer has an interest may be the same person.
"""

from collections.abc import Collection
from typing import Any, Final

from domain.candidacy import Act, CandidacyState, Stage
from domain.identity import DoubtAbout
from domain.ledger import Answer, CaseFile, StepRow
from domain.screening import OFFICERS, SETTLED, standing, verdicts_on
from domain.steps import CaseKind
from domain.vetting import VettingResult, weigh

_VETTED: Final = frozenset({Stage.VETTING, Stage.INFORMATION_REQUESTED})
_UNDER_WAY: Final = frozenset({VettingResult.AWAITED, VettingResult.THIRD_NEEDED})
_TELLING: Final = "criterion:"
"""How an effect begins that says which criterion the findings differ in."""


def is_sealed(state: CandidacyState, reader: str) -> bool:
    """Whether the findings of this round are closed to a reader.

    They are to everybody who has not given theirs, for as long as another officer may still be asked: whoever reads
    them could tell, and whoever is asked next must not know.
    """
    if state.stage not in _VETTED or not state.assessments:
        return False
    still_asked = weigh(state.terms.criteria, state.assessments)[0] in _UNDER_WAY
    return still_asked and all(given.officer != reader for given in state.assessments)


def sealed_hits(state: CandidacyState, reader: str) -> frozenset[str]:
    """The hits on which a reader must not know yet what others said.

    They are those that take more than one officer and are not settled, and of which the reader has said nothing as they
    stand now.
    """
    if state.file is None:
        return frozenset()
    return frozenset(
        hit.id
        for hit in state.file.hits
        if OFFICERS[hit.watchlist.trust] > 1
        and standing(hit, state.file.resolved) not in SETTLED
        and reader not in verdicts_on(hit, state.file.resolved)
    )


def sealed(answer: Answer, state: CandidacyState, reader: str) -> Answer:
    """An answer of the ledger about a candidacy, as a reader may have it."""
    if answer.case is not None and (closed := sealed_hits(state, reader)):
        answer = answer.model_copy(update={"case": _without_words(answer.case, closed, reader)})
    if not is_sealed(state, reader):
        return answer
    file = None if answer.case is None else _file(answer.case)
    steps = answer.steps
    given = [step.seq for step in steps if step.act == Act.ASSESS][-len(state.assessments) :]
    return answer.model_copy(update={"case": file, "steps": tuple(_step(step, given) for step in steps)})


def unseen(answer: Answer, hidden: Collection[str]) -> Answer:
    """An answer of the ledger, in which no doubt of a candidacy names one that is hidden from the reader.

    The doubt stays in the case: somebody else dispels it.

    Args:
        answer: The answer.
        hidden: References of the candidacies in which the reader has an interest.
    """
    file = answer.case
    if file is None or file.row.kind is not CaseKind.CANDIDACY or not (kept := file.state.get("file")):
        return answer
    barred = {
        doubt["id"]
        for doubt in kept.get("doubts", ())
        if doubt["about"] == DoubtAbout.DUPLICATE and doubt["what"] in hidden
    }
    if not barred:
        return answer
    seen = kept | {
        "doubts": [doubt for doubt in kept["doubts"] if doubt["id"] not in barred],
        "resolved": [word for word in kept["resolved"] if word["hit"] not in barred],
    }
    return answer.model_copy(update={"case": file.model_copy(update={"state": file.state | {"file": seen}})})


def _without_words(file: CaseFile, closed: frozenset[str], reader: str) -> CaseFile:
    kept = file.state["file"]
    words: list[dict[str, Any]] = [
        word | {"verdict": None} if word["hit"] in closed and word["officer"] != reader else word
        for word in kept["resolved"]
    ]
    return file.model_copy(update={"state": file.state | {"file": kept | {"resolved": words}}})


def _file(file: CaseFile) -> CaseFile:
    assessments: list[dict[str, Any]] = [given | {"judgements": {}} for given in file.state["assessments"]]
    return file.model_copy(update={"state": file.state | {"assessments": assessments}})


def _step(step: StepRow, given: list[int]) -> StepRow:
    if step.seq not in given:
        return step
    effects = tuple(effect for effect in step.effects if not effect.startswith(_TELLING))
    return step.model_copy(update={"effects": effects})
