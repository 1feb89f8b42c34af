"""Letters in the ledger: claimed before they are sent, overtaken, settled by a person."""

import asyncio
import re

import pytest

from adapters.sql.ledger import SqlLedger
from domain.candidacy import Act, CandidacyState, InformationRequest, Reason, Stage
from domain.errors import LetterSettled
from domain.ledger import Claim, Delivery, Enquiry, EnquiryAbout, LetterRow, LetterState, Settlement, SettlementHow
from domain.ledger import entry as ledger_entry
from domain.notices import Letter, Role, Template
from domain.people import Language
from domain.steps import CaseKind, Outcome
from domain.suspension import SuspensionAct
from tests.builders import (
    SESSION,
    a_candidacy,
    a_case,
    a_contact,
    a_declaration,
    a_draft,
    a_service,
    a_suspension,
    an_entry,
    commanded,
    drafts_of,
    ruled,
)
from tests.officers import asked, settled

RECEIPT = "C-2026-0001.1.1"
INVITATION = "C-2026-0001.1.2"


@pytest.fixture
async def nominated(ledger: SqlLedger) -> CandidacyState:
    """A candidacy whose receipt and invitation are drafted."""
    outcome = a_candidacy()
    entry = an_entry(outcome)
    recorded = await ledger.record(entry, drafts_of(entry))
    return outcome.state.model_copy(update={"reference": recorded.reference})


async def take(ledger: SqlLedger, state: CandidacyState, act: Act) -> CandidacyState:
    content = a_declaration() if act is Act.DECLARE else Reason(reason="No time.")
    outcome = commanded(state, act, content)
    entry = an_entry(outcome)
    await ledger.record(entry, drafts_of(entry))
    return outcome.state


async def row_of(ledger: SqlLedger, letter: str) -> LetterRow:
    file = (await asked(ledger, Enquiry(about=EnquiryAbout.LETTER, reference=letter))).letter
    assert file is not None
    return file.row


async def history_of(ledger: SqlLedger, letter: str) -> list[str]:
    """What became of a letter, without the instants."""
    file = (await asked(ledger, Enquiry(about=EnquiryAbout.LETTER, reference=letter))).letter
    assert file is not None
    return [line.partition(" ")[2] for line in file.history]


async def bring_to(ledger: SqlLedger, letter: str, state: LetterState, code: int | None = None) -> None:
    await ledger.claim(letter)
    await ledger.mark(Delivery(letter=letter, state=state, code=code))


@pytest.mark.usefixtures("nominated")
async def test_a_claimed_letter_is_handed_out_whole(ledger: SqlLedger) -> None:
    claim = await ledger.claim(INVITATION)

    assert claim.state is LetterState.SENDING
    assert claim.outgoing is not None
    assert claim.outgoing.reference == INVITATION
    assert claim.outgoing.to == a_contact(name="Ada Example", email="candidate@example.org", language=Language.FRENCH)
    assert claim.outgoing.letter == Letter(
        subject="Reference", text="invitation letter", html="<p>invitation letter</p>"
    )
    assert claim.outgoing.written == (await row_of(ledger, INVITATION)).written


@pytest.mark.usefixtures("nominated")
async def test_a_letter_claimed_twice_is_unknown_and_not_handed_out_again(ledger: SqlLedger) -> None:
    await ledger.claim(INVITATION)

    assert await ledger.claim(INVITATION) == Claim(state=LetterState.UNKNOWN)
    assert await ledger.claim(INVITATION) == Claim(state=LetterState.UNKNOWN)
    assert await history_of(ledger, INVITATION) == ["drafted", "sending", "unknown"]
    assert (await row_of(ledger, INVITATION)).attempts == 1


@pytest.mark.usefixtures("nominated")
async def test_of_two_claims_at_the_same_moment_one_gets_the_letter(ledger: SqlLedger) -> None:
    claims = await asyncio.gather(ledger.claim(INVITATION), ledger.claim(INVITATION))

    assert sorted(claim.outgoing is None for claim in claims) == [False, True]


@pytest.mark.usefixtures("nominated")
async def test_a_sent_letter_is_not_claimed_again(ledger: SqlLedger) -> None:
    await bring_to(ledger, INVITATION, LetterState.SENT, 250)

    assert await ledger.claim(INVITATION) == Claim(state=LetterState.SENT)
    assert (await row_of(ledger, INVITATION)).state is LetterState.SENT
    assert await history_of(ledger, INVITATION) == ["drafted", "sending", "sent (250)"]


