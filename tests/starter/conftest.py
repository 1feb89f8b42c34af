"""What tests of the command line share: a home folder of their own, and one command in this process."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from starter.__main__ import run


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


Starter = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, no setting from outside, and an empty working folder."""
    for name in [name for name in os.environ if name.startswith(("DESK_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("DESK_HOME", str(folder))
    return folder


@pytest.fixture
def starter(home: Path, capsys: pytest.CaptureFixture[str]) -> Starter:
    """Runs a command line in this process."""

    def said(*argv: str) -> Said:
        code = run(argv)
        captured = capsys.readouterr()
        return Said(code=code, out=captured.out, err=captured.err)

    return said
