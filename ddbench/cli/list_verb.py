"""`ddbench list`: what there is, by name, without importing any of it."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

import yaml
from tabulate import tabulate

from ..errors import UserError, unknown_name
from ..plugins.presets import first_comment, preset_names
from ..runs.registries import REGISTRIES
from ..runtime.folders import runs_root
from ..studies.study import load_study, study_names
from .arguments import words_and_options

KINDS = (*REGISTRIES, "experiments", "runs")


def list_names(arguments: Sequence[str]) -> int:
    """Print the names of one kind that match a pattern."""
    words, options = words_and_options(arguments, ["runs_root"])
    if not 1 <= len(words) <= 2:
        raise UserError(f"list what? one of {', '.join(KINDS)}, and perhaps a pattern such as 'a*'")
    kind, pattern = words[0], words[1] if len(words) == 2 else "*"
    if kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    rows: Sequence[tuple[str, ...]]
    if kind == "runs":
        root = runs_root(options.get("runs_root"))
        rows, place = _runs(pattern, root), f" in {root.absolute()}"
    elif options:
        raise UserError("runs_root: only `ddbench list runs` takes this option")
    elif kind == "experiments":
        rows, place = _experiments(pattern), ""
    else:
        rows, place = _plugins(kind, pattern), ""
    print(tabulate(rows, tablefmt="plain") if rows else f"no {kind} match {pattern!r}{place}")
    return 0


def _plugins(kind: str, pattern: str) -> list[tuple[str, str]]:
    registry = REGISTRIES[kind]
    names = fnmatch.filter(registry.names(), pattern)
    return [(name, registry.summary(name)) for name in names]


def _experiments(pattern: str) -> list[tuple[str, str]]:
    """Single experiments with their first comment, and studies with their titles."""
    told = {name: first_comment("experiment", name) for name in preset_names("experiment")}
    told |= {name: f"{load_study(name).title} (a study)" for name in study_names()}
    return [(name, told[name]) for name in sorted(fnmatch.filter(told, pattern))]


def _runs(pattern: str, root: Path) -> list[tuple[str, ...]]:
    """Name, model, protocols and state of the runs in a folder."""
    rows: list[tuple[str, ...]] = []
    for folder in sorted(root.glob("*")):
        if not (folder / "config.yaml").exists() or not fnmatch.fnmatch(folder.name, pattern):
            continue
        try:
            config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
            told = (config["task"]["model"]["label"], " ".join(config["protocols"]))
        except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError):
            told = ("?", "?")
        rows.append((folder.name, *told, _state(folder)))
    return rows


def _state(folder: Path) -> str:
    if (folder / "record.json").exists():
        return "finished"
    if (folder / "failed.json").exists():
        return f"failed: see {folder / 'failed.json'}"
    log = folder / "log.txt"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return f"unfinished; {lines[-1]}" if lines else "unfinished"
