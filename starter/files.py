"""Files that an officer hands in: YAML, JSON and CSV, and errors that name the file, the line, the field and the rule.

YAML is read by the core rules of YAML 1.2: ``true`` and ``false`` are the only truth values, so that ``no`` and
``Null`` stay the words they are; a date stays text until a model asks for one. Anchors, aliases and tags, several
documents in one file and a key given twice are refused. No error quotes what a file holds.
"""

import csv
import hashlib
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.criteria import CriteriaSet
from domain.people import Nomination
from domain.session import SessionPlan
from domain.suspension import Evidence
from starter.failures import Failure, Kind
from starter.references import EXAMPLES

MAX_DOCUMENT: Final = 1 << 20
"""Bytes of a YAML or JSON file."""
MAX_TABLE: Final = 16 << 20
"""Bytes of a CSV file."""
MAX_DEPTH: Final = 32
"""Levels of lists and mappings in a file; the deepest model has six."""
STANDARD_INPUT: Final = "-"

SHIPPED_CRITERIA: Final = Path(str(resources.files("config"))) / "criteria" / "2026.1.yaml"
"""The criteria of a session whose plan names none."""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "family_name": ("candidate", "family_name"),
    "given_name": ("candidate", "given_name"),
    "patronymic": ("candidate", "patronymic"),
    "birth_date": ("candidate", "birth_date"),
    "other_names": ("candidate", "other_names"),
    "email": ("candidate", "email"),
    "language": ("candidate", "language"),
    "nominator_name": ("nominator", "name"),
    "nominator_email": ("nominator", "email"),
    "nominator_language": ("nominator", "language"),
    "organisation": ("organisation",),
    "seat": ("seat",),
    "statement": ("statement",),
    "distinct_from": ("distinct_from",),
}
"""The columns of a table of nominations, and the field that each one fills. An empty cell leaves its field out."""
REQUIRED_COLUMNS: Final = ("family_name", "given_name", "birth_date", "email", "nominator_name", "nominator_email")
SEPARATOR: Final = "|"
"""Between the names in one cell of ``other_names``."""

