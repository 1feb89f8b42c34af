"""A desk at work on real parts, any of which a test can take away at a moment of its choice."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from google.protobuf.duration_pb2 import Duration
from pydantic import SecretStr
from sqlalchemy import make_url
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from adapters.embedded.ports import LOOPBACK
from adapters.keys.codec import converter
from adapters.keys.keyring import Keyring
from adapters.sql.ledger import SqlLedger
from config.settings import Settings
from domain.cases import STATES
from domain.ledger import CaseRow, Enquiry, EnquiryAbout, LetterRow, LetterState, StepRow
from domain.steps import CaseState
from starter.desk import Desk, OutcomeUnknown, PartUnreachable
from tests.builders import KEY
from tests.faults.lines import LedgerLine, Line
from tests.faults.mail import MailServer
from tests.keys import MASTER_KEY
from tests.officers import a_pair, admit_everybody, asked
from worker.parts import ProcessPart, says
from workflows.attributes import ATTRIBUTES

T = TypeVar("T")

QUEUE: Final = "desk"
WITHIN: Final = 60.0
"""Seconds for what must come about by itself, timeouts of a worker that was killed included."""
_FIRST_POLL: Final = 0.02
_LAST_POLL: Final = 0.5
SEAL_KEY: Final = bytes(range(50, 82))
_OWN: Final = ("DESK_", "TEMPORAL_")

AT_REST: Final = {LetterState.SENT, LetterState.WITHDRAWN, LetterState.REFUSED, LetterState.UNKNOWN}


async def insisting(call: Callable[[], Awaitable[T]]) -> T:
    """What an officer does who gets no answer: the same again."""
    while True:
        try:
            return await call()
        except (OutcomeUnknown, PartUnreachable):
            await asyncio.sleep(_LAST_POLL)


async def comes_to(find: Callable[[], Awaitable[object]], expected: object, *, within: float = WITHIN) -> None:
    """Wait for something to come about; what was last found instead is in the error."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + within
    pause = _FIRST_POLL
    while (found := await find()) != expected and loop.time() < limit:
        await asyncio.sleep(pause)
        pause = min(_LAST_POLL, pause * 1.5)
    assert found == expected


async def together(*work: Coroutine[Any, Any, Any]) -> None:
    """Do several things at once; the first that fails ends the others."""
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(each)


async def register_namespace(client: Client, namespace: str) -> None:
    """Make a namespace, so that nobody else's cases are in it."""
    kept = Duration()
    kept.FromTimedelta(timedelta(days=3))
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=kept)
    )
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=namespace,
            search_attributes={key.name: key.indexed_value_type for key in ATTRIBUTES},  # type: ignore[misc]
        )
    )


