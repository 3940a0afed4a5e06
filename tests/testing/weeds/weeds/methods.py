"""Methods: each but the first is the first with one fault."""

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ddbench import Method, MethodSettings, TrainingRecipe, setting


class Sound(Method):
    """Images that drift, with nothing wrong."""

    needs_equal_counts = False
    total_steps = 4

    def begin(self):
        self.images = self.task.real.images(self.task.real_subset())
        self.velocity = torch.zeros_like(self.images)

    def step(self, i):
        self.velocity = 0.5 * self.velocity + 0.1 * torch.randn(self.images.shape)
        self.images = self.images + self.velocity
        return {"size": self.images.abs().mean()}

    def finish(self):
        recipe = TrainingRecipe(epochs=20, learning_rate=0.01)
        labels = self.task.class_ids()
        return self.task.distilled_set(self.images, labels, evaluation=recipe)

    def state_dict(self):
        return {"images": self.images, "velocity": self.velocity}

    def load_state_dict(self, state):
        self.images, self.velocity = state["images"], state["velocity"]


class NoMethod:
    """Not derived from Method."""


class NoFinish(Method):
    """An abstract method."""


class BareSetting(Sound):
    """A setting without words."""

    @dataclass
    class Settings(MethodSettings):
        """One field that is not made with `setting`."""

        speed: float = 1.0


class NoRange(Sound):
    """A number without bounds."""

    @dataclass
    class Settings(MethodSettings):
        """One field."""

        speed: float = setting(1.0, "of drifting")


class DefaultOutOfRange(Sound):
    """A default that its own range refuses."""

    @dataclass
    class Settings(MethodSettings):
        """One field."""

        speed: float = setting(1.0, "of drifting", low=2)


class Undecorated(Sound):
    """Settings that are no dataclass."""

    class Settings(MethodSettings):
        """One field, which is none."""

        speed: float = setting(1.0, "of drifting", low=0)


class SkipsWithTrue(Sound):
    """A skip without a reason."""

    @classmethod
    def skip(cls, task):
        return True


class FailsInBegin(Sound):
    """An exception before the first step."""

    def begin(self):
        self.images = self.task.real.image(0)


class ExitsInStep(Sound):
    """Ends the process in a step."""

    def step(self, i):
        sys.exit("enough")


class NotANumber(Sound):
    """Images that are not finite."""

    def finish(self):
        self.images = self.images * float("nan")
        return super().finish()


class Diverges(Sound):
    """A loss that is not finite."""

    def step(self, i):
        return {"loss": float("inf")}


class WrongShape(Sound):
    """Colour images of a grey dataset."""

    def finish(self):
        self.images = self.images.repeat(1, 3, 1, 1)
        return super().finish()


class WrongType(Sound):
    """Labels of 32 bits."""

    def finish(self):
        labels = self.task.class_ids().int()
        recipe = TrainingRecipe(epochs=20, learning_rate=0.01)
        return self.task.distilled_set(self.images, labels, evaluation=recipe)


class WrongCount(Sound):
    """One image too few."""

    def finish(self):
        labels = self.task.class_ids()[1:]
        recipe = TrainingRecipe(epochs=20, learning_rate=0.01)
        return self.task.distilled_set(self.images[1:], labels, evaluation=recipe)


class NoSet(Sound):
    """Images where a set is wanted."""

    def finish(self):
        return self.images


class AsksTheClock(Sound):
    """Numbers that no seed determines."""

    def finish(self):
        self.images = self.images + time.monotonic() % 1
        return super().finish()


class RemembersTheProcess(Sound):
    """A second instance goes on from the first."""

    made: ClassVar[list[int]] = []

    def begin(self):
        super().begin()
        self.made.append(1)
        self.images = self.images + 0.01 * len(self.made)


class ForgetsTheVelocity(Sound):
    """A state without one of its parts."""

    def state_dict(self):
        return {"images": self.images}

    def load_state_dict(self, state):
        self.images = state["images"]


class LoadsNothing(Sound):
    """A state that is saved and not read."""

    def load_state_dict(self, state):
        pass


class KeepsAGenerator(Sound):
    """A state with something that no file should hold."""

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "draws": [torch.Generator()]}


class PeeksAtTheTestSplit(Sound):
    """Asks for the test split, and goes on where it is refused."""

    def step(self, i):
        with contextlib.suppress(RuntimeError):
            self.images = self.images + len(self.task._lab.dataset.test)
        return super().step(i)


class ReadsTheTestSplit(Sound):
    """Goes around the lock."""

    def step(self, i):
        self.task._lab.dataset.source.load("test")
        return super().step(i)


class CountsInHalves(Sound):
    """Steps that cannot be counted."""

    total_steps = 4.5
