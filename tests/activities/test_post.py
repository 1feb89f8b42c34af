"""Sending letters, each once, over in-memory ports."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.ports import MailDeferred, MailError, MailRefused, MailUncertain
from activities.post import Patience, Post
from activities.record import Recording
from domain.ledger import Delivery, LetterState, Recorded, Settlement, SettlementHow
from domain.notices import Role, Template
from letters.render import TemplateRenderer
from tests.builders import a_contact, an_entry, an_envelope
from tests.fakes import Letterbox, MemoryLedger
from tests.officers import a_pair, of_workflow

DESK = a_contact(name="The desk", email="desk@example.org")
PATIENCE = Patience(first=timedelta(minutes=1), longest=timedelta(hours=6), whole=timedelta(days=5))


class Desk:
    """A post office with one nomination on its books: a receipt and an invitation."""

    def __init__(self) -> None:
        self.ledger, self.box = MemoryLedger(), Letterbox()
        self.renderer = TemplateRenderer()
        self.post = Post(ledger=self.ledger, mailer=self.box, renderer=self.renderer, desk=DESK, patience=PATIENCE)
        self.recording = Recording(ledger=self.ledger, renderer=self.renderer, desk=DESK)

    async def record(self) -> Recorded:
        entry = an_entry()
        recorded: Recorded = await of_workflow(entry.workflow_id).run(self.recording.record_step, entry)
        return recorded

    async def deliver(self, *letters: str) -> tuple[Delivery, ...]:
        deliveries: tuple[Delivery, ...] = await ActivityEnvironment().run(self.post.deliver_letters, letters)
        return deliveries

    def fails(self, letter: str, error: MailError) -> None:
        self.box.trouble[self.ledger.letters[letter].draft.to.email] = [error]


async def test_recording_a_step_twice_changes_nothing_and_answers_the_same() -> None:
    desk = Desk()
    first = await desk.record()
    again = await desk.record()
    assert again == first
    assert list(desk.ledger.letters) == list(first.letters)


async def test_letters_go_out_once_however_often_they_are_delivered() -> None:
    desk = Desk()
    recorded = await desk.record()
    await desk.deliver(*recorded.letters)
    again = await desk.deliver(*recorded.letters)
    assert [delivery.state for delivery in again] == [LetterState.SENT, LetterState.SENT]
    assert [outgoing.reference for outgoing in desk.box.received] == list(recorded.letters)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (MailRefused("no such user", code=550), LetterState.REFUSED),
        (MailDeferred("try later", code=451), LetterState.RELEASED),
        (MailUncertain("connection lost"), LetterState.UNKNOWN),
    ],
)
async def test_one_letter_in_trouble_does_not_hold_up_the_other(error: MailError, state: LetterState) -> None:
    desk = Desk()
    first, second = (await desk.record()).letters
    desk.fails(first, error)
    deliveries = await desk.deliver(first, second)
    assert deliveries == (
        Delivery(letter=first, state=state, code=error.code),
        Delivery(letter=second, state=LetterState.SENT),
    )
    assert [outgoing.reference for outgoing in desk.box.received] == [second]


async def test_a_letter_that_was_claimed_when_the_worker_died_is_unknown_and_not_sent() -> None:
    desk = Desk()
    first, second = (await desk.record()).letters
    await desk.ledger.claim(first)
    deliveries = await desk.deliver(first, second)
    assert [delivery.state for delivery in deliveries] == [LetterState.UNKNOWN, LetterState.SENT]
    assert [outgoing.reference for outgoing in desk.box.received] == [second]


async def test_what_became_of_a_letter_is_written_down_once_the_ledger_is_back() -> None:
    desk = Desk()
    first, _ = (await desk.record()).letters
    sent = asyncio.Event()
    send = desk.box.send

    async def send_and_lose_the_ledger(outgoing: object) -> None:
        await send(outgoing)  # type: ignore[arg-type]
        desk.ledger.away = True
        sent.set()

    desk.box.send = send_and_lose_the_ledger  # type: ignore[method-assign]
    delivering = asyncio.create_task(desk.deliver(first))
    await sent.wait()
    await asyncio.sleep(0.3)
    assert not delivering.done()
    desk.ledger.away = False
    (delivery,) = await delivering
    assert delivery.state is LetterState.SENT
    assert len(desk.box.received) == 1


async def test_a_deferred_letter_is_tried_again_after_a_pause_that_grows() -> None:
    desk = Desk()
    first, _ = (await desk.record()).letters
    desk.fails(first, MailDeferred("try later", code=451))
    with pytest.raises(ApplicationError) as deferred:
        await ActivityEnvironment().run(desk.post.deliver_letter, first)
    assert (deferred.value.type, deferred.value.next_retry_delay) == ("MailDeferred", timedelta(minutes=1))


@pytest.mark.parametrize(("attempt", "minutes"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 360), (1000, 360)])
def test_pauses_double_up_to_the_longest(attempt: int, minutes: int) -> None:
    assert PATIENCE.pause(attempt) == timedelta(minutes=minutes)


async def test_trouble_is_reported_to_the_desk_once_and_never_about_a_letter_to_the_desk() -> None:
    desk = Desk()
    first, _ = (await desk.record()).letters
    trouble = Delivery(letter=first, state=LetterState.REFUSED, code=550)
    assert await ActivityEnvironment().run(desk.post.report_trouble, trouble) is None
    desk.ledger.letters[first].state = LetterState.REFUSED
    report = await ActivityEnvironment().run(desk.post.report_trouble, trouble)
    assert report is not None
    assert await ActivityEnvironment().run(desk.post.report_trouble, trouble) == report
    written = desk.ledger.letters[report].draft
    assert (written.template, written.role, written.about) == (Template.DESK_LETTER, Role.DESK, first)
    desk.ledger.letters[report].state = LetterState.REFUSED
    about_the_report = Delivery(letter=report, state=LetterState.REFUSED)
    assert await ActivityEnvironment().run(desk.post.report_trouble, about_the_report) is None


async def test_settling_a_letter_that_needs_no_decision_is_refused_by_its_rule() -> None:
    desk = Desk()
    first, _ = (await desk.record()).letters
    await desk.deliver(first)
    resend = Settlement(how=SettlementHow.RESEND, reason="to be sure")
    envelope = a_pair().sign(an_envelope("settle", first, resend))
    with pytest.raises(ApplicationError) as refused:
        await ActivityEnvironment().run(desk.post.settle_letter, envelope, first)
    assert (refused.value.type, refused.value.details[0]) == ("LetterSettled", "letter-settled")