M = TypeVar("M", bound=BaseModel)
Location = tuple[int | str, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file. ``line`` counts from 1; ``field`` is empty where it is the whole file."""

    file: str
    line: int | None
    field: str
    rule: str

    def __str__(self) -> str:
        """The problem in one line."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.field}: {self.rule}" if self.field else f"{place}: {self.rule}"


class BadInput(Failure):
    """A file holds something that cannot be used; every problem that was found is in ``problems``.

    Args:
        problems: What is wrong.
        advice: What follows from it, and what to do.
    """

    def __init__(self, *problems: Problem, advice: str | None = None) -> None:
        first = str(problems[0])
        message = first if len(problems) == 1 else f"{len(problems)} problems; the first: {first}"
        super().__init__(Kind.BAD_INPUT, f"{message}; {advice}" if advice else message)
        self.problems = problems
        self.advice = advice

    @property
    def line(self) -> str:
        """What a person is told: a line per problem."""
        told = [f"bad input: {problem}" for problem in self.problems]
        return "\n".join([*told, self.advice] if self.advice else told)

    def document(self) -> dict[str, Any]:
        """What a program is told."""
        told = [
            {"file": problem.file, "line": problem.line, "field": problem.field or None, "rule": problem.rule}
            for problem in self.problems
        ]
        return super().document() | {"problems": told}


@dataclass(frozen=True)
class Document:
    """What a YAML or JSON file holds.

    Attributes:
        name: The file, as errors call it.
        folder: From where the file's own references to other files count.
        value: Its content in mappings, lists, text, whole numbers, truth values and None.
        marks: Finds out where everything stands; None where that cannot be told.
    """

    name: str
    folder: Path
    value: Any
    marks: Callable[[], yaml.Node | None]

    def line(self, location: Location) -> int | None:
        """The line on which a value stands, or the innermost value around it that is there."""
        node = self.marks()
        if node is None:
            return None
        mark = node.start_mark
        for step in location:
            if isinstance(node, yaml.MappingNode):
                found = next(((key, item) for key, item in node.value if key.value == str(step)), None)
                if found is None:
                    break
                mark, node = found[0].start_mark, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                mark = node.start_mark
            else:
                break
        return int(mark.line) + 1


def read(path: str, model: type[M]) -> M:
    """Read a YAML or JSON file as a model; ``-`` is the standard input.

    Raises:
        BadInput: The file cannot be read, or is not what the model asks for.
    """
    document = load(path)
    return check(model, document, document.value)


def read_plan(path: str) -> SessionPlan:
    """Read the plan of a session.

    ``criteria`` may be written out, name a file beside this one, or be left out for the criteria that are shipped.

    Raises:
        BadInput: The plan or its criteria cannot be used.
    """
    document = load(path)
    value = document.value
    if isinstance(value, dict):
        named = value.get("criteria", str(SHIPPED_CRITERIA))
        if isinstance(named, str):
            value = value | {"criteria": read(str(document.folder / named), CriteriaSet)}
    return check(SessionPlan, document, value)


def read_text(path: str) -> str:
    """Read a text file.

    Raises:
        BadInput: It cannot be read.
    """
    return _text(path, MAX_DOCUMENT)


def evidence(value: str) -> Evidence:
    """What a case rests on: an address in the web as it is, a file by its name and the digest of its content.

    Raises:
        BadInput: It is a file that cannot be read.
        Failure: Its name cannot be kept.
    """
    if re.match(r"https?://", value):
        return build(Evidence, options={"source": "--evidence"}, source=value)
    path = Path(value)
    hashed = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(MAX_DOCUMENT):
                hashed.update(part)
    except OSError as failed:
        rule = f"cannot be read: {failed.strerror}; give a file, or an address that begins with https://"
        raise BadInput(Problem(value, None, "evidence", rule)) from None
    return build(Evidence, options={"source": "--evidence"}, source=path.name, sha256=hashed.hexdigest())


def load(path: str) -> Document:
    """Read a YAML or JSON file; which of the two it is, its name says, or else its first character.

    Raises:
        BadInput: It cannot be read.
    """
    name = _name(path)
    text = _text(path, MAX_DOCUMENT)
    suffix = Path(path).suffix.lower()
    as_json = suffix == ".json" or (suffix not in {".yaml", ".yml"} and text.lstrip().startswith(("{", "[")))
    marks: Callable[[], yaml.Node | None]
    if as_json:
        value, marks = _from_json(name, text), cache(lambda: _json_marks(text))
    else:
        node = _compose(name, text)
        value, marks = _value(name, node, ()), lambda: node
    if value is None:
        raise BadInput(Problem(name, None, "", "is empty"))
    return Document(name=name, folder=Path(path).parent, value=value, marks=marks)


def check(model: type[M], document: Document, value: Any, at: Location = ()) -> M:
    """A value of a document as a model.

    Args:
        model: What it should be.
        document: Where it stands.
        value: The value.
        at: Where in the document it stands.

    Raises:
        BadInput: It is not that; every problem has its line.
    """
    try:
        return model.model_validate(value)
    except ValidationError as wrong:
        problems = []
        for error in _errors(wrong):
            location = (*at, *error["loc"])
            problems.append(Problem(document.name, document.line(location), _field(error["loc"]), _rule(error)))
        raise BadInput(*problems) from None


def build(model: type[M], *, options: Mapping[str, str] | None = None, **values: Any) -> M:
    """A model from what was given on the command line; an option that was not given is left out.

    Args:
        model: What it should be.
        options: The option of each field that is called otherwise than its field.
        values: The fields.

    Raises:
        Failure: An option's value cannot be used; the message names the option.
    """
    called = options or {}
    try:
        return model.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as wrong:
        told = []
        for error in _errors(wrong):
            field = str(error["loc"][0]) if error["loc"] else ""
            option = called.get(field) or f"--{field.replace('_', '-')}"
            told.append(f"{option}: {_rule(error)}" if field else _rule(error))
        raise Failure(Kind.USAGE, "; ".join(told)) from None


@dataclass(frozen=True)
class Row:
    """One nomination that was handed in: where it stands, and either it can be used or it has problems."""

    source: str
    nomination: Nomination | None = None
    problems: tuple[Problem, ...] = ()


def nominations(path: str, *, table: bool) -> Iterator[Row]:
    """The nominations in a file, in order. A file that cannot be read is one row with its problem.

    Args:
        path: YAML or JSON with one nomination or a list of them; or a table.
        table: Whether it is a CSV file, whatever its name.
    """
    try:
        if table or Path(path).suffix.lower() == ".csv":
            yield from _from_table(path)
        else:
            yield from _from_document(load(path))
    except BadInput as bad:
        yield Row(source=_name(path), problems=bad.problems)


def _from_document(document: Document) -> Iterator[Row]:
    many = isinstance(document.value, list)
    for number, value in enumerate(document.value if many else [document.value]):
        at: Location = (number,) if many else ()
        line = document.line(at)
        source = document.name if line is None else f"{document.name}:{line}"
        try:
            yield Row(source=source, nomination=check(Nomination, document, value, at))
        except BadInput as bad:
            yield Row(source=source, problems=bad.problems)


def _from_table(path: str) -> Iterator[Row]:
    name = _name(path)
    text = _text(path, MAX_TABLE)
    first = text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        header = _header(name, next(lines, []))
        line = lines.line_num + 1
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield _from_cells(name, line, header, cells)
            line = lines.line_num + 1
    except csv.Error as wrong:
        raise BadInput(Problem(name, line, "", f"is not CSV: {wrong}")) from None


def _header(name: str, cells: Sequence[str]) -> tuple[str, ...]:
    header = tuple(cell.strip().lower() for cell in cells)
    unknown = [number for number, column in enumerate(header, 1) if column not in COLUMNS]
    problems = [
        Problem(name, 1, column, "is missing in the header row") for column in REQUIRED_COLUMNS if column not in header
    ]
    problems += [Problem(name, 1, f"column {number}", f"must be one of {', '.join(COLUMNS)}") for number in unknown]
    problems += [
        Problem(name, 1, column, "is in the header row more than once")
        for column in COLUMNS
        if header.count(column) > 1
    ]
    if problems:
        raise BadInput(*problems)
    return header


def _from_cells(name: str, line: int, header: tuple[str, ...], cells: Sequence[str]) -> Row:
    source = f"{name}:{line}"
    if len(cells) != len(header):
        rule = f"has {len(cells)} cells, and the header row has {len(header)}"
        return Row(source=source, problems=(Problem(name, line, "", rule),))
    fields: dict[str, Any] = {"candidate": {}, "nominator": {}}
    for column, cell in zip(header, cells, strict=True):
        if not cell.strip():
            continue
        *outer, field = COLUMNS[column]
        into = fields[outer[0]] if outer else fields
        into[field] = cell.split(SEPARATOR) if column == "other_names" else cell
    try:
        return Row(source=source, nomination=Nomination.model_validate(fields))
    except ValidationError as wrong:
        return Row(
            source=source,
            problems=tuple(Problem(name, line, _column(error["loc"]), _rule(error)) for error in _errors(wrong)),
        )


def _column(location: Location) -> str:
    return next((column for column, field in COLUMNS.items() if location[: len(field)] == field), _field(location))


def _name(path: str) -> str:
    return "standard input" if path == STANDARD_INPUT else path


def _text(path: str, limit: int) -> str:
    """The file's text, without a byte-order mark."""
    name = _name(path)

    def bad(rule: str) -> NoReturn:
        raise BadInput(Problem(name, None, "", rule)) from None

    try:
        if path == STANDARD_INPUT:
            content = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(path).open("rb") as file:
                content = file.read(limit + 1)
    except OSError as wrong:
        bad(f"cannot be read: {wrong.strerror}")
    except ValueError:
        bad("cannot be read: the path holds a NUL character")
    if len(content) > limit:
        bad(f"is larger than {limit >> 20} MiB")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        bad("is UTF-16; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        offset = wrong.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        bad(f"is not UTF-8: byte {offset} (0x{content[offset]:02X}) cannot be read; save it as UTF-8")
    if not text.strip():
        bad("is empty")
    if "\0" in text:
        raise BadInput(Problem(name, text[: text.index("\0")].count("\n") + 1, "", "holds a NUL character"))
    return text


_TOO_DEEP: Final = f"is nested more than {MAX_DEPTH} levels deep"


def _from_json(name: str, text: str) -> Any:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(items)
        if len(fields) < len(items):
            # Read as YAML, the same mistake has a line.
            _value(name, _json_marks(text), ())
            raise BadInput(Problem(name, None, "", "gives a field more than once"))
        return fields

    def constant(word: str) -> NoReturn:
        raise BadInput(Problem(name, None, "", f"is not JSON: {word} is no number"))

    def number(digits: str) -> int | str:
        # A number too long for any field would also be too long for Python to read.
        return int(digits) if len(digits) <= _DIGITS else digits

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_float=str, parse_int=number)
    except json.JSONDecodeError as wrong:
        raise BadInput(Problem(name, wrong.lineno, "", f"is not JSON: {wrong.msg} (column {wrong.colno})")) from None
    except RecursionError:
        raise BadInput(Problem(name, None, "", _TOO_DEEP)) from None
    if _deeper(value, MAX_DEPTH):
        raise BadInput(Problem(name, None, "", _TOO_DEEP))
    return value


def _json_marks(text: str) -> yaml.Node | None:
    # JSON is read as YAML for its lines alone. In JSON a tab can only stand between values, where YAML has no use for
    # it; what YAML cannot read all the same has no lines.
    try:
        return _Composer(text.replace("\t", " ")).get_single_node()
    except yaml.YAMLError:
        return None


def _deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (levels == 0 or any(_deeper(item, levels - 1) for item in inner))


_DIGITS: Final = 18
_WHOLE: Final = re.compile(rf"-?(0|[1-9][0-9]{{0,{_DIGITS - 1}}})")
_WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}


