"""The one admission that nobody signs: the first head of desk's, at set-up."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from config.settings import Settings, WrongSetting
from domain.offices import Appointment, Office, Request
from worker import compose


def read_request(path: Path) -> Request:
    """The request in a file.

    Raises:
        WrongSetting: The file cannot be read, or holds no request.
    """
    try:
        return Request.model_validate_json(path.read_bytes())
    except OSError as wrong:
        raise WrongSetting(f"{path}: {wrong.strerror}") from None
    except ValidationError:
        raise WrongSetting(f"{path}: is no request; `starter officer enrol` makes one") from None


async def admit_head_of_desk(settings: Settings, request: Request) -> Appointment:
    """Admit the first head of desk, straight into the database, which nobody reaches through Temporal.

    Done again for the same key, it changes nothing: a set-up that was broken off can be repeated. The office is held
    from when the request was made: in a register that is set up anew because it was lost, what that officer signed
    holds again, and with it all that the register can be written again from.

    Raises:
        WrongSetting: The database or a key is not set, or is another register's.
        NotAdmissible: There was another head of desk before, or the request was not made with its key.
    """
    async with compose.parts(settings) as parts:
        await compose.prepare(parts, settings)
        ledger = compose.ledger(settings, parts.engine, parts.keyring)
        for standing in await ledger.register():
            if standing.by is None and standing.office is Office.HEAD_OF_DESK and standing.key == request.key.id:
                return standing
        return await ledger.admit_first(request, min(request.made, datetime.now(UTC)))
