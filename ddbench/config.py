"""From a composed configuration to a request: types, names and ranges are checked before work."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

from .budget import Budget
from .data.input_space import input_space_definition
from .errors import UserError, unknown_name
from .folders import data_root, runs_root
from .models.model import ModelSpec
from .plugins import DATASETS, EVALUATORS, METHODS, MODELS
from .presets import preset
from .recipes import layers
from .scoring.protocols import Protocol, protocol_named
from .settings import Settings, range_problem
from .task import TaskSpec

DEFAULT_INPUT_SPACE = "normalised"
ROOT_RANGES: dict[str, tuple[float, float | None]] = {
    "ipc": (1, None),
    "seed": (0, None),
    "group": (0, None),
    "network_seed": (0, None),
    "validation": (0, 0.9),
    "checkpoint_seconds": (0, None),
    "threads": (1, 4096),
}
S = TypeVar("S", bound=Settings)


@dataclass
class RunConfig:
    """The root of the configuration; `ddbench run --help` explains each key."""

    method: Any = MISSING
    dataset: Any = MISSING
    model: Any = MISSING
    budget: Any = MISSING
    evaluators: Any = field(default_factory=dict)
    ipc: int = 1
    seed: int = 0
    group: int = 0
    network_seed: int = 0
    validation: float = 0.0
    input_space: str | None = None
    protocols: Any = field(default_factory=lambda: ["paper", "hard", "soft"])
    control: str | None = "random"
    whole: bool = False
    device: str = "auto"
    threads: int | None = None
    checkpoint_seconds: float = 60.0
    runs_root: str | None = None
    data_root: str | None = None


@dataclass(frozen=True)
class MethodChoice:
    """A method with its resolved settings.

    Args:
        name: of the method.
        settings: an instance of its `Settings`.
        sources: where each value comes from, by name.
        input_space: the space that its recipe names, if any.
        notes: what must be said aloud about the recipe.
    """

    name: str
    settings: Any
    sources: dict[str, str]
    input_space: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRequest:
    """A run, by value: all that `ddbench.runner.execute` needs; it can be pickled.

    Args:
        method: what makes the distilled set.
        task: what it is made for.
        budget_name: "paper", "short", "smoke", or "custom" where values were given.
        budget: the fractions.
        protocols: under which it is scored.
        evaluators: settings of each evaluator, by name.
        control: the method shown beside it; None for none.
        whole: whether networks trained on all real data are scored, too.
        device: "auto", "cpu", "cuda", ….
        threads: of torch on the CPU, or None.
        checkpoint_seconds: least time between checkpoints.
        runs_root: folder of runs and artefacts.
        data_root: folder of datasets.
    """

    method: MethodChoice
    task: TaskSpec
    budget_name: str
    budget: Budget
    protocols: tuple[Protocol, ...]
    evaluators: dict[str, Any]
    control: MethodChoice | None
    whole: bool
    device: str
    threads: int | None
    checkpoint_seconds: float
    runs_root: Path
    data_root: Path


def typed_settings(settings_type: type[S], values: Any, where: str) -> S:
    """A settings dataclass from plain values.

    Raises:
        UserError: one line for an unknown name, a wrong type, or a value out of range.
    """
    known = [item.name for item in dataclasses.fields(settings_type)]
    try:
        node = OmegaConf.merge(OmegaConf.structured(settings_type), values)
        made = OmegaConf.to_object(node)
    except ConfigKeyError as error:
        raise unknown_name(f"setting of {where}", str(error.key), known) from error
    except OmegaConfBaseException as error:
        raise UserError(f"{where}: {one_line(error)}") from error
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    assert isinstance(made, settings_type)
    return made


def one_line(error: Exception) -> str:
    """The telling part of a message of OmegaConf or Hydra."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key")), "")
    return f"{key}: {lines[0]}" if key and lines else " ".join(lines[:2])


def schema(settings_type: type[Settings]) -> DictConfig:
    """The typed node of a plugin with every value missing, so that what is there was given."""
    node: DictConfig = OmegaConf.structured(settings_type)
    for item in dataclasses.fields(settings_type):
        node[item.name] = MISSING
    return node


def given_values(node: Any) -> dict[str, Any]:
    """The values of a plugin's node that a person gave."""
    return {str(key): node[key] for key in node if not OmegaConf.is_missing(node, key)}


