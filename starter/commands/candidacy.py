"""``starter candidacy``: one person's way from nomination to the end of the session."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from domain.candidacy import (
    Act,
    Answer,
    CandidacyState,
    Correction,
    Declaration,
    Information,
    InformationRequest,
    Reason,
    Stage,
    agenda,
    deadline,
)
from domain.checks import findings
from domain.erasure import ErasureOrder, ErasureRequest
from domain.errors import Erased
from domain.functions import ExceptionReason, Functions
from domain.ledger import CaseFile, CaseRow
from domain.model import Model
from domain.notices import OFFICES, Role
from domain.people import Language, SeatKind
from domain.retention import Hold
from domain.screening import Resolution, Verdict
from domain.steps import CaseKind, Due
from domain.timelimits import UNTIL_DECIDED
from domain.vetting import Assessment, Finding, Judgement
from starter import files, show
from starter.batch import Batch
from starter.calling import Call, Noun, Reply, pass_call
from starter.commands.common import (
    cases_of,
    certified,
    choice,
    dry_run,
    keep,
    reason,
    receipt,
    text_of,
    timeline_of,
    watched,
    watching,
)
from starter.references import CANDIDACY, OFFICER, SESSION

if TYPE_CHECKING:
    from starter.desk import Desk

reference = click.argument("reference", metavar="REF", type=CANDIDACY)


@click.group("candidacy", cls=Noun)
def candidacy() -> None:
    """Nominate, and lead a candidacy to its end."""


@candidacy.command("nominate", example="starter candidacy nominate nominations.csv --session 2026 --dry-run")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
@click.option("--session", required=True, type=SESSION, metavar="REF", help="The session.")
@click.option("--csv", "table", is_flag=True, help="The files are tables, whatever their names.")
@click.option("--skip-bad", is_flag=True, help="Send the good ones although others cannot be used.")
@dry_run
@pass_call
async def nominate(
    call: Call, paths: tuple[str, ...], *, session: str, table: bool, skip_bad: bool, dry_run: bool
) -> Reply:
    """Nominate whom the FILEs name; one result for each.

    A file is YAML or JSON with one nomination or a list of them, or a CSV table (UTF-8, comma or semicolon) whose
    header row names its columns: family_name, given_name, birth_date, email, nominator_name and nominator_email, and
    where they are needed patronymic, other_names (with | between them), language, nominator_language, organisation,
    seat, statement and distinct_from. - is the standard input.

    A person who is nominated already keeps the one reference, however the name is written. Nothing is sent while
    anything that was handed in cannot be used, unless --skip-bad says so. Exit code 2 where something cannot be used, 3
    where something was refused.
    """
    batch = Batch([row for path in paths for row in files.nominations(path, table=table)])
    if not skip_bad:
        batch.refuse_bad()
    desk = await call.desk()
    state = await desk.session(session)
    if dry_run:
        at = state.terms.clock.reading(datetime.now(UTC))
        known = {row.workflow_id: row.reference for row in await desk.cases(session=session, kind=CaseKind.CANDIDACY)}
        batch.foretell(state.terms, known, lambda nomination: desk.candidacy_of(session, nomination), at)
    else:
        await batch.send(lambda nomination: desk.nominate(state, nomination))
    return batch.reply(session, dry_run=dry_run)


@candidacy.command("declare", example="starter candidacy declare C-2026-0007 --consent --all-yes")
@reference
@click.argument("file", required=False)
@click.option("--consent/--no-consent", default=None, help="Whether the candidate consents.")
@click.option("--all-yes", is_flag=True, help="Every criterion is affirmed.")
@click.option("--no", "denied", multiple=True, metavar="KEY", help="This criterion is not affirmed, the others are.")
@click.option("--evidence", multiple=True, metavar="KEY=TEXT", help="What came with it on a criterion; several times.")
@click.option("--received", metavar="TEXT", help="How and when the declaration came in.")
@pass_call
async def declare(
    call: Call,
    reference: str,
    file: str | None,
    *,
    consent: bool | None,
    all_yes: bool,
    denied: tuple[str, ...],
    evidence: tuple[str, ...],
    received: str | None,
) -> Reply:
    """Record the candidate's declaration: consent, and an answer to each criterion.

    It stands in FILE (YAML or JSON with consent and answers), or is said by options: --consent or --no-consent, and
    --all-yes or a --no for each criterion that is not affirmed. A "no" ends the candidacy as ineligible.
    """
    by_options = consent is not None or all_yes or bool(denied) or bool(evidence) or received is not None
    if (file is not None) == by_options:
        raise click.UsageError("give either a FILE, or --consent with --all-yes or --no KEY")
    if file is not None:
        declaration = files.read(file, Declaration)
        return await _act(call, reference, Act.DECLARE, declaration, "declaration recorded")
    if consent is None or all_yes == bool(denied):
        raise click.UsageError("say --consent or --no-consent, and either --all-yes or --no KEY")
    desk = await call.desk()
    criteria = (await _state(desk, reference)).terms.criteria
    if unknown := [key for key in denied if key not in criteria]:
        raise click.BadParameter(
            f"{', '.join(unknown)} is no criterion of this session; they are {', '.join(criteria)}", param_hint="'--no'"
        )
    given = _evidence(evidence, criteria)
    answers = tuple(
        files.build(Answer, criterion=key, affirmed=key not in denied, evidence=given.get(key, ())) for key in criteria
    )
    declaration = files.build(Declaration, consent=consent, answers=answers, received=received)
    return await _act(call, reference, Act.DECLARE, declaration, "declaration recorded", desk=desk)


@candidacy.command("decline", example='starter candidacy decline C-2026-0007 --reason "Wrote that she has no time"')
@reference
@reason
@pass_call
async def decline(call: Call, reference: str, *, reason: str) -> Reply:
    """Record that the candidate said no.

    Only the candidate's own word declines; silence ends as lapsed, after reminders.
    """
    return await _act(call, reference, Act.DECLINE, files.build(Reason, reason=reason), "declined")


@candidacy.command("assess", example='starter candidacy assess C-2026-0007 --all-clear --reason "Read the whole file"')
@reference
@click.argument("file", required=False)
@click.option("--all-clear", is_flag=True, help="Every criterion is clear.")
@click.option("--reason", metavar="TEXT", help="Why, for --all-clear.")
@pass_call
async def assess(call: Call, reference: str, file: str | None, *, all_clear: bool, reason: str | None) -> Reply:
    """Record your findings on every criterion.

    They stand in FILE (YAML or JSON with findings: criterion, judgement (clear, adverse or unsure), reason and
    evidence), or are all clear. Two officers assess; where they disagree, a third is asked.
    """
    if (file is not None) == all_clear or all_clear != (reason is not None):
        raise click.UsageError("give either a FILE, or --all-clear with --reason")
    if file is not None:
        return await _act(call, reference, Act.ASSESS, files.read(file, Assessment), "assessment recorded")
    desk = await call.desk()
    findings = [
        files.build(Finding, criterion=key, judgement=Judgement.CLEAR, reason=reason)
        for key in (await _state(desk, reference)).terms.criteria
    ]
    assessment = files.build(Assessment, findings=findings)
    return await _act(call, reference, Act.ASSESS, assessment, "assessment recorded", desk=desk)


@candidacy.command(
    "request-information",
    example='starter candidacy request-information C-2026-0007 --question "Where did you work from 2015 to 2018?"',
)
@reference
@click.option("--question", metavar="TEXT", help="What to ask; the candidate reads it as it stands.")
@click.option("--question-file", metavar="FILE", help="A text file that holds the question.")
@pass_call
async def request_information(call: Call, reference: str, *, question: str | None, question_file: str | None) -> Reply:
    """Ask the candidate for information, by letter.

    The time-limit for vetting stands still until the answer comes, or the time for it has passed.
    """
    text = text_of("--question", question, question_file)
    request = files.build(InformationRequest, question=text)
    return await _act(call, reference, Act.REQUEST_INFORMATION, request, "information requested")


@candidacy.command(
    "supply-information",
    example='starter candidacy supply-information C-2026-0007 --answer "At a university" --document "Contract of 2015"',
)
@reference
@click.option("--answer", metavar="TEXT", help="What the candidate answered.")
@click.option("--answer-file", metavar="FILE", help="A text file that holds the answer.")
@click.option("--document", "documents", multiple=True, metavar="NAME", help="A document that came with it.")
@click.option("--evidence", multiple=True, metavar="KEY=TEXT", help="Evidence on a criterion; several times.")
@pass_call
async def supply_information(
    call: Call,
    reference: str,
    *,
    answer: str | None,
    answer_file: str | None,
    documents: tuple[str, ...],
    evidence: tuple[str, ...],
) -> Reply:
    """Record what the candidate answered.

    The file is another one now, so a new round of assessments begins. Where the session asks for evidence on a
    criterion, nobody is cleared before it is there.
    """
    text = text_of("--answer", answer, answer_file)
    desk = await call.desk()
    given = _evidence(evidence, (await _state(desk, reference)).terms.criteria) if evidence else {}
    information = files.build(
        Information, options={"documents": "--document"}, answer=text, documents=documents, evidence=given
    )
    return await _act(call, reference, Act.SUPPLY_INFORMATION, information, "information recorded", desk=desk)


@candidacy.command("findings", example="starter candidacy findings C-2026-0007")
@reference
@pass_call
async def show_findings(call: Call, reference: str) -> Reply:
    """Show what the checks found, each with why: lists, hits, identity, duplicates, functions, evidence.

    What keeps the case from being cleared is marked. A hit on a hostile list is evidence that the candidate is
    persecuted. The answer holds personal data.
    """
    state = await _state(await call.desk(), reference)
    found = findings(state.file, state.evidence_file)
    told: list[RenderableType] = [
        show.table(
            f"Findings of {reference}",
            ("about", "check", "result", "holds the case"),
            ((each.about, each.check, each.result, "yes" if each.holds else "") for each in found),
        )
    ]
    told += [show.facts(f"{each.check} {each.about}", {"why": "\n".join(each.why)}) for each in found if each.why]
    return Reply({"reference": reference, "findings": found}, told)


@candidacy.command(
    "resolve",
    example='starter candidacy resolve C-2026-0007 H-0a1b2c3d4e5f --as other-person --reason "Born in another year"',
)
@reference
@click.argument("hit", metavar="HIT")
@click.option("--as", "verdict", required=True, type=choice(Verdict), help="Who the entry is about.")
@reason
@pass_call
async def resolve(call: Call, reference: str, hit: str, *, verdict: str, reason: str) -> Reply:
    """Say whether a HIT is the candidate, or whether there is something in a doubt.

    On an official or allied list two officers have to say the same, on an unknown one a single one is enough. What you
    say holds for the entry as it stands now: if the list says something else one day, the hit comes back.

    A doubt about the candidate's identity is dispelled as same-person, one about a second nomination as other-person.
    """
    desk = await call.desk()
    file = (await _state(desk, reference)).file
    known = file.resolvable if file is not None else ()
    seen = next((each.digest for each in known if each.id == hit), "0" * 64)
    resolution = files.build(Resolution, options={"hit": "HIT"}, hit=hit, digest=seen, verdict=verdict, reason=reason)
    return await _act(call, reference, Act.RESOLVE, resolution, f"{hit} recorded as {verdict}", desk=desk)


@candidacy.command("functions", example="starter candidacy functions C-2026-0007 functions.yaml")
@reference
@click.argument("file")
@pass_call
async def functions(call: Call, reference: str, file: str) -> Reply:
    """Record the posts, mandates and payments that the candidate declared.

    They stand in FILE (YAML or JSON with functions: kind (post, mandate or payment), what, body, payer (government,
    occupation, state or other), since, until where it has ended, and evidence); a date may be a year, a month or a
    day. The rule on functions is applied at once; `starter candidacy findings` says what it came to.
    """
    return await _act(call, reference, Act.RECORD_FUNCTIONS, files.read(file, Functions), "functions recorded")


@candidacy.command("except", example='starter candidacy except C-2026-0007 --reason "Taught chemistry at a school"')
@reference
@reason
@pass_call
async def sign_exception(call: Call, reference: str, *, reason: str) -> Reply:
    """Sign an exception from the rule on functions.

    It holds for what is declared now and for nothing else, and it takes two officers.
    """
    desk = await call.desk()
    file = (await _state(desk, reference)).file
    declared = file.functions.digest if file is not None and file.functions is not None else "0" * 64
    exception = files.build(ExceptionReason, digest=declared, reason=reason)
    return await _act(call, reference, Act.SIGN_EXCEPTION, exception, "exception signed", desk=desk)


@candidacy.command(
    "correct",
    example="starter candidacy correct C-2026-0007 --role candidate --email new@example.org "
    '--reason "The old address was refused"',
)
@reference
@click.option("--role", required=True, type=choice(Role, but=OFFICES), help="Whose.")
@click.option("--email", metavar="ADDRESS", help="The better address.")
@click.option("--language", type=choice(Language), help="The language of the letters to come.")
@reason
@pass_call
async def correct(
    call: Call, reference: str, *, role: str, email: str | None, language: str | None, reason: str
) -> Reply:
    """Correct the address or the language of a reader.

    For the letters to come; one that was refused is sent again by `starter letter settle`.
    """
    correction = files.build(Correction, role=role, email=email, language=language, reason=reason)
    return await _act(call, reference, Act.CORRECT, correction, "corrected")


@candidacy.command("withdraw", example='starter candidacy withdraw C-2026-0007 --reason "Asked for it by letter"')
@reference
@reason
@pass_call
async def withdraw(call: Call, reference: str, *, reason: str) -> Reply:
    """Record that the candidate or participant withdraws.

    Possible at every stage; a seat that was held becomes vacant.
    """
    return await _act(call, reference, Act.WITHDRAW, files.build(Reason, reason=reason), "withdrawn")


@candidacy.command("record-death", example='starter candidacy record-death C-2026-0007 --reason "Told by the family"')
@reference
@reason
@pass_call
async def record_death(call: Call, reference: str, *, reason: str) -> Reply:
    """Record that the candidate or participant has died.

    The case ends, a seat that was held becomes vacant, and nothing more is written to the person.
    """
    return await _act(call, reference, Act.RECORD_DEATH, files.build(Reason, reason=reason), "death recorded")


@candidacy.command(
    "erase", example='starter candidacy erase C-2026-0007 --reason "Asked for by letter of 3 March, file DP-12"'
)
@reference
@click.option("--reason", metavar="TEXT", help="Why; it stays on file, so it must name nobody.")
@click.option("--confirm", "requester", type=OFFICER, help="Confirm what this officer has asked for, and do it.")
@click.option("--certificate", metavar="FILE", help="Where the certificate goes, if not to erasure-REF.json here.")
@pass_call
async def erase(
    call: Call, reference: str, *, reason: str | None, requester: str | None, certificate: str | None
) -> Reply:
    """Erase a person's data for good: one officer asks for it with --reason, another confirms it with --confirm.

    What is open is closed, and the person's key is destroyed: whatever was written under it, in the register, in
    Temporal and in every backup of either, cannot be read any more. Then every store is read in vain, and a certificate
    says so, which `starter ledger certificate` checks at any time. References, stages, dates and counts stay. This
    cannot be undone. Copies of letters that went out are at their readers', and in the embedded mail catcher.
    """
    if (reason is None) == (requester is None):
        raise click.UsageError("give either --reason TEXT, or --confirm OFFICER")
    if reason is not None and certificate is not None:
        raise click.UsageError("--certificate belongs to --confirm")
    desk = await call.desk()
    if reason is not None:
        asked = await desk.request_erasure(reference, files.build(ErasureRequest, reason=reason))
        told = (
            f"{reference}: erasure asked for by {asked.requested_by}. Nothing is erased yet: another officer gives "
            f"`starter candidacy erase {reference} --confirm {asked.requested_by}`"
        )
        return Reply(asked, [told])
    done = await desk.erase(reference, files.build(ErasureOrder, requested_by=requester))
    path = Path(certificate or f"erasure-{reference}.json")
    keep(path, f"{done.model_dump_json(indent=2, exclude_none=True)}\n")
    return Reply(done, [*certified(done), f"Certificate: {path}"])


@candidacy.command(
    "retain", example='starter candidacy retain C-2026-0007 --until 2030-06-30 --reason "Case before a court"'
)
@reference
@click.option("--until", required=True, metavar="DAY", help="The last day, at the seat, for which it is held back.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it stays on file until the data is erased.")
@pass_call
async def retain(call: Call, reference: str, *, until: str, reason: str) -> Reply:
    """Hold a person's data back from being erased by itself, until a day.

    How long a case is kept after its end is set for each ending, and the desk is told before. The last word stands, so
    that an earlier day, today at the least, takes a later one back. Two officers may erase the data all the same.
    """
    hold = files.build(Hold, options={"until": "--until", "reason": "--reason"}, until=until, reason=reason)
    held = await (await call.desk()).retain(reference, hold)
    return Reply(held, [f"{held.reference}: nothing is erased by itself until {held.until} is over."])


@candidacy.command("show", example="starter candidacy show C-2026-0007")
@reference
@pass_call
async def show_candidacy(call: Call, reference: str) -> Reply:
    """Show one candidacy in full.

    Also what is to come by itself, and when, if nobody acts. The answer holds personal data.
    """
    desk = await call.desk()
    found = await desk.case(reference)
    if found.row.erased is not None:
        when = show.moment(found.row.erased)
        told = f"{reference}: this person's data was erased {when}. The candidacy was {found.row.stage}."
        return Reply(found, [told, show.letters("Letters", found.letters)])
    return Reply(found, _shown(found))


@candidacy.command("list", example="starter candidacy list --session 2026 --stage vetting --overdue")
@click.option("--session", type=SESSION, metavar="REF", help="Only candidacies of this session.")
@click.option("--stage", type=choice(Stage), help="Only candidacies at this stage.")
@click.option("--seat", type=choice(SeatKind), help="Only candidacies for this kind of seat.")
@click.option("--overdue", is_flag=True, help="Only candidacies whose deadline has passed, by their own calendar.")
@click.option("--ended/--open", default=None, help="Only candidacies that have ended, or that have not.")
@pass_call
async def list_candidacies(
    call: Call, *, session: str | None, stage: str | None, seat: str | None, overdue: bool, ended: bool | None
) -> Reply:
    """List candidacies.

    By reference, with stage, seat and deadline, and how many letters wait for a decision. No personal data.
    """
    rows = await cases_of(
        call, CaseKind.CANDIDACY, session=session, overdue=overdue, stage=stage, seat=seat, ended=ended
    )
    return Reply({"candidacies": rows}, [show.cases("Candidacies", rows)])


@candidacy.command("timeline", example="starter candidacy timeline C-2026-0007")
@reference
@pass_call
async def timeline(call: Call, reference: str) -> Reply:
    """Show every step of a candidacy: when, what, by whom, and the letters it decided.

    No personal data.
    """
    return await timeline_of(call, reference)


@candidacy.command("watch", example="starter candidacy watch C-2026-0007 --until-ended --json")
@reference
@watching
@pass_call
async def watch(call: Call, reference: str, *, until_ended: bool, interval: float) -> Reply:
    """Follow a candidacy, and print each step as it comes, until it has ended or Ctrl-C.

    With --json it prints one document when it stops.
    """
    return await watched(call, reference, until_ended=until_ended, interval=interval)


async def _act(call: Call, reference: str, act: Act, content: Model, done: str, *, desk: "Desk | None" = None) -> Reply:
    taken = await (desk or await call.desk()).act(reference, act, content)
    return Reply(receipt(taken), [show.taken(taken, done)])


def _evidence(written: tuple[str, ...], criteria: tuple[str, ...]) -> dict[str, list[str]]:
    """Evidence by criterion, as it is written on the command line."""
    given: dict[str, list[str]] = {}
    for each in written:
        key, equals, what = each.partition("=")
        if not equals or key not in criteria:
            rule = f"must look like KEY=TEXT, with a criterion of this session: {', '.join(criteria)}"
            raise click.BadParameter(rule, param_hint="'--evidence'")
        given.setdefault(key, []).append(what)
    return given


async def _state(desk: "Desk", reference: str) -> CandidacyState:
    found = await desk.case(reference)
    if found.row.erased is not None:
        raise Erased(f"the data of {reference} was erased", rule="erased")
    return CandidacyState.model_validate(found.state)


def _shown(found: CaseFile) -> list[RenderableType]:
    state = CandidacyState.model_validate(found.state)
    candidate, nominator = state.nomination.candidate, state.nomination.nominator
    place = f"{state.list_reference}: {state.place or ''}" if state.list_reference else None
    if state.rank is not None:
        place = f"{state.list_reference}: reserve, rank {state.rank}"
    head = show.facts(
        f"Candidacy {found.row.reference}",
        {
            "stage": state.stage,
            "since": show.moment(state.entered),
            "deadline": None if deadline(state) is None else show.moment(deadline(state)),
            "session": state.terms.session,
            "seat": state.nomination.seat,
            "list": place,
            "kept until": kept(found.row),
            "awaits": "ratification" if state.awaits_ratification else None,
            "suspension": None if state.review is None else f"number {state.review.number}, {state.review.measure}",
            "candidate": " ".join(
                name for name in (candidate.given_name, candidate.patronymic, candidate.family_name) if name
            ),
            "other names": show.listed(candidate.other_names),
            "born": candidate.birth_date.isoformat(),
            "e-mail": candidate.email,
            "language": candidate.language,
            "nominated by": f"{nominator.name} <{nominator.email}> ({nominator.language})",
            "organisation": state.nomination.organisation,
            "statement": state.nomination.statement,
            "distinct from": state.nomination.distinct_from,
        },
    )
    parts: list[RenderableType] = [head]
    if coming := agenda(state):
        parts.append(show.table("To come, if nobody acts", ("when", "what"), _coming(coming)))
    if state.assessments:
        rows = [
            (given.officer, show.moment(given.at), show.listed(_findings(given.judgements)))
            for given in state.assessments
        ]
        parts.append(show.table(f"Assessments, round {state.round}", ("officer", "when", "findings"), rows))
    return [*parts, show.letters("Letters", found.letters)]


def kept(row: CaseRow) -> str | None:
    """Until when the data of a case that has ended is kept, and why for that long."""
    if row.held_until == UNTIL_DECIDED:
        return "until `starter candidacy retain` says otherwise: nobody knows whether an officer held it back"
    if not row.ended:
        return None if row.held_until is None else f"{row.held_until} at the least, as an officer has said"
    if row.kept_until is None:
        return "it is erased when somebody asks for it only"
    held = " (held back by an officer)" if row.held_until == row.kept_until else ""
    told = ", as the desk was told" if row.announced == row.kept_until else ""
    return f"{row.kept_until}{held}, then erased by itself{told}"


def _coming(coming: Sequence[Due]) -> list[tuple[str, str]]:
    return [(show.moment(due.at), due.kind.replace("_", " ")) for due in coming]


def _findings(judgements: dict[str, Judgement]) -> list[str]:
    """What is not clear, by criterion; "all clear" where nothing is, and "sealed" where it is not for this reader."""
    if not judgements:
        return ["sealed until you have given yours"]
    return [f"{key} {judgement}" for key, judgement in judgements.items() if judgement is not Judgement.CLEAR] or [
        "all clear"
    ]
