"""Composing configurations with Hydra: groups from the registries, mistakes said in one line."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ..data.registry import DATASETS
from ..distilling.registry import METHODS
from ..errors import UserError, unknown_name
from ..models.registry import MODELS
from ..plugins.presets import preset_names
from ..plugins.registry import Registry
from ..plugins.settings import one_line, schema
from ..scoring.registry import EVALUATORS
from .request import RunConfig, RunRequest, request_from

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
    names = {*_registry(group), *preset_names(group)}
    if group == "experiment":
        names |= set(preset_names(STUDIES))
    return sorted({*names, "all"} if group == "evaluators" else names)


def _registry(group: str) -> Registry[Any] | dict[str, Any]:
    known: dict[str, Registry[Any]] = {
        "method": METHODS,
        "evaluators": EVALUATORS,
        **NAMED_GROUPS,
    }
    return known.get(group, {})


PLAIN_TEXT = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.-]*")
STUDIES = "study"
ONE_OF = ("method", "dataset", "model", "budget")
LAUNCHER_EXTRAS = {
    "joblib": "joblib",
    "ray": "ray",
    "ray_aws": "ray",
    "submitit_local": "slurm",
    "submitit_slurm": "slurm",
}
"""Launchers of Hydra and the extra of this package that brings each."""
GROUPS = (*ONE_OF, "evaluators", "experiment")


def check_overrides(arguments: Sequence[str], sweep: bool = False) -> None:
    """Find misspelt names before Hydra does, to answer with near ones.

    Raises:
        UserError: for the first argument that cannot be right.
    """
    parsed = [_parsed(argument) for argument in arguments]
    for item in parsed:
        if item.is_delete():
            raise UserError(
                f"{item.input_line}: nothing can be taken away; give another value, or null where "
                "there may be none"
            )
        if item.is_sweep_override() and not sweep:
            raise UserError(
                f"{item.input_line}: several values are a sweep; add -m, as in "
                f"`ddbench run -m {item.input_line}` (or write a list as [a,b])"
            )
    groups = [item for item in parsed if item.key_or_group in GROUPS]
    for item in groups:
        _check_choices(item)
    chosen = [f"{item.key_or_group}={_first(item)}" for item in groups]
    configs = [compose_config(chosen)]
    for item in groups:
        if item.key_or_group == "method":  # a setting must suit every method of a sweep
            others = [f"method={names[0]}" for names in _choices(item)[1:]]
            configs += [compose_config([*chosen, other]) for other in others]
    for item in parsed:
        if item.key_or_group not in GROUPS and not item.key_or_group.startswith("hydra"):
            for config in configs:
                _check_path(config, item.key_or_group)


def as_overrides(values: dict[str, Any]) -> list[str]:
    """Python values as overrides: lists in brackets, None as null, text quoted where needed."""
    return [f"{name}={_text(value)}" for name, value in values.items()]


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(_text(item) for item in value)}]"
    text = str(value)
    if PLAIN_TEXT.fullmatch(text) and text.lower() not in ("null", "true", "false", "nan", "inf"):
        return text
    # Hydra's grammar: backslashes count double before a quote or the end, and before what a
    # backslash guards from being interpolated.
    guarded = re.sub(r"(\\*)('|\$\{|\Z)", lambda m: m[1] * 2 + (f"\\{m[2]}" if m[2] else ""), text)
    return f"'{guarded}'"


def given_value(arguments: Sequence[str], key: str) -> str | None:
    """The value that the arguments give a key, if they do."""
    values = [item.value() for item in map(_parsed, arguments) if item.key_or_group == key]
    return str(values[-1]) if values and values[-1] is not None else None


def compose_config(overrides: Iterable[str]) -> DictConfig:
    """The configuration of one run, with Hydra's own node.

    Raises:
        UserError: one line on what cannot be composed.
    """
    own = GlobalHydra.instance().hydra  # of a program that calls this one, perhaps
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
            return compose(CONFIG_NAME, list(overrides), return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise composition_error(error) from error
    finally:
        GlobalHydra.instance().hydra = own


def composition_error(error: Exception) -> UserError:
    """One line from Hydra's several."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, name = error.missing_cfg_file.rpartition("/")
        if group == "hydra/launcher" and name in LAUNCHER_EXTRAS:
            extra = f"pip install 'ddbench[{LAUNCHER_EXTRAS[name]}]'"
            return UserError(f"{group}={name} needs a package that is not installed: {extra}")
        return unknown_name(group, name, error.options)
    cause = error.__cause__
    return UserError(one_line(cause if isinstance(cause, OmegaConfBaseException) else error))


