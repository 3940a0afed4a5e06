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
from torch import Tensor

from ..errors import UserError
from ..records.units import size
from ..runtime.randomness import RandomStream
from ..store.store import Artefact
from ..training.loop import Training, copy_weights
from ..training.recipe import TrainingRecipe
from ..training.resumable import train_resumably
from .pool import KIND, TrainedNetworks, kind_of_network

if TYPE_CHECKING:
    from ..training.lab import Lab

LARGE_BYTES = 100_000_000
"""From here on a pool's size is said even where only last epochs are kept."""


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
        "kind_of_network": kind_of_network(lab),
    }
    artefact = context.store.save(KIND, determinants, facts, tensors)
    checkpoint.remove()
    if not math.isfinite(loss):
        context.progress.say(f"{title}: the loss is {loss}; its learning rate may be too high")
    return artefact
