"""The two formats in which OpenSanctions publishes: FollowTheMoney JSON lines, and ``targets.simple.csv``."""

import csv
import json
from collections.abc import Iterator
from typing import Any, Final

from activities.ports import ListBroken
from adapters.watchlists.people import PEOPLE, Tally, listed
from adapters.watchlists.source import Stream, lines
from domain.screening import NAMES, Listed

HEADER: Final = ("id", "schema", "name", "aliases", "birth_date", "countries")
"""The first columns of ``targets.simple.csv``, in their order."""
KEPT: Final = frozenset(
    {
        *NAMES, "firstName", "lastName", "middleName", "fatherName", "motherName", "secondName", "birthDate",
        "deathDate", "birthPlace", "nationality", "citizenship", "country", "gender", "position", "topics", "program",
        "programId", "innCode", "passportNumber", "sourceUrl", "notes",
    }
)  # fmt: skip
"""FollowTheMoney's properties that a comparison or an officer can use."""


def read_entities(stream: Stream, tally: Tally) -> Iterator[Listed]:
    """The people among entities in JSON, one a line.

    Raises:
        ListBroken: It cannot be read.
    """
    for number, line in enumerate(lines(stream), 1):
        if not line.strip():
            continue
        try:
            entity = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            raise ListBroken("is no JSON object: each line must be one entity", line=number) from None
        schema, properties = _shape(entity, number)
        if schema not in PEOPLE:
            tally.skip("not a person")
            continue
        if not any(properties.get(name) for name in NAMES):
            tally.skip("without a name")
            continue
        kept = {name: values for name, values in properties.items() if name in KEPT}
        yield listed(entity["id"], kept, schema=schema, line=number)


def _shape(entity: Any, number: int) -> tuple[str, dict[str, list[str]]]:
    if not isinstance(entity, dict):
        raise ListBroken("is no JSON object", line=number)
    for name in ("id", "schema"):
        if not isinstance(entity.get(name), str):
            raise ListBroken("is missing or no text", line=number, field=name)
    properties = entity.get("properties")
    if not isinstance(properties, dict):
        raise ListBroken("is missing or no object", line=number, field="properties")
    read: dict[str, list[str]] = {}
    for name, values in properties.items():
        if not isinstance(values, list):
            raise ListBroken("is no list", line=number, field=f"properties.{name}")
        # A nested entity, as in an export with neighbours, is no value of this one.
        read[name] = [value for value in values if isinstance(value, str)]
    return entity["schema"], read


def read_targets(stream: Stream, tally: Tally) -> Iterator[Listed]:
    """The people of ``targets.simple.csv``.

    Raises:
        ListBroken: It cannot be read.
    """
    reader = csv.reader(lines(stream), strict=True)
    try:
        header = next(reader, [])
        if tuple(header[: len(HEADER)]) != HEADER:
            raise ListBroken(f"must begin with {','.join(HEADER)}", line=1, field="header")
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise ListBroken(f"has {len(row)} columns, not {len(header)}", line=reader.line_num)
            fields = dict(zip(header, row, strict=True))
            if fields["schema"] not in PEOPLE:
                tally.skip("not a person")
                continue
            yield listed(
                fields["id"],
                {
                    "name": [fields["name"]],
                    "alias": fields["aliases"].split(";"),
                    "birthDate": fields["birth_date"].split(";"),
                    "country": fields["countries"].split(";"),
                    "program": fields.get("sanctions", "").split(";"),
                },
                schema=fields["schema"],
                line=reader.line_num,
            )
    except csv.Error as wrong:
        raise ListBroken(f"is no CSV: {wrong}", line=reader.line_num) from None
