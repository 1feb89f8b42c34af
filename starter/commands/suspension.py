"""``starter suspension``: from a trigger to the outcome."""

from datetime import date, datetime
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from domain.candidacy import SCREENING_HIT, Measure, Reason
from domain.ledger import CaseFile
from domain.model import Model
from domain.steps import CaseKind
from domain.suspension import (
    Assignment,
    Charge,
    Evidence,
    Extension,
    Ground,
    Observations,
    Recommendation,
    Reversal,
    ReviewReport,
    Service,
    SuspensionAct,
    SuspensionDecision,
    SuspensionStage,
    SuspensionState,
    Waiver,
    agenda,
    deadline,
)
from starter import files, show
from starter.calling import Call, Noun, Reply, pass_call
from starter.commands.common import (
    cases_of,
    choice,
    reason,
    receipt,
    text_of,
    timeline_of,
    votes_of,
    watched,
    watching,
)
from starter.references import CANDIDACY, OFFICER, SESSION, SUSPENSION

if TYPE_CHECKING:
    from starter.desk import Taken

reference = click.argument("reference", metavar="REF", type=SUSPENSION)
grounds = click.option(
    "--ground",
    "grounds",
    multiple=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Only this ground; may be given several times. Every ground it can be about, where none is named.",
)
scope = click.option("--scope", metavar="TEXT", help="What a partial measure covers; told as it stands.")
votes = click.option("--votes", required=True, metavar="F:A[:X]", help="Votes for, against, and abstentions.")
recused = click.option("--recused", multiple=True, metavar="NAME", help="Who took no part; may be given several times.")
president = click.option(
    "--president", type=click.Choice(("for", "against")), help="The President's vote; only on a tie."
)
minutes = click.option(
    "--reference", "minutes", required=True, metavar="TEXT", help="Where the decision is written down."
)
told_reason = click.option("--reason", required=True, metavar="TEXT", help="Why; the participant is told as it stands.")


@click.group("suspension", cls=Noun)
def suspension() -> None:
    """From a trigger through a hearing to the outcome."""


@suspension.command(
    "open",
    example="starter suspension open C-2026-0007 --ground banned-symbol --measure full "
    '--evidence https://example.org/photograph --reason "Wore the symbol in the chamber"',
)
@click.argument("candidacy", metavar="REF", type=CANDIDACY)
@click.option(
    "--ground",
    metavar="GROUND",
    help="criterion:KEY, banned-symbol, screening-hit or complaint; with --hit, screening-hit if not given.",
)
@click.option("--measure", required=True, type=choice(Measure), help="What is taken away in the meantime.")
@scope
@click.option(
    "--hit",
    "hits",
    multiple=True,
    metavar="HIT",
    help="The hit it is for, which is attached; several times.",
)
@click.option(
    "--evidence",
    "sources",
    multiple=True,
    metavar="FILE|URL",
    help="A file, of which the name and a digest are kept, or an address; may be given several times.",
)
@told_reason
@pass_call
async def open_suspension(
    call: Call,
    candidacy: str,
    *,
    ground: str | None,
    measure: str,
    scope: str | None,
    hits: tuple[str, ...],
    sources: tuple[str, ...],
    reason: str,
) -> Reply:
    """Bring a trigger against a participant; the measure takes effect at once.

    Where a suspension is open on the participant already, the trigger joins it as a further ground, with a notice and
    a time to answer of its own.

    For a hit, --hit names the hit as `starter candidacy findings` shows it: the list, its version, the entry,
    the score and what it rests on are attached as evidence.
    """
    if not (sources or hits):
        raise click.UsageError("give --evidence, or the --hit that it is for")
    if (ground := ground or (SCREENING_HIT if hits else None)) is None:
        raise click.UsageError("say the --ground, or the --hit that it is for")
    evidence = [files.evidence(source) for source in sources]
    named = [files.build(Evidence, options={"source": "--hit"}, source=hit) for hit in hits]
    charge = files.build(
        Charge, ground=ground, measure=measure, scope=scope, evidence=[*evidence, *named], reason=reason
    )
    desk = await call.desk()
    attached = [await desk.hit_of(candidacy, hit) for hit in hits]
    taken = await desk.open_suspension(candidacy, charge.model_copy(update={"evidence": (*evidence, *attached)}))
    return _reply(taken, "opened" if taken.receipt.seq == 1 else "joined as a further ground")


