"""``starter watchlist``: the lists that people are screened against."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import click
from rich.console import RenderableType

from domain.screening import ListFormat, ListKind, Trust, Watchlist
from domain.watchlists import ListEnquiry, ListImport, ListRemoval, ListVersion
from starter import files, show
from starter.calling import Call, Noun, Reply, pass_call
from starter.commands.common import choice, reason
from starter.failures import Failure, Kind

_BLOCK: Final = 2**20
name = click.argument("name", metavar="NAME")


@click.group("watchlist", cls=Noun)
def watchlist() -> None:
    """The lists that people are screened against."""


@watchlist.command(
    "import",
    example="starter watchlist import ofac-sdn sdn.csv.gz --aliases alt.csv.gz --publisher OFAC --trust allied "
    "--kind sanctions",
)
@name
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--publisher", required=True, metavar="TEXT", help="Whose list it is.")
@click.option("--trust", required=True, type=choice(Trust), help="How far its publisher is trusted.")
@click.option("--kind", required=True, type=choice(ListKind), help="What it says of those who stand on it.")
@click.option("--format", "form", type=choice(ListFormat), help="Its format, if it is not to be found out.")
@click.option(
    "--aliases",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The second file of OFAC's legacy CSV.",
)
@pass_call
async def import_list(
    call: Call,
    name: str,
    file: Path,
    *,
    publisher: str,
    trust: str,
    kind: str,
    form: str | None,
    aliases: Path | None,
) -> Reply:
    """Import FILE as a new version of the list NAME, as a whole or not at all.

    Read are OFAC's legacy CSV and advanced XML, the consolidated XML of the European Union and of the United Nations,
    and OpenSanctions' JSON lines and targets.simple.csv, each as it is or as gzip. People only are taken. A file that
    cannot be read changes nothing, and is named by line.

    The trust decides what a hit means: on a hostile list it is evidence of persecution and never counts against anyone;
    on an unknown one an officer has to look at it; on an official or allied one two officers have to agree. Every open
    candidacy is screened again afterwards.
    """
    from starter.desk import BadList

    described = files.build(Watchlist, name=name, publisher=publisher, trust=trust, kind=kind)
    desk = await call.desk()
    folder = desk.settings.lists_handed_in
    with _handed_in(folder, file) as digest, _second(folder, aliases) as more:
        content = files.build(ListImport, watchlist=described, file=digest, source=file.name, aliases=more, form=form)
        with show.advance("people read") as progress:
            try:
                version = await desk.import_list(content, progress)
            except BadList as wrong:
                raise Failure(Kind.BAD_INPUT, f"{file.name}: {wrong}") from None
    return Reply(version, [_told(version)])


@watchlist.command("list", example="starter watchlist list")
@pass_call
async def list_lists(call: Call) -> Reply:
    """List the lists that are kept.

    Each with the version in force, whose it is and how far its publisher is trusted.
    """
    answer = await (await call.desk()).ask_lists(ListEnquiry())
    return Reply({"watchlists": answer.versions}, [_table(f"Lists ({len(answer.versions)})", answer.versions)])


@watchlist.command("show", example="starter watchlist show ofac-sdn")
@name
@pass_call
async def show_list(call: Call, name: str) -> Reply:
    """Show every version of a list.

    The newest first, with what it brought and who imported it.
    """
    answer = await (await call.desk()).ask_lists(files.build(ListEnquiry, name=name))
    return Reply({"versions": answer.versions}, [_table(f"List {name}", answer.versions)])


@watchlist.command("diff", example="starter watchlist diff ofac-sdn 1 2")
@name
@click.argument("old", type=click.IntRange(min=1))
@click.argument("new", type=click.IntRange(min=1))
@pass_call
async def diff(call: Call, name: str, old: int, new: int) -> Reply:
    """Show what changed between two versions of a list.

    By entry: who was added, changed or removed. Of many changes the first are shown, and all are counted.
    """
    answer = await (await call.desk()).ask_lists(files.build(ListEnquiry, name=name, old=old, new=new))
    found = answer.diff
    if found is None:
        raise LookupError(name)
    title = f"List {name}, {old} to {new}: {found.added} added, {found.changed} changed, {found.removed} removed"
    rows = [(each.entry, each.before or None, each.after or None) for each in found.changes]
    return Reply(found, [show.table(title, ("entry", f"in version {old}", f"in version {new}"), rows)])


@watchlist.command("remove", example='starter watchlist remove ofac-sdn --reason "Superseded by another collection"')
@name
@reason
@pass_call
async def remove(call: Call, name: str, *, reason: str) -> Reply:
    """Take a list out of the register, with every version.

    Every open candidacy is screened again, without it. What officers said of its hits stays on file.
    """
    removal = files.build(ListRemoval, name=name, reason=reason)
    told = await (await call.desk()).remove_list(removal)
    return Reply({"name": name, "rescreened": told}, [f"List {name} is removed. Screened again: {told}."])


@watchlist.command("rescreen", example="starter watchlist rescreen")
@pass_call
async def rescreen(call: Call) -> Reply:
    """Screen every open candidacy again, participants included.

    This happens by itself when a list is imported or removed, and once a day. A hit that was resolved stays resolved
    unless the entry says something else now.
    """
    told = await (await call.desk()).rescreen()
    return Reply({"rescreened": told}, [f"Screened again: {show.counted(told, 'candidacy')}."])


@contextmanager
def _handed_in(folder: Path, path: Path) -> Iterator[str]:
    """A copy of a file in the folder that the workers share, under its digest; gone when the import is over."""
    try:
        given = path.open("rb")
    except OSError as wrong:
        raise Failure(Kind.BAD_INPUT, f"{path.name}: {wrong.strerror}") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with given, NamedTemporaryFile(dir=folder, delete=False) as copy:
            while block := given.read(_BLOCK):
                digest.update(block)
                copy.write(block)
        handed_in = folder / digest.hexdigest()
        # Lists are public, and a worker in a container is another user.
        Path(copy.name).chmod(0o644)
        os.replace(copy.name, handed_in)  # noqa: PTH105  the name is text
    except OSError as wrong:
        told = f"{path.name} cannot be copied to DESK_WATCHLIST_FOLDER: {wrong.strerror}"
        raise Failure(Kind.SETTING, told) from None
    try:
        yield digest.hexdigest()
    finally:
        handed_in.unlink(missing_ok=True)


@contextmanager
def _second(folder: Path, path: Path | None) -> Iterator[str | None]:
    if path is None:
        yield None
        return
    with _handed_in(folder, path) as digest:
        yield digest


def _told(version: ListVersion) -> str:
    told = (
        f"List {version.watchlist.name}, version {version.version}: {version.entries} people, {version.added} added, "
        f"{version.changed} changed, {version.removed} removed."
    )
    left_out = "; ".join(f"{why}: {number}" for why, number in sorted(version.skipped.items()))
    return f"{told} Left out: {left_out}." if left_out else told


def _table(title: str, versions: tuple[ListVersion, ...]) -> RenderableType:
    return show.table(
        title,
        ("list", "version", "publisher", "trust", "kind", "people", "added", "changed", "removed", "imported", "by"),
        (
            (
                each.watchlist.name, each.version, each.watchlist.publisher, each.watchlist.trust, each.watchlist.kind,
                each.entries, each.added, each.changed, each.removed, show.moment(each.imported), each.officer,
            )
            for each in versions
        ),
    )  # fmt: skip
