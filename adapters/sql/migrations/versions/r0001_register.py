"""The register: cases, their steps, their letters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Reference = sa.Text(collation="C")
Instant = sa.DateTime(timezone=True)

LETTER_STATES = "'drafted', 'released', 'sending', 'sent', 'refused', 'unknown', 'withdrawn'"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "counters",
        sa.Column("kind", sa.Text, nullable=False, comment="kind of case"),
        sa.Column("session", sa.Text, nullable=False, comment="session the numbers belong to"),
        sa.Column("last", sa.Integer, nullable=False, comment="last number allotted"),
        sa.PrimaryKeyConstraint("kind", "session", name="counters_pkey"),
        sa.CheckConstraint("kind IN ('session', 'candidacy', 'list')", name=op.f("counters_kind_check")),
        sa.CheckConstraint("last >= 1", name=op.f("counters_last_check")),
        comment="numbers of cases, allotted without a gap",
    )
    op.create_table(
        "cases",
        sa.Column("reference", Reference, nullable=False, comment="C-2026-0007, L-2026-1, 2026"),
        sa.Column("kind", sa.Text, nullable=False, comment="kind of case"),
        sa.Column("session", sa.Text, nullable=False, comment="session the case belongs to"),
        sa.Column(
            "number", sa.Integer, nullable=False, comment="number of the case among those of its kind in its session"
        ),
        sa.Column("workflow_id", sa.Text, nullable=False, comment="workflow that carries the case"),
        sa.Column("stage", sa.Text, nullable=False, comment="where the case stands"),
        sa.Column("ended", sa.Boolean, nullable=False, comment="whether nothing can happen to it any more"),
        sa.Column("seat", sa.Text, nullable=True, comment="kind of seat of a candidacy"),
        sa.Column("deadline", Instant, nullable=True, comment="what it waits for next; calendar time"),
        sa.Column("seq", sa.Integer, nullable=False, comment="number of its last step"),
        sa.Column(
            "state", JSONB, nullable=False, comment="personal: the whole case, as its workflow is started again from it"
        ),
        sa.Column("opened_at", Instant, nullable=False, comment="when its first step was taken; calendar time"),
        sa.Column("changed_at", Instant, nullable=False, comment="when its last step was taken; calendar time"),
        sa.PrimaryKeyConstraint("reference", name="cases_pkey"),
        sa.UniqueConstraint("workflow_id", name="cases_workflow_id_key"),
        sa.UniqueConstraint("kind", "session", "number", name="cases_kind_session_number_key"),
        sa.CheckConstraint("kind IN ('session', 'candidacy', 'list')", name=op.f("cases_kind_check")),
        sa.CheckConstraint(
            "kind = 'session' AND stage IN ('open', 'closed')"
            " OR kind = 'candidacy' AND stage IN ('nominated', 'vetting', 'information_requested', 'cleared',"
            " 'proposed', 'reserve', 'approved', 'participant', 'lapsed', 'declined', 'ineligible', 'not_retained',"
            " 'withdrawn', 'expired')"
            " OR kind = 'list' AND stage IN ('drafted', 'proposed', 'adopted', 'ratified', 'rejected', 'closed')",
            name=op.f("cases_stage_check"),
        ),
        sa.CheckConstraint("seat IN ('general', 'reserved')", name=op.f("cases_seat_check")),
        sa.CheckConstraint("number >= 1", name=op.f("cases_number_check")),
        comment="every case as it stands: a projection of its workflow",
    )
    op.create_index("cases_deadline_idx", "cases", ["deadline"], postgresql_where=sa.text("NOT ended"))
    op.create_table(
        "events",
        sa.Column("case_reference", Reference, nullable=False, comment="case"),
        sa.Column("seq", sa.Integer, nullable=False, comment="number of the step within the case, from 1"),
        sa.Column("act", sa.Text, nullable=False, comment="what was done"),
        sa.Column(
            "trigger", sa.Text, nullable=False, comment="what set it off: an officer, a time-limit, another case"
        ),
        sa.Column("at", Instant, nullable=False, comment="when it was taken; calendar time"),
        sa.Column(
            "recorded_at",
            Instant,
            nullable=False,
            server_default=sa.func.now(),
            comment="when it was written here; clock time",
        ),
        sa.Column("stage_before", sa.Text, nullable=False, comment="where the case stood; empty for the first step"),
        sa.Column("stage", sa.Text, nullable=False, comment="where the case stood afterwards"),
        sa.Column(
            "decision", sa.Text, nullable=False, comment="id of the command or word, the same each time it is sent"
        ),
        sa.Column("signer", sa.Text, nullable=True, comment="officer who signed the command"),
        sa.Column("content_hash", sa.Text, nullable=True, comment="digest the command was closed over"),
        sa.Column("issued", Instant, nullable=True, comment="when the command was signed; the signer's clock"),
        sa.Column("nonce", sa.Text, nullable=True, comment="random part of the command"),
        sa.Column("key", sa.Text, nullable=True, comment="key the command was signed with"),
        sa.Column("signature", sa.Text, nullable=True, comment="signature of the command"),
        sa.Column("content", JSONB, nullable=False, comment="personal: the command or word itself"),
        sa.Column("effects", ARRAY(sa.Text), nullable=False, comment="what the step brought about besides the stage"),
        sa.Column("state", JSONB, nullable=False, comment="personal: the whole case after the step"),
        sa.PrimaryKeyConstraint("case_reference", "seq", name="events_pkey"),
        sa.ForeignKeyConstraint(["case_reference"], ["cases.reference"], name="events_case_reference_fkey"),
        sa.UniqueConstraint("case_reference", "decision", name="events_case_reference_decision_key"),
        sa.CheckConstraint("trigger IN ('officer', 'time', 'case')", name=op.f("events_trigger_check")),
        sa.CheckConstraint("seq >= 1", name=op.f("events_seq_check")),
        comment="every step of every case; only ever added to",
    )
    op.create_table(
        "letters",
        sa.Column("reference", Reference, nullable=False, comment="C-2026-0007.3.1: case, step, number in the step"),
        sa.Column("case_reference", Reference, nullable=False, comment="case"),
        sa.Column("seq", sa.Integer, nullable=False, comment="step that decided it"),
        sa.Column("number", sa.SmallInteger, nullable=False, comment="number within the step, from 1"),
        sa.Column("template", sa.Text, nullable=False, comment="what it says"),
        sa.Column("role", sa.Text, nullable=False, comment="who reads it"),
        sa.Column("language", sa.Text, nullable=False, comment="language it is written in"),
        sa.Column(
            "about",
            sa.Text,
            nullable=False,
            comment="letter it is about, of a letter to the desk about a letter; else empty",
        ),
        sa.Column("name", sa.Text, nullable=False, comment="personal: the reader's name"),
        sa.Column("email", sa.Text, nullable=False, comment="personal: the reader's address"),
        sa.Column("subject", sa.Text, nullable=False, comment="subject; neutral by rule"),
        sa.Column("text", sa.Text, nullable=False, comment="personal: the letter as plain text"),
        sa.Column("html", sa.Text, nullable=False, comment="personal: the letter as HTML"),
        sa.Column(
            "message_id",
            sa.Text,
            nullable=False,
            comment="Message-ID, with angle brackets; the same at every attempt",
        ),
        sa.Column(
            "thread",
            sa.Text,
            nullable=True,
            comment="Message-ID of the first letter of the case to the same reader",
        ),
        sa.Column("state", sa.Text, nullable=False, comment="where it stands"),
        sa.Column("attempts", sa.Integer, nullable=False, comment="how often it was claimed for sending"),
        sa.Column("code", sa.Integer, nullable=True, comment="the mail server's last reply"),
        sa.Column(
            "written_at",
            Instant,
            nullable=False,
            server_default=sa.func.now(),
            comment="when it was decided; clock time",
        ),
        sa.Column(
            "changed_at",
            Instant,
            nullable=False,
            server_default=sa.func.now(),
            comment="when it came to its present state; clock time",
        ),
        sa.PrimaryKeyConstraint("reference", name="letters_pkey"),
        sa.ForeignKeyConstraint(
            ["case_reference", "seq"],
            ["events.case_reference", "events.seq"],
            name="letters_case_reference_seq_fkey",
        ),
        sa.UniqueConstraint("message_id", name="letters_message_id_key"),
        sa.UniqueConstraint("case_reference", "seq", "number", name="letters_case_reference_seq_number_key"),
        sa.UniqueConstraint(
            "case_reference", "seq", "template", "role", "language", "about", name="letters_decision_key"
        ),
        sa.CheckConstraint(
            "template IN ('receipt', 'invitation', 'reminder', 'lapsed', 'declined', 'declared', 'ineligible',"
            " 'information_request', 'information_reminder', 'information_closed', 'approved', 'reserve',"
            " 'not_retained', 'ratification_refused', 'participation', 'dates_changed', 'expiry_notice', 'expired',"
            " 'withdrawn', 'desk_vetting_reminder', 'desk_third_assessment', 'desk_unresolved', 'desk_overdue',"
            " 'desk_letter')",
            name=op.f("letters_template_check"),
        ),
        sa.CheckConstraint("role IN ('candidate', 'nominator', 'desk')", name=op.f("letters_role_check")),
        sa.CheckConstraint("language IN ('en', 'fr', 'ru')", name=op.f("letters_language_check")),
        sa.CheckConstraint(f"state IN ({LETTER_STATES})", name=op.f("letters_state_check")),
        sa.CheckConstraint("number >= 1", name=op.f("letters_number_check")),
        comment="every letter; one per step, template, reader and language",
    )
    op.create_index(
        "letters_unsent_idx",
        "letters",
        ["case_reference", "state"],
        postgresql_where=sa.text("state NOT IN ('sent', 'withdrawn')"),
    )
    op.create_table(
        "letter_events",
        sa.Column("n", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="order of writing"),
        sa.Column("letter", Reference, nullable=False, comment="letter"),
        sa.Column("at", Instant, nullable=False, server_default=sa.func.now(), comment="when; clock time"),
        sa.Column("state", sa.Text, nullable=False, comment="state it came to"),
        sa.Column("code", sa.Integer, nullable=True, comment="the mail server's reply"),
        sa.Column("signer", sa.Text, nullable=True, comment="officer who decided it"),
        sa.Column("reason", sa.Text, nullable=True, comment="personal: why, in the officer's words"),
        sa.PrimaryKeyConstraint("n", name="letter_events_pkey"),
        sa.ForeignKeyConstraint(["letter"], ["letters.reference"], name="letter_events_letter_fkey"),
        sa.CheckConstraint(f"state IN ({LETTER_STATES})", name=op.f("letter_events_state_check")),
        comment="what became of every letter since it was written; only ever added to",
    )
    op.create_index("letter_events_letter_n_idx", "letter_events", ["letter", "n"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("letter_events", "letters", "events", "cases", "counters"):
        op.drop_table(table)
