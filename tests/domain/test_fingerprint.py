from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.fingerprint import fingerprint, skeleton
from domain.people import Nomination
from tests.builders import KEY, SESSION, a_nomination

PASSPORT: Final = str.maketrans(
    {
        **dict(zip("абвгдеёзийклмнопрстуфыэ", "abvgdeeziiklmnoprstufye", strict=True)),
        "ж": "zh",
        "х": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "shch",
        "ъ": "ie",
        "ь": "",
        "ю": "iu",
        "я": "ia",
    }
)
"""Transliteration in Russian passports (ICAO Doc 9303)."""
SURNAMES: Final = (
    "Вымышленный", "Примеров", "Образцов", "Тестов", "Щукин", "Жарков", "Хвостов", "Цветаев", "Чижов", "Шубин",
    "Юшкин", "Яблоков", "Ёлкин", "Энгельгардт", "Объедков", "Подъячев", "Соловьёв", "Воробьёв", "Кузьмин",
    "Третьяков", "Грызунов", "Быков", "Рощин", "Мещеряков", "Джугашев", "Бажов", "Дождиков", "Рыжов", "Ежов",
    "Зайцев", "Майский", "Чайкин", "Фёдоров", "Филатов", "Хохлов",
    "Бехтерев", "Ксенофонтов", "Максимов", "Алексеев", "Царёв", "Цуканов", "Пшеницын", "Птицын",
    "Спицын", "Ключевский", "Лещенко", "Жижин", "Железнов", "Хачатурян", "Шостак", "Тютчев", "Ивашкевич",
    "Якушев", "Юдин", "Юрьев", "Эйзен", "Эфрон", "Оксман", "Щёголев", "Борщов", "Плющ", "Хвощинский", "Кац",
)  # fmt: skip
GIVEN_NAMES: Final = (
    "Пётр", "Анна", "Мария", "Юлия", "Жанна", "Евгения", "Ксения", "Илья", "Яна", "Эмма", "Фёдор", "Михаил",
    "Хаим", "Цецилия", "Чингиз", "Шамиль", "Щорс", "Сергей", "Андрей", "Алексей", "Александр", "Георгий", "Ольга",
    "Татьяна", "Наталья", "Дарья", "Игорь", "Любовь", "Зоя", "Роза",
)  # fmt: skip


def nominated(given_name: str = "Пётр", family_name: str = "Вымышленный", **changes: Any) -> Nomination:
    nomination = a_nomination(given_name=given_name, family_name=family_name)
    candidate = {name: changes.pop(name) for name in ("birth_date", "patronymic", "email") if name in changes}
    return Nomination.model_validate(
        nomination.model_dump() | changes | {"candidate": nomination.candidate.model_dump() | candidate}
    )


def mark(nomination: Nomination, *, session: str = SESSION, key: bytes = KEY) -> str:
    return fingerprint(session, nomination, key)


@pytest.mark.parametrize(
    "spellings",
    [
        "Бердяев Berdyaev Berdiaev Berdiaeff Berdjajew Berdyayev Berdâev БЕРДЯЕВ",
        "Чайковский Tchaikovsky Chaikovskii Tschaikowski Čajkovskij Chaykovskiy Tchaïkovski",
        "Жданов Zhdanov Jdanov Schdanow Ždanov",
        "Жуков Zhukov Joukov Schukow Žukov",
        "Ельцин Yeltsin Eltsine Jelzin El'cin Jelcin",
        "Хрущёв Хрущев Khrushchev Khrouchtchev Chruschtschow Hruŝëv Khrushchyov",
        "Щербаков Shcherbakov Chtcherbakov Schtscherbakow Ščerbakov",
        "Яшин Yashin Iachine Jaschin",
        "Юрий Yuri Iouri Juri Jurij Yuriy",
        "Евгений Yevgeny Evgueni Jewgeni Evgenii",
        "Александр Alexander Aleksandr Alexandre",
        "Михаил Mikhail Michail Mikhaïl Mihail",
        "Джамбул Dzhambul Djamboul Dschambul",
        "Иван Ivan Iwan",
        "Кузьма Kuzma Kouzma Kusma",
    ],
)
def test_every_romanisation_of_a_name_has_one_skeleton(spellings: str) -> None:
    assert len({skeleton(spelling) for spelling in spellings.split()}) == 1


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SURNAMES), st.sampled_from(GIVEN_NAMES), st.booleans())
def test_a_name_as_in_the_passport_is_the_same_person(family_name: str, given_name: str, swapped: bool) -> None:
    latin = [name.lower().translate(PASSPORT).capitalize() for name in (given_name, family_name)]

    assert mark(nominated(*(latin[::-1] if swapped else latin))) == mark(nominated(given_name, family_name))


@pytest.mark.parametrize("name", ["Ада", "Aya", "Ия", "李", "Ō", "ابو", "ა"])
def test_a_name_of_few_consonants_still_counts(name: str) -> None:
    assert skeleton(name) != ""


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"given_name": "Pyotr"}, id="another script"),
        pytest.param({"given_name": "Вымышленный", "family_name": "Пётр"}, id="names swapped"),
        pytest.param({"patronymic": "Петрович"}, id="a patronymic"),
        pytest.param({"email": "elsewhere@example.org"}, id="another address"),
        pytest.param({"organisation": "An Association"}, id="another nominator's organisation"),
    ],
)
def test_what_does_not_tell_people_apart_does_not_count(other: dict[str, Any]) -> None:
    assert mark(nominated(**other)) == mark(nominated())


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"birth_date": "1980-05-18"}, id="another birth date"),
        pytest.param({"given_name": "Иван"}, id="a twin"),
        pytest.param({"family_name": "Примеров"}, id="another family name"),
        pytest.param({"distinct_from": "C-2026-0001"}, id="said to be another person"),
    ],
)
def test_another_person_has_another_fingerprint(other: dict[str, Any]) -> None:
    assert mark(nominated(**other)) != mark(nominated())


def test_two_who_are_each_distinct_from_another_case_are_two() -> None:
    marks = {mark(nominated(distinct_from=f"C-2026-000{number}")) for number in (1, 2)}

    assert len(marks) == 2


def test_a_fingerprint_says_nothing_without_its_session_and_key() -> None:
    marks = {mark(nominated()), mark(nominated(), session="2027"), mark(nominated(), key=bytes(32))}

    assert len(marks) == 3


def test_a_fingerprint_is_32_hexadecimal_digits_and_stays_as_it_is() -> None:
    assert mark(nominated()) == "843f04f59bbeb2bc490c7ef74b0b939f"


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"^the fingerprint key has {length} bytes, not 32$"):
        mark(nominated(), key=bytes(length))
