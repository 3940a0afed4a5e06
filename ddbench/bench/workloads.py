"""What is measured: a step of every method, training, and testing, on a task that words describe.

Only names that all versions of ddbench have are used; see `earlier`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from ..distilling.registry import METHODS
from ..distilling.task import Task
from ..errors import UserError, unknown_name
from ..models.spec import ModelSpec
from ..runs.compose import request_of
from ..runs.execute import opened
from ..runtime.randomness import RandomStream
from ..scoring.protocols import LABEL_TEACHER, protocol_named
from ..scoring.students import accuracy_of
from ..teachers.pool import TrainedNetworks
from ..teachers.train import train_networks
from ..training.loop import Training
from ..training.recipe import Examples, TrainingRecipe

TEACHER, STUDENT, TESTING, NAS_CELL = "teacher", "student", "testing", "nas_cell"
OTHERS = (TEACHER, STUDENT, TESTING, NAS_CELL)
USUAL = ("dataset=random_pixels", "ipc=10", "budget=short", "model=narrow", "control=null")
USUAL_IMAGES = "dataset.images=256"
"""Images per class of `random_pixels`: as many as methods draw at once."""
EXPERT_BATCH = 16
SMALL_NETWORK = {"channels": 4, "cells_per_stack": 1}
LARGE_NETWORK = {"channels": 16, "cells_per_stack": 5}
"""NAS-Bench-201 networks: one that a CPU can train, and the benchmark's own."""


@dataclass(frozen=True)
class Part:
    """A part of some work, which is measured on its own.

    Args:
        which: which part of the work, such as "step 1"; empty if it is all of it.
        work: does it once.
        images: the number of images of one call: those of the distilled set for a method, else
            those that are trained or tested on.
        reset: restores the state in which `work` was first done, so that it repeats itself.
        kept: bytes of tensors that stay from one time to the next, as in a checkpoint; None if
            nothing stays.
    """

    which: str
    work: Callable[[], Any]
    images: int
    reset: Callable[[], None] = lambda: None
    kept: Callable[[], int] | None = None


def names() -> list[str]:
    """All that can be measured: the methods, and the harness's other work."""
    return [*METHODS, *OTHERS]


def check_names(given: Sequence[str]) -> list[str]:
    """The names to measure; without any, all of them.

    Raises:
        UserError: for an unknown name, with similar ones.
    """
    known = names()
    for name in given:
        if name not in known:
            raise unknown_name("work", name, known)
    return list(dict.fromkeys(given)) or known


def settings_of(name: str) -> set[str] | None:
    """Names of a method's settings; None for other work."""
    if name not in METHODS:
        return None
    return {item.name for item in fields(METHODS[name].Settings)}


def completed(words: Sequence[str]) -> list[str]:
    """The words of a run, with the usual ones where none are given."""
    given = {word.partition("=")[0] for word in words}
    if "method" in given:
        raise UserError("method: name the methods themselves, as in `ddbench bench random`")
    missing = [word for word in USUAL if word.partition("=")[0] not in given]
    if "ratio" in given:
        missing.remove(next(word for word in USUAL if word.startswith("ipc=")))
    images = USUAL_IMAGES.partition("=")[0]
    chosen = [word for word in words if word.startswith("dataset=")]
    if images not in given and chosen in ([], [USUAL[0]]):
        missing.append(USUAL_IMAGES)
    return [*missing, *words]


def check_words(words: Sequence[str]) -> None:
    """Reject words with which no work could be done; words of methods' settings are not checked.

    Raises:
        UserError: for the first mistake.
    """
    request_of(["method=random", *_without_methods(words)])


def _without_methods(words: Sequence[str]) -> list[str]:
    return [word for word in words if not word.startswith("method.")]


def request_for(name: str, words: Sequence[str], folder: Path) -> Any:
    """The run whose parts are measured.

    Args:
        name: one of `names()`.
        words: the words of a run, such as "model.width=128"; method settings are only used for
            methods.
        folder: the folder for networks that the work needs.

    Raises:
        UserError: for invalid words.
    """
    is_method = name in METHODS
    kept = list(words) if is_method else _without_methods(words)
    method = name if is_method else "random"
    return request_of([f"method={method}", *kept, f"runs_root={folder}"])