@pytest.mark.usefixtures("nominated")
async def test_a_deferred_letter_is_claimed_again_under_the_same_message_id(ledger: SqlLedger) -> None:
    first = await ledger.claim(INVITATION)
    await ledger.mark(Delivery(letter=INVITATION, state=LetterState.RELEASED, code=451))
    second = await ledger.claim(INVITATION)

    assert second == first
    assert (await row_of(ledger, INVITATION)).attempts == 2
    assert await history_of(ledger, INVITATION) == ["drafted", "sending", "released (451)", "sending"]


@pytest.mark.usefixtures("nominated")
async def test_marking_twice_leaves_one_trace(ledger: SqlLedger) -> None:
    await bring_to(ledger, INVITATION, LetterState.REFUSED, 550)
    await ledger.mark(Delivery(letter=INVITATION, state=LetterState.REFUSED, code=550))

    assert await history_of(ledger, INVITATION) == ["drafted", "sending", "refused (550)"]


@pytest.mark.usefixtures("nominated")
async def test_a_mark_that_comes_after_a_persons_decision_does_not_undo_it(ledger: SqlLedger) -> None:
    await bring_to(ledger, INVITATION, LetterState.UNKNOWN)
    await settled(ledger, INVITATION, Settlement(how=SettlementHow.GIVE_UP, reason="Told by telephone."))
    await ledger.mark(Delivery(letter=INVITATION, state=LetterState.RELEASED, code=451))

    assert (await row_of(ledger, INVITATION)).state is LetterState.WITHDRAWN


async def test_a_conclusive_letter_withdraws_those_before_it_that_are_not_out(
    ledger: SqlLedger, nominated: CandidacyState
) -> None:
    declared = await take(ledger, nominated, Act.DECLARE)
    await bring_to(ledger, "C-2026-0001.2.1", LetterState.SENT, 250)
    await take(ledger, declared, Act.WITHDRAW)

    assert await ledger.unsent_letters() == [
        (RECEIPT, LetterState.DRAFTED),
        ("C-2026-0001.3.1", LetterState.DRAFTED),
    ]
    assert (await row_of(ledger, INVITATION)).state is LetterState.WITHDRAWN
    assert (await row_of(ledger, "C-2026-0001.2.1")).state is LetterState.SENT
    assert await history_of(ledger, INVITATION) == ["drafted", "withdrawn"]
    assert await ledger.claim(INVITATION) == Claim(state=LetterState.WITHDRAWN)


@pytest.fixture
async def suspended(ledger: SqlLedger) -> CandidacyState:
    """A participant, and a suspension whose first letter is drafted."""
    state = a_case(Stage.PARTICIPANT).model_copy(update={"seq": 1})
    step = a_candidacy().step.model_copy(update={"stage": state.stage})
    entry = an_entry(Outcome(state=state, step=step, notices=a_candidacy().notices))
    await ledger.record(entry, drafts_of(entry))
    opened = a_suspension(of=state)
    entry = ledger_entry(
        CaseKind.SUSPENSION, opened, workflow_id=opened.state.workflow_id, session=SESSION, ended=False
    )
    await ledger.record(entry, drafts_of(entry))
    return state


OPENED = "S-2026-0001.1.1"
"""To the participant; the next one is the secretariat's."""


async def test_a_death_withdraws_what_waits_to_be_sent_to_the_person_in_every_case_of_theirs(
    ledger: SqlLedger, suspended: CandidacyState
) -> None:
    await take(ledger, suspended, Act.RECORD_DEATH)

    states = {letter: (await row_of(ledger, letter)).state for letter in (RECEIPT, INVITATION, OPENED)}
    assert states == {
        RECEIPT: LetterState.DRAFTED,
        INVITATION: LetterState.WITHDRAWN,
        OPENED: LetterState.WITHDRAWN,
    }
    assert (await row_of(ledger, "S-2026-0001.1.2")).state is LetterState.DRAFTED
    assert await history_of(ledger, OPENED) == ["drafted", "withdrawn"]


async def test_a_letter_under_way_to_somebody_who_dies_meanwhile_is_not_tried_again(
    ledger: SqlLedger, suspended: CandidacyState
) -> None:
    await ledger.claim(INVITATION)
    await take(ledger, suspended, Act.RECORD_DEATH)

    assert await ledger.mark(Delivery(letter=INVITATION, state=LetterState.RELEASED)) is LetterState.WITHDRAWN


