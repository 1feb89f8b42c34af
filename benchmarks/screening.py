"""What the screening finds, misses and costs: ``python -m benchmarks.screening``.

On the list of the Office of Foreign Assets Control in ``tests/data`` (or where ``--ofac`` says): how many of
its people are found under variants of their names, beside logic-v2 alone; how many hits ordinary people give; what the
index loses against comparing with everybody, and how much faster it is, on that list and on one of 100,000 people of
whom most are made up. Names are asked that have not been asked before. Last, the accuracy on pairs that the field
has labelled, beside logic-v2 alone and an edit distance.
"""

import argparse
import asyncio
import csv
import hashlib
import random
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rigour.text.distance import levenshtein

from adapters.aside import Aside
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.keys.folder import FolderStore
from adapters.keys.keyring import Keyring
from adapters.keys.master import LocalMasterKey
from adapters.screening import matcher
from adapters.screening.local import BEGIN_WITH, LocalScreener, asked_keys, entry_keys
from adapters.screening.spelling import tokens
from adapters.sql import engine as engines
from adapters.sql import migrate
from adapters.sql.watchlists import SqlWatchlists
from adapters.watchlists.people import Tally, clean
from adapters.watchlists.reader import people
from adapters.watchlists.store import HandedIn
from benchmarks.ordinary import ordinary_names
from benchmarks.variants import VARIANTS
from domain.screening import MAX_HITS, Listed, ListFormat, ListKind, Subject, Trust, Watchlist
from domain.watchlists import Import, ListImport

OFAC: Final = Path(__file__).parent.parent / "tests" / "data" / "ofac"
PAIRS: Final = Path(__file__).parent / "pairs" / "cases.csv"
"""From nomenklatura's ``contrib/name_bench``, under the licence beside it."""
SEED: Final = 7
TOGETHER: Final = 2
"""Processes that compare with everybody."""


def say(line: str = "") -> None:
    """Print at once, since some of this takes minutes."""
    print(line, flush=True)


async def quiet(_: int) -> None:
    """Nobody watches."""


def read(folder: Path) -> list[Listed]:
    """The people of the list."""
    with people(folder / "sdn.csv.gz", Tally(), aliases=folder / "alt.csv.gz") as (_, found):
        return list(found)


@dataclass
class Stand:
    """A register with one list in it."""

    lists: SqlWatchlists
    screener: LocalScreener
    everybody: dict[str, matcher.Entry]

    async def screened(self, *names: str) -> set[str]:
        """Whom the list says somebody of these names may be."""
        found = await self.screener.screen(Subject(names=names))
        return {hit.entry for hit in found.hits}

    def plain(self, *names: str) -> set[str]:
        """Whom logic-v2 alone would name."""
        asked = matcher.candidate(Subject(names=names))
        return {key for key, entry in self.everybody.items() if matcher.plain_score(asked, entry) >= matcher.THRESHOLD}

    async def plain_among_found(self, *names: str) -> set[str]:
        """Whom logic-v2 alone would name of the entries that the index finds."""
        asked = matcher.candidate(Subject(names=names))
        _, found = await self.lists.found(asked_keys(asked.subject))
        return {
            row.entry for row in found if matcher.plain_score(asked, self.everybody[row.entry]) >= matcher.THRESHOLD
        }


async def longest_pause(until: asyncio.Event) -> float:
    """How long this interpreter did nothing else at most, in seconds."""
    longest = 0.0
    while not until.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        longest = max(longest, time.perf_counter() - began - 0.005)
    return longest


async def import_published(lists: SqlWatchlists, folder: Path) -> None:
    """Import the files as they are published, and say how long it took."""
    with TemporaryDirectory() as handed_in:
        digests = []
        for name in ("sdn.csv.gz", "alt.csv.gz"):
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            shutil.copy(folder / name, Path(handed_in) / digest)
            digests.append(digest)
        done = asyncio.Event()
        pause = asyncio.create_task(longest_pause(done))
        began = time.perf_counter()
        version = await HandedIn(lists, Path(handed_in)).take(
            Import(
                key="1",
                officer="O-1",
                handed_in=ListImport(
                    watchlist=_watchlist("ofac-sdn"), file=digests[0], aliases=digests[1], source="sdn.csv.gz"
                ),
            ),
            quiet,
        )
        took = time.perf_counter() - began
        done.set()
    say(
        f"import of the whole list: {version.entries} people in {took:.1f} s (at most 60 s); meanwhile nothing else in "
        f"this process waited longer than {await pause:.2f} s"
    )


def _watchlist(name: str) -> Watchlist:
    return Watchlist(name=name, publisher="OFAC", trust=Trust.ALLIED, kind=ListKind.SANCTIONS)


