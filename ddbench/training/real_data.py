"""A dataset in an input space: the images that networks are trained and scored on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..data.dataset import Dataset
from ..data.fit_input_space import fit_input_space
from ..data.input_space import InputSpace, input_space_definition
from ..data.real_images import RealImages
from ..records.cost import PhaseCost
from ..runtime.checkpoint import Checkpoint
from ..runtime.runtime import Product, Runtime
from ..store.store import Artefact


@dataclass(frozen=True)
class RealData:
    """Real images in an input space; read once and shared by the labs of all models.

    Args:
        dataset: the dataset, whose test split stays locked until scoring.
        space_name: the input space that all images are brought into.
        runtime: of the run.
    """

    dataset: Dataset
    space_name: str
    runtime: Runtime

    @cached_property
    def space(self) -> InputSpace:
        """The input space, fitted to the training images; a whitening is kept in the store."""
        if self._whitening is None:
            return self._fitted()
        return InputSpace.from_tensors(self.space_name, self.runtime.store.tensors(self._whitening))

    @property
    def space_cost(self) -> PhaseCost | None:
        """The cost of fitting a whitening, which is kept in the store; None for other spaces."""
        return None if self._whitening is None else PhaseCost(**self._whitening.facts["cost"])

    @cached_property
    def train(self) -> RealImages:
        """The training images in the input space."""
        return RealImages(self.dataset.train, self.space, self.runtime.execution.device)

    @cached_property
    def scored(self) -> RealImages:
        """The images that students are scored on, in the input space."""
        return RealImages(self.dataset.scored, self.space, self.runtime.execution.device)

    @property
    def space_identity(self) -> dict[str, Any]:
        """The definition, and the published statistics if the space uses them."""
        definition = input_space_definition(self.space_name)
        if "eps" in definition:
            return definition
        source = self.dataset.source
        published = {"mean": source.mean, "std": source.std}
        # Lists, as they are read back from a file: stored and current values are compared.
        return {**{name: value and list(value) for name, value in published.items()}, **definition}

    @cached_property
    def _whitening(self) -> Artefact | None:
        definition = input_space_definition(self.space_name)
        if "eps" not in definition:
            return None
        identity = {"data": self.dataset.identity(), "space": definition}
        what = f"the input space {self.space_name}"
        return self.runtime.make_once("input_space", identity, what, self._fit)

    def _fit(self, checkpoint: Checkpoint) -> Product:
        self.runtime.progress.say(f"fitting the input space {self.space_name}")
        with self.runtime.meter.measure() as cost:
            space = self._fitted()
        return {"cost": cost.plain()}, space.tensors()

    def _fitted(self) -> InputSpace:
        source = self.dataset.source
        return fit_input_space(self.space_name, self.dataset.train.images, source.mean, source.std)