@suspension.command("serve", example='starter suspension serve S-2026-0003 --on 2026-03-30 --how "Registered letter"')
@reference
@click.option("--on", required=True, metavar="DAY", help="The day of delivery, at the seat.")
@click.option("--how", required=True, metavar="TEXT", help="How it was delivered, and how that is known.")
@grounds
@pass_call
async def serve(call: Call, reference: str, *, on: str, how: str, grounds: tuple[int, ...]) -> Reply:
    """Record that a notice was delivered; the time to answer runs from that day.

    A letter that was sent is not one that was delivered.
    """
    service = files.build(Service, on=on, how=how, grounds=grounds)
    return await _act(call, reference, SuspensionAct.SERVE, service, "delivery recorded")


@suspension.command(
    "observe",
    example='starter suspension observe S-2026-0003 --answer "It was not I" --document "Her statement"',
)
@reference
@click.option("--answer", metavar="TEXT", help="What the participant answered.")
@click.option("--answer-file", metavar="FILE", help="A text file that holds the answer.")
@click.option("--document", "documents", multiple=True, metavar="TEXT", help="What came with it; several times.")
@grounds
@pass_call
async def observe(
    call: Call,
    reference: str,
    *,
    answer: str | None,
    answer_file: str | None,
    documents: tuple[str, ...],
    grounds: tuple[int, ...],
) -> Reply:
    """Record what the participant answered.

    Once every ground is answered, waived, or its time has passed, the review can be decided. What comes later is kept.
    """
    text = text_of("--answer", answer, answer_file)
    observations = files.build(
        Observations, options={"documents": "--document"}, answer=text, documents=documents, grounds=grounds
    )
    return await _act(call, reference, SuspensionAct.OBSERVE, observations, "answer recorded")


@suspension.command("waive", example='starter suspension waive S-2026-0003 --how "Told the desk by telephone"')
@reference
@click.option("--how", required=True, metavar="TEXT", help="How the participant said so.")
@grounds
@pass_call
async def waive(call: Call, reference: str, *, how: str, grounds: tuple[int, ...]) -> Reply:
    """Record that the participant does not want to answer.

    Only the participant's own word waives; silence ends with the time to answer.
    """
    waiver = files.build(Waiver, how=how, grounds=grounds)
    return await _act(call, reference, SuspensionAct.WAIVE, waiver, "waiver recorded")


@suspension.command("extend", example='starter suspension extend S-2026-0003 --days 7 --reason "Is in hospital"')
@reference
@click.option("--days", required=True, type=int, metavar="N", help="How many more days.")
@grounds
@reason
@pass_call
async def extend(call: Call, reference: str, *, days: int, grounds: tuple[int, ...], reason: str) -> Reply:
    """Give more time to answer.

    Possible while the time runs; the new last day is computed from the one before, and a working day.
    """
    extension = files.build(Extension, days=days, reason=reason, grounds=grounds)
    return await _act(call, reference, SuspensionAct.EXTEND, extension, "time extended")


@suspension.command("assign", example="starter suspension assign S-2026-0003 --reviewer O-7")
@reference
@click.option("--reviewer", required=True, type=OFFICER, metavar="OFFICER", help="Who reviews.")
@pass_call
async def assign(call: Call, reference: str, *, reviewer: str) -> Reply:
    """Name the reviewer.

    Who opened the suspension, or has declared an interest in it, does not review it.
    """
    return await _act(
        call, reference, SuspensionAct.ASSIGN, files.build(Assignment, reviewer=reviewer), "reviewer assigned"
    )


@suspension.command(
    "declare-interest", example='starter suspension declare-interest S-2026-0003 --reason "Worked for the complainant"'
)
@reference
@reason
@pass_call
async def declare_interest(call: Call, reference: str, *, reason: str) -> Reply:
    """Declare that you have an interest in the case.

    You then neither review nor decide it; a reviewer who declares one is relieved.
    """
    interest = files.build(Reason, reason=reason)
    return await _act(call, reference, SuspensionAct.DECLARE_INTEREST, interest, "interest declared")


