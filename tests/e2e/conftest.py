"""The stack that the command line is tried on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, a_stack
from tests.provider import AUDIENCE, Provider, providing


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack's home folder alone says where its database is."""
    for name in [name for name in os.environ if name.startswith(("DESK_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """The house's provider of tokens, which the stack that all tests share takes."""
    with providing() as running:
        yield running


@pytest.fixture(scope="session")
def stack(provider: Provider) -> Iterator[Path]:
    """The home folder of one stack for the whole run, or for each worker of it; every test has a session of its own."""
    with a_stack({"DESK_OIDC_ISSUER": provider.issuer, "DESK_OIDC_AUDIENCE": AUDIENCE}) as home:
        yield home


@pytest.fixture
def terminal(stack: Path, tmp_path: Path) -> Terminal:
    """A terminal at the stack that all tests share."""
    return Terminal(home=stack, folder=tmp_path)


@pytest.fixture
def terminal_of_its_own(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal at a stack that a test may do anything to."""
    with a_stack() as home:
        yield Terminal(home=home, folder=tmp_path)
