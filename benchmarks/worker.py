"""A worker for the real cases and one for the floor's, in one process: ``python -m benchmarks.worker``.

Settings come from the environment, as for ``python -m worker``.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, NoReturn

from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from benchmarks import floor
from config import logs
from config.settings import Settings, load
from config.temporal import connect
from worker import compose
from workflows.registry import SANDBOX


async def run(settings: Settings) -> None:
    """Run both until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with compose.parts(settings) as parts:
        await compose.prepare(parts, settings)
        client = await connect(settings, parts.keyring)
        bare = Worker(
            client,
            task_queue=floor.TASK_QUEUE,
            workflows=[floor.BareCandidacy, floor.BareList, floor.BareParticipant, floor.BareSuspension],
            activities=[floor.record, floor.deliver, floor.ask],
            workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
            graceful_shutdown_timeout=timedelta(seconds=settings.graceful_stop),
        )
        async with compose.at_work(client, settings, parts), bare:
            logging.getLogger("worker").info("worker ready")
            await stop.wait()


def serve(work: Callable[[Settings], Coroutine[Any, Any, None]]) -> NoReturn:
    """Do what a worker process does until SIGTERM, and end the process."""
    settings = load()
    logs.set_up(level=settings.log_level, form=settings.log_format)
    asyncio.run(work(settings))
    logging.shutdown()
    sys.stderr.flush()
    # As in worker.__main__: the Temporal client's threads may still hold on to the interpreter.
    os._exit(0)


if __name__ == "__main__":
    serve(run)
