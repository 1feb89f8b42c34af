"""The procedure on a server that skips time, over in-memory ports."""

from collections.abc import AsyncIterator

import pytest

from tests.workflows.office import Office, at_work


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with at_work() as office:
        yield office
