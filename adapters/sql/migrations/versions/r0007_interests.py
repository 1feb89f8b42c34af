"""Officers' interests, and the marks by which they and earlier nominations are found in a nomination."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.util import await_only

from adapters.sql.cells import Cells, state_of
from domain.candidacy import CandidacyState
from domain.keys import key_of
from domain.traces import traces

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Reference = sa.Text(collation="C")
Instant = sa.DateTime(timezone=True)

ABOUT = "'candidate', 'alias', 'nominator', 'address', 'organisation', 'written', 'born', 'year', 'day'"


def upgrade() -> None:
    """Create the tables, and mark every nomination that is not erased."""
    op.create_table(
        "traces",
        sa.Column("person", sa.Text, nullable=False, comment="whose: session and fingerprint"),
        sa.Column("about", sa.Text, nullable=False, comment="what of the nomination it is of"),
        sa.Column("mark", sa.Text, nullable=False, comment="keyed fingerprint"),
        sa.PrimaryKeyConstraint("person", "about", "mark", name="traces_pkey"),
        sa.CheckConstraint(f"about IN ({ABOUT})", name=op.f("traces_about_check")),
        comment="what nominations have in common with each other and with interests; taken out when a person is erased",
    )
    op.create_index("traces_mark_idx", "traces", ["mark"])
    op.create_table(
        "interests",
        sa.Column("n", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="order of writing"),
        sa.Column("officer", sa.Text, nullable=False, comment="officer who declared it, by number"),
        sa.Column("about", sa.Text, nullable=False, comment="what it is: a person, an organisation, an address"),
        sa.Column("mark", sa.Text, nullable=False, comment="keyed fingerprint"),
        sa.Column("at", Instant, nullable=False, comment="from when it holds; clock time"),
        sa.Column("command", sa.BigInteger, nullable=True, comment="signed command that holds what was declared"),
        sa.Column("place", sa.SmallInteger, nullable=True, comment="which of the names in that command, from 1"),
        sa.Column("case_reference", Reference, nullable=True, comment="case in which it was declared"),
        sa.PrimaryKeyConstraint("n", name="interests_pkey"),
        sa.ForeignKeyConstraint(["case_reference"], ["cases.reference"], name="interests_case_reference_fkey"),
        sa.ForeignKeyConstraint(["command"], ["commands.n"], name="interests_command_fkey"),
        sa.CheckConstraint("about IN ('candidate', 'organisation', 'address')", name=op.f("interests_about_check")),
        comment="what officers have declared an interest in; only ever added to",
    )
    op.create_index("interests_mark_idx", "interests", ["mark"])
    op.create_index("interests_officer_n_idx", "interests", ["officer", "n"])
    op.create_table(
        "interest_ends",
        sa.Column("interest", sa.BigInteger, nullable=False, comment="what is withdrawn"),
        sa.Column("command", sa.BigInteger, nullable=False, comment="signed command"),
        sa.Column("at", Instant, nullable=False, comment="from when it holds no more; clock time"),
        sa.PrimaryKeyConstraint("interest", name="interest_ends_pkey"),
        sa.ForeignKeyConstraint(["interest"], ["interests.n"], name="interest_ends_interest_fkey"),
        sa.ForeignKeyConstraint(["command"], ["commands.n"], name="interest_ends_command_fkey"),
        comment="interests that were withdrawn; only ever added to",
    )
    for table in ("interests", "interest_ends"):
        op.execute(
            f"CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER kept_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    _mark_nominations()


def downgrade() -> None:
    """Drop the tables, and with them what officers declared."""
    for table in ("interest_ends", "interests", "traces"):
        op.drop_table(table)


def _mark_nominations() -> None:
    keys = context.config.attributes["keys"]
    connection = op.get_bind()
    known = connection.execute(
        sa.text("SELECT reference, workflow_id, seq, state FROM cases WHERE kind = 'candidacy' AND erased IS NULL")
    ).all()
    written = sa.text("INSERT INTO traces (person, about, mark) VALUES (:person, :about, :mark) ON CONFLICT DO NOTHING")
    for case in known:
        state = await_only(Cells(keys).read(state_of(case.reference, case.seq), case.state))
        found = sorted(traces(CandidacyState.model_validate(state).nomination))
        marks = await_only(keys.marks([trace.text for trace in found]))
        person = key_of(case.workflow_id)
        rows = [
            {"person": person, "about": trace.about.value, "mark": mark}
            for trace, mark in zip(found, marks, strict=True)
        ]
        connection.execute(written, rows)
