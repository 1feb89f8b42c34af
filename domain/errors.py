"""Every way a rule can say no.

Refusal
├── NotAtThisStage      the case has left, or not reached, the stage the act belongs to
├── OutOfTime           a time-limit or a date of the session forbids it
├── IncompleteAnswer    a declaration or an assessment does not answer each criterion once
├── SamePerson          two officers means two persons
├── ConflictOfInterest  an officer who has declared an interest in the case
├── AlteredCommand      the content is not what the envelope says, or the case is not the one it names
├── StaleContent        the act names another version of the list than the one on the table
├── SeatsExceeded       the law of seats
├── NotEligible         a candidacy cannot take the place it is given
├── VoteNotCarried      the votes do not carry the outcome
├── DatesOutOfOrder     the dates of a session contradict each other or lie in the past
├── NoSuchHit           the case has no hit of that id
├── NothingToChange     everything is already as the command would have it
├── LetterSettled       a letter that needs no decision of the desk
├── UnknownSigner       no admitted key has signed this, or not what is said here
├── NotYourOffice       the signer holds no office that allows the act
├── StaleCommand        signed too long ago, or in the future
├── ReplayedCommand     this very command was taken before
├── StrayCase           a workflow's case is not the one that the ledger has
├── UnfoundedWord       word of another case that never gave it
├── NotAdmissible       a key that cannot be admitted to an office
├── LastHeadOfDesk      nobody would be left who can admit officers
└── Erased              the person's data was erased: its key is destroyed, and nothing is written under another

A refusal crosses Temporal as an ``ApplicationError`` whose ``type`` is the class name and whose one detail is the rule.
Messages hold references and rules only, never personal data: they reach logs.
"""

from typing import Final


class Refusal(Exception):
    """A rule forbids the act; nothing was recorded.

    Args:
        message: What is wrong and what would be right, for the officer.
        rule: The rule's short name, stable for programs.
    """

    def __init__(self, message: str, *, rule: str) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rule


class NotAtThisStage(Refusal):
    """The act does not belong to the stage the case is at."""


class OutOfTime(Refusal):
    """A time-limit or a date of the session forbids the act."""


class IncompleteAnswer(Refusal):
    """Not every criterion is answered exactly once."""


class SamePerson(Refusal):
    """The rule asks for another person than the one who signs."""


class ConflictOfInterest(Refusal):
    """The officer has declared an interest in the case."""


class AlteredCommand(Refusal):
    """The envelope and its content, or its case, do not agree."""


class StaleContent(Refusal):
    """The act names a content hash that is not the one on the table."""


class SeatsExceeded(Refusal):
    """The list gives more seats than the session has for that kind."""


class NotEligible(Refusal):
    """A candidacy on the list cannot take the place it is given."""


class VoteNotCarried(Refusal):
    """The votes do not carry the outcome that is claimed."""


class DatesOutOfOrder(Refusal):
    """The dates of a session contradict each other or lie in the past."""


class NoSuchHit(Refusal):
    """The case has no hit of that id."""


class NothingToChange(Refusal):
    """Everything is already as the command would have it."""


class LetterSettled(Refusal):
    """The letter needs no decision: it is sent, on its way, or withdrawn."""


class UnknownSigner(Refusal):
    """No key that the register has admitted signed this, or it signed something else."""


class NotYourOffice(Refusal):
    """The signer holds no office that allows the act."""


class StaleCommand(Refusal):
    """The command was signed too long ago, or in the future."""


class ReplayedCommand(Refusal):
    """This very command was taken before."""


class StrayCase(Refusal):
    """A workflow's case is not the one that the ledger has under its name."""


class UnfoundedWord(Refusal):
    """Word between two cases that the record of one of them does not have."""


class NotAdmissible(Refusal):
    """The key cannot be admitted to the office."""


class LastHeadOfDesk(Refusal):
    """Nobody would be left who can admit officers."""


class Erased(Refusal):
    """The person's data was erased; what was written cannot be read any more, and nothing more is written."""


REFUSALS: Final = frozenset(
    cls.__name__
    for cls in (
        NotAtThisStage,
        OutOfTime,
        IncompleteAnswer,
        SamePerson,
        ConflictOfInterest,
        AlteredCommand,
        StaleContent,
        SeatsExceeded,
        NotEligible,
        VoteNotCarried,
        DatesOutOfOrder,
        NoSuchHit,
        NothingToChange,
        LetterSettled,
        UnknownSigner,
        NotYourOffice,
        StaleCommand,
        ReplayedCommand,
        StrayCase,
        UnfoundedWord,
        NotAdmissible,
        LastHeadOfDesk,
        Erased,
    )
)
"""The names under which refusals come back from a workflow."""

INCIDENTS: Final = frozenset(
    cls.__name__
    for cls in (
        AlteredCommand,
        UnknownSigner,
        NotYourOffice,
        StaleCommand,
        ReplayedCommand,
        StrayCase,
        UnfoundedWord,
        NotAdmissible,
        SamePerson,
        ConflictOfInterest,
    )
)
"""The refusals for want of authority: where the register itself says them, they are written down."""
