"""A mail server that a test can take away, make slow, or have refuse an address."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_string
from email.policy import SMTP as INTERNET
from typing import NamedTuple, Self, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from adapters.embedded.ports import LOOPBACK


class Received(NamedTuple):
    """One letter that the server has taken."""

    message_id: str
    to: str


@dataclass(frozen=True)
class Delay:
    """The server has a letter and keeps its answer back until ``answered`` is set; ``taken`` says that it has it."""

    taken: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class MailServer:
    """A mail server on loopback.

    Attributes:
        received: Every letter it has taken, in order.
        dead: The addresses that it refuses for good.
        busy: The addresses that it refuses for now.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.dead: set[str] = set()
        self.busy: set[str] = set()
        self.port = 0
        self._delays: dict[str, Delay] = {}
        self._sessions: list[SMTP] = []
        self._server: asyncio.Server | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        """Serve for as long as the context lasts, but for the times in between when it is down."""
        await self.up()
        try:
            yield self
        finally:
            await self.down()

    async def up(self) -> None:
        """Serve, on the same port as ever."""
        loop = asyncio.get_running_loop()

        def welcome() -> SMTP:
            session = SMTP(self, enable_SMTPUTF8=True, hostname="mail.example.org", loop=loop)
            self._sessions.append(session)
            return session

        self._server = await loop.create_server(welcome, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Break every connection and take no other."""
        if self._server is None:
            return
        self._server.close()
        for session in self._sessions:
            if session.transport is not None:
                cast(asyncio.Transport, session.transport).abort()
        for delay in self._delays.values():
            delay.answered.set()
        await self._server.wait_closed()
        self._server = None

    def delay(self, to: str) -> Delay:
        """Keep back the answer to the next letter to an address."""
        self._delays[to] = Delay()
        return self._delays[to]

    def to(self, address: str) -> list[str]:
        """The Message-IDs of what was taken for an address."""
        return [letter.message_id for letter in self.received if letter.to == address]

    @property
    def twice(self) -> list[str]:
        """The Message-IDs that were taken more than once."""
        counts = Counter(letter.message_id for letter in self.received)
        return [message_id for message_id, times in counts.items() if times > 1]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.dead:
            return "550 5.1.1 No such mailbox"
        if address in self.busy:
            return "450 4.2.1 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = bytes(envelope.original_content or b"").decode()
        message = message_from_string(content, policy=INTERNET)
        (to,) = envelope.rcpt_tos
        self.received.append(Received(str(message["Message-ID"]), to))
        if (delay := self._delays.pop(to, None)) is not None:
            delay.taken.set()
            await delay.answered.wait()
        return "250 OK"
