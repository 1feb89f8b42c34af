"""One logging setup: structured lines that carry references and never personal data."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final

_FIELDS: Final = ("case", "letter", "seq", "act", "stage", "state", "code", "attempt", "error")


_QUOTED: Final = re.compile(r"(?i)(\berror\b[^:]*):.*", re.DOTALL)
"""Where a library's own line goes on to quote an error's text."""


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    return _QUOTED.sub(r"\1", message) if record.name.startswith("temporalio") else message


class Structured(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and the fields that were given as ``extra``.

    Of an exception only the type is written: its text may quote what a person wrote. Where Temporal's library quotes
    an error in its own message, the quotation is cut off.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        line |= {name: value for name in _FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


class Plain(logging.Formatter):
    """The same for a person's eye."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        fields = " ".join(f"{name}={value}" for name in _FIELDS if (value := getattr(record, name, None)) is not None)
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        error = f" {record.exc_info[0].__name__}" if record.exc_info and record.exc_info[0] else ""
        return f"{time} {record.levelname:<7} {record.name}: {_message(record)} {fields}{error}".rstrip()


def set_up(*, level: str, form: str) -> None:
    """Send every logger's lines to standard error in one form (``json`` or ``text``)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Structured() if form == "json" else Plain())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # That a worker is ready, or stops, is always told: whoever started it waits for that line.
    logging.getLogger("worker").setLevel(logging.INFO)
