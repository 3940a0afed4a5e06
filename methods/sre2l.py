"""SRe2L: images recovered from a batch norm network that was trained on real images.

Z. Yin, E. Xing, Z. Shen, "Squeeze, recover and relabel: dataset condensation at ImageNet scale from
a new perspective" (NeurIPS 2023), and the released code. Its settings also give CDA (Z. Yin, Z.
Shen, "Dataset distillation via curriculum data synthesis in large data era", 2023) and images that
several networks vote for (J. Cui et al., "Dataset distillation via committee voting", 2025).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddbench import (
    DistilledSet,
    ImagePasses,
    Loss,
    Method,
    MethodSettings,
    Model,
    StepCost,
    Task,
    TrainingRecipe,
    setting,
)
from ddbench.data.augmentation.choices import Augmentation
from ddbench.training.schedule import Schedule, cosine_factor

from ._easy_crops import CropSearch, check_candidates, easiest_crops
from ._norm_statistics import Recovery
from ._squeezed_networks import accuracy, squeezed_model, squeezing_recipe, votes
from ._views import Curriculum, Views

DECAYS = (0.5, 0.9)
"""Adam's betas, as released."""


class Initial(enum.Enum):
    """What the images start from."""

    noise = "noise"
    """Standard normal pixels."""
    real = "real"
    """Random real images of their class."""
    crops = "crops"
    """The crops of real images that the first network finds easiest, as in RDED."""


def blocks(counts: tuple[int, ...], most: int) -> list[Tensor]:
    """Positions of the images that are recovered together, block by block.

    A block holds the k-th images of the classes that have that many, `most` at most. So a larger
    set begins with the blocks of a smaller one.

    Args:
        counts: images per class; the set is ordered by class.
        most: maximum number of images in a block.
    """
    ends = torch.tensor(counts).cumsum(0)
    made: list[Tensor] = []
    for k in range(max(counts)):
        members = [int(ends[c]) - n + k for c, n in enumerate(counts) if n > k]
        made += torch.tensor(members).split(most)
    return made


