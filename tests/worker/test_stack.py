"""The embedded stack: its parts, its home folder, and the whole of it on real servers."""

import asyncio
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from config.settings import MailSecurity, load
from worker.home import CannotStart, Home, Mark, Phase, State
from worker.parts import Pauses, ProcessPart, greets, keep, says
from worker.stack import document, end_orphans, main, text

READY: Final = "import time; print('ready to serve', flush=True); time.sleep(60)"
STUBBORN: Final = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


def a_part(folder: Path, program: str, **options: Any) -> ProcessPart:
    settings: dict[str, Any] = {"ready": says("ready"), "start_within": 10.0, "log": folder / "part.log"}
    return ProcessPart("part", (sys.executable, "-c", program), **settings | options)


def alive(pid: int | None) -> bool:
    return pid is not None and psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


# Parts


async def test_part_is_started_once_it_says_so_and_runs_until_it_is_stopped(tmp_path: Path) -> None:
    spawned: list[str] = []
    part = a_part(tmp_path, READY, spawned=lambda: spawned.append("part"))
    await part.start()
    pid = part.pid
    assert (spawned, part.output(), alive(pid)) == (["part"], "ready to serve\n", True)
    await part.stop()
    assert (part.pid, alive(pid)) == (None, False)


async def test_part_appends_to_its_log_and_reads_only_its_own_lines(tmp_path: Path) -> None:
    for _ in range(2):
        part = a_part(tmp_path, READY)
        await part.start()
        assert part.output() == "ready to serve\n"
        await part.stop()
    assert (tmp_path / "part.log").read_text() == "ready to serve\n" * 2


async def test_long_log_is_set_aside_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.parts.LOG_LIMIT", 3)
    (tmp_path / "part.log").write_text("long")
    part = a_part(tmp_path, READY)
    await part.start()
    await part.stop()
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "part.old.log": "long",
        "part.log": "ready to serve\n",
    }


async def test_part_that_ends_too_early_cannot_start(tmp_path: Path) -> None:
    part = a_part(tmp_path, "import sys; print('no space'); sys.exit(3)")
    with pytest.raises(CannotStart) as failed:
        await part.start()
    assert (failed.value.part, failed.value.reason) == ("part", "ended before it was ready (exit code 3)")
    assert failed.value.log.read_text() == "no space\n"


async def test_part_that_is_not_ready_in_time_cannot_start_and_is_stopped(tmp_path: Path) -> None:
    part = a_part(tmp_path, "import time; time.sleep(60)", start_within=0.2)
    with pytest.raises(CannotStart, match=r"part: not ready within 0\.2 s"):
        await part.start()
    assert part.pid is None


async def test_part_whose_readiness_fails_cannot_start_and_is_stopped(tmp_path: Path) -> None:
    async def broken(_part: ProcessPart) -> None:
        raise ValueError("the settings are not taken")

    part = a_part(tmp_path, READY, ready=broken)
    with pytest.raises(CannotStart, match="part: the settings are not taken"):
        await part.start()
    assert part.pid is None


async def test_part_whose_program_is_missing_cannot_start(tmp_path: Path) -> None:
    part = ProcessPart("part", (str(tmp_path / "nothing"),), log=tmp_path / "part.log", ready=says("ready"))
    with pytest.raises(CannotStart, match=r"part: the command cannot be run \(No such file or directory\)"):
        await part.start()


async def test_part_that_will_not_end_is_killed_when_its_time_is_up(tmp_path: Path) -> None:
    part = a_part(tmp_path, STUBBORN, stop_within=0.2)
    await part.start()
    ended = asyncio.create_task(part.ended())
    await part.stop()
    assert await ended == "SIGKILL"


