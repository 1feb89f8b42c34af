"""The embedded PostgreSQL: one server on a folder, whatever happened before."""

import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from sqlalchemy import make_url

from adapters.embedded.postgres import EmbeddedPostgres, PostgresFailed

QUICK = {"fsync": "off"}


@pytest.fixture
def server(reachable_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server on a fresh folder, not started."""
    server = EmbeddedPostgres(reachable_folder / "postgres", settings=QUICK)
    yield server
    server.stop()


async def ask(url: str, question: str, **changes: str) -> object:
    address = make_url(url)
    connection = await asyncpg.connect(
        host=address.query["host"],
        port=int(str(address.query["port"])),
        user=address.username,
        database=address.database,
        password=changes.get("password", address.password),
    )
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def kill(server: EmbeddedPostgres, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while server.running():
        time.sleep(0.01)


async def test_a_server_starts_once_and_listens_on_its_socket_only(
    server: EmbeddedPostgres, reachable_folder: Path
) -> None:
    assert not server.running()
    url = server.start()

    assert server.running()
    assert server.start() == url
    assert await ask(url, "SELECT current_setting('listen_addresses')") == ""
    assert psutil.Process(postmaster(reachable_folder)).net_connections("tcp") == []
    server.stop()
    assert not server.running()


async def test_data_outlives_a_restart_and_a_kill(server: EmbeddedPostgres, reachable_folder: Path) -> None:
    url = server.start()
    await ask(url, "CREATE TABLE kept AS SELECT 1 AS one")
    assert server.restart() == url
    kill(server, postmaster(reachable_folder))

    assert await ask(server.start(), "SELECT one FROM kept") == 1


async def test_an_account_of_a_server_that_is_gone_does_not_stop_the_next(
    server: EmbeddedPostgres, reachable_folder: Path
) -> None:
    server.start()
    account = reachable_folder / "postgres" / "data" / "postmaster.pid"
    lines = account.read_text().splitlines()
    server.stop()
    # After a reboot the number belongs to some other process that lives: here, to this one.
    account.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    assert not server.running()
    assert await ask(server.start(), "SELECT 1") == 1


async def test_a_start_that_was_killed_half_way_is_done_again(server: EmbeddedPostgres, reachable_folder: Path) -> None:
    folder = reachable_folder / "postgres"
    half_made = folder / "data.new-killed"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    (folder / "password.new").write_text("half a passw")

    assert await ask(server.start(), "SELECT 1") == 1
    assert not half_made.exists()


async def test_starts_at_the_same_moment_are_one_start(server: EmbeddedPostgres, reachable_folder: Path) -> None:
    others = [EmbeddedPostgres(reachable_folder / "postgres", settings=QUICK) for _ in range(3)]
    threads = [threading.Thread(target=other.start) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [other.running() for other in others] == [True, True, True]
    assert await ask(server.start(), "SELECT 1") == 1


async def test_the_password_is_asked_for_and_kept_from_others(server: EmbeddedPostgres, reachable_folder: Path) -> None:
    url = server.start()
    password = make_url(url).password
    assert isinstance(password, str)
    folder = reachable_folder / "postgres"

    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(url, "SELECT 1", password="guess")

    readable = [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and password in path.read_bytes().decode("utf-8", errors="replace")
    ]
    assert readable == ["password"]
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "socket").stat().st_mode) == 0o700
    assert not any(password in word for word in psutil.Process(postmaster(reachable_folder)).cmdline())


async def test_values_in_statements_stay_out_of_the_log(server: EmbeddedPostgres, reachable_folder: Path) -> None:
    url = server.start()
    await ask(url, "CREATE TABLE people (name text CHECK (name <> 'Ada Example'))")
    with pytest.raises(asyncpg.CheckViolationError):
        await ask(url, "INSERT INTO people VALUES ('Ada Example')")
    server.stop()

    log = "".join(path.read_text() for path in (reachable_folder / "postgres" / "log").iterdir())
    assert "violates check constraint" in log
    assert "Ada Example" not in log


async def test_a_long_path_gets_a_short_socket_and_leaves_nothing_of_it(reachable_folder: Path) -> None:
    server = EmbeddedPostgres(reachable_folder / ("a" * 100) / "postgres", settings=QUICK)
    url = server.start()
    try:
        sockets = Path(str(make_url(url).query["host"]))
        assert len(str(sockets)) < 90
        assert await ask(url, "SELECT 1") == 1
        assert server.restart() == url
    finally:
        server.stop()
    assert not sockets.exists()


def test_data_of_another_major_version_is_left_alone(server: EmbeddedPostgres, reachable_folder: Path) -> None:
    version = reachable_folder / "postgres" / "data" / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("17\n")

    with pytest.raises(PostgresFailed, match=r"belongs to PostgreSQL 17, and this is 18$"):
        server.start()

    assert version.read_text() == "17\n"


def test_a_server_that_cannot_start_says_where_to_look(reachable_folder: Path) -> None:
    server = EmbeddedPostgres(reachable_folder / "postgres", settings=QUICK | {"shared_buffers": "nonsense"})

    with pytest.raises(PostgresFailed, match=r"^pg_ctl start failed; .*/commands\.log and .*/log say why$"):
        server.start()

    assert not server.running()
