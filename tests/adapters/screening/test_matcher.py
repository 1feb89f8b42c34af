import pytest

from adapters.screening.keys import asked_keys, entry_keys
from adapters.screening.matcher import THRESHOLD, candidate, compare, entry, plain_score, plausible
from domain.screening import Listed, Match, Subject


def person(name: str, *aliases: str, **more: tuple[str, ...]) -> Listed:
    return Listed(id=name, properties={"name": (name,), "alias": aliases, **more})


def match(asked: str | tuple[str, ...], listed: Listed, birth_date: str | None = None) -> Match | None:
    names = (asked,) if isinstance(asked, str) else asked
    subject = candidate(Subject(names=names, birth_date=birth_date))
    found = compare(subject, entry(listed))
    if found is not None:
        # Whatever matches must be found by key, and not be thrown out before it is compared.
        assert not set(asked_keys(names)).isdisjoint(entry_keys(listed.names))
        assert plausible(subject, listed)
    return found


LISTED = person("Aleksey Alekseyevich ZAYTSEV", birthDate=("1965-09-07",))


@pytest.mark.parametrize(
    "written",
    [
        "Зайцев Алексей Алексеевич", "Aleksei Alekseevich Zaitsev", "Aleksej Alekseevič Zajcev",
        "Alekseï Alekseïevitch Zaïtsev", "Alexei Alexejewitsch Saizew", "ZAYTSEV ALEKSEY ALEKSEYEVICH",
        "Aleksey Zaytsev", "Зайцев Алексей", "A. A. Zaytsev", "Зайцев А. А.", "Зайцев А.",
        "Aleksey Alekseyevich Zaytesv", "Alexey Zaitsev",
    ],
)  # fmt: skip
def test_one_person_is_found_in_every_spelling(written: str) -> None:
    found = match(written, LISTED)

    assert found is not None
    assert found.score >= 0.85
    assert found.why


@pytest.mark.parametrize(
    "written",
    ["Зайцева Анна Петровна", "Иван Зайцев", "Алексей Иванов", "Sasha Zaytsev", "Борис Алексеевич Зайцев"],
)
def test_another_person_is_not(written: str) -> None:
    assert match(written, LISTED) is None


@pytest.mark.parametrize("written", ["Бердяев", "Berdyaev", "Berdiaev", "Berdiaeff"])
def test_a_missing_patronymic_costs_little_and_one_that_contradicts_costs_much(written: str) -> None:
    whole = person(f"{written} Nikolay Aleksandrovich")

    missing = match("Nikolay Berdyaev", whole)
    same = match("Nikolay Aleksandrovich Berdyaev", whole)
    assert missing is not None
    assert same is not None
    assert 0 <= same.score - missing.score <= 0.05
    assert match("Nikolay Petrovich Berdyaev", whole) is None
    assert match("Николай Петрович Бердяев", whole) is None


def test_a_patronymic_that_only_the_person_has_costs_little() -> None:
    found = match("Тестов Пример Образцович", person("Primer TESTOV"))

    assert found is not None
    assert found.score >= 0.9
    assert "the entry has no patronymic" in found.why


def test_an_initial_that_contradicts_the_patronymic_speaks_against_it() -> None:
    listed = person("Aleksey O. DROGANOV")

    assert match("Дроганов Алексей Олегович", listed) is not None
    assert match("Дроганов Алексей Петрович", listed) is None


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        # A slip in a short part, two letters that changed places, and a space in the wrong place.
        ("Igr Testov", person("Igor TESTOV")),
        ("xCai Dafeng", person("Dafeng CAI")),
        ("Тестов Игрь", person("Igor TESTOV")),
        ("Ekren TESTOV", person("Erken TESTOV")),
        ("Shoeila TESTAEI", person("Soheila TESTAEI")),
        ("Aleskey Nikolayevich KONDRATENKO", person("Aleksey Nikolayevich KONDRATENKO")),
        ("Primer oTESTOV", person("Primero TESTOV")),
        ("TESTWAN Exiang", person("Exiang TESTWAN", "Exiang TESTWANG")),
        # East Slavic patronymics, in one language and in another.
        ("D. U. Testau", person("Dzyanis Uladzimiravich TESTAU", "Denis Vladimirovich TESTOV")),
        ("Тестов Денис Владимирович", person("Dzyanis Uladzimiravich TESTOV")),
    ],
)
def test_a_slip_and_another_languages_patronymic_are_no_other_person(asked: str, listed: Listed) -> None:
    assert match(asked, listed) is not None


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        # Two names that are both known are two names, however like each other they are.
        ("Ian TESTOV", person("Ivan TESTOV")),
        ("Инна Тестова", person("Anna TESTOVA")),
        ("A. Ibrahim", person("Nisrine IBRAHIM")),
    ],
)
def test_a_known_name_is_no_slip_for_another_and_an_initial_stands_for_one_of_the_names(
    asked: str, listed: Listed
) -> None:
    assert match(asked, listed) is None


def test_a_diminutive_helps_only_together_with_the_rest() -> None:
    listed = person("Yevgeniya Petrovna TESTOVA", birthDate=("1970-02-03",))

    assert match("Женя Тестова", listed, birth_date="1970-02-03") is not None
    assert match("Женя Петровна Тестова", listed) is not None
    assert match("Женя Образцова", listed, birth_date="1970-02-03") is None


def test_another_birth_date_speaks_against_it_and_a_partial_one_does_not() -> None:
    assert match("Зайцев Алексей Алексеевич", LISTED, birth_date="1990-01-01") is None
    assert match("Зайцев Алексей Алексеевич", LISTED, birth_date="1965") is not None
    assert match("Зайцев Алексей Алексеевич", person("Aleksey ZAYTSEV", birthDate=("1965",)), "1965-09-07") is not None


def test_any_name_and_alias_on_either_side_is_enough() -> None:
    assert match(("Somebody Else", "Primer Testov"), person("Nobody Here", "Тестов Пример")) is not None


def test_two_entries_and_two_people_of_one_id_are_not_taken_for_each_other() -> None:
    first = Listed(id="1", properties={"name": ("Primer Testov",)})
    second = Listed(id="1", properties={"name": ("Obrazets Proverkin",)})

    for _ in range(2):
        assert match("Primer Testov", first) is not None
        assert match("Primer Testov", second) is None
        assert match("Obrazets Proverkin", second) is not None


@pytest.mark.parametrize("written", ["李小明", "محمد علي", "Х", "O'", "Aa Aa"])
def test_any_text_can_be_compared(written: str) -> None:
    assert match(written, LISTED) is None
    assert match(written, person(written)) is not None


def test_what_is_found_says_what_agreed_and_shows_what_the_list_says() -> None:
    found = match("Saizew A.", LISTED)

    assert found is not None
    assert "saizew and zaytsev are one name in two spellings" in found.why
    assert "a fits aleksey as an initial" in found.why
    assert found.says["birthDate"] == ("1965-09-07",)
    assert found.digest == LISTED.digest
    assert plain_score(candidate(Subject(names=("Saizew A.",))), entry(LISTED)) < THRESHOLD


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("Зайцев Сергей Викторович", person("Sergey Z. OBRAZTSOV")),
        ("Зайцев Сергей Викторович", person("Sergey Zakharovich OBRAZTSOV", "OBRAZTSOV, Sergey Z")),
        ("Зайцев Александр Олегович", person("Aleksandr Nikolayevich ZAYTSEV", "Alexander ZAITSEV")),
    ],
)
def test_family_name_is_no_patronymics_initial_and_an_alias_hides_no_contradiction(asked: str, listed: Listed) -> None:
    assert match(asked, listed) is None
