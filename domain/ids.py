"""References, workflow ids and the names both sides of a Temporal call must share. None holds personal data."""

import re
from typing import Annotated, Final

from pydantic import StringConstraints

NO_SUCH_CASE: Final = "NoSuchCase"
"""The type of failure with which a question about a case or letter that does not exist comes back."""
LIST_BROKEN: Final = "ListBroken"
"""The type of failure with which a list that cannot be read comes back; its details are the line and the field."""

STAGE_SHOWN: Final = "DeskStage"
SEAT_SHOWN: Final = "DeskSeat"
"""The search attributes that say, in clear, where a case stands and what kind of seat it is for."""

SESSION_PATTERN: Final = r"[0-9]{4}[A-Z]?"
SessionReference = Annotated[str, StringConstraints(pattern=rf"^{SESSION_PATTERN}$")]
"""A session: its year, and a letter where a year has more than one (``2026``, ``2026B``)."""
CandidacyReference = Annotated[str, StringConstraints(pattern=rf"^C-{SESSION_PATTERN}-[0-9]{{4,6}}$")]
"""A candidacy: ``C-2026-0007``."""
ListReference = Annotated[str, StringConstraints(pattern=rf"^L-{SESSION_PATTERN}-[0-9]{{1,4}}$")]
"""A session list: ``L-2026-1``."""
SuspensionReference = Annotated[str, StringConstraints(pattern=rf"^S-{SESSION_PATTERN}-[0-9]{{4,6}}$")]
"""A suspension: ``S-2026-0003``."""
CASE_PATTERN: Final = rf"({SESSION_PATTERN}|[CS]-{SESSION_PATTERN}-[0-9]{{4,6}}|L-{SESSION_PATTERN}-[0-9]{{1,4}})"
CaseReference = Annotated[str, StringConstraints(pattern=f"^{CASE_PATTERN}$")]
LetterReference = Annotated[
    str,
    StringConstraints(
        pattern=rf"^([CS]-{SESSION_PATTERN}-[0-9]{{4,6}}|L-{SESSION_PATTERN}-[0-9]{{1,4}}|{SESSION_PATTERN})\.[0-9]+\.[0-9]+$"
    ),
]
"""A letter: the case, the step that decided it and its number in that step (``C-2026-0007.3.1``)."""
OFFICER_PATTERN: Final = r"O-[A-Za-z0-9]{1,24}"
OfficerId = Annotated[str, StringConstraints(pattern=rf"^{OFFICER_PATTERN}$")]
"""A person who holds an office, by number and never by name: ``O-17``."""
KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""A key, by the thumbprint of its public half."""
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


def candidacy_reference(session: str, number: int) -> str:
    """The reference of the ``number``-th candidacy of a session, counted from 1."""
    return f"C-{session}-{number:04d}"


def list_reference(session: str, number: int) -> str:
    """The reference of the ``number``-th list of a session, counted from 1."""
    return f"L-{session}-{number}"


def suspension_reference(session: str, number: int) -> str:
    """The reference of the ``number``-th suspension of a session, counted from 1."""
    return f"S-{session}-{number:04d}"


def session_of(reference: str) -> str:
    """The session a case belongs to. Raises ValueError where the text is no reference."""
    found = re.fullmatch(rf"(?:[CLS]-)?({SESSION_PATTERN})(?:-[0-9]+)?", reference)
    if found is None:
        raise ValueError(f"{reference!r} is no reference of a case")
    return found[1]


def screening_queue(queue: str) -> str:
    """The task queue on which people are compared with lists, beside the one for everything else."""
    return f"{queue}-screening"


def lists_queue(queue: str) -> str:
    """The task queue on which lists are imported."""
    return f"{queue}-lists"


def session_workflow_id(session: str) -> str:
    """The workflow of a session."""
    return f"session/{session}"


def candidacy_workflow_id(session: str, fingerprint: str) -> str:
    """The workflow of a candidacy: one per person and session, whoever nominates and however the name is spelt."""
    return f"candidacy/{session}/{fingerprint}"


def list_workflow_id(reference: str) -> str:
    """The workflow of a session list."""
    return f"list/{reference}"


def suspension_workflow_id(session: str, fingerprint: str, number: int) -> str:
    """The workflow of a person's ``number``-th suspension in a session, counted from 1."""
    return f"suspension/{session}/{fingerprint}/{number}"


def delivery_workflow_id(letter: str) -> str:
    """The workflow that looks after one letter until it is sent or settled."""
    return f"letter/{letter}"
