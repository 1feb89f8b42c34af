"""The keys that are set: one place for every process."""

from pathlib import Path

from pydantic import SecretStr

from adapters.keys.folder import FolderStore
from adapters.keys.keyring import Keyring, NoKeys, WrongMasterKey
from adapters.keys.master import LocalMasterKey, MasterKey
from adapters.keys.store import Store
from config.settings import KEYS_FOLDER, PREFIX, Settings, WrongSetting, key_bytes


def keyring(settings: Settings) -> Keyring:
    """The register's keys; nothing is read but the master key.

    Raises:
        WrongSetting: The master key is not set, or its file does not hold one.
    """
    master = _master(settings.master_key, settings.master_key_file, "MASTER_KEY")
    if master is None:
        raise WrongSetting(f"{PREFIX}MASTER_KEY: is needed, or {PREFIX}MASTER_KEY_FILE")
    previous = _master(settings.previous_master_key, settings.previous_master_key_file, "PREVIOUS_MASTER_KEY")
    return Keyring(_store(settings), master, previous=previous)


async def begin(keys: Keyring, settings: Settings) -> None:
    """Make the register's own key where there is none yet; for a worker.

    Raises:
        WrongSetting: The master key is not the one that the keys are wrapped by.
    """
    try:
        await keys.begin()
    except WrongMasterKey:
        raise _wrong_master(settings) from None


async def check(keys: Keyring, settings: Settings) -> None:
    """Whether these are the keys of a register, and the master key theirs.

    Raises:
        WrongSetting: They are not.
    """
    try:
        await keys.check()
    except WrongMasterKey:
        raise _wrong_master(settings) from None
    except NoKeys:
        name = "KEYS_URL" if settings.keys_url else "KEYS_FOLDER"
        raise WrongSetting(f"{PREFIX}{name}: holds no keys; the worker makes the first when it starts") from None


def _wrong_master(settings: Settings) -> WrongSetting:
    name = "MASTER_KEY" if settings.master_key else "MASTER_KEY_FILE"
    return WrongSetting(f"{PREFIX}{name}: is not the master key that this register's keys are wrapped by")


def _store(settings: Settings) -> Store:
    if settings.keys_url is None:
        return FolderStore(settings.keys_folder or settings.home / KEYS_FOLDER)
    # A second of imports that a folder of keys need not wait for.
    from adapters.keys.database import DatabaseStore

    return DatabaseStore(settings.keys_url.get_secret_value())


def _master(key: SecretStr | None, file: Path | None, name: str) -> MasterKey | None:
    if key is not None:
        return LocalMasterKey(key_bytes(key.get_secret_value()))
    if file is None:
        return None
    try:
        text = file.expanduser().read_text(encoding="ascii").strip()
        return LocalMasterKey(key_bytes(text))
    except OSError as failed:
        raise WrongSetting(f"{PREFIX}{name}_FILE: cannot be read ({failed.strerror})") from None
    except ValueError as wrong:
        reason = "must be hexadecimal" if isinstance(wrong, UnicodeDecodeError) else str(wrong)
        raise WrongSetting(f"{PREFIX}{name}_FILE: {reason}") from None
