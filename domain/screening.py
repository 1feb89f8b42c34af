"""Screening against watchlists: whose list it is, what a hit on it means, and who has to look at it.

Russian authorities put the platform's own people on lists of "terrorists", "extremists" and "foreign agents", and open
collections republish those lists. So a hit is judged by its publisher first: on a hostile list it is evidence that a
person is persecuted and never counts against anyone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Protocol

from pydantic import AwareDatetime, Field, StringConstraints

from domain.ids import OfficerId
from domain.model import Line, Model, Prose
from domain.signing import Digest, digest


class Trust(StrEnum):
    """How far a list's publisher is trusted."""

    OFFICIAL = "official"
    ALLIED = "allied"
    HOSTILE = "hostile"
    UNKNOWN = "unknown"


class ListKind(StrEnum):
    """What a list says of those who stand on it."""

    SANCTIONS = "sanctions"
    PEP = "pep"
    WANTED = "wanted"
    FOREIGN_AGENT = "foreign-agent"
    EXTREMIST = "extremist"
    DEBARRED = "debarred"
    OTHER = "other"


class ListFormat(StrEnum):
    """The formats in which lists are published."""

    OFAC_CSV = "ofac-csv"
    OFAC_XML = "ofac-xml"
    EU_XML = "eu-xml"
    UN_XML = "un-xml"
    FTM = "ftm-json"
    TARGETS_CSV = "targets-csv"


ListName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""A list, by the desk's own short name: ``ofac-sdn``."""
HitId = Annotated[str, StringConstraints(pattern=r"^[HD]-[0-9a-f]{12}$")]
"""A hit within a case, the same each time the same entry of the same list is found; or a doubt about the nomination."""
PartialDate = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")]
"""A date of which the day, or the month too, may be unknown: ``1965``, ``1965-09``, ``1965-09-07``."""

MAX_HITS: Final = 50
"""A case keeps at most so many hits, best first; more would never be read."""


class Watchlist(Model):
    """A list and whose it is."""

    name: ListName
    publisher: Line
    trust: Trust
    kind: ListKind


class Listed(Model):
    """One entry of a list, in the terms of FollowTheMoney; public data.

    Attributes:
        id: The entry's id in its list.
        schema_: FollowTheMoney's name of what it is; people only are screened.
        properties: FollowTheMoney's properties, each with its values as published.
    """

    id: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    schema_: str = Field(default="Person", alias="schema", serialization_alias="schema")
    properties: dict[str, tuple[str, ...]]

    @property
    def digest(self) -> str:
        """The digest of what the entry says; the order in which it says it does not count."""
        return digest([self.schema_, {name: sorted(set(values)) for name, values in self.properties.items() if values}])

    @property
    def caption(self) -> str:
        """The name by which the entry is shown."""
        return next((self.properties[name][0] for name in NAMES if self.properties.get(name)), self.id)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name and alias, each once."""
        return tuple(dict.fromkeys(value for name in NAMES for value in self.properties.get(name, ())))


NAMES: Final = ("name", "alias", "previousName", "weakAlias")
"""The properties of FollowTheMoney that hold names, the best first."""


class Identity(Model):
    """What of a candidate is held against itself: personal data."""

    given_name: Line
    family_name: Line
    patronymic: Line | None = None
    other_names: tuple[Line, ...] = ()
    birth_date: date


class Subject(Model):
    """Whom a screening is about: personal data. The names come in any script and any order.

    ``identity`` is the nomination itself, for what is checked besides lists.
    """

    names: tuple[Line, ...] = Field(min_length=1, max_length=30)
    birth_date: PartialDate | None = None
    nationalities: tuple[Line, ...] = ()
    gender: Line | None = None
    identity: Identity | None = None


class Match(Model):
    """An entry that a subject resembles. ``why`` says in lines what agreed, what did not, and what it counted."""

    entry: str
    digest: Digest
    caption: str
    score: float = Field(ge=0, le=1)
    why: tuple[str, ...]
    says: dict[str, tuple[str, ...]] = {}


class Hit(Model):
    """A match on one list, as it stands on a case: personal data, since it says what is said of the candidate.

    Attributes:
        watchlist: The list as it was described when it was asked.
        version: The version of the list that was asked.
        entry: The entry's id in that list.
        digest: What the entry said then; a resolution holds for it and for nothing else.
        says: What the entry says besides the name, for the officer who compares.
    """

    id: HitId
    watchlist: Watchlist
    version: int = Field(ge=0)
    entry: str
    digest: Digest
    caption: str
    score: float = Field(ge=0, le=1)
    why: tuple[str, ...]
    says: dict[str, tuple[str, ...]] = {}


def hit_id(name: str, entry: str) -> str:
    """The id of the hit on an entry of a list."""
    return f"H-{digest([name, entry])[:12]}"


def hit_on(watchlist: Watchlist, version: int, match: Match) -> Hit:
    """A match, as a hit on its list."""
    return Hit(
        id=hit_id(watchlist.name, match.entry),
        watchlist=watchlist,
        version=version,
        entry=match.entry,
        digest=match.digest,
        caption=match.caption,
        score=match.score,
        why=match.why,
        says=match.says,
    )


class Verdict(StrEnum):
    """What an officer says of a hit. Unsure is an answer, and settles nothing."""

    SAME_PERSON = "same-person"
    OTHER_PERSON = "other-person"
    UNSURE = "unsure"


class Resolution(Model):
    """An officer's word on a hit: the content of ``resolve``. ``digest`` is that of the entry the officer has seen."""

    hit: HitId
    digest: Digest
    verdict: Verdict
    reason: Prose


