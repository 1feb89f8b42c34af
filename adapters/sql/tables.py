"""The register's tables.

A column whose comment begins with "personal" holds personal data, encrypted under the key of the person whom the case
is about (``adapters.sql.cells``), and is written anew only with what it says; every other column may be shown, counted
and logged.
Two kinds of time stand side by side: the calendar's, by which the law counts, and the clock's, by which machines run.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    any_,
    func,
    literal,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.candidacy import Stage
from domain.ledger import LetterState
from domain.lists import ListStage
from domain.notices import Role, Template
from domain.offices import Office
from domain.people import Language, SeatKind
from domain.screening import ListFormat, ListKind, Trust
from domain.session import SessionStage
from domain.steps import CaseKind, Trigger
from domain.suspension import SuspensionStage
from domain.traces import About

TROUBLED: Final = (LetterState.REFUSED, LetterState.UNKNOWN)
"""A letter in one of these states waits for a person."""
WAITING: Final = (LetterState.DRAFTED, LetterState.RELEASED)
"""A letter in one of these states has yet to go out, and can still be held back."""
DONE: Final = (LetterState.SENT, LetterState.WITHDRAWN)
"""A letter in one of these states needs nothing any more."""


def among(column: ColumnElement[str], words: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column holds one of a few words; SQLAlchemy would write an ``IN`` anew with every execution."""
    return column == any_(literal(list(words), ARRAY(Text)))


_STAGES: Final[dict[CaseKind, type[StrEnum]]] = {
    CaseKind.SESSION: SessionStage,
    CaseKind.CANDIDACY: Stage,
    CaseKind.LIST: ListStage,
    CaseKind.SUSPENSION: SuspensionStage,
}

metadata: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

# The same order of references on every server, whatever its language: lists are paged by it.
_Reference = Text(collation="C")
_Instant = DateTime(timezone=True)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({_quoted(words)})", name=column)


def _stage_of_kind() -> CheckConstraint:
    cases = " OR ".join(f"kind = '{kind}' AND stage IN ({_quoted(stages)})" for kind, stages in _STAGES.items())
    return CheckConstraint(cases, name="stage")


def _column(name: str, kind: Any, comment: str, *rest: Any, nullable: bool = False, **options: Any) -> Column[Any]:
    return Column(name, kind, *rest, nullable=nullable, comment=comment, **options)


counters = Table(
    "counters",
    metadata,
    _column("kind", Text, "kind of case"),
    _column("session", Text, "session the numbers belong to"),
    _column("last", Integer, "last number allotted"),
    PrimaryKeyConstraint("kind", "session"),
    _one_of("kind", CaseKind),
    CheckConstraint("last >= 1", name="last"),
    comment="numbers of cases, allotted without a gap",
)

cases = Table(
    "cases",
    metadata,
    _column("reference", _Reference, "C-2026-0007, L-2026-1, S-2026-0003, 2026", primary_key=True),
    _column("kind", Text, "kind of case"),
    _column("session", Text, "session the case belongs to"),
    _column("number", Integer, "number of the case among those of its kind in its session"),
    _column("workflow_id", Text, "workflow that carries the case"),
    _column("stage", Text, "where the case stands"),
    _column("ended", Boolean, "whether nothing can happen to it any more"),
    _column("seat", Text, "kind of seat of a candidacy", nullable=True),
    _column("deadline", _Instant, "what it waits for next; calendar time", nullable=True),
    _column("seq", Integer, "number of its last step"),
    _column("state", LargeBinary, "personal: the whole case, as its workflow is started again from it"),
    _column("erased", _Instant, "when the person's data was erased; clock time", nullable=True),
    _column("opened_at", _Instant, "when its first step was taken; calendar time"),
    _column("changed_at", _Instant, "when its last step was taken; calendar time"),
    UniqueConstraint("workflow_id"),
    UniqueConstraint("kind", "session", "number"),
    _one_of("kind", CaseKind),
    _stage_of_kind(),
    _one_of("seat", SeatKind),
    CheckConstraint("number >= 1", name="number"),
    Index(None, "deadline", postgresql_where=text("NOT ended")),
    comment="every case as it stands: a projection of its workflow",
)

