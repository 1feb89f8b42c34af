"""Who acts on this machine."""

from pathlib import Path

import pytest

from starter import profiles
from starter.failures import Failure, Kind
from tests.starter.conftest import Starter


def test_nobody_acts_where_there_is_no_profile(home: Path) -> None:
    with pytest.raises(Failure) as failed:
        profiles.in_use(home, None)
    assert failed.value.kind is Kind.USAGE
    assert failed.value.message == (
        "no officer profile says who acts; add one: `starter officer add NAME --officer O-17`"
    )


def test_only_profile_acts(home: Path) -> None:
    profiles.add(home, "vetting", "O-17")
    assert profiles.in_use(home, None).officer == "O-17"


def test_several_profiles_and_no_default_leave_it_open_who_acts(home: Path) -> None:
    profiles.add(home, "vetting", "O-17")
    profiles.add(home, "head", "O-1")
    with pytest.raises(Failure) as failed:
        profiles.in_use(home, None)
    assert failed.value.message == (
        "which officer acts? Name one with --profile, or choose once: `starter officer use NAME` "
        "(there are: vetting, head)"
    )


def test_default_profile_acts_and_a_named_one_before_it(home: Path) -> None:
    profiles.add(home, "vetting", "O-17")
    profiles.add(home, "head", "O-1", default=True)
    assert profiles.in_use(home, None).officer == "O-1"
    assert profiles.in_use(home, "vetting").officer == "O-17"
    profiles.use(home, "vetting")
    assert {name: each.default for name, each in profiles.read(home).items()} == {"vetting": True, "head": False}


def test_profile_is_added_once(home: Path) -> None:
    profiles.add(home, "vetting", "O-17", default=True)
    assert profiles.add(home, "vetting", "O-17") == profiles.Profile(officer="O-17", default=True)
    with pytest.raises(Failure, match="profile vetting stands for O-17 already"):
        profiles.add(home, "vetting", "O-18")
    assert profiles.read(home) == {"vetting": profiles.Profile(officer="O-17", default=True)}


def test_profile_that_is_unknown_is_refused(home: Path) -> None:
    profiles.add(home, "vetting", "O-17")
    with pytest.raises(Failure, match="no officer profile head; there are: vetting"):
        profiles.in_use(home, "head")
    with pytest.raises(Failure, match="no officer profile head; there are: vetting"):
        profiles.use(home, "head")


@pytest.mark.parametrize("name", ["", "Vetting", "a b", "-a", 'x"]\n[y', "a" * 31, "вёт"])
def test_profile_name_that_would_not_fit_the_file_is_refused(home: Path, name: str) -> None:
    with pytest.raises(Failure, match="a profile's name consists of up to 30 of a-z, 0-9 and -"):
        profiles.add(home, name, "O-17")


@pytest.mark.parametrize("officer", ["", "17", "Ada Example", 'O-1"\n', "O-"])
def test_officer_who_is_no_number_is_refused(home: Path, officer: str) -> None:
    with pytest.raises(Failure, match="an officer is a number such as O-17, never a name"):
        profiles.add(home, "vetting", officer)
    assert profiles.read(home) == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[vetting\n", "Expected ']' at the end of a table declaration (at line 1, column 9)"),
        ("[vetting]\n", "vetting.officer: Field required"),
        ('[vetting]\nofficer = "17"\n', "vetting.officer: String should match pattern '^O-[A-Za-z0-9]{1,24}$'"),
        ('[vetting]\nofficer = "O-17"\nname = "x"\n', "vetting.name: Extra inputs are not permitted"),
        ('officer = "O-17"\n', "officer: Input should be a valid dictionary or instance of Profile"),
        ('["a b"]\nofficer = "O-17"\n', "a profile's name consists of up to 30 of a-z, 0-9 and -"),
    ],
)
def test_file_that_is_wrong_is_refused_with_its_name(home: Path, text: str, reason: str) -> None:
    home.mkdir()
    (home / "profiles.toml").write_text(text)
    with pytest.raises(Failure) as failed:
        profiles.read(home)
    assert failed.value.kind is Kind.SETTING
    assert failed.value.message == f"{home / 'profiles.toml'}: {reason}"


def test_home_that_is_no_folder_is_refused(home: Path) -> None:
    home.write_text("")
    with pytest.raises(Failure, match=r"profiles\.toml: Not a directory"):
        profiles.add(home, "vetting", "O-17")


def test_profiles_are_readable_by_their_owner_alone(home: Path) -> None:
    profiles.add(home, "vetting", "O-17")
    assert (home / "profiles.toml").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["profiles.toml"]


def test_officer_verbs_say_who_acts(starter: Starter, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert starter("officer", "add", "vetting", "--officer", "O-17").out == "vetting acts as O-17\n"
    assert starter("officer", "add", "head", "--officer", "O-1", "--json").document == {
        "profile": "head", "officer": "O-1", "default": False,
    }  # fmt: skip
    assert starter("officer", "show").code == 2
    assert starter("officer", "use", "head").out == "head (O-1) acts where no profile is named\n"
    file = str(home / "profiles.toml")
    assert starter("officer", "show", "--json").document == {"profile": "head", "officer": "O-1", "file": file}
    monkeypatch.setenv("DESK_PROFILE", "vetting")
    assert starter("officer", "show", "--json").document == {"profile": "vetting", "officer": "O-17", "file": file}
    assert starter("--profile", "head", "officer", "show").out == f"head: O-1 ({file})\n"
    assert starter("officer", "use", "head").out == (
        "head (O-1) acts where no profile is named; here DESK_PROFILE names vetting\n"
    )
    assert starter("officer", "list", "--json").document == {
        "profiles": [
            {"profile": "vetting", "officer": "O-17", "default": False},
            {"profile": "head", "officer": "O-1", "default": True},
        ]
    }
