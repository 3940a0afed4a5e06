"""Gradient matching, as in dataset condensation, with and without augmentation.

B. Zhao, K. R. Mopuri, H. Bilen, "Dataset condensation with gradient matching" (ICLR 2021),
equations 9 to 11 and Algorithm 1; B. Zhao, H. Bilen, "Dataset condensation with differentiable
Siamese augmentation" (ICML 2021), equation 5; and their released code.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ddbench import Examples, ImagePasses, Model, StepCost, TrainingRecipe, setting

from ._class_batches import mixes_images, real_batches, siamese_draws
from ._image_descent import ImageDescent

EPSILON = 1e-6  # in the denominator of the cosine
STATISTICS_BATCH = 16  # real images per class for the statistics of batch norm


def gradient_distance(real: Sequence[Tensor], distilled: Sequence[Tensor]) -> Tensor:
    """Row-wise cosine distance between two gradients, summed over rows and layers.

    D = sum_layers sum_rows 1 - <a_r, b_r> / (|a_r| |b_r| + 1e-6)

    A row holds the weights of one output: a filter of a convolution, a row of a linear layer.
    Biases and the affine parameters of norm layers have one dimension and are left out.

    Args:
        real: the gradient of each parameter.
        distilled: the other gradient, in the same order.
    """
    total = real[0].new_zeros(())
    for a, b in zip(real, distilled, strict=True):
        if a.ndim > 1:
            a, b = a.flatten(1), b.flatten(1)
            norms = a.norm(dim=1) * b.norm(dim=1) + EPSILON
            total = total + (1 - (a * b).sum(1) / norms).sum()
    return total


def matching_loss(network: nn.Module, real: Tensor, images: Tensor, class_id: int) -> Tensor:
    """The distance between one class's two gradients, differentiable in its distilled images.

    D(grad CE(network(real), c), grad CE(network(images), c)); the real gradient is a constant.

    Args:
        network: the gradients are with respect to its parameters.
        real: a real batch (n, C, H, W), augmented or not.
        images: the distilled images (ipc, C, H, W) as the network sees them.
        class_id: c.
    """
    parameters = list(network.parameters())

    def gradient(batch: Tensor, create_graph: bool) -> Sequence[Tensor]:
        labels = torch.full((len(batch),), class_id, device=batch.device)
        loss = F.cross_entropy(network(batch), labels)
        return torch.autograd.grad(loss, parameters, create_graph=create_graph)

    return gradient_distance(gradient(real, False), gradient(images, True))


class GradientMatching(ImageDescent):
    """Base of methods that match a network's gradients on distilled images to those on real ones.

    Each fresh network serves `outer_loop` updates of the images and is trained on them in between.
    A step is one of those updates.
    """

    @dataclass
    class Settings(ImageDescent.Settings):
        """Settings of gradient matching; symbols in brackets are the paper's."""

        iterations: int = setting(1000, "fresh networks [K]", low=1, scaled="distilling")
        image_rate: float = setting(0.1, "learning rate of the images", above=0)
        outer_loop: int = setting(1, "updates of the images for each network [T]", low=1)
        inner_epochs: int = setting(
            1, "epochs of the network between two updates", low=1, cost=StepCost.repeats
        )
        network_rate: float = setting(0.01, "learning rate of the network", above=0)
        network_batch: int = setting(256, "mini-batch of the network", low=1, cost=StepCost.batch)
        real_batch: int = setting(256, "real images per class and update", low=1)
        augment: bool = setting(True, "Siamese augmentation, and DSA in training the network")

    settings: Settings

    @property
    def total_steps(self) -> int:
        return self.settings.iterations * self.settings.outer_loop

    def image_passes(self) -> ImagePasses:
        """Two gradients per class, the distilled one differentiated again; and the inner epochs."""
        given, task = self.settings, self.task
        real = sum(min(given.real_batch, len(task.class_indices(c))) for c in range(task.classes))
        inner = given.inner_epochs * (given.outer_loop - 1) / given.outer_loop
        passes = real + (2 + inner) * task.set_size
        return ImagePasses(0, self.total_steps * passes)

    def begin(self) -> None:
        super().begin()
        self.network: Model | None = None

    def step(self, i: int) -> dict[str, float | Tensor]:
        """One update of the images, and the training of the network that follows it."""
        position = i % self.settings.outer_loop
        if position == 0:
            network = self.task.new_network("network", i // self.settings.outer_loop)
        else:
            network = copy.deepcopy(self._network())  # an interrupted step must leave no trace
        self._settle_statistics(network, i)
        loss, gradient = self._gradient(network, i)
        images, velocity = self.moved(gradient)
        last = position == self.settings.outer_loop - 1
        self.network = None if last else self._trained(network, images, i)
        self.images, self.velocity = images, velocity
        return {"loss": loss, "movement": self.movement()}

    def state_dict(self) -> dict[str, Any]:
        """Images, velocity and the network; its optimiser, SGD without momentum, has no state."""
        network = self.network.state_dict() if self.network else {}
        return {**super().state_dict(), "network": network}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.network = None
        if state["network"]:
            self.network = self.task.new_network("network", 0)
            self.network.load_state_dict(state["network"])

    def _network(self) -> Model:
        assert self.network is not None
        return self.network

    def _gradient(self, network: Model, i: int) -> tuple[Tensor, Tensor]:
        """Loss and gradient (N, C, H, W) over all classes.

        Each class's term depends on its own images alone, so its graph is freed before the next.
        """
        task = self.task
        loss, gradients = self.images.new_zeros(()), []
        for class_id, images in enumerate(self.images.split(task.class_counts)):
            leaf = images.clone().requires_grad_()
            (real,), seen = real_batches(task, [class_id], self.settings.real_batch, i), leaf
            if self.settings.augment:
                (draw,) = siamese_draws(task, self.augmentation, [class_id], i)
                real, seen = (self.augmentation.apply(batch, draw) for batch in (real, seen))
            term = matching_loss(network, real, seen, class_id)
            gradients += torch.autograd.grad(term, leaf)
            loss += term.detach()
        return loss, torch.cat(gradients)

    def _trained(self, network: Model, images: Tensor, i: int) -> Model:
        """The network after some epochs on the distilled images."""
        given = self.settings
        recipe = TrainingRecipe(
            epochs=given.inner_epochs,
            learning_rate=given.network_rate,
            momentum=0.0,
            weight_decay=0.0,
            batch_size=given.network_batch,
            augment=given.augment,
            operations=self.augmentation.strategy,
        )
        examples = Examples(images, self.labels.to(images.device))
        self.task.train(network, examples, recipe, self.task.stream("inner-training", i))
        return network

    def _settle_statistics(self, network: Model, i: int) -> None:
        """Set batch norm's statistics from some real images and freeze them, as released."""
        if mixes_images(network):
            everything = range(self.task.classes)
            batches = real_batches(self.task, everything, STATISTICS_BATCH, "statistics", i)
            with torch.no_grad():
                network.train()(torch.cat(batches))
        network.eval()
