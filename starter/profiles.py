"""Officer profiles: who acts on this machine. ``profiles.toml`` in the home folder holds one table per profile.

[vetting]
officer = "O-17"
default = true
"""

import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from domain.ids import OfficerId
from domain.model import Model
from starter.failures import Failure, Kind

FILE: Final = "profiles.toml"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
_NAME_RULE: Final = "a profile's name consists of up to 30 of a-z, 0-9 and -"


class Profile(Model):
    """One profile. ``default`` marks the one that acts where none is named."""

    officer: OfficerId
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
        f'[{name}]\nofficer = "{profile.officer}"\n' + ("default = true\n" if profile.default else "")
        for name, profile in profiles.items()
    )
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=home, prefix=f".{FILE}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(fresh).replace(home / FILE)
    except OSError as wrong:
        raise Failure(Kind.SETTING, f"{home / FILE} cannot be written: {wrong.strerror}") from None


def named(profiles: Mapping[str, Profile], name: str) -> Profile:
    """The profile of that name.

    Raises:
        Failure: There is none.
    """
    if name not in profiles:
        known = f"there are: {', '.join(profiles)}" if profiles else "there is none yet"
        raise Failure(Kind.USAGE, f"no officer profile {name}; {known} (`starter officer add` adds one)")
    return profiles[name]


def chosen(profiles: Mapping[str, Profile], name: str | None) -> str:
    """The name of the profile in use: the one that is named, else the default one, else the only one.

    Raises:
        Failure: None is; the message says how to choose or add one.
    """
    if name is not None:
        named(profiles, name)
        return name
    if not profiles:
        raise Failure(
            Kind.USAGE, "no officer profile says who acts; add one: `starter officer add NAME --officer O-17`"
        )
    candidates = [name for name, profile in profiles.items() if profile.default] or list(profiles)
    if len(candidates) > 1:
        raise Failure(
            Kind.USAGE,
            f"which officer acts? Name one with --profile, or choose once: `starter officer use NAME` "
            f"(there are: {', '.join(candidates)})",
        )
    return candidates[0]


def in_use(home: Path, name: str | None) -> Profile:
    """The profile in use.

    Args:
        home: The home folder.
        name: The profile that ``--profile`` or ``DESK_PROFILE`` names.

    Raises:
        Failure: No profile can be told to be in use.
    """
    profiles = read(home)
    return profiles[chosen(profiles, name)]


def add(home: Path, name: str, officer: str, *, default: bool = False) -> Profile:
    """Add a profile; one that exists already with the same officer stays.

    Raises:
        Failure: The name or the officer is no such thing, or the name stands for another officer.
    """
    if not _NAME.fullmatch(name):
        raise Failure(Kind.USAGE, _NAME_RULE)
    profiles = read(home)
    try:
        profile = Profile(officer=officer)
    except ValidationError:
        raise Failure(Kind.USAGE, "an officer is a number such as O-17, never a name") from None
    if profiles.setdefault(name, profile).officer != officer:
        raise Failure(Kind.USAGE, f"profile {name} stands for {profiles[name].officer} already; choose another name")
    write(home, profiles)
    return use(home, name) if default else profiles[name]


def use(home: Path, name: str) -> Profile:
    """Make a profile the default one.

    Raises:
        Failure: There is no such profile.
    """
    profiles = read(home)
    named(profiles, name)
    write(home, {each: Profile(officer=profile.officer, default=each == name) for each, profile in profiles.items()})
    return read(home)[name]
