"""Logins to the register."""

import secrets

from sqlalchemy import make_url

from adapters.sql import engine as engines
from adapters.sql import rights


async def as_worker(database: str) -> str:
    """The URL of the register for a worker's own login."""
    # The server is shared, and its logins are too.
    login = make_url(database).set(username=f"worker_{secrets.token_hex(4)}", password="it's a \\ secret")
    url = login.render_as_string(hide_password=False)
    owner = engines.create(database, pool=1)
    try:
        for _ in range(2):
            await rights.grant(owner, url)
    finally:
        await owner.dispose()
    return url
