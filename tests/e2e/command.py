"""One command of the command line, in a process of its own that is forked from one which has loaded the libraries.

To load them takes a second of a processor, and what a command does a tenth of that. Everything but what is loaded is
the command's own: arguments, environment, working folder, streams, how it ends. This module loads quickly itself, since
each of these processes loads it.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

LOADED: Final = ("__main__", "config.temporal", "starter.desk", "starter.files", "starter.profiles", "starter.show")
"""What most commands need. The verbs themselves are not among it: each command loads those of its noun.

``__main__`` is pytest, which each process would load for itself otherwise.
"""


class StillRuns(Exception):
    """A command did not end in time."""


def give(argv: Sequence[str], environment: Mapping[str, str], folder: Path, *, within: float) -> tuple[int, str, str]:
    """Give one command.

    Args:
        argv: Its words.
        environment: All of its environment.
        folder: Its working folder.
        within: Seconds to wait for its end.

    Returns:
        Its exit code, and what it said on standard output and standard error.

    Raises:
        StillRuns: It does not end in time, and is killed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    with TemporaryDirectory(prefix="said-") as place:
        streams = [Path(place) / name for name in ("out", "err")]
        process = context.Process(target=_obey, args=(list(argv), dict(environment), folder, streams))
        process.start()
        process.join(within)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise StillRuns(f"{' '.join(argv)} still runs after {within:g} s")
        out, err = (path.read_text(encoding="utf-8") for path in streams)
        return process.exitcode, out, err


def _obey(argv: Sequence[str], environment: Mapping[str, str], folder: Path, streams: Sequence[Path]) -> None:
    """Be the process of a command, which ends it."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
        for number, mode in enumerate("rww")
    )
    sys.argv = ["starter", *argv]
    from starter.__main__ import main

    main()
