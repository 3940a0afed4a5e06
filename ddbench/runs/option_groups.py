"""The options of each configuration group, and those that an override chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Glob, Override
from omegaconf import OmegaConf

from ..data.registry import DATASETS
from ..distilling.registry import METHODS
from ..models.registry import MODELS
from ..plugins.presets import preset_names
from ..plugins.registry import Registry
from ..plugins.settings import Settings, schema
from ..scoring.registry import EVALUATORS
from .overrides import parsed
from .request import RunConfig

NAMED_GROUPS: dict[str, Registry[Any]] = {"dataset": DATASETS, "model": MODELS}
STUDIES = "study"
ONE_OF = ("method", "dataset", "model", "budget")
GROUPS = (*ONE_OF, "evaluators", "experiment")

_OFFERED: dict[tuple[str, str], type[Settings]] = {}
"""Settings whose nodes are already in Hydra's store, by group and name; making one takes time."""


def register() -> None:
    """Register every plugin that loads as an option of its group.

    In a method's node all settings are missing, so values that are present later were given by the
    user. Nodes of datasets and models hold their name besides their settings.
    """
    store = ConfigStore.instance()
    store.store(name="base_run", node=RunConfig)
    for name, method in METHODS.loadable().items():
        _offer("method", name, method.Settings)
    for group, registry in NAMED_GROUPS.items():
        presets = preset_names(group)
        for name, plugin in registry.loadable().items():
            if name not in presets:
                _offer(group, name, plugin.Settings)
    evaluators = EVALUATORS.loadable()
    for name, evaluator in evaluators.items():
        _offer("evaluators", name, evaluator.Settings, package=f"evaluators.{name}")
    store.store(group="evaluators", name="all", node={"defaults": sorted(evaluators)})


def _offer(
    group: str, name: str, settings_type: type[Settings], package: str | None = None
) -> None:
    """Add the node of a plugin's settings to Hydra's store, unless it is there already."""
    if _OFFERED.get((group, name)) is settings_type:
        return
    node: Any = schema(settings_type)
    if group in NAMED_GROUPS:
        node = {"name": name, **OmegaConf.to_container(node)}  # type: ignore[dict-item]
    ConfigStore.instance().store(group=group, name=name, node=node, package=package)
    _OFFERED[group, name] = settings_type


def options(group: str) -> list[str]:
    """The names of a group's options."""
    names = {*registry_of(group), *preset_names(group)}
    if group == "experiment":
        names |= set(preset_names(STUDIES))
    return sorted({*names, "all"} if group == "evaluators" else names)


def registry_of(group: str) -> Registry[Any] | dict[str, Any]:
    """The plugins of a group; empty for a group with presets only."""
    known: dict[str, Registry[Any]] = {
        "method": METHODS,
        "evaluators": EVALUATORS,
        **NAMED_GROUPS,
    }
    return known.get(group, {})


def study_named(arguments: Sequence[str]) -> str | None:
    """The study named by `experiment=`, or None."""
    items = [item for item in map(parsed, arguments) if item.key_or_group == "experiment"]
    return next(
        (str(v) for v in (item.value() for item in items) if v in preset_names(STUDIES)), None
    )


def choices_of(item: Override) -> list[list[str]]:
    """The names of chosen options, one list per value of a sweep; null is not a name."""
    pattern: Any = item.value()
    if isinstance(pattern, Glob):
        known = [name for name in options(item.key_or_group) if name not in preset_names(STUDIES)]
        return [[name] for name in pattern.filter(known)]
    swept = item.is_sweep_override()
    values = list(item.sweep_string_iterator()) if swept else [item.value()]
    choices = []
    for value in values:
        if swept and str(value).startswith("["):
            value = str(value).strip("[]").split(",")
        names = value if isinstance(value, list) else [value]
        choices.append([str(name).strip() for name in names if name not in (None, "null")])
    return choices
