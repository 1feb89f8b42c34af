"""The roll of officers as it follows from what was signed, one command after the other."""

from collections.abc import Sequence
from typing import Final

from domain.authority import Written
from domain.offices import Admission, Appointment, Office, Officer, Revocation, appointed, revoked
from domain.signing import Credential

_ADMIT: Final = "officer.admit"
_REVOKE: Final = "officer.revoke"
ADMITTING: Final = frozenset({_ADMIT, _REVOKE})
"""The powers by which the roll changes."""


class Roll:
    """Who held which office when, told from the signed commands alone.

    Args:
        unsigned: The appointments that nobody signed, each with its key: the first head of desk's, which the set-up
            admitted, and no other.
    """

    def __init__(self, unsigned: Sequence[tuple[Credential, Appointment]]) -> None:
        first = [(key, each) for key, each in unsigned if each.office is Office.HEAD_OF_DESK][:1]
        self.doubled = len(unsigned) > len(first)
        self._keys = {key.id: (each.person, key) for key, each in first}
        # Those that were asked for since the roll last changed.
        self._officers: dict[str, Officer] = {}
        self.appointments = tuple(each.model_copy(update={"revoked": None}) for _, each in first)

    def officer(self, written: Written) -> Officer | None:
        """Whose the key is that a command was signed with, and what was held through it."""
        if written.signed is None or (known := self._keys.get(written.signed.key)) is None:
            return None
        person, key = known
        if written.signed.key not in self._officers:
            held = tuple(each for each in self.appointments if each.key == written.signed.key)
            self._officers[written.signed.key] = Officer(person=person, key=key, appointments=held)
        return self._officers[written.signed.key]

    def follow(self, written: Written) -> None:
        """Take what a command that holds did to the roll."""
        if written.signed is None or written.taken is None:
            return
        match written.power:
            case str(power) if power == _ADMIT:
                admission = Admission.model_validate(written.content)
                key = admission.request.key
                self._keys.setdefault(key.id, (admission.request.person, key))
                appointment = appointed(admission, by=written.signed.signer, at=written.taken)
                self.appointments = (*self.appointments, appointment)
                self._officers.clear()
            case str(power) if power == _REVOKE:
                revocation = Revocation.model_validate(written.content)
                self.appointments = revoked(self.appointments, revocation, written.taken)
                self._officers.clear()
