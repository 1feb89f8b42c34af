"""``starter session``: a session of the platform."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import RenderableType

from domain import session as law
from domain.ledger import Affected, CaseFile
from domain.session import SessionAct, SessionAmendment, SessionPlan, SessionState
from domain.steps import CaseKind
from domain.timelimits import Limit
from starter import files, show
from starter.calling import Call, Noun, Reply, pass_call
from starter.commands.common import dry_run, reason, receipt
from starter.references import SESSION


class Span(click.ParamType[dict[str, str]]):
    """Two days with ".." between them: the first and the last of a part-session."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        """Part the two days; whether they are days, the model says."""
        opens, between, closes = str(value).partition("..")
        if not between:
            self.fail("must look like 2026-04-20..2026-04-24", param, ctx)
        return {"opens": opens, "closes": closes}


@click.group("session", cls=Noun)
def session() -> None:
    """Open a session, look at it, move its dates."""


@session.command("open", example="starter session open session-2026.yaml --dry-run")
@click.argument("file")
@dry_run
@pass_call
async def open_(call: Call, file: str, *, dry_run: bool) -> Reply:
    """Open the session that FILE describes.

    FILE is YAML or JSON with the session's reference, its dates (opens, closes, nominations_close, bureau_meets), its
    seats and, where they differ from the usual, reserved_share, rounding, ratification, part_sessions, closures, limits
    and clock. Its criteria are written out, or name another file, or are left out for those that are shipped. A session
    that is open already stays as it is.
    """
    plan = files.read_plan(file)
    desk = await call.desk()
    known = await desk.cases(session=plan.reference, kind=CaseKind.SESSION)
    if dry_run:
        if not known:
            envelope = desk.close_over(SessionAct.OPEN, plan.reference, plan)
            law.open_session(envelope, closed_days=(), at=plan.clock.reading(datetime.now(UTC)))
        told = "is open already and would stay as it is" if known else "would be opened"
        document = {"dry_run": True, "fresh": not known, "session": _plan(plan)}
        return Reply(document, [f"Session {plan.reference} {told}.", _plan_shown(plan)])
    taken = await desk.open_session(plan)
    if not taken.fresh:
        told = (
            f"Session {plan.reference} was opened before and stays as it was; `starter session amend` moves its dates."
        )
        return Reply(receipt(taken), [told])
    return Reply(receipt(taken), [show.taken(taken, "opened"), _plan_shown(plan)])


@session.command("show", example="starter session show 2026")
@click.argument("reference", metavar="REF", type=SESSION)
@pass_call
async def show_(call: Call, reference: str) -> Reply:
    """Show a session: its dates, its seats and its time-limits.

    Also what its calendar reads now, which for a walk-through is not what the clock says.
    """
    desk = await call.desk()
    state = state_of(await desk.case(reference))
    reading = state.plan.clock.reading(datetime.now(UTC))
    document = {
        "reference": state.reference,
        "stage": state.stage,
        "version": state.version,
        "now": reading,
        "session": _plan(state.plan),
        "closed_days": state.closed_days,
    }
    head = f"Session {reference} is {state.stage}; version {state.version}; its calendar reads {show.moment(reading)}."
    return Reply(document, [head, _plan_shown(state.plan)])


@session.command("amend", example='starter session amend 2026 --closes 2027-01-31 --reason "The part-session moved"')
@click.argument("reference", metavar="REF", type=SESSION)
@click.option("--opens", metavar="DAY", help="The day participation can begin.")
@click.option("--closes", metavar="DAY", help="The last day of the session.")
@click.option("--nominations-close", metavar="DAY", help="The last day for nominations.")
@click.option("--bureau-meets", metavar="DAY", help="The day the Bureau decides.")
@click.option(
    "--part-session",
    "part_sessions",
    multiple=True,
    type=Span(),
    metavar="DAY..DAY",
    help="A part-session, from day to day; may be given several times, and replaces those there are.",
)
@reason
@dry_run
@pass_call
async def amend(
    call: Call,
    reference: str,
    *,
    opens: str | None,
    closes: str | None,
    nominations_close: str | None,
    bureau_meets: str | None,
    part_sessions: tuple[dict[str, str], ...],
    reason: str,
    dry_run: bool,
) -> Reply:
    """Move dates of a session, and say whose own dates move with them.

    Every open case takes the new dates at once; who takes part, or is about to, is told by letter. With --dry-run it
    only says who would be affected. Days are written year-month-day.
    """
    amendment = files.build(
        SessionAmendment,
        options={"part_sessions": "--part-session"},
        opens=opens,
        closes=closes,
        nominations_close=nominations_close,
        bureau_meets=bureau_meets,
        part_sessions=part_sessions or None,
        reason=reason,
    )
    desk = await call.desk()
    if dry_run:
        would = await desk.preview_amendment(reference, amendment)
        return Reply({"dry_run": True, "affected": would}, [_affected_shown("Would be affected", would)])
    taken = await desk.amend_session(reference, amendment)
    affected = [Affected.model_validate(each) for each in taken.receipt.details.get("affected", ())]
    document = receipt(taken) | {"details": {}, "affected": affected}
    return Reply(document, [show.taken(taken, "amended"), _affected_shown("Affected", affected)])


def state_of(file: CaseFile) -> SessionState:
    """A session's state, as the ledger keeps it."""
    return SessionState.model_validate(file.state)


def _plan(plan: SessionPlan) -> dict[str, Any]:
    criteria = {"version": plan.criteria.version, "source": plan.criteria.source, "keys": plan.criteria.keys}
    return plan.model_dump() | {"reserved_seats": plan.reserved_seats, "criteria": criteria}


def _plan_shown(plan: SessionPlan) -> RenderableType:
    limits = plan.limits
    reminders = show.listed(limits.reminders)
    return show.facts(
        f"Session {plan.reference}",
        {
            "opens": show.day(plan.opens),
            "closes": show.day(plan.closes),
            "nominations close": show.day(plan.nominations_close),
            "Bureau meets": show.day(plan.bureau_meets),
            "part-sessions": show.listed(
                f"{show.day(part.opens)} to {show.day(part.closes)}" for part in plan.part_sessions
            ),
            "seats": f"{plan.seats}, of which {plan.reserved_seats} reserved (share {plan.reserved_share})",
            "ratification": "by the plenary" if plan.ratification else "not asked for",
            "time to answer": _limit(limits.answer),
            "time to vet": _limit(limits.vetting),
            "time for information": _limit(limits.information),
            "reminders": f"{reminders} days before" if reminders else "none",
            "notice of the end": f"{limits.expiry_notice} days before",
            "closures": show.listed(map(show.day, plan.closures)),
            "criteria": f"version {plan.criteria.version}: {', '.join(plan.criteria.keys)}",
            "calendar": plan.clock.policy if plan.clock.started is None else f"{plan.clock.speed:g} times as fast",
        },
    )


def _limit(limit: Limit) -> str | None:
    parts = ((limit.years, "year"), (limit.months, "month"), (limit.weeks, "week"), (limit.days, "day"))
    return show.listed(show.counted(number, unit) for number, unit in parts if number)


def _affected_shown(title: str, affected: Sequence[Affected]) -> RenderableType:
    rows = [(each.reference, each.stage, ", ".join(each.moved)) for each in affected]
    return show.table(f"{title} ({len(rows)})", ("case", "stage", "dates that move"), rows)
