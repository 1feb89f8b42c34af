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


@pytest.fixture(params=[(), ("decimal",)], ids=["alone", "forked"])
async def aside(request: pytest.FixtureRequest) -> AsyncIterator[Aside]:
    aside = Aside(begin_with=request.param)
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


def test_what_processes_begin_with_is_loaded_once_for_all_of_them_while_the_event_loop_goes_on(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(0.5)\nprint('loaded', flush=True)\n", encoding="utf-8")
    script = (
        "import asyncio, sys, time\n"
        "from adapters.aside import Aside\n"
        "async def main():\n"
        "    one, two = [Aside(number, begin_with=['slow']) for number in (1, 2)]\n"
        "    work = [aside.run(time.sleep, 0.1) for aside in (one, two, two)]\n"
        "    work = asyncio.gather(*work, one.run(eval, \"'slow' in __import__('sys').modules\"))\n"
        "    turns = 0\n"
        "    while not work.done():\n"
        "        await asyncio.sleep(0.01)\n"
        "        turns += 1\n"
        "    print((await work)[-1], turns >= 20, flush=True)\n"
        "    await one.aclose()\n"
        "    await two.aclose()\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert (said.stdout, said.stderr) == ("loaded\nTrue True\n", "")