class Workload:
    """A method, or other work, on an opened task; close it after measuring.

    Args:
        name: one of `names()`.
        request: the request of a run, whose folder stores the networks that the work needs.
        batch: images per mini-batch in training.

    Raises:
        UserError: for work that this task does not allow.
    """

    def __init__(self, name: str, request: Any, batch: int) -> None:
        self._stack = ExitStack()
        lab, _ = self._stack.enter_context(opened(request, quiet=True))
        try:
            self.task = _BenchTask(request.task, lab)
            self.lab, self.batch = lab, batch
            self.device = self.task.device
            self.parts = list(
                self._of_method(request) if name in METHODS else self._of_others(name)
            )
        except BaseException:
            self.close()
            raise

    def check_stop(self) -> None:
        """Raise `StopRequested` if a signal has asked to stop."""
        runtime = getattr(self.lab, "runtime", None) or self.lab.context  # type: ignore[attr-defined]
        runtime.stop.check()

    def close(self) -> None:
        """Release data and networks."""
        self.parts = []
        self._stack.close()

    def _of_method(self, request: Any) -> Iterator[Part]:
        """The first two steps of a method, or its selection if it has no steps."""
        choice, task = request.method, self.task
        method_type = METHODS[choice.name]
        # Earlier versions ask the method alone.
        reason = getattr(method_type, "reason_to_skip", method_type.skip)(task)
        if reason:
            raise UserError(f"method {choice.name} cannot do this task: {reason}")

        def begun() -> Any:
            task.stream("begin").seed_global()
            method = method_type(task, choice.settings)
            method.begin()
            return method

        method, images = begun(), len(task.class_ids_of_set())
        if not method.steps:
            yield Part("selection", lambda: begun().finish(), images)
            return
        states: dict[int, Any] = {}

        def reset(i: int) -> None:
            if i in states:
                method.load_state_dict(copy.deepcopy(states[i]))
            else:  # a step is done for the first time after those before it
                states[i] = copy.deepcopy(method.state_dict())

        def kept() -> int:
            found = tree_leaves(method.state_dict())
            return sum(value.nbytes for value in found if isinstance(value, torch.Tensor))

        def step(i: int) -> None:
            task.stream("step", i).seed_global()
            method.step(i)

        for i in range(min(2, method.steps)):
            yield Part(f"step {i + 1}", partial(step, i), images, partial(reset, i), kept)

    def _of_others(self, name: str) -> Iterator[Part]:
        if name == TESTING:
            real = self.lab.real
            network = self._network("tested")
            yield Part("", lambda: accuracy_of(network, real), len(real))
            return
        recipe = LABEL_TEACHER if name == TEACHER else protocol_named("hard").recipe
        assert recipe is not None
        data = self.lab.real if name == TEACHER else self._distilled()
        model = None
        if name == NAS_CELL:
            size = LARGE_NETWORK if self.device.type != "cpu" else SMALL_NETWORK
            model = ModelSpec(
                "nas_bench_201",
                {**ModelSpec("nas_bench_201").typed_settings.plain(), **size},
            )
        training = self._training(data, recipe, self._network(name, model))
        yield Part("", training.step, min(self.batch, len(data)))

    def _distilled(self) -> Examples:
        """As many random images as the task's distilled set has, with class ids."""
        labels = self.task.class_ids_of_set()
        shape = (len(labels), *self.task.image_shape)
        images = torch.randn(shape, generator=self.task.generator("bench-images"))
        return Examples(images.to(self.device), labels.to(self.device))

    def _network(self, use: str, model: ModelSpec | None = None) -> Any:
        lab = self.lab if model is None else self.lab.with_model(model)
        return lab.new_network(RandomStream(0, ("bench", use)))

    def _training(self, data: Any, recipe: TrainingRecipe, network: Any) -> Training:
        recipe = replace(recipe, batch_size=self.batch)
        stream = RandomStream(0, ("bench", "training"))
        return Training(network.train(), data, recipe, stream, self.lab.augmentation)


class _BenchTask(Task):
    """A task whose teachers and experts are hardly trained, which changes no step's time."""

    def teachers(
        self, recipe: TrainingRecipe, n: int, model: ModelSpec | None = None
    ) -> TrainedNetworks:
        """One network trained for one step, in place of `n`."""
        short = replace(recipe, epochs=1, milestones=(), snapshot_epochs=())
        return self._alike("teacher", short, n, model)

    def experts(self, recipe: TrainingRecipe, n: int) -> TrainedNetworks:
        """One trajectory of short epochs, in place of `n`."""
        return self._alike("expert", replace(recipe, batch_size=EXPERT_BATCH), n)

    def class_ids_of_set(self) -> torch.Tensor:
        """The class of each image of the set, also in versions without `class_ids`."""
        counts = getattr(self, "class_counts", (self.ipc,) * self.classes)
        return torch.arange(self.classes).repeat_interleave(torch.tensor(counts))

    def _alike(
        self, stream: str, recipe: TrainingRecipe, n: int, model: ModelSpec | None = None
    ) -> TrainedNetworks:
        brief = replace(recipe, epoch_steps=1) if hasattr(recipe, "epoch_steps") else recipe
        lab = self._lab if model is None else self._lab.with_model(model)
        made = train_networks(lab, stream, brief, range(1))
        return TrainedNetworks(lab, made.artefacts * n, made.epochs)
