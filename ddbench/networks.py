"""Teachers and expert trajectories: trained once, kept one by one, shared between runs.

A teacher is the last epoch of its training, never the epoch that tests best. An expert trajectory
is the same training with more epochs kept.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from torch import Tensor

from .errors import UserError
from .meters import PhaseCost
from .models.model import Model
from .progress import size
from .randomness import RandomStream
from .store.store import Artefact
from .training.loop import Training, Weights, copy_weights
from .training.recipe import TrainingRecipe
from .training.resumable import train_resumably

if TYPE_CHECKING:
    from .lab import Lab

KIND = "network"
LARGE_BYTES = 100_000_000
"""From here on a pool's size is said even where only last epochs are kept."""


class TrainedNetworks(Sequence[Model]):
    """Networks in the store, read when asked for.

    Args:
        lab: where they were trained.
        artefacts: one a network.
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

        The file is read through once, to compare its checksum; from then on it is memory-mapped and
        only the pages of the epochs asked for are read.
        """
        artefact = self.artefacts[index]
        if index not in self._checked:
            self.lab.context.store.file(artefact)
            self._checked.add(index)
        return _read_weights(artefact, epoch)

    def reference(self, index: int, epoch: int | None = None) -> str:
        """What names a network after an epoch (None: the last) in a distilled set: "KEY@EPOCH"."""
        return f"{self.artefacts[index].key}@{self.epochs[-1] if epoch is None else epoch}"


def train_networks(
    lab: Lab, stream_name: str, recipe: TrainingRecipe, indices: Sequence[int]
) -> TrainedNetworks:
    """Find networks in the store and train those that are missing.

    Two processes that want the same ones share the work: each takes those that nobody holds.

    Args:
        lab: data, model, input space, and the surroundings.
        stream_name: what they are for, such as "teacher"; part of their random numbers.
        recipe: how they are trained.
        indices: which of the stream's networks; the first 10 of 100 are the same 10.

    Raises:
        UserError: when the disk has no room for those that are missing.
    """
    context = lab.context
    wanted = {index: _determinants(lab, stream_name, recipe, index) for index in indices}
    found: dict[int, Artefact] = {}
    _announce(
        lab, stream_name, recipe, sum(context.store.find(KIND, d) is None for d in wanted.values())
    )
    while True:
        for index, determinants in wanted.items():
            if index in found:
                continue
            artefact = context.store.find(KIND, determinants)
            if artefact is None and (lock := context.store.try_lock(KIND, determinants)):
                try:
                    title = f"{stream_name} {len(found) + 1}/{len(wanted)}"
                    artefact = context.store.find(KIND, determinants) or _train_one(
                        lab, stream_name, recipe, index, determinants, title
                    )
                finally:
                    lock.release()
            if artefact is not None:
                found[index] = artefact
        missing = [index for index in wanted if index not in found]
        if not missing:
            break
        with context.locked(KIND, wanted[missing[0]], f"the same {stream_name}s"):
            pass  # by now it is made, or the process that made it is gone
    lab.used.setdefault(stream_name, {}).update({one.key: one for one in found.values()})
    return TrainedNetworks(lab, [found[index] for index in indices], recipe.kept_epochs)


def note_networks(lab: Lab, stream_name: str, keys: Sequence[str]) -> None:
    """Count networks as used, that an interrupted process of the same work asked for."""
    for key in keys:
        artefact = lab.context.store.by_key(KIND, key)
        if artefact is not None:
            lab.used.setdefault(stream_name, {})[key] = artefact


def pools(used: dict[str, dict[str, Artefact]]) -> list[dict[str, Any]]:
    """Count, size and cost (whenever it was paid) of networks, by stream, for records.

    `epochs` and `snapshots` of each network are there where they are the same for all, and with
    them `trajectory_bytes`: what the same networks would take if all epochs and the initial
    weights were kept, as expert trajectories are.
    """
    return [
        {
            "stream": stream,
            "networks": len(networks),
            **_storage(list(networks.values())),
            "cost": PhaseCost.total(one.facts["cost"] for one in networks.values()).plain(),
        }
        for stream, networks in sorted(used.items())
    ]


def _storage(networks: list[Artefact]) -> dict[str, int]:
    held = sum(one.facts["bytes"] for one in networks)
    recipes = [TrainingRecipe.from_plain(one.made_from["recipe"]) for one in networks]
    lengths = {(recipe.epochs, len(recipe.kept_epochs)) for recipe in recipes}
    if len(lengths) != 1:
        return {"bytes": held}
    ((epochs, snapshots),) = lengths
    return {
        "bytes": held,
        "epochs": epochs,
        "snapshots": snapshots,
        "trajectory_bytes": round(held * (epochs + 1) / snapshots),
    }


