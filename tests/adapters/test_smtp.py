"""The mailer against real servers on loopback that answer as each test says."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP as INTERNET
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final, cast

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from activities.ports import MailDeferred, MailError, MailRefused, MailUncertain
from adapters.smtp import SmtpMailer
from domain.ledger import Outgoing
from domain.notices import Letter
from domain.people import Contact, Language

WRITTEN: Final = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
DROP: Final = "drop"
HANG: Final = "hang"
PHASES: Final = ("MAIL", "RCPT", "DATA", "content")


def cut(session: SMTP) -> None:
    """Break a session's connection without a word."""
    if session.transport is not None:
        cast(asyncio.Transport, session.transport).abort()


class PostOffice:
    """What a server received, and how it answers: by the phase, a reply line, ``drop`` or ``hang``."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.received: list[Envelope] = []
        self.sessions: list[SMTP] = []
        self.port = 0

    @property
    def letters(self) -> list[EmailMessage]:
        return [
            message_from_string(bytes(envelope.original_content or b"").decode(), policy=INTERNET)
            for envelope in self.received
        ]

    async def answer(self, phase: str, server: SMTP, otherwise: str) -> str:
        answer = self.answers.get(phase, otherwise)
        if answer == DROP:
            cut(server)
        elif answer == HANG:
            await asyncio.Event().wait()
        return answer

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [await self.answer("EHLO", server, responses[-1])] if "EHLO" in self.answers else responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self.answer("MAIL", server, "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self.answer("RCPT", server, "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await self.answer("content", server, "250 OK")
        if answer == "250 OK":
            self.received.append(envelope)
        return answer


class Server(SMTP):
    """aiosmtpd with a say before the content too."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        answer = await self.event_handler.answer("DATA", self, "")
        if answer:
            await self.push(answer)
        else:
            await super().smtp_DATA(arg)


