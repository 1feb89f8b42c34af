"""Many nominations at once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from domain.envelope import Receipt
from domain.fingerprint import fingerprint
from domain.ids import candidacy_workflow_id
from domain.people import Nomination
from starter.batch import Batch, Outcome
from starter.desk import NoSuchCase, OutcomeUnknown, PartUnreachable, Refused, Taken
from starter.files import BadInput, Problem, Row
from tests.builders import KEY, NOMINATED_AT, SESSION, a_nomination, terms


class Register:
    """A desk that knows whom it has, and says what it is told to say."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.known: dict[str, str] = {}

    def workflow_of(self, nomination: Nomination) -> str:
        return candidacy_workflow_id(SESSION, fingerprint(SESSION, nomination, KEY))

    async def nominate(self, nomination: Nomination) -> Taken:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        workflow = self.workflow_of(nomination)
        fresh = workflow not in self.known
        reference = self.known.setdefault(workflow, f"C-{SESSION}-{len(self.known) + 1:04d}")
        receipt = Receipt(reference=reference, seq=1, act="nominate", stage="nominated", at=NOMINATED_AT)
        return Taken(receipt=receipt, fresh=fresh)


def rows(*names: str | None) -> list[Row]:
    """A row for each family name; a bad one for None."""
    return [
        Row(source=f"n.csv:{line}", problems=(Problem("n.csv", line, "email", "is missing"),))
        if name is None
        else Row(source=f"n.csv:{line}", nomination=a_nomination(family_name=name))
        for line, name in enumerate(names, 2)
    ]


async def sent(batch: Batch, register: Register) -> Any:
    await batch.send(register.nominate)
    return batch.reply(SESSION, dry_run=False)


def results(batch: Batch) -> Sequence[tuple[str, Outcome, str | None]]:
    return [(result.source, result.outcome, result.reference) for result in batch.results]


async def test_every_nomination_has_its_result_in_order() -> None:
    batch = Batch(rows("Berdyaev", "Sample", "Бердяев"))
    reply = await sent(batch, Register())
    assert results(batch) == [
        ("n.csv:2", Outcome.NOMINATED, "C-2026-0001"),
        ("n.csv:3", Outcome.NOMINATED, "C-2026-0002"),
        ("n.csv:4", Outcome.ALREADY, "C-2026-0001"),
    ]
    assert reply.failure is None
    assert reply.document["counts"] == {
        "nominated": 2, "already": 1, "refused": 0, "bad": 0, "unknown": 0, "not-sent": 0,
    }  # fmt: skip


async def test_dry_run_counts_what_the_run_then_does() -> None:
    register = Register()
    await sent(Batch(rows("Known")), register)
    handed_in = rows("Berdyaev", None, "Known", "Berdiaeff", "Sample")
    foretold = Batch(handed_in)
    foretold.foretell(terms(), register.known, register.workflow_of, NOMINATED_AT)
    said = foretold.reply(SESSION, dry_run=True)
    assert [result.reference for result in foretold.results] == [None, None, "C-2026-0001", None, None]
    done = await sent(Batch(handed_in), register)
    assert said.document["counts"] == done.document["counts"]
    assert said.document["counts"] == {
        "nominated": 2, "already": 2, "refused": 0, "bad": 1, "unknown": 0, "not-sent": 0,
    }  # fmt: skip


def test_dry_run_after_the_close_of_nominations_refuses_all_but_the_known() -> None:
    register = Register()
    batch = Batch(rows("Known", "Sample"))
    known = {register.workflow_of(a_nomination(family_name="Known")): "C-2026-0001"}
    closed = terms().nominations_end + timedelta(seconds=1)
    batch.foretell(terms(), known, register.workflow_of, closed)
    assert [result.outcome for result in batch.results] == [Outcome.ALREADY, Outcome.REFUSED]
    failure = batch.reply(SESSION, dry_run=True).failure
    assert failure is not None
    assert (failure.code, failure.rule) == (3, "nominations-close")
    assert failure.message == ("1 of 2 nominations; the first: nominations for 2026 closed at the end of 2026-01-05")


def test_bad_row_keeps_everything_from_being_sent() -> None:
    with pytest.raises(BadInput) as bad:
        Batch(rows("Sample", None, None)).refuse_bad()
    assert bad.value.code == 2
    assert bad.value.line == (
        "bad input: n.csv:3: email: is missing\nbad input: n.csv:4: email: is missing\n"
        "nothing was sent; --skip-bad sends the nominations that can be used"
    )


async def test_bad_row_that_was_skipped_still_ends_in_code_2() -> None:
    batch = Batch(rows(None, "Sample"))
    reply = await sent(batch, Register(Refused("closed", rule="nominations-close", refusal="OutOfTime")))
    assert [result.outcome for result in batch.results] == [Outcome.BAD, Outcome.REFUSED]
    assert reply.failure.code == 2


async def test_refused_nomination_says_its_rule() -> None:
    batch = Batch(rows("Sample"))
    reply = await sent(batch, Register(Refused("closed", rule="nominations-close", refusal="OutOfTime")))
    assert [result.document() for result in batch.results] == [
        {
            "source": "n.csv:2",
            "outcome": "refused",
            "reference": None,
            "rule": "nominations-close",
            "message": "closed",
        }
    ]
    assert reply.failure.line == "refused (nominations-close): closed"


@pytest.mark.parametrize(
    ("error", "outcome"), [(OutcomeUnknown("no answer"), Outcome.UNKNOWN), (PartUnreachable("away"), Outcome.NOT_SENT)]
)
async def test_part_that_does_not_answer_stops_the_batch_and_hides_nothing(error: Exception, outcome: Outcome) -> None:
    batch = Batch(rows("Sample", "Trial", "Test", None))
    reply = await sent(batch, Register(None, error))
    assert [result.outcome for result in batch.results] == [Outcome.NOMINATED, outcome, Outcome.NOT_SENT, Outcome.BAD]
    assert reply.failure.code == 5


async def test_error_that_concerns_no_single_row_is_not_swallowed() -> None:
    with pytest.raises(NoSuchCase, match="session 2026 is not open"):
        await sent(Batch(rows("Sample")), Register(NoSuchCase("session 2026 is not open")))
