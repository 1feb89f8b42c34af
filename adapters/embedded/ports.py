"""Free ports on loopback for the embedded parts."""

import socket
from contextlib import ExitStack
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def free_ports(*preferred: int | None) -> tuple[int, ...]:
    """As many different ports on 127.0.0.1 that nobody listens on; each the preferred one where that is free.

    They are not reserved: whoever asked must take them soon, and be ready to find one taken.
    """
    with ExitStack() as held:
        return tuple(_bound(held.enter_context(socket.socket()), wanted) for wanted in preferred)


def _bound(probe: socket.socket, wanted: int | None) -> int:
    if wanted is not None:
        # Like the servers that will listen there, not put off by connections that are still closing.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError:
            wanted = None
    if wanted is None:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        probe.bind((LOOPBACK, 0))
    port: int = probe.getsockname()[1]
    return port
