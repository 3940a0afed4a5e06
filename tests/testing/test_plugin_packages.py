"""A plugin of each kind in a package that knows nothing but the public names of ddbench."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GARDEN = Path(__file__).with_name("garden")
PLUGINS = {
    "methods": "noise",
    "evaluators": "spread",
    "datasets": "stripes",
    "models": "perceptron",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ddbench(installed: Callable[[str], Any]) -> Any:
    """The command in an environment in which the package is installed."""
    return installed("garden")


def test_the_package_imports_public_names_and_libraries_alone() -> None:
    imported = set()
    for file in GARDEN.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add(str(node.module))
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    top = {name.partition(".")[0] for name in imported}
    assert top - set(sys.stdlib_module_names) == {"ddbench", "torch", "numpy"}
    assert not [name for name in imported if name.startswith("ddbench.")]


@pytest.mark.parametrize(("kind", "name"), PLUGINS.items())
def test_an_installed_plugin_is_listed(kind: str, name: str, ddbench: Any) -> None:
    answer = ddbench("list", kind)
    assert answer.status == 0
    row = next(line for line in answer.out.splitlines() if line.startswith(f"{name} "))
    assert f"from garden.{name}:{name.capitalize()}" in row


def test_installed_plugins_run_together(ddbench: Any) -> None:
    answer = ddbench(
        "run", "method=noise", "method.spread=0.2", "dataset=stripes", "model=perceptron",
        "evaluators=[accuracy,spread]", "protocols=[hard]", "budget=smoke", "threads=1",
    )  # fmt: skip
    assert answer.status == 0, answer.err
    assert "noise on stripes, ipc 1, perceptron" in answer.out
    assert "pixel spread" in answer.out.replace("_", " ")


def test_all_plugins_of_other_packages_keep_their_promises(ddbench: Any) -> None:
    answer = ddbench("test")
    assert answer.status == 0, answer.out + answer.err
    for kind, name in PLUGINS.items():
        heading = f"{kind.removesuffix('s')} {name}"
        assert f"{heading}\n  holds   loads as a class of its kind" in answer.out
    assert "BROKEN" not in answer.out
    assert "skipped" not in answer.out
    assert answer.out.endswith("4 of 4 plugins keep their promises\n")
