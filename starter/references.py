"""References on the command line: what each looks like, and an error that shows it."""

import re
from collections.abc import Mapping
from typing import Any, Final, get_args

import click

from domain.criteria import CriterionKey
from domain.ids import (
    CandidacyReference,
    LetterReference,
    ListReference,
    OfficerId,
    SessionReference,
    SuspensionReference,
)
from domain.suspension import GroundKey


def _pattern(annotated: Any) -> str:
    return str(get_args(annotated)[1].pattern)


EXAMPLES: Final[Mapping[str, str]] = {
    _pattern(SessionReference): "2026",
    _pattern(CandidacyReference): "C-2026-0007",
    _pattern(ListReference): "L-2026-1",
    _pattern(SuspensionReference): "S-2026-0003",
    _pattern(LetterReference): "C-2026-0007.3.1",
    _pattern(OfficerId): "O-17",
    _pattern(CriterionKey): "moral-standing",
    _pattern(GroundKey): "criterion:moral-standing, banned-symbol, screening-hit or complaint",
}
"""What text of each pattern looks like."""


class Reference(click.ParamType[str]):
    """A reference of one kind of case.

    Args:
        name: How the help calls it.
        annotated: The kind of reference, as ``domain.ids`` defines it.
    """

    def __init__(self, name: str, *annotated: Any) -> None:
        self.name = name
        self._patterns = [_pattern(each) for each in annotated]

    def fits(self, text: str) -> bool:
        """Whether a text looks like one."""
        return any(re.fullmatch(pattern, text) for pattern in self._patterns)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take the text as it is, or say what it should look like."""
        if not self.fits(value):
            self.fail(f"must look like {' or '.join(EXAMPLES[pattern] for pattern in self._patterns)}", param, ctx)
        return str(value)


SESSION: Final = Reference("session", SessionReference)
CANDIDACY: Final = Reference("candidacy", CandidacyReference)
LIST: Final = Reference("list", ListReference)
LETTER: Final = Reference("letter", LetterReference)
SUSPENSION: Final = Reference("suspension", SuspensionReference)
CASE: Final = Reference("case", CandidacyReference, ListReference, SuspensionReference, SessionReference)
OFFICER: Final = Reference("officer", OfficerId)