events = Table(
    "events",
    metadata,
    _column("case_reference", _Reference, "case", ForeignKey(cases.c.reference)),
    _column("seq", Integer, "number of the step within the case, from 1"),
    _column("act", Text, "what was done"),
    _column("trigger", Text, "what set it off: an officer, a time-limit, another case"),
    _column("at", _Instant, "when it was taken; calendar time"),
    _column("recorded_at", _Instant, "when it was written here; clock time", server_default=func.now()),
    _column("stage_before", Text, "where the case stood; empty for the first step"),
    _column("stage", Text, "where the case stood afterwards"),
    _column("decision", Text, "id of the command or word, the same each time it is sent"),
    _column("signer", Text, "person who signed the command", nullable=True),
    _column("addressed", Text, "case as the command names it", nullable=True),
    _column("basis", Integer, "last step that the signer had seen", nullable=True),
    _column("content_hash", Text, "digest the command was closed over", nullable=True),
    _column("issued", _Instant, "when the command was signed; the signer's clock", nullable=True),
    _column("nonce", Text, "random part of the command", nullable=True),
    _column("key", Text, "key the command was signed with", nullable=True),
    _column("signature", Text, "signature of the command", nullable=True),
    _column("content", LargeBinary, "personal: the command or word itself"),
    _column("effects", ARRAY(Text), "what the step brought about besides the stage"),
    _column("state", LargeBinary, "personal: the whole case after the step"),
    _column("hash", LargeBinary, "SHA-256 over the hash of the step before it and all that is stored of this one"),
    _column("evidence", JSONB, "what is kept of the token that stood for the signature", nullable=True),
    _column("taken", _Instant, "when a worker took it; clock time", nullable=True),
    _column("imprint", Text, "digest of the state after the step; the next step must stand on it", nullable=True),
    PrimaryKeyConstraint("case_reference", "seq"),
    UniqueConstraint("case_reference", "decision"),
    UniqueConstraint("nonce"),
    _one_of("trigger", Trigger),
    CheckConstraint("seq >= 1", name="seq"),
    comment="every step of every case; only ever added to",
)

told = Table(
    "told",
    metadata,
    _column("case_reference", _Reference, "case that tells"),
    _column("seq", Integer, "its step"),
    _column("hearer", Text, "workflow that is told; that of a session for all of its cases"),
    _column("decision", Text, "id of the word"),
    _column("digest", Text, "digest of what is said"),
    PrimaryKeyConstraint("case_reference", "seq", "hearer", "decision"),
    ForeignKeyConstraint(["case_reference", "seq"], [events.c.case_reference, events.c.seq]),
    Index(None, "hearer", "decision"),
    comment="what each step tells other cases, by which they know that it was said; only ever added to",
)

chain = Table(
    "chain",
    metadata,
    _column(
        "n",
        BigInteger,
        "place among all steps of the ledger, from 1 without a gap",
        primary_key=True,
        autoincrement=False,
    ),
    _column("case_reference", _Reference, "case"),
    _column("seq", Integer, "number of the step within the case"),
    _column("head", LargeBinary, "SHA-256 over the head before it and the step's hash"),
    ForeignKeyConstraint(["case_reference", "seq"], [events.c.case_reference, events.c.seq]),
    UniqueConstraint("case_reference", "seq"),
    comment="the order in which all steps were written; the database itself adds to it",
)

seals = Table(
    "seals",
    metadata,
    _column("n", BigInteger, "place of the step whose head is sealed", primary_key=True, autoincrement=False),
    _column("head", Text, "that head, in hexadecimal"),
    _column("at", _Instant, "when it was sealed; clock time"),
    _column("key", Text, "fingerprint of the key that signed"),
    _column("signature", Text, "signature, in hexadecimal"),
    comment="signatures over the ledger's head; only ever added to",
)

