"""How long what has ended is kept, and erasures by a rule."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

Reference = sa.Text(collation="C")
NEW = "desk_retention"


def upgrade() -> None:
    """Create the table, let letters tell the desk of erasures, and let an erasure rest on a rule."""
    _templates([*_known(), NEW])
    op.create_table(
        "retentions",
        sa.Column("candidacy", Reference, nullable=False, comment="candidacy"),
        sa.Column("held", sa.Date, nullable=True, comment="last day for which an officer holds it back"),
        sa.Column("command", sa.BigInteger, nullable=True, comment="signed command that says so"),
        sa.Column("announced", sa.Date, nullable=True, comment="last day of its data, as the desk was told"),
        sa.Column("letter", Reference, nullable=True, comment="letter that told the desk"),
        sa.PrimaryKeyConstraint("candidacy", name="retentions_pkey"),
        sa.ForeignKeyConstraint(["candidacy"], ["cases.reference"], name="retentions_candidacy_fkey"),
        sa.ForeignKeyConstraint(["command"], ["commands.n"], name="retentions_command_fkey"),
        sa.ForeignKeyConstraint(["letter"], ["letters.reference"], name="retentions_letter_fkey"),
        comment="what is known of how long candidacies are kept, besides the rule for their ending",
    )
    op.add_column(
        "erasures", sa.Column("rule", JSONB, nullable=True, comment="setting and value that it rests on instead")
    )
    for column in ("requested_at", "requested_by", "reason"):
        op.alter_column("erasures", column, nullable=True)
    op.create_check_constraint(
        op.f("erasures_grounds_check"), "erasures", "requested_by IS NOT NULL OR rule IS NOT NULL"
    )


def downgrade() -> None:
    """Drop the table; fails where the desk was told of an erasure, or one rests on a rule."""
    op.drop_constraint("erasures_grounds_check", "erasures")
    for column in ("requested_at", "requested_by", "reason"):
        op.alter_column("erasures", column, nullable=False)
    op.drop_column("erasures", "rule")
    op.drop_table("retentions")
    _templates([template for template in _known() if template != NEW])


def _known() -> list[str]:
    constraint = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'letters_template_check'"
    return re.findall("'([a-z_]+)'", str(op.get_bind().scalar(sa.text(constraint))))


def _templates(words: list[str]) -> None:
    quoted = ", ".join(f"'{word}'" for word in words)
    op.drop_constraint("letters_template_check", "letters")
    op.create_check_constraint(op.f("letters_template_check"), "letters", f"template IN ({quoted})")
