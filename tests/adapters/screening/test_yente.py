"""A server of lists: what it is asked, what its answers become, and that one who cannot answer is silent."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from adapters.screening import yente
from adapters.screening.several import Several
from adapters.screening.yente import Remote, YenteScreener
from config.settings import Settings, WrongSetting
from domain.checks import Obstacle, VettingFile, obstacles
from domain.screening import ListKind, Screening, Subject, Trust, Watchlist
from domain.watchlists import Screened
from worker import compose

SUBJECT = Subject(names=("Primer Testov", "Пример Тестов"), birth_date="1980-05", nationalities=("ru",))
Answer = Callable[[], Awaitable[web.StreamResponse]]


def remote(dataset: str = "example_list", trust: Trust = Trust.ALLIED) -> Remote:
    name = f"yente-{dataset.replace('_', '-')}"
    watchlist = Watchlist(name=name, publisher=dataset, trust=trust, kind=ListKind.SANCTIONS)
    return Remote(dataset=dataset, watchlist=watchlist)


def entity(key: str, score: float, **more: Any) -> dict[str, Any]:
    """An entry as the server scores it."""
    return {
        "id": key,
        "caption": "Primer TESTOV",
        "schema": "Person",
        "properties": {"name": ["Primer TESTOV"], "birthDate": ["1980-05-17"], "sanctions": [{"id": "s-1"}]},
        "datasets": ["example_list"],
        "referents": [],
        "target": True,
        "score": score,
        "match": score >= 0.7,
        "features": {"name_match": score, "dob_day_disjoint": 0.0},
    } | more


def matches(*results: dict[str, Any]) -> Answer:
    async def answer() -> web.StreamResponse:
        person = {"status": 200, "results": list(results), "total": {"value": len(results)}, "query": {}}
        return web.json_response({"responses": {"person": person}, "matcher": {}, "limit": 50})

    return answer


def refuses(status: int, **headers: str) -> Answer:
    async def answer() -> web.StreamResponse:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response({"detail": "Primer Testov"}, status=status, headers=said)

    return answer


def says(body: bytes) -> Answer:
    async def answer() -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    return answer


@dataclass
class Server:
    """A server on loopback that speaks the documented API."""

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], str | None, Any]] = field(default_factory=list)

    def answers_with(self, *answers: Answer, dataset: str = "example_list") -> None:
        """Give these answers in turn, the last for ever."""
        self.answers[dataset] = list(answers)

    async def match(self, request: web.Request) -> web.StreamResponse:
        dataset = request.match_info["dataset"]
        self.asked.append((dataset, dict(request.query), request.headers.get("Authorization"), await request.json()))
        waiting = self.answers[dataset]
        return await (waiting.pop(0) if len(waiting) > 1 else waiting[0])()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Listens on a port of its own."""
    served = Server()
    application = web.Application()
    application.router.add_post("/match/{dataset}", served.match)
    async with TestServer(application) as listening:
        served.url = str(listening.make_url("/"))
        yield served


@pytest.fixture
async def screener(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., YenteScreener]]:
    """Makes screeners that lose no time between two attempts."""
    monkeypatch.setattr(yente, "FIRST_PAUSE", 0.01)
    made: list[YenteScreener] = []

    def make(*remotes: Remote, per_minute: float = 6000, timeout: float = 5.0, key: str | None = None) -> YenteScreener:
        made.append(YenteScreener(server.url, remotes or (remote(),), key=key, timeout=timeout, per_minute=per_minute))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


Make = Callable[..., YenteScreener]


async def test_person_is_asked_for_and_entries_above_the_threshold_are_hits(server: Server, screener: Make) -> None:
    server.answers_with(matches(entity("Q1", 0.97), entity("Q2", 0.41)))
    screened = await screener(key="secret").screen(SUBJECT)

    ((dataset, how, key, body),) = server.asked
    assert (dataset, key) == ("example_list", "ApiKey secret")
    assert how == {"algorithm": "logic-v2", "threshold": "0.7", "limit": "50"}
    assert body["queries"]["person"] == {
        "schema": "Person",
        "properties": {
            "name": ["Primer Testov", "Пример Тестов"], "birthDate": ["1980-05"], "nationality": ["ru"],
        },
    }  # fmt: skip
    (hit,) = screened.hits
    assert (hit.entry, hit.score, hit.watchlist.trust, hit.version) == ("Q1", 0.97, Trust.ALLIED, 0)
    assert hit.why == ("name match +0.97", "compared by the server")
    assert hit.says == {"name": ("Primer TESTOV",), "birthDate": ("1980-05-17",)}
    assert screened.asked == {"yente-example-list": 0}
    assert screened.silent == ()