letters = Table(
    "letters",
    metadata,
    _column("reference", _Reference, "C-2026-0007.3.1: case, step, number in the step", primary_key=True),
    _column("case_reference", _Reference, "case"),
    _column("seq", Integer, "step that decided it"),
    _column("number", SmallInteger, "number within the step, from 1"),
    _column("template", Text, "what it says"),
    _column("role", Text, "who reads it"),
    _column("language", Text, "language it is written in"),
    _column("about", Text, "letter it is about, of a letter to the desk about a letter; else empty"),
    _column("reader", SmallInteger, "which of the readers in this role, from 1", server_default=text("1")),
    _column("name", LargeBinary, "personal: the reader's name"),
    _column("email", LargeBinary, "personal: the reader's address"),
    _column("subject", Text, "subject; neutral by rule"),
    _column("text", LargeBinary, "personal: the letter as plain text"),
    _column("html", LargeBinary, "personal: the letter as HTML"),
    _column("message_id", Text, "Message-ID, with angle brackets; the same at every attempt"),
    _column("thread", Text, "Message-ID of the first letter of the case to the same reader", nullable=True),
    _column("state", Text, "where it stands"),
    _column("attempts", Integer, "how often it was claimed for sending"),
    _column("code", Integer, "the mail server's last reply", nullable=True),
    _column("written_at", _Instant, "when it was decided; clock time", server_default=func.now()),
    _column("changed_at", _Instant, "when it came to its present state; clock time", server_default=func.now()),
    ForeignKeyConstraint(["case_reference", "seq"], [events.c.case_reference, events.c.seq]),
    UniqueConstraint("message_id"),
    UniqueConstraint("case_reference", "seq", "number"),
    UniqueConstraint(
        "case_reference", "seq", "template", "role", "language", "about", "reader", name="letters_decision_key"
    ),
    _one_of("template", Template),
    _one_of("role", Role),
    _one_of("language", Language),
    _one_of("state", LetterState),
    CheckConstraint("number >= 1", name="number"),
    Index("letters_unsent_idx", "case_reference", "state", postgresql_where=text(f"state NOT IN ({_quoted(DONE)})")),
    comment="every letter; one per step, template, reader and language",
)

erasures = Table(
    "erasures",
    metadata,
    _column("key", Text, "whose data: session and fingerprint", primary_key=True),
    _column("candidacy", _Reference, "candidacy by which it was asked for", ForeignKey(cases.c.reference)),
    _column("requested_at", _Instant, "when; clock time", nullable=True),
    _column("requested_by", Text, "officer who asked for it", nullable=True),
    _column("reason", LargeBinary, "personal: why, in the officer's words, which name nobody", nullable=True),
    _column("confirmed_at", _Instant, "when; clock time", nullable=True),
    _column("confirmed_by", Text, "officer who confirmed it", nullable=True),
    _column("certificate", JSONB, "what was erased and what is left, signed by the worker", nullable=True),
    _column("rule", JSONB, "setting and value that it rests on instead", nullable=True),
    CheckConstraint("requested_by IS NOT NULL OR rule IS NOT NULL", name="grounds"),
    comment="erasures of a person's data: asked for, confirmed, done",
)

letter_events = Table(
    "letter_events",
    metadata,
    _column("n", BigInteger, "order of writing", Identity(always=True), primary_key=True),
    _column("letter", _Reference, "letter", ForeignKey(letters.c.reference)),
    _column("at", _Instant, "when; clock time", server_default=func.now()),
    _column("state", Text, "state it came to"),
    _column("code", Integer, "the mail server's reply", nullable=True),
    _column("signer", Text, "officer who decided it", nullable=True),
    _column("reason", LargeBinary, "personal: why, in the officer's words", nullable=True),
    _one_of("state", LetterState),
    Index(None, "letter", "n"),
    comment="what became of every letter since it was written; only ever added to",
)

watchlists = Table(
    "watchlists",
    metadata,
    _column("name", _Reference, "the desk's own short name", primary_key=True),
    _column("publisher", Text, "whose list it is"),
    _column("trust", Text, "how far its publisher is trusted"),
    _column("kind", Text, "what it says of those who stand on it"),
    _column("version", Integer, "version in force"),
    _one_of("trust", Trust),
    _one_of("kind", ListKind),
    CheckConstraint("version >= 1", name="version"),
    comment="lists that people are screened against; public",
)

