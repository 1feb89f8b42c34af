"""The lists that are kept: their versions, and what changed between two of them."""

from enum import StrEnum

from pydantic import AwareDatetime, Field

from domain.identity import Doubt
from domain.ids import OfficerId
from domain.model import Line, Model, Prose
from domain.screening import Hit, ListFormat, ListName, Silence, Watchlist
from domain.signing import Digest


class ListVersion(Model):
    """One import of a list.

    Attributes:
        version: Its number, from 1.
        source: The name of the file.
        file: The digest of the file as it was handed in.
        entries: How many people it names.
        added, changed, removed: How many of them the version before did not have, had otherwise, or had besides.
        skipped: What was left out, by why.
        officer: Who ordered it.
    """

    watchlist: Watchlist
    version: int = Field(ge=1)
    format: ListFormat
    source: Line
    file: Digest
    entries: int
    added: int
    changed: int
    removed: int
    skipped: dict[str, int] = {}
    officer: OfficerId
    imported: AwareDatetime


class InForce(Model):
    """A list as it stands: the version that people are compared with."""

    watchlist: Watchlist
    version: int


class ListAct(StrEnum):
    """What an officer does with a list."""

    IMPORT = "import"
    REMOVE = "remove"
    RESCREEN = "rescreen"
    ENQUIRE = "watchlists"


class ListImport(Model):
    """A list that is handed in: the content of ``import``.

    Attributes:
        watchlist: Whose list it is; what is said here replaces what was said before.
        file: The digest of the file, by which it is found in the folder of lists handed in.
        source: The name under which it was handed in.
        aliases: The digest of the second file, of the one format that has one.
        form: Its format, if it is not to be found out.
    """

    watchlist: Watchlist
    file: Digest
    source: Line
    aliases: Digest | None = None
    form: ListFormat | None = None


class ListRemoval(Model):
    """Which list is taken out, and why: the content of ``remove``."""

    name: ListName
    reason: Prose


class Import(Model):
    """An import under way: its id, the same each time it is tried, and who ordered it."""

    key: Line
    officer: OfficerId
    handed_in: ListImport


class Screened(Model):
    """What came of asking the lists about somebody, and of what else was checked: personal data.

    ``doubts`` are None where nothing else was.
    """

    asked: dict[ListName, int] = {}
    hits: tuple[Hit, ...] = ()
    silent: tuple[Silence, ...] = ()
    doubts: tuple[Doubt, ...] | None = None


class EntryChange(Model):
    """One entry that two versions of a list have otherwise; an empty name stands for none."""

    entry: str
    before: str
    after: str


class ListDiff(Model):
    """What changed between two versions of a list; ``changes`` holds the first of them only where there are many."""

    name: ListName
    old: int
    new: int
    added: int
    changed: int
    removed: int
    changes: tuple[EntryChange, ...]


class ListEnquiry(Model):
    """A question about lists: every list, the versions of one, or what changed between two versions."""

    name: ListName | None = None
    old: int | None = Field(default=None, ge=1)
    new: int | None = Field(default=None, ge=1)


class ListAnswer(Model):
    """What is answered; only the part that was asked for is filled."""

    versions: tuple[ListVersion, ...] = ()
    diff: ListDiff | None = None
