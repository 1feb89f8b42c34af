"""``starter list``: the session list."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import RenderableType

from domain import candidacy, lists
from domain.candidacy import CandidacyState, Stage, Word
from domain.errors import Refusal, StaleContent
from domain.ledger import CaseRow
from domain.lists import (
    BureauDecision,
    DecisionOutcome,
    Drafting,
    ListAct,
    ListPlan,
    ListState,
    Proposal,
    Ratification,
    RatificationOutcome,
    SeatLaw,
    Standing,
    Votes,
)
from domain.model import Model
from domain.people import SeatKind
from domain.steps import CaseKind
from starter import files, show
from starter.calling import Call, Noun, Reply, pass_call
from starter.commands.common import choice, dry_run, each, receipt
from starter.references import LIST, SESSION

if TYPE_CHECKING:
    from starter.desk import Desk, Taken

_SHORTEST_HASH: Final = 12

hash_ = click.option(
    "--hash",
    "digest",
    required=True,
    metavar="H",
    help=f"The hash of the list as it was read: all of it, or its first {_SHORTEST_HASH} digits or more.",
)
reason = click.option("--reason", metavar="TEXT", help="Why; needed wherever the list does not go on.")


@click.group("list", cls=Noun)
def list_() -> None:
    """The session list: draft, propose, decide, ratify.

    A proposed list is frozen under a hash of its content. Every later act names that hash, and an act on another
    version than the one on the table is refused.
    """


@list_.command("draft", example="starter list draft list-2026.yaml --session 2026 --dry-run")
@click.argument("file")
@click.option("--session", required=True, type=SESSION, metavar="REF", help="The session.")
@click.option("--reason", metavar="TEXT", help="Why another draft is made.")
@dry_run
@pass_call
async def draft(call: Call, file: str, *, session: str, reason: str | None, dry_run: bool) -> Reply:
    """Draft the session's list from FILE, or put another draft on the table.

    FILE is YAML or JSON with seats (candidacy and seat, general or reserved), reserve in its ranking, and not_retained.
    Nobody is refused by being left out. Nobody is told anything by a draft.
    """
    drafting = files.build(Drafting, plan=files.read(file, ListPlan), reason=reason)
    desk = await call.desk()
    state = await desk.session(session)
    law = SeatLaw(seats=state.plan.seats, reserved=state.plan.reserved_seats)
    counts = _counts(law, drafting.plan)
    if dry_run:
        standings = await _standings(desk, drafting.plan)
        under_way = next((row for row in await desk.cases(session=session, kind=CaseKind.LIST) if not row.ended), None)
        lists.check_seats(law, drafting.plan, standings)
        lists.check_members(under_way.reference if under_way else "", session, drafting.plan, (), standings)
        told = f"could be drafted: {_counted(counts)}"
        return Reply({"dry_run": True, "seats": counts}, [f"This list {told}"])
    return _drafted(await desk.draft_list(state, drafting), counts, "drafted")


@list_.command("amend", example='starter list amend L-2026-1 list-2026-v2.yaml --reason "Two seats were vacated"')
@click.argument("reference", metavar="REF", type=LIST)
@click.argument("file")
@click.option("--reason", metavar="TEXT", help="Why.")
@pass_call
async def amend(call: Call, reference: str, file: str, *, reason: str | None) -> Reply:
    """Draft a new version of a list in force from FILE.

    An amendment fills vacant seats and takes none away. The content in force stays in force until the new version is
    adopted in its turn.
    """
    drafting = files.build(Drafting, plan=files.read(file, ListPlan), reason=reason)
    desk = await call.desk()
    state = await _state(desk, reference)
    taken = await desk.act_on_list(reference, ListAct.AMEND, drafting)
    return _drafted(taken, _counts(state.law, drafting.plan), "amended")


@list_.command("propose", example="starter list propose L-2026-1 --hash 3f9a0c1b7d2e")
@click.argument("reference", metavar="REF", type=LIST)
@hash_
@pass_call
async def propose(call: Call, reference: str, *, digest: str) -> Reply:
    """Propose the list, in the President's name, as it stands under a hash.

    From here on the list is frozen, and its candidacies are proposed or on the reserve.
    """
    desk = await call.desk()
    full = resolve(await _state(desk, reference), digest)
    taken = await desk.act_on_list(reference, ListAct.PROPOSE, files.build(Proposal, hash=full))
    return Reply(receipt(taken), [show.taken(taken, "proposed")])


@list_.command(
    "decide",
    example="starter list decide L-2026-1 --hash 3f9a0c1b7d2e --outcome adopted --for 12 --against 3 "
    '--reference "Bureau, 26 January 2026, item 7" --dry-run',
)
@click.argument("reference", metavar="REF", type=LIST)
@hash_
@click.option("--outcome", required=True, type=click.Choice(("adopted", "sent-back", "rejected")))
@click.option("--for", "in_favour", required=True, type=int, metavar="N", help="Votes for.")
@click.option("--against", required=True, type=int, metavar="N", help="Votes against.")
@click.option("--abstain", "abstentions", default=0, type=int, metavar="N", help="Abstentions; they are no votes.")
@click.option("--recused", multiple=True, metavar="NAME", help="Who took no part; may be given several times.")
@click.option("--president", type=click.Choice(("for", "against")), help="The President's vote; only on a tie.")
@click.option("--reference", "minutes", required=True, metavar="TEXT", help="Where the decision is written down.")
@reason
@dry_run
@pass_call
async def decide(
    call: Call,
    reference: str,
    *,
    digest: str,
    outcome: str,
    in_favour: int,
    against: int,
    abstentions: int,
    recused: tuple[str, ...],
    president: str | None,
    minutes: str,
    reason: str | None,
    dry_run: bool,
) -> Reply:
    """Record what the Bureau decided about the proposed list.

    Each candidacy on it is then told the outcome, once. With --dry-run it says how many would be told what, and how
    many letters would go out. The President votes only on a tie (Rule 14.3 of the Assembly).
    """
    votes = files.build(
        Votes,
        options={"in_favour": "--for", "abstentions": "--abstain", "recusals": "--recused"},
        in_favour=in_favour,
        against=against,
        abstentions=abstentions,
        recusals=recused,
        president=None if president is None else president == "for",
    )
    desk = await call.desk()
    state = await _state(desk, reference)
    decision = files.build(
        BureauDecision,
        hash=resolve(state, digest),
        outcome=DecisionOutcome(outcome.replace("-", "_")),
        votes=votes,
        reference=minutes,
        reason=reason,
    )
    return await _record(desk, state, ListAct.DECIDE, decision, outcome.replace("-", " "), dry_run=dry_run)


@list_.command(
    "ratify", example='starter list ratify L-2026-1 --hash 3f9a0c1b7d2e --outcome ratified --reference "Sitting 2"'
)
@click.argument("reference", metavar="REF", type=LIST)
@hash_
@click.option("--outcome", required=True, type=choice(RatificationOutcome))
@click.option("--reference", "minutes", required=True, metavar="TEXT", help="Where the decision is written down.")
@reason
@dry_run
@pass_call
async def ratify(
    call: Call,
    reference: str,
    *,
    digest: str,
    outcome: str,
    minutes: str,
    reason: str | None,
    dry_run: bool,
) -> Reply:
    """Record what the plenary decided about the adopted list.

    Where the session asks for ratification, participation begins with it, or with the session's opening if that is
    later.
    """
    desk = await call.desk()
    state = await _state(desk, reference)
    ratification = files.build(
        Ratification, hash=resolve(state, digest), outcome=outcome, reference=minutes, reason=reason
    )
    done = "ratified" if ratification.outcome is RatificationOutcome.RATIFIED else "ratification refused"
    return await _record(desk, state, ListAct.RATIFY, ratification, done, dry_run=dry_run)


@list_.command("show", example="starter list show L-2026-1")
@click.argument("reference", metavar="REF", type=LIST)
@pass_call
async def show_list(call: Call, reference: str) -> Reply:
    """Show the list on the table: its hash, its seats, its reserve.

    For a list in force also the vacancies, and who of the reserve may follow under the law of seats.
    """
    desk = await call.desk()
    state = await _state(desk, reference)
    rows = {row.reference: row for row in await desk.cases(session=state.terms.session, kind=CaseKind.CANDIDACY)}
    sheet = Sheet.of(state, rows)
    return Reply(sheet.document(), sheet.shown())


@list_.command("list", example="starter list list --session 2026")
@click.option("--session", type=SESSION, metavar="REF", help="Only lists of this session.")
@pass_call
async def list_lists(call: Call, *, session: str | None) -> Reply:
    """List the lists.

    A session has one list under way at a time; those before it were rejected.
    """
    desk = await call.desk()
    rows = await desk.cases(session=session, kind=CaseKind.LIST)
    return Reply({"lists": rows}, [show.cases("Lists", rows)])


def resolve(state: ListState, digest: str) -> str:
    """The full hash that the first digits stand for.

    Raises:
        StaleContent: They are not those of the version on the table.
    """
    given = digest.lower()
    if not _SHORTEST_HASH <= len(given) <= len(state.hash) or set(given) - set("0123456789abcdef"):
        raise click.BadParameter(
            f"must be {_SHORTEST_HASH} to {len(state.hash)} hexadecimal digits", param_hint="'--hash'"
        )
    if not state.hash.startswith(given):
        raise StaleContent(
            f"the list on the table is version {state.version} under {state.hash[:_SHORTEST_HASH]}…, "
            f"not {given[:_SHORTEST_HASH]}…",
            rule="list-hash",
        )
    return state.hash


@dataclass(frozen=True)
class Sheet:
    """A list as it is read: the version on the table, and how its candidacies stand."""

    state: ListState
    stages: Mapping[str, str]
    followers: tuple[lists.Place, ...]

    @classmethod
    def of(cls, state: ListState, rows: Mapping[str, CaseRow]) -> "Sheet":
        """Put a list and the candidacies of its session together."""
        standings = {
            reference: Standing(
                reference=reference,
                workflow_id=row.workflow_id,
                stage=Stage(row.stage),
                seat=SeatKind(row.seat or SeatKind.GENERAL),
            )
            for reference, row in rows.items()
        }
        in_force = state.stage is state.final
        return cls(
            state=state,
            stages={reference: row.stage for reference, row in rows.items()},
            followers=lists.may_follow(state, standings) if in_force else (),
        )

    def document(self) -> dict[str, Any]:
        """For a program."""
        state = self.state
        return {
            "reference": state.reference,
            "session": state.terms.session,
            "stage": state.stage,
            "version": state.version,
            "hash": state.hash,
            "in_force": state.stage is state.final,
            "seats": _counts(state.law, state.plan),
            "places": [self._place(place.candidacy) | {"seat": place.seat} for place in state.plan.seats],
            "reserve": [
                {"rank": rank} | self._place(candidacy) for rank, candidacy in enumerate(state.plan.reserve, 1)
            ],
            "not_retained": [self._place(candidacy) for candidacy in state.plan.not_retained],
            "vacated": state.vacated,
            "may_follow": self.followers,
        }

    def shown(self) -> list[RenderableType]:
        """For a person."""
        state, plan = self.state, self.state.plan
        parts: list[RenderableType] = [
            show.facts(
                f"List {state.reference}",
                {
                    "stage": f"{state.stage}, version {state.version}",
                    "hash": state.hash,
                    "seats": _counted(_counts(state.law, plan)),
                    "vacated": show.listed(state.vacated),
                    "may follow": show.listed(f"{place.candidacy} ({place.seat})" for place in self.followers),
                },
            ),
            show.table(
                "Seats",
                ("candidacy", "seat", "stage"),
                [(place.candidacy, place.seat, self._stage(place.candidacy)) for place in plan.seats],
            ),
        ]
        if plan.reserve:
            ranked = [(candidacy, rank, self._stage(candidacy)) for rank, candidacy in enumerate(plan.reserve, 1)]
            parts.append(show.table("Reserve", ("candidacy", "rank", "stage"), ranked))
        if plan.not_retained:
            left = [(candidacy, self._stage(candidacy)) for candidacy in plan.not_retained]
            parts.append(show.table("Not retained", ("candidacy", "stage"), left))
        return parts

    def _stage(self, candidacy: str) -> str:
        return self.stages.get(candidacy, "unknown")

    def _place(self, candidacy: str) -> dict[str, Any]:
        return {"candidacy": candidacy, "stage": self._stage(candidacy)}


@dataclass(frozen=True)
class Foretold:
    """What a decision would lead to: how many candidacies are told what, and how many letters that makes.

    ``fresh`` is false where the same decision was taken before, and nothing would be done again.
    """

    fresh: bool
    told: Mapping[str, int]
    letters: Mapping[str, int]

    @classmethod
    def of(
        cls, state: ListState, act: ListAct, envelope: Any, cases: Mapping[str, CandidacyState], at: datetime
    ) -> "Foretold":
        """Ask the law, of the list and of every candidacy it tells.

        Raises:
            Refusal: A rule forbids the decision.
        """
        told: Counter[str] = Counter()
        letters: Counter[str] = Counter()
        try:
            lists.check_list_command(state, envelope, at)
        except Refusal:
            if state.earlier(envelope.command) is None:
                raise
            return cls(fresh=False, told=told, letters=letters)
        by_workflow = {case.workflow_id: case for case in cases.values()}
        for dispatch in lists.command(state, envelope, at, {}).dispatches:
            word = Word.model_validate(dispatch.content)
            told[word.act] += 1
            case = by_workflow.get(dispatch.workflow_id)
            if case is not None and not case.ended:
                heard = candidacy.hear(case, word, at)
                by_workflow[dispatch.workflow_id] = heard.state
                letters[word.act] += len(heard.notices)
        return cls(fresh=True, told=told, letters=letters)


async def _record(desk: "Desk", state: ListState, act: ListAct, content: Model, done: str, *, dry_run: bool) -> Reply:
    if not dry_run:
        taken = await desk.act_on_list(state.reference, act, content)
        return Reply(receipt(taken), [show.taken(taken, done)])
    envelope = desk.close_over(act, state.reference, content, basis=state.seq)
    cases = await _cases(desk, state.members)
    foretold = Foretold.of(state, act, envelope, cases, state.terms.clock.reading(datetime.now(UTC)))
    rows = [(what, number, foretold.letters.get(what, 0)) for what, number in foretold.told.items()]
    candidacies, letters = sum(foretold.told.values()), sum(foretold.letters.values())
    document = {
        "dry_run": True,
        "fresh": foretold.fresh,
        "told": foretold.told,
        "letters": foretold.letters,
        "letters_in_all": letters,
    }
    if not foretold.fresh:
        return Reply(document, [f"{state.reference}: taken before, nothing would be done again."])
    title = f"{show.counted(candidacies, 'candidacy')} would be told, by {show.counted(letters, 'letter')}"
    return Reply(document, [show.table(title, ("told", "candidacies", "letters"), rows)])


async def _state(desk: "Desk", reference: str) -> ListState:
    return ListState.model_validate((await desk.case(reference)).state)


async def _cases(desk: "Desk", references: Mapping[str, str] | tuple[str, ...]) -> dict[str, CandidacyState]:
    files = await each(references, desk.case)
    return {file.row.reference: CandidacyState.model_validate(file.state) for file in files}


async def _standings(desk: "Desk", plan: ListPlan) -> dict[str, Standing]:
    known = {row.reference for row in await desk.cases(kind=CaseKind.CANDIDACY)}
    cases = await _cases(desk, tuple(reference for reference in plan.everybody if reference in known))
    return {
        reference: Standing(
            reference=reference,
            workflow_id=state.workflow_id,
            stage=state.stage,
            seat=state.nomination.seat,
            list_reference=state.list_reference,
        )
        for reference, state in cases.items()
    }


def _counts(law: SeatLaw, plan: ListPlan) -> dict[str, int]:
    given = Counter(place.seat for place in plan.seats)
    return {
        "general": given[SeatKind.GENERAL],
        "general_at_most": law.general,
        "reserved": given[SeatKind.RESERVED],
        "of_all": law.seats,
        "empty": law.seats - len(plan.seats),
        "reserve": len(plan.reserve),
        "not_retained": len(plan.not_retained),
    }


def _counted(counts: Mapping[str, int]) -> str:
    return (
        f"{counts['general']} general (at most {counts['general_at_most']}) and {counts['reserved']} reserved of "
        f"{counts['of_all']}, {counts['empty']} empty; {counts['reserve']} on the reserve, "
        f"{counts['not_retained']} not retained"
    )


def _drafted(taken: "Taken", counts: Mapping[str, int], done: str) -> Reply:
    details = taken.receipt.details
    text = [show.taken(taken, done), f"Hash: {details['hash']} (version {details['version']})", _counted(counts)]
    return Reply(receipt(taken) | {"seats": counts}, text)
