"""GraNd: the images of each class with the largest gradients before any training.

M. Paul et al., "Deep learning on a data diet" (NeurIPS 2021), Definition 2.1 at initialisation: the
norm of the gradient of an image's loss with respect to all weights, averaged over 10 networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, grad, vmap

from ddbench import DistilledSet, ImagePasses, MethodSettings, Model, setting
from ddbench.runtime.randomness import RandomStream

from ._dynamics_selection import by_difficulty
from ._selection import Selection

CHUNK = 32  # images whose gradients are held at a time


def gradient_norms(network: Model, images: Tensor, labels: Tensor) -> Tensor:
    """The norm (N,) of the gradient of each image's cross-entropy with respect to all weights.

    Args:
        network: in evaluation mode, so that no image affects another's gradient.
        images: (N, C, H, W).
        labels: class ids (N,).
    """
    weights = {name: value.detach() for name, value in network.named_parameters()}

    def loss(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(network, weights, (image[None],))
        return F.cross_entropy(logits, label[None])

    gradients = vmap(grad(loss), (None, 0, 0))(weights, images, labels)
    return (
        torch.stack([part.flatten(1).square().sum(1) for part in gradients.values()]).sum(0).sqrt()
    )


class GraNd(Selection):
    """The images with the largest gradients in untrained networks, or the smallest."""

    draws = True

    @dataclass
    class Settings(MethodSettings):
        """Settings of GraNd."""

        networks: int = setting(10, "networks over which norms are averaged", low=1)
        easy_first: bool = setting(False, "the images of a class with the smallest gradients")

    settings: Settings

    @property
    def total_steps(self) -> int:
        """One for each network."""
        return self.settings.networks

    def image_passes(self) -> ImagePasses:
        """All real images through each network."""
        return ImagePasses(training=0, distilling=self.settings.networks * len(self.task.real))

    def begin(self) -> None:
        self.norms = torch.zeros(len(self.task.real), dtype=torch.float64)

    def step(self, i: int) -> dict[str, float | Tensor]:
        """Add the norms of one network's gradients."""
        channels, resolution, _ = self.task.image_shape
        stream = RandomStream(self.task.spec.seed, ("grand", i))  # the same for every group
        model = self.task.spec.model
        network = model.build(channels, resolution, self.task.classes, stream)
        network = network.to(self.task.device).eval()
        every = torch.arange(len(self.task.real))
        norms = torch.cat(
            [gradient_norms(network, *self.task.real.batch(part)) for part in every.split(CHUNK)]
        )
        self.norms = self.norms + norms.double().cpu()
        return {"gradient_norm": norms.mean()}

    def finish(self) -> DistilledSet:
        """The chosen images."""
        self.chosen = self.choose()
        return super().finish()

    def class_choice(self, class_id: int, n: int) -> Tensor:
        positions = self.task.class_indices(class_id)
        return positions[by_difficulty(self.norms[positions], self.settings.easy_first)[:n]]

    def state_dict(self) -> dict[str, Any]:
        return {"norms": self.norms}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.norms = state["norms"]
