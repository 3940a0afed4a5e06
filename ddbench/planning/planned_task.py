"""A task that reads no real image, to ask a method what it would do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import torch
from torch import Tensor

from ..data.augmentation.dsa import DSA
from ..data.input_space import input_space_definition
from ..distilling.method_choice import MethodChoice
from ..distilling.registry import METHODS
from ..distilling.task import Task, TaskSpec
from ..models.model import Model
from ..models.spec import ModelSpec
from ..training.recipe import TrainingRecipe
from .data_shape import DataShape


@dataclass(frozen=True)
class Pool:
    """Networks that a method asks for.

    Args:
        stream: "teacher", "expert" or "dynamics".
        recipe: how each is trained.
        networks: how many; the first 10 of 100 are the same 10.
        watched: whether their training dynamics are kept.
    """

    stream: str
    recipe: TrainingRecipe
    networks: int
    watched: bool = False


@dataclass(frozen=True)
class Work:
    """What a method would do.

    Args:
        steps: the number of distillation steps.
        distilling: images passed through networks in all steps, forward and backward; None if the
            method does not say.
        training: the same for the pool.
        pool: the networks that it needs, if any.
        skips: why the method cannot do the task.
    """

    steps: int
    distilling: float | None
    training: float
    pool: Pool | None
    skips: str | None = None


class _PoolAsked(Exception):
    """Ends a method's `begin` when it asks for networks."""


class _RealImages:
    """A stand-in for the real images: only their number is right, and all are black."""

    def __init__(self, shape: DataShape) -> None:
        self._shape = shape

    def __len__(self) -> int:
        return self._shape.images

    def images(self, index: Tensor) -> Tensor:
        """As `RealImages.images`."""
        shape = self._shape
        black = torch.zeros(1, shape.channels, shape.resolution, shape.resolution)
        return black.expand(len(index), -1, -1, -1)


class PlannedTask(Task):
    """A task that knows only the shape of its data; networks asked for are kept in `pool`."""

    def __init__(self, spec: TaskSpec, shape: DataShape) -> None:
        """Nothing is opened, so class counts that are too small are not noticed here."""
        self.spec = spec
        self.shape = shape
        self.pool: Pool | None = None

    @property
    def classes(self) -> int:
        """As `Task.classes`."""
        return self.shape.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """As `Task.image_shape`."""
        return self.shape.channels, self.shape.resolution, self.shape.resolution

    @property
    def device(self) -> torch.device:
        """The CPU: nothing is computed."""
        return torch.device("cpu")

    @cached_property
    def real(self) -> Any:
        """As `Task.real`."""
        return _RealImages(self.shape)

    @property
    def pixel_std(self) -> Tensor:
        """Ones, as no pixel is known."""
        return torch.ones(self.shape.channels)

    @property
    def channel_statistics(self) -> tuple[Tensor, Tensor]:
        """Zeros and ones (C,), as no pixel is known."""
        return torch.zeros(self.shape.channels), torch.ones(self.shape.channels)

    @property
    def whitens(self) -> bool:
        """As `Task.whitens`."""
        return "eps" in input_space_definition(self.spec.input_space)

    @property
    def augmentation(self) -> DSA:
        """As `Task.augmentation`."""
        return DSA()

    def class_indices(self, class_id: int) -> Tensor:
        """As `Task.class_indices`."""
        return torch.arange(self.shape.class_counts[class_id])

    def new_network(self, use: str, *indices: int | str) -> Model:
        """As `Task.new_network`."""
        shape = self.shape
        stream = self.stream(use, *indices)
        return self.spec.model.build(shape.channels, shape.resolution, shape.classes, stream)

    def teachers(self, recipe: TrainingRecipe, n: int, model: ModelSpec | None = None) -> NoReturn:
        """Keep what is asked for, and end there; another model is treated as the task's."""
        self._asked("teacher", recipe, n)

    def experts(self, recipe: TrainingRecipe, n: int) -> NoReturn:
        """Keep what is asked for, and end there."""
        self._asked("expert", recipe, n)

    def training_dynamics(self, recipe: TrainingRecipe, n: int) -> NoReturn:
        """Keep what is asked for, and end there."""
        self._asked("dynamics", recipe, n, watched=True)

    def _asked(
        self, stream: str, recipe: TrainingRecipe, n: int, watched: bool = False
    ) -> NoReturn:
        self.pool = Pool(stream, recipe, n, watched)
        raise _PoolAsked


def work_of(choice: MethodChoice, spec: TaskSpec, shape: DataShape) -> Work:
    """What a method would do for a task.

    Raises:
        UserError: for settings that are incompatible.
    """
    task = PlannedTask(spec, shape)
    reason = METHODS[choice.name].reason_to_skip(task)
    if reason:
        return Work(0, 0, 0, None, reason)
    method = METHODS[choice.name](task, choice.settings)
    passes = method.image_passes()
    if passes is not None and passes.training:
        with suppress(_PoolAsked):
            method.begin()
    share = method.steps / max(method.total_steps, 1) if method.total_steps else 1.0
    return Work(
        steps=method.steps,
        distilling=None if passes is None else passes.distilling * share,
        training=0.0 if passes is None else passes.training,
        pool=task.pool,
    )
