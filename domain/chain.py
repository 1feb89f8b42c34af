"""The chain of the ledger's events: whoever changes, removes, inserts or reorders one cannot do it unseen.

Every event has a digest over all that is stored of it. Its hash binds the digest to the hash of the event before it in
the same case; its head binds that hash to the head of the event before it in the whole ledger. A seal is a signature
over a head: what stood in the ledger then cannot be made anew by somebody who lacks the key.

What is stored of personal data is its ciphertext, so a chain stays whole when the key to a person's data is destroyed.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import AwareDatetime, Field

from domain.ledger import Difference
from domain.model import Model
from domain.signing import canonical

START: Final = b""
"""What comes before the first."""


def digest(fields: Mapping[str, Any]) -> bytes:
    """SHA-256 over the fields of a row that are set, by name.

    A field that is not set does not count, so a column that is added later changes no digest of earlier rows.
    """
    told = {name: _told(value) for name, value in fields.items() if value is not None}
    return hashlib.sha256(canonical(told)).digest()


def _told(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, tuple | list):
        return [_told(each) for each in value]
    return value


def link(previous: bytes, following: bytes) -> bytes:
    """SHA-256 over the hash of what comes before and what follows it."""
    return hashlib.sha256(previous + following).digest()


class Seal(Model):
    """A signature over the ledger's head.

    Attributes:
        n: The number of the event whose head is sealed, counted over the whole ledger from 1.
        head: That head, in hexadecimal.
        at: When it was sealed; clock time, UTC.
        key: The fingerprint of the public key, in hexadecimal.
        signature: Over :attr:`statement`, in hexadecimal.
    """

    n: int = Field(ge=1)
    head: str
    at: AwareDatetime
    key: str
    signature: str = ""

    @property
    def statement(self) -> bytes:
        """What is signed."""
        return f"ledger\n{self.n}\n{self.head}\n{self.at.astimezone(UTC).isoformat()}\n{self.key}".encode()


@dataclass(frozen=True)
class Stored:
    """One event as it stands in the ledger, and its link in the chain; either may be missing.

    Attributes:
        reference: The case.
        seq: The number of the step within the case.
        digest: The digest over what is stored of the event; None where the event is missing.
        hash: The hash that is stored with the event; None where the event is missing.
        n: The link's number over the whole ledger; None where the link is missing.
        head: The link's head; None where the link is missing.
    """

    reference: str
    seq: int
    digest: bytes | None
    hash: bytes | None
    n: int | None
    head: bytes | None


@dataclass
class Examination:
    """Reads the chain from its first link to its last, and says what is wrong with it.

    It goes on from what is stored, so that one change is named once and not at every event that follows.
    """

    seals: Mapping[int, Seal] = field(default_factory=dict)
    _n: int = 0
    _head: bytes = START
    _cases: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def read(self, stored: Stored) -> Iterator[Difference]:
        """Read the next link; events without a link come last."""
        if stored.n is None or stored.head is None:
            yield _wrong(stored, "inserted: it has no place in the chain")
            return
        if stored.n != self._n + 1:
            yield Difference(
                reference="ledger",
                what=f"links {self._n + 1} to {stored.n - 1} of the chain",
                ledger="removed",
                workflow="",
            )
        if stored.hash is None or stored.digest is None:
            yield _wrong(stored, "removed: only its place in the chain is left")
        else:
            yield from self._read_case(stored, stored.hash, stored.digest)
            if stored.n == self._n + 1 and stored.head != link(self._head, stored.hash):
                yield _wrong(stored, "the chain does not lead from the event before it to this one")
        self._n, self._head = stored.n, stored.head
        seal = self.seals.get(stored.n)
        if seal is not None and seal.head != stored.head.hex():
            yield _wrong(stored, f"not what was sealed on {seal.at:%Y-%m-%d %H:%M} UTC")

    def _read_case(self, stored: Stored, found: bytes, digested: bytes) -> Iterator[Difference]:
        seq, previous = self._cases.get(stored.reference, (0, START))
        if stored.seq != seq + 1:
            yield _wrong(stored, f"follows step {seq}")
        elif found != link(previous, digested):
            yield _wrong(stored, "changed: it is not what was written")
        self._cases[stored.reference] = stored.seq, found

    def close(self) -> Iterator[Difference]:
        """Say what is missing at the end."""
        last = max(self.seals, default=0)
        if last > self._n:
            yield Difference(
                reference="ledger",
                what=f"links {self._n + 1} to {last} of the chain",
                ledger=f"removed: sealed on {self.seals[last].at:%Y-%m-%d %H:%M} UTC",
                workflow="",
            )


def examine(chain: Iterable[Stored], seals: Sequence[Seal] = ()) -> tuple[Difference, ...]:
    """Everything that is wrong with a chain."""
    examination = Examination({seal.n: seal for seal in seals})
    found = [difference for stored in chain for difference in examination.read(stored)]
    return (*found, *examination.close())


def _wrong(stored: Stored, how: str) -> Difference:
    return Difference(reference=stored.reference, what=f"step {stored.seq}", ledger=how, workflow="")
