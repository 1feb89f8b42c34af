"""Who may act: signed commands, keys, appointments, what steps tell each other, readings and incidents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Reference = sa.Text(collation="C")
Instant = sa.DateTime(timezone=True)

OFFICES = (
    "'desk-officer', 'vetting-officer', 'head-of-desk', 'president', 'bureau-clerk', 'reviewer',"
    " 'data-protection-officer'"
)


KEPT = ("told", "commands", "keys", "appointments", "revocations", "readings", "incidents")
"""Only ever added to."""


def _number() -> sa.Column[int]:
    return sa.Column("n", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="order of writing")


def upgrade() -> None:
    """Add the columns and the tables."""
    for column in (
        sa.Column("addressed", sa.Text, comment="case as the command names it"),
        sa.Column("basis", sa.Integer, comment="last step that the signer had seen"),
        sa.Column("taken", Instant, comment="when a worker took it; clock time"),
        sa.Column("imprint", sa.Text, comment="digest of the state after the step; the next step must stand on it"),
    ):
        op.add_column("events", column)
    op.alter_column(
        "events",
        "signer",
        comment="person who signed the command",
        existing_comment="officer who signed the command",
        existing_type=sa.Text,
    )
    op.create_unique_constraint("events_nonce_key", "events", ["nonce"])
    op.create_table(
        "told",
        sa.Column("case_reference", Reference, nullable=False, comment="case that tells"),
        sa.Column("seq", sa.Integer, nullable=False, comment="its step"),
        sa.Column(
            "hearer",
            sa.Text,
            nullable=False,
            comment="workflow that is told; that of a session for all of its cases",
        ),
        sa.Column("decision", sa.Text, nullable=False, comment="id of the word"),
        sa.Column("digest", sa.Text, nullable=False, comment="digest of what is said"),
        sa.PrimaryKeyConstraint("case_reference", "seq", "hearer", "decision", name="told_pkey"),
        sa.ForeignKeyConstraint(
            ["case_reference", "seq"], ["events.case_reference", "events.seq"], name="told_case_reference_seq_fkey"
        ),
        comment="what each step tells other cases, by which they know that it was said; only ever added to",
    )
    op.create_index("told_hearer_decision_idx", "told", ["hearer", "decision"])
    op.create_table(
        "commands",
        _number(),
        sa.Column("power", sa.Text, nullable=False, comment="what it does"),
        sa.Column("act", sa.Text, nullable=False, comment="the act, as it was signed"),
        sa.Column(
            "addressed", sa.Text, nullable=False, comment="letter, or part of the register, as the command names it"
        ),
        sa.Column("content", sa.LargeBinary, nullable=False, comment="personal: the command itself"),
        sa.Column("content_hash", sa.Text, nullable=False, comment="digest the command was closed over"),
        sa.Column("basis", sa.Integer, nullable=False, comment="last step that the signer had seen"),
        sa.Column("issued", Instant, nullable=False, comment="when it was signed; the signer's clock"),
        sa.Column("nonce", sa.Text, nullable=False, comment="random part of the command"),
        sa.Column("signer", sa.Text, nullable=False, comment="person who signed it"),
        sa.Column("key", sa.Text, nullable=False, comment="key it was signed with"),
        sa.Column("signature", sa.Text, nullable=False, comment="its signature"),
        sa.Column("taken", Instant, nullable=False, comment="when a worker took it; clock time"),
        sa.Column("by", sa.Text, nullable=False, comment="attempt that took it"),
        sa.PrimaryKeyConstraint("n", name="commands_pkey"),
        sa.UniqueConstraint("nonce", name="commands_nonce_key"),
        comment="every signed command that is no step of a case; only ever added to",
    )
    op.create_table(
        "keys",
        sa.Column("key", sa.Text, nullable=False, comment="thumbprint of the public key"),
        sa.Column("person", sa.Text, nullable=False, comment="officer whose key it is, by number"),
        sa.Column("public", JSONB, nullable=False, comment="public key, as a JSON Web Key"),
        sa.PrimaryKeyConstraint("key", name="keys_pkey"),
        comment="every key that was ever admitted; only ever added to",
    )
    op.create_table(
        "appointments",
        _number(),
        sa.Column("command", sa.BigInteger, nullable=True, comment="signed command; none for the first head of desk"),
        sa.Column("person", sa.Text, nullable=False, comment="officer, by number"),
        sa.Column("key", sa.Text, nullable=False, comment="key the office is held through"),
        sa.Column("office", sa.Text, nullable=False, comment="office"),
        sa.Column("since", Instant, nullable=False, comment="first instant at which it is held; clock time"),
        sa.Column("until", Instant, nullable=True, comment="first instant at which it is over; clock time"),
        sa.PrimaryKeyConstraint("n", name="appointments_pkey"),
        sa.ForeignKeyConstraint(["command"], ["commands.n"], name="appointments_command_fkey"),
        sa.ForeignKeyConstraint(["key"], ["keys.key"], name="appointments_key_fkey"),
        sa.UniqueConstraint("command", name="appointments_command_key"),
        sa.CheckConstraint(f"office IN ({OFFICES})", name=op.f("appointments_office_check")),
        comment="who holds which office; only ever added to",
    )
    op.create_index("appointments_key_idx", "appointments", ["key"])
    op.create_table(
        "revocations",
        sa.Column("appointment", sa.BigInteger, nullable=False, comment="what it ends"),
        sa.Column("command", sa.BigInteger, nullable=False, comment="signed command"),
        sa.Column("at", Instant, nullable=False, comment="when it was taken; clock time"),
        sa.PrimaryKeyConstraint("appointment", name="revocations_pkey"),
        sa.ForeignKeyConstraint(["appointment"], ["appointments.n"], name="revocations_appointment_fkey"),
        sa.ForeignKeyConstraint(["command"], ["commands.n"], name="revocations_command_fkey"),
        comment="appointments that were ended before their time; only ever added to",
    )
    op.create_table(
        "readings",
        _number(),
        sa.Column("at", Instant, nullable=False, comment="when; clock time"),
        sa.Column("reader", sa.Text, nullable=False, comment="officer who read, by number"),
        sa.Column("key", sa.Text, nullable=False, comment="key the question was signed with"),
        sa.Column("about", sa.Text, nullable=False, comment="what was asked"),
        sa.Column("reference", Reference, nullable=True, comment="case or letter, of a question about one"),
        sa.Column("nonce", sa.Text, nullable=False, comment="random part of the question"),
        sa.Column("by", sa.Text, nullable=False, comment="attempt that answered it"),
        sa.PrimaryKeyConstraint("n", name="readings_pkey"),
        sa.UniqueConstraint("nonce", name="readings_nonce_key"),
        comment="every question that was put to the register; only ever added to",
    )
    op.create_index("readings_reference_n_idx", "readings", ["reference", "n"])
    op.create_table(
        "incidents",
        _number(),
        sa.Column("at", Instant, nullable=False, server_default=sa.func.now(), comment="when; clock time"),
        sa.Column("refusal", sa.Text, nullable=False, comment="how it was refused"),
        sa.Column("rule", sa.Text, nullable=False, comment="rule that forbade it"),
        sa.Column("power", sa.Text, nullable=False, comment="what it would have done"),
        sa.Column("place", sa.Text, nullable=False, comment="case, letter or workflow it was aimed at"),
        sa.Column("signer", sa.Text, nullable=True, comment="officer who is said to have signed it; not verified"),
        sa.Column("key", sa.Text, nullable=True, comment="key that is said to have signed it; not verified"),
        sa.Column("by", sa.Text, nullable=False, comment="attempt that was refused"),
        sa.PrimaryKeyConstraint("n", name="incidents_pkey"),
        sa.UniqueConstraint("by", name="incidents_by_key"),
        comment="what was refused for want of authority; only ever added to",
    )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER kept_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """Drop the tables and the columns."""
    for table in ("incidents", "readings", "revocations", "appointments", "keys", "commands", "told"):
        op.drop_table(table)
    op.drop_constraint("events_nonce_key", "events")
    op.alter_column(
        "events",
        "signer",
        comment="officer who signed the command",
        existing_comment="person who signed the command",
        existing_type=sa.Text,
    )
    for name in ("imprint", "taken", "basis", "addressed"):
        op.drop_column("events", name)
