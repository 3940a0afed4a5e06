"""Networks that are trained on the distilled images while these change, a few steps at a time.

Y. Zhou et al., "Dataset distillation using neural feature regression" (NeurIPS 2022), section 3.3:
each distillation step uses one network of a pool, which is then trained a little more on the
images, and is replaced by a fresh one after a number of steps. So images meet networks of every
age, and none memorises them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from ddbench import Loss, Model

NEW_STATISTICS = 0.9
"""Weight of a batch's statistics in the running statistics of batch norm, as published."""


class OnlineNetworks:
    """A pool of networks, each with its own Adam optimiser at a constant rate.

    Between two training steps a network is in evaluation mode and requires no gradients.

    Args:
        fresh: makes a network from (place, number of earlier networks in that place).
        ages: training steps that the network in each place counts as having at the start.
        rate: learning rate.
        size: images at a time through a network in training; batch norm needs all of them at once.
    """

    def __init__(
        self, fresh: Callable[[int, int], Model], ages: list[int], rate: float, size: int
    ) -> None:
        self.fresh, self.rate, self.size = fresh, rate, size
        self.ages = list(ages)
        self.generations = [0] * len(ages)
        self.networks = [self._made(place, 0) for place in range(len(ages))]
        self.optimisers = [self._optimiser(network) for network in self.networks]

    def __len__(self) -> int:
        return len(self.networks)

    def train(self, place: int, images: Tensor, targets: Tensor) -> Tensor:
        """One step on images (B, C, H, W) with half the squared distance to targets (B, classes).

        Returns:
            The loss before the step.
        """
        network, optimiser = self.networks[place], self.optimisers[place]
        network.train().requires_grad_()
        optimiser.zero_grad()
        total = images.new_zeros(())
        for part, wanted in zip(images.split(self.size), targets.split(self.size), strict=True):
            loss = Loss.half_sum_squares(network(part), wanted) * (len(part) / len(images))
            loss.backward()
            total += loss.detach()
        optimiser.step()
        network.eval().requires_grad_(False)
        self.ages[place] += 1
        return total

    def renew(self, place: int) -> None:
        """Put a fresh network in a place."""
        self.generations[place] += 1
        self.networks[place] = self._made(place, self.generations[place])
        self.optimisers[place] = self._optimiser(self.networks[place])
        self.ages[place] = 0

    def _made(self, place: int, generation: int) -> Model:
        network = self.fresh(place, generation)
        for layer in network.modules():
            if isinstance(layer, _BatchNorm):
                layer.momentum = NEW_STATISTICS
        return network.eval().requires_grad_(False)

    def _optimiser(self, network: Model) -> torch.optim.Adam:
        return torch.optim.Adam(network.parameters(), lr=self.rate)

    def state_dict(self) -> list[dict[str, Any]]:
        """Everything that training changes, by reference, so save it before the next step."""
        return [
            {
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "age": age,
                "generation": generation,
            }
            for network, optimiser, age, generation in zip(
                self.networks, self.optimisers, self.ages, self.generations, strict=True
            )
        ]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Continue from a saved state."""
        for place, saved in enumerate(state):
            self.networks[place].load_state_dict(saved["network"])
            self.optimisers[place].load_state_dict(saved["optimiser"])
            self.ages[place], self.generations[place] = saved["age"], saved["generation"]
