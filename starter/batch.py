"""Many nominations at once: one result for each, and a dry run that counts what the real run would do."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from domain.candidacy import check_nomination
from domain.errors import Refusal
from domain.people import Nomination
from domain.session import Terms
from starter import show
from starter.calling import Reply
from starter.failures import Failure, Kind, failure_of
from starter.files import BadInput, Row

if TYPE_CHECKING:
    from starter.desk import Taken


class Outcome(StrEnum):
    """What became of one nomination that was handed in."""

    NOMINATED = "nominated"
    ALREADY = "already"
    REFUSED = "refused"
    BAD = "bad"
    UNKNOWN = "unknown"
    NOT_SENT = "not-sent"


_STOPPING: Final = frozenset({Kind.UNREACHABLE, Kind.OUTCOME_UNKNOWN})


@dataclass(frozen=True)
class Result:
    """One nomination's result. ``reference`` is None where there is none, or where a dry run cannot know it yet."""

    source: str
    outcome: Outcome
    reference: str | None = None
    rule: str | None = None
    message: str | None = None

    def document(self) -> dict[str, Any]:
        """What a program is told."""
        return {
            "source": self.source,
            "outcome": self.outcome,
            "reference": self.reference,
            "rule": self.rule,
            "message": self.message,
        }


@dataclass
class Batch:
    """Nominations in the order in which they were handed in."""

    rows: Sequence[Row]
    results: list[Result] = field(default_factory=list)
    stopped: Failure | None = None

    def refuse_bad(self) -> None:
        """Insist that every row can be used.

        Raises:
            BadInput: One cannot; every problem of every row is named.
        """
        problems = [problem for row in self.rows for problem in row.problems]
        if problems:
            raise BadInput(*problems, advice="nothing was sent; --skip-bad sends the nominations that can be used")

    def foretell(
        self,
        terms: Terms,
        known: Mapping[str, str],
        workflow_of: Callable[[Nomination], str],
        at: datetime,
    ) -> None:
        """Find out what ``send`` would do.

        Args:
            terms: The session's.
            known: The reference of every case there is, by its workflow.
            workflow_of: The workflow that a nomination leads to.
            at: The calendar's reading.
        """
        cases: dict[str, str | None] = dict(known)
        for row in self.rows:
            if row.nomination is None:
                self.results.append(_bad(row))
                continue
            workflow = workflow_of(row.nomination)
            if workflow in cases:
                self.results.append(Result(row.source, Outcome.ALREADY, reference=cases[workflow]))
                continue
            try:
                check_nomination(terms, at)
            except Refusal as refusal:
                self.results.append(Result(row.source, Outcome.REFUSED, rule=refusal.rule, message=refusal.message))
            else:
                cases[workflow] = None
                self.results.append(Result(row.source, Outcome.NOMINATED))

    async def send(self, nominate: "Callable[[Nomination], Awaitable[Taken]]") -> None:
        """Send one after the other, so that references follow the order of the files.

        Where a part does not answer, the rest is not sent.

        Args:
            nominate: Sends one.
        """
        for row in show.progress(self.rows, "Nominating"):
            self.results.append(await self._sent(row, nominate))

    async def _sent(self, row: Row, nominate: "Callable[[Nomination], Awaitable[Taken]]") -> Result:
        if row.nomination is None:
            return _bad(row)
        if self.stopped is not None:
            return Result(row.source, Outcome.NOT_SENT)
        try:
            taken = await nominate(row.nomination)
        except Exception as error:
            failure = failure_of(error)
            if failure.kind is Kind.REFUSED:
                return Result(row.source, Outcome.REFUSED, rule=failure.rule, message=failure.message)
            if failure.kind not in _STOPPING:
                raise
            self.stopped = failure
            outcome = Outcome.UNKNOWN if failure.kind is Kind.OUTCOME_UNKNOWN else Outcome.NOT_SENT
            return Result(row.source, outcome, message=failure.message)
        outcome = Outcome.NOMINATED if taken.fresh else Outcome.ALREADY
        return Result(row.source, outcome, reference=taken.receipt.reference)

    def reply(self, session: str, *, dry_run: bool) -> Reply:
        """One result per row, and how many there are of each."""
        counts = Counter(result.outcome for result in self.results)
        rows = [(result.source, result.outcome, result.reference, result.message or "") for result in self.results]
        summary = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome])
        return Reply(
            document={
                "session": session,
                "dry_run": dry_run,
                "counts": {outcome.value: counts[outcome] for outcome in Outcome},
                "results": [result.document() for result in self.results],
            },
            text=[
                show.table(f"Nominations for {session}", ("where", "result", "candidacy", "why"), rows),
                f"{'Would be' if dry_run else 'Done'}: {summary}.",
            ],
            failure=self._failure(),
        )

    def _failure(self) -> Failure | None:
        """Why not all of it was done; the worst reason first."""
        if self.stopped is not None:
            return self.stopped
        problems = [problem for row in self.rows for problem in row.problems]
        if problems:
            return BadInput(*problems)
        refused = [result for result in self.results if result.outcome is Outcome.REFUSED]
        if not refused:
            return None
        message = refused[0].message or ""
        if len(self.rows) > 1:
            message = f"{len(refused)} of {len(self.rows)} nominations; the first: {message}"
        return Failure(Kind.REFUSED, message, rule=refused[0].rule)


def _bad(row: Row) -> Result:
    return Result(row.source, Outcome.BAD, message="; ".join(map(str, row.problems)))
