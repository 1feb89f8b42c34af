"""Who may import whom, read from the code itself."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("domain", "activities", "workflows", "letters", "adapters", "config", "worker", "starter")
LAW: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "letters": frozenset({"domain"}),
    "activities": frozenset({"domain"}),
    "workflows": frozenset({"domain", "activities"}),
    "adapters": frozenset({"domain", "activities.ports"}),
    # A connection to Temporal is made in one place for every side, and there is none without keys.
    "config": frozenset({"adapters.keys"}),
    "starter": frozenset({"config", "domain", "workflows"}),
    "worker": frozenset(OURS) - {"starter", "worker"},
}
OTHERS: dict[str, frozenset[str]] = {
    "domain": frozenset({"pydantic", "dateutil", "holidays", "anyascii"}),
    "letters": frozenset({"jinja2", "markupsafe"}),
    "activities": frozenset({"temporalio"}),
    "workflows": frozenset({"temporalio"}),
    "config": frozenset({"pydantic", "pydantic_settings", "dotenv", "temporalio"}),
    "starter": frozenset(
        {"temporalio", "pydantic", "pydantic_core", "click", "rich", "yaml", "jwt", "cryptography", "keyring"}
    ),
}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _modules() -> list[Path]:
    return sorted(path.relative_to(ROOT) for package in OURS for path in (ROOT / package).rglob("*.py"))


def _within(name: str, allowed: frozenset[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in allowed)


@pytest.mark.parametrize("module", _modules(), ids=str)
def test_a_module_imports_only_what_the_law_allows(module: Path) -> None:
    package = module.parts[0]
    allowed = LAW[package] | {package}
    ours = [name for name in _imports(ROOT / module) if name.split(".")[0] in OURS]
    assert [name for name in ours if not _within(name, allowed)] == []


@pytest.mark.parametrize("module", [module for module in _modules() if module.parts[0] in OTHERS], ids=str)
def test_a_module_reaches_outside_only_through_the_libraries_of_its_package(module: Path) -> None:
    allowed = OTHERS[module.parts[0]] | sys.stdlib_module_names | frozenset(OURS)
    assert [name for name in _imports(ROOT / module) if name.split(".")[0] not in allowed] == []


def test_the_domain_reads_no_clock_and_opens_nothing() -> None:
    # Names that would let time or the outside in; dates come in as arguments.
    forbidden = {"now", "today", "utcnow", "open", "print", "input", "environ"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {name}"
        for path in sorted((ROOT / "domain").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (name := node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
        in forbidden
    ]
    assert found == []


def test_nobody_but_the_tests_imports_worker_or_starter() -> None:
    packages = [package for package in OURS if package not in {"worker", "starter"}]
    importers = [
        str(module)
        for module in _modules()
        if module.parts[0] in packages
        and any(_within(name, frozenset({"worker", "starter"})) for name in _imports(ROOT / module))
    ]
    assert importers == []