async def recall(stand: Stand, listed: Sequence[Listed], sample: int, own: int) -> None:
    """Print how many are found under each variant, beside logic-v2 alone, and how many of them the index loses."""
    say(f"\n{'variant':20} {'asked':>6} {'found':>7} {'logic-v2':>9} {'lost by the index':>18} {'others per 100':>15}")
    for name, make in VARIANTS.items():
        chance = random.Random(f"{SEED} {name}")
        made = [(person, written) for person in listed if (written := make(person, chance))]
        chance.shuffle(made)
        asked = made[: own or None] if name == "as published" else made[:sample]
        found = others = plain = lost = 0
        for person, written in asked:
            hits = await stand.screened(written)
            found += person.id in hits
            others += len(hits - {person.id})
            subject, entry = matcher.candidate(Subject(names=(written,))), stand.everybody[person.id]
            plain += matcher.plain_score(subject, entry) >= matcher.THRESHOLD
            if person.id not in hits and len(hits) < MAX_HITS:
                lost += matcher.compare(subject, entry) is not None
        number = len(asked)
        say(f"{name:20} {number:6} {found / number:7.3f} {plain / number:9.3f} {lost:18} {others / number * 100:15.1f}")


async def ordinary(stand: Stand, listed: Sequence[Listed], beside: int) -> None:
    """Print how many hits ordinary people give, beside logic-v2 alone."""
    known = {frozenset(tokens(name)) for person in listed for name in person.names}
    names = [name for name in ordinary_names(1000) if frozenset(tokens(name)) not in known]
    hits = [len(await stand.screened(name)) for name in names]
    among = [len(await stand.plain_among_found(name)) for name in names]
    say(
        f"\nhits per 100 ordinary names, over {len(names)}: {sum(hits) / len(hits) * 100:.1f} (at most 5); logic-v2 "
        f"alone, on the entries that the index finds: {sum(among) / len(names) * 100:.1f}"
    )
    plain = sum(len(stand.plain(name)) for name in names[:beside])
    say(f"the first {beside} of them: {sum(hits[:beside])} hits, logic-v2 alone on everybody: {plain}")


