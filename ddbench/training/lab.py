"""Where networks are trained: a dataset in an input space, a model, and the run's surroundings."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..data.augmentation.dsa import AUGMENTATION_VERSION, DSA
from ..data.dataset import Dataset
from ..data.input_space import InputSpace, fit_input_space, input_space_definition
from ..data.real_images import RealImages
from ..models.model import Model
from ..models.spec import ModelSpec
from ..records.cost import PhaseCost
from ..runtime.randomness import RandomStream
from ..runtime.runtime import Context
from ..store.store import Artefact
from .loop import LOOP_VERSION, Weights


@dataclass
class Lab:
    """What teachers, students and evaluation networks have in common.

    Args:
        dataset: whose test split stays locked until scoring.
        model: of all networks.
        space_name: the input space that all images are brought into.
        network_seed: base of the random numbers of teachers and evaluation networks.
        context: store, device, costs, news.
        augmentation: of all training.
        used: the trained networks that were asked for, by stream and key; see `noting_networks`.
        evaluation_images: what students are scored on, once scoring has begun.
        space_cost: what fitting the input space cost, where that is long enough to be kept.
    """

    dataset: Dataset
    model: ModelSpec
    space_name: str
    network_seed: int
    context: Context
    augmentation: DSA = field(default_factory=DSA)
    used: dict[str, dict[str, Artefact]] = field(default_factory=dict)
    evaluation_images: RealImages | None = None
    space_cost: PhaseCost | None = None

    @classmethod
    def open(
        cls,
        dataset: str,
        dataset_settings: dict[str, Any],
        data_root: Path,
        validation: float,
        model: ModelSpec,
        space_name: str,
        network_seed: int,
        context: Context,
    ) -> Lab:
        """Read the training split.

        Raises:
            UserError: for names, settings or files that are not right.
        """
        input_space_definition(space_name)
        opened = Dataset.open(dataset, dataset_settings, data_root, validation)
        lab = cls(opened, model, space_name, network_seed, context)
        lab.new_network(RandomStream(0))  # a model that does not fit the images is said now
        return lab

    @cached_property
    def space(self) -> InputSpace:
        """The input space, fitted to the training images; a whitening is kept in the store."""
        source, images = self.dataset.source, self.dataset.train.images
        if "eps" not in input_space_definition(self.space_name):
            return fit_input_space(self.space_name, images, source.mean, source.std)
        determinants = {
            "data": self.dataset.identity(),
            "space": input_space_definition(self.space_name),
        }
        store = self.context.store
        what = f"the input space {self.space_name}"
        with self.context.locked("input_space", determinants, what):
            artefact = store.find("input_space", determinants)
            if artefact is None:
                self.context.progress.say(f"fitting the input space {self.space_name}")
                with self.context.meter.measure(PhaseCost()) as cost:
                    space = fit_input_space(self.space_name, images, source.mean, source.std)
                facts = {"cost": cost.plain()}
                artefact = store.save("input_space", determinants, facts, space.tensors())
        self.space_cost = PhaseCost(**artefact.facts["cost"])
        return InputSpace.from_tensors(self.space_name, store.tensors(artefact))

    @cached_property
    def real(self) -> RealImages:
        """The training images in the input space."""
        return RealImages(self.dataset.train, self.space, self.context.execution.device)

    @property
    def identity(self) -> dict[str, Any]:
        """What determines a network trained here, besides its recipe, for keys."""
        return {
            "data": self.dataset.identity(),
            "space": self._space_identity,
            "model": self.model.identity,
            "network_seed": self.network_seed,
            "training_loop": LOOP_VERSION,
            "augmentation": AUGMENTATION_VERSION,
        }

    @property
    def _space_identity(self) -> dict[str, Any]:
        """The definition, and the published statistics where the space is made of them."""
        definition = input_space_definition(self.space_name)
        if "eps" in definition:
            return definition
        source = self.dataset.source
        published = {"mean": source.mean, "std": source.std}
        # Lists, as they come back from a file: what is kept is compared with what is here.
        return {**{name: value and list(value) for name, value in published.items()}, **definition}

    @contextmanager
    def noting_networks(self) -> Iterator[dict[str, dict[str, Artefact]]]:
        """Collect the networks used in a block, apart from those used outside it."""
        outside, self.used = self.used, {}
        try:
            yield self.used
        finally:
            self.used = outside

    def with_model(self, model: ModelSpec) -> Lab:
        """The same lab for networks of another architecture; images and space are shared."""
        other = copy.copy(self)  # with what is cached, unlike `dataclasses.replace`
        other.model = model
        return other

    def new_network(self, stream: RandomStream) -> Model:
        """A network with fresh weights, on the device."""
        dataset = self.dataset
        network = self.model.build(dataset.channels, dataset.resolution, dataset.classes, stream)
        return network.to(self.context.execution.device)

    def frozen(self, weights: Weights) -> Model:
        """A network with these weights that is not trained any more, on the device."""
        network = self.new_network(RandomStream(0))
        network.load_state_dict(weights)
        return network.requires_grad_(False).eval()
