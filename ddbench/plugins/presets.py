"""The YAML files of `configs/`: presets of a group, and recipes."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # eight times as fast, where it was built


def read_yaml(text: str) -> Any:
    """The plain values of a YAML text.

    Raises:
        yaml.YAMLError: for what is none.
    """
    return yaml.load(text, _LOADER)


def preset(group: str, name: str) -> Any:
    """The content of `configs/<group>/<name>.yaml`, empty where there is no such file."""
    file = files("ddbench.configs").joinpath(group, f"{name}.yaml")
    if not file.is_file():
        return {}
    return read_yaml(file.read_text(encoding="utf-8")) or {}


def preset_names(group: str) -> list[str]:
    """The names of a group's files, sorted."""
    folder = files("ddbench.configs").joinpath(group)
    if not folder.is_dir():
        return []
    return sorted(
        f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")
    )


def first_comment(group: str, name: str) -> str:
    """The first sentence of the comment that a file begins with."""
    text = files("ddbench.configs").joinpath(group, f"{name}.yaml").read_text(encoding="utf-8")
    lines = [line[2:] for line in text.splitlines() if line.startswith("# ") and "@" not in line]
    return " ".join(lines).partition(". ")[0].rstrip(".")
