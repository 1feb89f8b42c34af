"""The codec: encode by the workflow, decode by the payload."""

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext
from temporalio.exceptions import ApplicationError

from adapters.keys.codec import ENCODING, KEY_ID, NoContext, converter
from domain.errors import Erased
from domain.ids import candidacy_workflow_id, delivery_workflow_id
from domain.keys import KeyMissing, SealBroken
from domain.people import Nomination
from tests.builders import SESSION, a_nomination
from tests.keys import a_keyring

ADA = candidacy_workflow_id(SESSION, "a" * 32)


def of_workflow(workflow_id: str) -> WorkflowSerializationContext:
    return WorkflowSerializationContext(namespace="default", workflow_id=workflow_id)


def of_activity(workflow_id: str | None) -> ActivitySerializationContext:
    return ActivitySerializationContext(
        namespace="default",
        activity_id="1",
        activity_type="record_step",
        activity_task_queue="desk",
        workflow_id=workflow_id,
        workflow_type="Candidacy",
        is_local=False,
    )


async def test_a_payload_lies_under_the_key_of_the_workflow_it_belongs_to() -> None:
    everything = converter(a_keyring())
    nomination = a_nomination(given_name="Зинаида")
    for context in (of_workflow(ADA), of_activity(ADA)):
        (payload,) = await everything.with_context(context).encode([nomination])
        assert payload.metadata == {"encoding": ENCODING, KEY_ID: f"{SESSION}/{'a' * 32}".encode()}
        assert "Зинаида".encode() not in payload.SerializeToString()
        # Without any context: what reads it may not know where it comes from.
        assert await everything.decode([payload], [Nomination]) == [nomination]


async def test_a_letters_payloads_lie_under_the_key_of_its_person_once_the_case_is_known() -> None:
    keyring = a_keyring()
    await keyring.entitle("C-2026-0007", f"{SESSION}/{'a' * 32}")
    context = of_workflow(delivery_workflow_id("C-2026-0007.1.2"))

    (payload,) = await converter(keyring).with_context(context).encode(["a better address"])

    assert payload.metadata[KEY_ID] == f"{SESSION}/{'a' * 32}".encode()


async def test_what_is_nobodys_in_particular_lies_under_the_registers_key() -> None:
    (payload,) = await converter(a_keyring()).with_context(of_workflow("session/2026")).encode(["open"])

    assert payload.metadata[KEY_ID] == b"register"


async def test_a_payload_that_belongs_to_no_workflow_is_not_sent() -> None:
    for nowhere in (converter(a_keyring()), converter(a_keyring()).with_context(of_activity(None))):
        with pytest.raises(NoContext):
            await nowhere.encode(["Ada"])
        assert await nowhere.encode([]) == []


async def test_payloads_from_before_there_were_keys_pass_through() -> None:
    plain = await pydantic_data_converter.encode([a_nomination()])

    assert await converter(a_keyring()).decode(plain, [Nomination]) == [a_nomination()]


async def test_a_failure_says_nothing_in_clear_but_its_type() -> None:
    data = converter(a_keyring()).with_context(of_workflow(ADA))
    failure = Failure()
    await data.encode_failure(ApplicationError("Зинаида wrote", "Зинаида", type="MailDeferred"), failure)

    assert "Зинаида".encode() not in failure.SerializeToString()
    assert failure.application_failure_info.type == "MailDeferred"
    back = await data.decode_failure(failure)
    assert isinstance(back, ApplicationError)
    assert (back.message, back.details) == ("Зинаида wrote", ("Зинаида",))


async def test_after_erasure_nothing_is_read_and_nothing_is_written() -> None:
    keyring = a_keyring()
    data = converter(keyring).with_context(of_workflow(ADA))
    encoded = await data.encode(["Ada"])
    await keyring.destroy(f"{SESSION}/{'a' * 32}")

    with pytest.raises(Erased):
        await data.decode(encoded)
    with pytest.raises(Erased):
        await data.encode(["Ada"])


async def test_a_payload_from_elsewhere_or_altered_is_not_taken() -> None:
    data = converter(a_keyring()).with_context(of_workflow(ADA))
    (payload,) = await data.encode(["Ada"])
    altered = Payload(metadata=payload.metadata, data=payload.data[:-1])
    elsewhere = Payload(metadata={**payload.metadata, KEY_ID: b"../../etc/passwd"}, data=payload.data)
    of_another = Payload(metadata={**payload.metadata, KEY_ID: b"register"}, data=payload.data)

    for wrong, how in ((altered, SealBroken), (of_another, SealBroken), (elsewhere, KeyMissing)):
        with pytest.raises(how):
            await data.decode([wrong])
