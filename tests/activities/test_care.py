"""Upkeep of the register, over in-memory ports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from temporalio.testing import ActivityEnvironment

from activities.care import Care
from activities.ports import CaseSilent
from adapters.seal import Ed25519Sealer
from domain.candidacy import Act, CandidacyState, Stage
from domain.ledger import Difference
from domain.steps import CaseKind, CaseState
from tests.builders import an_entry, an_order, drafts_of
from tests.fakes import MemoryLedger, NoCases
from tests.officers import Checking, Lenient, an_upkeep

SEALER = Ed25519Sealer(bytes(32))


@dataclass
class OneCase(NoCases):
    """One case runs, and answers with what it is given; ``silent`` keeps it from answering."""

    running_state: CaseState | None = None
    silent: bool = False
    others: tuple[str, ...] = ()

    async def imprints(self, workflow_id: str) -> Mapping[str, str] | None:
        if self.silent:
            raise CaseSilent(workflow_id)
        return self.running_state.imprints if self.running_state else None

    async def running(self, kind: CaseKind) -> Sequence[str]:
        return self.others if kind is CaseKind.CANDIDACY else ()

    async def restart(self, kind: CaseKind, state: CaseState) -> bool:
        return False


async def a_ledger() -> tuple[MemoryLedger, str, CandidacyState]:
    ledger, entry = MemoryLedger(), an_entry()
    recorded = await ledger.record(entry, drafts_of(entry))
    state = CandidacyState.model_validate(ledger.cases[recorded.reference].entry.state)
    return ledger, recorded.reference, state


async def differences(ledger: MemoryLedger, cases: NoCases) -> tuple[Difference, ...]:
    care = Care(ledger, cases, Lenient(), Checking(), SEALER)
    found = await ActivityEnvironment().run(care.verify, an_upkeep("verify"))
    told: tuple[Difference, ...] = found.differences
    return told


async def test_a_ledger_and_a_case_that_agree_do_not_differ() -> None:
    ledger, _, state = await a_ledger()
    assert await differences(ledger, OneCase(running_state=state, others=(state.workflow_id,))) == ()


async def test_a_case_that_does_not_run_is_a_difference() -> None:
    ledger, reference, _ = await a_ledger()
    assert await differences(ledger, NoCases()) == (
        Difference(reference=reference, what="case", ledger="open", workflow="not running"),
    )


async def test_a_case_that_does_not_answer_is_a_difference() -> None:
    ledger, reference, _ = await a_ledger()
    assert await differences(ledger, OneCase(silent=True)) == (
        Difference(reference=reference, what="case", ledger="open", workflow="does not answer"),
    )


async def test_a_step_the_ledger_lacks_is_a_difference() -> None:
    ledger, reference, state = await a_ledger()
    ahead = state.model_copy(update={"seq": 2})
    assert await differences(ledger, OneCase(running_state=ahead)) == (
        Difference(reference=reference, what="step", ledger="step 1", workflow="step 2"),
    )


async def test_a_state_that_differs_is_named_by_its_fields_and_never_by_their_values() -> None:
    ledger, reference, state = await a_ledger()
    other = state.model_copy(update={"round": 2})
    assert await differences(ledger, OneCase(running_state=other)) == (
        Difference(reference=reference, what="state: round", ledger="differs", workflow="differs"),
    )


async def test_a_workflow_that_runs_beside_the_ledger_is_a_difference() -> None:
    ledger, _, state = await a_ledger()
    stray = f"candidacy/2026/{'0' * 32}"
    assert await differences(ledger, OneCase(running_state=state, others=(state.workflow_id, stray))) == (
        Difference(reference=stray, what="case", ledger="not open", workflow="running"),
    )


async def test_recovery_starts_what_does_not_run_and_takes_up_its_letters() -> None:
    ledger, reference, state = await a_ledger()
    cases = NoCases()
    done = await ActivityEnvironment().run(
        Care(ledger, cases, Lenient(), Checking(), SEALER).recover, an_upkeep("recover")
    )
    assert (done.restarted, done.running) == ((reference,), ())
    assert cases.started == [state.workflow_id, *(f"letter/{letter}" for letter in done.letters)]
    assert list(done.letters) == list(ledger.letters)


async def test_recovery_leaves_a_case_that_runs_and_its_new_letters_alone() -> None:
    ledger, reference, state = await a_ledger()
    cases = OneCase(running_state=state)
    done = await ActivityEnvironment().run(
        Care(ledger, cases, Lenient(), Checking(), SEALER).recover, an_upkeep("recover")
    )
    assert (done.restarted, done.running, done.letters, cases.started) == ((), (reference,), (), [])


async def test_a_candidacy_is_started_again_for_an_order_only_where_it_is_excluded() -> None:
    ledger, reference, state = await a_ledger()
    cases, order = NoCases(), an_order(state, Act.REINSTATE)
    care = Care(ledger, cases, Lenient(), Checking(), SEALER)
    assert await ActivityEnvironment().run(care.reinstate, reference, order) is False
    kept = ledger.cases[reference]
    kept.entry = kept.entry.model_copy(update={"state": kept.entry.state | {"stage": Stage.EXCLUDED}})

    assert await ActivityEnvironment().run(care.reinstate, reference, order) is True
    assert cases.started == [f"reinstate {state.workflow_id}"]
    assert await ActivityEnvironment().run(care.reinstate, "C-2026-0999", order) is False
