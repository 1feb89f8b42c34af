"""The variants under which a listed person is looked for: made by machine from the name as published."""

import random
import re
from collections.abc import Callable
from typing import Final

from benchmarks.spellings import cyrillic_of, romanised
from domain.screening import Listed

_SLAVIC: Final = re.compile(r"(?:ov|ova|ev|eva|in|ina|yn|skiy|skaya|enko|chuk|vich|vna)$")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def _whole(person: Listed) -> tuple[str, str]:
    family = person.properties.get("lastName", ("",))[0]
    return family, person.properties.get("firstName", ("",))[0]


def own(person: Listed, _: random.Random) -> str | None:
    """As published."""
    return person.caption


def cyrillic(person: Listed, _: random.Random) -> str | None:
    """In Cyrillic, where the name is East Slavic."""
    family, given = _whole(person)
    words = f"{family} {given}".split()
    if len(words) < 2 or not any(_SLAVIC.search(word.lower()) for word in words[:1] + words[-1:]):
        return None
    russian = {"Russia", "Ukraine", "Belarus", "Soviet Union"} & set(person.properties.get("nationality", ()))
    place = " ".join(person.properties.get("birthPlace", ()))
    if not russian and not re.search(r"Russia|Ukraine|Belarus|USSR", place):
        return None
    return cyrillic_of(f"{family} {given}")


def _through(system: str) -> Callable[[Listed, random.Random], str | None]:
    def made(person: Listed, chance: random.Random) -> str | None:
        written = cyrillic(person, chance)
        return romanised(written, system) if written is not None else None

    return made


def swapped(person: Listed, _: random.Random) -> str | None:
    """The family name first."""
    family, given = _whole(person)
    return f"{family} {given}" if given else None


def no_patronymic(person: Listed, _: random.Random) -> str | None:
    """Without the patronymic, where there is one."""
    words = person.caption.split()
    kept = [word for word in words if not re.search(r"(?:vich|vna|ichna|ilich)$", word.lower())]
    return " ".join(kept) if 2 <= len(kept) < len(words) else None


def initials(person: Listed, _: random.Random) -> str | None:
    """The family name with the initials of the others."""
    family, given = _whole(person)
    letters = [word[0] for word in re.findall(r"[^\W\d_]+", given)]
    return f"{' '.join(f'{letter}.' for letter in letters)} {family}" if letters and family else None


def slip(person: Listed, chance: random.Random) -> str | None:
    """With one letter left out, put in, replaced, or changing places with the next."""
    name = person.caption
    places = [number for number, letter in enumerate(name) if letter.isalpha()]
    place = chance.choice(places)
    letter = chance.choice(_LETTERS)
    match chance.randrange(4):
        case 0:
            return name[:place] + name[place + 1 :]
        case 1:
            return name[:place] + letter + name[place:]
        case 2:
            return name[:place] + letter + name[place + 1 :]
        case _:
            return name[:place] + name[place + 1 : place + 2] + name[place] + name[place + 2 :]


def alias(person: Listed, chance: random.Random) -> str | None:
    """Under one of the aliases that are no nicknames."""
    aliases = person.properties.get("alias", ())
    return chance.choice(aliases) if aliases else None


VARIANTS: Final[dict[str, Callable[[Listed, random.Random], str | None]]] = {
    "as published": own,
    "Cyrillic": cyrillic,
    "passport (ICAO)": _through("icao"),
    "ISO 9": _through("iso9"),
    "French": _through("french"),
    "German": _through("german"),
    "family name first": swapped,
    "no patronymic": no_patronymic,
    "initials": initials,
    "one slip": slip,
    "alias": alias,
}
