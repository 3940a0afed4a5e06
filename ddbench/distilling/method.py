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
    """Settings of a method, resolved as: default, then recipe, then what a person gave."""

    stop_after: int = setting(
        0, "steps after which distilling ends early, for curves over steps; 0: all", low=0
    )


@dataclass(frozen=True)
class ImagePasses:
    """Images that go through networks, each counted once for every pass forward and backward.

    Args:
        training: in making teachers or expert trajectories.
        distilling: in all steps.
    """

    training: float
    distilling: float


class Method(ABC):
    """An algorithm that makes a distilled set.

    The harness calls `begin`, then `load_state_dict` if it resumes, then `step(i)` for the steps
    that are left, then `finish`. It seeds torch's, numpy's and Python's global generators before
    each step, so a state holds no generator. A method reaches the world only through its task.

    A step is one update of the distilled images. Whatever outlives a step belongs to the state.
    Change the state at the end of a step: `task.train` raises when a stop is requested, and the
    step is then redone after resuming.
    """

    version: ClassVar[int] = 1
    """Raised when the method's numbers change."""

    needs_equal_counts: ClassVar[bool] = True
    """Whether each class must have equally many distilled images, as where a method relies on
    `task.ipc`; False for one that follows `task.class_counts`."""

    draws: ClassVar[bool] = True
    """Whether another seed gives another set; False for a method that draws nothing, whose seeds
    are then no independent samples of anything."""

    selects: ClassVar[bool] = False
    """Whether its images are real ones, as they are or cropped and shrunk: leaderboards take its
    sets as controls of the methods whose images are not."""

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
        """Whether another seed gives another set of `ipc` images of the largest class.

        `draws` says so; a method answers by itself where that depends on the number.
        """
        return cls.draws

    @final
    @classmethod
    def reason_to_skip(cls, task: Task) -> str | None:
        """Why the method does not get this task, or None: its class counts, or what `skip` says."""
        if cls.needs_equal_counts and task.spec.class_counts is not None:
            return "it needs equally many images per class"
        return cls.skip(task)

    @property
    def total_steps(self) -> int:
        """Number of steps; 0 for methods that select and do not optimise."""
        return 0

    @property
    def steps(self) -> int:
        """Number of steps that are done: `total_steps`, or fewer where a person stops early.

        Schedules follow `total_steps`, so that stopping early gives a point of the whole course.
        """
        return min(self.settings.stop_after or self.total_steps, self.total_steps)

    def image_passes(self) -> ImagePasses | None:
        """How much work the settings ask for, to estimate times; None where that is unknown."""
        return None if self.total_steps else ImagePasses(0, 0)

    def begin(self) -> None:
        """Allocate the distilled images, optimisers and teachers."""

    def step(self, i: int) -> dict[str, float | Tensor]:
        """Update the distilled images once; return scalars for the log (tensors are not read)."""
        raise NotImplementedError(f"{type(self).__name__} has total_steps but no step")

    @abstractmethod
    def finish(self) -> DistilledSet:
        """The distilled set; `task.distilled_set` fills in what the task knows."""

    def state_dict(self) -> dict[str, Any]:
        """Nested dicts and lists of tensors, numbers and strings."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
