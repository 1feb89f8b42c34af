"""Erase a person's data, by two officers or by a rule: close, destroy the key, and read every store in vain."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.authority import command, guarded
from activities.ports import Erasures, Estate, Keys, Ledger, Sealer
from activities.post import beating
from domain.authority import REGISTER, presented
from domain.candidacy import vacancy_decision
from domain.envelope import Envelope
from domain.erasure import (
    CHECK_ACT,
    ERASE_ACT,
    REQUEST_ACT,
    Certificate,
    CertificateCheck,
    Erasure,
    ErasureOrder,
    ErasureRequest,
    Person,
    Reading,
    check_order,
    check_request,
)
from domain.ids import NO_SUCH_CASE, list_workflow_id
from domain.lists import Vacancy
from domain.retention import Retention


@dataclass(frozen=True)
class Erasing:
    """The right to be forgotten."""

    ledger: Ledger
    erasures: Erasures
    estate: Estate
    keys: Keys
    sealer: Sealer
    retention: Retention

    @activity.defn
    async def request_erasure(self, envelope: Envelope[ErasureRequest]) -> Erasure:
        """Write down that an erasure is asked for; said again by the same officer, it changes nothing.

        Raises:
            ApplicationError: There is no such candidacy, or a rule forbids it.
        """
        person = await self._person(envelope.case)
        standing = await self.erasures.erasure(person.key)
        shown = presented(envelope, f"candidacy.{REQUEST_ACT}", person.candidacy)
        async with guarded(self.ledger, power=shown.power, place=person.candidacy, signed=shown.signed):
            await self.ledger.recognise(command(shown), about=REQUEST_ACT)
            check_request(standing, envelope.signer)
            if standing is None:
                await self.ledger.authorise(command(shown))
        if standing is None:
            await self.erasures.request_erasure(person, envelope, activity.info().scheduled_time)
        return await self._standing(person)

    @activity.defn
    async def erase(self, envelope: Envelope[ErasureOrder]) -> Certificate:
        """Erase, once; an attempt that was broken off is taken up where it stood.

        Raises:
            ApplicationError: There is no such candidacy, or a rule forbids it.
        """
        async with beating():
            person = await self._person(envelope.case)
            standing = await self.erasures.erasure(person.key)
            shown = presented(envelope, f"candidacy.{ERASE_ACT}", person.candidacy)
            async with guarded(self.ledger, power=shown.power, place=person.candidacy, signed=shown.signed):
                await self.ledger.recognise(command(shown), about=ERASE_ACT)
                erasure = check_order(standing, envelope.content, envelope.signer)
                if erasure.confirmed_at is None:
                    await self.ledger.authorise(command(shown))
            if erasure.certificate is not None:
                return erasure.certificate
            # Whoever has the person's key in a running case would go on to write with it: what is open is closed first.
            await self._close(person)
            await self.erasures.erase(person, envelope, datetime.now(UTC))
            if person.on_list is not None:
                # Or the list would one day have word for a case that can no longer be written to.
                decision = vacancy_decision(person.candidacy, person.returned)
                vacancy = Vacancy(decision=decision, candidacy=person.candidacy)
                await self.estate.vacate(list_workflow_id(person.on_list), vacancy)
            return await self._destroy(person)

    @activity.defn
    async def expire(self, candidacy: str) -> Certificate | None:
        """Erase what the rule for the case's ending no longer keeps, once; None where it is to be kept after all.

        An attempt that was broken off is taken up where it stood.

        Raises:
            ApplicationError: There is no such candidacy.
        """
        async with beating():
            person = await self._person(candidacy)
            standing = await self.erasures.erasure(person.key)
            if standing is not None and standing.certificate is not None:
                return standing.certificate
            if not await self.erasures.expire(person, self.retention, activity.info().scheduled_time):
                return None
            # Nothing can be written to its cases from here on; what may be open still are deliveries of letters.
            await self._close(person)
            return await self._destroy(person)

    @activity.defn
    async def check_certificate(self, envelope: Envelope[Certificate]) -> CertificateCheck:
        """Whether a certificate is genuine, and true today.

        Raises:
            ApplicationError: The refusal.
        """
        certificate = envelope.content
        shown = presented(envelope, f"ledger.{CHECK_ACT}", REGISTER)
        async with guarded(self.ledger, power=shown.power, place=REGISTER, signed=shown.signed):
            await self.ledger.recognise(command(shown), about=CHECK_ACT)
        genuine = self.sealer.certified(certificate)
        standing = await self.erasures.erasure(certificate.key)
        on_file = standing is not None and standing.certificate == certificate
        if not (genuine and on_file):
            return CertificateCheck(genuine=genuine, on_file=on_file)
        async with beating():
            readings = await self._read_all(await self._person(certificate.candidacy))
        return CertificateCheck(genuine=genuine, on_file=on_file, readings=readings)

    async def _close(self, person: Person) -> None:
        await self.estate.close(person, f"{person.candidacy}: erasure")

    async def _destroy(self, person: Person) -> Certificate:
        destroyed = await self.keys.destroy(person.key)
        await self.keys.forgotten()
        readings = await self._read_all(person)
        if not all(reading.clean for reading in readings):
            # Tried again, and seen by whoever waits for the certificate: it is never given for what is not so.
            raise ApplicationError(f"data of {person.candidacy} can be read still", type="StillReadable")
        erasure = await self._standing(person)
        steps, letters, sent = await self.erasures.skeleton(person)
        officers = ("requested_by", "requested_at", "confirmed_by")
        # A request that nobody had confirmed when the rule took effect is no ground of what was done.
        grounds = {name: getattr(erasure, name) for name in (("rule",) if erasure.rule else officers)}
        certificate = self.sealer.certify(
            Certificate.model_validate(
                grounds
                | {
                    "candidacy": person.candidacy,
                    "key": person.key,
                    "confirmed_at": erasure.confirmed_at,
                    "destroyed_at": destroyed,
                    "verified_at": datetime.now(UTC),
                    "readings": readings,
                    "cases": len(person.cases),
                    "steps": steps,
                    "letters": letters,
                    "sent": sent,
                }
            )
        )
        await self.erasures.certify(certificate)
        activity.logger.info("erased", extra={"case": person.candidacy})
        return certificate

    async def _read_all(self, person: Person) -> tuple[Reading, ...]:
        stores: tuple[Awaitable[Reading], ...] = (self.erasures.read_all(person), self.estate.read_all(person))
        return tuple([await store for store in stores])

    async def _person(self, candidacy: str) -> Person:
        try:
            return await self.erasures.person(candidacy)
        except LookupError as missing:
            raise ApplicationError(str(missing), type=NO_SUCH_CASE, non_retryable=True) from None

    async def _standing(self, person: Person) -> Erasure:
        standing = await self.erasures.erasure(person.key)
        if standing is None:
            raise ApplicationError(f"the erasure of {person.candidacy} is not on file", type="StillReadable")
        return standing
