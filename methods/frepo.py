"""FRePo: images and targets that predict real images by regression on a network's features.

Y. Zhou, E. Nezhadarya, J. Ba, "Dataset distillation using neural feature regression" (NeurIPS
2022), algorithm 1, and the released JAX code. Features come from a network of a pool that is
trained on the images as they change; its last layer is solved for by kernel ridge regression.

The published network widens, and has batch norm before its convolutions while distilling and no
norm when a set is scored: `model=widening_convnet`. The authors' own PyTorch port lowers each pool
network's rate by a warm-up that is longer than its life, so that it hardly learns, and scores 3.7
points less; here the rate is constant, as in JAX.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ddbench import DistilledSet, ImagePasses, Model, Task, TrainingRecipe, UserError, setting
from ddbench.data.augmentation.choices import Augmentation
from ddbench.models.spec import ModelSpec

from ._image_parts import in_parts, with_mirror_images
from ._kernel_regression import centred, mean_margin, ridge_weights
from ._learned_targets import LearnedTargets, regression_recipe
from ._online_networks import OnlineNetworks

STUDENT_STEPS = {
    10: 1000, 100: 2000, 200: 20_000, 400: 5000,
    500: 5000, 1000: 10_000, 2000: 40_000, 5000: 40_000,
}  # fmt: skip
"""Optimiser steps of the authors' evaluation by the number of distilled images."""
FINAL_RATE = 0.1
"""Share of the rate that is left at the end of its cosine decay."""


class OnlineNorm(enum.Enum):
    """The norm of the online networks."""

    batch = "batch"
    """Batch norm, as published, whatever norm the task's model has."""
    model = "model"
    """That of the task's model."""


class Found(NamedTuple):
    """The loss of one step, and its gradients.

    Attributes:
        loss: a scalar.
        images: (N, C, H, W).
        targets: (N, classes).
    """

    loss: Tensor
    images: Tensor
    targets: Tensor


def regression_loss(
    features: Tensor, targets: Tensor, real_features: Tensor, real_targets: Tensor, ridge: float
) -> Tensor:
    """Half the squared distance between predictions and targets of real images (equation 5).

    p = Phi_t Phi_s' (Phi_s Phi_s' + r I)^-1 Y with r = ridge * trace(Phi_s Phi_s') / n, and
    L = mean_i 1/2 || p_i - t_i ||^2

    Args:
        features: Phi_s (n, F) of the distilled images.
        targets: Y (n, classes).
        real_features: Phi_t (B, F), constants.
        real_targets: t (B, classes).
        ridge: share of the kernel's mean diagonal.

    Raises:
        FloatingPointError: when the kernel is singular or not finite.
    """
    features, targets = features.double(), targets.double()
    scaled = ridge * features.square().sum() / len(features)
    weights = features.T @ ridge_weights(features, targets, scaled)
    error = real_features.double() @ weights - real_targets.double()
    return error.square().sum(1).mean() / 2


def regression_gradient(
    features: Callable[[Tensor], Tensor],
    images: Tensor,
    targets: Tensor,
    real: tuple[Tensor, Tensor],
    ridge: float,
    mirrored: bool,
    part: int,
) -> Found:
    """The loss with its margin term, and its gradients with respect to images and targets.

    L - mean_j min(y_j's largest - its second largest value, 1/classes)

    Args:
        features: maps images (n, C, H, W) to features (n, F), each image by itself.
        images: distilled images (N, C, H, W).
        targets: their targets (N, classes).
        real: real images (B, C, H, W) and their targets (B, classes).
        ridge: share of the kernel's mean diagonal.
        mirrored: whether mirror images count as further distilled images.
        part: images at a time through the network.

    Raises:
        FloatingPointError: when the kernel is singular or not finite.
    """
    with torch.no_grad():
        real_features = in_parts(features, real[0], part)
    images, targets = images.detach().requires_grad_(), targets.detach().requires_grad_()
    seen, wanted = images, targets
    if mirrored:
        seen, wanted = with_mirror_images(images), torch.cat([targets, targets])
    loss = regression_loss(in_parts(features, seen, part), wanted, real_features, real[1], ridge)
    loss = loss - mean_margin(targets, 1 / targets.shape[1])
    return Found(loss.detach(), *torch.autograd.grad(loss, [images, targets]))