def study_named(arguments: Sequence[str]) -> str | None:
    """The study that `experiment=` names, if it names one."""
    name = given_value(arguments, "experiment")
    return name if name in preset_names(STUDIES) else None


def _parsed(argument: str) -> Override:
    if argument.startswith("-"):
        raise UserError(
            f"unknown option {argument!r}: known are --help and, to `run`, -m (a sweep)"
        )
    try:
        return OverridesParser.create().parse_overrides([argument])[0]
    except HydraException as error:
        raise UserError(
            f"cannot read {argument!r}: write key=value, such as method=apm or ipc=10"
        ) from error


def _choices(item: Override) -> list[list[str]]:
    """The names of options, one list for each value of a sweep; null is no name."""
    swept = item.is_sweep_override()
    values = list(item.sweep_string_iterator()) if swept else [item.value()]
    choices = []
    for value in values:
        if swept and str(value).startswith("["):
            value = str(value).strip("[]").split(",")
        names = value if isinstance(value, list) else [value]
        choices.append([str(name).strip() for name in names if name not in (None, "null")])
    return choices


def _check_choices(item: Override) -> None:
    group = item.key_or_group
    noun, known = group.removesuffix("s"), options(group)
    for names in _choices(item):
        for name in names:
            if group == "experiment" and name in preset_names(STUDIES):
                raise UserError(
                    f"experiment={name} is a study of several sweeps: `ddbench run` takes it alone"
                )
            if name not in known:
                raise unknown_name(noun, name, known)
            if name in _registry(group) and name not in preset_names(group):
                _registry(group)[name]  # a foreign plugin that cannot be loaded says why
        if group in ONE_OF and (len(names) != 1 or isinstance(item.value(), list)):
            raise UserError(
                f"{item.input_line}: one {noun} is needed, such as {group}={known[0]}"
                + (f"; several are a sweep: -m {group}={','.join(names)}" if names[1:] else "")
            )
        if group == "evaluators" and not names and item.value() is None:
            raise UserError(f"{item.input_line}: write a list, such as [{known[0]}]; [] for none")


def _first(item: Override) -> str:
    names = _choices(item)[0]
    return (names or ["null"])[0] if item.key_or_group in ONE_OF else f"[{','.join(names)}]"


def _check_path(config: DictConfig, key: str) -> None:
    node: Any = config
    parts = key.split(".")
    for depth, part in enumerate(parts):
        if not isinstance(node, DictConfig):
            raise UserError(f"{key}: {'.'.join(parts[:depth])} has no settings below it")
        known = [str(name) for name in node if name not in ("hydra", "name")]
        if part not in known:
            if parts[:depth] == ["evaluators"] and part in options("evaluators"):
                raise UserError(f"{key}: {part} is not in evaluators=[{','.join(known)}]")
            noun = f"setting of {_with_choice(config, parts[:depth])}" if depth else "setting"
            raise unknown_name(noun, part, known)
        if depth + 1 < len(parts):
            node = None if OmegaConf.is_missing(node, part) else node[part]


def _with_choice(config: DictConfig, parts: list[str]) -> str:
    """A node in words: "method apm", "evaluators.memory"."""
    choice = config.hydra.runtime.choices.get(parts[0]) if len(parts) == 1 else None
    return f"{parts[0]} {choice}" if isinstance(choice, str) else ".".join(parts)


def force_full_errors() -> None:
    """Let Hydra raise its errors and not print them, so that they can be said in one line."""
    os.environ["HYDRA_FULL_ERROR"] = "1"


def request_of(overrides: Sequence[str]) -> RunRequest:
    """The request that overrides ask for.

    Raises:
        UserError: one line for the first mistake.
    """
    for problem in register():
        warnings.warn(problem, stacklevel=2)
    check_overrides(overrides)
    config = compose_config(overrides)
    return request_from(config, config.hydra.runtime.choices)