async def test_a_letter_that_is_written_to_somebody_who_has_died_is_withdrawn_unsent(
    ledger: SqlLedger, suspended: CandidacyState
) -> None:
    await bring_to(ledger, OPENED, LetterState.REFUSED, 550)
    await take(ledger, suspended, Act.RECORD_DEATH)
    opened = a_suspension(of=suspended)
    again = ledger_entry(
        CaseKind.SUSPENSION,
        ruled(opened.state, SuspensionAct.SERVE, a_service(opened.state)),
        workflow_id=opened.state.workflow_id,
        session=SESSION,
        ended=False,
    )
    await ledger.record(again, drafts_of(again))

    assert await ledger.claim("S-2026-0001.2.1") == Claim(state=LetterState.WITHDRAWN)
    assert (await row_of(ledger, "S-2026-0001.2.1")).attempts == 0
    with pytest.raises(LetterSettled) as refused:
        await settled(ledger, OPENED, Settlement(how=SettlementHow.RESEND, reason="A better address."))
    assert refused.value.rule == "letter-to-the-dead"
    assert (await row_of(ledger, OPENED)).state is LetterState.REFUSED


async def test_what_is_known_of_a_letter_is_restored_where_it_waits_and_nowhere_else(
    ledger: SqlLedger, nominated: CandidacyState
) -> None:
    await bring_to(ledger, RECEIPT, LetterState.REFUSED, 550)
    for letter in (RECEIPT, INVITATION):
        await ledger.restore(Delivery(letter=letter, state=LetterState.SENT, code=250))

    assert [(await row_of(ledger, letter)).state for letter in (RECEIPT, INVITATION)] == [
        LetterState.REFUSED,
        LetterState.SENT,
    ]
    assert await history_of(ledger, INVITATION) == ["drafted", "sent (250)"]
    assert nominated.ended is False


async def test_letters_of_one_step_overtake_those_of_each_of_their_readers(
    ledger: SqlLedger, nominated: CandidacyState
) -> None:
    step = an_entry(commanded(nominated, Act.WITHDRAW, Reason(reason="No time.")))
    readers = (Role.CANDIDATE, Role.NOMINATOR)
    await ledger.record(
        step, lambda _: [a_draft(Template.WITHDRAWN, role, number=number) for number, role in enumerate(readers, 1)]
    )

    assert [(await row_of(ledger, letter)).state for letter in (RECEIPT, INVITATION)] == [LetterState.WITHDRAWN] * 2


async def test_a_letter_that_overtakes_nothing_leaves_the_others(ledger: SqlLedger, nominated: CandidacyState) -> None:
    declared = await take(ledger, nominated, Act.DECLARE)
    asked = commanded(declared, Act.REQUEST_INFORMATION, InformationRequest(question="Where were you?"))
    entry = an_entry(asked)
    await ledger.record(entry, drafts_of(entry))

    assert (await row_of(ledger, "C-2026-0001.2.1")).state is LetterState.DRAFTED


async def test_a_letter_overtaken_while_it_was_claimed_is_withdrawn_when_it_did_not_go_out(
    ledger: SqlLedger, nominated: CandidacyState
) -> None:
    await ledger.claim(INVITATION)
    await take(ledger, nominated, Act.WITHDRAW)
    await ledger.mark(Delivery(letter=INVITATION, state=LetterState.RELEASED, code=451))

    assert await ledger.claim(INVITATION) == Claim(state=LetterState.WITHDRAWN)


async def test_letters_to_one_reader_make_a_thread(ledger: SqlLedger, nominated: CandidacyState) -> None:
    claims = [await ledger.claim(letter) for letter in (RECEIPT, INVITATION)]
    await take(ledger, nominated, Act.DECLARE)
    claims.append(await ledger.claim("C-2026-0001.2.1"))
    receipt, invitation, declared = (claim.outgoing for claim in claims)

    assert receipt is not None
    assert invitation is not None
    assert declared is not None
    assert (receipt.thread, invitation.thread, declared.thread) == (None, None, invitation.message_id)


async def test_message_ids_are_unique_and_say_nothing(ledger: SqlLedger, nominated: CandidacyState) -> None:
    await take(ledger, nominated, Act.DECLARE)
    letters = (await asked(ledger, Enquiry(about=EnquiryAbout.LETTERS))).letters

    assert len({letter.message_id for letter in letters}) == 3
    assert all(re.fullmatch(r"<[0-9a-f]{32}@example\.org>", letter.message_id) for letter in letters)


@pytest.mark.usefixtures("nominated")
async def test_a_letter_about_a_letter_joins_the_same_step_once(ledger: SqlLedger) -> None:
    about_invitation = await asyncio.gather(*(ledger.add_letter(INVITATION, a_draft()) for _ in range(3)))
    about_receipt = await ledger.add_letter(RECEIPT, a_draft())

    assert about_invitation == ["C-2026-0001.1.3"] * 3
    assert about_receipt == "C-2026-0001.1.4"
    desk = [await ledger.claim(letter) for letter in ("C-2026-0001.1.3", "C-2026-0001.1.4")]
    assert desk[0].outgoing is not None
    assert desk[1].outgoing is not None
    assert (desk[0].outgoing.thread, desk[1].outgoing.thread) == (None, desk[0].outgoing.message_id)


