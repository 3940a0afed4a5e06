"""The rooms of the repository, and the arrows between them, read from the sources."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import ddbench

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {"ddbench", "methods", "evaluators", "configs", "leaderboards", "tests", "docs"}
CODE_ROOMS = ("ddbench", "methods", "evaluators")
TOP_FILES = {
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "mkdocs.yml",  # mkdocs takes no configuration within the folder of its pages
    "pyproject.toml",
}
# Which rooms a room may import besides itself.
ARROWS = {"ddbench": set(), "methods": {"ddbench"}, "evaluators": {"ddbench"}}
# The floors of the harness, the lowest first: a module imports from its own room and from floors
# below it, for typing alike. Rooms of one floor do not know each other.
FLOORS = (
    {"errors"},
    {"plugins", "store"},
    {"records", "figures"},  # no torch up to here
    {"runtime"},
    {"data"},
    {"models"},
    {"training"},
    {"teachers"},
    {"distilling"},
    {"scoring"},
    {"runs"},
    {"studies", "leaderboard", "bench"},
    {"planning"},
    {"api"},
    {"testing"},
    {"cli"},
    {"__init__", "__main__"},
)
MOST_ENTRIES = 22
# What methods and evaluators may use besides the public names of `ddbench`; its documentation says
# what each is for. A package stands for its modules.
HELPERS = {
    "ddbench.data.augmentation.choices",
    "ddbench.data.augmentation.dsa",
    "ddbench.data.real_images",
    "ddbench.distilling.method_style",
    "ddbench.distilling.tiles",
    "ddbench.figures",
    "ddbench.models.nas_bench_201",
    "ddbench.models.spec",
    "ddbench.records.cost",
    "ddbench.records.statistics",
    "ddbench.records.units",
    "ddbench.runtime.randomness",
    "ddbench.scoring.curves",
    "ddbench.scoring.protocols",
    "ddbench.scoring.students",
    "ddbench.store.files",
    "ddbench.training.dynamics",
    "ddbench.training.lab",
    "ddbench.training.loop",
    "ddbench.training.schedule",
}
VERBS = {"run", "evaluate"}
# Names of plugins that the harness may use because they also mean something else there: the
# control is configuration, DSA is an augmentation, and the others are what is being measured.
ORDINARY_WORDS = {"random", "dsa", "accuracy", "memory", "runtime", "storage"}


@dataclass(frozen=True)
class Import:
    """One imported module, with the name it is known by in the repository."""

    file: Path
    line: int
    target: str
    relative: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.target}"


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(file: Path) -> Iterator[Import]:
    """What a file imports; `from .a import b` gives both `room.a` and `room.a.b`."""
    package = list(file.relative_to(ROOT).parent.parts)
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, False)
        elif isinstance(node, ast.ImportFrom):
            climbed = package[: len(package) - node.level + 1] if node.level else []
            if node.level > len(package):
                climbed = [".."]  # above the room
            base = ".".join([*climbed, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(file, node.lineno, f"{base}.{alias.name}", node.level > 0)


def room_of(target: str) -> str:
    """The room of a module's name; `ddbench.methods.x` is in the room methods."""
    parts = target.split(".")
    if parts[0] == "ddbench" and len(parts) > 1 and parts[1] in ROOMS:
        return parts[1]
    return parts[0]


@pytest.mark.parametrize("room", CODE_ROOMS)
def test_imports_follow_the_arrows(room):
    allowed = {room, *ARROWS[room]}
    wrong = [
        str(found)
        for file in sources(room)
        for found in imports(file)
        if room_of(found.target) in ROOMS - allowed or found.target.startswith("..")
    ]
    assert wrong == []


@pytest.mark.parametrize("room", CODE_ROOMS)
def test_imports_within_a_room_are_relative(room):
    wrong = [
        str(found)
        for file in sources(room)
        for found in imports(file)
        if room_of(found.target) == room and not found.relative
    ]
    assert wrong == []