async def timed(stand: Stand, asked: Sequence[str], what: str) -> None:
    """Print how long a question takes."""
    quick: list[float] = []
    # The first half warms what a worker keeps; every name is another.
    for name in asked:
        began = time.perf_counter()
        await stand.screened(name)
        quick.append(time.perf_counter() - began)
    later = sorted(quick[len(quick) // 2 :])
    say(
        f"\n{what}, {len(later)} people asked for after {len(quick) - len(later)} others: median "
        f"{later[len(later) // 2] * 1000:.1f} ms, p95 {later[int(len(later) * 0.95)] * 1000:.1f} ms (at most 50 ms)"
    )


_everybody: Final[list[matcher.Entry]] = []


def prepare(listed: Sequence[Listed]) -> None:
    """Make everybody ready in a process that compares with everybody."""
    _everybody.extend(map(matcher.entry, listed))


def brute(name: str) -> tuple[set[str], float]:
    """Whom somebody of this name may be, by comparing with everybody, and the seconds that took."""
    began = time.perf_counter()
    found = matcher.best_matches(matcher.candidate(Subject(names=(name,))), _everybody)
    return {match.entry for match in found}, time.perf_counter() - began


async def against_everybody(stand: Stand, listed: Sequence[Listed], compared: int) -> None:
    """Print what the index loses of the hits of listed people under any variant, and how much faster it is."""
    names = listed_names(listed, compared)
    quick = slow = 0.0
    answers: list[set[str]] = []
    for name in names:
        began = time.perf_counter()
        answers.append(await stand.screened(name))
        quick += time.perf_counter() - began
    with ProcessPoolExecutor(TOGETHER, get_context("spawn"), prepare, (listed,)) as pool:
        loop = asyncio.get_running_loop()
        expected = await asyncio.gather(*(loop.run_in_executor(pool, brute, name) for name in names))
    lost = every = 0
    for answer, (hits, took) in zip(answers, expected, strict=True):
        slow += took
        # A case keeps the best hits only; more were never looked for.
        if len(hits) <= MAX_HITS:
            lost += len(hits - answer)
            every += len(hits)
    say(
        f"  {compared} variants of listed people compared with everybody, {TOGETHER} at a time: {every} hits, {lost} "
        f"lost by the index ({lost / max(every, 1):.1%}, at most 1 %); {slow / quick:.0f} times faster (at least 50)"
    )


def listed_names(listed: Sequence[Listed], number: int) -> list[str]:
    """Listed people, each under any variant."""
    chance = random.Random(SEED)
    made: list[str] = []
    while len(made) < number:
        variant = VARIANTS[chance.choice(list(VARIANTS))]
        if written := variant(chance.choice(listed), chance):
            made.append(written)
    return made


def asked_names(listed: Sequence[Listed], number: int) -> list[str]:
    """People to ask about: half of them listed, under any variant, and half ordinary."""
    made = listed_names(listed, number // 2)
    asked = [*made, *ordinary_names(number - len(made), seed=SEED)]
    random.Random(SEED).shuffle(asked)
    return asked


def extended(listed: Sequence[Listed], number: int) -> Iterator[Listed]:
    """The list with made-up people, ``number`` in all: names of it put together anew, and ordinary ones."""
    chance = random.Random(SEED)
    yield from listed
    split = [person for person in listed if person.properties.get("firstName")]
    written = ordinary_names(number, seed=SEED + 1)
    for n in range(number - len(listed)):
        if n % 2:
            family, given = chance.choice(split).properties["lastName"], chance.choice(split).properties["firstName"]
            properties = {"name": (f"{given[0]} {family[0]}",), "lastName": family, "firstName": given}
        else:
            properties = {"name": (next(written),)}
        born = f"{chance.randrange(1940, 2004)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
        yield Listed(id=f"made-{n}", properties={**properties, "birthDate": (born,)})


def accuracy(pairs: Path) -> None:
    """Print precision, recall and F1 on labelled pairs of names of people."""
    with pairs.open(encoding="utf-8", newline="") as rows:
        cases = [row for row in csv.DictReader(rows) if row["schema"] == "Person"]

    def prepared(row: dict[str, str]) -> tuple[matcher.Candidate, matcher.Entry]:
        return (
            matcher.candidate(Subject(names=(clean(row["name1"]),))),
            matcher.entry(Listed(id="1", properties={"name": (row["name2"],)})),
        )

    def distant(row: dict[str, str]) -> bool:
        one, other = (" ".join(sorted(tokens(row[name]))) for name in ("name1", "name2"))
        return 1 - levenshtein(one, other) / max(len(one), len(other), 1) >= matcher.THRESHOLD

    ways: dict[str, Callable[[dict[str, str]], bool]] = {
        "ours": lambda row: matcher.compare(*prepared(row)) is not None,
        "logic-v2": lambda row: matcher.plain_score(*prepared(row)) >= matcher.THRESHOLD,
        "edit distance": distant,
    }
    say(f"\n{'labelled pairs':16} {'precision':>9} {'recall':>7} {'F1':>6}   ({len(cases)} pairs of people)")
    for name, way in ways.items():
        said = [(way(row), row["is_match"] == "true") for row in cases]
        right = sum(1 for ours, theirs in said if ours and theirs)
        precision = right / max(sum(1 for ours, _ in said if ours), 1)
        found = right / max(sum(1 for _, theirs in said if theirs), 1)
        say(f"{name:16} {precision:9.3f} {found:7.3f} {2 * precision * found / max(precision + found, 1e-9):6.3f}")


async def run(given: argparse.Namespace) -> None:
    """Measure everything, one after the other."""
    listed = read(given.ofac)
    with TemporaryDirectory(prefix="desk-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", settings={"fsync": "off"})
        engine = engines.create(server.start(), pool=4)
        aside = Aside(begin_with=BEGIN_WITH)
        try:
            keyring = Keyring(FolderStore(Path(folder) / "keys"), LocalMasterKey(secrets.token_bytes(32)))
            await migrate.upgrade(engine, keyring)
            lists = SqlWatchlists(engine, partial(aside.run, entry_keys))
            await import_published(lists, given.ofac)
            screener = LocalScreener(lists, aside.run)
            stand = Stand(lists, screener, {person.id: matcher.entry(person) for person in listed})
            asked = asked_names(listed, given.asked)
            await timed(stand, asked, f"list of {len(listed)}")
            await against_everybody(stand, listed, given.beside)
            await recall(stand, listed, given.sample, given.own)
            await ordinary(stand, listed, given.beside)
            if given.large:
                await lists.remove("ofac-sdn")
                many = list(extended(listed, given.large))
                began = time.perf_counter()
                await lists.import_version(
                    _watchlist("large"), many, key="2", officer="O-1", form=ListFormat.FTM, source="made",
                    file="0" * 64,
                    skipped=dict, progress=quiet,
                )  # fmt: skip
                say(f"\nimport of {len(many)} people, most of them made up: {time.perf_counter() - began:.0f} s")
                large = Stand(lists, screener, {person.id: matcher.entry(person) for person in many})
                await timed(large, asked, f"list of {len(many)}")
                await against_everybody(large, many, given.few)
        finally:
            await aside.aclose()
            await engine.dispose()
            server.stop()
    accuracy(given.pairs)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screening", description=__doc__)
    parser.add_argument("--ofac", type=Path, default=OFAC, help="folder with sdn.csv.gz and alt.csv.gz")
    parser.add_argument("--sample", type=int, default=400, help="people asked for under each variant")
    parser.add_argument("--own", type=int, default=0, help="people asked for as published; 0 is everybody")
    parser.add_argument("--asked", type=int, default=400, help="people asked for to take the time")
    parser.add_argument("--beside", type=int, default=100, help="variants compared with everybody")
    parser.add_argument("--large", type=int, default=100_000, help="people on the large list; 0 leaves it out")
    parser.add_argument("--few", type=int, default=10, help="the same for the large list")
    parser.add_argument("--pairs", type=Path, default=PAIRS, help="labelled pairs of names, in nomenklatura's format")
    asyncio.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()
