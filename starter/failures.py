"""Every way a command can end without having done what it was asked, with its exit code."""

import errno
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final


class Kind(StrEnum):
    """What went wrong."""

    USAGE = "usage"
    BAD_INPUT = "bad-input"
    SETTING = "setting"
    REFUSED = "refused"
    NO_SUCH_CASE = "no-such-case"
    UNREACHABLE = "unreachable"
    OUTCOME_UNKNOWN = "outcome-unknown"
    DEFECT = "defect"
    INTERRUPTED = "interrupted"


EXIT_CODES: Final[Mapping[Kind, int]] = {
    Kind.DEFECT: 1,
    Kind.USAGE: 2,
    Kind.BAD_INPUT: 2,
    Kind.SETTING: 2,
    Kind.REFUSED: 3,
    Kind.NO_SUCH_CASE: 4,
    Kind.UNREACHABLE: 5,
    Kind.OUTCOME_UNKNOWN: 5,
    Kind.INTERRUPTED: 130,
}


class Failure(Exception):
    """A command ends without having done what it was asked.

    Args:
        kind: What went wrong; it decides the exit code.
        message: What is wrong and what would be right, in one line.
        rule: The rule that forbids it, where one does.
    """

    def __init__(self, kind: Kind, message: str, *, rule: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.rule = rule

    @property
    def code(self) -> int:
        """The exit code."""
        return EXIT_CODES[self.kind]

    @property
    def line(self) -> str:
        """What a person is told."""
        what = self.kind.value.replace("-", " ")
        return f"{what} ({self.rule}): {self.message}" if self.rule else f"{what}: {self.message}"

    def document(self) -> dict[str, Any]:
        """What a program is told."""
        told: dict[str, Any] = {"kind": self.kind.value}
        if self.rule is not None:
            told["rule"] = self.rule
        return told | {"message": self.message}


def failure_of(error: Exception) -> Failure:
    """What an exception means for whoever ran the command; one that means nothing is a defect."""
    if isinstance(error, Failure):
        return error
    # A wrong option must not wait for the client of Temporal to load; whoever raised one of these has loaded it.
    from config.settings import WrongSetting
    from config.temporal import TemporalUnreachable
    from domain.errors import Refusal
    from domain.keys import KeyMissing, KeysUnavailable
    from starter.desk import NoSuchCase, OutcomeUnknown, PartUnreachable, Refused

    match error:
        case WrongSetting():
            return Failure(Kind.SETTING, str(error))
        case TemporalUnreachable():
            return Failure(Kind.UNREACHABLE, f"{error}; `starter stack up` starts it")
        case KeysUnavailable():
            return Failure(Kind.UNREACHABLE, str(error))
        case KeyMissing():
            return Failure(Kind.SETTING, f"{error}; does DESK_KEYS_FOLDER or DESK_KEYS_URL lead to the worker's keys?")
        case Refused():
            return Failure(Kind.REFUSED, str(error), rule=error.rule)
        case Refusal():
            return Failure(Kind.REFUSED, error.message, rule=error.rule)
        case NoSuchCase():
            return Failure(Kind.NO_SUCH_CASE, str(error))
        case PartUnreachable():
            return Failure(Kind.UNREACHABLE, str(error))
        case OutcomeUnknown():
            return Failure(Kind.OUTCOME_UNKNOWN, str(error))
        case OSError(errno=errno.ENOSPC | errno.EIO):
            return Failure(Kind.UNREACHABLE, f"it was done, and the answer cannot be written: {error.strerror}")
        case _:
            return Failure(Kind.DEFECT, f"{_place(error)}; please report it")


def _place(error: Exception) -> str:
    # Not the exception's own words: they may quote what a person wrote.
    name = type(error).__name__
    frames = extract_tb(error.__traceback__)
    return f"{name} at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else name
