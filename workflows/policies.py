"""Named timeouts and retry policies: how long each kind of work may take, and how it is tried again."""

from datetime import timedelta
from typing import Any, Final

from temporalio.common import RetryPolicy

RECORD: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
    ),
}
"""Writing a step: tried for as long as it takes, since the case stands still until it is written. An attempt is short,
since whoever gave the command waits for it where a worker dies in the middle; one that is late and succeeds after all
is what the next attempt finds."""

POST: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(minutes=15),
    "heartbeat_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=5)
    ),
}
"""A step's letters, once each. What is retried is the activity after a crash or while the ledger is away, never a
letter that may be out. A mail server that hangs costs each letter its own short limits, well inside the whole."""

DELIVER: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(minutes=5),
    "heartbeat_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(hours=6)
    ),
}
"""One letter, for days: the pauses come from the desk's settings with each attempt, and so does the end."""

ENQUIRE: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(seconds=8),
    "schedule_to_close_timeout": timedelta(minutes=1),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=5)),
}
"""A question somebody waits for: short, so that a second try answers in time where a worker died over the first."""

SCREEN: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(minutes=2),
    "heartbeat_timeout": timedelta(seconds=10),
    "schedule_to_close_timeout": timedelta(minutes=5),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
}
"""A comparison with the lists. One that does not answer in this time is a finding of its own, and is asked again."""

SCREEN_AGAIN: Final = timedelta(minutes=10)
"""The pause before lists that could not be asked are asked again."""

SCREEN_FIRST: Final = timedelta(seconds=5)
"""How long an assessment waits for the first screening, so that the officer learns at once where the case stands."""

IMPORT: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(hours=4),
    "heartbeat_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
}
"""A list of any size, as a whole: an attempt that died has changed nothing, and the next begins at the first line."""

CARE: Final[dict[str, Any]] = {
    "start_to_close_timeout": timedelta(hours=1),
    "heartbeat_timeout": timedelta(seconds=60),
    "retry_policy": RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
}
"""Work over the whole register."""

RESCREEN: Final[dict[str, Any]] = CARE | {"heartbeat_timeout": timedelta(seconds=10)}
"""Telling every open candidacy to ask the lists again: whoever is told twice asks once more and finds nothing new."""

EXPIRE: Final[dict[str, Any]] = CARE | {
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1), maximum_attempts=10
    ),
}
"""The erasure of one person's data by a rule, for a while: others wait for their turn, and there is another round."""
