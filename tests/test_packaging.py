"""What is installed is what is in the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
INSTALLED_AS = {
    "ddbench": "ddbench",
    "configs": "ddbench/configs",
    "evaluators": "ddbench/evaluators",
    "leaderboards": "ddbench/leaderboards",
    "methods": "ddbench/methods",
}
PAGE = ("html", "css", "js")
# Which files of a room belong to the package; results are measurements, not software.
INSTALLED_FILES = {
    "ddbench": (
        "**/*.py",
        "py.typed",
        *(f"leaderboard/page*.{end}" for end in PAGE),
        "plugins/templates/*",
    ),
    "configs": ("**/*.py", "**/*.yaml"),
    "evaluators": ("**/*.py",),
    "leaderboards": ("*.py", "published/*", "regression.json"),
    "methods": ("**/*.py",),
}
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of what the wheel is made from: building leaves folders behind."""
    copy = tmp_path_factory.mktemp("tree")
    for name in INSTALLED_AS:
        ignored = shutil.ignore_patterns("__pycache__", "results")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory) -> dict[str, bytes]:
    """The files of a wheel built from the copy, without the network."""
    out = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=tree, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    (file,) = out.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def expected_files(tree: Path) -> dict[str, bytes]:
    return {
        f"{INSTALLED_AS[room]}/{file.relative_to(tree / room).as_posix()}": file.read_bytes()
        for room, patterns in INSTALLED_FILES.items()
        for pattern in patterns
        for file in (tree / room).glob(pattern)
        if file.is_file()
    }


def metadata(wheel: dict[str, bytes], name: str) -> str:
    (found,) = [file for file in wheel if file.endswith(f".dist-info/{name}")]
    return wheel[found].decode()


def test_the_wheel_holds_exactly_the_files_of_the_tree(tree, wheel):
    expected = expected_files(tree)
    packed = {name: data for name, data in wheel.items() if ".dist-info/" not in name}
    assert sorted(packed) == sorted(expected)
    assert packed == expected
    assert "ddbench/py.typed" in packed


def test_the_wheel_names_its_command_and_licence(wheel):
    assert "ddbench = ddbench.cli.main:main" in metadata(wheel, "entry_points.txt")
    assert "License-Expression: MIT" in metadata(wheel, "METADATA")
    assert metadata(wheel, "licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_listed_packages_are_those_of_the_tree():
    folders = {
        (room, file.parent.relative_to(ROOT / room))
        for room in INSTALLED_AS
        for file in (ROOT / room).rglob("*.py")
    }
    packages = {
        ".".join([*INSTALLED_AS[room].split("/"), *folder.parts]) for room, folder in folders
    }
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(packages)


def test_every_package_has_an_init_file():
    """Without one an editable install does not find the room."""
    folders = {file.parent for room in INSTALLED_AS for file in (ROOT / room).rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_no_dependency_is_held_back_without_a_reason():
    project = PROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    pinned = [entry for group in groups for entry in group if re.search(r"===?|~=|<", entry)]
    # Hydra 1.4 brings OmegaConf 2.4, which resolves structured configurations differently.
    assert pinned == ["hydra-core>=1.3.2,<1.4", "omegaconf>=2.3,<2.4"]


EDITABLE = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
WITHOUT_FINDERS = """
import sys
sys.meta_path = [one for one in sys.meta_path if "Editable" not in getattr(one, "__name__", "")]
import ddbench.methods.random, ddbench.configs
print(ddbench.__file__, ddbench.methods.random.__file__, ddbench.configs.__file__)
"""


def test_an_editable_install_is_a_path_on_which_type_checkers_find_the_package(tree, tmp_path):
    command = [sys.executable, "-c", EDITABLE, str(tmp_path)]
    subprocess.run(command, cwd=tree, capture_output=True, check=True)
    (file,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        (path,) = [archive.read(name) for name in archive.namelist() if name.endswith(".pth")]
    assert path.decode().splitlines() == [str(tree)]
    assert (tree / "ddbench" / "py.typed").exists()


def test_on_that_path_the_rooms_of_plugins_are_found(tree):
    command = [sys.executable, "-c", WITHOUT_FINDERS]
    env = {**os.environ, "PYTHONPATH": str(tree)}
    told = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tree, check=False)
    places = ["ddbench/__init__.py", "methods/random.py", "configs/__init__.py"]
    assert told.stdout.split() == [str(tree / place) for place in places], told.stderr
