"""Whoever reaches Temporal past the command line: refused all the same, with nothing changed and one incident each."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from config.settings import load
from config.temporal import connect
from domain.candidacy import Act, CandidacyState, Correction, Reason, Word
from domain.cases import EDITION, CandidacyCase, CandidacyOpening
from domain.envelope import Envelope
from domain.notices import Role
from domain.offices import Admission, Office, Revocation
from domain.people import Language, Nomination
from starter import profiles
from starter.desk import Desk, Refused
from starter.signing import fresh
from tests.e2e.terminal import Terminal, a_nomination, a_row, day, desk_of
from tests.provider import Provider
from tests.starter.conftest import Said

SESSION = "2026P"
REFERENCE = f"C-{SESSION}-0001"


@dataclass
class Outsider:
    """A client of Temporal's own, with the register's keys and what it has overheard."""

    terminal: Terminal
    client: Client

    def desk(self, profile: str = "clerk") -> Desk:
        return desk_of(profile, self.terminal.home, self.client)

    async def send(self, envelope: Envelope[Any], *, update: str = "withdraw") -> Any:
        """Send a command straight to the case; what it fails with."""
        workflow_id = await self.workflow_id()
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await self.client.get_workflow_handle(workflow_id).execute_update(update, envelope, id=secrets.token_hex(8))
        assert isinstance(failed.value.cause, ApplicationError)
        return failed.value.cause

    async def workflow_id(self) -> str:
        rows = await self.terminal.rows(f"SELECT workflow_id FROM cases WHERE reference = '{REFERENCE}'")
        return str(rows[0][0])

    async def register(self) -> list[tuple[Any, ...]]:
        """Everything that could have changed."""
        return [
            *await self.terminal.rows("SELECT reference, seq, stage, state FROM cases ORDER BY reference"),
            *await self.terminal.rows("SELECT n FROM chain ORDER BY n"),
            *await self.terminal.rows("SELECT reference, state FROM letters ORDER BY reference"),
            *await self.terminal.rows("SELECT n FROM commands ORDER BY n"),
            *await self.terminal.rows("SELECT n FROM appointments ORDER BY n"),
        ]

    async def incidents(self) -> list[tuple[str, str, str]]:
        rows = await self.terminal.rows("SELECT rule, power, coalesce(signer, '') FROM incidents ORDER BY n")
        return [(str(rule), str(power), str(signer)) for rule, power, signer in rows]


@pytest.fixture(scope="module")
def sitting(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A session with one candidacy, of which one command was taken."""
    terminal = Terminal(home=stack, folder=tmp_path_factory.mktemp("outside"))
    terminal.open(SESSION)
    assert terminal.nominate(SESSION, a_row("Ada", "Example")) == [REFERENCE]
    return terminal


@pytest.fixture
def newcomers(sitting: Terminal) -> Iterator[None]:
    """Profiles that a test makes are gone after it: the home folder is everybody's."""
    before = profiles.read(sitting.home)
    yield
    profiles.write(sitting.home, before)


@pytest.fixture
async def outsider(sitting: Terminal) -> Outsider:
    return Outsider(sitting, await connect(load(sitting.home)))


def withdrawal(desk: Desk, **changes: Any) -> Envelope[Reason]:
    """A command, altered before it is signed."""
    envelope = desk.close_over(Act.WITHDRAW, REFERENCE, Reason(reason="Wrote a letter."), basis=1)
    return desk.signer.sign(envelope.model_copy(update=changes)) if changes else envelope


def forged(outsider: Outsider) -> Envelope[Reason]:
    return fresh("O-1").sign(withdrawal(outsider.desk()))


def signed_for_another(outsider: Outsider) -> Envelope[Reason]:
    return withdrawal(outsider.desk("first"), signer="O-1")


def unsigned(outsider: Outsider) -> Envelope[Reason]:
    return withdrawal(outsider.desk()).model_copy(update={"key": None, "signature": None})


def altered(outsider: Outsider) -> Envelope[Reason]:
    return withdrawal(outsider.desk()).model_copy(update={"content": Reason(reason="Never wrote.")})


def altered_hash(outsider: Outsider) -> Envelope[Reason]:
    other = outsider.desk().close_over(Act.WITHDRAW, REFERENCE, Reason(reason="Never wrote."), basis=1)
    same = {name: getattr(other, name) for name in ("content", "content_hash")}
    return withdrawal(outsider.desk()).model_copy(update=same)


