"""Measure the desk on the embedded servers, beside a floor of bare workflows: ``python -m benchmarks [--quick]``.

Commands are sent straight to the workflows' handles; the enquiries with which the command line first looks a case up
are its own cost and are not part of the throughput. Prints tables and writes ``build/benchmarks/latest.json``.
"""

import argparse
import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markdown import Markdown

from benchmarks import floor, measures, report
from benchmarks.report import Results, document
from benchmarks.stand import standing

RESULTS: Final = Path(__file__).parent.parent / "build" / "benchmarks" / "latest.json"


@dataclass(frozen=True)
class Extent:
    """How much is measured. What is small beside the machine's drift is measured in many short rounds."""

    candidacies: int
    suspensions: int
    pairs: int
    guarded: int
    guarded_pairs: int
    cases: int
    steps: int
    starts: int


FULL: Final = Extent(
    candidacies=100, suspensions=60, pairs=4, guarded=25, guarded_pairs=15, cases=400, steps=100_000, starts=10
)
QUICK: Final = Extent(
    candidacies=20, suspensions=20, pairs=3, guarded=15, guarded_pairs=3, cases=60, steps=10_000, starts=5
)


async def measure(extent: Extent, console: Console) -> Results:
    """Measure everything, one after the other, so that nothing disturbs anything; print each as soon as it is known."""
    console.print("Starting PostgreSQL, Temporal, a mail sink and a worker …")
    async with standing() as stand:
        async with stand.worker("benchmarks.worker") as worker:
            console.print(f"Throughput: {extent.pairs} rounds of {extent.candidacies}, ours and the floor in turn …")
            throughput = await measures.throughput(stand, worker, candidacies=extent.candidacies, pairs=extent.pairs)
            console.print(report.paces(throughput, "candidacies from nomination to participation"))
            console.print(f"Suspensions: {extent.pairs} rounds of {extent.suspensions}, in the same way …")
            suspensions = await measures.suspensions(stand, worker, suspensions=extent.suspensions, pairs=extent.pairs)
            console.print(report.paces(suspensions, "suspensions from trigger to outcome"))
            console.print(f"Guards: {extent.guarded_pairs} rounds of {extent.guarded}, with and without in turn …")
            guards = await measures.guards(stand, worker, candidacies=extent.guarded, pairs=extent.guarded_pairs)
            console.print(report.paces(guards, "candidacies signed, verified and encrypted", "without"))
            console.print("History of one life …")
            histories = await measures.histories(stand)
            console.print(report.sizes(histories))
            console.print("Start of the command line …")
            starts = await measures.starts(stand, times=extent.starts)
            console.print(report.starting(starts))
        console.print(f"Memory for {extent.cases} open cases …")
        memory = await measures.memory(stand, cases=extent.cases)
        console.print(report.remembering(memory))
        console.print(f"Verification of {extent.steps:,} steps …")
        verification = await measures.verification(stand, steps=extent.steps)
        console.print(report.verifying(verification))
    return Results(throughput, suspensions, guards, histories, memory, verification, starts)


def main() -> None:
    """Measure, print, and write the results down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the desk beside a floor.")
    parser.add_argument("--quick", action="store_true", help="some minutes instead of a quarter of an hour; less exact")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON document goes")
    given = parser.parse_args()
    console = Console()
    results = asyncio.run(measure(QUICK if given.quick else FULL, console))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(document(results), indent=2) + "\n", encoding="utf-8")
    console.print(report.targets(results))
    console.print(Markdown(floor.__doc__ or ""))
    console.print(f"Written to {given.output}")


if __name__ == "__main__":
    main()
