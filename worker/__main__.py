"""Run a worker: ``python -m worker [--home DIR]``; ``--migrate`` brings the database up to date and ends.

``--admit-head-of-desk REQUEST`` admits the first head of desk, once in the register's life, and ends.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter

from adapters import attributes, schedules
from adapters.attributes import AttributesMissing
from config import logs
from config.settings import Settings, WrongSetting, load
from config.temporal import TemporalUnreachable, connect
from domain.errors import Refusal
from domain.keys import KeysUnavailable
from worker import compose
from worker.setup import admit_head_of_desk, read_request
from workflows.attributes import ATTRIBUTES
from workflows.enquiry import LedgerSealing
from workflows.retention import RetentionRound
from workflows.watchlist import WatchlistRescreening

logger = logging.getLogger("worker")


async def run(settings: Settings, *, migrate_only: bool = False) -> None:
    """Run until SIGTERM or SIGINT, then finish or hand back what is held."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with compose.parts(settings) as parts:
        await compose.prepare(parts, settings)
        if migrate_only:
            logger.info("database up to date")
            return
        metrics = PrometheusConfig(bind_address=settings.metrics_address) if settings.metrics_address else None
        # The core's own lines may quote failures, which may quote people.
        quiet = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
        runtime = Runtime(telemetry=TelemetryConfig(metrics=metrics, logging=quiet))
        client = await connect(settings, parts.keyring, runtime=runtime)
        await attributes.register(client, {key.name: key.indexed_value_type for key in ATTRIBUTES})
        every = timedelta(seconds=settings.seal_interval)
        await schedules.keep(client, "ledger-sealing", LedgerSealing.__name__, queue=settings.task_queue, every=every)
        again = timedelta(hours=settings.rescreen_hours)
        await schedules.keep(
            client, "watchlist-rescreening", WatchlistRescreening.__name__, queue=settings.task_queue, every=again
        )
        await schedules.keep(
            client,
            "retention",
            RetentionRound.__name__,
            queue=settings.task_queue,
            every=timedelta(hours=settings.retention_hours),
        )
        async with compose.at_work(client, settings, parts):
            logger.info("worker ready")
            await stop.wait()
            logger.info("worker stopping")
    logger.info("worker stopped")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 after a graceful stop, 2 for a wrong setting, 3 refused by a rule, 5 where a part cannot be reached."""
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--home", type=Path, help="the desk's folder, if not the one that DESK_HOME names")
    parser.add_argument("--migrate", action="store_true", help="bring the database up to date and end")
    parser.add_argument(
        "--admit-head-of-desk", type=Path, metavar="REQUEST", help="admit the first head of desk, and end"
    )
    given = parser.parse_args(arguments)
    try:
        settings = load(given.home)
        logs.set_up(level=settings.log_level, form=settings.log_format)
        if given.admit_head_of_desk is not None:
            appointment = asyncio.run(admit_head_of_desk(settings, read_request(given.admit_head_of_desk)))
            sys.stdout.write(f"{appointment.person} is head of desk with key {appointment.key}\n")
            return 0
        asyncio.run(run(settings, migrate_only=given.migrate))
    except (WrongSetting, AttributesMissing) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 3
    except (TemporalUnreachable, KeysUnavailable) as unreachable:
        sys.stderr.write(f"{unreachable}\n")
        return 5
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # The client's threads may still hold on to an interpreter that is going away; nothing is left for them to do.
    os._exit(code)
