"""What vetting knows of a candidate besides the officers' assessments, and what of it holds the case back.

The checks decide nothing: they name what must be looked at, and a case is not cleared before it has been.
"""

from collections.abc import Sequence
from enum import StrEnum

from pydantic import Field

from domain.criteria import CriterionKey
from domain.errors import NoSuchHit, NothingToChange, StaleContent
from domain.functions import (
    RULE,
    SIGNATURES,
    ExceptionReason,
    Functions,
    FunctionsAnswer,
    Signed,
    admits,
    check_signature,
    judge,
    signatures,
)
from domain.identity import Doubt, identity_of
from domain.model import Line, Model
from domain.people import Person
from domain.screening import (
    OFFICERS,
    SETTLED,
    Hit,
    HitStanding,
    Resolution,
    Resolvable,
    Resolved,
    Screening,
    Subject,
    Trust,
    Verdict,
    standing,
    subject,
    verdicts_on,
)


class VettingFile(Model):
    """What the checks found, and what officers said of it: personal data.

    Attributes:
        screening: The last screening; None where none has answered yet.
        resolved: Every word of an officer on a hit, in order.
        functions: The posts, mandates and payments declared; None where nobody has asked yet.
        exceptions: The signatures under exceptions.
        doubts: What of the nomination itself has to be looked at.
    """

    screening: Screening | None = None
    resolved: tuple[Resolved, ...] = ()
    functions: Functions | None = None
    exceptions: tuple[Signed, ...] = ()
    doubts: tuple[Doubt, ...] = Field(default=(), exclude_if=lambda doubts: not doubts)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The hits of the last screening, best first."""
        return self.screening.hits if self.screening is not None else ()

    @property
    def resolvable(self) -> tuple[Hit | Doubt, ...]:
        """Everything on which officers say a word."""
        return (*self.hits, *self.doubts)

    @property
    def answer(self) -> FunctionsAnswer | None:
        """What the rule says of the functions declared."""
        return judge(RULE, self.functions) if self.functions is not None else None


class Obstacle(StrEnum):
    """Why a case whose assessments are clear is not cleared yet."""

    SCREENING_AWAITED = "screening-awaited"
    LIST_SILENT = "list-silent"
    HITS_UNSETTLED = "hits-unsettled"
    FUNCTIONS = "functions"
    DOUBTS = "doubts"
    EVIDENCE = "evidence"


class EvidenceFile(Model):
    """Which criteria the session asks evidence for, and what the candidate gave: personal data."""

    required: tuple[CriterionKey, ...] = ()
    given: dict[CriterionKey, tuple[Line, ...]] = {}

    @property
    def missing(self) -> tuple[str, ...]:
        """The criteria for which there is none."""
        return tuple(key for key in self.required if not self.given.get(key))


def obstacles(
    file: VettingFile | None, evidence: EvidenceFile | None = None, *, awaited: bool = False
) -> tuple[Obstacle, ...]:
    """What holds a case back; ``awaited`` says that a first screening is under way."""
    found = [Obstacle.SCREENING_AWAITED] if awaited and (file is None or file.screening is None) else []
    if evidence is not None and evidence.missing:
        found.append(Obstacle.EVIDENCE)
    if file is None:
        return tuple(found)
    if any(not is_dispelled(doubt, file.resolved) for doubt in file.doubts):
        found.append(Obstacle.DOUBTS)
    if file.screening is not None and file.screening.silent:
        found.append(Obstacle.LIST_SILENT)
    if any(standing(hit, file.resolved) not in SETTLED for hit in file.hits):
        found.append(Obstacle.HITS_UNSETTLED)
    if file.answer is not None and not admits(file.answer, file.exceptions):
        found.append(Obstacle.FUNCTIONS)
    return tuple(found)


def is_dispelled(doubt: Doubt, resolved: Sequence[Resolved]) -> bool:
    """Whether an officer has said that there is nothing in a doubt, and no other that there is."""
    said = {verdict for verdict in verdicts_on(doubt, resolved).values() if verdict is not Verdict.UNSURE}
    return said == {doubt.dispelled_by}


def whom_to_screen(person: Person) -> Subject:
    """A candidate, as lists are asked about one: every name, and the patronymic where it is known."""
    names = [person.given_name, person.patronymic, person.family_name]
    whole = " ".join(name for name in names if name)
    asked = subject((whole, *person.other_names), person.birth_date)
    return asked.model_copy(update={"identity": identity_of(person)})


def check_resolution(file: VettingFile | None, given: Resolution, officer: str) -> None:
    """Whether an officer may say this of a hit.

    Raises:
        NoSuchHit: The case has none of that id.
        StaleContent: The entry says something else by now.
        NothingToChange: The hit is on a hostile list, or the officer has said so already.
    """
    hit = next((each for each in (file.resolvable if file is not None else ()) if each.id == given.hit), None)
    if file is None or hit is None:
        raise NoSuchHit(f"the case has no hit {given.hit}", rule="no-such-hit")
    if isinstance(hit, Hit) and hit.watchlist.trust is Trust.HOSTILE:
        raise NothingToChange(
            "a hit on a hostile list is evidence of persecution and counts against nobody", rule="hostile-list"
        )
    if hit.digest != given.digest:
        raise StaleContent(f"the entry behind {given.hit} says something else by now: look again", rule="hit-stale")
    if verdicts_on(hit, file.resolved).get(officer) is given.verdict:
        raise NothingToChange(f"{officer} has said so of {given.hit} already", rule="nothing-to-change")


def check_functions(file: VettingFile | None, given: Functions) -> None:
    """Whether functions can be recorded. Raises NothingToChange where the same are on file."""
    if file is not None and file.functions == given:
        raise NothingToChange("the same functions are on file", rule="nothing-to-change")


def check_exception(file: VettingFile | None, given: ExceptionReason, officer: str) -> None:
    """Whether an officer may sign an exception now.

    Raises:
        Refusal: No exception is needed or possible, the officer saw something else, or has signed already.
    """
    answer = file.answer if file is not None else None
    if file is None or answer is None:
        raise NothingToChange("no functions are on file, so no exception is needed", rule="no-exception")
    check_signature(answer, officer, file.exceptions, given)


class CheckFinding(Model):
    """One finding of the checks, for officers.

    Attributes:
        check: Which check: ``list``, ``hit``, ``functions``, ``function``, ``identity``, ``duplicate``, ``evidence``.
        about: The list, the hit, the function, the doubt or the criterion.
        result: Where it stands.
        why: What it rests on.
        holds: Whether it keeps the case from being cleared.
    """

    check: str
    about: str
    result: str
    why: tuple[str, ...] = ()
    holds: bool = False


_CALLED = {
    HitStanding.PERSECUTION: "evidence of persecution: the list is hostile",
    HitStanding.OPEN: "waits for an officer",
    HitStanding.SECOND: "waits for another officer",
    HitStanding.DISPUTED: "officers disagree: waits for a third",
    HitStanding.SAME_PERSON: "the same person",
    HitStanding.OTHER_PERSON: "another person",
}


def findings(file: VettingFile | None, evidence: EvidenceFile | None = None) -> tuple[CheckFinding, ...]:
    """Everything the checks found, each with why."""
    if file is None or file.screening is None:
        found = [CheckFinding(check="list", about="all", result="not asked yet: no list is kept, or none has answered")]
    else:
        found = [
            CheckFinding(check="list", about=name, result=f"asked, version {version}")
            for name, version in sorted(file.screening.asked.items())
        ]
        found += [
            CheckFinding(
                check="list", about=silence.what, result="could not be asked", why=(silence.cause,), holds=True
            )
            for silence in file.screening.silent
        ]
    supplied = _on_evidence(evidence) if evidence is not None else []
    if file is None:
        return (*found, *supplied)
    found += [_on_hit(hit, file.resolved) for hit in file.hits]
    found += [_on_doubt(doubt, file.resolved) for doubt in file.doubts]
    return (*found, *_on_functions(file), *supplied)


def _on_doubt(doubt: Doubt, resolved: Sequence[Resolved]) -> CheckFinding:
    dispelled = is_dispelled(doubt, resolved)
    return CheckFinding(
        check=doubt.about.value,
        about=doubt.id,
        result=f"{doubt.what}: {'nothing in it' if dispelled else 'waits for an officer'}",
        why=(*doubt.why, *_said(doubt, resolved)),
        holds=not dispelled,
    )


def _on_evidence(evidence: EvidenceFile) -> list[CheckFinding]:
    return [
        CheckFinding(
            check="evidence",
            about=key,
            result="missing" if key in evidence.missing else "supplied",
            why=evidence.given.get(key, ()) or ("the session asks for evidence on this criterion",),
            holds=key in evidence.missing,
        )
        for key in evidence.required
    ]


def _said(what: Resolvable, resolved: Sequence[Resolved]) -> list[str]:
    """Who said what; of whom a reader must not know it yet, that it was said."""
    return [
        f"{officer} has given a word, sealed until you give yours" if verdict is None else f"{officer} said {verdict}"
        for officer, verdict in sorted(verdicts_on(what, resolved).items())
    ]


def _on_hit(hit: Hit, resolved: Sequence[Resolved]) -> CheckFinding:
    where = standing(hit, resolved)
    needed = OFFICERS[hit.watchlist.trust]
    trust = f"{hit.watchlist.name}, {hit.watchlist.trust.value} ({hit.watchlist.publisher}, {hit.watchlist.kind.value})"
    said = _said(hit, resolved)
    says = [f"{name}: {'; '.join(values)}" for name, values in hit.says.items()]
    takes = [f"takes {needed} officer{'s' if needed > 1 else ''}"] if needed else []
    return CheckFinding(
        check="hit",
        about=hit.id,
        result=f"{hit.caption} ({hit.score:.2f}): {_CALLED[where]}",
        why=(trust, *takes, *hit.why, *says, *said),
        holds=where not in SETTLED,
    )


def _on_functions(file: VettingFile) -> list[CheckFinding]:
    if file.functions is None or file.answer is None:
        return [CheckFinding(check="functions", about="all", result="not on file")]
    answer = file.answer
    by = sorted(signatures(answer, file.exceptions))
    signed = (f"signed by {', '.join(by)}; takes {SIGNATURES} officers",) if by else ()
    whole = CheckFinding(
        check="functions",
        about=f"rule {answer.version}",
        result=answer.result.value,
        why=signed,
        holds=not admits(answer, file.exceptions),
    )
    each = [
        CheckFinding(
            check="function",
            about=f"{found.number}",
            result=found.result.value,
            why=(
                f"{function.what}, {function.body} ({function.payer.value})",
                f"{function.since} to {function.until or 'now'}",
                found.why,
                *function.evidence,
            ),
        )
        for found, function in zip(answer.findings, file.functions.functions, strict=True)
    ]
    return [whole, *each]
