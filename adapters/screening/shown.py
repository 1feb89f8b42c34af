"""What of an entry is shown to an officer who compares it with a candidate."""

from typing import Final

from domain.screening import Listed

_SHOWN: Final = ("name", "alias", "birthDate", "birthPlace", "nationality", "country", "gender", "position", "program")
_VALUES: Final = 8


def shown(listed: Listed) -> dict[str, tuple[str, ...]]:
    """The first values of each property that tells one person from another."""
    return {name: listed.properties[name][:_VALUES] for name in _SHOWN if listed.properties.get(name)}
