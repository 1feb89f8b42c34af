"""What the desk handles in a measurement: fictional people, and papers of the length that real ones have."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

import config
from domain.candidacy import Answer, Declaration, Measure
from domain.criteria import CriteriaSet
from domain.lists import BureauDecision, DecisionOutcome, ListPlan, Place, Votes
from domain.people import Nomination, SeatKind
from domain.session import SessionPlan
from domain.suspension import (
    Charge,
    Evidence,
    Observations,
    Recommendation,
    ReviewReport,
    Service,
    SuspensionDecision,
)
from domain.timelimits import day_of
from domain.vetting import Assessment, Finding, Judgement

CRITERIA: Final = CriteriaSet.model_validate(
    yaml.safe_load((Path(config.__file__).parent / "criteria" / "2026.1.yaml").read_text(encoding="utf-8"))
)
_REASON: Final = (
    "Read the whole file: the declaration, the public statements of the last four years and both references. "
    "They agree with each other, and nothing in the open sources speaks against them."
)
_EVIDENCE: Final = ("Declaration, page 2", "https://example.org/archive/interview-of-2023-11-04")


def plan(reference: str, *, seats: int, **changes: Any) -> SessionPlan:
    """A session that has opened, still takes nominations, reserves no seat and needs no ratification."""
    today = day_of(datetime.now(UTC))
    fields: dict[str, Any] = {
        "reference": reference,
        "opens": today - timedelta(days=1),
        "closes": today + timedelta(days=364),
        "nominations_close": today + timedelta(days=30),
        "bureau_meets": today + timedelta(days=51),
        "seats": seats,
        "reserved_share": 0,
        "ratification": False,
        "criteria": CRITERIA,
    }
    return SessionPlan.model_validate(fields | changes)


def nomination(number: int) -> Nomination:
    """Somebody who does not exist; another number is somebody else."""
    name = f"Example{_letters(number)}"
    languages = ("en", "fr", "ru")
    return Nomination.model_validate(
        {
            "candidate": {
                "given_name": "Ada",
                "family_name": name,
                "birth_date": date(1960, 1, 1) + timedelta(days=number),
                "email": f"candidate-{number}@example.org",
                "language": languages[number % 3],
            },
            "nominator": {"name": "Nora Invented", "email": f"nominator-{number}@example.org", "language": "en"},
            "organisation": "The Invented Association",
            "statement": f"Ada {name} has spoken and written against the war since its first day.",
        }
    )


def _letters(number: int) -> str:
    # Another number sounds otherwise, however it is spelt: nobody is taken for nominated twice.
    return "".join(f"{'bdgklnprtv'[int(digit)]}am" for digit in str(number))


def declaration() -> Declaration:
    """Consent, and a yes to every criterion."""
    answers = tuple(Answer(criterion=key, affirmed=True) for key in CRITERIA.keys)
    return Declaration(consent=True, answers=answers, received="by letter of the same day")


def assessment() -> Assessment:
    """Every criterion clear, each with a reason and evidence."""
    return Assessment(
        findings=tuple(
            Finding(criterion=key, judgement=Judgement.CLEAR, reason=_REASON, evidence=_EVIDENCE)
            for key in CRITERIA.keys
        )
    )


def list_plan(candidacies: Sequence[str]) -> ListPlan:
    """A seat for everybody."""
    return ListPlan(seats=tuple(Place(candidacy=reference, seat=SeatKind.GENERAL) for reference in candidacies))


def charge() -> Charge:
    """A complaint, for which everything is taken away in the meantime."""
    return Charge(
        ground="complaint",
        measure=Measure.FULL,
        evidence=tuple(Evidence(source=source) for source in _EVIDENCE),
        reason="Two members of the committee complained in writing about what was said at its last meeting.",
    )


def service() -> Service:
    """Delivered today."""
    return Service(how="registered letter, signed for", on=day_of(datetime.now(UTC)))


def observations() -> Observations:
    """An answer."""
    return Observations(answer=_REASON, documents=("Statement of two pages",))


def report() -> ReviewReport:
    """Nothing was found."""
    return ReviewReport(text=_REASON, recommendation=Recommendation.LIFTED)


def lifting() -> SuspensionDecision:
    """The Bureau lifts the suspension."""
    return SuspensionDecision(
        outcome=Recommendation.LIFTED,
        votes=Votes(in_favour=12, against=3),
        reference="AS/Bur 9",
        reason="The complaint is not borne out by the recording of the meeting.",
    )


def adoption(frozen: str) -> BureauDecision:
    """The Bureau adopts the list under this hash."""
    return BureauDecision(
        hash=frozen,
        outcome=DecisionOutcome.ADOPTED,
        votes=Votes(in_favour=12, against=3),
        reference="AS/Bur 7",
        reason="as minuted",
    )
