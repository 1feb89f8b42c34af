"""Days in words, in the language of the reader; independent of the machine's locale."""

from datetime import date
from typing import Final

from domain.people import Language

_WEEKDAYS: Final = {
    Language.ENGLISH: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    Language.FRENCH: ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    Language.RUSSIAN: ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"),
}
_MONTHS: Final = {
    Language.ENGLISH: (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    Language.FRENCH: (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    Language.RUSSIAN: (
        "января", "февраля", "марта", "апреля", "мая", "июня",
        "июля", "августа", "сентября", "октября", "ноября", "декабря",
    ),
}  # fmt: skip


def in_words(day: date, language: Language) -> str:
    """A day with its weekday: "Monday 30 March 2026", "lundi 30 mars 2026", "понедельник, 30 марта 2026 года"."""
    weekday = _WEEKDAYS[language][day.weekday()]
    month = _MONTHS[language][day.month - 1]
    match language:
        case Language.ENGLISH:
            return f"{weekday} {day.day} {month} {day.year}"
        case Language.FRENCH:
            number = "1er" if day.day == 1 else str(day.day)
            return f"{weekday} {number} {month} {day.year}"
        case Language.RUSSIAN:
            return f"{weekday}, {day.day} {month} {day.year} года"
