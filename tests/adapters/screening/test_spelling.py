import pytest

from adapters.screening.spelling import any_reading, frame, full_names, is_patronymic, tokens


@pytest.mark.parametrize(
    ("cyrillic", "spellings"),
    [
        ("Зайцев", "Zaytsev Zaitsev Zajcev Zaïtsev Saizew Zaitzev Zaytseff"),
        ("Бердяев", "Berdyaev Berdiaev Berdiaeff Berdâev Berdjajew"),
        ("Щербаков", "Shcherbakov Ŝerbakov Ščerbakov Chtcherbakov Schtscherbakow"),
        ("Хрущёв", "Khrushchev Khrushchyov Chruschtschow Khrouchtchev Hruŝëv"),
        ("Жуковский", "Zhukovskiy Zhukovsky Zhukovskii Žukovskij Joukovski Schukowski"),
        ("Юлия", "Yuliya Iuliia Ûliâ Ioulia Julija"),
        ("Евгений", "Yevgeniy Evgenii Evgenij Evgueni Jewgeni"),
        ("Фёдор", "Fyodor Fedor Fëdor Fiodor Fjodor"),
        ("Алексеевич", "Alekseyevich Alekseevich Alekseevič Alekseïevitch Alexejewitsch"),
        ("Сергей", "Sergey Sergei Sergej Sergueï Serguei Sergej"),
    ],
)
def test_every_romanisation_can_be_read_as_the_cyrillic_name(cyrillic: str, spellings: str) -> None:
    (name,) = tokens(cyrillic)

    apart = [written for written in spellings.split() if any_reading(name).isdisjoint(any_reading(*tokens(written)))]

    assert apart == []


@pytest.mark.parametrize(
    ("one", "other"), [("Иванов", "Ivanova"), ("Петров", "Pavlov"), ("Белов", "Belyaev"), ("Олег", "Olga")]
)
def test_different_names_have_no_reading_in_common(one: str, other: str) -> None:
    assert any_reading(*tokens(one)).isdisjoint(any_reading(*tokens(other)))


def test_parts_are_told_apart_in_any_script() -> None:
    assert tokens("ROMANOV-Testov, Il'ya") == ("romanov", "testov", "ilya")
    assert tokens("Тестов П. Ӏ.") == ("тестов", "п", "ӏ")
    assert tokens("  ") == ()


@pytest.mark.parametrize("written", ["Петрович", "Petrovich", "Petrovitch", "Petrowitsch", "Petrovič", "Ильинична"])
def test_a_patronymic_is_known_by_its_form_in_any_spelling(written: str) -> None:
    assert is_patronymic(*tokens(written))


def test_other_names_are_no_patronymics_and_a_diminutive_stands_for_its_names() -> None:
    assert not is_patronymic("petrov")
    assert not is_patronymic("ich")
    assert full_names("sasha") == {"александр", "александра"}
    assert full_names("testov") == frozenset()
    assert frame("аи") == "аи"
