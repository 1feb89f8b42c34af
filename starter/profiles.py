"""Officer profiles: who acts on this machine, and with which key. ``profiles.toml`` in the home folder holds them.

[vetting]
officer = "O-17"
key = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
store = "file"
default = true

A private key in a file is ``officers/<profile>.pem`` beside it; one in the system's keyring goes by its key's name.
"""

import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from domain.ids import KeyId, OfficerId
from domain.model import Model
from domain.signing import Identity
from starter.failures import Failure, Kind

if TYPE_CHECKING:
    from types import ModuleType

    from starter.signing import KeyPair, Signer

FILE: Final = "profiles.toml"
KEYS: Final = "officers"
SERVICE: Final = "dialogue-desk"
"""What the system's keyring keeps the keys under."""
SHORTEST_PASSPHRASE: Final = 12
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
_NAME_RULE: Final = "a profile's name consists of up to 30 of a-z, 0-9 and -"


class Store(StrEnum):
    """Where a private key lies; ``token``: nowhere here, since the house's provider says who acts."""

    FILE = "file"
    KEYRING = "keyring"
    TOKEN = "token"  # noqa: S105  # a word, and no secret


class Profile(Model):
    """One profile. ``default`` marks the one that acts where none is named."""

    officer: OfficerId
    key: KeyId
    store: Store = Store.FILE
    default: bool = False


def read(home: Path) -> dict[str, Profile]:
    """Every profile, by name; none where there is no file.

    Raises:
        Failure: The file is wrong; the message names what.
    """
    path = home / FILE
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else str(wrong)
        raise Failure(Kind.SETTING, f"{path}: {reason}") from None
    profiles: dict[str, Profile] = {}
    for name, table in tables.items():
        if not _NAME.fullmatch(name):
            raise Failure(Kind.SETTING, f"{path}: {_NAME_RULE}")
        try:
            profiles[name] = Profile.model_validate(table)
        except ValidationError as wrong:
            first = wrong.errors(include_input=False, include_url=False)[0]
            field = ".".join(map(str, (name, *first["loc"])))
            raise Failure(Kind.SETTING, f"{path}: {field}: {first['msg']}") from None
    return profiles


def write(home: Path, profiles: Mapping[str, Profile]) -> None:
    """Write every profile down, all or nothing.

    Raises:
        Failure: The folder cannot be written to.
    """
    text = "\n".join(
        f'[{name}]\nofficer = "{profile.officer}"\nkey = "{profile.key}"\nstore = "{profile.store}"\n'
        + ("default = true\n" if profile.default else "")
        for name, profile in profiles.items()
    )
    write_private(home / FILE, text)


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all.

    Raises:
        Failure: The folder cannot be written to.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(unfinished).replace(path)
    except OSError as wrong:
        raise Failure(Kind.SETTING, f"{path} cannot be written: {wrong.strerror}") from None


def named(profiles: Mapping[str, Profile], name: str) -> Profile:
    """The profile of that name.

    Raises:
        Failure: There is none.
    """
    if name not in profiles:
        known = f"there are: {', '.join(profiles)}" if profiles else "there is none yet"
        raise Failure(Kind.USAGE, f"no officer profile {name}; {known} (`starter officer enrol` makes one)")
    return profiles[name]


def chosen(profiles: Mapping[str, Profile], name: str | None) -> str:
    """The name of the profile in use: the one that is named, else the default one, else the only one.

    Raises:
        Failure: None is; the message says how to choose or make one.
    """
    if name is not None:
        named(profiles, name)
        return name
    if not profiles:
        raise Failure(
            Kind.USAGE, "no officer profile says who acts; make one: `starter officer enrol NAME --officer O-17`"
        )
    candidates = [name for name, profile in profiles.items() if profile.default] or list(profiles)
    if len(candidates) > 1:
        raise Failure(
            Kind.USAGE,
            f"which officer acts? Name one with --profile, or choose once: `starter officer use NAME` "
            f"(there are: {', '.join(candidates)})",
        )
    return candidates[0]


def use(home: Path, name: str) -> Profile:
    """Make a profile the default one.

    Raises:
        Failure: There is no such profile.
    """
    profiles = read(home)
    named(profiles, name)
    write(home, {each: profile.model_copy(update={"default": each == name}) for each, profile in profiles.items()})
    return read(home)[name]


def enrol(
    home: Path, name: str, officer: str, *, store: Store, passphrase: str | None, default: bool = False
) -> "KeyPair":
    """Make a key pair and a profile that acts with it.

    Args:
        home: The home folder.
        name: What the profile is called.
        officer: Whose it is, by number.
        store: Where the private key goes.
        passphrase: What guards a key in a file.
        default: Whether it acts where no profile is named.

    Raises:
        Failure: The name or the officer is no such thing, the name is taken, or the key cannot be kept there.
    """
    from starter import signing

    profiles = _fresh(home, name)
    pair = signing.fresh(officer)
    try:
        profile = Profile(officer=officer, key=pair.public.id, store=store)
    except ValidationError:
        raise Failure(Kind.USAGE, "an officer is a number such as O-17, never a name") from None
    if store is Store.FILE:
        if passphrase is None or len(passphrase) < SHORTEST_PASSPHRASE:
            raise Failure(Kind.USAGE, f"a passphrase has at least {SHORTEST_PASSPHRASE} characters")
        write_private(key_file(home, name), signing.locked(pair, passphrase))
    else:
        _keep(profile.key, signing.locked(pair, None))
    write(home, profiles | {name: profile})
    if default:
        use(home, name)
    return pair


