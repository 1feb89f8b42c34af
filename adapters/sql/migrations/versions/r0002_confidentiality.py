"""Personal columns encrypted under the key of the person whom the case is about; what stood there in clear as well.

The tables are written anew, so that no old version of a row stays in their files. The server's write-ahead log and
backups that were made before keep what they held in clear until they are overwritten or thrown away.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.util import await_only

from adapters.sql.cells import Cells, content_of, of_letter, reason_of, state_of
from domain.keys import REGISTER_KEY, key_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_AT_ONCE: Final = 500

Reference = sa.Text(collation="C")
Instant = sa.DateTime(timezone=True)

Place = Callable[[sa.RowMapping], str]


@dataclass(frozen=True)
class _Personal:
    """A personal column: its table, what it was when it stood there in clear, and where each of its cells is."""

    table: str
    column: str
    clear: Any
    place: Place
    comment: str
    nullable: bool = False


Turned = Callable[[_Personal, sa.RowMapping], Any]


def _in_letter(column: str) -> Place:
    return lambda row: of_letter(column, row["reference"])


_COLUMNS: Final = (
    _Personal(
        "cases",
        "state",
        JSONB,
        lambda row: state_of(row["reference"], row["seq"]),
        "the whole case, as its workflow is started again from it",
    ),
    _Personal(
        "events",
        "content",
        JSONB,
        lambda row: content_of(row["case_reference"], row["seq"]),
        "the command or word itself",
    ),
    _Personal(
        "events",
        "state",
        JSONB,
        lambda row: state_of(row["case_reference"], row["seq"]),
        "the whole case after the step",
    ),
    _Personal("letters", "name", sa.Text, _in_letter("name"), "the reader's name"),
    _Personal("letters", "email", sa.Text, _in_letter("email"), "the reader's address"),
    _Personal("letters", "text", sa.Text, _in_letter("text"), "the letter as plain text"),
    _Personal("letters", "html", sa.Text, _in_letter("html"), "the letter as HTML"),
    _Personal(
        "letter_events",
        "reason",
        sa.Text,
        lambda row: reason_of(row["letter"]),
        "why, in the officer's words",
        nullable=True,
    ),
)
_ROWS: Final = {
    "cases": "SELECT c.*, c.workflow_id AS whose FROM cases c",
    "events": "SELECT e.*, c.workflow_id AS whose FROM events e JOIN cases c ON c.reference = e.case_reference",
    "letters": "SELECT l.*, c.workflow_id AS whose FROM letters l JOIN cases c ON c.reference = l.case_reference",
    "letter_events": (
        "SELECT t.*, c.workflow_id AS whose FROM letter_events t"
        " JOIN letters l ON l.reference = t.letter JOIN cases c ON c.reference = l.case_reference"
    ),
}


def upgrade() -> None:
    """Encrypt."""
    cells = _cells()
    known = op.get_bind().execute(sa.text("SELECT reference, workflow_id FROM cases")).all()
    for reference, workflow_id in known:
        if (key := key_of(workflow_id)) != REGISTER_KEY:
            await_only(cells.keys.entitle(reference, key))

    def sealed(column: _Personal, row: sa.RowMapping) -> Any:
        return await_only(cells.write(key_of(row["whose"]), column.place(row), row[column.column]))

    for table in _ROWS:
        _rewrite(table, lambda _: sa.LargeBinary, sealed)
    op.add_column(
        "cases",
        sa.Column("erased", Instant, nullable=True, comment="when the person's data was erased; clock time"),
    )
    op.create_table(
        "erasures",
        sa.Column("key", sa.Text, nullable=False, comment="whose data: session and fingerprint"),
        sa.Column("candidacy", Reference, nullable=False, comment="candidacy by which it was asked for"),
        sa.Column("requested_at", Instant, nullable=False, comment="when; clock time"),
        sa.Column("requested_by", sa.Text, nullable=False, comment="officer who asked for it"),
        sa.Column(
            "reason",
            sa.LargeBinary,
            nullable=False,
            comment="personal: why, in the officer's words, which name nobody",
        ),
        sa.Column("confirmed_at", Instant, nullable=True, comment="when; clock time"),
        sa.Column("confirmed_by", sa.Text, nullable=True, comment="officer who confirmed it"),
        sa.Column(
            "certificate", JSONB, nullable=True, comment="what was erased and what is left, signed by the worker"
        ),
        sa.PrimaryKeyConstraint("key", name="erasures_pkey"),
        sa.ForeignKeyConstraint(["candidacy"], ["cases.reference"], name="erasures_candidacy_fkey"),
        comment="erasures of a person's data: asked for, confirmed, done",
    )


def downgrade() -> None:
    """Decrypt. Raises Erased where a person's data was erased: that cannot be undone."""
    op.drop_table("erasures")
    op.drop_column("cases", "erased")
    cells = _cells()

    def opened(column: _Personal, row: sa.RowMapping) -> Any:
        value = await_only(cells.read(column.place(row), row[column.column]))
        # A statement as text takes JSON as text.
        return json.dumps(value, ensure_ascii=False) if column.clear is JSONB else value

    for table in _ROWS:
        _rewrite(table, lambda column: column.clear, opened)


def _cells() -> Cells:
    return Cells(context.config.attributes["keys"])


def _rewrite(table: str, kind: Callable[[_Personal], Any], turned: Turned) -> None:
    """Give every personal column of a table another type, its cells turned one by one."""
    columns = [column for column in _COLUMNS if column.table == table]
    for column in columns:
        comment = f"personal: {column.comment}"
        op.add_column(table, sa.Column(f"new_{column.column}", kind(column), nullable=True, comment=comment))
    connection = op.get_bind()
    rows = connection.execute(sa.text(f"SELECT * FROM ({_ROWS[table]}) AS r")).mappings()  # noqa: S608 - our own words
    key = "n" if table == "letter_events" else "case_reference, seq" if table == "events" else "reference"
    names = key.split(", ")
    changes = ", ".join(f"new_{column.column} = {_parameter(column, kind(column))}" for column in columns)
    where = " AND ".join(f"{name} = :{name}" for name in names)
    change = sa.text(f"UPDATE {table} SET {changes} WHERE {where}")  # noqa: S608 - our own words
    while batch := rows.fetchmany(_AT_ONCE):
        values = [
            {name: row[name] for name in names}
            | {
                f"new_{column.column}": None if row[column.column] is None else turned(column, row)
                for column in columns
            }
            for row in batch
        ]
        connection.execute(change, values)
    for column in columns:
        op.drop_column(table, column.column)
        op.alter_column(table, f"new_{column.column}", new_column_name=column.column)
        if not column.nullable:
            op.alter_column(table, column.column, nullable=False)
    # Writes the table to a new file, without the old versions of its rows and with nothing of the dropped columns.
    op.execute(f"CLUSTER {table} USING {table}_pkey")
    op.execute(f"ALTER TABLE {table} SET WITHOUT CLUSTER")


def _parameter(column: _Personal, kind: Any) -> str:
    name = "jsonb" if kind is JSONB else "bytea" if kind is sa.LargeBinary else "text"
    return f"CAST(:new_{column.column} AS {name})"
