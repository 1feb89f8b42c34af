"""The benchmark runs, and its floor carries the traffic of the real thing."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from benchmarks import measures, paperwork, traffic
from benchmarks.measures import Pace, Throughput
from benchmarks.stand import Stand, post, standing

TRAFFIC = (
    "WORKFLOW_EXECUTION_UPDATE_COMPLETED",
    "WORKFLOW_EXECUTION_SIGNALED",
    "ACTIVITY_TASK_SCHEDULED",
    "EXTERNAL_WORKFLOW_EXECUTION_SIGNALED",
)


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing() as stand:
        yield stand


async def traffic_of(stand: Stand, workflow_id: str) -> tuple[int, ...]:
    """What passed in all runs of a workflow."""
    total: Counter[str] = Counter()
    async for run in measures.runs(stand, workflow_id):
        total += measures.events(await run.fetch_history())
    return tuple(total[kind] for kind in TRAFFIC)


async def test_throughput_is_measured_and_the_floor_has_the_traffic_of_the_real_thing(stand: Stand) -> None:
    async with stand.worker("benchmarks.worker") as worker:
        measured = await measures.throughput(stand, worker, candidacies=2, pairs=1)
        assert (measured.cases, len(measured.pairs)) == (2, 1)
        assert measured.ratio == measured.pairs[0][0].rate / measured.pairs[0][1].rate
        guarded = await measures.guards(stand, worker, candidacies=1, pairs=1)
        assert (guarded.cases, len(guarded.pairs)) == (1, 1)

        session = await measures.open_session(stand, seats=2)
        real = traffic.real(measures.officers(stand), session, map(paperwork.nomination, range(2)))
        seen: list[tuple[set[tuple[int, ...]], tuple[int, ...]]] = []
        for round_ in (real, traffic.bare("counted", 2)):
            held = [await traffic.hold(stand.client, candidacy) for candidacy in round_.candidacies]
            listing = round_.listing([conversed.reference for conversed in held])
            await traffic.hold(stand.client, listing)
            for conversed in held:
                await traffic.end_of_run(conversed)
            async with post(stand) as out:
                await out()
            candidacies = {await traffic_of(stand, conversed.handle.id) for conversed in held}
            seen.append((candidacies, await traffic_of(stand, listing.id)))
        expected = ({(4, 2, 10, 0)}, (3, 0, 5, 4))
        assert seen == [expected, expected]


async def test_suspensions_are_measured_and_their_floor_has_the_traffic_of_the_real_ones(stand: Stand) -> None:
    async with stand.worker("benchmarks.worker") as worker:
        measured = await measures.suspensions(stand, worker, suspensions=2, pairs=1)
        assert (measured.cases, len(measured.pairs)) == (2, 1)

        seen = []
        # The last of the rounds above: two of each.
        async for execution in stand.client.list_workflows("WorkflowType IN ('Suspension', 'BareSuspension')"):
            seen.append((execution.workflow_type, await traffic_of(stand, execution.id)))
        # Letters of two steps that the next run finds together go out in one activity.
        together = {("Suspension", (6, 1, 10, 2))}
        assert set(seen) - together == {("Suspension", (6, 1, 11, 2)), ("BareSuspension", (6, 1, 11, 2))}


async def test_a_ledger_of_many_steps_is_verified(stand: Stand) -> None:
    reading = await measures.verification(stand, steps=40)
    assert reading.steps == 40
    assert reading.per_hundred_thousand == pytest.approx(reading.seconds * 2500)


def test_ratio_is_the_median_over_the_pairs() -> None:
    pairs = [(Pace(rate, 0, 0), Pace(10, 0, 0)) for rate in (9, 2, 5)]
    assert Throughput(cases=1, pairs=pairs).ratio == 0.5
