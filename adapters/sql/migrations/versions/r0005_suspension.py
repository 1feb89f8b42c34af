"""Suspensions: their cases and stages, their letters, and readers of whom there may be several."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SESSION = ("open", "closed")
LIST = ("drafted", "proposed", "adopted", "ratified", "rejected", "closed")
CANDIDACY_BEFORE = (
    "nominated",
    "vetting",
    "information_requested",
    "cleared",
    "proposed",
    "reserve",
    "approved",
    "participant",
    "lapsed",
    "declined",
    "ineligible",
    "not_retained",
    "withdrawn",
    "expired",
)
CANDIDACY = (
    "nominated",
    "vetting",
    "information_requested",
    "cleared",
    "proposed",
    "reserve",
    "approved",
    "participant",
    "suspended",
    "lapsed",
    "declined",
    "ineligible",
    "not_retained",
    "withdrawn",
    "excluded",
    "deceased",
    "expired",
)
SUSPENSION = (
    "opened",
    "hearing",
    "review",
    "decided",
    "upheld",
    "lifted",
    "excluded",
    "void",
    "lapsed_with_session",
    "expired",
    "withdrawn",
    "deceased",
)
TEMPLATES_BEFORE = (
    "receipt",
    "invitation",
    "reminder",
    "lapsed",
    "declined",
    "declared",
    "ineligible",
    "information_request",
    "information_reminder",
    "information_closed",
    "approved",
    "reserve",
    "not_retained",
    "ratification_refused",
    "participation",
    "dates_changed",
    "expiry_notice",
    "expired",
    "withdrawn",
    "desk_vetting_reminder",
    "desk_third_assessment",
    "desk_unresolved",
    "desk_overdue",
    "desk_letter",
)
TEMPLATES_NEW = (
    "suspension_opened",
    "further_ground",
    "hearing",
    "hearing_extended",
    "hearing_reminder",
    "observations_received",
    "suspension_lifted",
    "suspension_upheld",
    "excluded",
    "suspension_void",
    "suspension_reversed",
    "suspension_closed",
    "secretariat_measure",
    "secretariat_end",
    "bureau_referral",
    "desk_measure_reminder",
    "desk_vacancy",
)
ROLES_BEFORE = ("candidate", "nominator", "desk")
ROLES = (*ROLES_BEFORE, "bureau", "secretariat")
BEFORE = {"session": SESSION, "candidacy": CANDIDACY_BEFORE, "list": LIST}
AFTER = {"session": SESSION, "candidacy": CANDIDACY, "list": LIST, "suspension": SUSPENSION}
REFERENCES_BEFORE = "C-2026-0007, L-2026-1, 2026"
REFERENCES = "C-2026-0007, L-2026-1, S-2026-0003, 2026"
DECISION = ("case_reference", "seq", "template", "role", "language", "about")


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _check(table: str, column: str, condition: str) -> None:
    name = op.f(f"{table}_{column}_check")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, condition)


def _one_of(table: str, column: str, words: Sequence[str]) -> None:
    _check(table, column, f"{column} IN ({_quoted(words)})")


def _stages(of: dict[str, tuple[str, ...]]) -> None:
    for table in ("counters", "cases"):
        _one_of(table, "kind", tuple(of))
    _check(
        "cases",
        "stage",
        " OR ".join(f"kind = '{kind}' AND stage IN ({_quoted(stages)})" for kind, stages in of.items()),
    )


def _readers(columns: Sequence[str]) -> None:
    op.drop_constraint("letters_decision_key", "letters", type_="unique")
    op.create_unique_constraint("letters_decision_key", "letters", columns)


def upgrade() -> None:
    """Let in what suspensions bring."""
    _stages(AFTER)
    op.alter_column("cases", "reference", comment=REFERENCES, existing_comment=REFERENCES_BEFORE)
    _one_of("letters", "template", (*TEMPLATES_BEFORE, *TEMPLATES_NEW))
    _one_of("letters", "role", ROLES)
    op.add_column(
        "letters",
        sa.Column(
            "reader",
            sa.SmallInteger,
            nullable=False,
            server_default=sa.text("1"),
            comment="which of the readers in this role, from 1",
        ),
    )
    _readers((*DECISION, "reader"))


def downgrade() -> None:
    """Keep it out again; fails where a suspension stands in the register."""
    _readers(DECISION)
    op.drop_column("letters", "reader")
    _one_of("letters", "role", ROLES_BEFORE)
    _one_of("letters", "template", TEMPLATES_BEFORE)
    op.alter_column("cases", "reference", comment=REFERENCES_BEFORE, existing_comment=REFERENCES)
    _stages(BEFORE)
