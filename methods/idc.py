"""IDC: tiles whose gradients match those of real images, in networks that train on real images.

J.-H. Kim et al., "Dataset condensation via efficient synthetic-data parameterization" (ICML 2022),
algorithm 1, and the released code. Each image holds factor^2 smaller ones, which a decoder enlarges
(`random_tiles` is the control with the same decoder); networks never learn from distilled images.

There, pixels are in [0, 1]. Here they are kept in a normalised input space, and their gradient is
divided by the square of the space's standard deviation, which gives the same updates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ddbench import DistilledSet, ImagePasses, Model, StepCost, Task, TrainingRecipe, setting
from ddbench.data.augmentation.choices import Augmentation
from ddbench.data.augmentation.dsa import OPERATIONS
from ddbench.distilling.tiles import decode_tiles
from ddbench.training.loop import Training

from ._class_batches import real_batches
from ._image_descent import ImageDescent, Initial
from ._tiles import evaluation, tile_grey, tiles_of_real_images

SHARED = ("color", "crop", "cutout")
"""Operations shared by a class's real and distilled images, all applied in this order."""


def filter_distance(real: Sequence[Tensor], distilled: Sequence[Tensor]) -> Tensor:
    """Squared distance between two gradients, over the filters of convolutions only.

    D = sum_filters || a - b ||^2; biases, norms and the last layer have fewer dimensions than four.

    Args:
        real: the gradient of each parameter.
        distilled: the other gradient, in the same order.
    """
    pairs = zip(real, distilled, strict=True)
    return torch.stack([(a - b).square().sum() for a, b in pairs if a.ndim == 4]).sum()


