"""The codec server for Temporal's web interface and its program; nothing starts it but whoever wants it.

``python -m worker.codec serve [--listen HOST:PORT] [--origin URL]`` answers until SIGTERM, on loopback unless it is
given a certificate. ``python -m worker.codec token OFFICER`` prints a new token for an officer, once. Every use is
written down, and `starter ledger readers REF` shows it; a token of an officer who holds no office that allows it reads
nothing.
"""

import argparse
import asyncio
import ipaddress
import logging
import re
import secrets
import signal
import ssl
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiohttp import web

from adapters.keys.codec import PersonalCodec
from adapters.keys.server import CodecServer, Reader, Tokens
from adapters.sql.ledger import SqlLedger
from config import logs
from config.settings import Settings, WrongSetting, load
from domain.ids import OFFICER_PATTERN
from worker import compose

logger = logging.getLogger("worker")

FILE: Final = "codec-tokens.json"
"""In the home folder."""
LISTEN: Final = "127.0.0.1:8233"


async def serve(settings: Settings, *, listen: str, origin: str | None, tls: tuple[Path, Path] | None) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        WrongSetting: It would be reached from elsewhere without encryption, or a setting is wrong.
    """
    host, _, port = listen.rpartition(":")
    if tls is None and not _is_loopback(host):
        raise WrongSetting(f"--listen {listen}: anywhere but on loopback needs --certificate and --key")
    secured = _secured(*tls) if tls else None
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with compose.parts(settings) as parts:
        await compose.prepare(parts, settings)
        ledger = compose.ledger(settings, parts.engine, parts.keyring)
        server = CodecServer(
            codec=PersonalCodec(parts.keyring),
            tokens=Tokens(settings.home / FILE),
            note=_noting(ledger),
            origin=origin,
        )
        # A line for each request would name what nobody may know was looked at.
        runner = web.AppRunner(server.application(), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, int(port), ssl_context=secured).start()
            logger.info("codec server ready")
            await stop.wait()
        finally:
            await runner.cleanup()


def _noting(ledger: SqlLedger) -> Reader:
    async def note(officer: str, keys: Sequence[str]) -> None:
        await ledger.note_payloads(officer, keys, at=datetime.now(UTC), attempt=secrets.token_hex(16))

    return note


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _secured(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError:
        raise WrongSetting("--certificate, --key: are no certificate and its key that can be read") from None
    return context


def _address(text: str) -> str:
    if not re.fullmatch(r".+:[0-9]{1,5}", text) or int(text.rpartition(":")[2]) > 65535:
        raise argparse.ArgumentTypeError("must be HOST:PORT")
    return text


def _officer(text: str) -> str:
    if not re.fullmatch(OFFICER_PATTERN, text):
        raise argparse.ArgumentTypeError("must look like O-17")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, or make a token; 0, or 2 for a wrong setting."""
    parser = argparse.ArgumentParser(prog="python -m worker.codec", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="answer until SIGTERM")
    serving.add_argument("--listen", type=_address, default=LISTEN, metavar="HOST:PORT")
    serving.add_argument("--origin", metavar="URL", help="the web interface's address, as its browser has it")
    serving.add_argument("--certificate", type=Path, help="PEM file, to listen elsewhere than on loopback")
    serving.add_argument("--key", type=Path, help="its private key")
    making = commands.add_parser("token", help="print a new token for an officer, in place of the one before")
    making.add_argument("officer", type=_officer)
    making.add_argument("--days", type=float, default=30.0, help="how long it lasts")
    for each in (serving, making):
        each.add_argument("--home", type=Path, help="the desk's folder, if not the one that DESK_HOME names")
    given = parser.parse_args(arguments)
    try:
        settings = load(given.home)
        if given.command == "token":
            sys.stdout.write(f"{Tokens(settings.home / FILE).make(given.officer, days=given.days)}\n")
            return 0
        if (given.certificate is None) != (given.key is None):
            parser.error("--certificate and --key go together")
        logs.set_up(level=settings.log_level, form=settings.log_format)
        tls = (given.certificate, given.key) if given.certificate else None
        asyncio.run(serve(settings, listen=given.listen, origin=given.origin, tls=tls))
    except WrongSetting as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