def of_another_case(outsider: Outsider) -> Envelope[Reason]:
    return withdrawal(outsider.desk(), case=f"C-{SESSION}-0002")


def stale(outsider: Outsider) -> Envelope[Reason]:
    return withdrawal(outsider.desk(), issued=datetime.now(UTC) - timedelta(hours=1))


def of_tomorrow(outsider: Outsider) -> Envelope[Reason]:
    return withdrawal(outsider.desk(), issued=datetime.now(UTC) + timedelta(days=1))


def unauthorised(outsider: Outsider) -> Envelope[Reason]:
    return withdrawal(outsider.desk("president"))


REFUSED: dict[str, tuple[Callable[[Outsider], Envelope[Reason]], str, str, str]] = {
    "forged with a key of one's own": (forged, "UnknownSigner", "unknown-key", "O-1"),
    "signed in another's name": (signed_for_another, "UnknownSigner", "key-of-another", "O-1"),
    "not signed": (unsigned, "UnknownSigner", "signature", ""),
    "altered": (altered, "AlteredCommand", "content-hash", "O-1"),
    "altered with its digest": (altered_hash, "UnknownSigner", "signature", "O-1"),
    "meant for another case": (of_another_case, "AlteredCommand", "envelope-case", "O-1"),
    "stale": (stale, "StaleCommand", "stale-command", "O-1"),
    "of tomorrow": (of_tomorrow, "StaleCommand", "stale-command", "O-1"),
    "of the wrong office": (unauthorised, "NotYourOffice", "office", "O-4"),
}


@pytest.mark.parametrize("how", REFUSED)
async def test_command_without_authority_changes_nothing_and_is_written_down_once(how: str, outsider: Outsider) -> None:
    make, refusal, rule, signer = REFUSED[how]
    register, incidents = await outsider.register(), await outsider.incidents()
    failed = await outsider.send(make(outsider))
    assert (failed.type, failed.details[0]) == (refusal, rule)
    assert await outsider.register() == register
    assert await outsider.incidents() == [*incidents, (rule, "candidacy.withdraw", signer)]


async def test_command_that_was_taken_is_refused_when_somebody_sends_it_again(outsider: Outsider) -> None:
    desk = outsider.desk()
    correction = desk.close_over(
        Act.CORRECT, REFERENCE, Correction(role=Role.CANDIDATE, language=Language.ENGLISH, reason="Asked for it.")
    )
    handle = outsider.client.get_workflow_handle(await outsider.workflow_id())
    await handle.execute_update("correct", correction, id=correction.decision)
    register, incidents = await outsider.register(), await outsider.incidents()
    failed = await outsider.send(correction, update="correct")
    assert (failed.type, failed.details[0]) == ("ReplayedCommand", "replayed-command")
    assert await outsider.register() == register
    assert await outsider.incidents() == [*incidents, ("replayed-command", "candidacy.correct", "O-1")]


async def until(outsider: Outsider, incidents: list[Any]) -> list[Any]:
    """The incidents that came since, at least one; a signal gives no answer to wait for."""
    async with asyncio.timeout(20):
        while (found := await outsider.incidents()) == incidents:
            await asyncio.sleep(0.1)
    return found[len(incidents) :]


async def test_word_that_no_case_gave_is_dropped(outsider: Outsider) -> None:
    register, incidents = await outsider.register(), await outsider.incidents()
    handle = outsider.client.get_workflow_handle(await outsider.workflow_id())
    word = Word(
        decision=f"L-{SESSION}-1/2/not_retain/{REFERENCE}", act=Act.NOT_RETAIN, list=f"L-{SESSION}-1", hash="0" * 64
    )
    await handle.signal("hear", word)
    assert await until(outsider, incidents) == [("word-unfounded", "none", "")]
    incidents = await outsider.incidents()
    session = await outsider.desk().session(SESSION)
    later = session.terms.model_copy(update={"version": 99, "closes": day(700)})
    await handle.signal("rearm", later)
    assert await until(outsider, incidents) == [("word-unfounded", "none", "")]
    assert await outsider.register() == register


