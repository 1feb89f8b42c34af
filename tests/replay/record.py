"""Record the histories of scenarios that have none yet: ``python -m tests.replay.record``."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from tests.replay.scenarios import SCENARIOS
from tests.workflows.office import Office, at_work

HISTORIES: Final = Path(__file__).parent / "histories"


async def _runs(client: Client, workflow_id: str) -> list[tuple[str, str]]:
    """Every run of a workflow, oldest first, as JSON."""
    runs: list[tuple[str, str]] = []
    run_id: str | None = None
    while True:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        runs.insert(0, (workflow_id, history.to_json()))
        started = history.events[0].workflow_execution_started_event_attributes
        if not started.continued_execution_run_id:
            return runs
        run_id = started.continued_execution_run_id


async def histories(office: Office) -> dict[str, tuple[str, str]]:
    """The history of every run of every case, letter and round in an office, by a name that says which."""
    ids = {reference: case.entry.workflow_id for reference, case in office.ledger.cases.items()}
    ids |= {letter: f"letter/{letter}" for letter in office.ledger.letters}
    ids |= {round_.rpartition("/")[2]: round_ for round_ in office.rounds}
    found: dict[str, tuple[str, str]] = {}
    for name, workflow_id in ids.items():
        try:
            runs = await _runs(office.env.client, workflow_id)
        except RPCError:
            continue  # a letter that went out at once has no workflow of its own
        found |= {f"{name}.run{number}": run for number, run in enumerate(runs, 1)}
    return found


async def record(name: str) -> None:
    """Live a scenario and keep its histories."""
    folder = HISTORIES / name
    async with at_work() as office:
        await SCENARIOS[name](office)
        folder.mkdir(parents=True)
        for title, (workflow_id, history) in (await histories(office)).items():
            kept = {"workflow_id": workflow_id, "history": json.loads(history)}
            text = json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True)
            (folder / f"{title}.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Record what is missing."""
    for name in SCENARIOS:
        if not (HISTORIES / name).exists():
            asyncio.run(record(name))
            sys.stdout.write(f"recorded {name}\n")


if __name__ == "__main__":
    main()
