"""Who acts on this machine."""

from pathlib import Path

import jwt
import keyring
import pytest
from keyring.backend import KeyringBackend

from domain.candidacy import Reason
from domain.offices import POWERS, Request
from domain.signing import Identity
from starter import profiles
from starter.failures import Failure, Kind
from starter.profiles import Ask, Store, Token
from starter.signing import KeyPair
from tests.builders import an_envelope
from tests.officers import JUDGE
from tests.starter.conftest import Starter

PASSPHRASE = "of somebody who does not exist"


def enrol(home: Path, name: str, officer: str, *, default: bool = False) -> KeyPair:
    return profiles.enrol(home, name, officer, store=Store.FILE, passphrase=PASSPHRASE, default=default)


def acting(home: Path, name: str | None = None) -> str:
    return profiles.signer(home, name, Ask(PASSPHRASE)).person


def test_nobody_acts_where_there_is_no_profile(home: Path) -> None:
    with pytest.raises(Failure) as failed:
        acting(home)
    assert failed.value.kind is Kind.USAGE
    assert failed.value.message == (
        "no officer profile says who acts; make one: `starter officer enrol NAME --officer O-17`"
    )


def test_only_profile_acts(home: Path) -> None:
    enrol(home, "vetting", "O-17")
    assert acting(home) == "O-17"


def test_several_profiles_and_no_default_leave_it_open_who_acts(home: Path) -> None:
    enrol(home, "vetting", "O-17")
    enrol(home, "head", "O-1")
    with pytest.raises(Failure) as failed:
        acting(home)
    assert failed.value.message == (
        "which officer acts? Name one with --profile, or choose once: `starter officer use NAME` "
        "(there are: vetting, head)"
    )


def test_default_profile_acts_and_a_named_one_before_it(home: Path) -> None:
    enrol(home, "vetting", "O-17")
    enrol(home, "head", "O-1", default=True)
    assert acting(home) == "O-1"
    assert acting(home, "vetting") == "O-17"
    profiles.use(home, "vetting")
    assert {name: each.default for name, each in profiles.read(home).items()} == {"vetting": True, "head": False}


def test_name_is_taken_once(home: Path) -> None:
    key = enrol(home, "vetting", "O-17", default=True).public.id
    with pytest.raises(Failure, match=r"there is a profile vetting already \(O-17\); choose another name"):
        enrol(home, "vetting", "O-18")
    assert profiles.read(home) == {"vetting": profiles.Profile(officer="O-17", key=key, default=True)}


def test_profile_that_is_unknown_is_refused(home: Path) -> None:
    enrol(home, "vetting", "O-17")
    with pytest.raises(Failure, match="no officer profile head; there are: vetting"):
        acting(home, "head")
    with pytest.raises(Failure, match="no officer profile head; there are: vetting"):
        profiles.use(home, "head")


@pytest.mark.parametrize("name", ["", "Vetting", "a b", "-a", 'x"]\n[y', "a" * 31, "вёт"])
def test_profile_name_that_would_not_fit_the_file_is_refused(home: Path, name: str) -> None:
    with pytest.raises(Failure, match="a profile's name consists of up to 30 of a-z, 0-9 and -"):
        enrol(home, name, "O-17")