class _Refused(yaml.MarkedYAMLError):
    """YAML that is right, and that no file of the desk needs."""


class _Composer(yaml.BaseLoader):
    """Composes the nodes of one plain document; refuses what could make a small file a large value."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        rule = None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            rule = "anchors and aliases are not taken; write the value out"
        elif getattr(event, "tag", None) not in {None, "!"}:
            rule = "tags are not taken"
        elif self._level >= MAX_DEPTH:
            rule = _TOO_DEEP
        if rule is not None:
            raise _Refused(None, None, rule, event.start_mark)
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        return node


def _compose(name: str, text: str) -> yaml.Node | None:
    try:
        return _Composer(text).get_single_node()
    except _Refused as refused:
        raise BadInput(Problem(name, _marked(refused), "", str(refused.problem))) from None
    except yaml.MarkedYAMLError as wrong:
        raise BadInput(Problem(name, _marked(wrong), "", _yaml_rule(wrong))) from None
    except yaml.reader.ReaderError as wrong:
        line = text.count("\n", 0, wrong.position) + 1
        code = ord(wrong.character) if isinstance(wrong.character, str) else wrong.character
        raise BadInput(Problem(name, line, "", f"is not YAML: U+{code:04X} is not printable")) from None


def _marked(error: yaml.MarkedYAMLError) -> int | None:
    mark = error.problem_mark or error.context_mark
    return None if mark is None else mark.line + 1


def _yaml_rule(error: yaml.MarkedYAMLError) -> str:
    if "single document" in (error.context or ""):
        return "holds more than one document; put each into its own file"
    if "'\\t'" in (error.problem or ""):
        return "is not YAML: a tab cannot indent; use spaces"
    return f"is not YAML: {error.problem}"


def _value(name: str, node: yaml.Node | None, at: Location) -> Any:
    match node:
        case None:
            return None
        case yaml.MappingNode():
            fields: dict[str, Any] = {}
            for key, item in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    raise BadInput(Problem(name, line, _field(at), "the name of a field must be text"))
                if key.value in fields:
                    raise BadInput(Problem(name, line, _field((*at, key.value)), "is given more than once"))
                fields[key.value] = _value(name, item, (*at, key.value))
            return fields
        case yaml.SequenceNode():
            return [_value(name, item, (*at, number)) for number, item in enumerate(node.value)]
        case yaml.ScalarNode(value=str(text), style=None):
            return _WORDS[text] if text in _WORDS else int(text) if _WHOLE.fullmatch(text) else text
        case _:
            return node.value


def _errors(wrong: ValidationError) -> list[ErrorDetails]:
    """What is wrong, once: a list whose items are all wrong is not too short as well."""
    errors = wrong.errors(include_url=False)
    inside = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    return [error for error in errors if error["type"] != "too_short" or error["loc"] not in inside]


_SHOWN: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


def _shown(step: int | str) -> str:
    # A field that is not ours may be a name that slipped to the left of the colon.
    return str(step) if _SHOWN.fullmatch(str(step)) else "…"


def _field(location: Location) -> str:
    return ".".join(_shown(step) for step in location)


_RULES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is no field that belongs here",
    "model_type": "must be a mapping of fields",
    "dict_type": "must be a mapping of fields",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "string_unicode": "must be text in whole characters",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "fraction_type": "must be a share such as 1/3 or 0.3",
    "fraction_parsing": "must be a share such as 1/3 or 0.3",
    "timezone_aware": "must be an instant with its zone, such as 2026-01-31T09:00:00+01:00",
}


def _rule(error: ErrorDetails) -> str:
    """What is asked of a value, in the desk's words."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _RULES:
        return _RULES[kind]
    match kind:
        case "string_type":
            return "must be text" + ("; put it into quotes" if isinstance(error["input"], int) else "")
        case "string_too_short" | "too_short" if context["min_length"] == 1:
            return "must not be empty"
        case "string_too_long" | "too_long":
            what = "items" if kind == "too_long" else "characters"
            return f"must have at most {context['max_length']} {what}"
        case "string_pattern_mismatch" if context["pattern"] in EXAMPLES:
            return f"must look like {EXAMPLES[context['pattern']]}"
        case "date_from_datetime_parsing" | "date_parsing":
            return f"is no day of the calendar: {context['error']}"
    message = error["msg"].removeprefix("Value error, ")
    return re.sub(r"^(Input|String|Tuple|List) should ", "must ", message)
