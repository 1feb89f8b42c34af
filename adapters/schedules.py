"""What Temporal starts by itself, at a fixed pace."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)


async def keep(client: Client, name: str, workflow: str, *, queue: str, every: timedelta) -> None:
    """Have a workflow without arguments started again and again; one that runs late is not made up for.

    Args:
        client: The connection.
        name: The schedule's id, of which there is one in the namespace.
        workflow: The type of workflow.
        queue: The task queue.
        every: The time between two starts.
    """
    action = ScheduleActionStartWorkflow(workflow, id=f"desk/{name}", task_queue=queue)
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)])
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=every)
    schedule = Schedule(action=action, spec=spec, policy=policy)
    try:
        await client.create_schedule(name, schedule)
    except ScheduleAlreadyRunningError:
        # Kept by an earlier start, perhaps at another pace.
        await client.get_schedule_handle(name).update(lambda _: ScheduleUpdate(schedule))
