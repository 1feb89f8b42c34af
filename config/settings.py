"""Settings, read once from the environment and files, frozen, checked as a whole.

Order, first wins: the environment, ``.env`` in the working folder, ``stack.env`` in the home folder (written by the
embedded stack, so that nothing need be set by hand while it is up). Every variable begins with ``DESK_``; the
connection to Temporal is set by its own standard ``TEMPORAL_*`` variables and TOML profiles.
"""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    EmailStr,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

STACK_FILE: Final = "stack.env"
KEYS_FOLDER: Final = "keys"
"""In the home folder, where no other place for keys is set."""
PREFIX: Final = "DESK_"


def default_home() -> Path:
    """Where the desk keeps its data on this machine."""
    if home := os.environ.get(f"{PREFIX}HOME"):
        return Path(home).expanduser()
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "dialogue-desk"


class MailSecurity(StrEnum):
    """How the connection to the mail server is secured. ``none`` is for loopback only."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class WrongSetting(Exception):
    """A setting is missing or wrong; the message names it."""


def key_bytes(text: str) -> bytes:
    """A key as it is written in settings and files. Raises ValueError where it is none."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise ValueError("must be hexadecimal") from None
    if len(key) != 32:
        raise ValueError(f"must be 32 bytes (64 hexadecimal digits), not {len(key)}")
    return key


def _key(value: SecretStr) -> SecretStr:
    key_bytes(value.get_secret_value())
    return value


_ADDRESS: Final[TypeAdapter[str]] = TypeAdapter(EmailStr)


def _readers(value: str) -> tuple[tuple[str, str], ...]:
    readers: list[tuple[str, str]] = []
    for entry in filter(None, (part.strip() for part in value.split(","))):
        address, _, language = entry.partition("/")
        if language not in {"", "en", "fr", "ru"}:
            raise ValueError(f"{language}: must be one of the languages en, fr and ru")
        try:
            readers.append((_ADDRESS.validate_python(address), language or "en"))
        except ValidationError:
            raise ValueError(f"number {len(readers) + 1} is no address") from None
    return tuple(readers)


_UNITS: Final = {"day": 3660, "week": 520, "month": 120, "year": 10}
"""How many of each a time can have for which something is kept."""
NEVER: Final = "never"


def length_of(text: str) -> tuple[str, int] | None:
    """The unit and the number of a time such as ``18 months``; None for ``never``. Raises ValueError."""
    if text == NEVER:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,3}) (day|week|month|year)s?", text)
    if found is None:
        raise ValueError(f'must be a time such as "18 months", in days, weeks, months or years, or "{NEVER}"')
    number, unit = int(found[1]), found[2]
    if number > _UNITS[unit]:
        raise ValueError(f"must have at most {_UNITS[unit]} {unit}s")
    return unit, number


def _length(value: str) -> str:
    length_of(value)
    return value


Length = Annotated[str, AfterValidator(_length)]


def _secure(value: str) -> str:
    where = urlsplit(value)
    on_loopback = where.scheme == "http" and where.hostname in {"localhost", "127.0.0.1", "::1"}
    if not on_loopback and (where.scheme != "https" or not where.hostname):
        raise ValueError("must be an https address; http on loopback only")
    return value