def matching_gradient(
    network: Model,
    real: Tensor,
    images: Tensor,
    class_id: int,
    see: Callable[[Tensor], Tensor],
    augment: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """The distance between one class's two gradients, and its gradient for the distilled images.

    D(grad CE(network(augment(real)), c), grad CE(network(augment(see(images))), c))

    Args:
        network: the gradients are with respect to its parameters.
        real: a real batch (n, C, H, W).
        images: the stored images of the class (m, C, H, W).
        class_id: c.
        see: decodes stored images, and chooses among them.
        augment: augments both batches alike.
    """
    parameters = list(network.parameters())

    def gradient(batch: Tensor, create_graph: bool) -> Sequence[Tensor]:
        labels = torch.full((len(batch),), class_id, device=batch.device)
        loss = F.cross_entropy(network(batch), labels)
        return torch.autograd.grad(loss, parameters, create_graph=create_graph)

    leaf = images.clone().requires_grad_()
    distance = filter_distance(gradient(augment(real), False), gradient(augment(see(leaf)), True))
    (of_images,) = torch.autograd.grad(distance, leaf)
    return distance.detach(), of_images


class IDC(ImageDescent):
    """Gradient matching of tiles on networks that learn from real images."""

    @dataclass
    class Settings(ImageDescent.Settings):
        """Settings of IDC."""

        iterations: int = setting(2000, "fresh networks", low=1, scaled="distilling")
        image_rate: float = setting(5e-3, "learning rate of pixels in [0, 1]", above=0)
        factor: int = setting(2, "rows and columns of tiles in an image", low=1, high=8)
        inner_loop: int = setting(100, "rounds over the classes for each network", low=1)
        real_batch: int = setting(64, "real images per class and round", low=1)
        distilled_batch: int = setting(
            128, "decoded images per class and round, at most, drawn anew", low=1
        )
        network_steps: int = setting(
            32,
            "steps of the network on real images after each round",
            low=1,
            cost=StepCost.repeats,
        )
        network_batch: int = setting(64, "real images in such a step", low=1)
        network_rate: float = setting(0.01, "learning rate of the network", above=0)
        operations: list[str] = setting(
            list(OPERATIONS),
            "operations of DSA: color, crop and cutout for matching, flip for the evaluation",
            left_out_at_default=True,
        )

    settings: Settings

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Pixels are kept in [0, 1], and gradients are those of filters."""
        if task.whitens:
            return "its pixels are kept in [0, 1], which a whitened input space does not have"
        if all(value.ndim != 4 for value in task.new_network("structure").parameters()):
            return "it matches gradients of convolutions, of which the model has none"
        return None

    @property
    def total_steps(self) -> int:
        return self.settings.iterations * self.settings.inner_loop

    def image_passes(self) -> ImagePasses:
        """Two gradients per class, the distilled one differentiated again, and network steps."""
        given, task = self.settings, self.task
        real = sum(min(given.real_batch, len(task.class_indices(c))) for c in range(task.classes))
        seen = [min(given.distilled_batch, n * given.factor**2) for n in task.class_counts]
        trained = given.network_steps * given.network_batch
        return ImagePasses(0, self.total_steps * (real + 2 * sum(seen) + trained))

    def begin(self) -> None:
        super().begin()
        given = self.settings
        if given.initial is Initial.real:
            self.start = tiles_of_real_images(self.task, given.factor).to(self.task.device)
            self.images = self.start.clone()
        mean, std = (
            one.view(-1, 1, 1).to(self.task.device) for one in self.task.channel_statistics
        )
        self.black, self.white, self.deviation = -mean / std, (1 - mean) / std, std
        self.grey = tile_grey(self.task)
        self.training: Training | None = None
        self.around = 0

    def step(self, i: int) -> dict[str, float | Tensor]:
        """One update for each class in turn, then the network learns from real images."""
        given = self.settings
        self.around, place = divmod(i, given.inner_loop)
        if place == 0:
            self.training = self.network_training()
            self.images = self.images.clamp(self.black, self.white)
        assert self.training is not None
        network = self.training.network.eval()
        assert isinstance(network, Model)
        loss = self.images.new_zeros(())
        ends = torch.tensor(self.task.class_counts).cumsum(0).tolist()
        for class_id, end in enumerate(ends):
            own = slice(end - self.task.class_counts[class_id], end)
            term, of_images = self.of_class(network, class_id, self.images[own], i)
            gradient = torch.zeros_like(self.images)
            gradient[own] = of_images / self.deviation.square()
            self.images, self.velocity = self.moved(gradient)
            loss += term
        if place + 1 < given.inner_loop:
            network.train()
            for _ in range(self.training.steps_per_epoch):
                self.training.step()
        return {"loss": loss, "movement": self.movement()}

    def of_class(
        self, network: Model, class_id: int, images: Tensor, i: int
    ) -> tuple[Tensor, Tensor]:
        """The distance between one class's gradients, and its gradient for the class's images."""
        given, task = self.settings, self.task
        generator = task.generator("matching", i, class_id)
        _, height, width = task.image_shape
        draws = [
            self.augmentation.draw_of(name, 1, height, width, generator)
            for name in SHARED
            if name in given.operations
        ]
        decoded = len(images) * given.factor**2
        chosen = torch.randperm(decoded, generator=generator)[: given.distilled_batch]
        chosen = chosen.to(images.device)

        def augment(batch: Tensor) -> Tensor:
            for draw in draws:
                batch = self.augmentation.apply(batch, draw)
            return batch

        (real,) = real_batches(task, [class_id], given.real_batch, i)
        return matching_gradient(
            network,
            real,
            images,
            class_id,
            lambda stored: decode_tiles(stored, given.factor, self.grey)[chosen],
            augment,
        )

    def network_training(self) -> Training:
        """A fresh network at the beginning of its training on real images."""
        given = self.settings
        recipe = TrainingRecipe(
            epochs=given.inner_loop,
            learning_rate=given.network_rate,
            batch_size=given.network_batch,
            epoch_steps=given.network_steps,
            augmentation=Augmentation.color_crop,
            cutmix=0.5,
        )
        return Training(
            self.task.new_network("network", self.around),
            self.task.real,
            recipe,
            self.task.stream("network-training", self.around),
            self.augmentation,
        )

    def evaluation(self) -> TrainingRecipe:
        """How the authors train students on decoded tiles."""
        return evaluation("flip" in self.settings.operations)

    def finish(self) -> DistilledSet:
        """The images with pixels in [0, 1]."""
        return self.task.distilled_set(
            self.images.clamp(self.black, self.white),
            self.labels,
            evaluation=self.evaluation(),
            tile_factor=self.settings.factor,
        )

    def state_dict(self) -> dict[str, Any]:
        training = self.training.state_dict() if self.training else {}
        return {**super().state_dict(), "training": training, "around": self.around}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.training, self.around = None, state["around"]
        if state["training"]:
            self.training = self.network_training()
            self.training.load_state_dict(state["training"])
