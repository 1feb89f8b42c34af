"""The connection to Temporal: standard ``TEMPORAL_*`` variables and TOML profiles, and one converter for every side."""

import os
from pathlib import Path

from dotenv import dotenv_values
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError

from adapters.keys.codec import converter
from adapters.keys.keyring import Keyring
from config import keys
from config.settings import STACK_FILE, Settings, WrongSetting


class TemporalUnreachable(Exception):
    """No Temporal server answers at the address that is set."""

    def __init__(self, address: str) -> None:
        super().__init__(f"Temporal does not answer at {address}")
        self.address = address


def environment(home: Path) -> dict[str, str]:
    """The variables that set the connection: the environment's own, else those of the embedded stack."""
    stack = {name: value for name, value in dotenv_values(home / STACK_FILE).items() if value is not None}
    own = {name: value for name, value in os.environ.items() if name.startswith("TEMPORAL_")}
    # A profile or address of the operator's own replaces the stack's connection as a whole, never half of it.
    return own if own else {name: value for name, value in stack.items() if name.startswith("TEMPORAL_")}


async def connect(settings: Settings, keyring: Keyring | None = None, *, runtime: Runtime | None = None) -> Client:
    """Connect to the Temporal server that is set; what goes through the connection lies under the register's keys.

    Args:
        settings: The settings.
        keyring: The keys, where they are at hand already; else those that are set, which must be there.
        runtime: Of the client, if not the process's own.

    Raises:
        WrongSetting: The profile or its file is wrong, or the keys are.
        TemporalUnreachable: Nothing answers there.
    """
    try:
        config = ClientConfig.load_client_connect_config(override_env_vars=environment(settings.home))
    except RuntimeError as wrong:
        raise WrongSetting(f"TEMPORAL_*: {wrong}") from None
    address = config.setdefault("target_host", "localhost:7233")
    if keyring is None:
        keyring = keys.keyring(settings)
        await keys.check(keyring, settings)
    try:
        return await Client.connect(**config, data_converter=converter(keyring), runtime=runtime)
    except (RuntimeError, RPCError) as failed:
        raise TemporalUnreachable(address) from failed
