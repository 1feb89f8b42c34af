"""The local mail catcher, in this process and in its own."""

import asyncio
import signal
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtplib import SMTP

from activities.ports import MailDeferred
from adapters.embedded import mail
from adapters.embedded.ports import free_ports
from adapters.smtp import SmtpMailer
from domain.ledger import Outgoing
from domain.notices import Letter
from domain.people import Contact, Language


def a_mailer(port: int) -> SmtpMailer:
    return SmtpMailer(
        host=mail.HOST, port=port, security="none", sender="desk@example.org", sender_name="Secretariat", timeout=5
    )


def outgoing(number: int = 1, **changes: Any) -> Outgoing:
    fields: dict[str, Any] = {
        "reference": f"C-2026-0007.{number}.1",
        "message_id": f"<C-2026-0007.{number}.1@example.org>",
        "thread": None,
        "to": Contact(name="Пётр Вымышленный", email="petr@example.org", language=Language.RUSSIAN),
        "letter": Letter(subject="Ваше дело", text="Здравствуйте.\n", html="<p>Здравствуйте.</p>\n"),
        "written": datetime(2026, 1, 12, 9, 30, tzinfo=UTC),
    }
    return Outgoing.model_validate(fields | changes)


async def test_letter_caught_can_be_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    async with mail.catching(folder) as port:
        mailer = a_mailer(port)
        await mailer.send(outgoing())
        await mailer.aclose()
    (letter,) = mail.read(folder)
    body = letter.get_body(("plain",))
    assert body is not None
    assert (letter["To"].addresses[0].display_name, letter["Subject"], body.get_content()) == (
        "Пётр Вымышленный",
        "Ваше дело",
        "Здравствуйте.\r\n",
    )


async def test_letters_are_read_back_oldest_first(tmp_path: Path) -> None:
    async with mail.catching(tmp_path) as port:
        mailer = a_mailer(port)
        for number in range(1, 13):
            await mailer.send(outgoing(number))
        await mailer.aclose()
    identifiers = [letter["Message-ID"] for letter in mail.read(tmp_path)]
    assert identifiers == [f"<C-2026-0007.{number}.1@example.org>" for number in range(1, 13)]


async def test_letter_to_an_address_in_other_letters_is_caught_and_read_back(tmp_path: Path) -> None:
    reader = Contact(name="Пётр Вымышленный", email="пётр@example.org", language=Language.RUSSIAN)
    async with mail.catching(tmp_path) as port:
        mailer = a_mailer(port)
        await mailer.send(outgoing(to=reader))
        await mailer.aclose()
    (letter,) = mail.read(tmp_path)
    assert letter["To"].addresses[0].addr_spec == "пётр@example.org"


def test_folder_where_nothing_was_caught_reads_as_empty(tmp_path: Path) -> None:
    assert mail.read(tmp_path / "nowhere") == []


async def test_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    folder.mkdir(mode=0o755)
    async with mail.catching(folder):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"mail": 0o700, "tmp": 0o700, "new": 0o700, "cur": 0o700}


async def test_letter_that_cannot_be_stored_is_put_off_and_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mailbox.Maildir.add", full)
    async with mail.catching(tmp_path) as port:
        mailer = a_mailer(port)
        with pytest.raises(MailDeferred) as put_off:
            await mailer.send(outgoing())
        await mailer.aclose()
    assert put_off.value.code == 452


async def test_process_catches_letters_until_it_is_told_to_end(tmp_path: Path) -> None:
    (port,) = free_ports(None)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "adapters.embedded.mail",
        "--folder",
        str(tmp_path),
        "--port",
        str(port),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    mailer = a_mailer(port)
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    await mailer.send(outgoing())
                    break
                except MailDeferred:
                    await asyncio.sleep(0.05)
            # A command nobody knows is what the server would log, with whatever it says.
            async with SMTP(hostname=mail.HOST, port=port) as stranger:
                await stranger.execute_command(b"SECRET", b"ada@example.org")
    finally:
        await mailer.aclose()
        process.send_signal(signal.SIGTERM)
        written, _ = await process.communicate()
    assert (process.returncode, written) == (0, b"")
    assert [letter["Message-ID"] for letter in mail.read(tmp_path)] == ["<C-2026-0007.1.1@example.org>"]
