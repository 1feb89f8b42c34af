"""Days in words."""

from datetime import date

import pytest

from domain.people import Language
from letters.dates import in_words


@pytest.mark.parametrize(
    ("day", "language", "words"),
    [
        (date(2026, 3, 30), Language.ENGLISH, "Monday 30 March 2026"),
        (date(2026, 3, 30), Language.FRENCH, "lundi 30 mars 2026"),
        (date(2026, 3, 30), Language.RUSSIAN, "понедельник, 30 марта 2026 года"),
        (date(2026, 2, 1), Language.ENGLISH, "Sunday 1 February 2026"),
        (date(2026, 2, 1), Language.FRENCH, "dimanche 1er février 2026"),
        (date(2026, 2, 1), Language.RUSSIAN, "воскресенье, 1 февраля 2026 года"),
        (date(2028, 2, 29), Language.ENGLISH, "Tuesday 29 February 2028"),
    ],
)
def test_day_is_written_in_the_language_of_the_reader(day: date, language: Language, words: str) -> None:
    assert in_words(day, language) == words


@pytest.mark.parametrize("language", Language)
def test_every_weekday_and_every_month_has_its_own_name(language: Language) -> None:
    week = {in_words(date(2026, 6, number), language).split()[0] for number in range(1, 8)}
    year = {in_words(date(2026, number, 15), language).split()[2] for number in range(1, 13)}
    assert (len(week), len(year)) == (7, 12)
