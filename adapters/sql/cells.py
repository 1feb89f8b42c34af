"""Personal columns: what stands in them, encrypted, and read again.

Each cell is bound to its place, so that one which was moved to another row or column does not open.
"""

import json
from dataclasses import dataclass
from typing import Any

from activities.ports import Keys


def state_of(reference: str, seq: int) -> str:
    """The place of a case's whole state after a step. The case holds the same bytes as its last event."""
    return f"state {reference}.{seq}"


def content_of(reference: str, seq: int) -> str:
    """The place of a step's command or word."""
    return f"content {reference}.{seq}"


def content_of_command(nonce: str) -> str:
    """The place of a command that is no step of a case."""
    return f"command {nonce}"


def of_letter(column: str, letter: str) -> str:
    """The place of something that a letter holds."""
    return f"{column} {letter}"


def reason_of(letter: str) -> str:
    """The place of the reasons for what was decided about a letter."""
    return f"reason {letter}"


def reason_of_erasure(key: str) -> str:
    """The place of the reason for which a person's data was to be erased."""
    return f"erasure {key}"


@dataclass(frozen=True)
class Cells:
    """Writes and reads personal columns."""

    keys: Keys

    async def write(self, key: str, place: str, value: Any) -> bytes:
        """What goes into a cell.

        Args:
            key: Whose it is, as ``domain.keys.key_of`` says.
            place: Where it goes.
            value: Anything that JSON can hold.

        Raises:
            Erased: The person's data was erased.
        """
        plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return await self.keys.seal(key, plain, place=place)

    async def read(self, place: str, cell: bytes) -> Any:
        """What a cell holds.

        Raises:
            Erased: The person's data was erased.
        """
        return json.loads(await self.keys.unseal(cell, place=place))
