"""The parts that faults are tried on."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from adapters.embedded.ports import free_ports
from adapters.embedded.temporal import NAMESPACE, TemporalServer
from adapters.keys.keyring import Keyring
from adapters.sql.ledger import SqlLedger
from tests.faults.stage import Stage, connect, register_namespace, set_up
from worker.parts import ProcessPart

_numbers = count(1)


@pytest.fixture(scope="session")
def temporal() -> Iterator[TemporalServer]:
    """One real Temporal server for the whole run, or for each worker of it."""
    server = TemporalServer(folder=None, port=free_ports(None)[0])
    with subprocess.Popen(server.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            asyncio.run(server.wait_ready(30))
            yield server
        finally:
            process.terminate()


@pytest.fixture
async def stage(
    temporal: TemporalServer, ledger: SqlLedger, database: str, keyring: Keyring, tmp_path: Path
) -> AsyncIterator[Stage]:
    """A desk at work, with a namespace and a database of its own."""
    namespace = f"desk-{next(_numbers)}"
    await register_namespace(await connect(temporal.address, "default", keyring), namespace)
    client = await connect(temporal.address, namespace, keyring)
    async with set_up(client=client, ledger=ledger, database=database, folder=tmp_path) as desk:
        yield desk


@pytest.fixture
async def temporal_on_disk(tmp_path: Path) -> AsyncIterator[ProcessPart]:
    """A Temporal server of the test's own, with its database in ``temporal`` under the test's folder."""
    folder = tmp_path / "temporal"
    folder.mkdir()
    server = TemporalServer(folder=folder, port=free_ports(None)[0])
    part = ProcessPart(
        server.address, server.command, log=tmp_path / "temporal.log", ready=lambda _part: server.wait_ready(30)
    )
    await part.start()
    yield part
    await part.stop()


@pytest.fixture
async def stage_on_disk(
    temporal_on_disk: ProcessPart, ledger: SqlLedger, database: str, keyring: Keyring, tmp_path: Path
) -> AsyncIterator[Stage]:
    """A desk at work on that server."""
    client = await connect(temporal_on_disk.name, NAMESPACE, keyring)
    async with set_up(client=client, ledger=ledger, database=database, folder=tmp_path) as desk:
        yield desk
