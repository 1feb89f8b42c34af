"""A keyed fingerprint of a person: the same for every spelling, and of no use without the key.

Two desks that nominate one person at the same moment must reach the same case, also when one writes Бердяев and the
other Berdyaev, Berdiaev or Berdiaeff. So the name is brought to Latin letters and reduced to the consonants on which
the usual romanisations (ICAO, ISO 9, BGN, French, German, English) agree, and only then hashed with the birth date.
The reduction is coarse on purpose; the birth date keeps strangers apart, and ``distinct_from`` parts those it does not.
"""

import hashlib
import hmac
import re
from typing import Final

from anyascii import anyascii

from domain.people import Nomination

KEY_BYTES: Final = 32

# ISO 9 writes one letter with a hook where others write two; the hook would be lost on the way to plain Latin.
_HOOKED: Final = str.maketrans({"č": "ch", "š": "sh", "ž": "zh", "ŝ": "shch", "ĵ": "zh"})
# French writes ж as j and дж as dj, German and ISO 9 write й so; only at the start of a name are the two told apart.
_FRENCH_J: Final = re.compile(r"^(?:dj|j(?=ou|[^aeouy]))")
_SOFT_C: Final = re.compile(r"c(?=[eiy])")
# Longest first. Capitals are sounds already brought together: Z any hissing sound (romanisations mix sh, ch, zh, s, z
# and ts beyond repair) and the kh sound (ch in German, h in ISO 9), X the ks sound, V also f (-ov and -off).
_SOUNDS: Final = (
    ("shtsch", "Z"), ("schtsch", "Z"), ("chtch", "Z"), ("shch", "Z"), ("tsch", "Z"), ("tch", "Z"), ("dsch", "Z"),
    ("sch", "Z"), ("dzh", "Z"), ("sh", "Z"), ("ch", "Z"), ("zh", "Z"), ("ts", "Z"), ("tz", "Z"),
    ("kh", "Z"), ("gh", "G"), ("ph", "V"), ("th", "T"), ("ck", "K"), ("cz", "Z"), ("qu", "K"), ("ks", "X"),
)  # fmt: skip
_LETTERS: Final = str.maketrans("bcdfghklmnpqrstvwxz", "BKDVGZKLMNPKRZTVVXZ", "aeiouyj")


def skeleton(name: str) -> str:
    """The consonants of a name on which its romanisations agree; the name in Latin letters where it has none."""
    latin = re.sub(r"[^a-z]", "", anyascii(name.casefold().translate(_HOOKED)).casefold())
    reduced = _SOFT_C.sub("ts", _FRENCH_J.sub("zh", latin))
    for spelling, sound in _SOUNDS:
        reduced = reduced.replace(spelling, sound)
    reduced = re.sub(r"(.)\1+", r"\1", reduced.translate(_LETTERS))
    return reduced or latin


def fingerprint(session: str, nomination: Nomination, key: bytes) -> str:
    """32 hexadecimal digits (HMAC-SHA-256, first half) that stand for the person within one session.

    Args:
        session: The session's reference; the same person has unrelated fingerprints in two sessions.
        nomination: Whom it is about; given name, family name and birth date count, in either order of the names.
        key: The register's secret, 32 bytes.

    Raises:
        ValueError: The key has another length.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"the fingerprint key has {len(key)} bytes, not {KEY_BYTES}")
    person = nomination.candidate
    names = sorted((skeleton(person.family_name), skeleton(person.given_name)))
    identity = "\x1f".join((session, *names, person.birth_date.isoformat(), nomination.distinct_from or ""))
    return hmac.new(key, identity.encode(), hashlib.sha256).hexdigest()[:32]