async def test_part_gets_the_environment_of_the_moment(tmp_path: Path) -> None:
    values = {"WORD": "first"}
    program = "import os, time; print('ready', os.environ['WORD'], flush=True); time.sleep(60)"
    part = a_part(tmp_path, program, environment=lambda: dict(values))
    await part.start()
    await part.stop()
    values["WORD"] = "second"
    await part.start()
    await part.stop()
    assert (tmp_path / "part.log").read_text() == "ready first\nready second\n"


async def test_part_that_greets_is_ready_once_it_does(tmp_path: Path) -> None:
    async def welcome(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome\r\n")
        writer.close()

    part = a_part(tmp_path, READY)
    server = await asyncio.start_server(welcome, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    waiting = asyncio.ensure_future(greets("127.0.0.1", port)(part))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    async with await asyncio.start_server(welcome, "127.0.0.1", port):
        await asyncio.wait_for(waiting, 5)


class Mayfly:
    """A part that ends as soon as it is started; the last start but one does not succeed."""

    name = "mayfly"

    def __init__(self, lives: int, log: Path) -> None:
        self.log = log
        self.lives = lives
        self.starts = 0

    @property
    def pid(self) -> int | None:
        return None

    async def start(self) -> None:
        self.starts += 1
        if self.starts == self.lives - 1:
            raise CannotStart(self.name, "no luck", self.log)

    async def ended(self) -> str:
        if self.starts >= self.lives:
            await asyncio.Event().wait()
        return "exit code 1"

    async def stop(self) -> None:
        raise AssertionError("the keeper starts parts and stops none")


async def kept(part: Mayfly, pauses: Pauses, caplog: pytest.LogCaptureFixture) -> list[str]:
    with caplog.at_level(logging.WARNING, logger="stack"):
        keeping = asyncio.create_task(keep(part, pauses))
        while part.starts < part.lives:
            await asyncio.sleep(0.001)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
    return [record.getMessage() for record in caplog.records]


async def test_part_that_ends_is_started_again_after_growing_pauses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = await kept(Mayfly(5, tmp_path), Pauses(first=0.001, longest=0.005), caplog)
    assert lines == [
        "mayfly ended: exit code 1; it is started again in 0.001 s",
        "mayfly ended: exit code 1; it is started again in 0.002 s",
        "mayfly ended: exit code 1; it is started again in 0.004 s",
        "mayfly ended: exit code 1; it is started again in 0.005 s",
        "mayfly ended: no luck; it is started again in 0.005 s",
    ]


async def test_part_that_has_run_steadily_is_started_again_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = await kept(Mayfly(3, tmp_path), Pauses(first=0.001, longest=1.0, steady=0.0), caplog)
    assert [line.rpartition(" in ")[2] for line in lines] == ["0.001 s"] * 3


# The home folder


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    home = Home(folder)
    home.make()
    home.fingerprint_key()
    home.make_master_key()
    home.write(State())
    home.write_settings({"DESK_TASK_QUEUE": "desk"})
    assert stat.S_IMODE(folder.stat().st_mode) & 0o066 == 0
    assert modes(folder) == {
        "logs": 0o700,
        "mail": 0o700,
        "temporal": 0o700,
        "fingerprint.key": 0o600,
        "master.key": 0o600,
        "stack.json": 0o600,
        "stack.env": 0o600,
    }


def test_fingerprint_key_is_made_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    key = home.fingerprint_key()
    assert len(bytes.fromhex(key)) == 32
    assert Home(tmp_path).fingerprint_key() == key


def test_fingerprint_key_that_is_lost_is_not_replaced_beside_a_register(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.postgres.mkdir()
    with pytest.raises(CannotStart, match=r"fingerprint\.key is missing; restore it from a copy"):
        home.fingerprint_key()
    assert not (tmp_path / "fingerprint.key").exists()


def test_seal_key_is_another_and_as_lasting(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    key = home.seal_key()
    assert key != home.fingerprint_key()
    assert Home(tmp_path).seal_key() == key


def test_fingerprint_key_that_is_spoilt_is_not_replaced_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "fingerprint.key").write_text("a spoilt secret")
    with pytest.raises(CannotStart, match="does not hold 64 hexadecimal digits") as failed:
        Home(tmp_path).fingerprint_key()
    assert "spoilt" not in str(failed.value)
    assert failed.value.log != tmp_path / "fingerprint.key"
    assert (tmp_path / "fingerprint.key").read_text() == "a spoilt secret"


def test_master_key_that_is_lost_is_not_replaced_beside_the_keys_it_wraps(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make_master_key()
    home.keys.mkdir()
    home.master_key.unlink()
    with pytest.raises(CannotStart, match=r"master\.key is missing; restore it from a copy"):
        home.make_master_key()
    assert not home.master_key.exists()


def test_settings_written_are_the_settings_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DESK_")]:
        monkeypatch.delenv(name)
    home = Home(tmp_path)
    url = "postgresql+asyncpg://desk:a%27b@/postgres?host=/a folder/it's\\here&port=5432"
    home.write_settings({"DESK_DATABASE_URL": url, "DESK_MAIL_HOST": "127.0.0.1", "DESK_MAIL_SECURITY": "none"})
    settings = load(tmp_path)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == url
    assert (settings.mail_host, settings.mail_security) == ("127.0.0.1", MailSecurity.NONE)


@pytest.mark.parametrize("spoilt", ["", "{", '{"phase": "sideways"}'])
def test_state_that_is_spoilt_counts_as_down(tmp_path: Path, spoilt: str) -> None:
    (tmp_path / "stack.json").write_text(spoilt)
    assert Home(tmp_path).read() == State(phase=Phase.DOWN)


def test_home_is_held_by_one_supervisor(tmp_path: Path) -> None:
    with Home(tmp_path).lock() as first, Home(tmp_path).lock() as second:
        assert (first, second) == (True, False)
    with Home(tmp_path).lock() as third:
        assert third


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def mark_of(pid: int) -> Mark:
    mark = Mark.of(pid)
    assert mark is not None
    return mark


def test_process_left_by_a_killed_supervisor_is_ended(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    home = Home(tmp_path)
    home.write(State(phase=Phase.UP, parts={"worker": mark_of(sleeper.pid)}))
    told = document(home)
    assert (told["up"], told["left"]) == (False, ["worker"])
    assert (
        text(told)
        == "The stack is down, but its supervisor was killed and left running: worker. Up and down mend that.\n"
    )
    assert end_orphans(home) == ["worker"]
    assert sleeper.wait() == -signal.SIGTERM


def test_stranger_with_the_number_of_a_part_is_left_alone(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    stranger = Mark(pid=sleeper.pid, created=mark_of(sleeper.pid).created - 60)
    home = Home(tmp_path)
    home.write(State(phase=Phase.UP, supervisor=stranger, parts={"worker": stranger}))
    assert document(home) == {"up": False, "home": str(tmp_path), "logs": str(tmp_path / "logs")}
    assert end_orphans(home) == []
    assert sleeper.poll() is None


# The command line


@pytest.mark.parametrize(
    "words", [[], ["sideways"], ["up", "--env", "NAME"], ["up", "--env", "name=1"], ["up", "--env", "A=1\nB=2"]]
)
def test_wrong_usage_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", ["status", "down"])
def test_stack_that_never_was_is_down(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "nowhere"
    assert main([command, "--home", str(home)]) == 0
    assert capsys.readouterr().out == "The stack is down.\n"
    assert not home.exists()


# The whole of it


class Stack:
    """``python -m worker.stack`` on one home, each time in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def call(self, *words: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "worker.stack", *words, "--home", str(self.home)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        return done.returncode, done.stdout, done.stderr

    def told(self, command: str, *words: str) -> dict[str, Any]:
        code, out, err = self.call(command, "--json", *words)
        assert (code, err) == (0, ""), out
        told: dict[str, Any] = json.loads(out)
        return told

    @property
    def state(self) -> State:
        return Home(self.home).read()

    @property
    def pids(self) -> dict[str, int]:
        return {name: mark.pid for name, mark in self.state.parts.items()}

    def kill_supervisor(self) -> None:
        supervisor = self.state.supervisor
        assert supervisor is not None
        os.kill(supervisor.pid, signal.SIGKILL)
        eventually(lambda: not supervisor.alive)


@pytest.fixture
def stack(reachable_folder: Path) -> Iterator[Stack]:
    stack = Stack(reachable_folder / "home")
    yield stack
    assert stack.call("down")[0] == 0


def eventually(true: Callable[[], bool], within: float = 30.0) -> None:
    limit = time.monotonic() + within
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_stack_comes_up_is_kept_and_goes_down(stack: Stack) -> None:
    up = stack.told("up", "--no-ui", "--env", "DESK_RETRY_FIRST=1.5")
    assert up == stack.told("status") == stack.told("up")
    assert (up["up"], up["temporal"]["ui"], up["mail"]["folder"]) == (True, None, str(stack.home / "mail"))
    assert [up[name]["running"] for name in ("postgres", "temporal", "mail", "worker")] == [True] * 4
    settings = load(stack.home)
    assert settings.database_url is not None
    assert settings.fingerprint_key is not None
    assert (settings.retry_first, f"{settings.mail_host}:{settings.mail_port}") == (1.5, up["mail"]["address"])
    password = settings.database_url.get_secret_value().split(":")[2].split("@")[0]
    assert all(secret not in json.dumps(up) for secret in (password, settings.fingerprint_key.get_secret_value()))

    assert stack.call("run")[0] == 5

    pids = stack.pids
    assert stack.told("down")["up"] is False
    assert [pid for pid in pids.values() if alive(pid)] == []

    again = stack.told("up", "--no-ui")
    assert {name: again[name]["address"] for name in ("postgres", "temporal", "mail")} == {
        name: up[name]["address"] for name in ("postgres", "temporal", "mail")
    }
    assert load(stack.home).fingerprint_key == settings.fingerprint_key


def test_part_that_is_killed_comes_back(stack: Stack) -> None:
    stack.told("up", "--no-ui")
    before = stack.pids
    for name in ("worker", "mail", "temporal", "postgres"):
        os.kill(before[name], signal.SIGKILL)
    eventually(lambda: all(alive(stack.pids.get(name)) and stack.pids[name] != before[name] for name in before))
    eventually(lambda: "worker runs again" in Home(stack.home).log("supervisor").read_text())


def test_supervisor_that_is_killed_is_replaced_and_its_parts_with_it(stack: Stack) -> None:
    stack.told("up", "--no-ui")
    before = stack.pids
    stack.kill_supervisor()
    assert stack.told("status")["left"] == ["postgres", "temporal", "mail", "worker"]

    stack.told("up", "--no-ui")
    assert [name for name in ("temporal", "mail", "worker") if alive(before[name])] == []

    pids = stack.pids
    stack.kill_supervisor()
    assert stack.told("down")["up"] is False
    assert [pid for pid in pids.values() if alive(pid)] == []


def test_part_that_cannot_start_is_named_with_its_log(stack: Stack) -> None:
    code, out, err = stack.call("up", "--no-ui", "--env", "DESK_RETRY_FIRST=never")
    assert (code, out) == (5, "")
    first, second, *log = err.splitlines()
    assert first == "worker failed: ended before it was ready (exit code 2)"
    assert second == f"Its log is {stack.home / 'logs' / 'worker.log'}"
    assert log == [
        "  | DESK_RETRY_FIRST: Input should be a valid number, unable to parse string as a number",
    ]
    assert stack.told("status") == {"up": False, "home": str(stack.home), "logs": str(stack.home / "logs")}
    code, out, _ = stack.call("up", "--no-ui", "--json", "--env", "DESK_RETRY_FIRST=never")
    assert (code, json.loads(out)["failed"]["part"]) == (5, "worker")
