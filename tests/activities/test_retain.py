"""Telling the desk what will be erased, finding what is due, holding one back."""

import dataclasses
import secrets
from datetime import UTC, date, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.retain import Retaining
from domain.candidacy import Act, Reason
from domain.envelope import Envelope
from domain.ledger import LetterState
from domain.people import Contact
from domain.retention import RETAIN_ACT, Hold
from letters.render import TemplateRenderer
from tests.builders import (
    NOMINATED_AT,
    a_candidacy,
    a_nomination,
    a_retention,
    an_entry,
    an_envelope,
    commanded,
    drafts_of,
)
from tests.fakes import MemoryLedger, MemoryRetentions
from tests.officers import a_pair

DESK = Contact(name="The desk", email="desk@example.org")
HELD = "C-2026-0002"


async def a_retaining(*people: str) -> Retaining:
    """A register of people who declined, each under a session that stands as another's case would."""
    ledger = MemoryLedger()
    for given_name in people:
        opened = a_candidacy(a_nomination(given_name=given_name))
        recorded = await ledger.record(an_entry(opened), drafts_of(an_entry(opened)))
        state = opened.state.model_copy(update={"reference": recorded.reference})
        declined = an_entry(commanded(state, Act.DECLINE, Reason(reason="no time")))
        await ledger.record(declined, drafts_of(declined))
    ledger.cases["2026"] = dataclasses.replace(ledger.cases["C-2026-0001"], entry=an_entry())
    return Retaining(
        ledger=ledger,
        retentions=MemoryRetentions(ledger),
        renderer=TemplateRenderer(),
        desk=DESK,
        retention=a_retention(notice=30),
    )


def at(instant: datetime) -> ActivityEnvironment:
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, scheduled_time=instant)
    return environment


def memory(retaining: Retaining) -> tuple[MemoryLedger, MemoryRetentions]:
    assert isinstance(retaining.ledger, MemoryLedger)
    assert isinstance(retaining.retentions, MemoryRetentions)
    return retaining.ledger, retaining.retentions


A_YEAR = timedelta(days=365)


async def test_the_desk_gets_one_letter_for_all_that_ends_on_one_day_and_it_names_nobody() -> None:
    retaining = await a_retaining("Ada", "Boris")
    ledger, retentions = memory(retaining)
    soon = at(NOMINATED_AT + A_YEAR - timedelta(days=20))

    (letter,) = await soon.run(retaining.announce_erasures)
    text = ledger.letters[letter].draft.letter.text
    assert all(reference in text for reference in ("C-2026-0001", HELD))
    assert "Ada" not in text
    assert ledger.letters[letter].draft.to == DESK
    assert retentions.told.keys() == {"C-2026-0001", HELD}
    # Taken up again after a crash, it is the same letter; once that is out there is nothing to do.
    assert await soon.run(retaining.announce_erasures) == (letter,)
    ledger.letters[letter].state = LetterState.SENT
    assert await soon.run(retaining.announce_erasures) == ()


async def test_nothing_is_due_before_the_desk_has_had_its_days() -> None:
    retaining = await a_retaining("Ada")
    ledger, retentions = memory(retaining)
    late = NOMINATED_AT + 2 * A_YEAR
    (letter,) = await at(late).run(retaining.announce_erasures)

    for days, due in ((0, ()), (31, ()), (32, ("C-2026-0001",))):
        if days == 32:
            ledger.letters[letter].state = LetterState.SENT
        assert await at(late + timedelta(days=days)).run(retaining.due_erasures, "") == due
    retentions.unfinished.append(HELD)
    much_later = at(late + timedelta(days=90))
    assert await much_later.run(retaining.due_erasures, "") == ("C-2026-0001", HELD)
    assert await much_later.run(retaining.due_erasures, "C-2026-0001") == (HELD,)


def a_hold(case: str, number: int = 7) -> Envelope[Hold]:
    hold = Hold(until=date(2030, 1, 1), reason="Case before a court")
    envelope = an_envelope(RETAIN_ACT, case, hold, signer=f"O-{number}", nonce=secrets.token_hex(16))
    return a_pair(number).sign(envelope)


async def test_an_officer_holds_one_back() -> None:
    retaining = await a_retaining("Ada", "Boris")
    _, retentions = memory(retaining)
    held = await ActivityEnvironment().run(retaining.retain, a_hold(HELD))

    assert (held.reference, held.until, retentions.held) == (HELD, date(2030, 1, 1), {HELD: date(2030, 1, 1)})
    soon = at(datetime(2027, 3, 1, 12, tzinfo=UTC))
    await soon.run(retaining.announce_erasures)
    assert retentions.told.keys() == {"C-2026-0001"}
    with pytest.raises(ApplicationError) as missing:
        await ActivityEnvironment().run(retaining.retain, a_hold("C-2026-0009"))
    assert missing.value.type == "NoSuchCase"
