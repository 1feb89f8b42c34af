"""What tests of every package share."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from adapters.embedded.postgres import EmbeddedPostgres
from adapters.keys.folder import FolderStore
from adapters.keys.keyring import Keyring
from adapters.sql import engine as engines
from adapters.sql import migrate
from adapters.sql.ledger import SqlLedger
from tests.folders import a_folder
from tests.keys import MASTER, a_keyring
from tests.officers import Lenient

# They make statements about what they find, and tests of several folders import them.
pytest.register_assert_rewrite("tests.faults.stage", "tests.faults.story")

HERE = Path(__file__).parent
TEMPLATE = "migrated"
_numbers = count(1)


LONG = ("e2e", "faults", "worker", "benchmarks", "workflows", "replay", "adapters")
"""Folders of tests that take long, the longest first."""
SINGLE = ("faults", "worker", "benchmarks", "workflows", "replay")
"""Folders whose tests share nothing that takes long to set up: each is handed out by itself."""
SHARED = {
    "tests/adapters/screening/test_matcher.py": "names",
    "tests/adapters/watchlists/test_store.py": "names",
}
"""Files that load what names are compared with, which takes ten seconds of a processor."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long first, so that nobody waits for it at the end; what shares a set-up stays with one worker."""
    folder = {item: item.path.relative_to(HERE).parts[0] for item in items}
    items.sort(key=lambda item: LONG.index(folder[item]) if folder[item] in LONG else len(LONG))
    for item in items:
        if folder[item] not in SINGLE:
            file = item.nodeid.partition("::")[0]
            group = "stack" if "stack" in getattr(item, "fixturenames", ()) else SHARED.get(file, file)
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and not among what is loaded: a sixth of the processor's time went into that."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _execute(url: str, statement: str) -> None:
    """Run one statement outside any transaction."""
    engine = engines.create(url, pool=1)
    try:
        async with engine.execution_options(isolation_level="AUTOCOMMIT").begin() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def _migrate(url: str) -> None:
    engine = engines.create(url, pool=1)
    try:
        await migrate.upgrade(engine, a_keyring())
    finally:
        await engine.dispose()


def database_url(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def reachable_folder() -> Iterator[Path]:
    """A folder for one test that a server's own user may reach."""
    with a_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One real PostgreSQL for the whole run, or for each worker of it."""
    with a_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"})
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def _template(postgres: EmbeddedPostgres) -> None:
    url = postgres.start()
    asyncio.run(_execute(url, f"CREATE DATABASE {TEMPLATE}"))
    asyncio.run(_migrate(database_url(url, TEMPLATE)))


@asynccontextmanager
async def _database(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await _execute(postgres.start(), f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield database_url(postgres.start(), name)
    await _execute(postgres.start(), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(postgres: EmbeddedPostgres, _template: None) -> AsyncIterator[str]:
    """The URL of a database with the present tables and nothing in them."""
    async with _database(postgres, TEMPLATE) as url:
        yield url


@pytest.fixture
async def empty_database(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a database without any table."""
    async with _database(postgres, "template0") as url:
        yield url


@pytest.fixture
async def keyring(tmp_path: Path) -> Keyring:
    """Keys in a folder of the test's own."""
    keys = Keyring(FolderStore(tmp_path / "keys"), MASTER)
    await keys.begin()
    return keys


@pytest.fixture
async def ledger(database: str, keyring: Keyring) -> AsyncIterator[SqlLedger]:
    """A ledger over a database and keys of its own."""
    engine = engines.create(database, pool=4)
    yield SqlLedger(engine, keyring, mail_domain="example.org", judge=Lenient())
    await engine.dispose()
