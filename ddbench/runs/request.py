"""From a composed configuration to a request; types, names and ranges are checked before work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from omegaconf import MISSING, DictConfig, ListConfig
from omegaconf.errors import OmegaConfBaseException

from ..data.dataset import Dataset
from ..data.input_space import input_space_definition
from ..data.registry import DATASETS
from ..data.whitening_memory import check_memory
from ..distilling.method_choice import MethodChoice, resolve_method
from ..distilling.registry import METHODS
from ..distilling.task import TaskSpec
from ..errors import UserError, shortened
from ..models.registry import MODELS
from ..models.spec import ModelSpec
from ..plugins.presets import preset
from ..plugins.settings import S, Settings, given_values, one_line, range_problem, typed_settings
from ..records.units import bytes_of
from ..runtime.device import device_named
from ..runtime.folders import data_root, runs_root
from ..runtime.tracking import check_trackers
from ..scoring.protocols import Labels, Protocol, protocol_named
from ..scoring.registry import EVALUATORS
from ..training.budget import Budget
from ..training.lab import LabSpec
from ..training.recipe import MOST_EPOCHS
from .asked_counts import asked_counts

DEFAULT_INPUT_SPACE = "normalised"
CUSTOM = "custom"
ROOT_RANGES: dict[str, tuple[float, float | None]] = {
    "seed": (0, None),
    "group": (0, None),
    "network_seed": (0, None),
    "validation": (0, 0.9),
    "checkpoint_seconds": (0, None),
    "threads": (1, 4096),
    "label_epoch": (1, MOST_EPOCHS),
}


@dataclass
class RunConfig:
    """The root of the configuration; `ddbench run --help` explains each key."""

    method: Any = MISSING
    dataset: Any = MISSING
    model: Any = MISSING
    budget: Any = MISSING
    evaluators: Any = field(default_factory=dict)
    ipc: Any = MISSING  # so that a given value can be distinguished from the default
    ratio: float | None = None
    seed: int = 0
    group: int = 0
    network_seed: int = 0
    validation: float = 0.0
    input_space: str | None = None
    protocols: Any = field(default_factory=lambda: ["paper", "hard", "soft"])
    soft_rate: float | None = None
    label_epoch: int | None = None
    control: str | None = "random"
    whole: bool = False
    device: str = "auto"
    threads: int | None = None
    memory_budget: str | None = None
    checkpoint_seconds: float = 60.0
    trackers: Any = field(default_factory=list)
    fresh: bool = False
    config_dir: str | None = None
    runs_root: str | None = None
    data_root: str | None = None


@dataclass(frozen=True)
class RunRequest:
    """A run, by value: all that `ddbench.runs.execute.execute` needs; it can be pickled.

    Args:
        method: the method that makes the distilled set.
        task: the method's task.
        space_source: the source of the task's input space.
        budget_name: "paper", "short", "smoke", or "custom" if values were given.
        budget: the fractions.
        protocols: the protocols under which the set is scored.
        evaluators: settings of each evaluator, by name.
        control: the method of the control; None for no control.
        whole: whether networks trained on all real data are scored, too.
        device: "auto", "cpu", "cuda", ….
        threads: number of torch's CPU threads, or None.
        memory_budget: most bytes that a phase may need; None: no limit.
        checkpoint_seconds: minimum time between checkpoints.
        trackers: names of the run's trackers.
        fresh: whether to make again what different code of the plugins made.
        runs_root: folder of runs and artefacts.
        data_root: folder of datasets.
    """

    method: MethodChoice
    task: TaskSpec
    space_source: str
    budget_name: str
    budget: Budget
    protocols: tuple[Protocol, ...]
    evaluators: dict[str, Any]
    control: MethodChoice | None
    whole: bool
    device: str
    threads: int | None
    memory_budget: int | None
    checkpoint_seconds: float
    trackers: tuple[str, ...]
    fresh: bool
    runs_root: Path
    data_root: Path


@contextmanager
def _config_errors_in_one_line() -> Iterator[None]:
    try:
        yield
    except OmegaConfBaseException as error:  # such as an interpolation of a missing key
        raise UserError(one_line(error)) from error


@_config_errors_in_one_line()
def request_from(config: DictConfig, choices: dict[str, Any]) -> RunRequest:
    """A request from a composed configuration.

    Args:
        config: configuration composed from `RunConfig` and the groups.
        choices: the chosen option of each group, as recorded by Hydra.

    Raises:
        UserError: one line for the first mistake.
    """
    for name, (low, high) in ROOT_RANGES.items():
        problem = range_problem(config[name], low, high)
        if problem:
            raise UserError(f"{name}={shortened(str(config[name]))}: {problem}")
    budget = typed_settings(Budget, config.budget, "budget")
    chosen = str(choices["budget"])
    named = typed_settings(Budget, preset("budget", chosen), "budget")
    dataset = str(config.dataset.name)
    dataset_settings = _typed(DATASETS[dataset].Settings, config.dataset, "dataset")
    plain_settings = dataset_settings.plain()
    roots = runs_root(config.runs_root), data_root(config.data_root)
    ipc, class_counts = asked_counts(
        config,
        lambda: Dataset.open(dataset, plain_settings, roots[1], config.validation).class_counts,
    )
    method = resolve_method(
        str(choices["method"]),
        given_values(config.method, f"method {choices['method']}"),
        dataset,
        ipc,
        chosen,
        budget,
    )
    control = None
    if config.control not in (None, method.name):
        METHODS.check(config.control)
        control = resolve_method(config.control, {}, dataset, ipc, chosen, budget)
    space, space_source = DEFAULT_INPUT_SPACE, "default"
    if method.input_space:
        space, space_source = method.input_space, f"recipe of {method.name}"
    if config.input_space:
        space, space_source = str(config.input_space), "given"
    input_space_definition(space)
    source = DATASETS[dataset](dataset_settings, roots[1])
    # Fewer images may be read in the end, and are checked again then.
    images = 0 if source.settings.named_classes else source.train_size
    check_memory(space, source.channels, source.resolution, images)
    lab = LabSpec(
        dataset=dataset,
        model=_model(config),
        input_space=space,
        dataset_settings=plain_settings,
        validation=config.validation,
        network_seed=config.network_seed,
    )
    task = TaskSpec(lab, ipc, config.seed, config.group, class_counts)
    return RunRequest(
        method=method,
        task=task,
        space_source=space_source,
        budget_name=chosen if budget == named else CUSTOM,
        budget=budget,
        protocols=_protocols(config),
        evaluators={str(name): _evaluator(str(name), n) for name, n in config.evaluators.items()},
        control=control,
        whole=config.whole,
        device=config.device,
        threads=config.threads,
        memory_budget=_memory_budget(config.memory_budget),
        checkpoint_seconds=config.checkpoint_seconds,
        trackers=_trackers(config.trackers),
        fresh=config.fresh,
        runs_root=roots[0],
        data_root=roots[1],
    )


def _memory_budget(text: str | None) -> int | None:
    try:
        return None if text is None else bytes_of(text)
    except UserError as error:
        raise UserError(f"memory_budget={error}") from error


def _model(config: DictConfig) -> ModelSpec:
    name = str(config.model.name)
    typed = _typed(MODELS[name].Settings, config.model, f"model {name}")
    device = device_named(config.device).partition(":")[0]
    return ModelSpec(name, typed.for_device(device).plain())


def _evaluator(name: str, node: Any) -> Settings:
    where = f"evaluator {name}"
    return typed_settings(EVALUATORS[name].Settings, given_values(node, where), where)


def _typed(settings_type: type[S], node: Any, where: str) -> S:
    """The settings in a node that also holds its plugin's name."""
    given = given_values(node, where)
    return typed_settings(settings_type, {key: given[key] for key in given if key != "name"}, where)