watchlist_versions = Table(
    "watchlist_versions",
    metadata,
    _column("list", _Reference, "list", ForeignKey(watchlists.c.name, ondelete="CASCADE")),
    _column("version", Integer, "number of the import, from 1"),
    _column("format", Text, "format it was published in"),
    _column("source", Text, "name of the file"),
    _column("file", Text, "digest of the file"),
    _column("entries", Integer, "people it names"),
    _column("added", Integer, "people the version before did not have"),
    _column("changed", Integer, "people of whom the version before said something else"),
    _column("removed", Integer, "people that only the version before had"),
    _column("skipped", JSONB, "what was left out, by why"),
    _column("imported_at", _Instant, "when; clock time", server_default=func.now()),
    _column("officer", Text, "officer who ordered it"),
    _column("key", Text, "id of the import, the same each time it is tried"),
    PrimaryKeyConstraint("list", "version"),
    UniqueConstraint("key"),
    _one_of("format", ListFormat),
    comment="every import of a list; public",
)

watchlist_entries = Table(
    "watchlist_entries",
    metadata,
    _column("n", BigInteger, "order of writing", Identity(always=True), primary_key=True),
    _column("list", _Reference, "list", ForeignKey(watchlists.c.name, ondelete="CASCADE")),
    _column("entry", _Reference, "id in the list"),
    _column("digest", Text, "digest of what it says"),
    _column("schema", Text, "what it is, in the terms of FollowTheMoney"),
    _column("properties", JSONB, "what it says, in the terms of FollowTheMoney"),
    _column("since", Integer, "first version that says so"),
    _column("until", Integer, "first version that does not; empty while it is in force", nullable=True),
    _column("keys", ARRAY(BigInteger), "what it is found by; empty once it is not in force", nullable=True),
    UniqueConstraint("list", "entry", "since"),
    Index("watchlist_entries_in_force_idx", "list", "entry", unique=True, postgresql_where=text("until IS NULL")),
    Index(None, "keys", postgresql_using="gin"),
    comment="what lists say of people, by version; public, and nothing here says whom it matches",
)

commands = Table(
    "commands",
    metadata,
    _column("n", BigInteger, "order of writing", Identity(always=True), primary_key=True),
    _column("power", Text, "what it does"),
    _column("act", Text, "the act, as it was signed"),
    _column("addressed", Text, "letter, or part of the register, as the command names it"),
    _column("content", LargeBinary, "personal: the command itself"),
    _column("content_hash", Text, "digest the command was closed over"),
    _column("basis", Integer, "last step that the signer had seen"),
    _column("issued", _Instant, "when it was signed; the signer's clock"),
    _column("nonce", Text, "random part of the command"),
    _column("signer", Text, "person who signed it"),
    _column("key", Text, "key it was signed with"),
    _column("signature", Text, "its signature", nullable=True),
    _column("evidence", JSONB, "what is kept of the token that stood for the signature", nullable=True),
    _column("taken", _Instant, "when a worker took it; clock time"),
    _column("by", Text, "attempt that took it"),
    UniqueConstraint("nonce"),
    comment="every signed command that is no step of a case; only ever added to",
)

retentions = Table(
    "retentions",
    metadata,
    _column("candidacy", _Reference, "candidacy", ForeignKey(cases.c.reference), primary_key=True),
    _column("held", Date, "last day for which an officer holds it back", nullable=True),
    _column("command", BigInteger, "signed command that says so", nullable=True),
    _column("announced", Date, "last day of its data, as the desk was told", nullable=True),
    _column("letter", _Reference, "letter that told the desk", nullable=True),
    ForeignKeyConstraint(["command"], [commands.c.n]),
    ForeignKeyConstraint(["letter"], [letters.c.reference]),
    comment="what is known of how long candidacies are kept, besides the rule for their ending",
)

keys = Table(
    "keys",
    metadata,
    _column("key", Text, "thumbprint of the public key or of the identity", primary_key=True),
    _column("person", Text, "officer whose key it is, by number"),
    _column("public", JSONB, "public key as a JSON Web Key, or identity at a provider"),
    comment="every key that was ever admitted; only ever added to",
)

