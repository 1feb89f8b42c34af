"""Work in processes beside this one: done there, tried anew after one was killed, and ended with this one."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from adapters.aside import Aside


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    aside = Aside()
    yield aside
    await aside.aclose()


async def test_work_is_done_beside_and_a_failure_comes_back(aside: Aside) -> None:
    other = await aside.run(os.getpid)

    assert other != os.getpid()
    with pytest.raises(ZeroDivisionError):
        await aside.run(divmod, 1, 0)
    assert await aside.run(os.getpid) == other


async def test_process_that_was_killed_is_replaced_by_another(aside: Aside) -> None:
    other = await aside.run(os.getpid)
    with pytest.raises(BrokenProcessPool):
        await aside.run(os.kill, other, signal.SIGKILL)

    assert await aside.run(os.getpid) != other


async def test_event_loop_goes_on_while_work_is_done(aside: Aside) -> None:
    await aside.run(os.getpid)
    work = asyncio.create_task(aside.run(time.sleep, 0.2))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.01)
        turns += 1

    assert turns >= 3


def test_process_ends_when_this_one_is_killed_over_its_work() -> None:
    script = (
        "import asyncio, os, time\n"
        "from adapters.aside import Aside\n"
        "async def main():\n"
        "    aside = Aside()\n"
        "    print(await aside.run(os.getpid), flush=True)\n"
        "    await aside.run(time.sleep, 60)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        other = int(parent.stdout.readline())
        parent.kill()
    ended_by = time.monotonic() + 20
    while _runs(other) and time.monotonic() < ended_by:
        time.sleep(0.02)

    assert not _runs(other)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
