"""The public names for plugins: in one place, loaded when used, known to type checkers."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ddbench

TYPED = ast.parse(Path(str(ddbench.__file__)).read_text(encoding="utf-8"))
PROBE = """
import sys
import ddbench
known = dir(ddbench)
assert set(ddbench.__all__) <= set(known), known
print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "numpy", "omegaconf"}))
print([name for name in sys.modules if name.startswith("ddbench.")])
from ddbench import Method, UserError
print(Method.__module__, "torch" in sys.modules)
"""


def imported_for_type_checkers() -> dict[str, str]:
    """The module of each name that is imported under `if TYPE_CHECKING`."""
    blocks = [node for node in TYPED.body if isinstance(node, ast.If)]
    (block,) = [node for node in blocks if isinstance(node.test, ast.Name)]
    return {
        alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_importing_the_package_imports_nothing_else_until_a_name_is_used() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=False
    )
    assert answer.stdout.splitlines() == ["[]", "[]", "ddbench.distilling.method True"], (
        answer.stderr
    )


@pytest.mark.parametrize("name", ddbench.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(ddbench, name) is not None
    assert name in dir(ddbench)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Methods'"):
        ddbench.Methods  # noqa: B018
    with pytest.raises(ImportError, match="Methods"):
        exec("from ddbench import Methods")


def test_type_checkers_see_the_same_names_in_the_same_modules() -> None:
    assert imported_for_type_checkers() == ddbench._MODULES
    assert sorted(ddbench._MODULES) == sorted({*ddbench.__all__} - {"__version__"})
