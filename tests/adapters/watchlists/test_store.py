import asyncio
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from activities.ports import ListBroken
from adapters.screening.local import LocalScreener, entry_keys
from adapters.sql import engine as engines
from adapters.sql.migrations.versions import r0009_keys_of_entries
from adapters.sql.watchlists import SqlWatchlists
from adapters.watchlists.store import HandedIn
from domain.screening import ListFormat, ListKind, Subject, Trust, Watchlist
from domain.watchlists import Import, ListImport
from tests.adapters.logins import as_worker

Hand = Callable[..., Import]


def a_watchlist(name: str = "test", trust: Trust = Trust.OFFICIAL) -> Watchlist:
    return Watchlist(name=name, publisher="A test", trust=trust, kind=ListKind.SANCTIONS)


def people(*names: str, **more: Any) -> str:
    """A list of people by name, each under the name's place."""
    return "\n".join(
        json.dumps({"id": str(number), "schema": "Person", "properties": {"name": [name], **more}})
        for number, name in enumerate(names, 1)
    )


async def at_once(work: Callable[..., Any], *given: Any) -> Any:
    """Does the work where it is; nobody waits here."""
    return work(*given)


async def nobody_asks(_: int) -> None:
    """Nobody watches."""


@pytest.fixture
async def lists(database: str) -> AsyncIterator[SqlWatchlists]:
    """Lists in a database of their own, as a worker reaches them."""
    engine = engines.create(await as_worker(database), pool=4)
    yield SqlWatchlists(engine, partial(at_once, entry_keys))
    await engine.dispose()


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    """Hands in what a file holds."""

    def handing(content: str | bytes, *, key: str = "1", watchlist: Watchlist | None = None) -> Import:
        data = content.encode() if isinstance(content, str) else content
        digest = hashlib.sha256(data).hexdigest()
        (tmp_path / digest).write_bytes(data)
        given = ListImport(watchlist=watchlist or a_watchlist(), file=digest, source="list.json")
        return Import(key=key, officer="O-1", handed_in=given)

    return handing


@pytest.fixture
def take(lists: SqlWatchlists, tmp_path: Path) -> Callable[[Import], Awaitable[Any]]:
    """Takes a list that was handed in."""
    store = HandedIn(lists, tmp_path)
    return lambda handed_in: store.take(handed_in, nobody_asks)


async def test_a_list_becomes_a_version_and_its_people_are_found(lists: SqlWatchlists, hand: Hand, take: Any) -> None:
    version = await take(hand(gzip.compress(people("Primer Testov", "Obrazets Proverkin").encode())))

    assert (version.version, version.entries, version.added, version.changed, version.removed) == (1, 2, 2, 0, 0)
    assert version.format is ListFormat.FTM
    screened = await LocalScreener(lists, at_once).screen(Subject(names=("Тестов Пример",)))
    assert screened.asked == {"test": 1}
    assert [(hit.entry, hit.caption, hit.watchlist, hit.version) for hit in screened.hits] == [
        ("1", "Primer Testov", a_watchlist(), 1)
    ]
    assert (await LocalScreener(lists, at_once).screen(Subject(names=("Nobody Else",)))).hits == ()


async def test_another_version_replaces_the_first_and_both_can_be_compared(
    lists: SqlWatchlists, hand: Hand, take: Any
) -> None:
    await take(hand(people("Primer Testov", "Obrazets Proverkin", "Tretiy Novikov")))
    version = await take(hand(people("Primer Testov", "Obrazets Probov"), key="2"))

    assert (version.version, version.entries, version.added, version.changed, version.removed) == (2, 2, 0, 1, 1)
    diff = await lists.diff("test", 1, 2)
    assert (diff.added, diff.changed, diff.removed) == (0, 1, 1)
    assert [(change.entry, change.before, change.after) for change in diff.changes] == [
        ("2", "Obrazets Proverkin", "Obrazets Probov"),
        ("3", "Tretiy Novikov", ""),
    ]
    back = await lists.diff("test", 2, 1)
    assert (back.added, back.changed, back.removed) == (1, 1, 0)
    assert (await LocalScreener(lists, at_once).screen(Subject(names=("Obrazets Proverkin",)))).hits == ()
    (hit,) = (await LocalScreener(lists, at_once).screen(Subject(names=("Obrazets Probov",)))).hits
    assert (hit.entry, hit.version) == ("2", 2)
    assert [each.version for each in await lists.versions("test")] == [2, 1]


