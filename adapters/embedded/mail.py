"""The local mail catcher: an SMTP server on loopback that keeps every letter in a Maildir and passes none on.

The only place where letters stand in clear, so that a person can read them; the folder is for its owner alone.
Run as ``python -m adapters.embedded.mail --folder DIR --port N``; SIGTERM ends it.
"""

import argparse
import asyncio
import logging
import mailbox
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_string
from email.message import EmailMessage
from email.policy import SMTP as INTERNET
from pathlib import Path
from typing import Final, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST: Final = "127.0.0.1"

_DELIVERED: Final = re.compile(r"(\d+)\.M(\d+)P\d+Q(\d+)\.")


class _Keeper:
    def __init__(self, folder: Path) -> None:
        for part in (folder, *(folder / name for name in ("tmp", "new", "cur"))):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._letters = mailbox.Maildir(folder, create=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        try:
            self._letters.add(cast(bytes, envelope.original_content))
        except OSError:
            # A full disk passes; any other reply would make the desk believe that the address is dead.
            return "452 4.3.1 The letter cannot be stored now"
        return "250 2.0.0 Kept"


@asynccontextmanager
async def catching(folder: Path, port: int = 0) -> AsyncIterator[int]:
    """Catch letters as long as the context lasts; gives the port.

    Args:
        folder: The Maildir, made if it is not there.
        port: Where to listen on 127.0.0.1; 0 takes a free port.

    Raises:
        OSError: The port is taken, or the folder cannot be written.
    """
    loop = asyncio.get_running_loop()
    keeper = _Keeper(folder)
    open_: set[SMTP] = set()

    def welcome() -> SMTP:
        session = SMTP(keeper, enable_SMTPUTF8=True, hostname="localhost", ident="Mail catcher", loop=loop)
        open_.add(session)
        return session

    server = await loop.create_server(welcome, HOST, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for session in open_:
            if session.transport is not None:
                session.transport.close()
        await server.wait_closed()


def read(folder: Path) -> list[EmailMessage]:
    """The letters caught so far, oldest first; none where nothing was ever caught."""
    files = [file for part in ("new", "cur") for file in (folder / part).glob("*")]
    # Headers may be UTF-8 as they stand (RFC 6532), which the parser takes from text only.
    return [
        message_from_string(file.read_bytes().decode("utf-8", "surrogateescape"), policy=INTERNET)
        for file in sorted(files, key=_age)
    ]


def _age(file: Path) -> tuple[int, ...]:
    found = _DELIVERED.match(file.name)
    return tuple(map(int, found.groups())) if found else (0,)


async def _run(folder: Path, port: int) -> None:
    stopped = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    async with catching(folder, port):
        await stopped.wait()


def main() -> None:
    """Catch letters until a signal says stop."""
    parser = argparse.ArgumentParser(prog="python -m adapters.embedded.mail", description="Keep letters in a Maildir.")
    parser.add_argument("--folder", type=Path, required=True, help="the Maildir")
    parser.add_argument("--port", type=int, required=True, help=f"where to listen on {HOST}")
    given = parser.parse_args()
    # The server's own log lines quote addresses.
    logging.getLogger("mail").setLevel(logging.CRITICAL)
    asyncio.run(_run(given.folder, given.port))


if __name__ == "__main__":
    main()
