"""Temporal's development server, the real one, with the settings that matter."""

import shutil
import socket
import sqlite3
import sys
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.service import ConnectConfig, ServiceClient

from adapters.embedded import temporal
from adapters.embedded.ports import LOOPBACK, free_ports
from adapters.embedded.temporal import TemporalMissing, TemporalNotReady, TemporalServer, serving


def test_command_line_has_every_setting() -> None:
    server = TemporalServer(folder=Path("/desk/temporal"), port=7001, ui_port=7002)
    program, *words = server.command
    assert Path(program).name == "temporal"
    assert " ".join(words) == (
        "server start-dev --ip 127.0.0.1 --port 7001 --log-level warn --ui-port 7002 --ui-disable-news-fetch"
        " --db-filename /desk/temporal/temporal.db --sqlite-pragma journal_mode=wal --sqlite-pragma synchronous=normal"
        " --dynamic-config-value history.transferProcessorMaxPollRPS=100"
        ' --dynamic-config-value history.timerProcessorMaxTimeShift="10ms"'
        " --search-attribute DeskCase=Keyword --search-attribute DeskStage=Keyword"
        " --search-attribute DeskSession=Keyword --search-attribute DeskSeat=Keyword"
        " --search-attribute DeskDeadline=Datetime"
    )
    assert (server.address, server.ui) == ("127.0.0.1:7001", "http://127.0.0.1:7002")


def test_server_without_folder_and_interface_keeps_no_file() -> None:
    server = TemporalServer(folder=None, port=7001)
    words = server.command
    assert [word for word in words if word in {"--headless", "--db-filename", "--sqlite-pragma", "--ui-port"}] == [
        "--headless"
    ]
    assert server.ui is None


async def test_server_on_a_file_starts_with_every_setting_and_keeps_them(tmp_path: Path) -> None:
    for _ in ("made", "opened again"):
        async with serving(tmp_path) as server:
            service = await ServiceClient.connect(ConnectConfig(target_host=server.address))
            assert await temporal.retention(service) == temporal.RETENTION
            known = await service.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace=temporal.NAMESPACE)
            )
            kinds = {
                name: IndexedValueType.Name(known.custom_attributes[name]).removeprefix("INDEXED_VALUE_TYPE_").title()
                for name in temporal.SEARCH_ATTRIBUTES
            }
            assert kinds == temporal.SEARCH_ATTRIBUTES
    database = sqlite3.connect(tmp_path / temporal.DATABASE)
    try:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        database.close()


async def test_server_that_does_not_answer_is_not_ready() -> None:
    with socket.socket() as silent:
        silent.bind((LOOPBACK, 0))
        silent.listen()
        port: int = silent.getsockname()[1]
        with pytest.raises(TemporalNotReady, match=rf"was not ready at 127\.0\.0\.1:{port} within 0\.3 s"):
            await TemporalServer(folder=None, port=port).wait_ready(0.3)


def test_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(TemporalMissing, match=r"install 'dialogue-desk\[embedded\]'"):
        temporal.executable()


def test_ports_are_free_and_different() -> None:
    ports = free_ports(None, None, None)
    assert len(set(ports)) == 3
    for port in ports:
        with socket.socket() as taker:
            taker.bind((LOOPBACK, port))


def test_preferred_port_is_given_if_it_is_free() -> None:
    (free,) = free_ports(None)
    assert free_ports(free) == (free,)
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, free))
        stranger.listen()
        (other,) = free_ports(free)
    assert other != free