class Register:
    """The register as it stands in the database, read past the worker."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    async def cases(self) -> tuple[CaseRow, ...]:
        """Every case."""
        return (await asked(self._ledger, Enquiry(about=EnquiryAbout.CASES, limit=1000))).cases

    async def open_cases(self) -> dict[str, CaseState]:
        """The whole state of every open case."""
        return {
            reference: STATES[kind].model_validate(state)
            for kind, reference, _, state in await self._ledger.open_cases()
        }

    async def deadlines(self, cases: Sequence[str]) -> list[datetime | None]:
        """What several cases wait for."""
        return [row.deadline for row in await self.cases() if row.reference in cases]

    async def steps(self, case: str) -> tuple[StepRow, ...]:
        """The steps of a case; none where there is no such case yet."""
        try:
            return (await asked(self._ledger, Enquiry(about=EnquiryAbout.TIMELINE, reference=case))).steps
        except LookupError:
            return ()

    async def acts(self, case: str) -> list[str]:
        """What was done in a case, in order."""
        return [step.act for step in await self.steps(case)]

    async def stage(self, case: str) -> str:
        """Where a case stands."""
        steps = await self.steps(case)
        return steps[-1].stage if steps else ""

    async def stages(self, cases: Sequence[str]) -> list[str]:
        """Where several cases stand."""
        return [await self.stage(case) for case in cases]

    async def letters(self, case: str | None = None) -> tuple[LetterRow, ...]:
        """The letters of a case, or all."""
        return (await asked(self._ledger, Enquiry(about=EnquiryAbout.LETTERS, reference=case, limit=1000))).letters

    async def post(self, case: str) -> dict[str, str]:
        """What became of the letters of a case, by template."""
        return {str(letter.template): str(letter.state) for letter in await self.letters(case)}

    async def under_way(self, case: str | None = None) -> list[str]:
        """The letters of a case, or all, that something may still become of by itself."""
        return [letter.reference for letter in await self.letters(case) if letter.state not in AT_REST]


@dataclass
class Stage:
    """A desk, its register, its mail server, its worker, and the lines between them.

    Attributes:
        client: The officers' own connection to Temporal.
        register: The register.
        mail: The mail server.
        to_temporal: The worker's line to Temporal.
        to_ledger: The worker's line to PostgreSQL.
        worker: The worker, a process of its own.
    """

    client: Client
    register: Register
    mail: MailServer
    to_temporal: Line
    to_ledger: LedgerLine
    worker: ProcessPart

    def officer(self, number: int = 1, *, patience: float = 30.0) -> Desk:
        """The desk as one officer has it."""
        settings = Settings(
            home=Path("/nonexistent"),
            fingerprint_key=SecretStr(KEY.hex()),
            task_queue=QUEUE,
            answer_timeout=patience,
        )
        return Desk(self.client, settings, a_pair(number))

    async def kill_worker(self) -> list[str]:
        """End the worker by ``kill -9``, and with it what it had on its lines.

        Returns:
            The letters that it was sending: nobody can know whether they went out.
        """
        assert self.worker.pid is not None
        os.kill(self.worker.pid, signal.SIGKILL)
        assert await self.worker.ended() == "SIGKILL"
        for line in (self.to_temporal, self.to_ledger):
            await line.cut()
        return [letter.reference for letter in await self.register.letters() if letter.state == LetterState.SENDING]

    async def holds_together(self, *, unknown: Sequence[str] = ()) -> None:
        """Whatever happened: steps without a gap, no letter twice, none lost but those that nobody can know of.

        Args:
            unknown: The letters that may or may not have gone out.
        """
        found = await self.officer().verify_ledger()
        assert found.differences == ()
        for case in await self.register.cases():
            steps = await self.register.steps(case.reference)
            assert [step.seq for step in steps] == list(range(1, len(steps) + 1))
        letters = await self.register.letters()
        assert sorted(letter.reference for letter in letters if letter.state == LetterState.UNKNOWN) == sorted(unknown)
        assert self.mail.twice == []
        sent = {letter.message_id for letter in letters if letter.state == LetterState.SENT}
        taken = {letter.message_id for letter in self.mail.received}
        nobody_knows = {letter.message_id for letter in letters if letter.reference in unknown}
        assert taken - nobody_knows == sent


@asynccontextmanager
async def set_up(*, client: Client, ledger: SqlLedger, database: str, folder: Path) -> AsyncIterator[Stage]:
    """A desk at work, its worker ready.

    Args:
        client: A connection to Temporal, in a namespace without any case.
        ledger: The ledger over the database.
        database: The database's URL, on a Unix socket.
        folder: For the worker's log; its keys are there.
    """
    url = make_url(database)
    socket = f"{url.query['host']}/.s.PGSQL.{url.query['port']}"
    host, _, port = client.service_client.config.target_host.partition(":")
    async with (
        MailServer().serving() as mail,
        Line(lambda: asyncio.open_connection(host, int(port))).laid() as to_temporal,
        LedgerLine(lambda: asyncio.open_unix_connection(socket)).laid() as to_ledger,
    ):
        through_line = url.set(host=LOOPBACK, port=to_ledger.port, query={"ssl": "disable"})
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)} | {
            "DESK_HOME": str(folder),
            "DESK_MASTER_KEY": MASTER_KEY.hex(),
            "DESK_SEAL_KEY": SEAL_KEY.hex(),
            "DESK_DATABASE_URL": through_line.render_as_string(hide_password=False),
            "DESK_DATABASE_POOL": "60",
            "DESK_MAIL_HOST": LOOPBACK,
            "DESK_MAIL_PORT": str(mail.port),
            "DESK_MAIL_SECURITY": "none",
            "DESK_MAIL_CONNECTIONS": "20",
            "DESK_MAIL_TIMEOUT": "60",
            "DESK_RETRY_FIRST": "0.2",
            "DESK_RETRY_LONGEST": "0.5",
            "DESK_TASK_QUEUE": QUEUE,
            "TEMPORAL_ADDRESS": f"{LOOPBACK}:{to_temporal.port}",
            "TEMPORAL_NAMESPACE": client.namespace,
        }
        worker = ProcessPart(
            "worker",
            (sys.executable, "-m", "worker"),
            log=folder / "worker.log",
            ready=says("worker ready"),
            environment=lambda: environment,
            stop_within=30.0,
        )
        stage = Stage(
            client=client,
            register=Register(ledger),
            mail=mail,
            to_temporal=to_temporal,
            to_ledger=to_ledger,
            worker=worker,
        )
        await admit_everybody(ledger)
        await worker.start()
        try:
            yield stage
        finally:
            if worker.pid is not None:
                await stage.kill_worker()


async def connect(address: str, namespace: str, keyring: Keyring) -> Client:
    """An officer's connection to Temporal."""
    return await Client.connect(address, namespace=namespace, data_converter=converter(keyring))
