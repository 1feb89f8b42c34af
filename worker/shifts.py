"""Temporal workers for as long as something lasts, and no longer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from temporalio.worker import Worker

logger = logging.getLogger("worker")

AFTER_GRACE: Final = 5.0
"""Seconds that a worker has for its last words to the server once its time to finish is over."""


@asynccontextmanager
async def working(workers: Sequence[Worker], *, stop_within: float) -> AsyncIterator[None]:
    """Run workers; at the end wait until they are at rest, but not for ever.

    The core of the SDK can wait without end for an activity that was done just as a heartbeat of it was on its way
    (temporalio/sdk-rust, pull request 1538). What such a worker held is taken up by another, as after a crash.

    Args:
        workers: Not yet started.
        stop_within: Seconds from the end of the context.
    """
    async with AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        try:
            yield
        finally:
            stopping = [asyncio.create_task(worker.shutdown()) for worker in workers]
            _, restless = await asyncio.wait(stopping, timeout=stop_within)
            if restless:
                logger.warning("not at rest in time, and left: %d of %d task queues", len(restless), len(workers))
                for each in restless:
                    each.cancel()
                stack.pop_all()
