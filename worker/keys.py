"""Care for the keys: ``python -m worker.keys rewrap [--home DIR]`` wraps every key by the present master key.

How the master key is changed: give every process the new one as DESK_MASTER_KEY and the old one as
DESK_PREVIOUS_MASTER_KEY, rewrap, take the old one away from every process again, and destroy it. No history and no row
is touched; and what disks and copies still hold of keys that were destroyed before cannot be unwrapped any more.

So it is changed for that of a key service, with DESK_VAULT_* beside DESK_MASTER_KEY while keys are wrapped anew, and
back, with DESK_VAULT_RETIRED. After the service has rotated its key, rewrapping leads to the newest version.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from adapters.keys.keyring import WrongMasterKey
from config import keys
from config.settings import PREFIX, Settings, WrongSetting, load
from domain.keys import KeysUnavailable


async def rewrap(settings: Settings) -> int:
    """Wrap every key by the present master key; how many were not.

    Raises:
        WrongSetting: A key is wrapped by a master key that is not given, or the key service refuses.
        KeysUnavailable: The keys cannot be reached.
    """
    keyring = keys.keyring(settings)
    try:
        with keys.serving():
            return await keyring.rewrap()
    except WrongMasterKey:
        raise WrongSetting(f"{PREFIX}PREVIOUS_MASTER_KEY: a key is wrapped by neither master key") from None
    finally:
        await keyring.aclose()


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it; 0, or 2 for a wrong setting, 5 where the keys cannot be reached."""
    parser = argparse.ArgumentParser(prog="python -m worker.keys", description=__doc__)
    parser.add_argument("command", choices=["rewrap"])
    parser.add_argument("--home", type=Path, help="the desk's folder, if not the one that DESK_HOME names")
    given = parser.parse_args(arguments)
    try:
        changed = asyncio.run(rewrap(load(given.home)))
    except WrongSetting as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    except KeysUnavailable as away:
        sys.stderr.write(f"{away}\n")
        return 5
    sys.stdout.write(f"wrapped anew: {changed}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
