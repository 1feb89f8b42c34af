"""XML as a stream: nothing is fetched, no entity is expanded, and what has been read is forgotten."""

from collections.abc import Iterator
from typing import Any, Final, Protocol

from lxml import etree

from activities.ports import ListBroken
from adapters.watchlists.source import Stream


class Element(Protocol):
    """An element of a document, as lxml has it."""

    @property
    def tag(self) -> Any:
        """Its name, with its namespace; no text for what is no element."""

    @property
    def text(self) -> str | None:
        """The text before its first child."""

    @property
    def sourceline(self) -> int | None:
        """The line it begins on."""

    def get(self, key: str) -> str | None:
        """An attribute."""

    def __iter__(self) -> "Iterator[Element]": ...


MAX_CHILDREN: Final = 200_000
"""Elements inside one that is read whole."""


class _Guarded:
    """A stream that lxml reads, whose own failure is kept instead of being turned into a parser's."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.failure: ListBroken | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except ListBroken as broken:
            self.failure = broken
            return b""


def name_of(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """An attribute of an element; empty where it has none."""
    return element.get(name) or ""


def children(element: Element, name: str) -> Iterator[Element]:
    """The elements of a name that lie directly inside another."""
    return (child for child in element if isinstance(child.tag, str) and name_of(child) == name)


def within(element: Element, *path: str) -> Iterator[Element]:
    """The elements at a path below another."""
    if not path:
        yield element
        return
    for child in children(element, path[0]):
        yield from within(child, *path[1:])


def text_of(element: Element, *path: str) -> str:
    """The text of the first element at a path; empty where there is none."""
    for found in within(element, *path):
        return (found.text or "").strip()
    return ""


def elements(stream: Stream, root: str, wanted: frozenset[str]) -> Iterator[Element]:
    """Every element of the wanted names, complete, in order; each is emptied after it was given.

    Args:
        stream: The document.
        root: The name that its outermost element must have.
        wanted: Names of the elements that are read whole; none of them lies inside another.

    Raises:
        ListBroken: It is no such document, is not well formed, or brings a document type of its own.
    """
    guarded = _Guarded(stream)
    try:
        parsing = etree.iterparse(
            guarded, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        inside: Any = None
        count = 0
        first = True
        for event, element in parsing:
            if first:
                first = False
                _check_start(element, root)
            if event == "start":
                count += 1
                if inside is None and name_of(element) in wanted:
                    inside, count = element, 0
                elif inside is not None and count > MAX_CHILDREN:
                    raise ListBroken(f"{name_of(inside)} holds too much for one entry", line=inside.sourceline)
            elif element is inside:
                yield element
                inside = None
                _forget(element)
            elif inside is None:
                _forget(element)
    except etree.XMLSyntaxError as wrong:
        if guarded.failure is not None:
            raise guarded.failure from None
        raise ListBroken(f"is no well-formed XML: {wrong.msg}", line=wrong.lineno) from None
    if guarded.failure is not None:
        raise guarded.failure


def _check_start(element: Any, root: str) -> None:
    if element.getroottree().docinfo.doctype:
        raise ListBroken("brings a document type of its own, which no published list does", line=1)
    if name_of(element) != root:
        raise ListBroken(f"the outermost element is {name_of(element)}, not {root}", line=element.sourceline)


def _forget(element: Any) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
