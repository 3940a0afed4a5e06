"""Composing configurations with Hydra: groups from the registries, one-line error messages."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ..errors import UserError, shortened, unknown_name
from ..plugins.presets import folders, own_folder, preset_names, searching
from ..plugins.settings import one_line
from .asked_counts import images_asked
from .option_groups import GROUPS, ONE_OF, STUDIES, choices_of, options, register, registry_of
from .overrides import as_overrides, check_is_one_value, given_value, parsed, readable
from .request import RunConfig, RunRequest, request_from

CONFIG_MODULE = "ddbench.configs"
CONFIG_NAME = "config"
LAUNCHER_EXTRAS = {
    "joblib": "joblib",
    "ray": "ray",
    "ray_aws": "ray",
    "submitit_local": "slurm",
    "submitit_slurm": "slurm",
}
"""Hydra's launchers, and the extra of this package that installs each."""


def check_overrides(arguments: Sequence[str], sweep: bool = False) -> None:
    """Find misspelt names before Hydra does, to suggest similar ones.

    Raises:
        UserError: for the first invalid argument.
    """
    items = checked_words(arguments, sweep)
    for item in items:
        if item.key_or_group == "ipc":
            _check_images(item)
    _check_keys(items)


def checked_words(arguments: Sequence[str], sweep: bool) -> list[Override]:
    """Parse the arguments, and check that those which choose an option choose an existing one.

    Keys are not checked here; `check_overrides` checks them too, in a tenth of a second for each
    method.

    Raises:
        UserError: for the first invalid argument.
    """
    items = [parsed(argument) for argument in arguments]
    for item in items:
        _check_kind(item, sweep)
    for item in items:
        if item.key_or_group in GROUPS:
            _check_choices(item)
    return items


def _check_kind(item: Override, sweep: bool) -> None:
    """Reject overrides that no run accepts, and those that only a sweep accepts."""
    word = shortened(item.input_line or "")
    if not item.key_or_group:
        raise unknown_name("setting", "", [f.name for f in dataclasses.fields(RunConfig)])
    if item.is_delete():
        raise UserError(
            f"{word}: a setting cannot be deleted; give another value, or null if it may have none"
        )
    if is_of_hydra(item) and not sweep:
        raise UserError(f"{word}: Hydra's own settings, such as launchers, are for sweeps, with -m")
    if isinstance(item.value(), Glob) and item.key_or_group not in GROUPS:
        raise UserError(f"{word}: a pattern chooses among names, of {', '.join(GROUPS)}")
    if not sweep or item.is_interval_sweep():
        check_is_one_value(item)


def _check_images(item: Override) -> None:
    """Reject invalid numbers of images, also in sweeps; `ipc` has no type for Hydra to check."""
    swept = item.sweep_string_iterator() if item.is_sweep_override() else ()
    for value in [parsed(f"ipc={word}").value() for word in swept] or [item.value()]:
        if "${" not in str(value):
            images_asked(value)


def _check_keys(items: Sequence[Override]) -> None:
    """Check that every key exists in the configuration of the chosen options."""
    groups = [item for item in items if item.key_or_group in GROUPS]
    chosen = [f"{item.key_or_group}={_first(item)}" for item in groups]
    configs = [compose_config(chosen)]
    for item in groups:
        if item.key_or_group == "method":  # a setting must exist for every method of a sweep
            others = [f"method={names[0]}" for names in choices_of(item)[1:]]
            configs += [compose_config([*chosen, other]) for other in others]
    for config in configs:
        _check_paths(config, items)


def _check_paths(config: DictConfig, items: Sequence[Override]) -> None:
    for item in items:
        if item.key_or_group not in GROUPS and not is_of_hydra(item):
            _check_path(config, item.key_or_group)


def is_of_hydra(item: Override) -> bool:
    """Whether an override is for Hydra itself, such as the choice of a launcher."""
    return re.match(r"hydra\b", item.key_or_group) is not None


def composed(arguments: Sequence[str]) -> DictConfig:
    """The configuration of one run, with Hydra's own node.

    Raises:
        UserError: one line for the first mistake; for a misspelt name, with similar ones.
    """
    items = checked_words(arguments, sweep=False)
    try:
        config = compose_config(arguments)
    except Exception:  # of any kind: our message for a misspelt name is better than Hydra's
        _check_keys(items)
        raise
    if any(item.is_add() or item.is_force_add() for item in items):
        _check_keys(items)  # added keys are in this configuration, whether or not they are known
    else:
        _check_paths(config, items)
    return config


def compose_config(overrides: Iterable[str]) -> DictConfig:
    """The configuration of one run, with Hydra's own node.

    Raises:
        UserError: one line, if the configuration cannot be composed.
    """
    own = GlobalHydra.instance().hydra  # possibly of a calling program
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
            words = [*search_path(), *overrides]
            return compose(CONFIG_NAME, words, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise composition_error(error) from error
    finally:
        GlobalHydra.instance().hydra = own


def search_path() -> list[str]:
    """The override that makes Hydra search for options in the presets' folders."""
    others = [f"file://{folder}" for folder in folders() if folder != own_folder()]
    return as_overrides({"hydra.searchpath": others}) if others else []


def composition_error(error: Exception) -> UserError:
    """A one-line error from Hydra's longer one."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, name = error.missing_cfg_file.rpartition("/")
        if group == "hydra/launcher" and name in LAUNCHER_EXTRAS:
            extra = f"pip install 'ddbench[{LAUNCHER_EXTRAS[name]}]'"
            return UserError(f"{group}={name} needs a package that is not installed: {extra}")
        return unknown_name(group, name, error.options)
    if isinstance(error, YAMLError):  # in a user's own file; it names the place
        return UserError(f"a configuration is not YAML: {shortened(str(error))}")
    cause = error.__cause__
    return UserError(one_line(cause if isinstance(cause, OmegaConfBaseException) else error))


def _check_choices(item: Override) -> None:
    group = item.key_or_group
    noun, known, choices = group.removesuffix("s"), options(group), choices_of(item)
    word = shortened(item.input_line or "")
    if not choices:
        raise UserError(f"{word}: matches no {noun}; known: {', '.join(known)}")
    for names in choices:
        for name in names:
            if group == "experiment" and name in preset_names(STUDIES):
                raise UserError(
                    f"experiment={name} is a study of several sweeps: `ddbench run` takes it alone"
                )
            if name not in known:
                raise unknown_name(noun, name, known)
            if name in registry_of(group) and name not in preset_names(group):
                registry_of(group)[name]  # raises the reason if a foreign plugin cannot be loaded
        if group in ONE_OF and (len(names) != 1 or isinstance(item.value(), list)):
            raise UserError(
                f"{word}: one {noun} is needed, such as {group}={known[0]}"
                + (f"; several are a sweep: -m {group}={','.join(names)}" if names[1:] else "")
            )
        if group == "evaluators" and not names and item.value() is None:
            raise UserError(f"{word}: write a list, such as [{known[0]}]; [] for none")


def _first(item: Override) -> str:
    names = choices_of(item)[0]
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
    """A node's name for messages: "method apm", "evaluators.memory"."""
    choice = config.hydra.runtime.choices.get(parts[0]) if len(parts) == 1 else None
    return f"{parts[0]} {choice}" if isinstance(choice, str) else ".".join(parts)


def request_of(overrides: Sequence[str]) -> RunRequest:
    """The request for overrides such as "method=apm".

    Raises:
        UserError: one line for the first mistake.
    """
    words = readable(overrides)
    with searching(given_value(words, "config_dir")):
        register()
        config = composed(words)
        return request_from(config, config.hydra.runtime.choices)
