"""The chain of events, its seals, and the guards that refuse to change what is only ever added to."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Reference = sa.Text(collation="C")
Instant = sa.DateTime(timezone=True)

KEPT = ("events", "chain", "seals", "letter_events")


def upgrade() -> None:
    """Chain the events that are there, and guard them."""
    op.add_column(
        "events",
        sa.Column(
            "hash",
            sa.LargeBinary,
            nullable=True,
            comment="SHA-256 over the hash of the step before it and all that is stored of this one",
        ),
    )
    op.create_table(
        "chain",
        sa.Column(
            "n",
            sa.BigInteger,
            nullable=False,
            autoincrement=False,
            comment="place among all steps of the ledger, from 1 without a gap",
        ),
        sa.Column("case_reference", Reference, nullable=False, comment="case"),
        sa.Column("seq", sa.Integer, nullable=False, comment="number of the step within the case"),
        sa.Column(
            "head", sa.LargeBinary, nullable=False, comment="SHA-256 over the head before it and the step's hash"
        ),
        sa.PrimaryKeyConstraint("n", name="chain_pkey"),
        sa.ForeignKeyConstraint(
            ["case_reference", "seq"], ["events.case_reference", "events.seq"], name="chain_case_reference_seq_fkey"
        ),
        sa.UniqueConstraint("case_reference", "seq", name="chain_case_reference_seq_key"),
        comment="the order in which all steps were written; the database itself adds to it",
    )
    op.create_table(
        "seals",
        sa.Column(
            "n", sa.BigInteger, nullable=False, autoincrement=False, comment="place of the step whose head is sealed"
        ),
        sa.Column("head", sa.Text, nullable=False, comment="that head, in hexadecimal"),
        sa.Column("at", Instant, nullable=False, comment="when it was sealed; clock time"),
        sa.Column("key", sa.Text, nullable=False, comment="fingerprint of the key that signed"),
        sa.Column("signature", sa.Text, nullable=False, comment="signature, in hexadecimal"),
        sa.PrimaryKeyConstraint("n", name="seals_pkey"),
        comment="signatures over the ledger's head; only ever added to",
    )
    _chain_what_is_there()
    op.alter_column("events", "hash", nullable=False)
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    # One after the other, under an advisory lock ("chain"), and at the end of the transaction: whoever writes holds the
    # chain only while it commits.
    op.execute(
        """
        CREATE FUNCTION add_to_chain() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            last chain%ROWTYPE;
        BEGIN
            PERFORM pg_advisory_xact_lock(x'636861696E'::bigint);
            SELECT * INTO last FROM chain ORDER BY n DESC LIMIT 1;
            INSERT INTO chain (n, case_reference, seq, head) VALUES (
                coalesce(last.n, 0) + 1, NEW.case_reference, NEW.seq,
                sha256(coalesce(last.head, ''::bytea) || NEW.hash)
            );
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER chained AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION add_to_chain()"
    )
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER kept_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _chain_what_is_there() -> None:
    connection = op.get_bind()
    head, n, cases = b"", 0, dict[str, bytes]()
    rows = connection.execute(sa.text("SELECT * FROM events ORDER BY recorded_at, case_reference, seq")).mappings()
    for row in rows.all():
        told = {name: _told(value) for name, value in row.items() if value is not None}
        text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        before = cases.get(row["case_reference"], b"")
        found = hashlib.sha256(before + hashlib.sha256(text.encode()).digest()).digest()
        cases[row["case_reference"]], n = found, n + 1
        head = hashlib.sha256(head + found).digest()
        place = {"reference": row["case_reference"], "seq": row["seq"]}
        connection.execute(
            sa.text("UPDATE events SET hash = :hash WHERE case_reference = :reference AND seq = :seq"),
            place | {"hash": found},
        )
        connection.execute(
            sa.text("INSERT INTO chain (n, case_reference, seq, head) VALUES (:n, :reference, :seq, :head)"),
            place | {"n": n, "head": head},
        )


def _told(value: Any) -> Any:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def downgrade() -> None:
    """Leave the events without a chain."""
    for table in KEPT:
        op.execute(f"DROP TRIGGER kept ON {table}")
        op.execute(f"DROP TRIGGER kept_whole ON {table}")
    op.execute("DROP TRIGGER chained ON events")
    op.execute("DROP FUNCTION add_to_chain")
    op.execute("DROP FUNCTION refuse_change")
    op.drop_table("seals")
    op.drop_table("chain")
    op.drop_column("events", "hash")
