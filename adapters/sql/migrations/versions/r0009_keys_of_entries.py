"""Keys of listed people by which fewer are compared: what is in force gets the present ones."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BATCH = 500
"""Entries that get their keys at once."""

_NEXT = sa.text(
    "SELECT n, properties FROM watchlist_entries WHERE until IS NULL AND n > :after ORDER BY n LIMIT :batch"
)
_SET = sa.text("UPDATE watchlist_entries SET keys = :keys WHERE n = :n").bindparams(
    sa.bindparam("keys", type_=sa.ARRAY(sa.BigInteger))
)


def upgrade() -> None:
    """Make the keys anew; the libraries, which take seconds to load, are loaded only where a list is kept."""
    connection = op.get_bind()
    op.drop_index("watchlist_entries_keys_idx", "watchlist_entries")
    after = 0
    while rows := connection.execute(_NEXT, {"after": after, "batch": BATCH}).all():
        from adapters.screening.keys import entry_keys
        from domain.screening import Listed

        listed = [
            (n, Listed.model_construct(id="", properties=json.loads(known) if isinstance(known, str) else known))
            for n, known in rows
        ]
        connection.execute(_SET, [{"n": n, "keys": entry_keys(person.names)} for n, person in listed])
        after = rows[-1][0]
    op.create_index("watchlist_entries_keys_idx", "watchlist_entries", ["keys"], postgresql_using="gin")


def downgrade() -> None:
    """Take the lists away: under keys that it does not know, the code before would find nobody on them."""
    op.execute("DELETE FROM watchlists")
