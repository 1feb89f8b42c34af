"""Screen people by the lists of a ``yente`` server, or of the OpenSanctions API, which is one.

``POST /match/{dataset}`` takes a person in the terms of FollowTheMoney and answers with entries that the server's own
matcher has scored. Each list is asked by itself, since whose list it is decides what a hit means; one that cannot be
asked is silent, and is never taken for one without hits.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
from pydantic import BaseModel, Field, ValidationError

from adapters.screening.several import together
from adapters.screening.shown import shown
from domain.model import Model
from domain.screening import MAX_HITS, Hit, Listed, Match, Silence, Subject, Watchlist, hit_on
from domain.watchlists import Screened

_log: Final = logging.getLogger(__name__)

THRESHOLD: Final = 0.7
ALGORITHM: Final = "logic-v2"
"""As for the lists that are kept here."""
ATTEMPTS: Final = 3
FIRST_PAUSE: Final = 0.5
"""Seconds before the second attempt; each further pause is twice as long."""
LONGEST_PAUSE: Final = 20.0
"""Seconds; a server that wants a longer one is asked again by the case, later."""
WHOLE: Final = 90.0
"""Seconds for all lists together: less than the activity has that asks."""
MAX_ANSWER: Final = 16 * 2**20
"""Bytes of one answer."""
UNNUMBERED: Final = 0
"""The version of the server's lists, whose versions have no numbers."""
_WORTH_ANOTHER: Final = frozenset({408, 429, 500, 502, 503, 504})


class Remote(Model):
    """A list of the server's: its dataset there, and what it is to the desk."""

    dataset: str = Field(pattern=r"^[a-z0-9_]+$")
    watchlist: Watchlist


class _Result(BaseModel):
    id: str = Field(min_length=1, max_length=255)
    caption: str
    schema_: str = Field(alias="schema")
    properties: dict[str, list[Any]]
    score: float
    features: dict[str, float] = {}


class _Matches(BaseModel):
    results: list[_Result]


class _Answer(BaseModel):
    responses: dict[str, _Matches]


class _NotAsked(Exception):
    """A list could not be asked; the message is the cause, in a word for programs."""


class _Later(_NotAsked):
    def __init__(self, cause: str, pause: float | None = None) -> None:
        super().__init__(cause)
        self.pause = pause


class YenteScreener:
    """Asks the server about each of its lists.

    Args:
        url: Where the server is.
        lists: Its lists that are asked.
        key: The API key, where it wants one.
        timeout: Seconds for one answer.
        per_minute: Requests that are sent in a minute at most.
    """

    def __init__(
        self, url: str, lists: Sequence[Remote], *, key: str | None, timeout: float, per_minute: float
    ) -> None:
        self._url = url.rstrip("/")
        self._lists = tuple(lists)
        self._headers = {"Authorization": f"ApiKey {key}"} if key is not None else {}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._interval = 60.0 / per_minute
        self._next = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def screen(self, subject: Subject) -> Screened:
        """What the server's lists say of somebody; a list that could not be asked is silent."""
        ends = asyncio.get_running_loop().time() + WHOLE
        answers = [await self._answer(remote, subject, ends) for remote in self._lists]
        return together(answers)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _answer(self, remote: Remote, subject: Subject, ends: float) -> Screened:
        name = remote.watchlist.name
        try:
            async with asyncio.timeout_at(ends):
                results = await self._patiently(remote.dataset, subject)
        except TimeoutError:
            return _silent(name, "timeout")
        except _NotAsked as silent:
            return _silent(name, str(silent))
        hits = tuple(_hit(remote.watchlist, result) for result in results if result.score >= THRESHOLD)
        return Screened(asked={name: UNNUMBERED}, hits=hits)

    async def _patiently(self, dataset: str, subject: Subject) -> list[_Result]:
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            await self._turn()
            try:
                return await self._ask(dataset, subject)
            except _Later as later:
                wanted = later.pause if later.pause is not None else pause
                if attempt == ATTEMPTS or wanted > LONGEST_PAUSE:
                    raise
                await asyncio.sleep(wanted)
                pause *= 2
        raise AssertionError("the last attempt answers or raises")

    async def _turn(self) -> None:
        """Wait until another request may be sent."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + self._interval
        await asyncio.sleep(at - now)

    async def _ask(self, dataset: str, subject: Subject) -> list[_Result]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, headers=self._headers)
        asked = {"queries": {"person": {"schema": "Person", "properties": _properties(subject)}}}
        how = {"algorithm": ALGORITHM, "threshold": str(THRESHOLD), "limit": str(MAX_HITS)}
        try:
            # Whoever is sent elsewhere would take a name and a key there.
            async with self._session.post(
                f"{self._url}/match/{dataset}", json=asked, params=how, allow_redirects=False
            ) as response:
                if response.status in _WORTH_ANOTHER:
                    raise _Later(f"status {response.status}", _pause(response.headers.get("Retry-After")))
                if response.status != 200:
                    raise _NotAsked(f"status {response.status}")
                return _results(await _read(response))
        except TimeoutError:
            raise _Later("timeout") from None
        except aiohttp.ClientError:
            # What it says may quote what was asked.
            raise _Later("no connection") from None


def _silent(name: str, cause: str) -> Screened:
    _log.warning("list %s could not be asked: %s", name, cause)
    return Screened(silent=(Silence(what=name, cause=cause),))


def _properties(subject: Subject) -> dict[str, list[str]]:
    known = {
        "name": [*subject.names],
        "birthDate": [subject.birth_date] if subject.birth_date else [],
        "nationality": [*subject.nationalities],
        "gender": [subject.gender] if subject.gender else [],
    }
    return {name: values for name, values in known.items() if values}


def _pause(after: str | None) -> float | None:
    """Seconds that a ``Retry-After`` asks for: RFC 9110, section 10.2.3, in seconds or as a date."""
    if after is None:
        return None
    if after.strip().isdigit():
        return float(after)
    try:
        return max(0.0, (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    read = bytearray()
    async for chunk in response.content.iter_chunked(2**16):
        read += chunk
        if len(read) > MAX_ANSWER:
            raise _NotAsked("answer too long")
    return bytes(read)


def _results(answer: bytes) -> list[_Result]:
    try:
        return _Answer.model_validate(json.loads(answer)).responses["person"].results
    except (ValidationError, ValueError, KeyError, RecursionError):
        raise _NotAsked("answer not understood") from None


def _hit(watchlist: Watchlist, result: _Result) -> Hit:
    # Entries may hold others in full; what the server says of these is no part of this one.
    known = {
        name: tuple(value for value in values if isinstance(value, str)) for name, values in result.properties.items()
    }
    listed = Listed.model_construct(id=result.id, schema_=result.schema_, properties=known)
    counted = sorted(((name, said) for name, said in result.features.items() if said), key=lambda each: -abs(each[1]))
    match = Match(
        entry=result.id,
        digest=listed.digest,
        caption=result.caption,
        score=round(min(result.score, 1.0), 3),
        why=(*(f"{name.replace('_', ' ')} {said:+.2f}" for name, said in counted), "compared by the server"),
        says=shown(listed),
    )
    return hit_on(watchlist, UNNUMBERED, match)
