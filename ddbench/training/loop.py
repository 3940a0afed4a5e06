"""The one training loop: everything on the device, resumable at any step.

Each step draws its random numbers from a generator named by (epoch, step). So the state of a
training is its weights, its optimiser and two counters, and a resumed one repeats the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..data.augmentation.choices import augmentation_of
from ..data.augmentation.dsa import DSA
from ..data.augmentation.mixing import Mixing, cutmix, mixup
from ..runtime.randomness import RandomStream
from .batch_statistics import predict_by_parts
from .loss import Loss
from .optimisers import OPTIMISERS
from .recipe import SnapshotFormat, TrainingRecipe

Weights = dict[str, Tensor]

LOOP_VERSION = 2
"""Incremented when the loop's numbers change; part of every key of a trained network."""


class Data(Protocol):
    """What can be trained on: `Examples`, or the real images of a task."""

    def __len__(self) -> int: ...

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (B, C, H, W) and targets at positions `index`, on the network's device."""
        ...


class Training:
    """The training of one network by a recipe.

    Args:
        network: on its device; its weights are trained in place.
        data: what it is trained on.
        recipe: how it is trained.
        stream: where its random numbers come from.
        augmentation: used where the recipe asks for augmentation.
        teacher: a frozen network whose logits on each batch, augmented and mixed, are the targets;
            None: the data's own targets are used.
    """

    def __init__(
        self,
        network: nn.Module,
        data: Data,
        recipe: TrainingRecipe,
        stream: RandomStream,
        augmentation: DSA | None = None,
        teacher: nn.Module | None = None,
    ) -> None:
        self.network = network
        self.data = data
        self.recipe = recipe
        self.stream = stream
        self.teacher = teacher
        dsa = replace(augmentation or DSA(), strategy=recipe.operations)
        self.augment = augmentation_of(recipe.augmentation, dsa)
        self.device = next(network.parameters()).device
        self.optimiser = OPTIMISERS[recipe.optimiser](network.parameters(), recipe)
        self.epoch = 0
        self.step_in_epoch = 0
        self.loss = torch.zeros((), device=self.device)
        self.seen: tuple[Tensor, Tensor, Tensor] | None = None
        """The last step's positions (B,), logits (B, classes) before it, and targets."""
        self.snapshots: dict[int, Weights] = {}
        self.steps_per_epoch = recipe.steps_per_epoch(len(data))
        self._last_joined = self._last_is_alone() and _needs_company(network, data)
        """Whether the last image of an epoch joins the batch before it."""
        if self._last_joined:
            self.steps_per_epoch -= 1
        self._order: Tensor | None = None
        self._keep()

    @property
    def total_steps(self) -> int:
        """Optimiser steps from beginning to end."""
        return self.steps_per_epoch * self.recipe.epochs

    @property
    def steps_done(self) -> int:
        """Optimiser steps taken so far."""
        return self.epoch * self.steps_per_epoch + self.step_in_epoch

    def run(self, after_step: Callable[[Training], None] | None = None) -> dict[int, Weights]:
        """Train to the end and return the kept weights by number of completed epochs.

        Args:
            after_step: called after each step; it may save the state, show progress, or raise.
        """
        self.network.train()
        while self.epoch < self.recipe.epochs:
            self.step()
            if after_step is not None:
                after_step(self)
        self.network.eval()
        return self.snapshots

    def step(self) -> dict[str, Tensor]:
        """Take one optimiser step on one mini-batch and return its loss."""
        if self._order is None:
            self._order = self._shuffled()
        start = self.step_in_epoch * self.recipe.batch_size
        joined = self._last_joined and self.step_in_epoch == self.steps_per_epoch - 1
        end = len(self._order) if joined else start + self.recipe.batch_size
        index, self.seen = self._order[start:end], None
        inputs, targets = self.data.batch(index)
        stream = self.stream / "step" / self.epoch / self.step_in_epoch
        if self.recipe.augment:
            inputs = self.augment(inputs, stream.generator())
        mixing = None
        if self.recipe.cutmix:
            inputs, mixing = cutmix(inputs, self.recipe.cutmix, (stream / "cutmix").generator())
        elif self.recipe.mixup:
            inputs, mixing = mixup(inputs, self.recipe.mixup, (stream / "mixup").generator())
        taught = None if self.teacher is None else self._taught(self.teacher, inputs)
        stream.seed_torch(self.device)  # for dropout, which draws from the global generator
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate_at_step(self.steps_done, self.steps_per_epoch)

        def closure() -> Any:
            self.optimiser.zero_grad()
            logits = self.network(inputs)
            if self.seen is None:  # an optimiser may call again, with other weights
                self.seen = (index, logits.detach(), targets)
            loss = self._loss(logits, targets, taught, mixing)
            loss.backward()
            return loss.detach()

        self.loss = self.optimiser.step(closure)  # type: ignore[assignment]
        self.step_in_epoch += 1
        if self.step_in_epoch == self.steps_per_epoch:
            self.epoch, self.step_in_epoch, self._order = self.epoch + 1, 0, None
            self._keep()
        return {"loss": self.loss}

    def _taught(self, teacher: nn.Module, inputs: Tensor) -> Tensor:
        """The teacher's logits for a batch."""
        parts = self.recipe.teacher_parts
        return predict_by_parts(teacher, inputs, parts) if parts else predict(teacher, inputs)

    def _loss(
        self, logits: Tensor, targets: Tensor, taught: Tensor | None, mixing: Mixing | None
    ) -> Tensor:
        """The loss of a batch: against its targets, the teacher's logits, or both."""
        recipe, loss = self.recipe, self.recipe.loss
        if taught is None:
            return _of_mixed(partial(loss, logits, temperature=recipe.temperature), targets, mixing)
        learned = loss(logits, taught, recipe.temperature)
        if not recipe.share_of_ids:
            return learned
        known = _of_mixed(partial(Loss.cross_entropy, logits), targets, mixing)
        return recipe.share_of_ids * known + (1 - recipe.share_of_ids) * learned

    def _last_is_alone(self) -> bool:
        """Whether the last of several batches of an epoch has a single image."""
        before_it = (self.steps_per_epoch - 1) * self.recipe.batch_size
        return before_it > 0 and self.recipe.batch_size > 1 and len(self.data) - before_it == 1

    def _keep(self) -> None:
        if self.epoch in self.recipe.kept_epochs:
            self.snapshots[self.epoch] = copy_weights(self.network, self.recipe.snapshot_format)

    def _shuffled(self) -> Tensor:
        generator = (self.stream / "order" / self.epoch).generator()
        return torch.randperm(len(self.data), generator=generator).to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to continue; references to live tensors: save before the next step."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "epoch": self.epoch,
            "step_in_epoch": self.step_in_epoch,
            "snapshots": self.snapshots,
            "loss": self.loss,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch, self.step_in_epoch = state["epoch"], state["step_in_epoch"]
        self.snapshots = state["snapshots"]
        self.loss = state["loss"].to(self.device)
        self._order = None


