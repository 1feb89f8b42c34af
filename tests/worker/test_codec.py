"""The codec server's command: off by default, on loopback by default."""

import os
from pathlib import Path

import pytest

from adapters.keys.server import Tokens
from worker.codec import FILE, main


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("DESK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_a_token_is_printed_once_and_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "O-6", "--home", str(tmp_path)]) == 0
    token = capsys.readouterr().out.strip()
    assert Tokens(tmp_path / FILE).officer(token) == "O-6"


@pytest.mark.parametrize("listen", ["0.0.0.0:8233", "[::]:8233", "desk.example.org:8233", "192.0.2.1:8233"])
def test_elsewhere_than_on_loopback_it_needs_a_certificate(
    listen: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--listen", listen, "--home", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (f"--listen {listen}: anywhere but on loopback needs --certificate and --key\n")


def test_a_certificate_that_is_none_stops_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--certificate", str(tmp_path / "no.crt"), "--key", str(tmp_path / "no.key")]
    assert main(["serve", "--listen", "0.0.0.0:8233", *files, "--home", str(tmp_path)]) == 2
    assert "are no certificate and its key" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [[], ["token"], ["token", "Ada"], ["serve", "--listen", "nowhere"], ["serve", "--certificate", "one.crt"]],
)
def test_wrong_usage_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


def test_without_its_settings_it_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--home", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("DESK_")
