"""Ways in which one name is written, made by rule: what the recall of a screening is measured on."""

import re
from collections.abc import Mapping
from typing import Final

SYSTEMS: Final[Mapping[str, Mapping[str, str]]] = {
    "bgn": {"е": "e", "ё": "e", "ж": "zh", "й": "y", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "",
            "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya", "у": "u", "з": "z", "с": "s", "в": "v", "и": "i"},
    "icao": {"е": "e", "ё": "e", "ж": "zh", "й": "i", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch",
             "ъ": "ie", "ы": "y", "ь": "", "э": "e", "ю": "iu", "я": "ia", "у": "u", "з": "z", "с": "s", "в": "v",
             "и": "i"},
    "iso9": {"е": "e", "ё": "ë", "ж": "ž", "й": "j", "х": "h", "ц": "c", "ч": "č", "ш": "š", "щ": "ŝ", "ъ": "ʺ",
             "ы": "y", "ь": "ʹ", "э": "è", "ю": "û", "я": "â", "у": "u", "з": "z", "с": "s", "в": "v", "и": "i"},
    "german": {"е": "e", "ё": "jo", "ж": "sch", "й": "i", "х": "ch", "ц": "z", "ч": "tsch", "ш": "sch",
               "щ": "schtsch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "ju", "я": "ja", "у": "u", "з": "s",
               "с": "s", "в": "w", "и": "i"},
    "french": {"е": "e", "ё": "io", "ж": "j", "й": "ï", "х": "kh", "ц": "ts", "ч": "tch", "ш": "ch", "щ": "chtch",
               "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "iou", "я": "ia", "у": "ou", "з": "z", "с": "s", "в": "v",
               "и": "i"},
}  # fmt: skip
_SAME: Final = dict(zip("абгдклмнопртф", "abgdklmnoprtf", strict=True))


def romanised(cyrillic: str, system: str) -> str:
    """A Cyrillic name in Latin letters, by ``bgn``, ``icao``, ``iso9``, ``german`` or ``french``."""
    table = _SAME | dict(SYSTEMS[system])
    words = []
    for word in cyrillic.casefold().split():
        written = word
        if system == "french":
            written = re.sub(r"(?<=[аеёиоуыэюя])с(?=[аеёиоуыэюя])", "сс", written)
            written = re.sub(r"ий$", "и", written)
        if system == "german":
            written = re.sub(r"(?<=[аеёиоуыэюя])с(?=[аеёиоуыэюя])", "сс", re.sub(r"[иы]й$", "и", written))
        latin = "".join(table.get(letter, letter) for letter in written)
        if system == "french":
            latin = re.sub(r"g(?=[eiï])", "gu", re.sub(r"in$", "ine", latin))
        if system == "bgn":
            latin = re.sub(r"(?:^|(?<=[aeiouy]))e", "ye", latin) if "е" in word or "ё" in word else latin
        words.append(latin.capitalize())
    return " ".join(words)


def cyrillic_of(latin: str) -> str | None:
    """The Cyrillic form of a name written by the American board's rules; None where it is no East Slavic name.

    For names as published by the Office of Foreign Assets Control, whose rules can be turned round but for ы and й.
    """
    pairs = (
        ("shch", "щ"), ("zh", "ж"), ("kh", "х"), ("ts", "ц"), ("ch", "ч"), ("sh", "ш"), ("yu", "ю"), ("ya", "я"),
        ("ye", "е"), ("yo", "ё"),
    )  # fmt: skip
    text = latin.casefold().replace("'", "ь")
    if re.search(r"[^a-z ь-]|[wqxjh](?<![kzcs]h)", text):
        return None
    for spelling, letter in pairs:
        text = text.replace(spelling, letter)
    text = re.sub(r"(?<=[аеёиоуыэюяaeiou])y", "й", re.sub(r"iy\b", "ий", text))
    single = dict(zip("abvgdeziklmnoprstufyc", "абвгдезиклмнопрстуфык", strict=True))
    return "".join(single.get(letter, letter) for letter in text)
