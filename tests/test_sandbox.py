"""What the workflow sandbox lets through is meant to be let through."""

import temporalio.workflow
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import SandboxImportNotificationPolicy

from workflows.registry import SANDBOX, WORKFLOWS


async def test_every_workflow_loads_with_no_import_passed_through_unmeant() -> None:
    strict = SANDBOX.with_import_notification_policy(SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH)
    runner = SandboxedWorkflowRunner(restrictions=strict)
    names = []
    for workflow in WORKFLOWS:
        definition = temporalio.workflow._Definition.must_from_class(workflow)
        runner.prepare_workflow(definition)
        names.append(definition.name)
    assert names == [
        "Session",
        "Candidacy",
        "SessionList",
        "Suspension",
        "LetterDelivery",
        "LedgerEnquiry",
        "LedgerVerification",
        "LedgerSealing",
        "LedgerRecovery",
        "LedgerRebuilding",
        "WatchlistImport",
        "WatchlistRemoval",
        "WatchlistRescreening",
        "WatchlistEnquiry",
        "OfficerAdmission",
        "OfficerRevocation",
        "InterestDeclaration",
        "InterestWithdrawal",
        "ErasureRequesting",
        "PersonErasure",
        "CertificateCheck",
        "CaseHolding",
        "RetentionRound",
    ]
