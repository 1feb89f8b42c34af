"""The search attributes of a namespace, which must exist before a workflow can be started with them."""

from collections.abc import Mapping

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode


class AttributesMissing(Exception):
    """The namespace lacks search attributes, and this connection may not add them; the message names them."""


async def register(client: Client, attributes: Mapping[str, int]) -> None:
    """Add to the client's namespace the search attributes that it lacks.

    Args:
        client: The connection.
        attributes: The type of each, by name, as ``IndexedValueType``.

    Raises:
        AttributesMissing: Some are missing, and whoever keeps the namespace must add them.
    """
    request = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        known = await client.operator_service.list_search_attributes(request)
        missing = {name: kind for name, kind in attributes.items() if name not in known.custom_attributes}
        if missing:
            # protobuf's stubs want its own enumeration, whose members are integers.
            kinds = {name: IndexedValueType.ValueType(kind) for name, kind in missing.items()}
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=kinds)
            )
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return  # another worker was faster
        if error.status in {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}:
            raise AttributesMissing(
                f"namespace {client.namespace} must have the search attributes {', '.join(attributes)}; "
                "this connection may not add them"
            ) from None
        raise
