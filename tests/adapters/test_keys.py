"""The keys: one per person whoever asks first, wrapped, and gone for good once destroyed."""

import asyncio
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.keys.database import DatabaseStore
from adapters.keys.folder import FolderStore
from adapters.keys.keyring import Keyring, NoKeys, WrongMasterKey
from adapters.keys.master import LocalMasterKey
from adapters.keys.store import Store
from domain.errors import Erased
from domain.keys import REGISTER_KEY, KeyMissing, KeysUnavailable, SealBroken
from tests.keys import MASTER, MASTER_KEY

ADA, MAX = f"2026/{'a' * 32}", f"2026/{'b' * 32}"
OTHER_MASTER = LocalMasterKey(bytes(32))
LETTER = b"Dear Ada, " * 200


@pytest.fixture(params=["folder", "database"])
async def store(request: pytest.FixtureRequest, empty_database: str, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of either kind."""
    if request.param == "folder":
        yield FolderStore(tmp_path / "keys")
    else:
        database = DatabaseStore(empty_database)
        yield database
        await database.aclose()


async def test_what_is_sealed_is_read_again_by_another_process_with_the_same_store(store: Store) -> None:
    sealed = await Keyring(store, MASTER).seal(ADA, LETTER, place="letter 1")

    assert b"Ada" not in sealed
    assert len(sealed) < len(LETTER)
    assert await Keyring(store, MASTER).unseal(sealed, place="letter 1") == LETTER


async def test_the_same_words_are_never_sealed_alike(store: Store) -> None:
    keyring = Keyring(store, MASTER)

    assert await keyring.seal(ADA, LETTER) != await keyring.seal(ADA, LETTER)


async def test_what_is_sealed_for_one_place_does_not_open_in_another(store: Store) -> None:
    keyring = Keyring(store, MASTER)
    sealed = await keyring.seal(ADA, b"Ada", place="name 1")

    with pytest.raises(SealBroken):
        await keyring.unseal(sealed, place="name 2")


async def test_what_was_altered_does_not_open(store: Store) -> None:
    keyring = Keyring(store, MASTER)
    sealed = await keyring.seal(ADA, b"Ada")
    await keyring.seal(MAX, b"Max")

    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for altered in (sealed[:-1], flipped, sealed.replace(b"a" * 32, b"b" * 32), b"", b"\1"):
        with pytest.raises((SealBroken, KeyMissing)):
            await keyring.unseal(altered)


async def test_many_who_ask_for_a_persons_first_key_at_once_get_the_same(store: Store) -> None:
    keyrings = [Keyring(store, MASTER) for _ in range(8)]
    sealed = await asyncio.gather(*(keyring.seal(ADA, b"Ada") for keyring in keyrings))

    assert [await Keyring(store, MASTER).unseal(each) for each in sealed] == [b"Ada"] * 8
    assert list(await store.names()) == [ADA]


async def test_processes_that_make_one_key_at_the_same_moment_make_one_key(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys, pathlib\n"
        "from adapters.keys.folder import FolderStore\n"
        "from adapters.keys.keyring import Keyring\n"
        "from adapters.keys.master import LocalMasterKey\n"
        "async def main():\n"
        "    keyring = Keyring(FolderStore(pathlib.Path(sys.argv[1])), LocalMasterKey(bytes.fromhex(sys.argv[2])))\n"
        "    sys.stdin.readline()\n"
        "    print((await keyring.seal(sys.argv[3], b'Ada')).hex())\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path), MASTER_KEY.hex(), ADA]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    sealed = [bytes.fromhex(process.communicate(timeout=30)[0]) for process in processes]

    keyring = Keyring(FolderStore(tmp_path), MASTER)
    assert [await keyring.unseal(each) for each in sealed] == [b"Ada"] * 4


async def test_a_destroyed_key_reads_nothing_and_is_never_replaced(store: Store) -> None:
    keyring = Keyring(store, MASTER)
    sealed = await keyring.seal(ADA, b"Ada")
    at = await keyring.destroy(ADA)

    for ring in (keyring, Keyring(store, MASTER)):
        with pytest.raises(Erased):
            await ring.unseal(sealed)
        with pytest.raises(Erased):
            await ring.seal(ADA, b"Ada again")
        with pytest.raises(Erased):
            await ring.entitle("C-2026-0007", ADA)
    assert await keyring.destroy(ADA) == at
    record = await store.read(ADA)
    assert record is not None
    assert (record.wrapped, record.destroyed) == (None, at)


async def test_another_process_reads_with_a_destroyed_key_for_a_short_while_only(store: Store) -> None:
    slow, quick = Keyring(store, MASTER, life=60.0), Keyring(store, MASTER, life=0.0)
    sealed = await slow.seal(ADA, b"Ada")
    assert await quick.unseal(sealed) == b"Ada"
    await Keyring(store, MASTER).destroy(ADA)

    assert await slow.unseal(sealed) == b"Ada"
    with pytest.raises(Erased):
        await quick.unseal(sealed)
    slow.forget()
    with pytest.raises(Erased):
        await slow.unseal(sealed)


async def test_a_key_goes_by_the_references_of_its_persons_cases(store: Store) -> None:
    keyring = Keyring(store, MASTER)
    await keyring.begin()
    before = await keyring.seal("C-2026-0007", b"there is no such case")
    for _ in range(2):
        await keyring.entitle("C-2026-0007", ADA)
    after = await keyring.seal("C-2026-0007", b"Ada")

    assert (await keyring.key("C-2026-0007")).name == ADA
    with pytest.raises(ValueError, match="the reference of another person"):
        await keyring.entitle("C-2026-0007", MAX)
    await keyring.destroy("C-2026-0007")
    assert await keyring.unseal(before) == b"there is no such case"
    for name in (ADA, "C-2026-0007"):
        with pytest.raises(Erased):
            await keyring.key(name, make=True)
    with pytest.raises(Erased):
        await keyring.unseal(after)


async def test_the_master_key_is_changed_without_touching_what_was_sealed(store: Store) -> None:
    old = Keyring(store, MASTER)
    await old.begin()
    sealed = await old.seal(ADA, b"Ada")
    await old.entitle("C-2026-0007", ADA)
    await old.seal(MAX, b"Max")
    await old.destroy(MAX)

    both = Keyring(store, OTHER_MASTER, previous=MASTER)
    assert await both.unseal(sealed) == b"Ada"
    assert (await both.rewrap(), await both.rewrap()) == (2, 0)

    new = Keyring(store, OTHER_MASTER)
    await new.check()
    assert await new.unseal(sealed) == b"Ada"
    assert await new.seal("C-2026-0007", b"more")
    with pytest.raises(WrongMasterKey):
        await Keyring(store, MASTER).check()
    with pytest.raises(Erased):
        await new.key(MAX)


async def test_rewrapping_by_a_master_key_that_does_not_fit_changes_nothing(store: Store) -> None:
    await Keyring(store, MASTER).begin()
    before = await store.read(REGISTER_KEY)

    with pytest.raises(WrongMasterKey):
        await Keyring(store, OTHER_MASTER).rewrap()

    assert await store.read(REGISTER_KEY) == before


async def test_an_empty_store_is_taken_for_the_wrong_one_unless_a_register_begins(store: Store) -> None:
    keyring = Keyring(store, MASTER)
    with pytest.raises(NoKeys):
        await keyring.check()

    await keyring.begin()
    await keyring.check()
    await keyring.begin()

    with pytest.raises(WrongMasterKey):
        await Keyring(store, OTHER_MASTER).begin()


@pytest.mark.parametrize("name", ["../outside", "", "register\n", f"{ADA}/1"])
async def test_a_name_that_came_from_outside_and_is_none_leads_to_no_key(store: Store, name: str) -> None:
    with pytest.raises(KeyMissing):
        await Keyring(store, MASTER).key(name, make=True)
    assert list(await store.names()) == []


async def test_a_folder_of_keys_is_for_its_owner_alone_and_keeps_nothing_of_a_destroyed_one(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    keyring = Keyring(FolderStore(folder), MASTER)
    await keyring.seal(ADA, b"Ada")
    (file,) = folder.glob("*.key")
    record = await FolderStore(folder).read(ADA)
    assert record is not None
    assert record.wrapped is not None
    # Another name for the same place on the disk shows what became of its bytes.
    same = tmp_path / "same"
    same.hardlink_to(file)
    await keyring.destroy(ADA)

    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)
    assert same.read_bytes() == bytes(same.stat().st_size)
    assert record.wrapped.encode() not in file.read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [file.name, "lock"]


async def test_a_spoilt_or_unreachable_store_is_unavailable_and_never_an_empty_one(tmp_path: Path) -> None:
    keyring = Keyring(FolderStore(tmp_path), MASTER)
    await keyring.begin()
    (tmp_path / "register.key").write_text("{}spoilt")
    with pytest.raises(KeysUnavailable, match="is spoilt"):
        await Keyring(FolderStore(tmp_path), MASTER).begin()

    (tmp_path / "file").touch()
    with pytest.raises(KeysUnavailable):
        await Keyring(FolderStore(tmp_path / "file" / "keys"), MASTER).begin()

    nowhere = DatabaseStore(f"postgresql+asyncpg://desk:secret@/keys?host={tmp_path}&port=5432")
    with pytest.raises(KeysUnavailable):
        await Keyring(nowhere, MASTER).begin()
    await nowhere.aclose()


async def test_a_wrapped_key_does_not_open_under_another_persons_name(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    await Keyring(store, MASTER).seal(ADA, b"Ada")
    ada = await store.read(ADA)
    assert ada is not None
    await store.create(MAX, ada)

    with pytest.raises(SealBroken):
        await Keyring(store, MASTER).key(MAX)
