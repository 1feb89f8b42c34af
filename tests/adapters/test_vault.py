"""The master key in a key service: wrapped and unwrapped there, and what goes wrong is told apart."""

import asyncio
import base64
import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.keys.folder import FolderStore
from adapters.keys.keyring import Keyring, WrongMasterKey
from adapters.keys.master import ServiceRefused
from adapters.keys.vault import TransitMasterKey
from domain.keys import KeysUnavailable, SealBroken
from tests.keys import MASTER
from tests.vault import TOKEN, Transit, serving

NAME = f"2026/{'a' * 32}"
KEY = bytes(range(32))


@pytest.fixture
def transit() -> Iterator[Transit]:
    with serving() as running:
        yield running


def a_master(transit: Transit, **changes: Any) -> TransitMasterKey:
    fields: dict[str, Any] = {"url": transit.url, "key": "desk", "token": lambda: TOKEN}
    return TransitMasterKey(**(fields | changes))


async def test_a_data_key_is_wrapped_by_the_service_and_never_stored_as_it_is(transit: Transit) -> None:
    master = a_master(transit, namespace="parliament/desk")
    wrapped = await master.wrap(KEY, NAME)

    assert wrapped.startswith("vault:v1:")
    assert base64.b64encode(KEY).decode() not in wrapped
    assert await a_master(transit).unwrap(wrapped, NAME) == KEY
    assert transit.asked[0] == ("POST", "/v1/transit/encrypt/desk", "parliament/desk")


async def test_a_wrapped_key_opens_under_its_own_name_alone(transit: Transit) -> None:
    master = a_master(transit)
    wrapped = await master.wrap(KEY, NAME)
    with pytest.raises(SealBroken):
        await master.unwrap(wrapped, f"2026/{'b' * 32}")
    with pytest.raises(SealBroken):
        await master.unwrap(f"{wrapped[:-8]}AAAAAAA=", NAME)


async def test_what_passes_is_tried_again(transit: Transit) -> None:
    transit.answers = [503, 429]
    assert await a_master(transit).unwrap(await a_master(transit).wrap(KEY, NAME), NAME) == KEY
    assert len(transit.asked) == 4


async def test_a_service_that_is_sealed_or_away_cannot_be_reached(transit: Transit) -> None:
    transit.answers = [503] * 3
    with pytest.raises(KeysUnavailable, match=r"^the key service cannot be reached, or is sealed$") as sealed:
        await a_master(transit).wrap(KEY, NAME)
    nowhere = a_master(transit, url="http://127.0.0.1:9")
    with pytest.raises(KeysUnavailable) as away:
        await nowhere.wrap(KEY, NAME)
    assert not isinstance(sealed.value, ServiceRefused)
    assert not isinstance(away.value, ServiceRefused)


async def test_a_service_that_hangs_is_given_up() -> None:
    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    master = TransitMasterKey(f"http://127.0.0.1:{port}", "desk", lambda: TOKEN, timeout=0.05)
    with pytest.raises(KeysUnavailable, match="cannot be reached"):
        await master.wrap(KEY, NAME)
    server.close()


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"token": lambda: "another"}, ("vault_token", "vault_token_file")),
        ({"mount": "elsewhere"}, ("vault_mount", "vault_key")),
        ({"key": "another"}, ("vault_key",)),
    ],
)
async def test_what_the_service_refuses_leads_to_a_setting(
    transit: Transit, changes: dict[str, Any], settings: tuple[str, ...]
) -> None:
    with pytest.raises(ServiceRefused) as refused:
        await a_master(transit, **changes).wrap(KEY, NAME)
    assert refused.value.settings == settings
    assert len(transit.asked) == 1


async def test_a_token_that_was_renewed_is_used(transit: Transit) -> None:
    tokens = ["expired", TOKEN]
    master = a_master(transit, token=lambda: tokens.pop(0))
    with pytest.raises(ServiceRefused):
        await master.wrap(KEY, NAME)
    assert await master.wrap(KEY, NAME)


async def test_many_at_once_share_connections_and_leave_none_open(transit: Transit) -> None:
    master = a_master(transit)
    wrapped = await asyncio.gather(*(master.wrap(KEY, NAME) for _ in range(20)))
    assert {await master.unwrap(each, NAME) for each in wrapped} == {KEY}
    assert master._session is None


async def test_after_a_rotation_there_every_key_is_wrapped_by_the_newest_version(
    transit: Transit, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path / "keys")
    keyring = Keyring(store, a_master(transit))
    await keyring.begin()
    sealed = await keyring.seal(NAME, b"Ada", place="here")
    assert await Keyring(store, a_master(transit)).rewrap() == 0
    transit.rotate("desk")

    assert await Keyring(store, a_master(transit)).rewrap() == 2
    transit.oldest = 2
    assert await Keyring(store, a_master(transit)).unseal(sealed, place="here") == b"Ada"
    transit.oldest = 3
    with pytest.raises(ServiceRefused) as refused:
        await Keyring(store, a_master(transit)).unseal(sealed, place="here")
    assert refused.value.settings == ("vault_key",)


async def test_keys_come_from_a_master_key_of_ones_own_and_go_back(transit: Transit, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "keys")
    sealed = await Keyring(store, MASTER).seal(NAME, b"Ada", place="here")
    service = a_master(transit)
    with pytest.raises(WrongMasterKey):
        await Keyring(store, service).unseal(sealed, place="here")

    assert await Keyring(store, service, previous=MASTER).rewrap() == 1
    assert await Keyring(store, service).unseal(sealed, place="here") == b"Ada"
    assert await Keyring(store, MASTER, previous=service).rewrap() == 1
    assert await Keyring(store, MASTER).unseal(sealed, place="here") == b"Ada"


def a_certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A certificate of its own for an address, in ``trusted.pem``, and what presents it."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's key service")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False)
        .sign(private, hashes.SHA256())
    )
    (folder / "trusted.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "trusted.pem", folder / "key.pem")
    return context


async def test_the_certificate_of_the_service_is_checked(tmp_path: Path) -> None:
    with serving(a_certificate(tmp_path, "127.0.0.1")) as transit:
        trusting = a_master(transit, cafile=str(tmp_path / "trusted.pem"))
        assert await trusting.unwrap(await trusting.wrap(KEY, NAME), NAME) == KEY
        with pytest.raises(ServiceRefused) as refused:
            await a_master(transit).wrap(KEY, NAME)
    assert refused.value.settings == ("vault_url", "vault_ca_file")
    with serving(a_certificate(tmp_path, "127.0.0.2")) as transit:
        with pytest.raises(ServiceRefused, match="certificate"):
            await a_master(transit, cafile=str(tmp_path / "trusted.pem")).wrap(KEY, NAME)
        assert transit.asked == []