@suspension.command("report", example="starter suspension report S-2026-0003 --recommend lifted --text-file report.txt")
@reference
@click.option("--recommend", "recommendation", required=True, type=choice(Recommendation), help="What you recommend.")
@click.option("--text", metavar="TEXT", help="What you found.")
@click.option("--text-file", metavar="FILE", help="A text file that holds the report.")
@click.option("--document", "documents", multiple=True, metavar="TEXT", help="What it rests on; several times.")
@pass_call
async def report(
    call: Call,
    reference: str,
    *,
    recommendation: str,
    text: str | None,
    text_file: str | None,
    documents: tuple[str, ...],
) -> Reply:
    """Report what you found, as the reviewer.

    Possible once everybody was heard. A ground that joins later sets the report aside.
    """
    found = files.build(
        ReviewReport,
        options={"recommendation": "--recommend", "documents": "--document"},
        text=text_of("--text", text, text_file),
        recommendation=recommendation,
        documents=documents,
    )
    return await _act(call, reference, SuspensionAct.REPORT, found, "report recorded")


@suspension.command(
    "decide",
    example='starter suspension decide S-2026-0003 --outcome lifted --votes 9:2:1 --reference "AS/Bur (2026) 31" '
    '--reason "The photograph shows somebody else"',
)
@reference
@click.option("--outcome", required=True, type=choice(Recommendation), help="What the Bureau decided.")
@click.option(
    "--measure",
    type=choice(Measure, but=Measure.NONE),
    help="What stays taken away where it is upheld; as before, where it is not given.",
)
@scope
@votes
@recused
@president
@minutes
@told_reason
@pass_call
async def decide(
    call: Call,
    reference: str,
    *,
    outcome: str,
    measure: str | None,
    scope: str | None,
    votes: str,
    recused: tuple[str, ...],
    president: str | None,
    minutes: str,
    reason: str,
) -> Reply:
    """Record what the Bureau decided.

    Who opens, who reviews and who signs the decision are three persons. It has come to pass once the candidacy has
    taken it, which takes a moment; --outcome upheld lasts until the session ends.
    """
    decision = files.build(
        SuspensionDecision,
        outcome=outcome,
        measure=measure,
        scope=scope,
        votes=votes_of(votes, recused, president),
        reference=minutes,
        reason=reason,
    )
    return await _act(call, reference, SuspensionAct.DECIDE, decision, f"decided: {outcome}")


@suspension.command("void", example='starter suspension void S-2026-0003 --reason "Another person of that name"')
@reference
@reason
@pass_call
async def void(call: Call, reference: str, *, reason: str) -> Reply:
    """Record that it was opened in error.

    It counts as never opened: the participant takes part as before, and is told so.
    """
    return await _act(call, reference, SuspensionAct.VOID, files.build(Reason, reason=reason), "void")


@suspension.command(
    "reverse",
    example='starter suspension reverse S-2026-0003 --measure none --votes 8:3 --reference "AS/Bur (2026) 40" '
    '--reason "A witness has come forward"',
)
@reference
@click.option("--measure", required=True, type=choice(Measure), help="What is taken away in the meantime.")
@scope
@votes
@recused
@president
@minutes
@told_reason
@pass_call
async def reverse(
    call: Call,
    reference: str,
    *,
    measure: str,
    scope: str | None,
    votes: str,
    recused: tuple[str, ...],
    president: str | None,
    minutes: str,
    reason: str,
) -> Reply:
    """Undo a decision, by another one of the Bureau.

    The case is under review again with another reviewer; every time-limit is computed anew.
    """
    reversal = files.build(
        Reversal,
        measure=measure,
        scope=scope,
        votes=votes_of(votes, recused, president),
        reference=minutes,
        reason=reason,
    )
    return await _act(call, reference, SuspensionAct.REVERSE, reversal, "decision reversed")


