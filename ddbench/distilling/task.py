"""The task: everything that a method may see of the world, and no more."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.augmentation.dsa import DSA
from ..data.real_images import RealImages
from ..errors import UserError, shown
from ..models.model import Model
from ..models.spec import ModelSpec
from ..records.units import images_per_class
from ..runtime.randomness import RandomStream
from ..teachers.pool import TrainedNetworks
from ..teachers.train import train_networks
from ..training.lab import Lab, LabSpec
from ..training.loop import Data, Training, Weights
from ..training.recipe import TrainingRecipe
from .distilled_set import DistilledSet


@dataclass(frozen=True)
class TaskSpec:
    """One (dataset, ipc, model, input space, validation fraction, seed, group), by value.

    Args:
        lab: dataset, model, input space, validation fraction and network seed.
        ipc: images per class; the largest number where classes differ in it.
        seed: of distillation.
        group: which of several disjoint sets; groups start from disjoint real images.
        class_counts: images of each class in class order, where classes differ in them; None
            where every class has ipc.
    """

    lab: LabSpec
    ipc: int
    seed: int = 0
    group: int = 0
    class_counts: tuple[int, ...] | None = None

    @property
    def ipc_in_words(self) -> str:
        """Images per class, such as "10", or "1 to 5" where classes differ in them."""
        return images_per_class(self.class_counts or (self.ipc,))

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.lab.dataset

    @property
    def model(self) -> ModelSpec:
        """Of students and teachers."""
        return self.lab.model

    @property
    def input_space(self) -> str:
        """Name of the space that all images are brought into."""
        return self.lab.input_space


class Task:
    """What a method works on. Distilling sees a task and never a protocol or the test split."""

    def __init__(self, spec: TaskSpec, lab: Lab) -> None:
        """Bind a specification to an opened lab.

        Raises:
            UserError: when a class has too few images for what is asked of it in this group.
        """
        self.spec = spec
        self._lab = lab
        short = sorted(
            (count, c)
            for c, count in enumerate(lab.dataset.class_counts)
            if count < (spec.group + 1) * self.class_counts[c]
        )
        if short:
            count, c = short[0]
            group = f" in group={spec.group}" if spec.group else ""
            others = f", and {len(short) - 1} other classes have too few" if short[1:] else ""
            even = spec.class_counts is None and not spec.group
            hint = "; ratio=R or a list ipc=[N,N,...] asks small classes for fewer" if even else ""
            raise UserError(
                f"ipc={self.class_counts[c]}{group}: {spec.dataset} has only {count} training "
                f"images of the class {shown(lab.dataset.class_names[c])}{others}{hint}"
            )

    @property
    def ipc(self) -> int:
        """Images per class; the largest number where classes differ in it."""
        return self.spec.ipc

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Images of each class that the distilled set has, in class order."""
        return self.spec.class_counts or (self.ipc,) * self.classes

    @property
    def set_size(self) -> int:
        """Images of all classes together that the distilled set has."""
        return sum(self.class_counts)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self._lab.dataset.classes

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        dataset = self._lab.dataset
        return dataset.channels, dataset.resolution, dataset.resolution

    @property
    def device(self) -> torch.device:
        """Where networks and real images are."""
        return self._lab.runtime.execution.device

    @property
    def real(self) -> RealImages:
        """The real training images in the task's input space, on the device."""
        return self._lab.real

    @property
    def pixel_std(self) -> Tensor:
        """Standard deviation of each channel in the input space (C,), on the CPU."""
        return self._lab.space.pixel_std

    @property
    def channel_statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and std of each channel (C,) that are applied to pixels in [0, 1], on the CPU.

        They alone make an image of the input space where it does not whiten.
        """
        mean, std = self._lab.space.channel_statistics()
        return torch.tensor(mean), torch.tensor(std)

    @property
    def whitens(self) -> bool:
        """Whether the input space mixes pixels."""
        return self._lab.space.whitens

    @property
    def augmentation(self) -> DSA:
        """The DSA augmentation of the task."""
        return self._lab.augmentation

    def stream(self, use: str, *indices: int | str) -> RandomStream:
        """The place of a use of random numbers, which depends on seed and group."""
        return RandomStream(self.spec.seed, ("group", self.spec.group, use, *indices))

    def generator(self, use: str, *indices: int | str) -> torch.Generator:
        """A fresh CPU generator for a use; the same name gives the same numbers."""
        return self.stream(use, *indices).generator()

    def class_indices(self, class_id: int) -> Tensor:
        """Positions of a class's training images, ascending, on the CPU."""
        return self._lab.dataset.train.class_indices(class_id)

    def sample_class(self, class_id: int, n: int, generator: torch.Generator) -> Tensor:
        """`n` real images (n, C, H, W) of a class, without replacement while they last."""
        positions = self.class_indices(class_id)
        rounds = -(-n // len(positions))
        order = [torch.randperm(len(positions), generator=generator) for _ in range(rounds)]
        return self.real.images(positions[torch.cat(order)[:n]])

    def real_subset(self) -> Tensor:
        """Positions of random training images (set_size,): of each class its number, by class.

        Every method starts from these, so methods are compared from the same images. A larger ipc
        contains the smaller one's first images, and the groups of one seed are disjoint.
        """
        chosen = []
        for class_id in range(self.classes):
            chosen.append(self.class_order(class_id)[self.group_slice(class_id)])
        return torch.cat(chosen)

    def class_order(self, class_id: int) -> Tensor:
        """Positions of all training images of a class in random order, which only the seed sets."""
        positions = self.class_indices(class_id)
        stream = RandomStream(self.spec.seed, ("real-subset", class_id))
        return positions[torch.randperm(len(positions), generator=stream.generator())]

    def group_slice(self, class_id: int) -> slice:
        """Which of a class's ranked images belong to the task's group."""
        count = self.class_counts[class_id]
        return slice(self.spec.group * count, (self.spec.group + 1) * count)

    def class_ids(self) -> Tensor:
        """The class of each image of the set (set_size,), as `real_subset` has them; on the CPU."""
        return torch.arange(self.classes).repeat_interleave(torch.tensor(self.class_counts))

    def new_network(self, use: str, *indices: int | str) -> Model:
        """A network with fresh weights, on the device."""
        return self._lab.new_network(self.stream(use, *indices))

    def teachers(
        self, recipe: TrainingRecipe, n: int, model: ModelSpec | None = None
    ) -> TrainedNetworks:
        """A pool of `n` teachers; the first 10 of 100 are the same 10.

        Args:
            recipe: how they are trained.
            n: how many.
            model: of the teachers, where it is another than the task's.
        """
        lab = self._lab if model is None else self._lab.with_model(model)
        return train_networks(lab, "teacher", recipe, range(n))

    def experts(self, recipe: TrainingRecipe, n: int) -> TrainedNetworks:
        """`n` expert trajectories: networks whose weights are kept at the recipe's snapshots."""
        return train_networks(self._lab, "expert", recipe, range(n))

    def training_dynamics(self, recipe: TrainingRecipe, n: int) -> TrainedNetworks:
        """`n` networks that were watched while they were trained: `TrainedNetworks.dynamics`.

        They depend on data, model, network seed and recipe alone, so all methods share them.
        """
        return train_networks(self._lab, "dynamics", recipe, range(n), watched=True)

    def train(
        self, network: Model, data: Data, recipe: TrainingRecipe, stream: RandomStream
    ) -> dict[int, Weights]:
        """Train a network inside a step and return its kept weights by completed epochs.

        Raises:
            StopRequested: when the run is asked to stop; the step is redone after resuming.
        """
        training = Training(network, data, recipe, stream, self.augmentation)
        return training.run(lambda _: self._lab.runtime.stop.check())

    def frozen(self, weights: Weights) -> Model:
        """A network with these weights that is not trained any more, on the device."""
        return self._lab.frozen(weights)

    def distilled_set(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        evaluation: TrainingRecipe,
        soft_labels: Tensor | None = None,
        soft_label_kind: str | None = None,
        labeller: str | None = None,
        learned_rate: float | None = None,
        tile_factor: int = 1,
    ) -> DistilledSet:
        """The product of a method, with all that the task knows filled in.

        Args:
            images: (N, C, H, W) in the task's input space.
            labels: (N,) class ids.
            evaluation: how the method's authors train students on it.
            soft_labels: (N, classes), if any.
            soft_label_kind: "logits", "probabilities" or "targets" of a regression.
            labeller: `TrainedNetworks.reference` of the network that gave the soft labels.
            learned_rate: of students, where one was distilled.
            tile_factor: rows and columns of tiles in an image that students see one by one.
        """
        space = self._lab.space
        mean, std = self.channel_statistics
        return DistilledSet(
            images=images.detach().float().cpu(),
            labels=labels.cpu(),
            class_names=tuple(self._lab.dataset.class_names),
            dataset=self.spec.dataset,
            input_space=self.spec.input_space,
            soft_labels=None if soft_labels is None else soft_labels.detach().float().cpu(),
            soft_label_kind=soft_label_kind,
            labeller=labeller,
            learned_rate=learned_rate,
            tile_factor=tile_factor,
            evaluation=evaluation,
            space_fingerprint=space.fingerprint(),
            channel_mean=mean,
            channel_std=std,
        )