appointments = Table(
    "appointments",
    metadata,
    _column("n", BigInteger, "order of writing", Identity(always=True), primary_key=True),
    _column("command", BigInteger, "signed command; none for the first head of desk", nullable=True),
    _column("person", Text, "officer, by number"),
    _column("key", Text, "key the office is held through", ForeignKey(keys.c.key)),
    _column("office", Text, "office"),
    _column("since", _Instant, "first instant at which it is held; clock time"),
    _column("until", _Instant, "first instant at which it is over; clock time", nullable=True),
    ForeignKeyConstraint(["command"], [commands.c.n]),
    UniqueConstraint("command"),
    _one_of("office", Office),
    Index(None, "key"),
    comment="who holds which office; only ever added to",
)

revocations = Table(
    "revocations",
    metadata,
    _column("appointment", BigInteger, "what it ends", ForeignKey(appointments.c.n), primary_key=True),
    _column("command", BigInteger, "signed command", ForeignKey(commands.c.n)),
    _column("at", _Instant, "when it was taken; clock time"),
    comment="appointments that were ended before their time; only ever added to",
)

traces = Table(
    "traces",
    metadata,
    _column("person", Text, "whose: session and fingerprint"),
    _column("about", Text, "what of the nomination it is of"),
    _column("mark", Text, "keyed fingerprint"),
    PrimaryKeyConstraint("person", "about", "mark"),
    _one_of("about", About),
    Index(None, "mark"),
    comment="what nominations have in common with each other and with interests; taken out when a person is erased",
)

interests = Table(
    "interests",
    metadata,
    _column("n", BigInteger, "order of writing", Identity(always=True), primary_key=True),
    _column("officer", Text, "officer who declared it, by number"),
    _column("about", Text, "what it is: a person, an organisation, an address"),
    _column("mark", Text, "keyed fingerprint"),
    _column("at", _Instant, "from when it holds; clock time"),
    _column("command", BigInteger, "signed command that holds what was declared", nullable=True),
    _column("place", SmallInteger, "which of the names in that command, from 1", nullable=True),
    _column(
        "case_reference", _Reference, "case in which it was declared", ForeignKey(cases.c.reference), nullable=True
    ),
    ForeignKeyConstraint(["command"], [commands.c.n]),
    _one_of("about", (About.CANDIDATE, About.ORGANISATION, About.ADDRESS)),
    Index(None, "mark"),
    Index(None, "officer", "n"),
    comment="what officers have declared an interest in; only ever added to",
)

interest_ends = Table(
    "interest_ends",
    metadata,
    _column("interest", BigInteger, "what is withdrawn", ForeignKey(interests.c.n), primary_key=True),
    _column("command", BigInteger, "signed command", ForeignKey(commands.c.n)),
    _column("at", _Instant, "from when it holds no more; clock time"),
    comment="interests that were withdrawn; only ever added to",
)

readings = Table(
    "readings",
    metadata,
    _column("n", BigInteger, "order of writing", Identity(always=True), primary_key=True),
    _column("at", _Instant, "when; clock time"),
    _column("reader", Text, "officer who read, by number"),
    _column("key", Text, "key the question was signed with"),
    _column("about", Text, "what was asked"),
    _column("reference", _Reference, "case or letter, of a question about one", nullable=True),
    _column("nonce", Text, "random part of the question"),
    _column("by", Text, "attempt that answered it"),
    UniqueConstraint("nonce"),
    Index(None, "reference", "n"),
    comment="every question that was put to the register; only ever added to",
)

incidents = Table(
    "incidents",
    metadata,
    _column("n", BigInteger, "order of writing", Identity(always=True), primary_key=True),
    _column("at", _Instant, "when; clock time", server_default=func.now()),
    _column("refusal", Text, "how it was refused"),
    _column("rule", Text, "rule that forbade it"),
    _column("power", Text, "what it would have done"),
    _column("place", Text, "case, letter or workflow it was aimed at"),
    _column("signer", Text, "officer who is said to have signed it; not verified", nullable=True),
    _column("key", Text, "key that is said to have signed it; not verified", nullable=True),
    _column("by", Text, "attempt that was refused"),
    UniqueConstraint("by"),
    comment="what was refused for want of authority; only ever added to",
)
