"""A generated package for a plugin of the user's own, whose tests pass as generated.

Its files are rendered from the Jinja templates in `templates/`, which use << >> in place of braces
because GitHub workflows and TOML use braces themselves.
"""

from __future__ import annotations

import keyword
from importlib.resources import files
from pathlib import Path

from ..errors import UserError, shown
from .registry import name_problem

KINDS = ("method", "evaluator", "dataset", "model", "importer")
"""Kinds of plugin that have a template, whose file name is the plural."""


def check_new(noun: str, name: str, taken: bool) -> None:
    """Reject a name that the plugin of a package cannot have.

    Args:
        noun: the kind of plugin, one of `KINDS`.
        name: the plugin's name.
        taken: whether a plugin of this name exists already.

    Raises:
        UserError: with one line on what is wrong with the name.
    """
    problem = name_problem(name)
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        problem = "a word of Python cannot be the name of a module"
    if taken:
        problem = "the name is taken; choose another"
    if problem:
        raise UserError(f"{noun} {shown(name)}: {problem}")


def package_files(noun: str, name: str) -> dict[str, str]:
    """The files of a plugin's package: text by path.

    Args:
        noun: the kind of plugin, one of `KINDS`.
        name: the plugin's name, which `check_new` has accepted.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    module = name.replace("-", "_").lower()
    kind = f"{noun}s"
    values = {
        "noun": noun,
        "kind": kind,
        "name": name,
        "module": module,
        "package": f"ddbench_{module}",
        "distribution": f"ddbench-{module.replace('_', '-')}",
        "cls": "".join(part[:1].upper() + part[1:] for part in module.split("_")),
    }
    package = Path(values["package"])
    templates = {
        Path("pyproject.toml"): "pyproject.toml",
        Path("README.md"): "README.md",
        Path(".gitignore"): "gitignore",
        package / "__init__.py": "init.py",
        package / f"{module}.py": f"{kind}.py",
        Path("tests", f"test_{module}.py"): "test.py",
        Path(".github", "workflows", "test.yml"): "test.yml",
    }
    if noun == "method":
        templates |= {
            package / "configs" / "recipes" / f"{name}.yaml": "recipe.yaml",
            package / "configs" / "experiment" / f"{module}_small_steps.yaml": "experiment.yaml",
            Path("regression.yaml"): "regression.yaml",
            Path(".github", "workflows", "regress.yml"): "regress.yml",
        }
    folder = files(__package__).joinpath("templates")
    return {
        path.as_posix(): environment.from_string(
            folder.joinpath(f"{template}.template").read_text(encoding="utf-8")
        ).render(values)
        for path, template in templates.items()
    }


def write_package(made: dict[str, str], folder: Path) -> None:
    """Write the files of a package into a folder that is empty or does not exist.

    Raises:
        UserError: if something is there already, or cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} is there already; choose another with --to FOLDER")
        for name, text in made.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = f"{error.strerror}; choose another folder with --to FOLDER"
        raise UserError(f"cannot write {error.filename or folder}: {reason}") from error
