"""Completions of a word on the command line, found without importing anything heavy."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from typing import cast

from ..plugins.presets import preset_names
from ..runs.registries import REGISTRIES
from ..scoring.protocol_summaries import protocol_summaries
from ..studies.study import study_names
from .listing import KINDS
from .parser import OPTIONS, Verb, VerbParser

KEYS = (
    "method", "dataset", "model", "budget", "evaluators", "ipc", "ratio", "seed", "group",
    "network_seed", "validation", "input_space", "protocols", "soft_rate", "label_epoch",
    "control", "whole", "device", "threads", "memory_budget", "checkpoint_seconds", "runs_root",
    "data_root", "fresh", "trackers", "config_dir",
)  # fmt: skip
"""The keys of `ddbench run`."""


def completions(line: str) -> list[str]:
    """The completions of a line's last word, for a shell that breaks words at `=`.

    Args:
        line: the command line from the program's name to the cursor.
    """
    before, _, word = line.rpartition(" ")
    words = before.split()[1:]
    head, sign, _ = word.rpartition("=")
    matching = [one for one in _candidates(words, word) if one.startswith(word)]
    return sorted(one.removeprefix(f"{head}{sign}") for one in matching)


def _candidates(words: Sequence[str], word: str) -> Iterable[str]:
    """Whole words that may follow `words` in place of the unfinished `word`."""
    if not words:
        return [*_verbs(), *OPTIONS]
    verb, verbs = words[0], _verbs()
    if verb not in verbs:
        return []
    parser = VerbParser()
    verbs[verb].define(parser)
    if word.startswith("-"):
        return [option for option in parser._option_string_actions if option.startswith("--")]
    if verb in ("list", "test", "completion") and len(words) == 1:
        return {"list": KINDS, "completion": ("bash", "zsh")}.get(verb, _names("methods"))
    key, sign, value = word.partition("=")
    if sign:
        begun = value.rpartition(",")[0]  # of several values all but the last are complete
        return [f"{key}={begun}{',' if begun else ''}{name}" for name in _values(key)]
    return [f"{name}=" for name in _keys(parser)]


def _verbs() -> dict[str, Verb]:
    """The verbs by name; each is a module of this package."""
    package = importlib.import_module(str(__package__))
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    modules = {
        name.removesuffix("_verb"): importlib.import_module(f"{__package__}.{name}")
        for name in names
        if name.endswith("_verb")
    }
    return {name: cast(Verb, it) for name, it in modules.items() if hasattr(it, "SUMMARY")}


def _keys(parser: VerbParser) -> list[str]:
    own = [*parser.valued, *parser.flags]
    return [*own, *KEYS, "experiment"] if parser.open_keys else own


def _values(key: str) -> Iterable[str]:
    if key in ("method", "control"):
        return _names("methods")
    if key in ("dataset", "model"):
        return [*_names(f"{key}s"), *preset_names(key)]
    if key == "evaluators":
        return [*_names("evaluators"), "all"]
    if key == "protocols":
        return [label.partition("/")[0] for label in protocol_summaries()]
    if key == "experiment":
        return [*preset_names("experiment"), *study_names()]
    return preset_names("budget") if key == "budget" else ()


def _names(kind: str) -> list[str]:
    return REGISTRIES[kind].names()
