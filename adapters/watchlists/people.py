"""From what lists say of a person to the terms of FollowTheMoney."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from activities.ports import ListBroken
from domain.screening import Listed

PEOPLE: Final = frozenset({"Person", "LegalEntity"})
"""What is screened: people, and what a list does not say to be anything else."""
MAX_VALUES: Final = 500
"""Values of one property that are kept; the longest list of aliases published has some hundred."""
MAX_VALUE: Final = 500

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_ISO: Final = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?(?:T.*)?")
_WRITTEN: Final = re.compile(r"(?:([0-9]{1,2}) )?(?:([A-Za-z]{3})[a-z]* )?([0-9]{4})")
_CONTROLS: Final = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@dataclass
class Tally:
    """What was left out of a list, and why, for whoever imports it."""

    skipped: Counter[str] = field(default_factory=Counter)

    def skip(self, why: str) -> None:
        """Count one that is left out."""
        self.skipped[why] += 1


def clean(value: str | None) -> str:
    """A value on one line without marks that reorder or hide it; empty where nothing is left."""
    if not value:
        return ""
    text = unicodedata.normalize("NFC", value)
    kept = "".join(" " if unicodedata.category(character) in _CONTROLS else character for character in text)
    return " ".join(kept.split())[:MAX_VALUE]


def iso_date(written: str) -> str:
    """A date as published, as far as it is known: ``1965-09-07``, ``1965-09``, ``1965``; empty where it says nothing.

    A date in words of English (``07 Sep 1965``, ``circa 1965``) or with the year first.
    """
    text = clean(written).removeprefix("circa ").removeprefix("Circa ")
    if (found := _ISO.fullmatch(text)) is not None:
        year, month, day = found[1], found[2], found[3]
        numbers = [int(part) for part in (month, day) if part is not None]
    elif (found := _WRITTEN.fullmatch(text)) is not None and (found[2] is None or found[2].lower() in _MONTHS):
        year = found[3]
        numbers = [_MONTHS[found[2].lower()]] if found[2] else []
        if numbers and found[1]:
            numbers.append(int(found[1]))
    else:
        return ""
    if not 1800 <= int(year) <= 2100:
        return ""
    if any(not 1 <= number <= limit for number, limit in zip(numbers, (12, 31), strict=False)):
        return year
    return "-".join([year, *(f"{number:02d}" for number in numbers)])


def years_between(first: str, last: str) -> tuple[str, ...]:
    """The years of a span, as a list gives one where it does not know the year; both ends at least."""
    if not (first.isdigit() and last.isdigit()) or not 0 <= int(last) - int(first) <= 20:
        return tuple(value for value in (first, last) if value)
    return tuple(str(year) for year in range(int(first), int(last) + 1))


def listed(
    entry: str, properties: Mapping[str, Iterable[str]], *, schema: str = "Person", line: int | None = None
) -> Listed:
    """An entry of a list.

    Raises:
        ListBroken: It has no id, or no name.
    """
    key = clean(entry)
    if not key or len(key) > 255:
        raise ListBroken("an entry has no id, or one of more than 255 characters", line=line)
    kept: dict[str, tuple[str, ...]] = {}
    for name, values in properties.items():
        cleaned = tuple(dict.fromkeys(value for raw in values if (value := clean(raw))))[:MAX_VALUES]
        if cleaned:
            kept[name] = cleaned
    found = Listed.model_construct(id=key, schema_=schema, properties=kept)
    if not found.names:
        raise ListBroken(f"entry {key} has no name", line=line)
    return found