@contextlib.asynccontextmanager
async def serving(
    office: PostOffice, *, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[PostOffice]:
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        made = Server(office, hostname="mail.example.org", loop=loop, **{"enable_SMTPUTF8": True} | options)
        office.sessions.append(made)
        return made

    server = await loop.create_server(session, "127.0.0.1", 0, ssl=tls)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        for made in office.sessions:
            cut(made)
        await server.wait_closed()
        await asyncio.sleep(0.01)


@pytest.fixture
async def office() -> AsyncIterator[PostOffice]:
    async with serving(PostOffice()) as office:
        yield office


@contextlib.asynccontextmanager
async def mailing(port: int, **options: Any) -> AsyncIterator[SmtpMailer]:
    settings: dict[str, Any] = {
        "host": "127.0.0.1",
        "security": "none",
        "sender": "desk@example.org",
        "sender_name": "Secrétariat",
        "timeout": 5.0,
    }
    mailer = SmtpMailer(port=port, **settings | options)
    try:
        yield mailer
    finally:
        await mailer.aclose()


def outgoing(**changes: Any) -> Outgoing:
    fields: dict[str, Any] = {
        "reference": "C-2026-0007.1.2",
        "message_id": "<C-2026-0007.1.2@example.org>",
        "thread": None,
        "to": Contact(name="Ada Example", email="ada@example.org", language=Language.ENGLISH),
        "letter": Letter(subject="Your file", text="Good morning.\n", html="<p>Good morning.</p>\n"),
        "written": WRITTEN,
    }
    return Outgoing.model_construct(**fields | changes)


def to(name: str = "Ada Example", email: str = "ada@example.org") -> Contact:
    return Contact.model_construct(name=name, email=email, language=Language.ENGLISH)


async def fails(port: int, expected: type[MailError], letter: Outgoing | None = None, **options: Any) -> MailError:
    """Send, expect exactly this error, and look for personal data in what it says."""
    async with mailing(port, **options) as mailer:
        with pytest.raises(MailError) as raised:
            await mailer.send(letter or outgoing())
    assert type(raised.value) is expected
    assert raised.value.__cause__ is None
    for secret in ("ada", "Ada", "example.org", "пётр"):
        assert secret not in str(raised.value)
    return raised.value


async def test_letter_accepted_arrives_once(office: PostOffice) -> None:
    async with mailing(office.port) as mailer:
        await mailer.send(outgoing())
    (envelope,) = office.received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("desk@example.org", ["ada@example.org"])


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("code", [550, 552, 554])
async def test_5xx_reply_at_any_phase_is_a_refusal(office: PostOffice, phase: str, code: int) -> None:
    office.answers[phase] = f"{code} no, ada@example.org"
    error = await fails(office.port, MailRefused)
    assert error.code == code


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("code", [421, 450, 452])
async def test_4xx_reply_at_any_phase_defers(office: PostOffice, phase: str, code: int) -> None:
    office.answers[phase] = f"{code} later, ada@example.org"
    error = await fails(office.port, MailDeferred)
    assert error.code == code


@pytest.mark.parametrize("code", [530, 535])
async def test_reply_about_our_login_is_no_refusal_of_the_letter(office: PostOffice, code: int) -> None:
    office.answers["MAIL"] = f"{code} log in first"
    error = await fails(office.port, MailDeferred)
    assert error.code == code


@pytest.mark.parametrize("phase", ["EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [DROP, HANG])
async def test_silence_before_the_content_defers(office: PostOffice, phase: str, answer: str) -> None:
    office.answers[phase] = answer
    error = await fails(office.port, MailDeferred, timeout=0.2)
    assert error.code is None


@pytest.mark.parametrize("answer", [DROP, HANG])
async def test_silence_after_the_content_is_uncertain(office: PostOffice, answer: str) -> None:
    office.answers["content"] = answer
    error = await fails(office.port, MailUncertain, timeout=0.2)
    assert error.code is None


@pytest.mark.parametrize(("answer", "code"), [("354 go on", 354), ("no code", None)])
async def test_reply_that_is_neither_yes_nor_no_after_the_content_is_uncertain(
    office: PostOffice, answer: str, code: int | None
) -> None:
    office.answers["content"] = answer
    error = await fails(office.port, MailUncertain)
    assert error.code == code


async def test_any_2xx_reply_after_the_content_is_a_yes(office: PostOffice) -> None:
    office.answers["content"] = "252 taken"
    async with mailing(office.port) as mailer:
        await mailer.send(outgoing())


async def test_content_invited_by_nothing_defers(office: PostOffice) -> None:
    office.answers["DATA"] = "250 OK"
    error = await fails(office.port, MailDeferred)
    assert error.code == 250
    assert office.received == []


@contextlib.asynccontextmanager
async def canned(greeting: bytes) -> AsyncIterator[int]:
    """A server that says one thing, then nothing; gives its port."""
    writers: list[asyncio.StreamWriter] = []

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(greeting)
        if not greeting:
            writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("greeting", "code"), [(b"554 go away\r\n", 554), (b"421 busy\r\n", 421), (b"", None), (b"220 wel", None)]
)
async def test_greeting_other_than_a_welcome_defers(greeting: bytes, code: int | None) -> None:
    async with canned(greeting) as port:
        error = await fails(port, MailDeferred, timeout=0.2)
    assert error.code == code


async def test_ehlo_refused_for_good_defers(office: PostOffice) -> None:
    office.answers["EHLO"] = "550 not you"
    error = await fails(office.port, MailDeferred)
    assert error.code == 550


async def test_connection_refused_defers() -> None:
    async with serving(PostOffice()) as office:
        port = office.port
    error = await fails(port, MailDeferred)
    assert str(error) == "no connection to the mail server (ConnectionRefusedError)"


async def test_host_that_no_name_can_be_defers() -> None:
    error = await fails(25, MailDeferred, host="x" * 64)
    assert error.code is None


async def test_sender_whose_local_part_is_not_ascii_is_a_wrong_setting() -> None:
    with pytest.raises(ValueError, match="must be ASCII"):
        SmtpMailer(host="localhost", port=25, security="none", sender="бюро@example.org", sender_name="Бюро")


# Connections


async def test_connection_serves_many_letters(office: PostOffice) -> None:
    async with mailing(office.port) as mailer:
        for _ in range(3):
            await mailer.send(outgoing())
    assert (len(office.received), len(office.sessions)) == (3, 1)


async def test_letters_at_once_share_the_connections_allowed(office: PostOffice) -> None:
    async with mailing(office.port, connections=2) as mailer:
        await asyncio.gather(*(mailer.send(outgoing()) for _ in range(10)))
    assert (len(office.received), len(office.sessions)) == (10, 2)


@pytest.mark.parametrize("farewell", [DROP, "421 too long idle"])
async def test_connection_gone_stale_is_replaced(office: PostOffice, farewell: str) -> None:
    async with mailing(office.port) as mailer:
        await mailer.send(outgoing())
        office.answers["MAIL"] = farewell
        answering = asyncio.create_task(mailer.send(outgoing()))
        while len(office.sessions) < 2:
            await asyncio.sleep(0)
        del office.answers["MAIL"]
        await answering
    assert (len(office.received), len(office.sessions)) == (2, 2)


async def test_connection_closed_while_idle_is_replaced(office: PostOffice) -> None:
    async with mailing(office.port) as mailer:
        await mailer.send(outgoing())
        cut(office.sessions[0])
        await asyncio.sleep(0.02)
        await mailer.send(outgoing())
    assert (len(office.received), len(office.sessions)) == (2, 2)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("answer", ["550 no", "450 later", DROP])
async def test_letter_that_failed_does_not_touch_the_next(office: PostOffice, phase: str, answer: str) -> None:
    async with mailing(office.port, connections=1) as mailer:
        office.answers[phase] = answer
        with pytest.raises(MailError):
            await mailer.send(outgoing())
        office.answers.clear()
        await mailer.send(outgoing(message_id="<second@example.org>"))
    assert [letter["Message-ID"] for letter in office.letters] == ["<second@example.org>"]


async def test_send_broken_off_closes_its_connection_and_frees_its_place(office: PostOffice) -> None:
    office.answers["content"] = HANG
    async with mailing(office.port, connections=1) as mailer:
        sending = asyncio.create_task(mailer.send(outgoing()))
        while not (office.sessions and office.sessions[0].envelope and office.sessions[0].envelope.content):
            await asyncio.sleep(0.005)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        office.answers.clear()
        await mailer.send(outgoing())
    assert (len(office.received), len(office.sessions)) == (1, 2)


# The message


HEADERS: Final = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
]  # fmt: skip


def decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


async def sent(office: PostOffice, letter: Outgoing) -> EmailMessage:
    async with mailing(office.port) as mailer:
        await mailer.send(letter)
    return office.letters[-1]


async def test_first_letter_carries_these_headers_and_no_other(office: PostOffice) -> None:
    message = await sent(office, outgoing())
    headers = [(name, value) for name, value in message.items() if name != "Content-Type"]
    assert headers == [
        ("From", "Secrétariat <desk@example.org>"),
        ("To", "Ada Example <ada@example.org>"),
        ("Subject", "Your file"),
        ("Date", "Mon, 12 Jan 2026 09:30:00 +0000"),
        ("Message-ID", "<C-2026-0007.1.2@example.org>"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ]
    assert message.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("length", [1, 90])
async def test_later_letter_threads_on_the_first(office: PostOffice, length: int) -> None:
    first = f"<{'a' * length}@example.org>"
    await sent(office, outgoing(thread=first))
    lines = bytes(office.received[0].original_content or b"").split(b"\r\n")
    assert [line for line in lines if line.startswith((b"In-Reply-To:", b"References:"))] == [
        f"In-Reply-To: {first}".encode(),
        f"References: {first}".encode(),
    ]


async def test_letter_says_the_same_in_text_and_html(office: PostOffice) -> None:
    letter = Letter(subject="Дело", text="Здравствуйте, Пётр.\n", html="<p>Здравствуйте, Пётр.</p>\n")
    message = await sent(office, outgoing(letter=letter))
    parts = [(part.get_content_type(), part.get_content_charset(), part.get_content()) for part in message.iter_parts()]
    assert parts == [
        ("text/plain", "utf-8", "Здравствуйте, Пётр.\r\n"),
        ("text/html", "utf-8", "<p>Здравствуйте, Пётр.</p>\r\n"),
    ]
    assert message["Subject"] == "Дело"


@pytest.mark.parametrize(
    "text", ["one\n.\n..\n.two\n", "x" * 3000 + "\n", "a\r\nb\rc\n", "Привет\n" + "ж" * 3000 + "\n", "no end of line"]
)
async def test_text_of_any_shape_arrives_whole_and_in_seven_bits(office: PostOffice, text: str) -> None:
    message = await sent(office, outgoing(letter=Letter(subject="S", text=text, html="<p></p>")))
    content = bytes(office.received[0].original_content or b"")
    plain = message.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().splitlines() == text.splitlines()
    assert max(content) < 128
    assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "name",
    [
        "Пётр Вымышленный",
        'Ada "The Example" Invented',
        "Example, Ada",
        "Ada <other@example.org>",
        "ada@example.org",
        "Ada (Example); Ada",
        "Ada  Example",
        "=?utf-8?q?A=0D=0ABcc=3A_victim=40example=2Eorg=0D=0A?=",
        "Ada\N{NO-BREAK SPACE}Example",
        "Ń" * 190,
        "x" * 190,
        "Вымышленная-Придуманная Александра Константиновна Несуществующая Ada Example Invented",
        "虚构的人",
    ],
)
async def test_any_name_and_subject_reach_the_reader_as_they_are(office: PostOffice, name: str) -> None:
    await sent(office, outgoing(to=to(name=name), letter=Letter(subject=name, text="T", html="<p></p>")))
    message = message_from_bytes(bytes(office.received[0].original_content or b""))
    phrase, address = parseaddr(message["To"])
    assert (decoded(phrase), address, decoded(message["Subject"])) == (name, "ada@example.org", name)
    assert message.keys() == HEADERS
    assert office.received[0].rcpt_tos == ["ada@example.org"]


async def test_domain_in_other_letters_is_written_in_its_ascii_form(office: PostOffice) -> None:
    message = await sent(office, outgoing(to=to(email="ada@пример.example.org")))
    assert office.received[0].rcpt_tos == ["ada@xn--e1afmkfd.example.org"]
    assert message["To"].addresses[0].addr_spec == "ada@xn--e1afmkfd.example.org"
    assert office.received[0].mail_options == []


async def test_address_in_other_letters_goes_by_smtputf8(office: PostOffice) -> None:
    message = await sent(office, outgoing(to=to(name="Пётр Вымышленный", email="пётр@example.org")))
    assert office.received[0].rcpt_tos == ["пётр@example.org"]
    assert office.received[0].mail_options == ["SMTPUTF8", "BODY=8BITMIME"]
    assert str(message["To"]) == "Пётр Вымышленный <пётр@example.org>"


async def test_address_in_other_letters_is_refused_without_smtputf8() -> None:
    async with serving(PostOffice(), enable_SMTPUTF8=False) as office:
        error = await fails(office.port, MailRefused, outgoing(to=to(email="пётр@example.org")))
    assert error.code is None
    assert office.received == []


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\N{LINE SEPARATOR}"])
@pytest.mark.parametrize("where", ["name", "email", "subject", "message_id", "thread"])
async def test_header_of_its_own_cannot_be_smuggled_in(office: PostOffice, where: str, breaks: str) -> None:
    evil = f"x{breaks}Bcc: victim@example.org"
    changes: dict[str, dict[str, Any]] = {
        "name": {"to": to(name=evil)},
        "email": {"to": to(email=f"ada@example.org{breaks}RCPT TO:<victim@example.org>")},
        "subject": {"letter": Letter(subject=evil, text="T", html="<p></p>")},
        "message_id": {"message_id": f"<1@example.org>{breaks}Bcc: victim@example.org"},
        "thread": {"thread": f"<1@example.org>{breaks}Bcc: victim@example.org"},
    }
    error = await fails(office.port, MailRefused, outgoing(**changes[where]))
    assert error.code is None
    assert office.sessions == []


@pytest.mark.parametrize("email", ["ada", "ada@", "@example.org", "ada@example.org> SIZE=1", "a b@example.org", ""])
async def test_what_is_no_address_is_refused_before_any_connection(office: PostOffice, email: str) -> None:
    await fails(office.port, MailRefused, outgoing(to=to(email=email)))
    assert office.sessions == []


async def test_text_that_no_encoding_can_write_is_refused(office: PostOffice) -> None:
    await fails(office.port, MailRefused, outgoing(letter=Letter(subject="S", text="\ud800", html="<p></p>")))
    assert office.sessions == []


# TLS and login


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (``ca.pem``) and a server's certificate for 127.0.0.1 and one for another host."""
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made by openssl")
    folder = tmp_path_factory.mktemp("authority")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    _openssl(
        "req", "-x509", *key, "-subj", "/CN=Test authority",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
        "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.pem",
    )  # fmt: skip
    for name, subject in (("right", "IP:127.0.0.1"), ("wrong", "DNS:elsewhere.example.org")):
        _openssl(
            "req", "-x509", *key, "-subj", f"/CN={name}", "-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca.key",
            "-addext", f"subjectAltName={subject}", "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem",
        )  # fmt: skip
    return folder


def presenting(authority: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / f"{name}.pem", authority / f"{name}.key")
    return context


def secured(security: str, context: ssl.SSLContext) -> dict[str, Any]:
    return {"tls": context} if security == "tls" else {"tls_context": context, "require_starttls": True}


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_certificate_of_a_trusted_authority_is_taken(authority: Path, security: str) -> None:
    async with (
        serving(PostOffice(), **secured(security, presenting(authority, "right"))) as office,
        mailing(office.port, security=security, cafile=authority / "ca.pem") as mailer,
    ):
        await mailer.send(outgoing())
        await mailer.send(outgoing())
    assert (len(office.received), len(office.sessions)) == (2, 1)


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize(("certificate", "cafile"), [("right", None), ("wrong", "ca.pem")])
async def test_certificate_that_proves_nothing_defers(
    authority: Path, security: str, certificate: str, cafile: str | None
) -> None:
    async with serving(PostOffice(), **secured(security, presenting(authority, certificate))) as office:
        error = await fails(
            office.port, MailDeferred, security=security, cafile=cafile and authority / cafile, timeout=2.0
        )
    assert "SSLCertVerificationError" in str(error)
    assert office.received == []


async def test_starttls_not_offered_defers(office: PostOffice) -> None:
    await fails(office.port, MailDeferred, security="starttls")
    assert office.received == []


async def test_tls_with_a_server_that_speaks_none_defers(office: PostOffice) -> None:
    await fails(office.port, MailDeferred, security="tls", timeout=1.0)
    assert office.received == []


def _knows_ada(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword) -> AuthResult:
    return AuthResult(success=given == LoginPassword(b"desk", b"a fictional password"), handled=False)


@pytest.mark.parametrize(("password", "code"), [("a fictional password", None), ("another", 535)])
async def test_login_decides_whether_letters_are_taken(authority: Path, password: str, code: int | None) -> None:
    options: dict[str, Any] = {"authenticator": _knows_ada, "auth_required": True}
    async with serving(PostOffice(), **secured("starttls", presenting(authority, "right")), **options) as office:
        settings: dict[str, Any] = {
            "security": "starttls",
            "cafile": authority / "ca.pem",
            "username": "desk",
            "password": password,
        }
        if code is None:
            async with mailing(office.port, **settings) as mailer:
                await mailer.send(outgoing())
            assert len(office.received) == 1
        else:
            error = await fails(office.port, MailDeferred, **settings)
            assert error.code == code


async def test_login_where_the_server_offers_none_defers(office: PostOffice) -> None:
    await fails(office.port, MailDeferred, username="desk", password="a fictional password")
    assert office.received == []
