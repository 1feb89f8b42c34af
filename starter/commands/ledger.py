"""``starter ledger``: the register itself."""

import click

from starter import show
from starter.calling import Call, Noun, Reply, pass_call
from starter.failures import Failure, Kind


@click.group("ledger", cls=Noun)
def ledger() -> None:
    """Compare the register with the workflows, and mend either."""


@ledger.command("verify", example="starter ledger verify")
@pass_call
async def verify(call: Call) -> Reply:
    """Look for any change that nobody decided, and compare the ledger with the running workflows.

    The chain of all steps is read from the first to the last, with its seals: a step that was changed, removed,
    inserted or put elsewhere is named. Every open case is asked where it stands. Exit code 3 where something differs;
    the differences are named by reference and changed by nobody.
    """
    desk = await call.desk()
    with show.advance("steps read") as progress:
        found = await desk.verify_ledger(progress)
    compared = ", ".join(
        (show.counted(found.cases, "case"), show.counted(found.steps, "step"), show.counted(found.letters, "letter"))
    )
    if not found.differences:
        sealed = f"last sealed {show.moment(found.sealed)}" if found.sealed else "not sealed yet"
        return Reply(found, [f"The ledger is whole and the workflows agree with it: {compared}; {sealed}."])
    rows = [(each.reference, each.what, each.ledger, each.workflow) for each in found.differences]
    told = show.table(f"Differences in {compared}", ("case", "what", "ledger", "workflow"), rows)
    message = (
        f"{show.counted(len(rows), 'difference')}; `starter ledger recover` starts open cases that do not run, "
        "`starter ledger rebuild` writes steps that are missing"
    )
    return Reply(found, [told], Failure(Kind.REFUSED, message, rule="ledger-differs"))


@ledger.command("recover", example="starter ledger recover")
@pass_call
async def recover(call: Call) -> Reply:
    """Start every open case again that does not run.

    For a day on which Temporal's database was lost: each case goes on at the stage and with the deadlines it had, and
    no letter that went out goes out again. Cases that run are left alone, so it is safe to run at any time.
    """
    desk = await call.desk()
    done = await desk.recover_ledger()
    told = (
        f"Started again: {len(done.restarted)}. Running already: {len(done.running)}. "
        f"Letters looked after: {len(done.letters)}."
    )
    return Reply(done, [told, *([", ".join(done.restarted)] if done.restarted else [])])


@ledger.command("rebuild", example="starter ledger rebuild")
@pass_call
async def rebuild(call: Call) -> Reply:
    """Write again every step that the workflows remember and the ledger lacks.

    For a day on which the register's database was lost, or went back to an older copy. What stands in it stays as it
    is, so it is safe to run at any time; a workflow is remembered for as long as Temporal keeps it. No letter goes out
    a second time: one of which nobody knows whether it went out is unknown, and waits for `starter letter settle`.
    """
    desk = await call.desk()
    done = await desk.rebuild_ledger()
    told = (
        f"Workflows read: {done.cases}. Written again: {show.counted(done.steps, 'step')}, "
        f"{show.counted(done.letters, 'letter')}."
    )
    unknown = [f"Unknown now, for `starter letter settle`: {', '.join(done.unknown)}"] if done.unknown else []
    return Reply(done, [told, *unknown])
