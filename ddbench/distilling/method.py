"""The contract of a method: the harness owns the loop, a method owns one step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

from torch import Tensor

from ..plugins.settings import Settings, setting
from .distilled_set import DistilledSet
from .task import Task


@dataclass
class MethodSettings(Settings):
    """Settings of a method: given values override the recipe, which overrides the defaults."""

    stop_after: int = setting(
        0, "steps after which distilling ends early, for curves over steps; 0: all", low=0
    )


@dataclass(frozen=True)
class ImagePasses:
    """Number of images passed forward and backward through networks.

    Args:
        training: for training teachers or expert trajectories.
        distilling: over all steps of distilling.
    """

    training: float
    distilling: float


class Method(ABC):
    """An algorithm that makes a distilled set.

    The harness calls `begin`, then `load_state_dict` if it resumes, then `step(i)` for the
    remaining steps, then `finish`. It seeds torch's, numpy's and Python's global generators before
    each step, so a state holds no generator. A method gets data and networks only from its task.

    A step is one update of the distilled images. Everything that outlives a step belongs in the
    state. Change the state only at the end of a step: `task.train` raises when a stop is requested,
    and the step is then redone after resuming.
    """

    version: ClassVar[int] = 1
    """Incremented when the method's results change."""

    needs_equal_counts: ClassVar[bool] = True
    """Whether all classes must have equally many distilled images, because the method relies on
    `task.ipc`; False for a method that follows `task.class_counts`."""

    draws: ClassVar[bool] = True
    """Whether different seeds give different sets; False for a method without randomness, whose
    seeds are not independent samples."""

    selects: ClassVar[bool] = False
    """Whether its images are real ones, unchanged or cropped and shrunk: leaderboards use its sets
    as controls for the other methods."""

    Settings: ClassVar[type[MethodSettings]] = MethodSettings

    def __init__(self, task: Task, settings: Any) -> None:
        """Keep the task and the settings (an instance of `Settings`)."""
        self.task = task
        self.settings = settings

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Why the method cannot do this task, or None."""
        return None

    @classmethod
    def draws_at(cls, ipc: int) -> bool:
        """Whether different seeds give different sets, with `ipc` images of the largest class.

        Returns `draws`; a method overrides this if the answer depends on `ipc`.
        """
        return cls.draws

    @final
    @classmethod
    def reason_to_skip(cls, task: Task) -> str | None:
        """Why the method cannot have this task: its class counts, or `skip`'s reason; or None."""
        if cls.needs_equal_counts and task.spec.class_counts is not None:
            return "it needs equally many images per class"
        return cls.skip(task)

    @property
    def total_steps(self) -> int:
        """Number of steps; 0 for methods that select images without optimising."""
        return 0

    @property
    def steps(self) -> int:
        """Number of steps to run: `total_steps`, or fewer with `stop_after`.

        Schedules follow `total_steps`, so stopping early gives a point of the full trajectory.
        """
        return min(self.settings.stop_after or self.total_steps, self.total_steps)

    def image_passes(self) -> ImagePasses | None:
        """The amount of work under these settings, for time estimates; None if unknown."""
        return None if self.total_steps else ImagePasses(0, 0)

    def begin(self) -> None:
        """Allocate the distilled images, optimisers and teachers."""

    def step(self, i: int) -> dict[str, float | Tensor]:
        """Update the distilled images once; return scalars (a tensor is read only if logged)."""
        raise NotImplementedError(f"{type(self).__name__} has total_steps but no step")

    @abstractmethod
    def finish(self) -> DistilledSet:
        """Return the distilled set; `task.distilled_set` fills in what the task knows."""

    def state_dict(self) -> dict[str, Any]:
        """Nested dicts and lists of tensors, numbers and strings."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