@suspension.command("show", example="starter suspension show S-2026-0003")
@reference
@pass_call
async def show_suspension(call: Call, reference: str) -> Reply:
    """Show one suspension in full.

    Also what is to come by itself, and when, if nobody acts. The answer holds personal data.
    """
    found = await (await call.desk()).case(reference)
    return Reply(found, _shown(found))


@suspension.command("list", example="starter suspension list --session 2026 --stage review --overdue")
@click.option("--session", type=SESSION, metavar="REF", help="Only suspensions of this session.")
@click.option("--stage", type=choice(SuspensionStage), help="Only suspensions at this stage.")
@click.option("--overdue", is_flag=True, help="Only suspensions whose deadline has passed, by their own calendar.")
@click.option("--ended/--open", default=None, help="Only suspensions that have ended, or that have not.")
@pass_call
async def list_suspensions(
    call: Call, *, session: str | None, stage: str | None, overdue: bool, ended: bool | None
) -> Reply:
    """List suspensions.

    By reference, with stage and deadline, and how many letters wait for a decision. No personal data.
    """
    rows = await cases_of(call, CaseKind.SUSPENSION, session=session, overdue=overdue, stage=stage, ended=ended)
    return Reply({"suspensions": rows}, [show.cases("Suspensions", rows)])


@suspension.command("timeline", example="starter suspension timeline S-2026-0003")
@reference
@pass_call
async def timeline(call: Call, reference: str) -> Reply:
    """Show every step of a suspension: when, what, by whom, and the letters it decided.

    No personal data.
    """
    return await timeline_of(call, reference)


@suspension.command("watch", example="starter suspension watch S-2026-0003 --until-ended --json")
@reference
@watching
@pass_call
async def watch(call: Call, reference: str, *, until_ended: bool, interval: float) -> Reply:
    """Follow a suspension, and print each step as it comes, until it has ended or Ctrl-C.

    With --json it prints one document when it stops.
    """
    return await watched(call, reference, until_ended=until_ended, interval=interval)


async def _act(call: Call, reference: str, act: SuspensionAct, content: Model, done: str) -> Reply:
    return _reply(await (await call.desk()).act_on_suspension(reference, act, content), done)


def _reply(taken: "Taken", done: str) -> Reply:
    return Reply(receipt(taken), [show.taken(taken, done)])


def _shown(found: CaseFile) -> list[RenderableType]:
    state = SuspensionState.model_validate(found.state)
    decided, report = state.decided, state.report
    head = show.facts(
        f"Suspension {found.row.reference}",
        {
            "stage": state.stage,
            "since": show.moment(state.entered),
            "deadline": None if deadline(state) is None else show.moment(deadline(state)),
            "of": state.candidacy,
            "participant": f"{state.participant.name} <{state.participant.email}> ({state.participant.language})",
            "measure": state.measure if state.scope is None else f"{state.measure}: {state.scope}",
            "reviewer": state.reviewer,
            "interests declared by": show.listed(state.interested),
            "report": None if report is None else f"{report.recommendation}: {report.text}",
            "referred": None if state.referred is None else show.moment(state.referred),
            "decided": None if decided is None else show.listed(filter(None, (decided.outcome, decided.reference))),
            "reason": None if decided is None else decided.reason,
        },
    )
    rows = [
        (ground.number, ground.ground, ground.opener, ground.reason, *_heard(state, ground)) for ground in state.grounds
    ]
    parts: list[RenderableType] = [
        head,
        show.table("Grounds", ("ground", "what", "by", "reason", "delivered", "answer by", "heard"), rows),
    ]
    if coming := agenda(state):
        told = [(show.moment(due.at), due.kind.replace("_", " ")) for due in coming]
        parts.append(show.table("To come, if nobody acts", ("when", "what"), told))
    return [*parts, show.letters("Letters", found.letters)]


def _heard(state: SuspensionState, ground: Ground) -> tuple[str | None, str, str | None]:
    served: date | None = ground.served_on
    by: datetime | None = state.answer_by(ground)
    delivered = None if served is None else f"{show.day(served)}: {ground.served_how}"
    return delivered, show.moment(by), ground.heard
