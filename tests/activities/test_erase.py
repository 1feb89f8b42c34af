"""Erasing: what is open is closed, the key destroyed, every store read in vain, and only then a certificate given."""

import secrets
from typing import TypeVar

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.erase import Erasing
from adapters.keys.keyring import Keyring
from adapters.seal import Ed25519Sealer
from domain.authority import REGISTER
from domain.envelope import Envelope
from domain.erasure import CHECK_ACT, ERASE_ACT, REQUEST_ACT, Certificate, ErasureOrder, ErasureRequest
from domain.errors import Erased
from domain.model import Model
from domain.retention import RetentionRule
from tests.builders import a_person, a_retention, an_envelope
from tests.fakes import MemoryErasures, MemoryEstate, MemoryLedger
from tests.keys import MASTER, FixedStore
from tests.officers import a_pair

C = TypeVar("C", bound=Model)

REFERENCE = "C-2026-0001"
SEALER = Ed25519Sealer(bytes(32))


def a_keyring() -> Keyring:
    """Keys that nobody holds in memory for long."""
    return Keyring(FixedStore(), MASTER, life=0.0)


async def an_erasing(**person: object) -> Erasing:
    keyring = a_keyring()
    erasures = MemoryErasures(a_person(**person), keyring, cells=[await keyring.seal(a_person().key, b"Ada")])
    return Erasing(
        ledger=MemoryLedger(),
        erasures=erasures,
        estate=MemoryEstate(),
        keys=keyring,
        sealer=SEALER,
        retention=a_retention(),
    )


def signed(act: str, case: str, content: C, *, number: int = 7) -> Envelope[C]:
    envelope = an_envelope(act, case, content, signer=f"O-{number}", nonce=secrets.token_hex(16))
    return a_pair(number).sign(envelope)


def a_request() -> Envelope[ErasureRequest]:
    return signed(REQUEST_ACT, REFERENCE, ErasureRequest(reason="File DP-12"))


def an_order(number: int = 8) -> Envelope[ErasureOrder]:
    return signed(ERASE_ACT, REFERENCE, ErasureOrder(requested_by="O-7"), number=number)


async def erased(erasing: Erasing) -> Certificate:
    environment = ActivityEnvironment()
    await environment.run(erasing.request_erasure, a_request())
    return await environment.run(erasing.erase, an_order())


async def test_a_request_alone_erases_nothing() -> None:
    erasing = await an_erasing()
    for _ in range(2):
        asked = await ActivityEnvironment().run(erasing.request_erasure, a_request())
        assert (asked.requested_by, asked.confirmed_by, asked.certificate) == ("O-7", None, None)

    assert (await erasing.erasures.read_all(a_person())).readable == 1
    assert isinstance(erasing.estate, MemoryEstate)
    assert erasing.estate.open


async def test_an_erasure_closes_destroys_reads_in_vain_and_certifies() -> None:
    erasing = await an_erasing(on_list="L-2026-1")
    certificate = await erased(erasing)

    assert isinstance(erasing.estate, MemoryEstate)
    assert (erasing.estate.open, erasing.estate.vacated) == (False, [f"list/L-2026-1 {REFERENCE}"])
    assert [(each.kept, each.unreadable, each.readable, each.in_clear) for each in certificate.readings] == [
        ("register", 1, 0, 0),
        ("temporal", 5, 0, 0),
    ]
    assert (certificate.requested_by, certificate.confirmed_by) == ("O-7", "O-8")
    assert (certificate.cases, certificate.steps, certificate.letters, certificate.sent) == (1, 3, 2, 1)
    assert SEALER.certified(certificate)
    with pytest.raises(Erased):
        await erasing.keys.seal(a_person().key, b"more")


async def test_an_erasure_that_is_confirmed_again_gives_the_same_certificate() -> None:
    erasing = await an_erasing()
    assert await erased(erasing) == await ActivityEnvironment().run(erasing.erase, an_order())


