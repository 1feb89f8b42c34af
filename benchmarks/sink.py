"""A mail server on loopback that takes every letter and keeps none: ``python -m benchmarks.sink --port N``."""

import argparse
import asyncio
import logging
import signal

from aiosmtpd.smtp import SMTP, Envelope, Session

from adapters.embedded.ports import LOOPBACK


class _Sink:
    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return "250 2.0.0 Taken"


async def _run(port: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    sink = _Sink()
    await loop.create_server(lambda: SMTP(sink, enable_SMTPUTF8=True, hostname="localhost", loop=loop), LOOPBACK, port)
    await stopped.wait()


def main() -> None:
    """Take letters until a signal says stop."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sink", description="Take every letter, keep none.")
    parser.add_argument("--port", type=int, required=True, help=f"where to listen on {LOOPBACK}")
    given = parser.parse_args()
    logging.getLogger("mail").setLevel(logging.CRITICAL)
    asyncio.run(_run(given.port))


if __name__ == "__main__":
    main()
