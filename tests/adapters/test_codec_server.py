"""The codec server: it reads for officers who may, and nobody reads unseen."""

import json
import stat
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import WorkflowSerializationContext

from adapters.keys.codec import PersonalCodec, converter
from adapters.keys.keyring import Keyring
from adapters.keys.server import CodecServer, Tokens
from adapters.sql.ledger import SqlLedger
from domain.errors import NotYourOffice
from domain.ids import candidacy_workflow_id
from domain.ledger import Enquiry, EnquiryAbout
from domain.offices import Office
from tests.builders import SESSION, a_candidacy, an_entry, drafts_of
from tests.keys import a_keyring
from tests.officers import a_pair, admit, asked

MARK = "a" * 32
PAGE = "http://127.0.0.1:8080"


@dataclass
class Register:
    """Notes who reads; whom it does not know may not."""

    known: tuple[str, ...] = ("O-6",)
    notes: list[tuple[str, list[str]]] = field(default_factory=list)
    away: bool = False

    async def __call__(self, officer: str, keys: Sequence[str]) -> None:
        if self.away:
            raise ConnectionError("away")
        if officer not in self.known:
            raise NotYourOffice("read.payloads needs another office", rule="office")
        self.notes.append((officer, list(keys)))


@dataclass
class Interface:
    """Temporal's web interface, at the codec server."""

    client: "TestClient[Any, Any]"
    keyring: Keyring
    register: Register
    tokens: Tokens

    async def decode(self, *payloads: Payload, token: str | None = None, **headers: str) -> tuple[int, list[str]]:
        authorised = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"payloads": [MessageToDict(each) for each in payloads]}
        async with self.client.post("/decode", json=body, headers=authorised | headers) as answer:
            if answer.status != 200:
                return answer.status, []
            told = [ParseDict(each, Payload()) for each in (await answer.json())["payloads"]]
        return 200, [json.loads(each.data) for each in told]

    async def payload(self, word: str, workflow_id: str = candidacy_workflow_id(SESSION, MARK)) -> Payload:
        context = WorkflowSerializationContext(namespace="default", workflow_id=workflow_id)
        return (await converter(self.keyring).with_context(context).encode([word]))[0]


@pytest.fixture
async def interface(tmp_path: Path) -> AsyncIterator[Interface]:
    keyring, register, tokens = a_keyring(), Register(), Tokens(tmp_path / "tokens.json")
    server = CodecServer(codec=PersonalCodec(keyring), tokens=tokens, note=register, origin=PAGE)
    async with TestClient(TestServer(server.application())) as client:
        yield Interface(client, keyring, register, tokens)


async def test_an_officer_reads_and_leaves_a_trace_of_whose_data_it_was(interface: Interface) -> None:
    token = interface.tokens.make("O-6", days=1)
    plain = (await pydantic_data_converter.encode(["plain"]))[0]
    session = await interface.payload("open", "session/2026")

    told = await interface.decode(await interface.payload("Зинаида"), session, plain, token=token)

    assert told == (200, ["Зинаида", "open", "plain"])
    assert interface.register.notes == [("O-6", [f"{SESSION}/{MARK}", "register"])]


async def test_nobody_reads_without_a_token_that_is_known_and_lasts(interface: Interface) -> None:
    payload = await interface.payload("Зинаида")
    over = interface.tokens.make("O-6", days=0)
    replaced = interface.tokens.make("O-5", days=1)
    interface.tokens.make("O-5", days=1)

    for token in (None, "guess", over, replaced):
        assert await interface.decode(payload, token=token) == (401, [])
    assert await interface.decode(payload, Authorization=f"Basic {replaced}") == (401, [])
    assert interface.register.notes == []


async def test_an_officer_without_the_office_reads_nothing(interface: Interface) -> None:
    token = interface.tokens.make("O-2", days=1)
    assert await interface.decode(await interface.payload("Зинаида"), token=token) == (403, [])


async def test_nothing_is_read_that_cannot_be_written_down(interface: Interface) -> None:
    interface.register.away = True
    token = interface.tokens.make("O-6", days=1)
    status, told = await interface.decode(await interface.payload("Зинаида"), token=token)
    assert (status, told) == (500, [])


async def test_what_was_erased_or_comes_from_elsewhere_is_told_as_such(interface: Interface) -> None:
    token = interface.tokens.make("O-6", days=1)
    payload = await interface.payload("Зинаида")
    altered = Payload(metadata=payload.metadata, data=payload.data[:-1])
    assert await interface.decode(altered, token=token) == (
        200,
        ["[cannot be read: altered, or another register's]"],
    )
    await interface.keyring.destroy(f"{SESSION}/{MARK}")
    assert await interface.decode(payload, token=token) == (200, ["[erased]"])


async def test_only_the_page_that_is_named_may_ask_and_nothing_is_kept(interface: Interface) -> None:
    token = interface.tokens.make("O-6", days=1)
    payload = await interface.payload("Зинаида")
    assert await interface.decode(payload, token=token, Origin="http://elsewhere.example.org") == (403, [])
    async with interface.client.options("/decode", headers={"Origin": PAGE}) as answer:
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, PAGE)
        assert "authorization" in answer.headers["Access-Control-Allow-Headers"]
        assert answer.headers["Cache-Control"] == "no-store"


async def test_it_reads_and_never_writes(interface: Interface) -> None:
    for path, body, status in (("/encode", {"payloads": []}, 404), ("/decode", {"payloads": "x"}, 400)):
        headers = {"Authorization": f"Bearer {interface.tokens.make('O-6', days=1)}"}
        async with interface.client.post(path, json=body, headers=headers) as answer:
            assert answer.status == status


def test_tokens_are_kept_as_digests_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    token = Tokens(file).make("O-6", days=1)
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Tokens(file).officer(token) == "O-6"
    file.write_text("spoilt")
    assert Tokens(file).officer(token) is None


async def test_a_reading_stands_in_the_register_and_needs_an_office(ledger: SqlLedger) -> None:
    at = datetime.now(UTC)
    await ledger.admit_first(a_pair(1).request(at), at)
    await admit(ledger, 6, Office.DATA_PROTECTION_OFFICER, by=1, at=at)
    await admit(ledger, 2, Office.VETTING_OFFICER, by=1, at=at)
    entry = an_entry(a_candidacy())
    recorded = await ledger.record(entry, drafts_of(entry))
    key = entry.workflow_id.partition("/")[2]

    await ledger.note_payloads("O-6", [key, "register"], at=datetime.now(UTC), attempt="one")
    await ledger.note_payloads("O-1", [recorded.reference], at=datetime.now(UTC), attempt="two")
    for nobody in ("O-2", "O-9"):
        with pytest.raises(NotYourOffice, match="needs the office of"):
            await ledger.note_payloads(nobody, [key], at=datetime.now(UTC), attempt="three")

    answer = await asked(ledger, Enquiry(about=EnquiryAbout.READERS, reference=recorded.reference))
    assert [(each.reader, each.about, each.reference) for each in answer.readers] == [
        ("O-6", "payloads", recorded.reference),
        ("O-1", "payloads", recorded.reference),
    ]
