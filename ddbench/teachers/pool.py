"""Trained networks in the store: teachers, expert trajectories, and their weights by epoch.

A teacher is the last epoch of its training, never the epoch that tests best. An expert trajectory
is the same training with more epochs kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from safetensors import safe_open
from torch import Tensor

from ..errors import UserError
from ..models.model import Model
from ..models.registry import MODELS
from ..models.spec import ModelSpec
from ..store.store import Artefact
from ..training.dynamics import TrainingDynamics
from ..training.lab import Lab
from ..training.loop import Weights

KIND = "network"
DYNAMICS = "dynamics"
"""Name under which an artefact keeps the dynamics of its network's training."""


class TrainedNetworks(Sequence[Model]):
    """Networks in the store, read on demand.

    Args:
        lab: where they were trained.
        artefacts: one per network.
        epochs: numbers of completed epochs whose weights are kept, ascending.
    """

    def __init__(self, lab: Lab, artefacts: list[Artefact], epochs: tuple[int, ...]) -> None:
        self.lab = lab
        self.artefacts = artefacts
        self.epochs = epochs
        self._checked: set[int] = set()

    def __len__(self) -> int:
        return len(self.artefacts)

    def __getitem__(self, index: Any) -> Model:  # type: ignore[override]
        """The network of an index after its last epoch, frozen, in evaluation mode."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.lab.frozen(self.weights(index, self.epochs[-1]))

    def weights(self, index: int, epoch: int) -> Weights:
        """The weights of one network after `epoch` epochs (0: initial), float32, on the CPU.

        The file is read in full once, to verify its checksum; from then on it is memory-mapped and
        only the pages of the requested epochs are read.
        """
        return _read_weights(self._intact(index), epoch)

    def dynamics(self, index: int) -> TrainingDynamics:
        """How one network learned the real images, on the CPU; only for watched trainings."""
        return TrainingDynamics.from_tensors(_read(self._intact(index), DYNAMICS))

    def _intact(self, index: int) -> Artefact:
        artefact = self.artefacts[index]
        if index not in self._checked:
            self.lab.runtime.store.file(artefact)
            self._checked.add(index)
        return artefact

    def reference(self, index: int, epoch: int | None = None) -> str:
        """A network after an epoch (None: the last) as a distilled set names it: "KEY@EPOCH"."""
        return f"{self.artefacts[index].key}@{self.epochs[-1] if epoch is None else epoch}"


def _read_weights(artefact: Artefact, epoch: int) -> Weights:
    found = _read(artefact, str(epoch))
    if not found:
        raise UserError(f"{artefact.path} holds no weights of epoch {epoch}")
    return {name: _single(value) for name, value in found.items()}


def _read(artefact: Artefact, part: str) -> Weights:
    """The tensors of one part of an artefact, by their names in it."""
    prefix = f"{part}/"
    assert artefact.path is not None
    with safe_open(artefact.path, framework="pt") as file:
        names = [name for name in file.keys() if name.startswith(prefix)]
        return {name.removeprefix(prefix): file.get_tensor(name) for name in names}


def _single(value: Tensor) -> Tensor:
    """Convert numbers from their stored format to the one that networks compute with."""
    return value.float() if value.is_floating_point() else value


def labeller(lab: Lab, reference: str) -> Model | None:
    """The network that a distilled set names as its labeller, frozen; see `stored_labeller`."""
    found = stored_labeller(lab, reference)
    if found is None:
        return None
    model, weights = found
    return lab.with_model(model).frozen(weights)


def stored_labeller(lab: Lab, reference: str) -> tuple[ModelSpec, Weights] | None:
    """Model and weights of the network that a distilled set names, if this store has it.

    Its model may differ from the lab's, and is read from the store, not from the set's file.

    Args:
        lab: the network must be trained on its data and in its input space.
        reference: "KEY@EPOCH", from a file that may be untrusted.
    """
    key, _, epoch = reference.partition("@")
    if not (key.isalnum() and epoch.isdecimal()):
        raise UserError(f"the labeller {reference!r} is not of the form KEY@EPOCH")
    artefact = lab.runtime.store.by_key(KIND, key)
    kind = artefact.facts.get("kind_of_network") if artefact else None
    model = _known_model(kind.get("model")) if isinstance(kind, dict) else None
    if artefact is None or model is None or kind != kind_of_network(lab.with_model(model)):
        return None
    lab.runtime.store.file(artefact)
    return model, _read_weights(artefact, int(epoch))


def _known_model(identity: Any) -> ModelSpec | None:
    """The model of an identity in the store, if this program still builds the same one."""
    if not isinstance(identity, dict) or identity.get("name") not in MODELS:
        return None
    model = ModelSpec(identity["name"], identity.get("settings", {}))
    return model if model.identity == identity else None


def kind_of_network(lab: Lab) -> dict[str, Any]:
    """What determines what a network's logits mean: its data, its input space and its model."""
    return {name: lab.identity[name] for name in ("data", "space", "model")}