def enrol_identity(home: Path, name: str, officer: str, token: str, *, default: bool = False) -> Identity:
    """Make a profile that acts as somebody whom the house's provider knows.

    Raises:
        Failure: The name or the officer is no such thing, the name is taken, or the token says nothing.
    """
    from starter import signing

    profiles = _fresh(home, name)
    try:
        identity = signing.identity_of(token)
        profile = Profile(officer=officer, key=identity.id, store=Store.TOKEN)
    except signing.WrongToken:
        raise Failure(Kind.USAGE, "the token names no issuer and subject; is it an ID token?") from None
    except ValidationError:
        raise Failure(Kind.USAGE, "an officer is a number such as O-17, never a name") from None
    write(home, profiles | {name: profile})
    if default:
        use(home, name)
    return identity


def _fresh(home: Path, name: str) -> dict[str, Profile]:
    """The profiles there are, none of that name."""
    if not _NAME.fullmatch(name):
        raise Failure(Kind.USAGE, _NAME_RULE)
    profiles = read(home)
    if name in profiles:
        raise Failure(Kind.USAGE, f"there is a profile {name} already ({profiles[name].officer}); choose another name")
    return profiles


def key_file(home: Path, name: str) -> Path:
    """Where a profile's private key lies."""
    return home / KEYS / f"{name}.pem"


def signer(home: Path, name: str | None, ask: "Ask", token: "Token | None" = None) -> "Signer":
    """Who acts. The private key is opened when something is signed first.

    Args:
        home: The home folder.
        name: The profile that ``--profile`` or ``DESK_PROFILE`` names.
        ask: Gives the passphrase of a profile's key.
        token: Gives the house's token, for a profile that acts with one.

    Raises:
        Failure: No profile can be told to be in use.
    """
    from starter.signing import Bearer, Locked

    profiles = read(home)
    used = chosen(profiles, name)
    profile = profiles[used]
    if profile.store is Store.TOKEN:
        return Bearer(profile.officer, profile.key, token or Token())
    return Locked(person=profile.officer, unlock=lambda: _unlock(home, used, profile, ask))


class Token:
    """Where the house's token comes from: what was set, else the file that is set, read anew each time.

    Args:
        given: The token that is set.
        file: The file in which the house's own tools keep a fresh one.
    """

    def __init__(self, given: str | None = None, file: Path | None = None) -> None:
        self._given = given
        self._file = file

    def __call__(self) -> str:
        """The token.

        Raises:
            Failure: None is set, or the file cannot be read.
        """
        if self._given is not None:
            return self._given
        if self._file is None:
            raise Failure(Kind.USAGE, "the house's token is needed; DESK_TOKEN or DESK_TOKEN_FILE gives it")
        try:
            return self._file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as wrong:
            reason = wrong.strerror if isinstance(wrong, OSError) else "is not UTF-8"
            raise Failure(Kind.SETTING, f"DESK_TOKEN_FILE: {self._file}: {reason}") from None


class Ask:
    """Where the passphrase of a key in a file comes from: what was set, else the terminal.

    Args:
        given: The passphrase that is set.
        file: The file that holds it; its last line end does not count.
    """

    def __init__(self, given: str | None = None, file: Path | None = None) -> None:
        self._given = given
        self._file = file

    def __call__(self, what: str, *, confirm: bool = False) -> str:
        """The passphrase.

        Raises:
            Failure: None is set and there is no terminal to ask at, or the file cannot be read.
        """
        import click

        if self._given is not None:
            return self._given
        if self._file is not None:
            try:
                return self._file.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as wrong:
                reason = wrong.strerror if isinstance(wrong, OSError) else "is not UTF-8"
                raise Failure(Kind.SETTING, f"DESK_PASSPHRASE_FILE: {self._file}: {reason}") from None
        unasked = Failure(
            Kind.USAGE,
            "a passphrase is needed and nobody can be asked; DESK_PASSPHRASE or DESK_PASSPHRASE_FILE gives it",
        )
        if not sys.stdin.isatty():
            raise unasked
        try:
            asked: str = click.prompt(what, hide_input=True, confirmation_prompt=confirm, err=True)
        except click.Abort:
            raise unasked from None
        return asked


def _unlock(home: Path, name: str, profile: Profile, ask: Ask) -> "KeyPair":
    from starter.signing import WrongPassphrase, opened

    if profile.store is Store.KEYRING:
        text, passphrase = _kept(profile.key), None
    else:
        path = key_file(home, name)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as wrong:
            raise Failure(Kind.SETTING, f"{path}: {wrong.strerror}") from None
        passphrase = ask(f"Passphrase of {name} ({profile.officer})")
    try:
        pair = opened(profile.officer, text, passphrase)
    except WrongPassphrase:
        raise Failure(Kind.USAGE, f"the private key of {name} does not open with this passphrase") from None
    if pair.public.id != profile.key:
        raise Failure(Kind.SETTING, f"{home / FILE}: {name}.key: is not the key that is kept for this profile")
    return pair


def _keep(key: str, text: str) -> None:
    keyring = _keyring()
    try:
        keyring.set_password(SERVICE, key, text)
    except keyring.errors.KeyringError as failed:
        raise _no_keyring() from failed


def _kept(key: str) -> str:
    keyring = _keyring()
    try:
        text: str | None = keyring.get_password(SERVICE, key)
    except keyring.errors.KeyringError as failed:
        raise _no_keyring() from failed
    if text is None:
        raise Failure(Kind.SETTING, f"the system's keyring holds no key {key}")
    return text


def _keyring() -> "ModuleType":
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise Failure(
            Kind.SETTING, "the keyring needs the extra `keyring`: pip install 'dialogue-desk[keyring]'"
        ) from None
    return keyring


def _no_keyring() -> Failure:
    return Failure(Kind.SETTING, "the system's keyring cannot be used here; leave --keyring out for a file")
