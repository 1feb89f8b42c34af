"""Folders that the embedded parts may keep their data in for as long as a test lasts."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

MEMORY: Final = Path("/dev/shm")
"""A file system in memory, where there is one: what is written there need not wait for a disk."""
ROOM: Final = 2 * 1024**3
"""Bytes that must be free there: more than all the parts of a run take."""


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder that a server's own user may reach, gone at the end.

    pytest's own folders are none: each run of pytest closes them to everybody else, other runs' servers included.
    """
    in_memory = MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM else None
    with TemporaryDirectory(prefix="desk-", dir=in_memory) as folder:
        yield Path(folder)
