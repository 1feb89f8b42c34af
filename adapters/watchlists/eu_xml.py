"""The European Union's consolidated list of financial sanctions (FSD export, ``export``)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from adapters.watchlists.people import Tally, iso_date, listed
from adapters.watchlists.source import Stream
from adapters.watchlists.xml import Element, attribute, children, elements
from domain.screening import Listed

ROOT: Final = "export"
_PERSON: Final = frozenset({"person", "P"})
_GENDERS: Final = {"M": "male", "F": "female"}
_UNKNOWN_COUNTRY: Final = "00"


def read(stream: Stream, tally: Tally) -> Iterator[Listed]:
    """The people of the list.

    Raises:
        ListBroken: It cannot be read.
    """
    for entity in elements(stream, ROOT, frozenset({"sanctionEntity"})):
        kinds = {attribute(kind, "code") for kind in children(entity, "subjectType")}
        if kinds.isdisjoint(_PERSON):
            tally.skip("not a person")
            continue
        yield _person(entity)


def _person(entity: Element) -> Listed:
    said: dict[str, list[str]] = defaultdict(list)
    for alias in children(entity, "nameAlias"):
        parts = [attribute(alias, part) for part in ("firstName", "middleName", "lastName")]
        whole = attribute(alias, "wholeName") or " ".join(part for part in parts if part)
        if not whole:
            continue
        if not said["name"]:
            said["name"].append(whole)
            for name, part in zip(("firstName", "middleName", "lastName"), parts, strict=True):
                said[name].append(part)
        else:
            said["weakAlias" if attribute(alias, "strong") == "false" else "alias"].append(whole)
        said["gender"].append(_GENDERS.get(attribute(alias, "gender"), ""))
        said["position"].append(attribute(alias, "function"))
    for born in children(entity, "birthdate"):
        year, month, day = (attribute(born, part) for part in ("year", "monthOfYear", "dayOfMonth"))
        written = attribute(born, "birthdate") or "-".join(part for part in (year, month, day) if part)
        said["birthDate"].append(iso_date(written))
        said["birthPlace"].append(attribute(born, "city"))
    for citizenship in children(entity, "citizenship"):
        country = attribute(citizenship, "countryIso2Code")
        said["nationality"].append("" if country == _UNKNOWN_COUNTRY else country)
    said["program"].extend(attribute(regulation, "programme") for regulation in children(entity, "regulation"))
    number = attribute(entity, "euReferenceNumber") or attribute(entity, "logicalId")
    return listed(number, dict(said), line=entity.sourceline)
