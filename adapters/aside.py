"""Work that keeps an interpreter busy, done in processes beside this one, so that nothing else waits for it."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

Result = TypeVar("Result")


class Aside:
    """Some processes, started when there is work for them; they end with this one, however it ends.

    Args:
        processes: How many at once, at most.
        begin_with: Modules that the work needs and that take seconds to load, and room in memory. They are loaded once,
            when there is such work for the first time, by a process that all others are forked from, those of every
            ``Aside`` of this process that has any; the first of them says which. Without them a process is begun by
            itself.
    """

    def __init__(self, processes: int = 1, *, begin_with: Sequence[str] = ()) -> None:
        self._processes = processes
        self._begin_with = list(begin_with)
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[..., Result], *given: Any) -> Result:
        """What a function of some module makes of what is given; both can be pickled.

        Raises:
            BrokenProcessPool: The process was killed over it; the next work gets another.
        """
        if self._pool is None:
            # A fork of this process would take the client's threads and locks with it as they are.
            context: BaseContext = multiprocessing.get_context("spawn")
            if self._begin_with:
                context = multiprocessing.get_context("forkserver")
                context.set_forkserver_preload(self._begin_with)
            self._pool = ProcessPoolExecutor(self._processes, mp_context=context, initializer=_begin)
        pool = self._pool
        try:
            # To hand work over may start a process, and so wait until everything is loaded.
            handed_over = await asyncio.to_thread(pool.submit, work, *given)
            return await asyncio.wrap_future(handed_over)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise

    async def aclose(self) -> None:
        """Let the processes finish what they have in hand, and end them."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)


def _begin() -> None:
    """Begin as a process beside another one."""
    # Whether to stop is for that one to say: a terminal tells both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # Nobody waits for an answer any more; the pipe it would go into is held open by this process itself.
        os._exit(0)
