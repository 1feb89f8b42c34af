"""Free ports on loopback for the embedded parts."""

import random
import socket
from contextlib import ExitStack
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_LISTENING: Final = range(20_000, 32_768)
"""Below the ports that systems hand to outgoing connections and to servers that ask for any: a port found here is not
taken by a passing connection before its server starts, nor while the server is down for the night."""
_TRIES: Final = 200


def free_ports(*preferred: int | None) -> tuple[int, ...]:
    """As many different ports on 127.0.0.1 that nobody listens on; each the preferred one where that is free.

    They are not reserved: whoever asked must take them soon, and be ready to find one taken.

    Raises:
        OSError: No port is free.
    """
    with ExitStack() as held:
        return tuple(_bound(held.enter_context(socket.socket()), wanted) for wanted in preferred)


def _bound(probe: socket.socket, wanted: int | None) -> int:
    # A port of one's own may still have connections that are closing, which do not put off the server that will listen.
    if wanted is not None and _binds(probe, wanted, beside_closing=True):
        return wanted
    for port in random.sample(_LISTENING, _TRIES):
        if _binds(probe, port, beside_closing=False):
            return port
    raise OSError("no port on loopback is free")


def _binds(probe: socket.socket, port: int, *, beside_closing: bool) -> bool:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(beside_closing))
    try:
        probe.bind((LOOPBACK, port))
    except OSError:
        return False
    return True
