"""The keys that a worker starts with, and the change of the master key."""

import asyncio
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from adapters.keys.folder import FolderStore
from adapters.keys.keyring import Keyring
from adapters.keys.master import LocalMasterKey
from adapters.sql import engine as engines
from adapters.sql.ledger import SqlLedger
from config import keys
from config.settings import Settings, WrongSetting, load
from tests.builders import a_candidacy, an_entry, drafts_of
from tests.keys import MASTER_KEY
from tests.officers import Lenient
from tests.vault import TOKEN, serving
from worker import compose
from worker.keys import main

OTHER = bytes(32)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("DESK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def settings(home: Path, **given: str) -> Settings:
    (home / "stack.env").write_text("".join(f"DESK_{name.upper()}='{value}'\n" for name, value in given.items()))
    return load(home)


async def start(home: Path, database: str, **given: str) -> compose.Parts:
    """Start as a worker does, and stop again."""
    found = settings(home, database_url=database, seal_key=OTHER.hex(), **given)
    async with compose.parts(found) as parts:
        await compose.prepare(parts, found)
    return parts


async def test_the_first_worker_makes_the_registers_key(tmp_path: Path, empty_database: str) -> None:
    await start(tmp_path, empty_database, master_key=MASTER_KEY.hex())

    assert list(await FolderStore(tmp_path / "keys").names()) == ["register"]


async def test_a_worker_whose_login_owns_nothing_starts_once_the_owner_has_migrated(
    tmp_path: Path, empty_database: str
) -> None:
    login = make_url(empty_database).set(username=f"worker_{secrets.token_hex(4)}", password="secret")
    worker = login.render_as_string(hide_password=False)
    for _ in range(2):
        await start(tmp_path, worker, master_key=MASTER_KEY.hex(), database_owner_url=empty_database)
    await start(tmp_path, worker, master_key=MASTER_KEY.hex())

    owner = engines.create(empty_database, pool=1)
    async with owner.begin() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))
    await owner.dispose()
    with pytest.raises(WrongSetting, match=r"^DESK_DATABASE_OWNER_URL: is needed by --migrate, which must come first$"):
        await start(tmp_path, worker, master_key=MASTER_KEY.hex())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"^DESK_MASTER_KEY: is needed, or DESK_MASTER_KEY_FILE, or DESK_VAULT_URL$"),
        ({"master_key": "00"}, r"^DESK_MASTER_KEY: must be 32 bytes"),
        ({"master_key_file": "nowhere"}, r"^DESK_MASTER_KEY_FILE: cannot be read \(No such file or directory\)$"),
        ({"master_key_file": "spoilt"}, r"^DESK_MASTER_KEY_FILE: must be hexadecimal$"),
        ({"master_key": OTHER.hex()}, r"^DESK_MASTER_KEY: is not the master key that this register's keys"),
        ({"master_key_file": "other"}, r"^DESK_MASTER_KEY_FILE: is not the master key that this register's keys"),
    ],
)
async def test_a_wrong_master_key_stops_the_start_and_is_named(
    given: Mapping[str, str], message: str, tmp_path: Path, database: str
) -> None:
    await Keyring(FolderStore(tmp_path / "keys"), LocalMasterKey(MASTER_KEY)).begin()
    (tmp_path / "spoilt").write_text("ключ", encoding="utf-8")
    (tmp_path / "other").write_text(f"{OTHER.hex()}\n")

    with pytest.raises(WrongSetting, match=message) as wrong:
        await start(tmp_path, database, **given)
    assert OTHER.hex() not in str(wrong.value)


async def test_a_register_that_is_encrypted_is_not_begun_anew_with_other_keys(tmp_path: Path, database: str) -> None:
    found = settings(tmp_path, database_url=database, seal_key=OTHER.hex(), master_key=MASTER_KEY.hex())
    async with compose.parts(found) as parts:
        await compose.prepare(parts, found)
        entry = an_entry(a_candidacy())
        ledger = SqlLedger(parts.engine, parts.keyring, mail_domain="example.org", judge=Lenient())
        await ledger.record(entry, drafts_of(entry))

    with pytest.raises(WrongSetting, match=r"^DESK_KEYS_FOLDER: holds no keys; the worker makes the first when it"):
        await start(tmp_path, database, master_key=MASTER_KEY.hex(), keys_folder=str(tmp_path / "elsewhere"))
    assert not (tmp_path / "elsewhere").exists()


