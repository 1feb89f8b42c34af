"""The test stand: the embedded servers in a folder of their own, a mail sink, and workers as processes."""

import asyncio
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from temporalio.client import Client

from adapters.embedded import temporal
from adapters.embedded.ports import LOOPBACK, free_ports
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.keys.codec import converter
from adapters.keys.folder import FolderStore
from adapters.keys.keyring import Keyring
from adapters.keys.master import LocalMasterKey
from adapters.sql import engine, enquiries
from config.settings import KEYS_FOLDER, PREFIX, Settings
from domain.authority import REGISTER, Command, presented
from domain.envelope import Envelope
from domain.offices import Admission, Office
from domain.signing import digest
from starter.desk import Desk
from starter.signing import KeyPair, fresh
from worker import compose
from worker.parts import ProcessPart, greets, says

# The operator's own settings lead to the operator's own parts; and without its bytecode Python would compile the
# workflows anew for each case.
_LEFT_OUT: Final = re.compile(rf"({PREFIX}|TEMPORAL_).*|PYTHONDONTWRITEBYTECODE")

OFFICERS: Final = {
    "O-1": Office.HEAD_OF_DESK,
    "O-2": Office.VETTING_OFFICER,
    "O-3": Office.VETTING_OFFICER,
    "O-4": Office.PRESIDENT,
    "O-5": Office.BUREAU_CLERK,
    "O-6": Office.REVIEWER,
}
"""Who acts, the head of desk first."""


@dataclass(frozen=True)
class Stand:
    """Running servers, and how to reach them."""

    folder: Path
    client: Client
    environment: Mapping[str, str]
    key: str
    keyring: Keyring
    signers: Mapping[str, KeyPair]

    def desk(self, officer: str, *, queue: str = "desk") -> Desk:
        """The desk as one officer, served by the workers of a task queue."""
        settings = Settings(home=self.folder, task_queue=queue, fingerprint_key=SecretStr(self.key), answer_timeout=60)
        return Desk(self.client, settings, self.signers[officer])

    @asynccontextmanager
    async def worker(self, module: str = "worker", *, queue: str = "desk") -> AsyncIterator[int]:
        """A worker as a process, ready; its process id."""
        part = ProcessPart(
            queue,
            (sys.executable, "-m", module),
            log=self.folder / f"worker-{queue}.log",
            ready=says("worker ready"),
            environment=lambda: {**self.environment, f"{PREFIX}TASK_QUEUE": queue},
            stop_within=30.0,
        )
        async with _running(part):
            if part.pid is None:
                raise RuntimeError(f"the worker ended at once; see {part.log}")
            await _admit(self)
            yield part.pid


@asynccontextmanager
async def post(stand: Stand) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """What waits until every letter that is written is out."""
    database = engine.create(stand.environment[f"{PREFIX}DATABASE_URL"], pool=1)

    async def out() -> None:
        async with database.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            while await enquiries.unsent_letters(connection):  # noqa: ASYNC110  # another process sends them
                await asyncio.sleep(0.01)

    try:
        yield out
    finally:
        await database.dispose()


@asynccontextmanager
async def _running(part: ProcessPart) -> AsyncIterator[None]:
    await part.start()
    try:
        yield
    finally:
        await part.stop()


@asynccontextmanager
async def standing() -> AsyncIterator[Stand]:
    """PostgreSQL, Temporal and the sink, with the settings of the embedded stack, until the context ends."""
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        async with AsyncExitStack() as stack:
            postgres = EmbeddedPostgres(folder / "postgres")
            stack.callback(postgres.stop)
            url = postgres.start()
            (folder / "temporal").mkdir()
            server = await stack.enter_async_context(temporal.serving(folder / "temporal"))
            (port,) = free_ports(None)
            await stack.enter_async_context(_running(_sink(folder, port)))
            key, master = secrets.token_hex(32), secrets.token_hex(32)
            settings = {
                f"{PREFIX}HOME": str(folder),
                f"{PREFIX}DATABASE_URL": url,
                f"{PREFIX}MAIL_HOST": LOOPBACK,
                f"{PREFIX}MAIL_PORT": str(port),
                f"{PREFIX}MAIL_SECURITY": "none",
                f"{PREFIX}FINGERPRINT_KEY": key,
                f"{PREFIX}PASSPHRASE": key,
                f"{PREFIX}MASTER_KEY": master,
                f"{PREFIX}SEAL_KEY": secrets.token_hex(32),
                "TEMPORAL_ADDRESS": server.address,
            }
            others = {name: value for name, value in os.environ.items() if not _LEFT_OUT.fullmatch(name)}
            keyring = Keyring(FolderStore(folder / KEYS_FOLDER), LocalMasterKey(bytes.fromhex(master)))
            client = await Client.connect(server.address, data_converter=converter(keyring))
            signers = {officer: fresh(officer) for officer in OFFICERS}
            yield Stand(folder, client, environment=others | settings, key=key, keyring=keyring, signers=signers)
    finally:
        shutil.rmtree(folder)


def _sink(folder: Path, port: int) -> ProcessPart:
    command = (sys.executable, "-m", "benchmarks.sink", "--port", str(port))
    return ProcessPart("sink", command, log=folder / "sink.log", ready=greets(LOOPBACK, port))


async def _admit(stand: Stand) -> None:
    """Admit the officers, unless they are, by the first of them."""
    url, signers = stand.environment[f"{PREFIX}DATABASE_URL"], stand.signers
    database = engine.create(url, pool=1)
    now = datetime.now(UTC)
    head, *others = OFFICERS
    try:
        ledger = compose.ledger(Settings(), database, stand.keyring)
        if await ledger.register():
            return
        await ledger.admit_first(signers[head].request(now), now)
        for officer in others:
            admission = Admission(request=signers[officer].request(now), office=OFFICERS[officer])
            envelope: Envelope[Admission] = Envelope(
                act="admit",
                case=REGISTER,
                content=admission,
                content_hash=digest(admission.model_dump(mode="json")),
                issued=now,
                nonce=secrets.token_hex(16),
                signer=head,
            )
            shown = presented(signers[head].sign(envelope), "officer.admit", REGISTER)
            await ledger.admit(Command(**dict(shown), taken=now, by=officer), admission)
    finally:
        await database.dispose()
