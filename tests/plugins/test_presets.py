"""A user's own presets, in a package or a folder, are found like ddbench's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packages import Package

import ddbench
from ddbench import UserError
from ddbench.plugins.presets import (
    VARIABLE,
    folders,
    given_folder,
    own_folder,
    preset,
    preset_names,
    preset_problems,
    searching,
)
from ddbench.plugins.recipes import layers
from ddbench.runs.compose import request_of

PEAR = '''
from dataclasses import dataclass
from ddbench import Method, MethodSettings, setting


class Pear(Method):
    """Never made here."""

    @dataclass
    class Settings(MethodSettings):
        weight: float = setting(1.0, "of a pear", above=0)

    def finish(self): ...
'''
RECIPE = """
- {budget: paper, source: "own measurements", settings: {weight: 2.0}}
- {budget: paper, dataset: digits, source: "own, digits", input_space: zca, settings: {weight: 3.0}}
"""
EXPERIMENT = """\
# @package _global_
# Heavy pears on digits.
defaults:
  - override /method: pear
  - override /dataset: digits
method:
  weight: 9
"""
STUDY = """\
title: How heavy
about: Two weights.
sweeps: ["experiment=heavy method.weight=1,2"]
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


FILES = {"recipes__pear": RECIPE, "experiment__heavy": EXPERIMENT, "study__weights": STUDY}


@pytest.fixture
def orchard(package: Package) -> Package:
    """A package with a method, and nothing beside it yet."""
    package.write({"pear.py": PEAR})
    package.install(methods="pear = orchard.pear:Pear")
    return package


def weight_of(*words: str) -> tuple[Any, str, str]:
    method = request_of([*words, "device=cpu"]).method
    return method.settings.weight, method.sources["weight"], method.input_space or ""


def check_all_are_found() -> None:
    assert weight_of("method=pear", "dataset=mnist5k")[:2] == (2, "recipe: own measurements")
    assert weight_of("method=pear", "dataset=digits") == (3, "recipe: own, digits", "zca")
    assert weight_of("experiment=heavy")[:2] == (9, "given")
    assert "weights" in preset_names("study")


def test_presets_beside_a_plugin_in_its_package_are_found(orchard: Package) -> None:
    write(orchard.folder / "orchard" / "configs", **FILES)
    orchard.forget()
    check_all_are_found()


def test_a_package_that_brings_presets_alone_is_found(package: Package, orchard: Package) -> None:
    write(orchard.folder / "beds" / "configs", **FILES)
    info = orchard.folder / "beds-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: beds\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ddbench.configs]\nbeds = beds\n")
    orchard.forget()
    check_all_are_found()


def test_presets_in_a_folder_are_found_while_it_is_searched(
    orchard: Package, tmp_path: Path
) -> None:
    folder = write(tmp_path / "a folder", **FILES)
    with searching(folder):
        check_all_are_found()
        assert given_folder() == folder
    assert given_folder() is None
    assert weight_of("method=pear", f"config_dir={folder}")[0] == 2
    assert weight_of("experiment=heavy", f"config_dir='{folder}'")[0] == 9
    assert weight_of("method=pear")[:2] == (1, "default")


def test_the_environment_names_a_folder(
    orchard: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(write(tmp_path / "mine", **FILES)))
    with searching(None):
        check_all_are_found()


def test_from_python_a_folder_is_a_key_of_the_run(tmp_path: Path) -> None:
    recipe = "- {budget: paper, source: mine, settings: {stop_after: 0}}\n"
    small = "# @package _global_\ndefaults:\n  - override /dataset: digits\n"
    folder = write(tmp_path / "mine", recipes__random=recipe, experiment__small=small)
    record = ddbench.run(
        ["budget=smoke", "device=cpu", "threads=1", "model.width=8", "budget.networks=1"],
        experiment="small",
        method="random",
        protocols=["hard"],
        config_dir=str(folder),
        runs_root=str(tmp_path / "runs"),
        quiet=True,
    )
    assert record.task.dataset.name == "digits"
    assert record.method.settings["stop_after"].source == "recipe: mine"


def test_names_of_this_program_are_taken(orchard: Package, tmp_path: Path) -> None:
    own = preset("experiment", "random")
    with (
        pytest.raises(UserError, match=r"experiment/random.yaml has a name of ddbench's own"),
        searching(write(tmp_path / "mine", experiment__random="seed: 7\n")),
    ):
        pass
    write(orchard.folder / "orchard" / "configs", experiment__random="seed: 7\n")
    orchard.forget()
    assert preset("experiment", "random") == own
    assert "is ignored: the name is taken" in preset_problems()["random"]


def test_this_program_is_searched_first_and_a_given_folder_before_packages(
    orchard: Package, tmp_path: Path
) -> None:
    beside = write(orchard.folder / "orchard" / "configs", experiment__heavy="seed: 1\n")
    orchard.forget()
    mine = write(tmp_path / "mine", experiment__heavy="seed: 2\n")
    assert preset("experiment", "heavy") == {"seed": 1}
    with searching(mine):
        assert folders() == (own_folder(), mine, beside)
        assert preset("experiment", "heavy") == {"seed": 2}


@pytest.mark.parametrize(
    ("text", "told"),
    [("- {source: x, iqc: 1}\n", "iqc"), ("a: [\n", "is not YAML"), ("- 3\n", "recipe pear.yaml")],
)
def test_a_damaged_recipe_is_one_line(
    text: str, told: str, orchard: Package, tmp_path: Path
) -> None:
    with searching(write(tmp_path / "mine", recipes__pear=text)):
        with pytest.raises(UserError) as error:
            layers("pear", "paper", "digits", 1)
        assert told in str(error.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"), searching(tmp_path / "nowhere"):
        pass
