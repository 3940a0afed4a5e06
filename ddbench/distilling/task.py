"""The task: everything that a method may access."""

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
        ipc: images per class; the largest number if classes differ.
        seed: distillation seed.
        group: which of several disjoint sets; groups start from disjoint real images.
        class_counts: images of each class in class order if classes differ; None if every class
            has ipc images.
    """

    lab: LabSpec
    ipc: int
    seed: int = 0
    group: int = 0
    class_counts: tuple[int, ...] | None = None

    @property
    def ipc_in_words(self) -> str:
        """Images per class, such as "10", or "1 to 5" if classes differ."""
        return images_per_class(self.class_counts or (self.ipc,))

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.lab.dataset

    @property
    def model(self) -> ModelSpec:
        """The model of students and teachers."""
        return self.lab.model

    @property
    def input_space(self) -> str:
        """Name of the input space of all images."""
        return self.lab.input_space


class Task:
    """What a method works on. A method sees its task, never a protocol or the test split."""

    def __init__(self, spec: TaskSpec, lab: Lab) -> None:
        """Bind a specification to an opened lab.

        Raises:
            UserError: if a class has too few training images for this group.
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
        """Images per class; the largest number if classes differ."""
        return self.spec.ipc

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Number of distilled images of each class, in class order."""
        return self.spec.class_counts or (self.ipc,) * self.classes

    @property
    def set_size(self) -> int:
        """Total number of distilled images."""
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
        """The device of networks and real images."""
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
        """Mean and std of each channel (C,) that normalise pixels in [0, 1], on the CPU.

        If the input space does not whiten, they define it completely.
        """
        mean, std = self._lab.space.channel_statistics()
        return torch.tensor(mean), torch.tensor(std)

    @property
    def whitens(self) -> bool:
        """Whether the input space mixes pixels, as ZCA does."""
        return self._lab.space.whitens

    @property
    def augmentation(self) -> DSA:
        """The DSA augmentation of the task."""
        return self._lab.augmentation

    def stream(self, use: str, *indices: int | str) -> RandomStream:
        """The random stream of a named use, which depends on seed and group."""
        return RandomStream(self.spec.seed, ("group", self.spec.group, use, *indices))

    def generator(self, use: str, *indices: int | str) -> torch.Generator:
        """A new CPU generator for a named use; the same name gives the same numbers."""
        return self.stream(use, *indices).generator()

    def class_indices(self, class_id: int) -> Tensor:
        """Indices of a class's training images, ascending, on the CPU."""
        return self._lab.dataset.train.class_indices(class_id)

    def sample_class(self, class_id: int, n: int, generator: torch.Generator) -> Tensor:
        """Sample `n` real images (n, C, H, W) of a class; none repeats until all have been used."""
        positions = self.class_indices(class_id)
        rounds = -(-n // len(positions))
        order = [torch.randperm(len(positions), generator=generator) for _ in range(rounds)]
        return self.real.images(positions[torch.cat(order)[:n]])

    def real_subset(self) -> Tensor:
        """Indices of random training images (set_size,), `class_counts` of each class, by class.

        Every method starts from these, so methods are compared from the same images. The subset of
        a larger ipc contains that of a smaller one, and the groups of one seed are disjoint.
        """
        chosen = []
        for class_id in range(self.classes):
            chosen.append(self.class_order(class_id)[self.group_slice(class_id)])
        return torch.cat(chosen)

    def class_order(self, class_id: int) -> Tensor:
        """Indices of all training images of a class in a random order set by the seed alone."""
        positions = self.class_indices(class_id)
        stream = RandomStream(self.spec.seed, ("real-subset", class_id))
        return positions[torch.randperm(len(positions), generator=stream.generator())]

    def group_slice(self, class_id: int) -> slice:
        """The slice of a class's ordered images that belongs to the task's group."""
        count = self.class_counts[class_id]
        return slice(self.spec.group * count, (self.spec.group + 1) * count)

    def class_ids(self) -> Tensor:
        """The class of each image (set_size,), in the order of `real_subset`, on the CPU."""
        return torch.arange(self.classes).repeat_interleave(torch.tensor(self.class_counts))

    def new_network(self, use: str, *indices: int | str) -> Model:
        """A newly initialised network, on the device."""
        return self._lab.new_network(self.stream(use, *indices))

    def teachers(
        self, recipe: TrainingRecipe, n: int, model: ModelSpec | None = None
    ) -> TrainedNetworks:
        """A pool of `n` teachers; the first 10 of 100 are the same 10.

        Args:
            recipe: training recipe.
            n: number of teachers.
            model: model of the teachers, if it is not the task's.
        """
        lab = self._lab if model is None else self._lab.with_model(model)
        return train_networks(lab, "teacher", recipe, range(n))

    def experts(self, recipe: TrainingRecipe, n: int) -> TrainedNetworks:
        """`n` expert trajectories: networks with their weights at all the recipe's snapshots."""
        return train_networks(self._lab, "expert", recipe, range(n))

    def training_dynamics(self, recipe: TrainingRecipe, n: int) -> TrainedNetworks:
        """`n` networks whose training dynamics were recorded (`TrainedNetworks.dynamics`).

        They depend on data, model, network seed and recipe alone, so all methods share them.
        """
        return train_networks(self._lab, "dynamics", recipe, range(n), watched=True)

    def train(
        self, network: Model, data: Data, recipe: TrainingRecipe, stream: RandomStream
    ) -> dict[int, Weights]:
        """Train a network within a step; return the kept weights by number of completed epochs.

        Raises:
            StopRequested: when the run is asked to stop; the step is redone after resuming.
        """
        training = Training(network, data, recipe, stream, self.augmentation)
        return training.run(lambda _: self._lab.runtime.stop.check())

    def frozen(self, weights: Weights) -> Model:
        """A frozen network with these weights, on the device."""
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
        """Build a method's distilled set; facts that the task knows are filled in.

        Args:
            images: (N, C, H, W) in the task's input space.
            labels: (N,) class ids.
            evaluation: how the method's authors train students on it.
            soft_labels: (N, classes), if any.
            soft_label_kind: "logits", "probabilities" or "targets" of a regression.
            labeller: `TrainedNetworks.reference` of the network that gave the soft labels.
            learned_rate: learning rate of students, if one was distilled.
            tile_factor: rows and columns of tiles per image; students see each tile as an image.
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
