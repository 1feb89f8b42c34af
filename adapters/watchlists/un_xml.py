"""The consolidated list of the United Nations Security Council (``CONSOLIDATED_LIST``)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from adapters.watchlists.people import Tally, iso_date, listed, years_between
from adapters.watchlists.source import Stream
from adapters.watchlists.xml import Element, children, elements, name_of, text_of, within
from domain.screening import Listed

ROOT: Final = "CONSOLIDATED_LIST"
_NAMES: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")


def read(stream: Stream, tally: Tally) -> Iterator[Listed]:
    """The people of the list.

    Raises:
        ListBroken: It cannot be read.
    """
    for element in elements(stream, ROOT, frozenset({"INDIVIDUAL", "ENTITY"})):
        if name_of(element) == "ENTITY":
            tally.skip("not a person")
            continue
        yield _person(element)


def _person(person: Element) -> Listed:
    said: dict[str, list[str]] = defaultdict(list)
    said["name"].append(" ".join(part for name in _NAMES if (part := text_of(person, name))))
    said["alias"].append(text_of(person, "NAME_ORIGINAL_SCRIPT"))
    for alias in children(person, "INDIVIDUAL_ALIAS"):
        quality = text_of(alias, "QUALITY").lower()
        property_ = "weakAlias" if quality.startswith("low") else "previousName" if "f.k.a" in quality else "alias"
        said[property_].append(text_of(alias, "ALIAS_NAME"))
    for born in children(person, "INDIVIDUAL_DATE_OF_BIRTH"):
        span = years_between(text_of(born, "FROM_YEAR"), text_of(born, "TO_YEAR"))
        said["birthDate"].extend(span or [iso_date(text_of(born, "DATE") or text_of(born, "YEAR"))])
    said["nationality"].extend((value.text or "") for value in within(person, "NATIONALITY", "VALUE"))
    said["gender"].append(text_of(person, "GENDER").lower())
    said["position"].extend((value.text or "") for value in within(person, "DESIGNATION", "VALUE"))
    said["program"].append(text_of(person, "UN_LIST_TYPE"))
    return listed(text_of(person, "REFERENCE_NUMBER") or text_of(person, "DATAID"), dict(said), line=person.sourceline)
