"""The likely Cyrillic form behind a name, whatever romanisation it is written in.

A name on a list and the same name in a passport seldom agree letter by letter: Зайцев is Zaytsev with the American
board, Zaitsev in a passport (ICAO), Zajcev by ISO 9, Zaïtsev in French and Saizew in German. So each part of a name is
read back by the rules of each system, and two parts are the same name where a reading of one is a reading of the other.

A reading is reduced to what all systems keep apart: й and ы count as и, ё and э as е, я as иа, ю as иу, the signs as
nothing, doubled letters once.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from itertools import islice, product
from typing import Final

from anyascii import anyascii

MAX_READINGS: Final = 12
"""Readings of one part in one system; more would match anything."""


class System(StrEnum):
    """How a name is written."""

    CYRILLIC = "Cyrillic"
    ENGLISH = "English or passport"
    SCHOLARLY = "scholarly (ISO 9)"
    GERMAN = "German"
    FRENCH = "French"


_LETTERS: Final = str.maketrans(
    {
        "й": "и", "ы": "и", "ё": "е", "э": "е", "я": "иа", "ю": "иу", "ь": "", "ъ": "", "і": "и", "ї": "и",
        "є": "е", "ґ": "г", "ў": "у", "ѓ": "г", "ќ": "к", "ј": "и", "љ": "л", "њ": "н", "ћ": "ч", "ђ": "дж",
        "џ": "дж", "ә": "а", "ө": "о", "ү": "у", "җ": "ж", "ң": "н", "һ": "х", "ҡ": "к", "ӧ": "о", "ӏ": "",
    }
)  # fmt: skip

_COMMON: Final[Mapping[str, str]] = {
    "a": "а", "b": "б", "d": "д", "e": "е", "f": "ф", "g": "г", "i": "и", "k": "к", "l": "л", "m": "м", "n": "н",
    "o": "о", "p": "п", "q": "к", "r": "р", "t": "т", "u": "у", "w": "в", "y": "и", "kh": "х", "th": "т", "ph": "ф",
    "ck": "к", "qu": "к", "ya": "иа", "yu": "иу", "ye": "е", "yo": "е", "ia": "иа", "iu": "иу", "sh": "ш",
}  # fmt: skip

_RULES: Final[Mapping[System, Mapping[str, tuple[str, ...]]]] = {
    System.ENGLISH: {
        "shch": ("щ",), "sch": ("щ", "ш"), "ch": ("ч",), "zh": ("ж",), "ts": ("ц",), "tc": ("ц",), "tz": ("ц",),
        "cz": ("ч",), "gh": ("г",), "ou": ("у", "оу"), "oo": ("у",), "ee": ("и", "е"), "j": ("дж", "и"),
        "ja": ("джа", "иа"), "ju": ("джу", "иу"), "x": ("кс", "х"), "c": ("к", "ц"), "h": ("х", "г"), "v": ("в",),
        "s": ("с",), "z": ("з",), "tch": ("ч",), "dj": ("дж",), "dzh": ("дж",),
    },
    System.SCHOLARLY: {
        "č": ("ч",), "š": ("ш",), "ž": ("ж",), "šč": ("щ",), "ŝ": ("щ",), "ĵ": ("ж",), "c": ("ц",), "ch": ("х",),
        "h": ("х",), "x": ("х",), "j": ("и",), "ja": ("иа",), "ju": ("иу",), "je": ("е",), "jo": ("е",), "ë": ("е",),
        "è": ("е",), "â": ("иа",), "û": ("иу",), "v": ("в",), "s": ("с",), "z": ("з",), "ks": ("кс",), "ŭ": ("у",),
    },
    System.GERMAN: {
        "schtsch": ("щ",), "tsch": ("ч",), "sch": ("ш", "ж"), "sh": ("ж",), "ch": ("х",), "z": ("ц",), "tz": ("ц",),
        "s": ("с",), "ss": ("с",), "ß": ("с",), "v": ("в", "ф"), "j": ("и",), "ja": ("иа",), "ju": ("иу",),
        "je": ("е",), "jo": ("е",), "x": ("кс",), "c": ("к",), "h": ("х",), "ts": ("ц",), "dsch": ("дж",),
        "ei": ("еи", "аи"), "ew": ("ев",),
    },
    System.FRENCH: {
        "chtch": ("щ",), "tch": ("ч",), "ch": ("ш",), "dj": ("дж",), "j": ("ж",), "ou": ("у",), "iou": ("иу",),
        "u": ("у", "иу"), "gue": ("ге",), "gui": ("ги",), "ge": ("же", "ге"), "gi": ("жи", "ги"), "ss": ("с",),
        "s": ("с",), "z": ("з",), "ts": ("ц",), "x": ("кс",), "c": ("к",), "ce": ("се",), "ci": ("си",), "v": ("в",),
        "h": ("х", ""), "ï": ("и",), "é": ("е",), "è": ("е",), "ê": ("е",), "ë": ("е",), "ç": ("с",),
    },
}  # fmt: skip

_SOUNDED_S: Final = re.compile(r"(?:(?<=[aeiouyäöü])|^)s(?=[aeiouyäöü])")
_FINAL_MUTE: Final = re.compile(r"(?<=[nr])e$")
_DOUBLE: Final = re.compile(r"(.)\1+")
_PATRONYMIC: Final = re.compile(r".{2,}(?:[оеа]вич|[оеи]вна|ична|[ае]уна)|(?:ил|кузм|лук|фом)ич")
"""Russian, Belarusian (Уладзіміравіч, Мікалаеўна) and Ukrainian (Миколаївна)."""
_SOFT_O: Final = re.compile(r"(?<=[бвгджзклмнпрстфхцчшщ])ио(?=[бвгджзклмнпрстфхцчшщ])")
_AFTER_HISSING: Final = re.compile(r"(?<=[жчшщ])о")
_VOWELS: Final = str.maketrans("", "", "аеиоу")


def _table(system: System) -> dict[str, tuple[str, ...]]:
    return {spelling: (sound,) for spelling, sound in _COMMON.items()} | dict(_RULES[system]) | {_SOUNDED: ("з",)}


_SOUNDED: Final = "\0"
"""Stands for an s between vowels."""
_TABLES: Final = {system: _table(system) for system in _RULES}
_SPELLINGS: Final = {
    system: re.compile("|".join(map(re.escape, sorted(table, key=len, reverse=True))))
    for system, table in _TABLES.items()
}
"""The longest spelling that fits is the one that is meant."""


def reduced(cyrillic: str) -> str:
    """A Cyrillic form without the differences that romanisations do not keep."""
    return _reduced(cyrillic.casefold().translate(_LETTERS))


@lru_cache(maxsize=400_000)
def _reduced(text: str) -> str:
    text = text.replace("тс", "ц").replace("шч", "щ").replace("тц", "ц")
    text = _DOUBLE.sub(r"\1", text)
    # After a consonant ё may be written e, yo or io; ие and е are one where a sign or a y stands between.
    text = _AFTER_HISSING.sub("е", _SOFT_O.sub("е", text.replace("ие", "е")))
    if len(text) > 3 and text.endswith("ф"):
        text = f"{text[:-1]}в"
    return _DOUBLE.sub(r"\1", text)


def tokens(name: str) -> tuple[str, ...]:
    """The parts of a name in small letters, without marks; a hyphen parts two."""
    text = unicodedata.normalize("NFC", name).casefold()
    return tuple(re.findall(r"[^\W\d_]+", re.sub(r"['’ʼʹʺ`´]", "", text)))


def _is_cyrillic(token: str) -> bool:
    return any("Ѐ" <= character <= "ԯ" for character in token)


def _spelt(token: str, system: System) -> str:
    """A token in the letters that a system's table knows."""
    if token.isascii():
        return token
    table = _TABLES[system]
    known = (letter if letter in table or letter.isascii() else anyascii(letter).casefold() for letter in token)
    return "".join(known)


