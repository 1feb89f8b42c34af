"""The advanced XML of the Office of Foreign Assets Control (``sdn_advanced.xml``).

Reference values come first, then places, then the parties, so that one pass is enough.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from activities.ports import ListBroken
from adapters.watchlists.people import Tally, iso_date, listed, years_between
from adapters.watchlists.source import Stream
from adapters.watchlists.xml import Element, attribute, children, elements, name_of, text_of, within
from domain.screening import Listed

ROOT: Final = "Sanctions"
_REFERENCES: Final = frozenset(
    {"AliasType", "NamePartType", "FeatureType", "DetailReference", "PartySubType", "PartyType", "Country"}
)
_WANTED: Final = _REFERENCES | {"Location", "DistinctParty"}
_PARTS: Final = {
    "Last Name": "lastName",
    "First Name": "firstName",
    "Middle Name": "middleName",
    "Maiden Name": "previousName",
    "Patronymic": "fatherName",
    "Matronymic": "motherName",
}
_ORDER: Final = ("firstName", "middleName", "fatherName", "motherName", "lastName")


@dataclass
class _References:
    """What numbers stand for, by the kind of number."""

    words: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    subtypes: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def learn(self, element: Element) -> None:
        kind, number = name_of(element), attribute(element, "ID")
        self.words[kind][number] = attribute(element, "ISO2") or (element.text or "").strip()
        if kind == "PartySubType":
            self.subtypes[number] = attribute(element, "PartyTypeID")


def read(stream: Stream, tally: Tally) -> Iterator[Listed]:
    """The people of the list.

    Raises:
        ListBroken: It cannot be read.
    """
    known = _References()
    for element in elements(stream, ROOT, _WANTED):
        match name_of(element):
            case "DistinctParty":
                person = _party(element, known)
                if person is None:
                    tally.skip("not a person")
                else:
                    yield person
            case "Location":
                for country in children(element, "LocationCountry"):
                    known.places[attribute(element, "ID")] = known.words["Country"].get(
                        attribute(country, "CountryID"), ""
                    )
            case _:
                known.learn(element)


def _party(party: Element, known: _References) -> Listed | None:
    profile = next(children(party, "Profile"), None)
    if profile is None:
        raise ListBroken("a party has no profile", line=party.sourceline, field="DistinctParty")
    kind = known.words["PartyType"].get(known.subtypes.get(attribute(profile, "PartySubTypeID"), ""), "")
    if kind and kind != "Individual":
        return None
    said: dict[str, list[str]] = defaultdict(list)
    for identity in children(profile, "Identity"):
        _names(identity, known, said)
    for feature in children(profile, "Feature"):
        _feature(feature, known, said)
    return listed(
        attribute(party, "FixedRef") or attribute(profile, "ID"),
        dict(said),
        schema="Person" if kind else "LegalEntity",
        line=party.sourceline,
    )


def _names(identity: Element, known: _References, said: dict[str, list[str]]) -> None:
    kinds = {
        attribute(group, "ID"): known.words["NamePartType"].get(attribute(group, "NamePartTypeID"), "")
        for group in within(identity, "NamePartGroups", "MasterNamePartGroup", "NamePartGroup")
    }
    for alias in children(identity, "Alias"):
        primary = attribute(alias, "Primary") == "true"
        weak = attribute(alias, "LowQuality") == "true"
        former = known.words["AliasType"].get(attribute(alias, "AliasTypeID"), "").startswith("F.K.A")
        property_ = "name" if primary else "weakAlias" if weak else "previousName" if former else "alias"
        for name in children(alias, "DocumentedName"):
            parts: dict[str, list[str]] = defaultdict(list)
            for value in within(name, "DocumentedNamePart", "NamePartValue"):
                part = _PARTS.get(kinds.get(attribute(value, "NamePartGroupID"), ""), "lastName")
                parts[part].append((value.text or "").strip())
            whole = " ".join(word for part in _ORDER for word in parts.get(part, ()))
            said[property_].append(whole or " ".join(parts.get("previousName", ())))
            if primary and len(said["name"]) == 1:
                for part, words in parts.items():
                    said[part].append(" ".join(words))


def _feature(feature: Element, known: _References, said: dict[str, list[str]]) -> None:
    kind = known.words["FeatureType"].get(attribute(feature, "FeatureTypeID"), "")
    for version in children(feature, "FeatureVersion"):
        if kind == "Birthdate":
            for period in children(version, "DatePeriod"):
                said["birthDate"].extend(_born(period))
        elif kind == "Place of Birth":
            said["birthPlace"].extend((detail.text or "").strip() for detail in children(version, "VersionDetail"))
        elif kind in {"Nationality Country", "Citizenship Country"}:
            places = children(version, "VersionLocation")
            said["nationality"].extend(known.places.get(attribute(place, "LocationID"), "") for place in places)
        elif kind == "Gender":
            said["gender"].extend(
                known.words["DetailReference"].get(attribute(detail, "DetailReferenceID"), "").lower()
                for detail in children(version, "VersionDetail")
            )


def _born(period: Element) -> tuple[str, ...]:
    first = _date(period, "Start", "From")
    last = _date(period, "End", "To") or _date(period, "Start", "To") or first
    if first[:4] != last[:4]:
        return years_between(first[:4], last[:4])
    if first == last:
        return (first,)
    # A span within one year: as much as both ends have in common.
    return (first[:7],) if first[:7] == last[:7] else (first[:4],)


def _date(period: Element, *path: str) -> str:
    for found in within(period, *path):
        year, month, day = (text_of(found, part) for part in ("Year", "Month", "Day"))
        return iso_date("-".join(part for part in (year, month, day) if part))
    return ""
