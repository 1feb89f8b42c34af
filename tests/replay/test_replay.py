"""Every history that was ever saved still replays: a running case survives the next build."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from adapters.keys.codec import converter
from tests.keys import a_keyring
from tests.replay.record import HISTORIES
from tests.replay.scenarios import SCENARIOS
from workflows.registry import SANDBOX, WORKFLOWS

SAVED = sorted(HISTORIES.glob("*/*.json"))


def _replayer() -> Replayer:
    return Replayer(
        workflows=WORKFLOWS,
        data_converter=converter(a_keyring()),
        workflow_runner=SandboxedWorkflowRunner(restrictions=SANDBOX),
    )


def _history(path: Path) -> WorkflowHistory:
    kept = json.loads(path.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(kept["workflow_id"], kept["history"])


async def _failures(histories: Sequence[WorkflowHistory]) -> list[Exception | None]:
    """What goes wrong in each; one worker replays them all, since to get one ready takes longer than a replay."""

    async def one_by_one() -> AsyncIterator[WorkflowHistory]:
        for history in histories:
            yield history

    async with _replayer().workflow_replay_iterator(one_by_one()) as replays:
        return [replay.replay_failure async for replay in replays]


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_every_saved_history_of_a_scenario_replays(scenario: str, subtests: pytest.Subtests) -> None:
    paths = [path for path in SAVED if path.parent.name == scenario]
    for path, failure in zip(paths, await _failures([_history(path) for path in paths]), strict=True):
        with subtests.test(path.stem):
            assert failure is None


def test_every_scenario_has_its_histories_and_every_history_its_scenario() -> None:
    assert {path.parent.name for path in SAVED} == set(SCENARIOS)


def test_the_histories_cover_every_kind_of_case() -> None:
    kinds = {
        event["workflowExecutionStartedEventAttributes"]["workflowType"]["name"]
        for path in SAVED
        for event in json.loads(path.read_text(encoding="utf-8"))["history"]["events"][:1]
    }
    assert kinds == {"Session", "Candidacy", "SessionList", "Suspension", "LetterDelivery", "RetentionRound"}


def test_a_suspension_with_two_grounds_and_one_referred_for_a_year_keep_their_histories_short() -> None:
    runs = [path for path in SAVED if path.stem.startswith("S-")]
    lengths = {path: len(json.loads(path.read_text(encoding="utf-8"))["history"]["events"]) for path in runs}
    assert {"suspended_and_lifted", "upheld_reversed_and_lapsed"} <= {path.parent.name for path in runs}
    assert {path: length for path, length in lengths.items() if length >= 80} == {}


async def test_a_history_that_was_tampered_with_does_not_replay_and_others_beside_it_do() -> None:
    path = next(path for path in SAVED if path.parent.name == "lapsed" and path.stem.startswith("C-"))
    kept = json.loads(path.read_text(encoding="utf-8"))
    scheduled = [event for event in kept["history"]["events"] if "activityTaskScheduledEventAttributes" in event]
    scheduled[0]["activityTaskScheduledEventAttributes"]["activityType"]["name"] = "forget_step"
    tampered = WorkflowHistory.from_json(kept["workflow_id"], kept["history"])
    others = [_history(path) for path in SAVED if path.parent.name == "ratified_and_withdrawn"]
    before, failure, *after = await _failures([others[0], tampered, *others[1:]])
    assert (before, after) == (None, [None] * (len(others) - 1))
    assert isinstance(failure, NondeterminismError)
    assert "forget_step" in str(failure)