async def test_case_that_is_started_with_a_made_up_state_goes_no_further_than_its_first_record(
    outsider: Outsider,
) -> None:
    session = await outsider.desk().session(SESSION)
    file = await outsider.desk().case(REFERENCE)
    await outsider.client.get_workflow_handle(await outsider.workflow_id()).terminate(reason="to take its place")
    register, incidents = await outsider.register(), await outsider.incidents()
    long_ago = datetime.now(UTC) - timedelta(days=300)
    state = CandidacyState.model_validate(file.state).model_copy(update={"limit_from": long_ago, "entered": long_ago})
    with pytest.raises(WorkflowFailureError) as failed:
        await outsider.client.execute_workflow(
            "Candidacy",
            CandidacyCase(state=state, edition=EDITION),
            id=state.workflow_id,
            task_queue=load(outsider.terminal.home).task_queue,
        )
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "StrayCase"
    assert await outsider.register() == register
    assert await outsider.incidents() == [*incidents, ("ledger-state", "none", "")]
    assert session.reference == SESSION
    assert outsider.terminal.ask("ledger", "recover")["restarted"] == [REFERENCE]


async def test_nomination_under_terms_of_ones_own_is_refused(outsider: Outsider) -> None:
    desk = outsider.desk()
    session = await desk.session(SESSION)
    nomination = Nomination.model_validate(a_nomination("Max", "Fictive"))
    workflow_id = desk.candidacy_of(SESSION, nomination)
    register, incidents = await outsider.register(), await outsider.incidents()
    opening = CandidacyOpening(
        envelope=desk.close_over(Act.NOMINATE, workflow_id, nomination),
        fingerprint=workflow_id.rpartition("/")[2],
        terms=session.terms.model_copy(update={"closes": day(700)}),
        statements=("No criterion at all",),
    )
    with pytest.raises(WorkflowFailureError) as failed:
        await outsider.client.execute_workflow(
            "Candidacy",
            CandidacyCase(opening=opening, edition=EDITION),
            id=workflow_id,
            task_queue=load(outsider.terminal.home).task_queue,
        )
    assert isinstance(failed.value.cause, ApplicationError)
    assert (failed.value.cause.type, failed.value.cause.details[0]) == ("StrayCase", "session-terms")
    assert await outsider.register() == register
    assert await outsider.incidents() == [*incidents, ("session-terms", "candidacy.nominate", "O-1")]


async def test_whoever_is_not_the_head_of_desk_admits_nobody_and_reads_no_incidents(outsider: Outsider) -> None:
    register, incidents = await outsider.register(), await outsider.incidents()
    newcomer = fresh("O-99").request(datetime.now(UTC))
    with pytest.raises(Refused, match=r"^officer\.admit needs the office of head-of-desk; O-2 holds vetting-officer$"):
        await outsider.desk("first").admit(Admission(request=newcomer, office=Office.HEAD_OF_DESK))
    with pytest.raises(Refused, match=r"^O-1 holds no such office$"):
        await outsider.desk().revoke(Revocation(person="O-1", office=Office.REVIEWER, reason="None."))
    with pytest.raises(
        Refused, match=r"^read\.incidents needs the office of head-of-desk or data-protection-officer; "
    ):
        await outsider.desk("president").incidents()
    assert await outsider.register() == register
    assert [rule for rule, *_ in (await outsider.incidents())[len(incidents) :]] == ["office", "office"]


def test_incidents_and_readers_are_listed_and_every_signature_holds(sitting: Terminal) -> None:
    sitting.read("candidacy", "show", REFERENCE, "--profile", "first")
    readers = sitting.ask("ledger", "readers", REFERENCE)["readers"]
    assert ("O-2", "case", REFERENCE) in [(each["reader"], each["about"], each["reference"]) for each in readers]
    refused = sitting.say("candidacy", "decline", REFERENCE, "--reason", "x", "--profile", "president")
    assert (refused.code, refused.err) == (
        3,
        "refused (office): candidacy.decline needs the office of desk-officer or head-of-desk; O-4 holds president\n",
    )
    last = sitting.ask("ledger", "incidents")["incidents"][-1]
    assert (last["rule"], last["power"], last["signer"]) == ("office", "candidacy.decline", "O-4")
    assert "Incidents" in sitting.read("ledger", "incidents")
    verified = sitting.ask("ledger", "verify")
    assert verified["differences"] == []
    assert verified["signatures"] >= 3


