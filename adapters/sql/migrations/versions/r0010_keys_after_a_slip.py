"""Keys of listed people by which they are found after a slip of the pen: what is in force gets the present ones."""

from adapters.sql.migrations.versions import r0009_keys_of_entries

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the keys anew."""
    r0009_keys_of_entries.upgrade()


def downgrade() -> None:
    """Take the lists away: under keys that it does not know, the code before would find half of what is on them."""
    r0009_keys_of_entries.downgrade()