class SRe2L(Method):
    """Squeeze, recover and relabel."""

    needs_equal_counts = False

    @dataclass
    class Settings(MethodSettings):
        """Settings of SRe2L; symbols in brackets are the released code's."""

        iterations: int = setting(1000, "updates of each image", low=1, scaled="distilling")
        image_rate: float = setting(0.25, "learning rate of the images, at first", above=0)
        statistics_weight: float = setting(
            0.01, "weight of the distance of batch norm statistics [r_bn]", low=0
        )
        first_weight: float = setting(
            10.0, "weight of the first batch norm in it [first_bn_multiplier]", low=0
        )
        block: int = setting(
            100, "images recovered together, each of a different class", low=1,
            cost=StepCost.batch,
        )  # fmt: skip
        initial: Initial = setting(Initial.noise, "images to start from: noise, real or crops")
        candidates: int = setting(300, "real images per class to take crops from", low=1)
        least_scale: float = setting(
            1.0, "smallest share of an image's area in a random resized crop; 1: no crops",
            above=0, high=1,
        )  # fmt: skip
        curriculum: Curriculum = setting(
            Curriculum.none,
            "schedule by which crops shrink to it: none (SRe2L), step, linear or cosine (CDA)",
        )
        milestone: float = setting(
            1.0, "share of the iterations after which they have shrunk", low=0, high=1
        )
        flipped_views: bool = setting(False, "mirror half of the batches while recovering")
        jitter: int = setting(4, "largest shift of a batch while recovering, in pixels", low=0)
        jitter_both_ways: bool = setting(
            False, "shifts in all directions, not only down and to the right"
        )
        networks: int = setting(
            1, "networks that an image is recovered from (several: CV-DD)", low=1, high=100,
            cost=StepCost.repeats,
        )  # fmt: skip
        vote_temperature: float = setting(
            5.0,
            "temperature of the softmax over accuracies in percent that weights the networks",
            above=0,
        )
        squeeze_epochs: int = setting(200, "epochs of a network", low=1, scaled="teachers")
        squeeze_rate: float = setting(0.1, "learning rate of a network", above=0)
        squeeze_batch: int = setting(128, "mini-batch of a network", low=1)
        squeeze_epoch_steps: int = setting(
            0, "steps after which an epoch of a network ends early; 0: all real images", low=0
        )
        flips: bool = setting(
            True, "whether networks and the authors' students learn mirror images; not of digits"
        )
        student_epochs: int = setting(400, "epochs of students under protocol paper/1", low=1)
        student_rate: float = setting(
            0.001, "learning rate of students under protocol paper/1", above=0
        )
        student_batch: int = setting(128, "mini-batch of students under protocol paper/1", low=1)
        student_temperature: float = setting(
            30.0, "temperature of the students' labels under protocol paper/1", above=0
        )
        batch_labels: bool = setting(
            False, "whether labels use the batch norm statistics of each half of a batch (SRe2L++)"
        )

    settings: Settings

    def __init__(self, task: Task, settings: Any) -> None:
        """Derive what the settings determine.

        Raises:
            UserError: for fewer candidates than crops.
        """
        super().__init__(task, settings)
        given = self.settings
        if given.initial is Initial.crops:
            check_candidates(task, given.candidates, 1)
        self.blocks = blocks(task.class_counts, given.block)
        self.objective = Recovery(given.statistics_weight, given.first_weight)
        self.views = Views(
            given.least_scale,
            given.curriculum,
            given.milestone,
            given.flipped_views,
            given.jitter,
            given.jitter_both_ways,
        )

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """A network without batch norm keeps no statistics of real images."""
        if squeezed_model(task) is None:
            return f"the model {task.spec.model.name} has no form with batch norm"
        return None

    @property
    def total_steps(self) -> int:
        """One step for each update of a block; the blocks are processed one after the other."""
        return len(self.blocks) * self.settings.iterations

    def image_passes(self) -> ImagePasses:
        """Networks see the real images, and each distilled image passes through all of them."""
        given, recipe, real = self.settings, self.squeezing(), len(self.task.real)
        return ImagePasses(
            training=given.networks * recipe.epochs * recipe.images_per_epoch(real),
            distilling=given.networks * given.iterations * self.task.set_size,
        )

    def squeezing(self) -> TrainingRecipe:
        """How the networks are trained."""
        given = self.settings
        return squeezing_recipe(
            given.squeeze_epochs,
            given.squeeze_rate,
            given.squeeze_batch,
            given.squeeze_epoch_steps,
            given.flips,
        )

    def begin(self) -> None:
        """Squeeze the real images into the networks, and make the images to start from."""
        task, given = self.task, self.settings
        self.pool = task.teachers(self.squeezing(), given.networks, squeezed_model(task))
        self.networks: list[Model] = list(self.pool)
        known = [accuracy(task, one) for one in self.networks] if given.networks > 1 else [1.0]
        self.votes = votes(known, given.vote_temperature)
        self.labels = task.class_ids()
        mean, std = (one.view(-1, 1, 1).to(task.device) for one in task.channel_statistics)
        self.darkest, self.brightest = -mean / std, (1 - mean) / std
        # The whole set stays in main memory; only the current block is on the device.
        self.images = self.start()
        self.enter(0)

    def start(self) -> Tensor:
        """The images before the first step (N, C, H, W), on the CPU."""
        task, given = self.task, self.settings
        if given.initial is Initial.real:
            return task.real.images(task.real_subset()).cpu()
        if given.initial is Initial.crops:
            search = CropSearch(given.candidates, 5, 0.08, task.image_shape[1])
            counts = enumerate(task.class_counts)
            found = [easiest_crops(task, self.networks[0], search, c, n) for c, n in counts]
            return torch.cat(found).cpu()
        images = torch.empty(task.set_size, *task.image_shape)
        for number, positions in enumerate(self.blocks):
            noise = task.generator("noise", number)
            images[positions] = torch.randn(images[positions].shape, generator=noise)
        return images

    def enter(self, block: int) -> None:
        """Move a block to the device, with a fresh optimiser."""
        self.block = block
        self.current = self.images[self.blocks[block]].to(self.task.device)
        self.current_labels = self.labels[self.blocks[block]].to(self.task.device)
        self.optimiser = torch.optim.Adam([self.current], lr=self.settings.image_rate, betas=DECAYS)

    def step(self, i: int) -> dict[str, float | Tensor]:
        """One update of one block of images."""
        given = self.settings
        block, iteration = divmod(i, given.iterations)
        if block != self.block:
            self.keep()
            self.enter(block)
        generator = self.task.generator("view", block, iteration)
        leaf = self.current.clone().requires_grad_()
        seen = self.views(leaf, iteration, given.iterations, generator)
        loss, parts = self.vote(seen)
        (self.current.grad,) = torch.autograd.grad(loss, leaf)
        for group in self.optimiser.param_groups:
            factor = cosine_factor(iteration, given.iterations, 0, 0.0)
            group["lr"] = given.image_rate * factor
        self.optimiser.step()
        if not self.task.whitens:  # in a whitened space channels have no range of their own
            self.current.copy_(self.current.clamp(self.darkest, self.brightest))
        return {"loss": loss.detach(), **parts}

    def vote(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of the networks' losses on the current block, and of their parts."""
        total = images.new_zeros(())
        parts: dict[str, Tensor] = {}
        for network, weight in zip(self.networks, self.votes, strict=True):
            loss, own = self.objective(network, images, self.current_labels)
            total = total + weight * loss
            for name, value in own.items():
                parts[name] = parts.get(name, images.new_zeros(())) + weight * value
        return total, parts

    def keep(self) -> None:
        """Write the current block back into the set."""
        self.images[self.blocks[self.block]] = self.current.cpu()

    def finish(self) -> DistilledSet:
        """The images as they are, with the first network to label them as students see them."""
        self.keep()
        return self.task.distilled_set(
            self.images,
            self.labels,
            evaluation=self.evaluation(),
            labeller=self.pool.reference(0),
        )

    def evaluation(self) -> TrainingRecipe:
        """How the authors train students on CIFAR-100: the network labels each batch after mixup.

        Their loss has no factor T^2, which makes no difference to AdamW.
        """
        given = self.settings
        return TrainingRecipe(
            epochs=given.student_epochs,
            loss=Loss.kl,
            temperature=given.student_temperature,
            learning_rate=given.student_rate,
            optimiser="adamw",
            weight_decay=0.01,
            batch_size=given.student_batch,
            schedule=Schedule.cosine,
            augmentation=Augmentation.flip_crop if given.flips else Augmentation.crop,
            mixup=0.8,
            teacher_parts=2 if given.batch_labels else 0,
        )

    def state_dict(self) -> dict[str, Any]:
        self.keep()
        return {
            "images": self.images,
            "block": self.block,
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.images.copy_(state["images"])
        self.enter(state["block"])
        self.optimiser.load_state_dict(state["optimiser"])