class Resolved(Model):
    """A resolution as it stands on the case. ``verdict`` is None for a reader who must not know it yet."""

    officer: OfficerId
    at: AwareDatetime
    hit: HitId
    digest: Digest
    verdict: Verdict | None


class HitStanding(StrEnum):
    """Where a hit stands.

    ``persecution`` is a hit on a hostile list: shown, and never against anyone. ``open`` waits for a first officer,
    ``second`` for another one who says the same, ``disputed`` for a third, since two said different things.
    """

    PERSECUTION = "persecution"
    OPEN = "open"
    SECOND = "second"
    DISPUTED = "disputed"
    SAME_PERSON = "same-person"
    OTHER_PERSON = "other-person"


OFFICERS: Final[Mapping[Trust, int]] = {Trust.OFFICIAL: 2, Trust.ALLIED: 2, Trust.UNKNOWN: 1, Trust.HOSTILE: 0}
"""How many officers must say the same of a hit before it is resolved."""
SETTLED: Final = frozenset({HitStanding.PERSECUTION, HitStanding.SAME_PERSON, HitStanding.OTHER_PERSON})


class Resolvable(Protocol):
    """What officers say a word on: a hit, or a doubt about the nomination."""

    @property
    def id(self) -> str:
        """By what it is known within its case."""

    @property
    def digest(self) -> str:
        """Of what it says."""


def verdicts_on(hit: Resolvable, resolved: Iterable[Resolved]) -> dict[str, Verdict | None]:
    """Each officer's last word on a hit or doubt as it stands now; words on what it said before do not count."""
    return {given.officer: given.verdict for given in resolved if (given.hit, given.digest) == (hit.id, hit.digest)}


def standing(hit: Hit, resolved: Iterable[Resolved]) -> HitStanding:
    """Where a hit stands, by the trust in its publisher and what officers have said of it."""
    needed = OFFICERS[hit.watchlist.trust]
    if needed == 0:
        return HitStanding.PERSECUTION
    said = list(verdicts_on(hit, resolved).values())
    same, other = said.count(Verdict.SAME_PERSON), said.count(Verdict.OTHER_PERSON)
    if same != other and max(same, other) >= needed:
        return HitStanding.SAME_PERSON if same > other else HitStanding.OTHER_PERSON
    if same and other:
        return HitStanding.DISPUTED
    return HitStanding.SECOND if same or other else HitStanding.OPEN


def unsettled(hits: Iterable[Hit], resolved: Sequence[Resolved]) -> tuple[Hit, ...]:
    """The hits that must be resolved before the case can be cleared."""
    return tuple(hit for hit in hits if standing(hit, resolved) not in SETTLED)


def counts_against(hit: Hit, resolved: Iterable[Resolved]) -> bool:
    """Whether a hit is established to be the candidate's and may weigh in an assessment; never on a hostile list."""
    return standing(hit, resolved) is HitStanding.SAME_PERSON


class Silence(Model):
    """A list, or another check, that could not be asked; ``cause`` is a word for programs, never a server's text."""

    what: Line
    cause: Line


class Screening(Model):
    """What the last screening found, with what it could not ask.

    Attributes:
        at: The calendar's reading when it was asked for.
        asked: The lists that answered, with the version that did.
        silent: What could not be asked: a finding of its own, and vetting waits for it.
    """

    at: AwareDatetime
    asked: dict[ListName, int] = {}
    hits: tuple[Hit, ...] = ()
    silent: tuple[Silence, ...] = ()


def screened_again(before: Screening | None, now: Screening) -> Screening:
    """The screening to keep: a list that did not answer this time keeps the hits it had before."""
    if before is None:
        return now
    silent = {silence.what for silence in now.silent}
    kept = [hit for hit in before.hits if hit.watchlist.name in silent]
    found = {hit.id: hit for hit in (*kept, *now.hits)}
    asked = {name: version for name, version in before.asked.items() if name in silent} | now.asked
    hits = tuple(sorted(found.values(), key=lambda hit: (-hit.score, hit.id)))
    return now.model_copy(update={"hits": hits, "asked": asked})


def new_hits(before: Screening | None, now: Screening) -> tuple[Hit, ...]:
    """The hits that were not there before, or whose entry says something else now."""
    known = {(hit.id, hit.digest) for hit in before.hits} if before is not None else set()
    return tuple(hit for hit in now.hits if (hit.id, hit.digest) not in known)


def subject(names: Iterable[str], birth_date: date | None, **known: str | tuple[str, ...] | None) -> Subject:
    """Whom to screen, from the names as they are written, each once."""
    born = birth_date.isoformat() if birth_date is not None else None
    return Subject.model_validate({"names": tuple(dict.fromkeys(names)), "birth_date": born, **known})