@pytest.mark.usefixtures("newcomers")
def test_officer_is_admitted_acts_and_acts_no_more_once_the_office_is_ended(sitting: Terminal) -> None:
    enrolled = sitting.ask("officer", "enrol", "helper", "--officer", "O-70")
    refused = sitting.say("candidacy", "show", REFERENCE, "--profile", "helper")
    assert (refused.code, refused.out) == (3, "")
    assert refused.err == "refused (unknown-key): the key is not admitted; the head of desk admits it\n"
    admitted = sitting.ask("officer", "admit", enrolled["request"], "--office", "desk-officer", "--until", str(day(30)))
    assert (admitted["person"], admitted["office"], admitted["by"]) == ("O-70", "desk-officer", "O-1")
    assert sitting.ask("candidacy", "show", REFERENCE, "--profile", "helper")["row"]["reference"] == REFERENCE
    nobody = sitting.say("officer", "show", "O-71")
    assert (nobody.code, nobody.err) == (4, "no such case: there is no officer O-71\n")
    held = sitting.ask("officer", "show", "O-70")["appointments"]
    assert [(each["office"], each["key"]) for each in held] == [("desk-officer", enrolled["key"])]
    again = sitting.say("officer", "admit", enrolled["request"], "--office", "desk-officer", "--until", str(day(20)))
    assert (again.code, again.err) == (
        3,
        "refused (nothing-to-change): the key holds this office for that time already\n",
    )
    ended = sitting.ask("officer", "revoke", "O-70", "--reason", "Left the desk.")["ended"]
    assert [each["person"] for each in ended] == ["O-70"]
    refused = sitting.say("candidacy", "show", REFERENCE, "--profile", "helper")
    assert refused.code == 3
    assert refused.err.startswith("refused (office): read.case needs the office of ")
    last = sitting.say("officer", "revoke", "O-1", "--reason", "Nobody is left.")
    assert (last.code, last.err) == (
        3,
        "refused (last-head-of-desk): nobody would be left to admit officers; admit another first\n",
    )


WRONG_TOKENS: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"at": datetime.now(UTC) - timedelta(minutes=6)}, "token-expired"),
    "for another house": ({"aud": "another-house"}, "token"),
    "by a key that the provider does not publish": (
        {"kid": "two", "signed_by": ec.generate_private_key(ec.SECP256R1())},
        "token",
    ),
    "of somebody else at the house": ({"sub": "another-at-the-house"}, "token"),
}


@pytest.mark.usefixtures("newcomers")
async def test_officer_acts_by_a_token_of_the_house_and_by_no_wrong_one(outsider: Outsider, provider: Provider) -> None:
    terminal = outsider.terminal
    token = provider.token()

    def say(*argv: str, token: str) -> Said:
        return terminal.say(*argv, "--json", settings={"DESK_PROFILE": "house", "DESK_TOKEN": token})

    enrolled = say("officer", "enrol", "house", "--officer", "O-90", "--token", token=token)
    terminal.ask("officer", "admit", enrolled.document["request"], "--office", "desk-officer")
    correct = (
        "candidacy",
        "correct",
        REFERENCE,
        "--role",
        "candidate",
        "--language",
        "fr",
        "--reason",
        "Asked for it.",
    )
    taken = say(*correct, token=token)
    assert (taken.code, taken.document["fresh"], taken.err) == (0, True, "")
    last = (
        f"SELECT act, signer, signature, evidence->>'sub' FROM events WHERE case_reference = '{REFERENCE}' "
        "ORDER BY seq DESC LIMIT 1"
    )
    assert await terminal.rows(last) == [("correct", "O-90", None, "officer-at-the-house")]

    register, incidents = await outsider.register(), await outsider.incidents()
    decline = ("candidacy", "decline", REFERENCE, "--reason", "No time.")
    for changes, rule in WRONG_TOKENS.values():
        said = say(*decline, token=provider.token(**changes))
        assert (said.code, said.document["error"]["rule"]) == (3, rule)
    assert await outsider.register() == register
    written = [(rule, signer) for rule, _, signer in (await outsider.incidents())[len(incidents) :]]
    assert written == [(rule, "O-90") for _, rule in WRONG_TOKENS.values()]
    # Long after the token has expired, its evidence is what the register is verified by; the token itself is nowhere.
    assert terminal.ask("ledger", "verify")["differences"] == []
    kept = await terminal.rows("SELECT evidence::text FROM events UNION ALL SELECT evidence::text FROM commands")
    assert not any(token in (text or "") or token.split(".")[2] in (text or "") for (text,) in kept)


@pytest.mark.usefixtures("newcomers")
def test_first_head_of_desk_is_admitted_once(sitting: Terminal) -> None:
    enrolled = sitting.ask("officer", "enrol", "usurper", "--officer", "O-80")
    said = sitting.say("stack", "up", "--no-ui", "--head-of-desk", enrolled["request"])
    assert said.code == 3
    assert "there was a head of desk before" in said.err