async def test_hit_is_the_same_while_its_entry_says_the_same(server: Server, screener: Make) -> None:
    other = {"name": ["Primer TESTOV"], "birthDate": ["1981"]}
    server.answers_with(
        matches(entity("Q1", 0.97)), matches(entity("Q1", 0.95)), matches(entity("Q1", 0.97, properties=other))
    )
    asking = screener()
    first, again, changed = [(await asking.screen(SUBJECT)).hits[0] for _ in range(3)]

    assert (first.id, first.digest) == (again.id, again.digest)
    assert changed.id == first.id
    assert changed.digest != first.digest


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (refuses(401), "status 401"),
        (refuses(404), "status 404"),
        (refuses(302, Location="http://127.0.0.1:9/"), "status 302"),
        (refuses(500), "status 500"),
        (refuses(429, Retry_After="86400"), "status 429"),
        (refuses(503, Retry_After=format_datetime(datetime.now(UTC) + timedelta(days=1))), "status 503"),
        (says(b"<html>"), "answer not understood"),
        (says(b'{"responses": {}}'), "answer not understood"),
        (says(b'{"responses": {"person": {"results": [{"id": "Q1"}]}}}'), "answer not understood"),
    ],
)
async def test_list_that_cannot_be_asked_is_silent_and_the_others_are_asked(
    server: Server, screener: Make, answer: Answer, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers_with(answer)
    server.answers_with(matches(entity("Q1", 0.9)), dataset="other")
    with caplog.at_level(logging.DEBUG):
        screened = await screener(remote(), remote("other")).screen(SUBJECT)

    assert [(silence.what, silence.cause) for silence in screened.silent] == [("yente-example-list", cause)]
    assert screened.asked == {"yente-other": 0}
    assert len(screened.hits) == 1
    file = VettingFile(screening=Screening(at=datetime.now(UTC), **screened.model_dump(exclude={"doubts"})))
    assert Obstacle.LIST_SILENT in obstacles(file)
    assert "Testov" not in caplog.text


async def test_busy_server_is_asked_again_after_the_pause_it_wants(server: Server, screener: Make) -> None:
    server.answers_with(refuses(429, Retry_After="1"), refuses(502), matches(entity("Q1", 0.9)))
    began = time.monotonic()
    screened = await screener().screen(SUBJECT)

    assert time.monotonic() - began >= 1.0
    assert len(server.asked) == 3
    assert (len(screened.hits), screened.silent) == (1, ())


async def test_refusal_is_not_repeated_and_an_outage_only_a_few_times(server: Server, screener: Make) -> None:
    server.answers_with(refuses(400))
    await screener().screen(SUBJECT)
    assert len(server.asked) == 1

    server.answers_with(refuses(500))
    await screener().screen(SUBJECT)
    assert len(server.asked) == 1 + yente.ATTEMPTS


async def test_server_that_hangs_or_is_away_is_silent(server: Server, screener: Make) -> None:
    async def hangs() -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return web.Response()

    server.answers_with(hangs)
    (hung,) = (await screener(timeout=0.05).screen(SUBJECT)).silent
    assert hung.cause == "timeout"

    away = YenteScreener("http://127.0.0.1:9", [remote()], key=None, timeout=1.0, per_minute=6000)
    (silent,) = (await away.screen(SUBJECT)).silent
    await away.aclose()
    assert silent.cause == "no connection"


async def test_answer_without_end_is_cut_off(server: Server, screener: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yente, "MAX_ANSWER", 2**10)
    server.answers_with(says(json.dumps({"responses": {"person": {"results": [" " * 2**12]}}}).encode()))

    (silent,) = (await screener().screen(SUBJECT)).silent
    assert silent.cause == "answer too long"


async def test_requests_keep_to_their_pace(server: Server, screener: Make) -> None:
    server.answers_with(matches())
    asking = screener(per_minute=600)
    began = time.monotonic()
    await asyncio.gather(*(asking.screen(SUBJECT) for _ in range(4)))

    assert time.monotonic() - began >= 0.3


async def test_lists_kept_here_are_asked_besides(server: Server, screener: Make) -> None:
    class Kept:
        async def screen(self, subject: Subject) -> Screened:
            assert subject == SUBJECT
            return Screened(asked={"kept": 3})

    server.answers_with(matches(entity("Q1", 0.9)))
    screened = await Several([Kept(), screener()]).screen(SUBJECT)

    assert screened.asked == {"kept": 3, "yente-example-list": 0}
    assert len(screened.hits) == 1


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"yente_url": "https://yente.example.org"}, "both are set"),
        ({"yente_lists": "a_list:allied:pep"}, "both are set"),
        ({"yente_url": "http://yente.example.org", "yente_lists": "a_list:allied:pep"}, "https"),
        ({"yente_url": "https://yente.example.org", "yente_lists": "a_list"}, "pattern"),
    ],
)
def test_setting_that_would_ask_nobody_or_in_clear_is_wrong(given: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Settings(**given)  # type: ignore[arg-type]


async def test_each_dataset_that_is_set_is_asked_with_its_own_trust(server: Server) -> None:
    lists = "example_list:allied:sanctions, other:hostile:extremist"
    server.answers_with(matches(entity("Q1", 0.9)))
    server.answers_with(matches(entity("Q2", 0.9)), dataset="other")
    settings = Settings(yente_url=server.url, yente_lists=lists)
    asking = compose.yente(settings, server.url)
    screened = await asking.screen(SUBJECT)
    await asking.aclose()

    assert {(hit.watchlist.name, hit.watchlist.trust) for hit in screened.hits} == {
        ("yente-example-list", Trust.ALLIED), ("yente-other", Trust.HOSTILE),
    }  # fmt: skip
    unknown = Settings(yente_url=server.url, yente_lists="example_list:friendly:sanctions")
    with pytest.raises(WrongSetting, match="DESK_YENTE_LISTS"):
        compose.yente(unknown, server.url)