def _trackers(given: Any) -> tuple[str, ...]:
    names = [str(name) for name in given] if isinstance(given, ListConfig) else [str(given)]
    found = tuple(dict.fromkeys(names)) if given is not None else ()
    check_trackers(found)
    return found


def _protocols(config: DictConfig) -> tuple[Protocol, ...]:
    given, rate, epoch = config.protocols, config.soft_rate, config.label_epoch
    names = [str(name) for name in given] if isinstance(given, ListConfig) else [str(given)]
    if given is None or not names:
        raise UserError("protocols=[]: name at least one, such as protocols=[hard,soft]")
    protocols = tuple(dict.fromkeys(protocol_named(name) for name in names))
    if rate is not None and not (config.validation and rate > 0):
        raise UserError(
            f"soft_rate={rate}: the rates of protocol soft are frozen; a rate above 0 can be tried "
            "on held-out images, with validation=0.1"
        )
    if epoch is not None and Labels.early_teacher not in {one.labels for one in protocols}:
        raise UserError(
            f"label_epoch={epoch}: only the protocol early has labels of an epoch; add it, as in "
            "protocols=[early]"
        )
    return tuple(_as_given(one, rate, epoch) for one in protocols)


def _as_given(protocol: Protocol, soft_rate: float | None, label_epoch: int | None) -> Protocol:
    if protocol.labels is Labels.label_teacher:
        return replace(protocol, trial_rate=soft_rate)
    if protocol.labels is Labels.early_teacher:
        return replace(protocol, label_epoch=label_epoch)
    return protocol
