"""The keys that are set: one place for every process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from adapters.keys.folder import FolderStore
from adapters.keys.keyring import Keyring, NoKeys, WrongMasterKey
from adapters.keys.master import LocalMasterKey, MasterKey, ServiceRefused
from adapters.keys.store import Store
from config.settings import KEYS_FOLDER, PREFIX, Settings, WrongSetting, key_bytes


def keyring(settings: Settings) -> Keyring:
    """The register's keys; nothing is read but the master key.

    Raises:
        WrongSetting: The master key is not set, or its file does not hold one, or the key service is set in part.
    """
    master = _master(settings.master_key, settings.master_key_file, "MASTER_KEY")
    previous = _master(settings.previous_master_key, settings.previous_master_key_file, "PREVIOUS_MASTER_KEY")
    service = _service(settings)
    if service is not None and settings.vault_retired:
        previous = service
    elif service is not None:
        # A master key of the desk's own beside it is the one before, from which the keys come.
        master, previous = service, previous or master
    if master is None:
        raise WrongSetting(f"{PREFIX}MASTER_KEY: is needed, or {PREFIX}MASTER_KEY_FILE, or {PREFIX}VAULT_URL")
    return Keyring(_store(settings), master, previous=previous)


async def begin(keys: Keyring, settings: Settings) -> None:
    """Make the register's own key where there is none yet; for a worker.

    Raises:
        WrongSetting: The master key is not the one that the keys are wrapped by, or the key service refuses.
    """
    with serving():
        try:
            await keys.begin()
        except WrongMasterKey:
            raise _wrong_master(settings) from None


async def check(keys: Keyring, settings: Settings) -> None:
    """Whether these are the keys of a register, and the master key theirs.

    Raises:
        WrongSetting: They are not, or the key service refuses.
    """
    with serving():
        try:
            await keys.check()
        except WrongMasterKey:
            raise _wrong_master(settings) from None
        except NoKeys:
            name = "KEYS_URL" if settings.keys_url else "KEYS_FOLDER"
            raise WrongSetting(f"{PREFIX}{name}: holds no keys; the worker makes the first when it starts") from None


@contextmanager
def serving() -> Iterator[None]:
    """Take what a key service refuses for what it is at a start: a wrong setting, which is named."""
    try:
        yield
    except ServiceRefused as refusal:
        names = ", ".join(f"{PREFIX}{name.upper()}" for name in refusal.settings)
        raise WrongSetting(f"{names}: {refusal}") from None


def _wrong_master(settings: Settings) -> WrongSetting:
    if settings.vault_url and not settings.vault_retired:
        return WrongSetting(f"{PREFIX}VAULT_KEY: is not the master key that this register's keys are wrapped by")
    name = "MASTER_KEY" if settings.master_key else "MASTER_KEY_FILE"
    return WrongSetting(f"{PREFIX}{name}: is not the master key that this register's keys are wrapped by")


def _store(settings: Settings) -> Store:
    if settings.keys_url is None:
        return FolderStore(settings.keys_folder or settings.home / KEYS_FOLDER)
    # A second of imports that a folder of keys need not wait for.
    from adapters.keys.database import DatabaseStore

    return DatabaseStore(settings.keys_url.get_secret_value())


def _service(settings: Settings) -> MasterKey | None:
    if settings.vault_url is None:
        return None
    if settings.vault_key is None:
        raise WrongSetting(f"{PREFIX}VAULT_KEY: goes with {PREFIX}VAULT_URL")
    if settings.vault_token is None and settings.vault_token_file is None:
        raise WrongSetting(f"{PREFIX}VAULT_TOKEN: is needed, or {PREFIX}VAULT_TOKEN_FILE")
    # Half a second of imports that a master key of the desk's own need not wait for.
    from adapters.keys.vault import TransitMasterKey

    try:
        return TransitMasterKey(
            settings.vault_url,
            settings.vault_key,
            lambda: _token(settings),
            mount=settings.vault_mount,
            namespace=settings.vault_namespace,
            cafile=None if settings.vault_ca_file is None else str(settings.vault_ca_file.expanduser()),
            timeout=settings.vault_timeout,
        )
    except OSError:
        raise WrongSetting(f"{PREFIX}VAULT_CA_FILE: is no file of certificates that can be read") from None


def _token(settings: Settings) -> str:
    """The token for the key service; read each time, since whoever renews it writes it there."""
    if settings.vault_token is not None:
        return settings.vault_token.get_secret_value()
    try:
        token = (settings.vault_token_file or Path()).expanduser().read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ServiceRefused("cannot be read", "vault_token_file") from None
    if not token or not token.isprintable():
        raise ServiceRefused("holds no token", "vault_token_file")
    return token


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
