"""Lists that are handed in: files in a folder that the command line and the workers share, taken into the register."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

from activities.ports import ListBroken, Progress
from adapters.sql.watchlists import SqlWatchlists
from adapters.watchlists.people import Tally
from adapters.watchlists.reader import people
from domain.watchlists import Import, ListDiff, ListVersion


class HandedIn:
    """The lists.

    Args:
        lists: Where they are kept.
        folder: Where files are handed in, each under its digest.
    """

    def __init__(self, lists: SqlWatchlists, folder: Path) -> None:
        self._lists = lists
        self._folder = folder

    async def take(self, handed_in: Import, progress: Progress) -> ListVersion:
        """Take a list as a new version, once: as a whole, or not at all.

        Raises:
            ListBroken: It cannot be read, or is not there.
            LedgerUnavailable: The database is away.
        """
        if (done := await self._lists.imported(handed_in.key)) is not None:
            return done
        given = handed_in.handed_in
        path = await asyncio.to_thread(self._file, given.file)
        aliases = await asyncio.to_thread(self._file, given.aliases) if given.aliases is not None else None
        tally = Tally()
        with people(path, tally, form=given.form, aliases=aliases) as (form, found):
            return await self._lists.import_version(
                given.watchlist,
                found,
                key=handed_in.key,
                officer=handed_in.officer,
                form=form,
                source=given.source,
                file=given.file,
                skipped=lambda: dict(tally.skipped),
                progress=progress,
            )

    def _file(self, digest: str) -> Path:
        path = self._folder / digest
        try:
            with path.open("rb") as handed_in:
                found = hashlib.file_digest(handed_in, "sha256").hexdigest()
        except OSError:
            raise ListBroken(
                "the worker does not find the file: DESK_WATCHLIST_FOLDER must be one folder for the command line and "
                "every worker"
            ) from None
        if found != digest:
            raise ListBroken("the file that the worker finds is not the one that was handed in")
        return path

    async def lists(self) -> Sequence[ListVersion]:
        """The version in force of every list, by name."""
        return await self._lists.lists()

    async def versions(self, name: str) -> Sequence[ListVersion]:
        """Every version of a list, newest first. Raises LookupError where there is no such list."""
        return await self._lists.versions(name)

    async def diff(self, name: str, old: int, new: int) -> ListDiff:
        """What changed between two versions. Raises LookupError where one of them does not exist."""
        return await self._lists.diff(name, old, new)

    async def remove(self, name: str) -> None:
        """Take a list out of the register, with all its versions. Raises LookupError where there is none."""
        await self._lists.remove(name)