class Settings(BaseSettings):
    """Everything that can be set. Durations are in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    home: Path = Field(default_factory=default_home, description="folder for the embedded parts and the profiles")
    profile: str | None = Field(
        default=None, description="the officer profile in use, from profiles.toml in the home folder"
    )
    passphrase: SecretStr | None = Field(
        default=None, description="opens the officer's private key where nobody can be asked"
    )
    passphrase_file: Path | None = Field(default=None, description="a file that holds the passphrase instead")
    token: SecretStr | None = Field(
        default=None, description="the house's token, where that stands for the officer's signature"
    )
    token_file: Path | None = Field(default=None, description="a file that holds the token instead, read each time")
    task_queue: str = Field(default="desk", pattern=r"^[a-z0-9-]{1,60}$", description="Temporal task queue")
    answer_timeout: float = Field(default=30.0, gt=0, le=600, description="how long a command waits for its answer")
    fingerprint_key: Annotated[SecretStr, AfterValidator(_key)] | None = Field(
        default=None, description="64 hexadecimal digits; the same for the register's whole life"
    )

    master_key: Annotated[SecretStr, AfterValidator(_key)] | None = Field(
        default=None, description="64 hexadecimal digits: the master key, by which the keys of persons are wrapped"
    )
    master_key_file: Path | None = Field(default=None, description="a file that holds the master key instead")
    previous_master_key: Annotated[SecretStr, AfterValidator(_key)] | None = Field(
        default=None, description="the master key before it, while keys are wrapped anew"
    )
    previous_master_key_file: Path | None = Field(default=None, description="a file that holds that one instead")
    vault_url: Annotated[str, AfterValidator(_secure)] | None = Field(
        default=None, description="a key service that keeps the master key instead: HashiCorp Vault or OpenBao"
    )
    vault_key: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_.-]{1,100}$", description="the name of the key in its transit engine"
    )
    vault_mount: str = Field(
        default="transit", pattern=r"^[A-Za-z0-9_./-]{1,100}$", description="where that engine is mounted"
    )
    vault_namespace: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_./-]{1,100}$", description="the namespace it is in, where there are some"
    )
    vault_token: SecretStr | None = Field(default=None, description="the token by which the service knows this desk")
    vault_token_file: Path | None = Field(default=None, description="a file that holds it instead, read each time")
    vault_ca_file: Path | None = Field(
        default=None, description="the authorities its certificate is checked by, if not the machine's own"
    )
    vault_timeout: float = Field(default=5.0, gt=0, le=60, description="limit for each exchange with the service")
    vault_retired: bool = Field(
        default=False, description="whether the service is the master key before, while keys are wrapped anew"
    )
    keys_folder: Path | None = Field(
        default=None, description="folder for the wrapped keys of persons; keys in the home folder if it is not set"
    )
    keys_url: SecretStr | None = Field(
        default=None,
        description="postgresql+asyncpg://user:password@host:port/name of a database for the wrapped keys instead",
    )
    seal_key: Annotated[SecretStr, AfterValidator(_key)] | None = Field(
        default=None, description="the worker's private key (Ed25519) for the ledger's seals, 64 hexadecimal digits"
    )
    seal_former: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}( [0-9a-f]{64})*$",
        description="the public keys that sealed before it, 64 hexadecimal digits each",
    )
    seal_interval: float = Field(default=3600.0, ge=1, le=7 * 86400, description="how often the ledger is sealed")

    retain_lapsed: Length = Field(default="1 year", description="how long a case is kept that ended without an answer")
    retain_declined: Length = Field(default="1 year", description="how long one that the candidate ended by saying no")
    retain_ineligible: Length = Field(default="2 years", description="how long one that failed a criterion")
    retain_not_retained: Length = Field(default="2 years", description="how long one that the Bureau did not retain")
    retain_withdrawn: Length = Field(default="1 year", description="how long one that was withdrawn")
    retain_excluded: Length = Field(default="5 years", description="how long one that ended by exclusion")
    retain_deceased: Length = Field(default="1 year", description="how long one that ended by death")
    retain_expired: Length = Field(default="2 years", description="how long one that ended with the session")
    retention_notice: int = Field(
        default=30, ge=1, le=366, description="how many days before an erasure by itself the desk is told"
    )
    retention_hours: float = Field(default=24.0, gt=0, le=24 * 31, description="how often it is looked what is due")

    database_url: SecretStr | None = Field(
        default=None, description="postgresql+asyncpg://user:password@host:port/name"
    )
    database_owner_url: SecretStr | None = Field(
        default=None,
        description="the same with the login whose the tables are, for --migrate; else the worker's own is that",
    )
    database_pool: int = Field(default=8, ge=1, le=100, description="connections one worker keeps open")

    watchlist_folder: Path | None = Field(
        default=None,
        description="folder that the command line and every worker share, if not watchlists in the home folder",
    )
    screenings_at_once: int = Field(default=2, ge=1, le=32, description="people one worker screens at a time")
    rescreen_hours: float = Field(
        default=24.0, gt=0, le=24 * 31, description="how often every open case is screened again without a cause"
    )

    yente_url: Annotated[str, AfterValidator(_secure)] | None = Field(
        default=None, description="a yente server, or the OpenSanctions API, whose lists are asked besides the desk's"
    )
    yente_lists: str | None = Field(
        default=None,
        validate_default=True,
        pattern=r"^[a-z0-9_]{1,34}:[a-z]+:[a-z-]+(, ?[a-z0-9_]{1,34}:[a-z]+:[a-z-]+)*$",
        description="which of its datasets, with commas between them, each as dataset:trust:kind",
    )
    yente_key: SecretStr | None = Field(default=None, description="the API key, where the server wants one")
    yente_timeout: float = Field(default=15.0, gt=0, le=60, description="limit for each answer of the server")
    yente_per_minute: float = Field(
        default=120.0, gt=0, le=6000, description="requests one worker sends to it in a minute at most"
    )

    mail_host: str = Field(default="localhost", description="SMTP server")
    mail_port: int = Field(default=587, ge=1, le=65535, description="SMTP port")
    mail_security: MailSecurity = Field(default=MailSecurity.STARTTLS, description="tls, starttls, or none on loopback")
    mail_ca_file: Path | None = Field(
        default=None,
        description="the authorities the mail server's certificate is checked by, if not the machine's own",
    )
    mail_username: str | None = Field(default=None, description="SMTP login")
    mail_password: SecretStr | None = Field(default=None, description="SMTP password")
    mail_timeout: float = Field(default=30.0, gt=0, le=300, description="limit for each exchange with the mail server")
    mail_connections: int = Field(default=4, ge=1, le=50, description="connections one worker opens to the mail server")
    mail_sender: EmailStr = Field(default="desk@example.org", description="the address letters come from")
    mail_sender_name: str = Field(default="Secretariat", max_length=60, description="the name letters come from")
    desk_address: EmailStr = Field(default="desk@example.org", description="where the desk gets its own letters")
    desk_language: str = Field(
        default="en", pattern="^(en|fr|ru)$", description="the language of the desk's own letters"
    )
    bureau_address: EmailStr | None = Field(
        default=None, description="where the Bureau gets its letters; the desk's own address where there is none"
    )
    bureau_name: str = Field(default="Bureau", max_length=60, description="how letters address the Bureau")
    bureau_language: str = Field(
        default="en", pattern="^(en|fr|ru)$", description="the language of the Bureau's letters"
    )
    secretariats: str | None = Field(
        default=None,
        description="committee secretariats that are told of measures: addresses with commas between them, "
        "each with its language after a slash if that is not English",
    )
    secretariat_name: str = Field(
        default="Secretariat of the committee", max_length=60, description="how letters address a secretariat"
    )
    retry_first: float = Field(default=60.0, gt=0, description="pause before a letter is tried again")
    retry_longest: float = Field(default=6 * 3600.0, gt=0, description="longest pause between two attempts")
    retry_days: float = Field(default=5.0, gt=0, le=60, description="after so many days the desk must decide")

    command_within: float = Field(
        default=600.0, gt=0, le=86400, description="how long after it was signed a command is taken"
    )
    command_skew: float = Field(default=60.0, ge=0, le=3600, description="how far ahead an officer's clock may be")

    oidc_issuer: Annotated[str, AfterValidator(_secure)] | None = Field(
        default=None, description="the house's OpenID Connect provider, whose tokens may stand for a signature"
    )
    oidc_audience: str | None = Field(
        default=None, validate_default=True, description="what its tokens for this register are for"
    )
    oidc_keys: Annotated[str, AfterValidator(_secure)] | None = Field(
        default=None, description="where its keys are, if its configuration does not say"
    )

    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="worker's log level")
    log_format: str = Field(default="json", pattern="^(json|text)$", description="worker's log format")
    metrics_address: str | None = Field(default=None, description="host:port for Prometheus metrics")
    graceful_stop: float = Field(
        default=20.0, ge=0, le=300, description="how long a stopping worker may finish its work"
    )

    @property
    def lists_handed_in(self) -> Path:
        """The folder in which lists are handed in."""
        return self.watchlist_folder or self.home / "watchlists"

    @field_validator("secretariats")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        _readers(value or "")
        return value

    @property
    def secretariat_readers(self) -> tuple[tuple[str, str], ...]:
        """The address and the language of each committee secretariat."""
        return _readers(self.secretariats or "")

    @field_validator("yente_lists")
    @classmethod
    def _lists_of_the_server(cls, value: str | None, info: object) -> str | None:
        if (value is None) != (getattr(info, "data", {}).get("yente_url") is None):
            raise ValueError(f"goes with {PREFIX}YENTE_URL: both are set, or neither is")
        return value

    @property
    def yente_datasets(self) -> tuple[tuple[str, str, str], ...]:
        """Each dataset of the server's that is asked, with its trust and its kind."""
        found = (each.strip().split(":") for each in (self.yente_lists or "").split(",") if each)
        return tuple((dataset, trust, kind) for dataset, trust, kind in found)

    @field_validator("oidc_audience")
    @classmethod
    def _audience_of_the_issuer(cls, value: str | None, info: object) -> str | None:
        if (value is None) != (getattr(info, "data", {}).get("oidc_issuer") is None):
            raise ValueError(f"goes with {PREFIX}OIDC_ISSUER: both are set, or neither is")
        return value

    @field_validator("mail_security")
    @classmethod
    def _none_on_loopback(cls, value: MailSecurity, info: object) -> MailSecurity:
        host = getattr(info, "data", {}).get("mail_host")
        if value is MailSecurity.NONE and host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("may be none on loopback only")
        return value


def load(home: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        home: The home folder, where it is given on the command line.

    Raises:
        WrongSetting: A setting is wrong; the message names its variable and the rule.
    """
    folder = home or default_home()
    given = {} if home is None else {"home": home}
    try:
        return Settings(_env_file=(folder / STACK_FILE, ".env"), **given)  # type: ignore[arg-type]
    except ValidationError as wrong:
        lines = [
            f"{PREFIX}{str(error['loc'][0]).upper()}: {error['msg'].removeprefix('Value error, ')}"
            for error in wrong.errors(include_input=False, include_url=False)
        ]
        raise WrongSetting("; ".join(lines)) from None
