"""Where networks are trained: real data in an input space, a model, and what the run uses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..data.augmentation.dsa import AUGMENTATION_VERSION, DSA
from ..data.dataset import Dataset
from ..data.input_space import InputSpace, input_space_definition
from ..data.real_images import RealImages
from ..data.registry import DATASETS
from ..data.whitening_memory import check_memory
from ..models.model import Model
from ..models.registry import MODELS
from ..models.spec import ModelSpec
from ..plugins.settings import typed_settings
from ..plugins.source_code import PluginCode
from ..runtime.randomness import RandomStream
from ..runtime.runtime import Runtime
from .loop import LOOP_VERSION, Weights
from .real_data import RealData


@dataclass(frozen=True)
class LabSpec:
    """A lab by value: what its networks have in common.

    Args:
        dataset: its name.
        model: of all networks.
        input_space: name of the space that all images are brought into.
        dataset_settings: of the dataset, in plain types.
        validation: fraction of the training images held out.
        network_seed: base of the random numbers of teachers and evaluation networks.
    """

    dataset: str
    model: ModelSpec
    input_space: str
    dataset_settings: dict[str, Any] = field(default_factory=dict)
    validation: float = 0.0
    network_seed: int = 0

    @property
    def shown_name(self) -> str:
        """The user's name for the data, or else the name of the dataset."""
        settings_type = DATASETS[self.dataset].Settings
        settings = typed_settings(settings_type, self.dataset_settings, f"dataset {self.dataset}")
        return settings.name_given() or self.dataset


@dataclass(frozen=True)
class Lab:
    """What teachers, students and evaluation networks have in common.

    Args:
        spec: names its data and model.
        data: the real images; labs of other models share them.
        runtime: of the run.
        augmentation: of all training.
    """

    spec: LabSpec
    data: RealData
    runtime: Runtime
    augmentation: DSA = field(default_factory=DSA)

    @classmethod
    def open(cls, spec: LabSpec, data_root: Path, runtime: Runtime) -> Lab:
        """Read the training split.

        Raises:
            UserError: for names, settings or files that are not right.
        """
        input_space_definition(spec.input_space)
        opened = Dataset.open(spec.dataset, spec.dataset_settings, data_root, spec.validation)
        images = sum(opened.class_counts)
        check_memory(spec.input_space, opened.channels, opened.resolution, images)
        lab = cls(spec, RealData(opened, spec.input_space, runtime), runtime)
        lab.new_network(RandomStream(0))  # refuses a model that does not fit the images
        return lab

    @property
    def dataset(self) -> Dataset:
        """The dataset, whose test split stays locked until scoring."""
        return self.data.dataset

    @property
    def model(self) -> ModelSpec:
        """The model of all networks."""
        return self.spec.model

    @property
    def space(self) -> InputSpace:
        """The input space, fitted to the training images."""
        return self.data.space

    @property
    def real(self) -> RealImages:
        """The training images in the input space."""
        return self.data.train

    @property
    def identity(self) -> dict[str, Any]:
        """What determines a network trained here, besides its recipe, for keys."""
        return {
            "data": self.dataset.identity(),
            "space": self.data.space_identity,
            "model": self.model.identity,
            "network_seed": self.spec.network_seed,
            "training_loop": LOOP_VERSION,
            "augmentation": AUGMENTATION_VERSION,
        }

    @property
    def code(self) -> list[PluginCode]:
        """The code of its dataset and its model, on which everything made here depends."""
        return [DATASETS.code(self.spec.dataset), MODELS.code(self.model.name)]

    def with_model(self, model: ModelSpec) -> Lab:
        """The same lab for networks of another architecture; images and space are shared."""
        return replace(self, spec=replace(self.spec, model=model))

    def new_network(self, stream: RandomStream) -> Model:
        """A network with fresh weights, on the device."""
        dataset = self.dataset
        network = self.model.build(dataset.channels, dataset.resolution, dataset.classes, stream)
        return network.to(self.runtime.execution.device)

    def frozen(self, weights: Weights) -> Model:
        """A frozen network with these weights, in evaluation mode, on the device."""
        network = self.new_network(RandomStream(0))
        network.load_state_dict(weights)
        return network.requires_grad_(False).eval()
