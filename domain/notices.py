"""What a letter is to say and to whom; how it says it is the business of ``letters``."""

from datetime import date
from enum import StrEnum
from typing import Final

from domain.model import Model
from domain.people import Contact


class Role(StrEnum):
    """Who a letter goes to."""

    CANDIDATE = "candidate"
    NOMINATOR = "nominator"
    DESK = "desk"
    BUREAU = "bureau"
    SECRETARIAT = "secretariat"


OFFICES: Final = frozenset({Role.DESK, Role.BUREAU, Role.SECRETARIAT})
"""Readers whose addresses are settings of the worker, and no part of any case."""


class Template(StrEnum):
    """The letters of the procedure, by what they say."""

    RECEIPT = "receipt"
    INVITATION = "invitation"
    REMINDER = "reminder"
    LAPSED = "lapsed"
    DECLINED = "declined"
    DECLARED = "declared"
    INELIGIBLE = "ineligible"
    INFORMATION_REQUEST = "information_request"
    INFORMATION_REMINDER = "information_reminder"
    INFORMATION_CLOSED = "information_closed"
    APPROVED = "approved"
    RESERVE = "reserve"
    NOT_RETAINED = "not_retained"
    RATIFICATION_REFUSED = "ratification_refused"
    PARTICIPATION = "participation"
    DATES_CHANGED = "dates_changed"
    EXPIRY_NOTICE = "expiry_notice"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    DESK_VETTING_REMINDER = "desk_vetting_reminder"
    DESK_THIRD_ASSESSMENT = "desk_third_assessment"
    DESK_UNRESOLVED = "desk_unresolved"
    DESK_OVERDUE = "desk_overdue"
    DESK_LETTER = "desk_letter"
    SUSPENSION_OPENED = "suspension_opened"
    FURTHER_GROUND = "further_ground"
    HEARING = "hearing"
    HEARING_EXTENDED = "hearing_extended"
    HEARING_REMINDER = "hearing_reminder"
    OBSERVATIONS_RECEIVED = "observations_received"
    SUSPENSION_LIFTED = "suspension_lifted"
    SUSPENSION_UPHELD = "suspension_upheld"
    EXCLUDED = "excluded"
    SUSPENSION_VOID = "suspension_void"
    SUSPENSION_REVERSED = "suspension_reversed"
    SUSPENSION_CLOSED = "suspension_closed"
    SECRETARIAT_MEASURE = "secretariat_measure"
    SECRETARIAT_END = "secretariat_end"
    BUREAU_REFERRAL = "bureau_referral"
    DESK_MEASURE_REMINDER = "desk_measure_reminder"
    DESK_VACANCY = "desk_vacancy"
    DESK_HIT = "desk_hit"
    DESK_RETENTION = "desk_retention"


_CONCLUSIVE: Final = frozenset(
    {
        Template.LAPSED,
        Template.DECLINED,
        Template.INELIGIBLE,
        Template.APPROVED,
        Template.RESERVE,
        Template.NOT_RETAINED,
        Template.RATIFICATION_REFUSED,
        Template.PARTICIPATION,
        Template.EXPIRED,
        Template.WITHDRAWN,
        Template.SUSPENSION_LIFTED,
        Template.SUSPENSION_UPHELD,
        Template.EXCLUDED,
        Template.SUSPENSION_VOID,
        Template.SUSPENSION_REVERSED,
        Template.SUSPENSION_CLOSED,
        Template.SECRETARIAT_END,
    }
)
_REPEATED: Final = frozenset(
    {
        Template.REMINDER,
        Template.INFORMATION_REMINDER,
        Template.DATES_CHANGED,
        Template.DESK_VETTING_REMINDER,
        Template.DESK_OVERDUE,
        Template.SECRETARIAT_MEASURE,
        Template.BUREAU_REFERRAL,
        Template.DESK_MEASURE_REMINDER,
    }
)
_OVERTAKES: Final = {
    Template.DECLARED: frozenset({Template.INVITATION, Template.REMINDER}),
    Template.INFORMATION_CLOSED: frozenset({Template.INFORMATION_REQUEST, Template.INFORMATION_REMINDER}),
}


def overtakes(newer: Template) -> frozenset[Template]:
    """The letters to the same reader in the same case that must not go out any more once ``newer`` is decided.

    A letter that says where the case now stands overtakes every letter before it; a repeated one overtakes only its own
    kind, since an invitation still says what its reminder does not. What has been answered, or is closed, is not asked
    any more.
    """
    if newer in _CONCLUSIVE:
        return frozenset(Template)
    return frozenset({newer}) if newer in _REPEATED else _OVERTAKES.get(newer, frozenset())


class Facts(Model):
    """What a letter may state. Dates are days at the seat; a day named is a day included.

    Attributes:
        act_by: The last day on which the reader can act.
        begins: The day participation begins.
        closes: The session's closing day.
        statements: The criteria, worded in the reader's language.
        text: The desk's own words: a question, a reason.
        rank: The place on the reserve, from 1.
        ratification: Whether the plenary has yet to ratify.
        overdue: For the desk: what is overdue.
        letter: For the desk: the letter that needs a decision.
        trouble: For the desk: ``refused`` or ``unknown``.
        measure: What a suspension takes away: ``full``, ``partial`` or ``none``.
        scope: What a partial measure covers, in the desk's words.
        ground: What a suspension is for.
        presumed: The last day on which a letter counts as delivered if nothing else is known.
        outcome: How a case ended.
        reference: The reference of the decision.
        person: For the secretariats: whom a measure concerns.
        candidacies: For the desk: who may follow; or whose data will be erased.
        hits: For the desk: what lists say that has to be looked at.
    """

    act_by: date | None = None
    begins: date | None = None
    closes: date | None = None
    statements: tuple[str, ...] = ()
    text: str | None = None
    rank: int | None = None
    ratification: bool = False
    overdue: str | None = None
    letter: str | None = None
    trouble: str | None = None
    measure: str | None = None
    scope: str | None = None
    ground: str | None = None
    presumed: date | None = None
    outcome: str | None = None
    reference: str | None = None
    person: str | None = None
    candidacies: tuple[str, ...] = ()
    hits: tuple[str, ...] = ()


class Notice(Model):
    """One letter to be written; one for each secretariat, where it is for those.

    ``to`` is empty for an office, whose address is a setting of the worker.
    """

    template: Template
    role: Role
    to: Contact | None = None
    facts: Facts = Facts()


class Letter(Model):
    """A letter rendered, ready for any transport: one line of subject, plain text and HTML."""

    subject: str
    text: str
    html: str
