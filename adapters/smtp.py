"""Letters by SMTP, and for each an exact word on what is known of it afterwards.

A transaction is spoken command by command, because a client that only says "it failed" cannot tell a letter that
certainly stayed here from one that may be on its way. The line between the two is the final dot: before the content was
given to the connection nothing can have gone out, and after it only the server's reply says what became of it.
"""

import asyncio
import re
import ssl
from contextlib import suppress
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP as INTERNET
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected
from email_validator import validate_email

from activities.ports import MailDeferred, MailError, MailRefused, MailUncertain
from domain.ledger import Outgoing
from domain.notices import Letter

Security = Literal["tls", "starttls", "none"]

_ABOUT_US: Final = frozenset({530, 534, 535, 538})
"""Replies (RFC 4954) that refuse our login and not the letter, though they begin with 5."""
_FAREWELL: Final = 2.0
"""Seconds for QUIT, a courtesy on which nothing depends."""

_BODY_POLICY: Final = INTERNET.clone(cte_type="7bit")
"""Seven bits, so that no relay on the way has to encode the content anew."""

_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+( [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
_ASCII: Final = re.compile(r"(?!.*=\?)[!-~]+( [!-~]+)*")
_MESSAGE_ID: Final = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")
_LONGEST: Final = 60
"""Characters that go into a header's line unfolded, whatever the header's name."""


class _Parcel(NamedTuple):
    recipient: bytes
    content: bytes
    international: bool


class SmtpMailer:
    """Sends letters over a few connections that are opened when needed and used again.

    Certificates are checked. An address whose domain is not ASCII is written in its IDNA form; one whose local part is
    not ASCII needs a server that offers SMTPUTF8 (RFC 6531), and for any other server the letter is refused.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        security: Security,
        sender: str,
        sender_name: str,
        username: str | None = None,
        password: str | None = None,
        timeout: float = 30.0,
        connections: int = 4,
        cafile: Path | None = None,
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            host: The mail server.
            port: Its port.
            security: ``tls`` from the first byte, ``starttls`` before anything else, or ``none``.
            sender: The address letters come from; its domain is also how this side introduces itself.
            sender_name: The name letters come from.
            username: The login, if the server asks for one.
            password: Its password.
            timeout: Seconds for each exchange with the server.
            connections: How many may be open at once.
            cafile: The authorities to trust instead of the machine's own.

        Raises:
            ValueError: The sender is no address, or its local part is not ASCII.
        """
        address = validate_email(sender, check_deliverability=False)
        if address.ascii_email is None:
            raise ValueError("the sender's local part must be ASCII, or some servers could not take any letter")
        self._sender = address.ascii_email.encode("ascii")
        self._from = _mailbox(sender_name, address.ascii_email)
        self._domain = address.ascii_domain
        self._host = host
        self._port = port
        self._security = security
        self._username = username
        self._password = password
        self._timeout = timeout
        self._tls = None if security == "none" else ssl.create_default_context(cafile=cafile)
        self._permits = asyncio.Semaphore(connections)
        self._idle: list[SMTP] = []

    async def send(self, outgoing: Outgoing) -> None:
        """Hand a letter to the mail server.

        Raises:
            MailRefused: A 5xx reply to the letter, or it cannot be written as a message for this server.
            MailDeferred: A 4xx reply, or no connection, TLS, login or answer before the content was given away.
            MailUncertain: The connection broke, or the server was silent, after that.
        """
        parcel = self._pack(outgoing)
        async with self._permits:
            smtp = await self._begin(parcel)
            try:
                await self._transfer(smtp, parcel)
            except MailUncertain:
                smtp.close()
                raise
            except MailError:
                await _part(smtp)
                raise
            except BaseException:
                smtp.close()
                raise
            self._idle.append(smtp)

    async def aclose(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            await _part(self._idle.pop())

    def _pack(self, outgoing: Outgoing) -> _Parcel:
        try:
            reader = validate_email(outgoing.to.email, check_deliverability=False)
            recipient = f"{reader.local_part}@{reader.ascii_domain}"
            content = self._head(outgoing, recipient).encode() + _body(outgoing.letter)
        except ValueError:
            # The reason would quote the name or the address.
            raise MailRefused("the letter cannot be written as a message") from None
        content = content.replace(b"\r\n.", b"\r\n..")
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        return _Parcel(recipient.encode(), content, international=reader.ascii_email is None)

    def _head(self, outgoing: Outgoing, recipient: str) -> str:
        """The headers, written here because ``email`` loses spaces of long names and decodes what looks encoded."""
        headers = {
            "From": self._from,
            "To": _mailbox(outgoing.to.name, recipient),
            "Subject": _words(outgoing.letter.subject, _ASCII),
            "Date": format_datetime(outgoing.written),
            "Message-ID": _message_id(outgoing.message_id),
        }
        if outgoing.thread is not None:
            headers |= dict.fromkeys(("In-Reply-To", "References"), _message_id(outgoing.thread))
        headers["Auto-Submitted"] = "auto-generated"
        return "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def _begin(self, parcel: _Parcel) -> SMTP:
        """A connection on which the server has taken MAIL FROM.

        A connection that died while idle, or that the server closes now, says nothing about the letter and is replaced.
        """
        while self._idle:
            smtp = self._idle.pop()
            if not smtp.is_connected:
                continue
            with suppress(MailDeferred):
                await self._mail_from(smtp, parcel)
                return smtp
        smtp = await self._connect()
        await self._mail_from(smtp, parcel)
        return smtp

    async def _connect(self) -> SMTP:
        smtp = SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            tls_context=self._tls,
            username=self._username,
            password=self._password,
            timeout=self._timeout,
            local_hostname=self._domain,
        )
        try:
            await smtp.connect()
            if smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        except (SMTPException, OSError, UnicodeError) as failed:
            smtp.close()
            raise _no_connection(failed) from None
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def _mail_from(self, smtp: SMTP, parcel: _Parcel) -> None:
        options: tuple[bytes, ...] = ()
        try:
            if parcel.international:
                if not smtp.supports_extension("smtputf8"):
                    raise MailRefused("the mail server does not offer SMTPUTF8, which the address needs")
                options = (b"SMTPUTF8", b"BODY=8BITMIME")
            await _command(smtp, b"MAIL", b"FROM:<" + self._sender + b">", *options)
        except MailError:
            await _part(smtp)
            raise
        except BaseException:
            smtp.close()
            raise

    async def _transfer(self, smtp: SMTP, parcel: _Parcel) -> None:
        await _command(smtp, b"RCPT", b"TO:<" + parcel.recipient + b">")
        await _command(smtp, b"DATA", expected=3)
        protocol = smtp.protocol
        try:
            if protocol is None:
                raise SMTPServerDisconnected("")
            protocol.write(parcel.content + b".\r\n")
        except SMTPServerDisconnected:
            raise MailDeferred("the connection broke before the content was sent") from None
        try:
            reply = await protocol.read_response(timeout=self._timeout)
        except (SMTPException, OSError) as failed:
            raise MailUncertain(f"no answer to the content ({type(failed).__name__})") from None
        if reply.code // 100 in {4, 5}:
            raise _negative(reply.code, "the content")
        if reply.code // 100 != 2:
            raise MailUncertain(f"the mail server answered {reply.code} to the content", code=reply.code)


def _mailbox(name: str, address: str) -> str:
    return f"{_words(name, _ATOMS)}\r\n <{address}>"


def _words(text: str, plain: re.Pattern[str]) -> str:
    """Text for a header: as it stands if that is short and plain, else in encoded words (RFC 2047), folded.

    Raises:
        ValueError: It has a line break or another control character, which would be decoded by some reader.
    """
    if _BREAKS.search(text):
        raise ValueError("a control character in a header")
    if len(text) <= _LONGEST and plain.fullmatch(text):
        return text
    return Header(text, "utf-8", maxlinelen=_LONGEST).encode(linesep="\r\n")


def _message_id(text: str) -> str:
    if not _MESSAGE_ID.fullmatch(text):
        raise ValueError("not a Message-ID")
    return text


def _body(letter: Letter) -> bytes:
    message = EmailMessage(_BODY_POLICY)
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message.as_bytes()


async def _command(smtp: SMTP, *words: bytes, expected: int = 2) -> None:
    """Speak one command before the content; anything but the expected kind of reply ends the attempt."""
    verb = words[0].decode()
    try:
        reply = await smtp.execute_command(*words)
    except (SMTPException, OSError) as failed:
        raise MailDeferred(f"no answer to {verb} ({type(failed).__name__})") from None
    if reply.code // 100 != expected:
        raise _negative(reply.code, verb)


def _negative(code: int, phase: str) -> MailError:
    refused = code // 100 == 5 and code not in _ABOUT_US
    return (MailRefused if refused else MailDeferred)(f"the mail server answered {code} to {phase}", code=code)


def _no_connection(failed: Exception) -> MailDeferred:
    code = failed.code if isinstance(failed, SMTPResponseException) and failed.code > 0 else None
    reason = type(failed.__cause__ or failed).__name__
    return MailDeferred(f"no connection to the mail server ({reason}{f', {code}' if code else ''})", code=code)


async def _part(smtp: SMTP) -> None:
    """Take leave of the server where it still listens."""
    with suppress(SMTPException, OSError):
        if smtp.is_connected:
            await smtp.quit(timeout=_FAREWELL)
    smtp.close()
