"""``starter ledger``: the register itself."""

from pathlib import Path

import click

from domain.erasure import Certificate
from starter import files, show
from starter.calling import Call, Noun, Reply, pass_call
from starter.commands.common import certified, keep
from starter.failures import Failure, Kind
from starter.references import CANDIDACY, CASE


@click.group("ledger", cls=Noun)
def ledger() -> None:
    """Compare the register with the workflows, and mend either; see who read, and what was refused."""


@ledger.command("verify", example="starter ledger verify")
@pass_call
async def verify(call: Call) -> Reply:
    """Look for any change that nobody decided, and compare the ledger with the running workflows.

    The chain of all steps is read from the first to the last, with its seals: a step that was changed, removed,
    inserted or put elsewhere is named. Every command must be signed by a key that held the office when it was taken,
    and every open case is asked where it stands. Exit code 3 where something differs; the differences are named by
    reference and changed by nobody.
    """
    desk = await call.desk()
    with show.advance("steps read") as progress:
        found = await desk.verify_ledger(progress)
    compared = ", ".join(
        (show.counted(found.cases, "case"), show.counted(found.steps, "step"), show.counted(found.letters, "letter"))
    )
    signed = show.counted(found.signatures, "signature")
    if not found.differences:
        sealed = f"last sealed {show.moment(found.sealed)}" if found.sealed else "not sealed yet"
        whole = f"The ledger is whole and the workflows agree with it: {compared}; {signed} hold; {sealed}."
        return Reply(found, [whole])
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
    """Write again every step and command that the workflows remember and the ledger lacks.

    For a day on which the register's database was lost, or went back to an older copy. What stands in it stays as it
    is, so it is safe to run at any time. No letter goes out a second time: one of which nobody knows whether it went
    out is unknown, and waits for `starter letter settle`. Steps, letters, officers and their interests, holds and
    certificates of erasure come back; lists to screen against, and who read what, do not. A workflow is remembered for
    as long as Temporal keeps it: a case that may have been held back from erasure before that is held back until
    `starter candidacy retain` says otherwise, and the desk is told of every coming erasure once more. Exit code 3
    where something is remembered that the ledger does not take, or was lost; it is named.
    """
    desk = await call.desk()
    done = await desk.rebuild_ledger()
    parts = [show.counted(done.steps, "step"), show.counted(done.letters, "letter")]
    parts += [show.counted(done.commands, "other command"), show.counted(done.erasures, "erasure")]
    told = [f"Workflows read: {done.cases}. Written again: {', '.join(parts)}."]
    if done.since is not None:
        told.append(f"What ended before {show.moment(done.since)} is remembered by nobody.")
    if done.unknown:
        told.append(f"Unknown now, for `starter letter settle`: {', '.join(done.unknown)}")
    if done.held:
        told.append(f"Held back from erasure until `starter candidacy retain` says otherwise: {', '.join(done.held)}")
    if not (done.refused or done.lost):
        return Reply(done, told)
    if done.refused:
        told.append(f"Remembered and not taken (`starter ledger incidents` says why): {', '.join(done.refused)}")
    if done.lost:
        told.append(f"Erased, or no interest in it is known any more: {', '.join(done.lost)}")
    message = f"{len(done.refused) + len(done.lost)} remembered and not written again"
    return Reply(done, told, Failure(Kind.REFUSED, message, rule="ledger-incomplete"))


@ledger.command("certificate", example="starter ledger certificate erasure-C-2026-0007.json")
@click.argument("file", metavar="FILE|REF")
@pass_call
async def certificate(call: Call, file: str) -> Reply:
    """Check a certificate of erasure: who signed it, and whether it is true today.

    The worker checks its own signature and reads every store once more. Exit code 3 where the certificate does not
    hold. Without this register, anyone can check the signature (Ed25519, by the public key that it names) over the
    certificate without its signature, as JSON with sorted keys and no spaces. For the reference of a candidacy the
    register's own copy is written to erasure-REF.json here, and checked.
    """
    desk = await call.desk()
    if CANDIDACY.fits(file):
        given = await desk.certificate(file)
        keep(Path(f"erasure-{file}.json"), f"{given.model_dump_json(indent=2, exclude_none=True)}\n")
    else:
        given = files.read(file, Certificate)
    found = await desk.check_certificate(given)
    document = {"certificate": given, "check": found, "holds": found.holds}
    if found.holds:
        return Reply(document, [*certified(given), "The certificate is genuine, and nothing can be read today."])
    if not found.genuine:
        message = "no key of this register's workers has signed this"
    elif not found.on_file:
        message = "the register knows of no such erasure"
    else:
        message = "some of it can be read today"
    return Reply(document, [], Failure(Kind.REFUSED, message, rule="certificate"))


@ledger.command("readers", example="starter ledger readers C-2026-0007")
@click.argument("reference", metavar="REF", type=CASE)
@pass_call
async def readers(call: Call, reference: str) -> Reply:
    """List who opened the file of a case.

    Each opening leaves a trace: of the case itself, of its timeline, of a letter of it.
    """
    rows = await (await call.desk()).readers(reference)
    shown = [(show.moment(each.at), each.reader, each.about, each.reference) for each in rows]
    return Reply(
        {"reference": reference, "readers": rows},
        [show.table(f"Readers of {reference}", ("when", "who", "what", "of"), shown)],
    )


@ledger.command("incidents", example="starter ledger incidents")
@pass_call
async def incidents(call: Call) -> Reply:
    """List what was refused for want of authority: forged, altered, replayed, stale or by the wrong office.

    Who is said to have signed it is what the command said; nobody has verified that.
    """
    rows = await (await call.desk()).incidents()
    shown = [(each.n, show.moment(each.at), each.rule, each.power, each.place, each.signer, each.key) for each in rows]
    columns = ("no.", "when", "rule", "act", "of", "signer", "key")
    return Reply({"incidents": rows}, [show.table("Incidents", columns, shown)])