def _sounds(spelt: str, system: System) -> frozenset[str]:
    """What is written, sound by sound; letters that the system does not know are passed over."""
    table = _TABLES[system]
    choices = [table[spelling] for spelling in _SPELLINGS[system].findall(spelt)]
    return frozenset(_reduced("".join(reading)) for reading in islice(product(*choices), MAX_READINGS))


@lru_cache(maxsize=400_000)
def _read(token: str, system: System) -> frozenset[str]:
    spelt = _spelt(token, system)
    if system is System.FRENCH:
        spelt = _FINAL_MUTE.sub("", spelt)
    found = _sounds(spelt, system)
    if system in {System.GERMAN, System.FRENCH} and "s" in spelt:
        sounded = _SOUNDED_S.sub(_SOUNDED, spelt)
        if sounded != spelt:
            found |= _sounds(sounded, system)
    return found - {""}


@lru_cache(maxsize=200_000)
def readings(token: str) -> Mapping[System, frozenset[str]]:
    """What a part of a name may be in Cyrillic, by the system it may be written in; reduced."""
    if _is_cyrillic(token):
        return {System.CYRILLIC: frozenset({reduced(token)} - {""})}
    return {system: read for system in _TABLES if (read := _read(token, system))}


@lru_cache(maxsize=200_000)
def any_reading(token: str) -> frozenset[str]:
    """What a part of a name may be, in whatever system."""
    return frozenset().union(*readings(token).values())


