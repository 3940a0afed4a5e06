"""Composing configurations with Hydra: groups from the registries, mistakes said in one line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ..config import RunConfig, one_line, schema
from ..errors import UserError, unknown_name
from ..plugins import DATASETS, EVALUATORS, METHODS, MODELS
from ..presets import preset_names
from ..registry import Registry

CONFIG_MODULE = "ddbench.configs"
CONFIG_NAME = "config"
NAMED_GROUPS: dict[str, Registry[Any]] = {"dataset": DATASETS, "model": MODELS}


def register() -> list[str]:
    """Offer every plugin as an option of its group; return what could not be loaded.

    A method's node is its settings with every value missing, so that what is not missing later was
    given by a person. Datasets and models carry their name beside their settings.
    """
    store = ConfigStore.instance()
    store.store(name="base_run", node=RunConfig)
    for name, method in METHODS.loadable().items():
        store.store(group="method", name=name, node=schema(method.Settings))
    for group, registry in NAMED_GROUPS.items():
        presets = preset_names(group)
        for name, plugin in registry.loadable().items():
            if name not in presets:
                node = {"name": name, **OmegaConf.to_container(schema(plugin.Settings))}  # type: ignore[dict-item]
                store.store(group=group, name=name, node=node)
    evaluators = EVALUATORS.loadable()
    for name, evaluator in evaluators.items():
        store.store(
            group="evaluators",
            name=name,
            node=schema(evaluator.Settings),
            package=f"evaluators.{name}",
        )
    store.store(group="evaluators", name="all", node={"defaults": sorted(evaluators)})
    return [
        problem
        for registry in (METHODS, EVALUATORS, DATASETS, MODELS)
        for problem in registry.problems.values()
    ]


def options(group: str) -> list[str]:
    """The names that a group knows."""
    registries: dict[str, Registry[Any]] = {"method": METHODS, **NAMED_GROUPS}
    if group == "evaluators":
        return [*EVALUATORS.names(), "all"]
    names = registries[group].names() if group in registries else []
    return sorted({*names, *preset_names(group)})


GROUPS = ("method", "dataset", "model", "budget", "evaluators", "experiment")


def check_overrides(arguments: Sequence[str], sweep: bool = False) -> None:
    """Find misspelt names before Hydra does, to answer with near ones.

    Raises:
        UserError: for the first argument that cannot be right.
    """
    parsed = [_parsed(argument) for argument in arguments]
    for item in parsed:
        if item.is_sweep_override() and not sweep:
            raise UserError(
                f"{item.input_line}: several values are a sweep; add -m, as in "
                f"`ddbench run -m {item.input_line}` (or write a list as [a,b])"
            )
    groups = [item for item in parsed if item.key_or_group in GROUPS]
    for item in groups:
        for name in _names(item):
            if name not in options(item.key_or_group):
                raise unknown_name(item.key_or_group, name, options(item.key_or_group))
    chosen = [f"{item.key_or_group}={_first(item)}" for item in groups]
    config = compose_config(chosen)
    for item in parsed:
        key = item.key_or_group
        if key not in GROUPS and not key.startswith("hydra") and not item.is_add():
            _check_path(config, key)


def given_value(arguments: Sequence[str], key: str) -> str | None:
    """The value that the arguments give a key, if they do."""
    values = [item.value() for item in map(_parsed, arguments) if item.key_or_group == key]
    return str(values[-1]) if values and values[-1] is not None else None


def compose_config(overrides: Iterable[str]) -> DictConfig:
    """The configuration of one run, with Hydra's own node.

    Raises:
        UserError: one line on what cannot be composed.
    """
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
            return compose(CONFIG_NAME, list(overrides), return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise composition_error(error) from error


def composition_error(error: Exception) -> UserError:
    """One line from Hydra's several."""
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException):
        return UserError(one_line(cause))
    return UserError(one_line(error))


def _parsed(argument: str) -> Override:
    try:
        return OverridesParser.create().parse_overrides([argument])[0]
    except HydraException as error:
        raise UserError(
            f"cannot read {argument!r}: write key=value, such as method=apm or ipc=10"
        ) from error


def _values(item: Override) -> list[Any]:
    if item.is_sweep_override():
        return list(item.sweep_string_iterator())
    return [item.value()]


def _names(item: Override) -> list[str]:
    names: list[str] = []
    for value in _values(item):
        text = value if isinstance(value, list) else str(value).strip("[]").split(",")
        names += [
            str(name).strip() for name in text if str(name).strip() not in ("", "None", "null")
        ]
    return names


def _first(item: Override) -> str:
    names = _names(item)
    return f"[{','.join(names)}]" if item.key_or_group == "evaluators" else (names or ["null"])[0]


def _check_path(config: DictConfig, key: str) -> None:
    node: Any = config
    parts = key.split(".")
    for depth, part in enumerate(parts):
        if not isinstance(node, DictConfig):
            raise UserError(f"{key}: {'.'.join(parts[:depth])} has no settings below it")
        known = [str(name) for name in node if name != "hydra"]
        if part not in known:
            noun = f"setting of {'.'.join(parts[:depth])}" if depth else "setting"
            raise unknown_name(noun, part, known)
        if depth + 1 < len(parts):
            node = None if OmegaConf.is_missing(node, part) else node[part]


def force_full_errors() -> None:
    """Let Hydra raise its errors and not print them, so that they can be said in one line."""
    os.environ["HYDRA_FULL_ERROR"] = "1"