def _of_mixed(loss: Callable[[Tensor], Tensor], targets: Tensor, mixing: Mixing | None) -> Tensor:
    """A loss against the targets of a batch, which may be mixed with itself in another order."""
    if mixing is None:
        return loss(targets)
    return mixing.share * loss(targets) + (1 - mixing.share) * loss(targets[mixing.order])


@torch.no_grad()
def _needs_company(network: nn.Module, data: Data) -> bool:
    """Whether a network cannot be trained on a batch of a single image.

    This is so if it batch-normalises maps with one value per channel, as after global pooling. It
    is tried out, since only then may a batch be joined to another: otherwise numbers would change.
    Whatever the trial changes in the network is restored.
    """
    device = next(network.parameters()).device
    inputs, _ = data.batch(torch.zeros(1, dtype=torch.int64, device=device))
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    training = network.training
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            network.train()(inputs)
    except ValueError:  # torch: "Expected more than 1 value per channel when training"
        return True
    finally:
        network.train(training)
        for buffer, before in buffers:
            buffer.copy_(before)
    return False


def copy_weights(network: nn.Module, stored: SnapshotFormat = SnapshotFormat.float32) -> Weights:
    """A copy of a network's weights on the CPU (`.cpu()` alone would alias them there).

    Args:
        network: whose weights.
        stored: the format of its real numbers; counters stay integers.
    """
    half = stored is SnapshotFormat.float16
    return {
        name: value.detach().to(
            "cpu", torch.float16 if half and value.is_floating_point() else value.dtype, copy=True
        )
        for name, value in network.state_dict().items()
    }


@torch.no_grad()
def predict(network: nn.Module, inputs: Tensor) -> Tensor:
    """Logits (N, classes) of inputs (N, C, H, W), in evaluation mode."""
    network.eval()
    return torch.cat([network(chunk) for chunk in inputs.split(images_at_once(inputs.device))])


def images_at_once(device: torch.device) -> int:
    """How many images a network processes at once when no gradient is needed.

    On a CPU, more are no faster, or slower once their maps exceed its caches, and need more memory.
    """
    return 128 if device.type == "cpu" else 512