def module_name(file: Path) -> str:
    """The dotted name of a file below the root, a package by its own name."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> int:
    room = module.split(".")[1] if "." in module else "__init__"
    (floor,) = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    return floor


@cache
def harness_imports() -> dict[str, dict[str, Import]]:
    """What each module of the harness imports from it, by module."""
    modules = {module_name(file) for file in sources("ddbench")}
    return {
        module_name(file): {
            target: found
            for found in imports(file)
            for target in [
                found.target if found.target in modules else found.target.rpartition(".")[0]
            ]
            if target in modules and target != module_name(file)
        }
        for file in sources("ddbench")
    }


def test_every_entry_of_the_harness_has_a_floor():
    entries = {
        path.stem
        for path in (ROOT / "ddbench").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert entries == set().union(*FLOORS)
    assert len(entries) <= MOST_ENTRIES


def test_no_arrow_leads_up_from_a_floor_to_a_higher_one_or_across():
    wrong = [
        str(found)
        for module, targets in harness_imports().items()
        for target, found in targets.items()
        if target.split(".")[:2] != module.split(".")[:2] and floor_of(target) >= floor_of(module)
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: set(targets) for module, targets in harness_imports().items()}
    # A module that imports nothing that is left cannot be on a cycle.
    while free := {module for module, targets in graph.items() if not targets & graph.keys()}:
        graph = {module: targets for module, targets in graph.items() if module not in free}
    assert sorted(graph) == []


def test_methods_and_evaluators_use_the_public_names_and_the_documented_helpers():
    public = {f"ddbench.{name}" for name in ddbench.__all__}
    wrong, used = [], set()
    for room in ("methods", "evaluators"):
        for file in sources(room):
            for found in imports(file):
                if found.relative or room_of(found.target) != "ddbench" or found.target in public:
                    continue
                helpers = {name for name in HELPERS if found.target.startswith(f"{name}.")}
                used |= helpers
                if not helpers:
                    wrong.append(str(found))
    assert wrong == []
    assert used == HELPERS
    assert [name for name in HELPERS if f"`{name}`" not in str(ddbench.__doc__)] == []


def test_nothing_imports_a_plugin_by_its_module_name():
    """The harness loads plugins by name; a second way in would make a second module object."""
    wrong = [
        str(found)
        for room in (*CODE_ROOMS, "tests")
        for file in sources(room)
        for found in imports(file)
        if not found.relative and room_of(found.target) in {"methods", "evaluators"}
    ]
    assert wrong == []


def test_no_module_hides_a_verb_of_the_package():
    children = {path.stem for path in (ROOT / "ddbench").iterdir()}
    assert children & VERBS == set()


def test_no_module_is_called_utils():
    forbidden = {"utils", "util", "helpers", "misc"}
    assert [file for room in ROOMS for file in sources(room) if file.stem in forbidden] == []


def docstrings(tree: ast.Module) -> set[int]:
    """The ids of the nodes that are documentation: strings standing alone as a statement."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def words(file: Path) -> Iterator[tuple[int, str]]:
    """Identifiers, string constants, and the last part of constants that look like modules."""
    tree = parsed(file)
    documentation = docstrings(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documentation:
                yield line, text
                yield line, text.removesuffix(".py").replace("/", ".").rpartition(".")[2]
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield line, name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.alias(name=name):
                yield line, name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield line, name


def test_the_harness_names_no_method_and_no_evaluator():
    plugins = {file.stem for room in ("methods", "evaluators") for file in sources(room)}
    plugins = {name for name in plugins if not name.startswith("_")} - ORDINARY_WORDS
    wrong = [
        f"{file.relative_to(ROOT)}:{line} names {word}"
        for file in sources("ddbench")
        for line, word in words(file)
        if word.lower() in plugins
    ]
    assert wrong == []


def test_top_level_holds_the_rooms_and_nothing_else():
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    paths = [Path(name) for name in listing.stdout.split("\0") if name]
    top = {path.parts[0] for path in paths if not path.parts[0].startswith(".")}
    assert top == ROOMS | TOP_FILES
