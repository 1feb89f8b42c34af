"""Read any list: find out its format, and give its people one by one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from activities.ports import ListBroken
from adapters.watchlists import eu_xml, ofac_csv, ofac_xml, opensanctions, un_xml
from adapters.watchlists.people import Tally
from adapters.watchlists.source import Stream, opened
from domain.screening import Listed, ListFormat

_ROOTS: Final = {
    ofac_xml.ROOT: ListFormat.OFAC_XML,
    eu_xml.ROOT: ListFormat.EU_XML,
    un_xml.ROOT: ListFormat.UN_XML,
}
_FIRST_ELEMENT: Final = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_LOOK: Final = 4096


def format_of(start: bytes) -> ListFormat:
    """The format of a list, from its first bytes.

    Raises:
        ListBroken: It is none that is known.
    """
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return ListFormat.FTM
    if text.startswith(b"<"):
        names = _FIRST_ELEMENT.findall(text)
        if names and (known := _ROOTS.get(names[0].decode("ascii"))) is not None:
            return known
        raise ListBroken(f"an XML list begins with one of {', '.join(_ROOTS)}", line=1)
    if text.replace(b'"', b"").startswith(",".join(opensanctions.HEADER).encode()):
        return ListFormat.TARGETS_CSV
    if re.match(rb'"?[0-9]+"?,', text):
        return ListFormat.OFAC_CSV
    raise ListBroken("begins like none of the formats that can be read; is it a list, and in UTF-8?", line=1)


@contextmanager
def people(
    path: Path, tally: Tally, *, form: ListFormat | None = None, aliases: Path | None = None
) -> Iterator[tuple[ListFormat, Iterator[Listed]]]:
    """The format of a list and its people, in the list's order.

    Args:
        path: The list, as gzip or plain.
        tally: Counts what is left out.
        form: Its format, if it is not to be found out.
        aliases: The second file of the legacy CSV.

    Raises:
        ListBroken: It cannot be read; also while the people are given.
        OSError: It cannot be opened.
    """
    with opened(path) as stream:
        found = form or format_of(stream.peek(_LOOK)[:_LOOK])
        if aliases is not None and found is not ListFormat.OFAC_CSV:
            raise ListBroken("only the legacy CSV of OFAC has a second file of aliases")
        yield found, _some(_people(stream, found, tally, aliases))


def _people(stream: Stream, form: ListFormat, tally: Tally, aliases: Path | None) -> Iterator[Listed]:
    match form:
        case ListFormat.OFAC_CSV:
            known = None
            if aliases is not None:
                with opened(aliases) as second:
                    known = ofac_csv.read_aliases(second)
            return ofac_csv.read(stream, tally, known)
        case ListFormat.OFAC_XML:
            return ofac_xml.read(stream, tally)
        case ListFormat.EU_XML:
            return eu_xml.read(stream, tally)
        case ListFormat.UN_XML:
            return un_xml.read(stream, tally)
        case ListFormat.FTM:
            return opensanctions.read_entities(stream, tally)
        case ListFormat.TARGETS_CSV:
            return opensanctions.read_targets(stream, tally)


def _some(found: Iterator[Listed]) -> Iterator[Listed]:
    """The people, of whom there must be at least one: a list of nobody would take everybody off."""
    nobody = True
    for person in found:
        nobody = False
        yield person
    if nobody:
        raise ListBroken("names nobody: importing it would take everybody off the list")