async def test_one_officer_alone_cannot_erase() -> None:
    erasing = await an_erasing()
    await ActivityEnvironment().run(erasing.request_erasure, a_request())
    with pytest.raises(ApplicationError) as refused:
        await ActivityEnvironment().run(erasing.erase, an_order(7))
    assert (refused.value.type, refused.value.non_retryable) == ("SamePerson", True)
    assert (await erasing.erasures.read_all(a_person())).readable == 1


async def test_no_certificate_is_given_while_anything_can_be_read() -> None:
    erasing = await an_erasing()
    assert isinstance(erasing.estate, MemoryEstate)
    erasing.estate.in_clear = 1
    with pytest.raises(ApplicationError, match=r"^StillReadable: data of C-2026-0001 can be read still$") as tried:
        await erased(erasing)
    assert not tried.value.non_retryable

    erasing.estate.in_clear = 0
    assert (await ActivityEnvironment().run(erasing.erase, an_order())).clean


async def test_a_certificate_is_checked_by_its_signature_the_register_and_every_store() -> None:
    erasing = await an_erasing()
    certificate = await erased(erasing)

    async def check(given: Certificate) -> tuple[bool, bool, bool]:
        found = await ActivityEnvironment().run(erasing.check_certificate, signed(CHECK_ACT, REGISTER, given))
        return found.genuine, found.on_file, found.holds

    assert await check(certificate) == (True, True, True)
    assert await check(certificate.model_copy(update={"steps": 4})) == (False, False, False)
    again = SEALER.certify(certificate.model_copy(update={"steps": 4}))
    assert await check(again) == (True, False, False)
    forged = Ed25519Sealer(bytes([1] * 32)).certify(certificate)
    assert await check(forged) == (False, False, False)
    assert isinstance(erasing.estate, MemoryEstate)
    erasing.estate.in_clear = 1
    assert await check(certificate) == (True, True, False)


async def test_nobody_is_erased_who_is_not_there() -> None:
    erasing = await an_erasing()
    stranger = signed(REQUEST_ACT, "C-2026-0002", ErasureRequest(reason="File DP-12"))
    with pytest.raises(ApplicationError) as missing:
        await ActivityEnvironment().run(erasing.request_erasure, stranger)
    assert missing.value.type == "NoSuchCase"


async def test_a_rule_erases_once_without_officers_and_its_certificate_names_it() -> None:
    erasing = await an_erasing()
    assert isinstance(erasing.erasures, MemoryErasures)
    assert await ActivityEnvironment().run(erasing.expire, REFERENCE) is None
    assert (await erasing.erasures.read_all(a_person())).readable == 1

    erasing.erasures.due = RetentionRule(setting="DESK_RETAIN_LAPSED", value="1 year")
    certificate = await ActivityEnvironment().run(erasing.expire, REFERENCE)
    assert certificate is not None
    assert (certificate.rule, certificate.requested_by, certificate.confirmed_by) == (erasing.erasures.due, None, None)
    assert certificate.clean
    assert SEALER.certified(certificate)
    assert await ActivityEnvironment().run(erasing.expire, REFERENCE) == certificate
    for again in (erasing.request_erasure, a_request()), (erasing.erase, an_order()):
        with pytest.raises(ApplicationError) as refused:
            await ActivityEnvironment().run(*again)
        assert refused.value.type == "Erased"


async def test_an_erasure_by_a_rule_that_was_broken_off_is_taken_up_again_even_after_the_case_was_held_back() -> None:
    erasing = await an_erasing()
    assert isinstance(erasing.erasures, MemoryErasures)
    assert isinstance(erasing.estate, MemoryEstate)
    await ActivityEnvironment().run(erasing.request_erasure, a_request())
    erasing.erasures.due = RetentionRule(setting="DESK_RETAIN_LAPSED", value="1 year")
    erasing.estate.in_clear = 1
    with pytest.raises(ApplicationError, match="StillReadable"):
        await ActivityEnvironment().run(erasing.expire, REFERENCE)

    erasing.erasures.due, erasing.estate.in_clear = None, 0
    certificate = await ActivityEnvironment().run(erasing.expire, REFERENCE)
    assert certificate is not None
    # That somebody had asked before, and nobody confirmed, is not what it rests on.
    assert (certificate.rule is None, certificate.requested_by) == (False, None)