class FRePo(LearnedTargets):
    """Neural feature regression with a pool of online networks and learned targets."""

    @dataclass
    class Settings(LearnedTargets.Settings):
        """Settings of FRePo; symbols in brackets are those of the paper."""

        iterations: int = setting(500_000, "updates of the images", low=1, scaled="distilling")
        rate: float = setting(3e-4, "learning rate of images and targets (LAMB)", above=0)
        ridge: float = setting(
            1e-6, "regulariser of the regression, as a share of the kernel's mean diagonal", above=0
        )
        online_networks: int = setting(10, "networks in the pool [M]", low=1)
        online_steps: int = setting(100, "training steps in the life of a network [K]", low=1)
        online_rate: float = setting(3e-4, "learning rate of the networks (Adam)", above=0)
        online_batch: int = setting(1000, "distilled images in a training step, at most", low=2)
        online_norm: OnlineNorm = setting(
            OnlineNorm.batch, "norm of the networks: batch (as published) or model (its own)"
        )
        flipped_students: bool = setting(
            True, "whether the authors' evaluation may flip images; not of digits"
        )

    settings: Settings

    def __init__(self, task: Task, settings: Any) -> None:
        """Choose the model of the online networks.

        Raises:
            UserError: when the task's model has no norm to choose.
        """
        super().__init__(task, settings)
        self.model = task.spec.model
        if self.settings.online_norm is OnlineNorm.batch:
            self.model = with_batch_norm(task.spec.model)

    def image_passes(self) -> ImagePasses:
        """Real images pass forward, distilled ones forward (twice if in parts) and backward."""
        given, seen = self.settings, self.seen_images
        real = min(given.real_batch, len(self.task.real)) / 2
        again = seen / 2 if seen > given.part else 0
        trained = min(given.online_batch, self.task.set_size)
        return ImagePasses(0, given.iterations * (real + seen + again + trained))

    def begin(self) -> None:
        from timm.optim.lamb import Lamb  # takes seconds

        super().begin()
        given = self.settings
        self.targets = self.targets / math.sqrt(self.task.classes / 10)
        self.optimiser = Lamb(
            [self.images, self.targets],
            lr=given.rate,
            weight_decay=0.0,
            always_adapt=True,
            max_grad_norm=None,
        )
        spread = given.online_steps // given.online_networks
        self.online = OnlineNetworks(
            self.fresh_network,
            [spread * place for place in range(given.online_networks)],
            given.online_rate,
            given.online_batch,
        )

    def fresh_network(self, place: int, generation: int) -> Model:
        """A network for a place of the pool, on the device."""
        channels, resolution, _ = self.task.image_shape
        stream = self.task.stream("online", place, generation)
        network = self.model.build(channels, resolution, self.task.classes, stream)
        return network.to(self.task.device)

    def rate_at(self, i: int) -> float:
        """The learning rate of images and targets in a step."""
        wave = (1 + math.cos(math.pi * i / self.total_steps)) / 2
        return self.settings.rate * (FINAL_RATE + (1 - FINAL_RATE) * wave)

    def step(self, i: int) -> dict[str, float | Tensor]:
        """Update images and targets through one network of the pool, then train it on them."""
        given = self.settings
        generator = self.task.generator("online-step", i)
        place = int(torch.randint(len(self.online), (), generator=generator))
        images, class_ids = self.real.batch(i)
        found = regression_gradient(
            self.online.networks[place].features,
            self.images,
            self.targets,
            (images, centred(class_ids, self.task.classes)),
            given.ridge,
            given.mirrored,
            given.part,
        )
        self.images.grad, self.targets.grad = found.images, found.targets
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate_at(i)
        self.optimiser.step()
        if self.online.ages[place] > given.online_steps:
            self.online.renew(place)
        else:
            chosen = torch.randperm(len(self.images), generator=generator)[: given.online_batch]
            chosen = chosen.to(self.images.device)
            self.online.train(place, self.images[chosen], self.targets[chosen])
        return {"loss": found.loss, "movement": self.movement()}

    def finish(self) -> DistilledSet:
        augmentation = Augmentation.gentle
        if not self.settings.flipped_students:
            augmentation = Augmentation.gentle_upright
        return self.as_learned(
            self.images, self.targets, evaluation(self.task.set_size, augmentation)
        )


def evaluation(images: int, augmentation: Augmentation) -> TrainingRecipe:
    """How the authors train students on a set of `images` images, 500 per step.

    For other numbers than theirs, the nearest one in ratio is used.
    """
    nearest = min(STUDENT_STEPS, key=lambda n: (max(n, images) / min(n, images), n))
    return regression_recipe(
        STUDENT_STEPS[nearest],
        images,
        learning_rate=3e-4,
        batch_size=500,
        augmentation=augmentation,
    )


def with_batch_norm(model: ModelSpec) -> ModelSpec:
    """The same model with batch norm, before its convolutions if it has that setting.

    Raises:
        UserError: for a model whose norm cannot be chosen.
    """
    choices = {item.name for item in fields(model.typed_settings)}
    if "norm" not in choices:
        raise UserError(
            f"model {model.name} has no norm to choose: method.online_norm=model distils with "
            "networks as it is"
        )
    settings: dict[str, Any] = {**model.settings, "norm": "batch"}
    if "norm_before" in choices:
        settings["norm_before"] = True
    return replace(model, settings=settings)
