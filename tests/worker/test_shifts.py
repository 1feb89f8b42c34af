"""Workers that come to rest at the end of a shift, and one that does not."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.workflows.office import skipping_server
from worker.shifts import working


class Stubborn:
    """Does not stop when it is told to."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.released = asyncio.Event()

    @activity.defn
    async def hold_on(self) -> None:
        self.begun.set()
        with suppress(asyncio.CancelledError):
            await self.released.wait()
        await self.released.wait()


@workflow.defn
class Waiting:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity_method(Stubborn.hold_on, start_to_close_timeout=timedelta(minutes=1))


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=skipping_server()) as env:
        yield env


def a_worker(env: WorkflowEnvironment, stubborn: Stubborn) -> Worker:
    return Worker(
        env.client,
        task_queue="shift",
        workflows=[Waiting],
        activities=[stubborn.hold_on],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


async def test_a_shift_ends_without_a_worker_that_does_not_come_to_rest(
    env: WorkflowEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    stubborn = Stubborn()
    async with asyncio.timeout(30):
        async with working([a_worker(env, stubborn)], stop_within=0.5):
            await env.client.start_workflow(Waiting.run, id="waiting", task_queue="shift")
            await stubborn.begun.wait()

    assert "not at rest in time, and left: 1 of 1 task queues" in caplog.messages
    stubborn.released.set()


async def test_a_shift_waits_for_what_is_finished_in_time(
    env: WorkflowEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="worker")
    stubborn = Stubborn()
    async with working([a_worker(env, stubborn)], stop_within=30):
        handle = await env.client.start_workflow(Waiting.run, id="waiting", task_queue="shift")
        await stubborn.begun.wait()
        stubborn.released.set()
        await handle.result()

    assert [record for record in caplog.records if record.name == "worker"] == []
