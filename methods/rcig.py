"""RCIG: images and targets learned by the implicit gradient of training a linearised network.

N. Loo, R. Hasani, M. Lechner, D. Rus, "Dataset distillation with convexified implicit gradients"
(ICML 2023), algorithm 1, and the released JAX code. As in FRePo, a network of a pool gives the
features for a regression; here the layers below also learn, to first order, and the gradient
includes how that learning depends on the images (`_implicit_gradient.py`).

The published model is `model=widening_convnet`, without norm. There, large sets were distilled from
random subsets of their images to save memory; here all of them count, part by part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddbench import DistilledSet, ImagePasses, Model, StepCost, Task, TrainingRecipe, setting

from ._adabelief import AdaBelief
from ._class_batches import mixes_images
from ._image_parts import with_mirror_images
from ._implicit_gradient import Gradients, Regression, gradients, limited
from ._kernel_regression import mean_margin
from ._learned_targets import LearnedTargets, regression_recipe
from ._linearised_network import LinearisedNetwork, reason_against, smooth
from ._online_networks import OnlineNetworks


class RCIG(LearnedTargets):
    """Convexified implicit gradients with a pool of online networks and learned targets."""

    @dataclass
    class Settings(LearnedTargets.Settings):
        """Settings of RCIG."""

        rate: float = setting(3e-3, "learning rate of images and targets (AdaBelief)", above=0)
        scale_rate: float = setting(
            0.03, "learning rate of the logarithm of the factor on predictions", low=0
        )
        average: float = setting(
            0.99, "decay of the moving average of images and targets", low=0, high=0.999999
        )
        ridge: float = setting(
            5e-4, "regulariser of the linearised network, for each distilled image", above=0
        )
        solver_steps: int = setting(
            20,
            "steps of each of the two linear systems of an update, at most",
            low=1,
            cost=StepCost.repeats,
        )
        solver_residual: float = setting(
            1e-3, "relative residual at which a linear system counts as solved", low=0, high=1
        )
        softplus: float = setting(
            60.0, "beta of softplus(beta x) / beta in place of ReLU; 0: ReLU", low=0
        )
        online_networks: int = setting(30, "networks in the pool", low=1)
        online_steps: int = setting(100, "training steps in the life of a network, at least", low=1)
        online_rate: float = setting(5e-5, "learning rate of the networks (Adam)", above=0)
        online_visit: int = setting(15, "training steps after each update, at most", low=1)

    settings: Settings

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """A linearised network is differentiated in forward mode, image by image."""
        network = task.new_network("structure")
        if mixes_images(network):
            return "linearised networks with batch norm are not defined"
        channels, height, width = task.image_shape
        trial = torch.zeros(1, channels, height, width, device=task.device)
        return reason_against(network, trial)

    def image_passes(self) -> ImagePasses:
        """A product with the linearised network's matrix is two passes for each image."""
        given, seen = self.settings, self.seen_images
        real = 2 * min(given.real_batch, len(self.task.real))
        products = 2 * (given.solver_steps + 1)
        trained = (1 + given.online_visit) / 2
        return ImagePasses(0, given.iterations * (real + seen * (2 * products + 5 + trained)))

    def begin(self) -> None:
        super().begin()
        given = self.settings
        self.log_scale = torch.zeros((), device=self.task.device)
        self.averages = [torch.zeros_like(self.images), torch.zeros_like(self.targets)]
        self.updates = 0
        groups: list[dict[str, Any]] = [
            {"params": [self.images, self.targets]},
            {"params": [self.log_scale], "lr": given.scale_rate},
        ]
        self.optimiser = AdaBelief(groups, given.rate)
        self.online = OnlineNetworks(
            self.fresh_network, [0] * given.online_networks, given.online_rate, given.part
        )

    def fresh_network(self, place: int, generation: int) -> Model:
        """A network for a place of the pool, on the device."""
        network = self.task.new_network("online", place, generation)
        return smooth(network, self.settings.softplus) if self.settings.softplus else network

    def seen(self) -> tuple[Tensor, Tensor]:
        """Images (n, C, H, W) and targets (n, classes) that networks learn from."""
        if not self.settings.mirrored:
            return self.images, self.targets
        return with_mirror_images(self.images), torch.cat([self.targets, self.targets])

    def step(self, i: int) -> dict[str, float | Tensor]:
        """Update images and targets through one network of the pool, then train it on them."""
        given = self.settings
        generator = self.task.generator("online-step", i)
        place = int(torch.randint(len(self.online), (), generator=generator))
        visit = int(torch.randint(1, given.online_visit + 1, (), generator=generator))
        images, targets = self.seen()
        found = gradients(
            LinearisedNetwork(self.online.networks[place], given.part),
            Regression(
                images,
                targets,
                given.ridge * len(self.images),
                given.solver_steps,
                given.solver_residual,
            ),
            self.log_scale,
            self.real.batch(i),
        )
        margin = self.descend(found)
        images, targets = self.seen()
        for _ in range(visit):
            self.online.train(place, images, targets)
        if self.online.ages[place] >= given.online_steps:
            self.online.renew(place)
        return {
            "loss": found.loss - margin,
            "trained_residual": found.trained,
            "implicit_residual": found.inverted,
            "log_scale": self.log_scale,
            "movement": self.movement(),
        }

    def descend(self, found: Gradients) -> Tensor:
        """Update images, targets and factor; return the mean margin of the targets before that.

        The margin of each target is capped at half of 1 / classes.
        """
        targets = self.targets.clone().requires_grad_()
        margin = mean_margin(targets, 1 / (2 * self.task.classes))
        (of_margin,) = torch.autograd.grad(margin, targets)
        direct = [
            folded_images(found.direct[0], len(self.images)),
            folded_targets(found.direct[1], len(self.images)) - of_margin,
        ]
        implicit = [
            folded_images(found.implicit[0], len(self.images)),
            folded_targets(found.implicit[1], len(self.images)),
        ]
        for value, first, second in zip((self.images, self.targets), direct, implicit, strict=True):
            value.grad = first + limited(second, first)
        self.log_scale.grad = found.direct[2]
        self.optimiser.step()
        self.updates += 1
        for average, value in zip(self.averages, (self.images, self.targets), strict=True):
            average.lerp_(value, 1 - self.settings.average)
        return margin.detach()

    def finish(self) -> DistilledSet:
        """The moving averages, corrected for their start at zero."""
        weight = 1 - self.settings.average**self.updates
        images, targets = (average / weight for average in self.averages)
        return self.as_learned(
            images, targets, evaluation(self.task.set_size, self.settings.mirrored)
        )

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "log_scale": self.log_scale,
            "averages": self.averages,
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.log_scale.copy_(state["log_scale"])
        for average, saved in zip(self.averages, state["averages"], strict=True):
            average.copy_(saved)
        self.updates = state["updates"]


def folded_images(gradient: Tensor, count: int) -> Tensor:
    """Add the gradient for mirror images, if any, to that for the images (count, C, H, W)."""
    if len(gradient) == count:
        return gradient
    return gradient[:count] + gradient[count:].flip(3)


def folded_targets(gradient: Tensor, count: int) -> Tensor:
    """Sum the gradient for targets that occur once or twice into one for (count, classes)."""
    return gradient.view(-1, count, gradient.shape[1]).sum(0)


def evaluation(images: int, mirrored: bool) -> TrainingRecipe:
    """How the authors train students on a set of `images` images, without augmentation."""
    return regression_recipe(
        1000 if images == 10 else 2000,
        images,
        learning_rate=1e-4,
        batch_size=256,
        augmentation=None,
        mirrored=mirrored,
    )