@pytest.mark.usefixtures("nominated")
async def test_the_ledger_knows_which_letters_are_for_the_desk(ledger: SqlLedger) -> None:
    desk = await ledger.add_letter(INVITATION, a_draft())

    assert [await ledger.is_for_desk(letter) for letter in (RECEIPT, INVITATION, desk)] == [False, False, True]


async def test_a_step_recorded_again_answers_without_the_letters_about_its_letters(ledger: SqlLedger) -> None:
    entry = an_entry()
    recorded = await ledger.record(entry, drafts_of(entry))
    await ledger.add_letter(INVITATION, a_draft())

    assert await ledger.record(entry, drafts_of(entry)) == recorded


@pytest.mark.parametrize("state", [LetterState.REFUSED, LetterState.UNKNOWN, LetterState.RELEASED])
@pytest.mark.parametrize(
    ("how", "after"),
    [
        (SettlementHow.SENT, LetterState.SENT),
        (SettlementHow.RESEND, LetterState.RELEASED),
        (SettlementHow.GIVE_UP, LetterState.WITHDRAWN),
    ],
)
@pytest.mark.usefixtures("nominated")
async def test_a_person_settles_a_letter_that_waits_for_one(
    ledger: SqlLedger, state: LetterState, how: SettlementHow, after: LetterState
) -> None:
    await bring_to(ledger, INVITATION, state)

    assert await settled(ledger, INVITATION, Settlement(how=how, reason="As agreed.")) is after
    assert (await row_of(ledger, INVITATION)).state is after
    assert await history_of(ledger, INVITATION) == [
        "drafted",
        "sending",
        state.value,
        f"{after.value} by O-1: As agreed.",
    ]


@pytest.mark.usefixtures("nominated")
async def test_a_letter_is_sent_again_to_a_better_address(ledger: SqlLedger) -> None:
    await bring_to(ledger, INVITATION, LetterState.REFUSED, 550)
    settlement = Settlement(how=SettlementHow.RESEND, reason="Misspelt.", email="better@example.org")
    await settled(ledger, INVITATION, settlement)
    claim = await ledger.claim(INVITATION)

    assert claim.outgoing is not None
    assert claim.outgoing.to.email == "better@example.org"


@pytest.mark.parametrize("state", [LetterState.DRAFTED, LetterState.SENDING, LetterState.SENT])
@pytest.mark.usefixtures("nominated")
async def test_a_letter_that_waits_for_no_person_is_not_settled(ledger: SqlLedger, state: LetterState) -> None:
    if state is not LetterState.DRAFTED:
        await ledger.claim(INVITATION)
    if state is LetterState.SENT:
        await ledger.mark(Delivery(letter=INVITATION, state=state))

    with pytest.raises(LetterSettled, match=rf"^{re.escape(INVITATION)} is {state.value} ") as refusal:
        await settled(ledger, INVITATION, Settlement(how=SettlementHow.GIVE_UP, reason="No need."))

    assert refusal.value.rule == "letter-settled"
    assert (await row_of(ledger, INVITATION)).state is state


@pytest.mark.usefixtures("nominated")
async def test_a_settlement_whose_answer_was_lost_can_be_made_again(ledger: SqlLedger) -> None:
    await bring_to(ledger, INVITATION, LetterState.UNKNOWN)
    settlement = Settlement(how=SettlementHow.SENT, reason="It is in their inbox.")
    await settled(ledger, INVITATION, settlement)

    assert await settled(ledger, INVITATION, settlement) is LetterState.SENT
    assert (await history_of(ledger, INVITATION)).count("sent by O-1: It is in their inbox.") == 1
    with pytest.raises(LetterSettled):
        await settled(ledger, INVITATION, settlement, number=2)


async def test_a_letter_that_does_not_exist_is_named(ledger: SqlLedger) -> None:
    missing = "C-2026-0009.1.1"
    settlement = Settlement(how=SettlementHow.SENT, reason="It arrived.")

    for call in (
        ledger.claim(missing),
        ledger.is_for_desk(missing),
        ledger.mark(Delivery(letter=missing, state=LetterState.SENT)),
        ledger.mark(Delivery(letter=missing, state=LetterState.RELEASED)),
        ledger.add_letter(missing, a_draft()),
        settled(ledger, missing, settlement),
        asked(ledger, Enquiry(about=EnquiryAbout.LETTER, reference=missing)),
    ):
        with pytest.raises(LookupError, match=r"^there is no letter C-2026-0009\.1\.1$"):
            await call
