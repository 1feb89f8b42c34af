"""Under whose key personal data lies, and what can go wrong with a key.

There is one key per person and session, one for each officer, under which lie the interests that the officer declared,
and one for the register itself, under which lies only what names nobody: sessions, lists, questions that are about no
single case. A key's name is made of what workflow ids and references hold,
so that whoever has either knows the key, and it is no personal data itself.
"""

import re
from typing import Final

from domain.ids import OFFICER_PATTERN, SESSION_PATTERN

REGISTER_KEY: Final = "register"
"""The key of what is nobody's in particular."""

_PERSON: Final = re.compile(rf"(?:^|/)({SESSION_PATTERN}/[0-9a-f]{{32}})(?![^/])")
_CASE: Final = re.compile(rf"(?:^|/)((?!L-)[A-Z]-{SESSION_PATTERN}-[0-9]{{1,6}})(?![^/.])")
_OFFICER: Final = re.compile(rf"(?:^|/)(officer/{OFFICER_PATTERN})(?![^/])")
_NAME: Final = re.compile(
    rf"{REGISTER_KEY}|{SESSION_PATTERN}/[0-9a-f]{{32}}|officer/{OFFICER_PATTERN}|(?!L-)[A-Z]-{SESSION_PATTERN}-[0-9]{{1,6}}"
)


class KeyMissing(Exception):
    """The store of keys has no key of this name: it is another register's store, or a part of it was lost."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no key {name}")
        self.name = name


class KeysUnavailable(Exception):
    """The store of keys, or the service that keeps the master key, does not answer; the same call may succeed later."""


class SealBroken(Exception):
    """What was sealed was altered, or was sealed under another key or for another place."""


def key_of(subject: str) -> str:
    """The name of the key for a workflow id, or for the reference of a case or letter.

    A person's key is named by session and fingerprint, whatever kind of case it is; where only a reference is known,
    the key goes by that too, once the case stands in the ledger.
    """
    found = _PERSON.search(subject) or _CASE.search(subject) or _OFFICER.search(subject)
    return found[1] if found else REGISTER_KEY


def is_key_name(text: str) -> bool:
    """Whether a text that came from outside can be the name of a key."""
    return _NAME.fullmatch(text) is not None


def is_reference(name: str) -> bool:
    """Whether a key's name is the reference of a case, by which a person's key goes besides its own name."""
    return _CASE.fullmatch(name) is not None
