"""The codec by which everything that goes through Temporal lies under the key of the person it is about.

Encoding chooses the key by the workflow that the payload goes to or comes from; decoding goes by the payload's own
metadata. Payloads without it pass through: histories from before there were keys must still replay.
"""

from collections.abc import Sequence
from copy import copy
from typing import Final, Self

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from adapters.keys.keyring import Keyring
from domain.errors import Erased
from domain.keys import key_of

ENCODING: Final = b"binary/encrypted"
KEY_ID: Final = "encryption-key-id"


class NoContext(Exception):
    """A payload that belongs to no workflow: nobody can say whose it is."""


class PersonalCodec(PayloadCodec, WithSerializationContext):
    """Encrypts payloads; what is bound is the key's name and not the workflow, of which Temporal may know two ids.

    Args:
        keyring: The keys.
        workflow_id: The workflow that the payloads belong to.
    """

    def __init__(self, keyring: Keyring, workflow_id: str | None = None) -> None:
        self._keyring = keyring
        self._workflow_id = workflow_id

    def with_context(self, context: SerializationContext) -> Self:
        """The codec for what belongs to one workflow."""
        match context:
            case WorkflowSerializationContext() | ActivitySerializationContext():
                return type(self)(self._keyring, context.workflow_id)
            case _:
                return type(self)(self._keyring)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt.

        Raises:
            Erased: The person's key is destroyed; no other is taken instead.
            NoContext: It is not known whose they are.
        """
        if not payloads:
            return []
        if self._workflow_id is None:
            raise NoContext("a payload of no workflow")
        key = await self._keyring.key(key_of(self._workflow_id), make=True)
        metadata = {"encoding": ENCODING, KEY_ID: key.name.encode()}
        return [Payload(metadata=metadata, data=key.encrypt(each.SerializeToString(), "")) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt.

        Raises:
            Erased: The person's key is destroyed.
            KeyMissing, SealBroken: It comes from elsewhere, or was altered.
        """
        return [await self._decoded(each) for each in payloads]

    async def _decoded(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key = await self._keyring.key(payload.metadata[KEY_ID].decode("ascii", "replace"))
        return Payload.FromString(key.decrypt(payload.data, ""))


async def readable(codec: PayloadCodec | None, payload: Payload) -> bool | None:
    """Whether a payload can be read; None where it was never encrypted.

    Raises:
        KeyMissing, SealBroken: It comes from elsewhere, or was altered.
    """
    if codec is None or payload.metadata.get("encoding") != ENCODING:
        return None
    try:
        await codec.decode([payload])
    except Erased:
        return False
    return True


class _Personal(DataConverter):
    """A data converter of which the codec alone depends on where a payload goes."""

    def with_context(self, context: SerializationContext) -> Self:
        """The converter for what belongs to one workflow.

        The worker asks for it several times with every payload, and would make the other converters anew each time.
        """
        bound = copy(self)
        if isinstance(self.payload_codec, PersonalCodec):
            object.__setattr__(bound, "payload_codec", self.payload_codec.with_context(context))
        return bound


def converter(keyring: Keyring) -> DataConverter:
    """How values become payloads, on every side: the client's, the worker's, and that of a replay."""
    return _Personal(
        payload_converter_class=pydantic_data_converter.payload_converter_class,
        payload_codec=PersonalCodec(keyring),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
