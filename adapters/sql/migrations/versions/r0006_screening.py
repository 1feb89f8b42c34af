"""Lists that people are screened against."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Reference = sa.Text(collation="C")
Instant = sa.DateTime(timezone=True)

FORMATS = "'ofac-csv', 'ofac-xml', 'eu-xml', 'un-xml', 'ftm-json', 'targets-csv'"
KINDS = "'sanctions', 'pep', 'wanted', 'foreign-agent', 'extremist', 'debarred', 'other'"
BEFORE_IT = (
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


def _templates(*words: str) -> None:
    quoted = ", ".join(f"'{word}'" for word in words)
    op.drop_constraint("letters_template_check", "letters")
    op.create_check_constraint(op.f("letters_template_check"), "letters", f"template IN ({quoted})")


def upgrade() -> None:
    """Create the tables, and let letters tell the desk of a hit."""
    _templates(*BEFORE_IT, "desk_hit")
    op.create_table(
        "watchlists",
        sa.Column("name", Reference, nullable=False, comment="the desk's own short name"),
        sa.Column("publisher", sa.Text, nullable=False, comment="whose list it is"),
        sa.Column("trust", sa.Text, nullable=False, comment="how far its publisher is trusted"),
        sa.Column("kind", sa.Text, nullable=False, comment="what it says of those who stand on it"),
        sa.Column("version", sa.Integer, nullable=False, comment="version in force"),
        sa.PrimaryKeyConstraint("name", name="watchlists_pkey"),
        sa.CheckConstraint(
            "trust IN ('official', 'allied', 'hostile', 'unknown')", name=op.f("watchlists_trust_check")
        ),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("watchlists_kind_check")),
        sa.CheckConstraint("version >= 1", name=op.f("watchlists_version_check")),
        comment="lists that people are screened against; public",
    )
    op.create_table(
        "watchlist_versions",
        sa.Column("list", Reference, nullable=False, comment="list"),
        sa.Column("version", sa.Integer, nullable=False, comment="number of the import, from 1"),
        sa.Column("format", sa.Text, nullable=False, comment="format it was published in"),
        sa.Column("source", sa.Text, nullable=False, comment="name of the file"),
        sa.Column("file", sa.Text, nullable=False, comment="digest of the file"),
        sa.Column("entries", sa.Integer, nullable=False, comment="people it names"),
        sa.Column("added", sa.Integer, nullable=False, comment="people the version before did not have"),
        sa.Column(
            "changed", sa.Integer, nullable=False, comment="people of whom the version before said something else"
        ),
        sa.Column("removed", sa.Integer, nullable=False, comment="people that only the version before had"),
        sa.Column("skipped", JSONB, nullable=False, comment="what was left out, by why"),
        sa.Column("imported_at", Instant, nullable=False, server_default=sa.func.now(), comment="when; clock time"),
        sa.Column("officer", sa.Text, nullable=False, comment="officer who ordered it"),
        sa.Column("key", sa.Text, nullable=False, comment="id of the import, the same each time it is tried"),
        sa.PrimaryKeyConstraint("list", "version", name="watchlist_versions_pkey"),
        sa.ForeignKeyConstraint(["list"], ["watchlists.name"], name="watchlist_versions_list_fkey", ondelete="CASCADE"),
        sa.UniqueConstraint("key", name="watchlist_versions_key_key"),
        sa.CheckConstraint(f"format IN ({FORMATS})", name=op.f("watchlist_versions_format_check")),
        comment="every import of a list; public",
    )
    op.create_table(
        "watchlist_entries",
        sa.Column("n", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="order of writing"),
        sa.Column("list", Reference, nullable=False, comment="list"),
        sa.Column("entry", Reference, nullable=False, comment="id in the list"),
        sa.Column("digest", sa.Text, nullable=False, comment="digest of what it says"),
        sa.Column("schema", sa.Text, nullable=False, comment="what it is, in the terms of FollowTheMoney"),
        sa.Column("properties", JSONB, nullable=False, comment="what it says, in the terms of FollowTheMoney"),
        sa.Column("since", sa.Integer, nullable=False, comment="first version that says so"),
        sa.Column(
            "until", sa.Integer, nullable=True, comment="first version that does not; empty while it is in force"
        ),
        sa.Column(
            "keys", ARRAY(sa.BigInteger), nullable=True, comment="what it is found by; empty once it is not in force"
        ),
        sa.PrimaryKeyConstraint("n", name="watchlist_entries_pkey"),
        sa.ForeignKeyConstraint(["list"], ["watchlists.name"], name="watchlist_entries_list_fkey", ondelete="CASCADE"),
        sa.UniqueConstraint("list", "entry", "since", name="watchlist_entries_list_entry_since_key"),
        comment="what lists say of people, by version; public, and nothing here says whom it matches",
    )
    op.create_index(
        "watchlist_entries_in_force_idx",
        "watchlist_entries",
        ["list", "entry"],
        unique=True,
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_index("watchlist_entries_keys_idx", "watchlist_entries", ["keys"], postgresql_using="gin")


def downgrade() -> None:
    """Drop the tables; fails where the desk was told of a hit."""
    _templates(*BEFORE_IT)
    for table in ("watchlist_entries", "watchlist_versions", "watchlists"):
        op.drop_table(table)
