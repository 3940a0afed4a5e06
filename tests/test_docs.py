"""The documents keep their word: their commands and examples run, and every plugin has its place.

Commands stand in blocks of three kinds. Those of `sh` run, tiny, one after the other from an empty
folder; those of `sh` with the title "costly" are composed, to the last cell, and those of `bench`
read; those of a block without a language need files or packages that a reader brings, and are read
by their verb's parser.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import ddbench
from ddbench.cli.main import VERBS, main, verb_parser
from ddbench.planning.cells import asked_cells
from ddbench.plugins.presets import preset_names
from ddbench.runs.compose import request_of
from ddbench.runs.option_groups import register
from ddbench.runs.overrides import readable
from ddbench.runs.registries import REGISTRIES
from ddbench.scoring.protocols import PROTOCOLS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ |srun )*(ddbench .*?)(?: &)?")
RUN, COSTLY, READ = "sh", 'sh title="costly"', ""
TINY = ["budget=smoke", "threads=1"]


def text_of(page: str) -> str:
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [block for kind, block in found if kind == language]


def commands(language: str) -> list[str]:
    """Commands without what a shell and a cluster make of them, each once."""
    lines = [
        COMMAND.fullmatch(line)
        for page in PAGES
        for block in blocks(page, language)
        for line in block.splitlines()
    ]
    return list(dict.fromkeys(found[1] for found in lines if found))


PYTHON = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page, "python"))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands of all pages follow each other."""
    return tmp_path_factory.mktemp("docs")


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DDBENCH_RUNS", raising=False)


@pytest.mark.parametrize("block", PYTHON)
def test_an_example_runs(block, here):
    exec(compile(block, "example", "exec"), {})


RUNNING = [
    pytest.param(one, id=one, marks=[pytest.mark.slow] if " -m " in one else [])
    for one in commands(RUN)
]


@pytest.mark.parametrize("command", RUNNING)
def test_a_command_runs(command, here, capsys):
    _, verb, *words = shlex.split(command)
    status = main([verb, *words, *(TINY if verb == "run" else [])])
    said = capsys.readouterr()
    if status == 2 and "needs a package that is not installed" in said.err:
        pytest.skip(said.err)
    assert status == 0, said.err
    assert said.out
    if "-m" in words:
        assert re.search(r"sweep: (\d+) of \1 cells done", said.out)


@pytest.mark.parametrize("command", commands(COSTLY))
def test_a_costly_command_is_composed(command):
    _, verb, *words = shlex.split(command)
    given = verb_parser(verb).read(words)
    assert verb in ("run", "plan", "show", "bench")
    if verb == "bench":
        return
    register()
    cells = asked_cells(readable(given.words), getattr(given, "multirun", False))
    for cell in {cells[0], cells[-1]}:
        assert request_of(cell)


@pytest.mark.parametrize("command", commands(READ))
def test_a_command_is_one_that_its_verb_reads(command):
    _, verb, *words = shlex.split(command)
    assert verb in VERBS
    assert verb_parser(verb).read(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_are_of_a_known_kind(page):
    kinds = {kind for kind, _ in BLOCK.findall(page.read_text(encoding="utf-8"))}
    assert kinds <= {RUN, COSTLY, READ, "python", "text"}


def sections(page: str) -> list[str]:
    """The names in headings that consist of a name in code."""
    return re.findall(r"^#+ `(\w+)`$", text_of(page), re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("methods", REGISTRIES["methods"].names()),
        ("evaluators", REGISTRIES["evaluators"].names()),
        ("protocols", [*PROTOCOLS, "whole"]),
        ("budgets", preset_names("budget")),
    ],
)
def test_each_has_its_section(page, names):
    assert sorted(sections(page)) == sorted(names)


def metrics() -> list[str]:
    """The metrics that evaluators name: what is written where a measurement is made."""
    found = set()
    for file in (ROOT / "evaluators").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Measurement" | "_combined"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    found.add(name)
    return sorted(found)


@pytest.mark.parametrize("metric", metrics())
def test_a_metric_is_explained(metric):
    assert f"`{metric}`" in text_of("evaluators")


def test_every_public_name_is_in_the_reference():
    named = re.findall(r"^::: ddbench\.\S*\.(\w+)$", text_of("reference"), re.MULTILINE)
    assert sorted([*named, "__version__"]) == sorted(ddbench.__all__)


@pytest.mark.parametrize("study", preset_names("study"))
def test_a_study_of_the_paper_is_named(study):
    if study.startswith(("table", "figure")):
        assert f"`{study}`" in text_of("paper")


KINDS = ["method", "evaluator", "dataset", "model", "importer"]
SOURCES = blocks(ROOT / "docs" / "kinds.md", "python")


def loaded(source: str, folder: Path) -> ModuleType:
    file = folder / "documented_plugin.py"
    file.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("kind", "source"), list(zip(KINDS, SOURCES, strict=True)), ids=KINDS)
def test_a_plugin_of_each_kind_keeps_its_promises(kind, source, tmp_path, monkeypatch, capsys):
    module = loaded(source, tmp_path)
    (cls,) = [v for v in vars(module).values() if getattr(v, "__module__", "") == module.__name__]
    name = cls.__name__.lower()
    monkeypatch.setitem(REGISTRIES[f"{kind}s"]._added, name, cls)
    status = main(["test", name, "--kind", kind])
    assert status == 0, capsys.readouterr().out


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert str(citation["version"]) == project["version"]
    assert citation["license"] == project["license"]


def test_what_two_core_hours_buy_agrees_with_the_study():
    study = yaml.safe_load((ROOT / "configs/study/an_hour_each.yaml").read_text(encoding="utf-8"))
    table = ROOT / "leaderboards/studies/an_hour_each/table.md"
    arms = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    section = text_of("budgets").split("## What two core hours buy")[1].split("\n## ")[0]
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| (.+?) \| (\S+) ± \S+ \| (\S+) ± \S+ \| (\S+) \|$",
        section,
        re.MULTILINE,
    )
    methods = {key.partition("=")[2] for key in study["labels"] if key.startswith("method=")}
    assert {method for method, *_ in rows} == methods
    for method, here, published, accuracy, gain, published_accuracy in rows:
        label = study["labels"][f"method={method}"]
        assert label.endswith(f" (published: {published_accuracy}, {published})")
        assert any(
            arm[0].startswith(f"{label}, {here}") and arm[1:3] == [accuracy, gain] for arm in arms
        ), (method, here, accuracy, gain)
