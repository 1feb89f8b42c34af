"""The same worker without its guards, to see what they cost: ``python -m benchmarks.unguarded``.

Nothing is encrypted, neither in Temporal nor in the register, and no signature is checked; the question to the register
that finds whose a key is stays. Settings come from the environment, as for ``python -m worker``.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from unittest.mock import patch

from sqlalchemy import text
from sqlalchemy.engine import make_url
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.ports import Judging, Keys
from adapters.sql import engine
from benchmarks.stand import Stand
from benchmarks.worker import serve
from config.settings import PREFIX, Settings
from config.temporal import environment
from domain.authority import Command, Grounds, Upkeep, Written
from domain.envelope import Envelope
from domain.ledger import Entry
from domain.model import Model
from domain.offices import Officer, Request
from domain.signing import Signed
from domain.steps import CaseState
from starter.signing import KeyPair
from worker import compose

QUEUE: Final = "unguarded"

C = TypeVar("C", bound=Model)


class Unsealed:
    """Keys that leave everything as it is."""

    async def ready(self, name: str) -> None:
        """Nothing to do."""

    async def seal(self, name: str, plain: bytes, *, place: str = "") -> bytes:
        """As it is."""
        return plain

    async def unseal(self, sealed: bytes, *, place: str = "") -> bytes:
        """As it is."""
        return sealed

    async def marks(self, texts: Sequence[str]) -> Sequence[str]:
        """As they are."""
        return texts

    async def entitle(self, reference: str, name: str) -> None:
        """Nothing to do."""

    async def destroy(self, name: str) -> datetime:
        """There is nothing to destroy."""
        raise LookupError(name)

    async def forgotten(self) -> None:
        """Nothing to do."""


class Credulous:
    """A judge who takes everything."""

    async def vouched(self, signed: Signed | None) -> Signed | None:
        """As it is."""
        return signed

    def entry(self, entry: Entry, state: CaseState, grounds: Grounds, vouched: Signed | None) -> None:
        """Take it."""

    def command(self, command: Command, grounds: Grounds) -> None:
        """Take it."""

    def written(self, written: Written, officer: Officer | None, *, genuine: bool) -> None:
        """Take it."""

    def request(self, request: Request) -> None:
        """Take it."""


@dataclass(frozen=True)
class Unsigned(KeyPair):
    """An officer who signs everything with one signature, made once over nothing that is said."""

    mark: Mapping[str, Any] = field(default_factory=dict)

    def sign(self, envelope: Envelope[C]) -> Envelope[C]:
        """As it is, but for what must stand where a signature would."""
        return envelope.model_copy(update=self.mark)


def _unsigned(pair: KeyPair) -> Unsigned:
    empty: Envelope[Upkeep] = Envelope(
        act="none",
        case="none",
        content=Upkeep(),
        content_hash="0" * 64,
        issued=datetime.now(UTC),
        nonce="0" * 32,
        signer=pair.person,
    )
    signed = pair.sign(empty)
    return Unsigned(pair.person, pair.private, mark={"key": signed.key, "signature": signed.signature})


@asynccontextmanager
async def without_guards(stand: Stand) -> AsyncIterator[tuple[Stand, int]]:
    """The same servers as seen by officers who sign nothing, over a connection that encrypts nothing; and the worker.

    What it writes goes into a database of its own: the register could not read it.
    """
    url = make_url(stand.environment[f"{PREFIX}DATABASE_URL"])
    database = engine.create(url.render_as_string(hide_password=False), pool=1)
    try:
        alone = database.execution_options(isolation_level="AUTOCOMMIT")
        async with alone.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {QUEUE}"))
    finally:
        await database.dispose()
    own = {f"{PREFIX}DATABASE_URL": url.set(database=QUEUE).render_as_string(hide_password=False)}
    address = stand.client.service_client.config.target_host
    trusting = replace(
        stand,
        environment={**stand.environment, **own},
        client=await Client.connect(address, data_converter=pydantic_data_converter),
        signers={officer: _unsigned(pair) for officer, pair in stand.signers.items()},
    )
    async with replace(stand, environment=trusting.environment).worker(__name__, queue=QUEUE) as process:
        yield trusting, process


async def run(settings: Settings) -> None:
    """Run until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with compose.parts(settings) as parts:
        await compose.prepare(parts, settings)
        found = environment(settings.home)
        client = await Client.connect(found["TEMPORAL_ADDRESS"], data_converter=pydantic_data_converter)
        unsealed: Keys = Unsealed()
        # What the activities ask of a keyring is the port alone; it is opened and closed as part of ``parts``.
        in_clear: Any = unsealed
        judge: Judging = Credulous()
        credulous = patch.object(compose, "judge", lambda _settings: judge)
        with credulous:
            async with compose.at_work(client, settings, replace(parts, keyring=in_clear)):
                logging.getLogger("worker").info("worker ready")
                await stop.wait()


if __name__ == "__main__":
    serve(run)