_MARKS: Final[Mapping[System, re.Pattern[str]]] = {
    System.SCHOLARLY: re.compile(r"[čšžŝĵâûëèj]|c(?![hk])"),
    System.GERMAN: re.compile(r"sch|w|ei|z"),
    System.FRENCH: re.compile(r"tch|ou|ï|ch|gu[ei]|dj|ine$|j"),
}
"""What tells that a name may be written in a system other than the English one."""


@lru_cache(maxsize=200_000)
def likely_readings(token: str) -> frozenset[str]:
    """The readings of a part as an entry of a list is most likely meant: the English ones, and others with a sign."""
    if _is_cyrillic(token):
        return any_reading(token)
    return frozenset().union(
        *(_read(token, system) for system in _TABLES if system not in _MARKS or _MARKS[system].search(token))
    )


def consonants(reading: str) -> str:
    """The consonants of a reading."""
    return reading.translate(_VOWELS)


def frame(reading: str) -> str:
    """The consonants of a reading; the reading itself where it has none."""
    return consonants(reading) or reading


@lru_cache(maxsize=200_000)
def is_patronymic(token: str) -> bool:
    """Whether a part of a name has the form of a patronymic."""
    return any(_PATRONYMIC.fullmatch(reading) for reading in any_reading(token))


_DIMINUTIVES: Final[Mapping[str, str]] = {
    "саша": "александр александра", "шура": "александр александра", "алеша": "алексей", "леша": "алексей",
    "аня": "анна", "толя": "анатолий", "андрюша": "андрей", "тоня": "антонина", "антоша": "антон", "боря": "борис",
    "вадик": "вадим", "валя": "валентин валентина", "валера": "валерий валерия", "вася": "василий василиса",
    "вера": "вероника", "витя": "виктор", "вика": "виктория", "виталик": "виталий", "володя": "владимир",
    "вова": "владимир", "слава": "вячеслав владислав ярослав святослав ростислав", "галя": "галина", "гена": "геннадий",
    "жора": "георгий", "гоша": "георгий", "гриша": "григорий", "даша": "дарья", "даня": "даниил", "дима": "дмитрий",
    "митя": "дмитрий", "женя": "евгений евгения", "катя": "екатерина", "лена": "елена", "лиза": "елизавета",
    "ваня": "иван", "игорек": "игорь", "илюша": "илья", "ира": "ирина", "костя": "константин", "ксюша": "ксения",
    "лара": "лариса", "лева": "лев", "леня": "леонид", "люба": "любовь", "люда": "людмила", "макс": "максим",
    "рита": "маргарита", "маша": "мария", "марина": "марина", "миша": "михаил", "надя": "надежда",
    "наташа": "наталья наталия", "настя": "анастасия", "коля": "николай", "оля": "ольга", "паша": "павел",
    "петя": "петр", "поля": "полина", "рома": "роман", "света": "светлана", "сева": "всеволод",
    "сережа": "сергей", "соня": "софья софия", "стас": "станислав", "степа": "степан", "таня": "татьяна",
    "тема": "артем", "тима": "тимофей", "федя": "федор", "эдик": "эдуард", "юра": "юрий", "юля": "юлия",
    "яша": "яков",
}  # fmt: skip
_FULL: Final = {
    reduced(short): frozenset(reduced(full) for full in fulls.split()) for short, fulls in _DIMINUTIVES.items()
}


@lru_cache(maxsize=200_000)
def full_names(token: str) -> frozenset[str]:
    """The names of which a part may be the diminutive, as readings; none where it is no diminutive that is known."""
    return frozenset[str]().union(*(_FULL.get(reading, frozenset()) for reading in any_reading(token)))
