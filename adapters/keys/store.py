"""Where wrapped keys are kept: a folder for one machine, a database of their own for several.

Never in the register's database, nor among its backups: whoever restored one would undo every erasure since.
"""

from collections.abc import Sequence
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Record(BaseModel):
    """What is kept of one key: the key itself, or that it was destroyed, or that it is known by another name.

    Attributes:
        wrapped: The key, wrapped; None once it is destroyed, and where this is only a further name.
        master: The mark of the master key that it is wrapped by.
        destroyed: When it was destroyed; the clock's time. What is destroyed stays destroyed.
        same_as: The name of the key that this is a further name of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    wrapped: str | None = None
    master: str | None = None
    destroyed: AwareDatetime | None = None
    same_as: str | None = None


class Store(Protocol):
    """Keeps records by name, for several processes at once. Every method raises KeysUnavailable."""

    async def read(self, name: str) -> Record | None:
        """What is kept under a name."""

    async def create(self, name: str, record: Record) -> Record:
        """Keep a record under a name that has none; what is kept there now, which is somebody else's if faster."""

    async def replace(self, name: str, old: Record, new: Record) -> bool:
        """Put a record in another's place; False where that is not there any more."""

    async def purge(self) -> None:
        """Leave nothing of what was replaced where it lay."""

    async def names(self) -> Sequence[str]:
        """Every name, in order."""

    async def aclose(self) -> None:
        """Let go of what is held."""