def labeller(lab: Lab, reference: str) -> Model | None:
    """The network that a distilled set names as its labeller, if this store has it.

    Args:
        lab: whose data, input space and model it must be trained with.
        reference: "KEY@EPOCH", from a file that may be anybody's.
    """
    key, _, epoch = reference.partition("@")
    if not (key.isalnum() and epoch.isdecimal()):
        raise UserError(f"the labeller {reference!r} is not of the form KEY@EPOCH")
    artefact = lab.context.store.by_key(KIND, key)
    if artefact is None or artefact.facts.get("kind_of_network") != _kind_of_network(lab):
        return None
    lab.context.store.file(artefact)
    return lab.frozen(_read_weights(artefact, int(epoch)))


def _determinants(lab: Lab, stream_name: str, recipe: TrainingRecipe, index: int) -> dict[str, Any]:
    return {
        **lab.identity,
        "recipe": recipe.plain(),
        "stream": stream_name,
        "index": index,
    }


def _announce(lab: Lab, stream_name: str, recipe: TrainingRecipe, missing: int) -> None:
    """Say how large the networks that have to be trained will be, and make sure of the room.

    Raises:
        UserError: when the disk has not that much.
    """
    if not missing:
        return
    kept, stored = len(recipe.kept_epochs), recipe.snapshot_format
    weights = copy_weights(lab.new_network(RandomStream(0)), stored)
    snapshot = sum(value.nbytes for value in weights.values())
    what = f"{missing} {stream_name}"
    if kept > 1:
        what += f" {'trajectory' if missing == 1 else 'trajectories'} of {kept} snapshots,"
    else:
        what += f"{'' if missing == 1 else 's'} of"
    what += f" {size(snapshot)} each"
    needed = missing * kept * snapshot
    # While one is trained, its checkpoint and the next one being written hold it, too.
    room = needed + 2 * kept * snapshot
    root = lab.context.store.root
    free = shutil.disk_usage(root).free
    if room > free:
        raise UserError(
            f"{what}, need {size(room)} in {stored.name}, but {root.absolute()} has {size(free)} "
            "free; make room, choose another runs_root=FOLDER, or ask for fewer or shorter ones"
        )
    if kept > 1 or needed >= LARGE_BYTES:
        lab.context.progress.say(f"{what}: {size(needed)} in {stored.name}")


def _kind_of_network(lab: Lab) -> dict[str, Any]:
    """What makes the logits of two networks comparable."""
    return {name: lab.identity[name] for name in ("data", "space", "model")}


def _train_one(
    lab: Lab,
    stream_name: str,
    recipe: TrainingRecipe,
    index: int,
    determinants: dict[str, Any],
    title: str,
) -> Artefact:
    context = lab.context
    stream = RandomStream(lab.network_seed, (stream_name, index))
    network = lab.new_network(stream / "weights")
    training = Training(network, lab.real, recipe, stream, lab.augmentation)
    checkpoint = context.checkpoint(KIND, determinants)
    device = context.execution.device
    # Training seeds the global generators; a method's draws must not depend on what was found.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        snapshots, cost = train_resumably(training, title, context, checkpoint)
    tensors: dict[str, Tensor] = {
        f"{epoch}/{name}": value
        for epoch, weights in snapshots.items()
        for name, value in weights.items()
    }
    loss = float(training.loss)
    facts = {
        "cost": cost.plain(),
        "last_batch_loss": loss if math.isfinite(loss) else None,
        "kind_of_network": _kind_of_network(lab),
    }
    artefact = context.store.save(KIND, determinants, facts, tensors)
    checkpoint.remove()
    if not math.isfinite(loss):
        context.progress.say(f"{title}: the loss is {loss}; its learning rate may be too high")
    return artefact


def _read_weights(artefact: Artefact, epoch: int) -> Weights:
    prefix = f"{epoch}/"
    assert artefact.path is not None
    with safe_open(artefact.path, framework="pt") as file:
        names = [name for name in file.keys() if name.startswith(prefix)]
        if not names:
            raise UserError(f"{artefact.path} holds no weights of epoch {epoch}")
        return {name.removeprefix(prefix): _single(file.get_tensor(name)) for name in names}


def _single(value: Tensor) -> Tensor:
    """Numbers as networks compute with them, from the format in which they were stored."""
    return value.float() if value.is_floating_point() else value