def resolve_method(
    name: str, given: dict[str, Any], dataset: str, ipc: int, budget_name: str, budget: Budget
) -> MethodChoice:
    """A method's settings: default, published recipe, scaled, budget's recipe, then given.

    Raises:
        UserError: for names, types and ranges.
    """
    settings_type = METHODS[name].Settings
    values: dict[str, Any] = {}
    sources = {item.name: "default" for item in dataclasses.fields(settings_type)}
    space: str | None = None
    notes: list[str] = []

    def lay(budget_of_layer: str) -> None:
        nonlocal space
        for layer in layers(name, budget_of_layer, dataset, ipc):
            values.update(layer.entry.settings)
            sources.update(dict.fromkeys(layer.entry.settings, f"recipe: {layer.entry.source}"))
            space = layer.entry.input_space or space
            notes.extend([layer.note] if layer.note else [])

    lay("paper")
    for item in dataclasses.fields(settings_type):
        fraction = budget.fraction(item.metadata["scaled"]) if item.metadata.get("scaled") else 1.0
        if fraction < 1:
            published = values.get(item.name, item.default)
            values[item.name] = max(1, round(published * fraction))
            sources[item.name] += f", {published} x {fraction:g} by the budget"
    if budget_name != "paper":
        notes.clear()
        lay(budget_name)
    values.update(given)
    sources.update(dict.fromkeys(given, "given"))
    settings = typed_settings(settings_type, values, f"method {name}")
    return MethodChoice(name, settings, sources, space, tuple(dict.fromkeys(notes)))


def request_from(config: DictConfig, choices: dict[str, Any]) -> RunRequest:
    """A request from a composed configuration.

    Args:
        config: composed from `RunConfig` and the groups.
        choices: which option of each group was chosen, as Hydra records it.

    Raises:
        UserError: one line for the first mistake.
    """
    for name, (low, high) in ROOT_RANGES.items():
        problem = range_problem(config[name], low, high)
        if problem:
            raise UserError(f"{name}={config[name]}: {problem}")
    budget = typed_settings(Budget, config.budget, "budget")
    budget_name = str(choices["budget"])
    if budget != typed_settings(Budget, preset("budget", budget_name), "budget"):
        budget_name = "custom"
    dataset = str(config.dataset.name)
    method = resolve_method(
        str(choices["method"]),
        given_values(config.method),
        dataset,
        config.ipc,
        budget_name,
        budget,
    )
    control = None
    if config.control not in (None, method.name):
        METHODS.check(config.control)
        control = resolve_method(config.control, {}, dataset, config.ipc, budget_name, budget)
    space = config.input_space or method.input_space or DEFAULT_INPUT_SPACE
    input_space_definition(space)
    task = TaskSpec(
        dataset=dataset,
        ipc=config.ipc,
        model=_model(config),
        input_space=space,
        dataset_settings=_plugin_settings(config.dataset, DATASETS[dataset].Settings, "dataset"),
        validation=config.validation,
        seed=config.seed,
        group=config.group,
        network_seed=config.network_seed,
    )
    return RunRequest(
        method=method,
        task=task,
        budget_name=budget_name,
        budget=budget,
        protocols=_protocols(config.protocols),
        evaluators={
            str(name): typed_settings(
                EVALUATORS[str(name)].Settings, given_values(node), f"evaluator {name}"
            )
            for name, node in config.evaluators.items()
        },
        control=control,
        whole=config.whole,
        device=config.device,
        threads=config.threads,
        checkpoint_seconds=config.checkpoint_seconds,
        runs_root=runs_root(config.runs_root),
        data_root=data_root(config.data_root),
    )


def _model(config: DictConfig) -> ModelSpec:
    name = str(config.model.name)
    plain = _plugin_settings(config.model, MODELS[name].Settings, f"model {name}")
    device = "cpu" if config.device == "auto" else config.device.partition(":")[0]
    if config.device == "auto":
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
    typed = typed_settings(MODELS[name].Settings, plain, f"model {name}")
    return ModelSpec(name, typed.for_device(device).plain())


def _plugin_settings(node: Any, settings_type: type[Settings], where: str) -> dict[str, Any]:
    """Plain settings of a node that carries its plugin's name beside them."""
    given = {key: value for key, value in given_values(node).items() if key != "name"}
    return typed_settings(settings_type, given, where).plain()


def _protocols(given: Any) -> tuple[Protocol, ...]:
    names = [given] if isinstance(given, str) else list(given or [])
    if not names:
        raise UserError("protocols=[]: name at least one, such as protocols=[hard,soft]")
    return tuple(dict.fromkeys(protocol_named(str(name)) for name in names))