async def test_an_import_that_was_done_is_not_done_again(lists: SqlWatchlists, hand: Hand, take: Any) -> None:
    handed_in = hand(people("Primer Testov"))

    assert await asyncio.gather(*(take(handed_in) for _ in range(3))) == [await take(handed_in)] * 3
    assert len(await lists.versions("test")) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (people("Primer Testov") + "\n{", "line 2: is no JSON object"),
        (people(*["Primer Testov"] * 1200).replace('"id": "1200"', '"id": 1200'), "line 1200, id"),
        (people("Primer Testov") + "\n" + people("Another Testov"), "names entry 1 more than once"),
    ],
)
async def test_a_broken_list_changes_nothing(
    lists: SqlWatchlists, hand: Hand, take: Any, content: str, told: str
) -> None:
    before = await take(hand(people("Obrazets Proverkin")))

    with pytest.raises(ListBroken) as broken:
        await take(hand(content, key="2"))

    assert told in str(broken.value)
    assert await lists.lists() == [before]
    (hit,) = (await LocalScreener(lists, at_once).screen(Subject(names=("Obrazets Proverkin",)))).hits
    assert hit.version == 1


async def test_a_broken_first_list_leaves_no_list(lists: SqlWatchlists, hand: Hand, take: Any) -> None:
    with pytest.raises(ListBroken):
        await take(hand(people("Primer Testov") + "\n["))

    assert await lists.lists() == []


async def test_a_file_that_is_not_there_or_is_another_one_is_refused(hand: Hand, take: Any, tmp_path: Path) -> None:
    handed_in = hand(people("Primer Testov"))
    (tmp_path / handed_in.handed_in.file).write_text("another")

    with pytest.raises(ListBroken, match="not the one that was handed in"):
        await take(handed_in)
    (tmp_path / handed_in.handed_in.file).unlink()
    with pytest.raises(ListBroken, match="DESK_WATCHLIST_FOLDER"):
        await take(handed_in)


async def test_a_list_that_is_removed_finds_nobody_any_more(lists: SqlWatchlists, hand: Hand, take: Any) -> None:
    await take(hand(people("Primer Testov")))
    await take(hand(people("Primer Testov"), key="2", watchlist=a_watchlist("other", Trust.HOSTILE)))

    await lists.remove("test")

    screened = await LocalScreener(lists, at_once).screen(Subject(names=("Primer Testov",)))
    assert [hit.watchlist.trust for hit in screened.hits] == [Trust.HOSTILE]
    with pytest.raises(LookupError):
        await lists.remove("test")
    with pytest.raises(LookupError):
        await lists.versions("test")
    with pytest.raises(LookupError):
        await lists.diff("other", 1, 7)


async def test_an_import_that_is_broken_off_in_the_middle_leaves_nothing(
    lists: SqlWatchlists, hand: Hand, tmp_path: Path
) -> None:
    async def broken_off(taken: int) -> None:
        raise asyncio.CancelledError

    handed_in = hand(people("Primer Testov"))
    with pytest.raises(asyncio.CancelledError):
        await HandedIn(lists, tmp_path).take(handed_in, broken_off)

    assert await lists.lists() == []
    assert (await HandedIn(lists, tmp_path).take(handed_in, nobody_asks)).version == 1


async def test_lists_from_before_the_present_keys_are_found_by_them_after_the_upgrade(
    lists: SqlWatchlists, hand: Hand, tmp_path: Path, database: str
) -> None:
    def upgrade(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            r0009_keys_of_entries.upgrade()

    await HandedIn(lists, tmp_path).take(hand(people("Primer Testov", "Obrazets Proverkin")), nobody_asks)
    screener = LocalScreener(lists, at_once)
    engine = engines.create(database, pool=1)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE watchlist_entries SET keys = '{1, 2}'"))
    assert (await screener.screen(Subject(names=("Primer Testov",)))).hits == ()
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()

    assert len((await screener.screen(Subject(names=("Primer Testov",)))).hits) == 1
    assert len((await screener.screen(Subject(names=("Проверкин Образец",)))).hits) == 1
