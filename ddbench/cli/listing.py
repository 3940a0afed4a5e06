"""Tables of what there is, by name, made without importing any of it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import yaml
from tabulate import tabulate

from ..errors import UserError, unknown_name
from ..plugins.presets import first_comment, preset_names, preset_problems, read_yaml
from ..runs.registries import REGISTRIES
from ..runs.run_state import state_of
from ..runtime.folders import runs_root
from ..scoring.protocol_summaries import protocol_summaries
from ..store.files import json_text
from ..store.store import Store
from ..studies.study import load_study, study_names

KINDS = (*REGISTRIES, "protocols", "experiments", "problems", "runs")


def listing(words: Sequence[str], folder: str | None = None, as_json: bool = False) -> str:
    """The names of one kind that match a pattern, as a table.

    Args:
        words: a kind, and perhaps a pattern.
        folder: the folder of runs, as given.
        as_json: return a JSON list of objects in place of the table.

    Raises:
        UserError: for an unknown kind, and for a folder given with any kind but runs.
    """
    if not 1 <= len(words) <= 2:
        raise UserError(f"list needs one of {', '.join(KINDS)}, and perhaps a pattern such as 'a*'")
    kind, pattern = words[0], words[1] if len(words) == 2 else "*"
    if kind not in KINDS:
        raise unknown_name("kind", kind, KINDS)
    if folder is not None and kind != "runs":
        raise UserError("runs_root: only `ddbench list runs` takes this option")
    rows: Sequence[tuple[str, ...]]
    columns: tuple[str, ...] = ("name", "summary")
    place = ""
    if kind == "runs":
        root = runs_root(folder)
        rows, place = _runs(pattern, root), f" in {root.absolute()}"
        columns = ("name", "model", "protocols", "state", "detail")
    elif kind == "protocols":
        rows = _protocols(pattern)
    elif kind == "experiments":
        rows = _experiments(pattern)
    elif kind == "problems":
        rows = _problems(pattern)
    else:
        rows = _plugins(kind, pattern)
    if as_json:
        return json_text([dict(zip(columns, row, strict=True)) for row in rows])
    return tabulate(rows, tablefmt="plain") if rows else f"no {kind} match {pattern!r}{place}"


def _plugins(kind: str, pattern: str) -> list[tuple[str, str]]:
    registry = REGISTRIES[kind]
    names = fnmatch.filter(registry.names(), pattern)
    return [(name, registry.summary(name)) for name in names]


def _protocols(pattern: str) -> list[tuple[str, str]]:
    """Name and version, with a summary; the pattern is matched against names."""
    told = protocol_summaries()
    return [(n, told[n]) for n in told if fnmatch.fnmatch(n.partition("/")[0], pattern)]


def _experiments(pattern: str) -> list[tuple[str, str]]:
    """Single experiments with their first comment, and studies with their titles."""
    told = {name: first_comment("experiment", name) for name in preset_names("experiment")}
    told |= {name: f"{load_study(name).title} (a study)" for name in study_names()}
    return [(name, told[name]) for name in sorted(fnmatch.filter(told, pattern))]


def _problems(pattern: str) -> list[tuple[str, ...]]:
    """Why some plugins and presets of other packages cannot be used; the pattern is of names."""
    told: list[tuple[str, ...]] = []
    for registry in REGISTRIES.values():
        registry.loadable()
        told += [(registry.problems[n],) for n in fnmatch.filter(registry.problems, pattern)]
    taken = preset_problems()
    return told + [(taken[name],) for name in fnmatch.filter(taken, pattern)]


def _runs(pattern: str, root: Path) -> list[tuple[str, ...]]:
    """Name, model, protocols, state and its detail for each run in a folder."""
    rows: list[tuple[str, ...]] = []
    store: Store | None = None
    for folder in sorted(root.glob("*")):
        if not fnmatch.fnmatch(folder.name, pattern):
            continue
        with suppress(FileNotFoundError, NotADirectoryError):  # it is not a run
            told = _model_and_protocols(folder / "config.yaml")
            store = store or Store(root)
            state = state_of(folder, store)
            rows.append((folder.name, *told, state.word, state.detail))
    return rows


_SHOWN = re.compile(r"^(?:task|protocols):.*\n(?:(?:[ -].*)?\n)*", re.MULTILINE)
"""The parts of a `config.yaml` that are shown; parsing all of ten thousand takes seconds more."""


def _model_and_protocols(file: Path) -> tuple[str, str]:
    """Model and protocols from a `config.yaml`; question marks if it is damaged."""
    try:
        text = file.read_text(encoding="utf-8")
        config = read_yaml("".join(_SHOWN.findall(text)) or text)
        return config["task"]["model"]["label"], " ".join(config["protocols"])
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError):
        return "?", "?"