def test_the_master_key_is_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = FolderStore(tmp_path / "keys")
    asyncio.run(Keyring(store, LocalMasterKey(MASTER_KEY)).begin())
    settings(tmp_path, master_key=OTHER.hex())
    assert main(["rewrap", "--home", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "DESK_PREVIOUS_MASTER_KEY: a key is wrapped by neither master key\n"

    settings(tmp_path, master_key=OTHER.hex(), previous_master_key=MASTER_KEY.hex())
    assert main(["rewrap", "--home", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "wrapped anew: 1\n"
    asyncio.run(Keyring(store, LocalMasterKey(OTHER)).check())


def test_a_master_key_is_never_shown(tmp_path: Path) -> None:
    found = settings(tmp_path, master_key=MASTER_KEY.hex(), previous_master_key=OTHER.hex())

    assert found.master_key == SecretStr(MASTER_KEY.hex())
    assert MASTER_KEY.hex() not in repr(found)
    assert MASTER_KEY.hex() not in repr(keys.keyring(found))


def test_the_master_key_moves_to_a_key_service_and_what_is_wrong_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = FolderStore(tmp_path / "keys")
    asyncio.run(Keyring(store, LocalMasterKey(MASTER_KEY)).begin())
    (tmp_path / "token").write_text("another\n")
    with serving() as transit:
        service = {"vault_url": transit.url, "vault_key": "desk", "vault_token_file": str(tmp_path / "token")}
        own = {"master_key": MASTER_KEY.hex()}

        def rewrap(**given: str) -> tuple[int, str]:
            settings(tmp_path, **given)
            code = main(["rewrap", "--home", str(tmp_path)])
            said = capsys.readouterr()
            return code, said.out + said.err

        refused = "DESK_VAULT_TOKEN, DESK_VAULT_TOKEN_FILE: the key service does not let this token encrypt\n"
        assert rewrap(**service, **own) == (2, refused)
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        transit.answers = [503, 503, 503]
        assert rewrap(**service, **own) == (5, "the key service cannot be reached, or is sealed\n")
        assert rewrap(**service, **own) == (0, "wrapped anew: 1\n")
        asyncio.run(keys.check(keys.keyring(settings(tmp_path, **service)), settings(tmp_path, **service)))
        assert rewrap(**service, **own, vault_retired="true") == (0, "wrapped anew: 1\n")
        with pytest.raises(WrongSetting, match=r"^DESK_VAULT_KEY: is not the master key that this register's keys"):
            asyncio.run(keys.check(keys.keyring(settings(tmp_path, **service)), settings(tmp_path, **service)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"vault_url": "http://vault.example.org"}, "DESK_VAULT_URL: must be an https address; http on loopback only"),
        ({}, "DESK_VAULT_KEY: goes with DESK_VAULT_URL"),
        ({"vault_key": "desk"}, "DESK_VAULT_TOKEN: is needed, or DESK_VAULT_TOKEN_FILE"),
        (
            {"vault_key": "desk", "vault_token": "x", "vault_ca_file": "nowhere"},
            "DESK_VAULT_CA_FILE: is no file of certificates that can be read",
        ),
        (
            {"vault_key": "desk", "vault_token_file": "nowhere"},
            "DESK_VAULT_TOKEN_FILE: cannot be read",
        ),
    ],
)
def test_a_wrong_setting_for_the_key_service_is_named(given: Mapping[str, str], message: str, tmp_path: Path) -> None:
    async def start() -> None:
        found = settings(tmp_path, **({"vault_url": "https://127.0.0.1:9"} | dict(given)))
        await keys.begin(keys.keyring(found), found)

    with pytest.raises(WrongSetting, match=f"^{message}$"):
        asyncio.run(start())