@pytest.mark.parametrize("officer", ["", "17", "Ada Example", 'O-1"\n', "O-"])
def test_officer_who_is_no_number_is_refused(home: Path, officer: str) -> None:
    with pytest.raises(Failure, match="an officer is a number such as O-17, never a name"):
        enrol(home, "vetting", officer)
    assert profiles.read(home) == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[vetting\n", "Expected ']' at the end of a table declaration (at line 1, column 9)"),
        ("[vetting]\n", "vetting.officer: Field required"),
        ('[vetting]\nofficer = "O-17"\n', "vetting.key: Field required"),
        ('[vetting]\nofficer = "17"\n', "vetting.officer: String should match pattern '^O-[A-Za-z0-9]{1,24}$'"),
        (
            f'[vetting]\nofficer = "O-17"\nkey = "{"k" * 43}"\nname = "x"\n',
            "vetting.name: Extra inputs are not permitted",
        ),
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
        enrol(home, "vetting", "O-17")


def test_what_is_kept_is_readable_by_its_owner_alone(home: Path) -> None:
    enrol(home, "vetting", "O-17")
    files = [path for path in home.rglob("*") if path.is_file()]
    assert sorted(path.relative_to(home).as_posix() for path in files) == ["officers/vetting.pem", "profiles.toml"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_private_key_opens_with_its_passphrase_alone(home: Path) -> None:
    pair = enrol(home, "vetting", "O-17")
    envelope = an_envelope("withdraw", "C-2026-0001", Reason(reason="No time."), signer="O-17")
    signed = profiles.signer(home, "vetting", Ask(PASSPHRASE)).sign(envelope)
    assert signed == pair.sign(envelope)
    with pytest.raises(Failure, match="the private key of vetting does not open with this passphrase"):
        profiles.signer(home, "vetting", Ask("another passphrase")).sign(envelope)


def test_passphrase_that_is_short_is_refused(home: Path) -> None:
    with pytest.raises(Failure, match="a passphrase has at least 12 characters"):
        profiles.enrol(home, "vetting", "O-17", store=Store.FILE, passphrase="x" * 11)
    assert not home.exists()


def test_passphrase_comes_from_a_file(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    enrol(home, "vetting", "O-17")
    envelope = an_envelope("withdraw", "C-2026-0001", Reason(reason="No time."), signer="O-17")
    assert profiles.signer(home, "vetting", Ask(file=file)).sign(envelope).signature is not None
    with pytest.raises(Failure, match=r"DESK_PASSPHRASE_FILE: .*/none: No such file or directory"):
        profiles.signer(home, "vetting", Ask(file=tmp_path / "none")).sign(envelope)


class Ring(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


def test_private_key_may_lie_in_the_systems_keyring(home: Path) -> None:
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    try:
        pair = profiles.enrol(home, "vetting", "O-17", store=Store.KEYRING, passphrase=None)
        assert list(ring.kept) == [("dialogue-desk", pair.public.id)]
        assert not (home / "officers").exists()
        envelope = an_envelope("withdraw", "C-2026-0001", Reason(reason="No time."), signer="O-17")
        assert profiles.signer(home, None, Ask()).sign(envelope) == pair.sign(envelope)
        ring.kept.clear()
        with pytest.raises(Failure, match="the system's keyring holds no key"):
            profiles.signer(home, None, Ask()).sign(envelope)
    finally:
        keyring.set_keyring(before)


def test_officer_verbs_say_who_acts(starter: Starter, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = starter("officer", "enrol", "vetting", "--officer", "O-17")
    assert (said.code, said.out) == (2, "")
    assert "DESK_PASSPHRASE or DESK_PASSPHRASE_FILE gives it" in said.err
    monkeypatch.setenv("DESK_PASSPHRASE", PASSPHRASE)
    assert starter("officer", "enrol", "vetting", "--officer", "O-17").out.startswith("vetting acts as O-17 with key ")
    enrolled = starter("officer", "enrol", "head", "--officer", "O-1", "--json").document
    assert (enrolled["profile"], enrolled["officer"], enrolled["store"]) == ("head", "O-1", "file")
    request = Request.model_validate_json(Path(enrolled["request"]).read_bytes())
    assert (request.person, request.key.id) == ("O-1", enrolled["key"])
    JUDGE.request(request)
    assert starter("officer", "show").code == 2
    assert starter("officer", "use", "head").out == "head (O-1) acts where no profile is named\n"
    shown = starter("officer", "show", "--json").document
    assert (shown["profile"], shown["officer"], shown["key"]) == ("head", "O-1", enrolled["key"])
    monkeypatch.setenv("DESK_PROFILE", "vetting")
    assert starter("officer", "show", "--json").document["profile"] == "vetting"
    assert starter("--profile", "head", "officer", "show").out.startswith(f"head: O-1 ({home / 'profiles.toml'})\n")
    assert starter("officer", "use", "head").out == (
        "head (O-1) acts where no profile is named; here DESK_PROFILE names vetting\n"
    )


def test_houses_token_stands_for_a_key(starter: Starter, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert starter("officer", "enrol", "house", "--officer", "O-9", "--token").err == (
        "usage: the house's token is needed; DESK_TOKEN or DESK_TOKEN_FILE gives it\n"
    )
    monkeypatch.setenv("DESK_TOKEN", "no token")
    assert starter("officer", "enrol", "house", "--officer", "O-9", "--token").code == 2
    claims = {"iss": "https://login.example.org", "sub": "somebody"}
    token = jwt.encode(claims, "only the house knows whether it is true", algorithm="HS256")
    monkeypatch.setenv("DESK_TOKEN", token)
    enrolled = starter("officer", "enrol", "house", "--officer", "O-9", "--token", "--json").document
    identity = Identity.model_validate(claims)
    assert (enrolled["key"], enrolled["store"]) == (identity.id, "token")
    text = Path(enrolled["request"]).read_text()
    assert Request.model_validate_json(text).key == identity
    assert token not in text + (home / "profiles.toml").read_text()
    file = home / "token"
    file.write_text(f"{token}\n")
    signed = profiles.signer(home, "house", Ask(), Token(file=file)).sign(
        an_envelope("withdraw", "C-2026-0001", Reason(reason="No time."), signer="O-9")
    )
    assert (signed.key, signed.token, signed.signature) == (identity.id, token, None)


def test_powers_are_those_of_the_law(starter: Starter) -> None:
    told = starter("officer", "powers", "--json").document["powers"]
    assert {power: set(offices) for power, offices in told.items()} == POWERS
    assert "list.propose" in starter("officer", "powers").out
