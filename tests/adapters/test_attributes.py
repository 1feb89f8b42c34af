"""Search attributes on a real server."""

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from adapters import attributes
from adapters.embedded.temporal import SEARCH_ATTRIBUTES, serving
from workflows.attributes import ATTRIBUTES

KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD


async def test_what_a_namespace_lacks_is_added_and_what_it_has_stays() -> None:
    async with serving() as server:
        client = await Client.connect(server.address)
        wanted = {key.name: key.indexed_value_type for key in ATTRIBUTES} | {"DeskExtra": KEYWORD}
        await attributes.register(client, wanted)
        await attributes.register(client, wanted)
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        assert {name: kind for name, kind in known.custom_attributes.items() if name in wanted} == wanted


def test_the_embedded_server_starts_with_the_attributes_the_workflows_set() -> None:
    kinds: dict[str, int] = {"Keyword": KEYWORD, "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME}
    assert {name: kinds[kind] for name, kind in SEARCH_ATTRIBUTES.items()} == {
        key.name: int(key.indexed_value_type) for key in ATTRIBUTES
    }
