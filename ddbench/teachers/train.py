"""Training teachers and expert trajectories, one by one, each once."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from ..errors import UserError
from ..records.cost import PhaseCost
from ..records.units import size
from ..runtime.checkpoint import Checkpoint
from ..runtime.randomness import RandomStream
from ..runtime.resumable import run_resumably
from ..runtime.runtime import Product
from ..store.store import Artefact
from ..training.dynamics import DYNAMICS_VERSION, TrainingDynamics, WatchedTraining
from ..training.lab import Lab
from ..training.loop import Training, copy_weights
from ..training.recipe import TrainingRecipe
from .pool import DYNAMICS, KIND, TrainedNetworks, kind_of_network

LARGE_BYTES = 100_000_000
"""From this size on, a pool's size is reported even if only last epochs are kept."""


def train_networks(
    lab: Lab,
    stream_name: str,
    recipe: TrainingRecipe,
    indices: Sequence[int],
    watched: bool = False,
) -> TrainedNetworks:
    """Find networks in the store and train those that are missing.

    Two processes that need the same ones share the work: each trains those that no other holds.

    Args:
        lab: data, model, input space, and what the run uses.
        stream_name: what they are for, such as "teacher"; part of their random numbers.
        recipe: how they are trained.
        indices: which of the stream's networks; the first 10 of 100 are the same 10.
        watched: whether their training dynamics are kept beside their weights.

    Raises:
        UserError: when the disk has no room for those that are missing.
    """
    runtime, store = lab.runtime, lab.runtime.store
    wanted = {
        index: network_identity(lab, stream_name, recipe, index, watched) for index in indices
    }
    found: dict[int, Artefact] = {}
    code = lab.code
    missing = sum(runtime.find(KIND, identity, code) is None for identity in wanted.values())
    _announce(lab, stream_name, recipe, missing, watched)
    while True:
        for index, identity in wanted.items():
            if index in found:
                continue
            artefact = runtime.find(KIND, identity, code)
            if artefact is None and (lock := store.try_lock(KIND, identity)):
                title = f"{stream_name} {len(found) + 1}/{len(wanted)}"
                work = partial(_train_one, lab, stream_name, recipe, index, watched, title)
                try:
                    artefact = runtime.make(KIND, identity, work, code)
                finally:
                    lock.release()
            if artefact is not None:
                found[index] = artefact
        held = [identity for index, identity in wanted.items() if index not in found]
        if not held:
            break
        with runtime.locked(KIND, held[0], f"the same {stream_name}s"):
            pass  # by now it is made, or the process that made it is gone
    runtime.ledger.add(stream_name, found.values())
    return TrainedNetworks(lab, [found[index] for index in indices], recipe.kept_epochs)


def network_identity(
    lab: Lab, stream_name: str, recipe: TrainingRecipe, index: int, watched: bool = False
) -> dict[str, Any]:
    """Everything that determines a trained network, for its key."""
    identity = {
        **lab.identity,
        "recipe": recipe.plain(),
        "stream": stream_name,
        "index": index,
    }
    return {**identity, DYNAMICS: DYNAMICS_VERSION} if watched else identity


def _announce(
    lab: Lab, stream_name: str, recipe: TrainingRecipe, missing: int, watched: bool
) -> None:
    """Report the size of the networks that have to be trained, and make sure that they fit.

    Raises:
        UserError: when the disk has too little space.
    """
    if not missing:
        return
    kept, stored = len(recipe.kept_epochs), recipe.snapshot_format
    weights = copy_weights(lab.new_network(RandomStream(0)), stored)
    snapshot = sum(value.nbytes for value in weights.values())
    noted = TrainingDynamics.nbytes(recipe.epochs, len(lab.real)) if watched else 0
    each = kept * snapshot + noted
    what = f"{missing} {stream_name}"
    if kept > 1:
        what += f" {'trajectory' if missing == 1 else 'trajectories'} of {kept} snapshots,"
    else:
        what += f"{'' if missing == 1 else 's'} of"
    what += f" {size(snapshot if kept > 1 else each)} each"
    needed = missing * each
    # While one is trained, its checkpoint and the next one being written hold it, too.
    room = needed + 2 * each
    root = lab.runtime.store.root
    free = shutil.disk_usage(root).free
    if room > free:
        raise UserError(
            f"{what}, need {size(room)} in {stored.name}, but {root.absolute()} has {size(free)} "
            "free; make room, choose another runs_root=FOLDER, or ask for fewer or shorter ones"
        )
    if kept > 1 or needed >= LARGE_BYTES:
        lab.runtime.progress.say(f"{what}: {size(needed)} in {stored.name}")


def _train_one(
    lab: Lab,
    stream_name: str,
    recipe: TrainingRecipe,
    index: int,
    watched: bool,
    title: str,
    checkpoint: Checkpoint,
) -> Product:
    runtime, device = lab.runtime, lab.runtime.execution.device
    stream = RandomStream(lab.spec.network_seed, (stream_name, index))

    def begin() -> Training:
        network = lab.new_network(stream / "weights")
        kind = WatchedTraining if watched else Training
        return kind(network, lab.real, recipe, stream, lab.augmentation)

    # Training seeds the global generators; a method's draws must not depend on what the store had.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        training, parts = run_resumably(begin, title, runtime, checkpoint)
    loss = float(training.loss)
    if not math.isfinite(loss):
        runtime.progress.say(f"{title}: the loss is {loss}; its learning rate may be too high")
    facts = {
        "cost": PhaseCost.total(part.plain() for part in parts.values()).plain(),
        "last_batch_loss": loss if math.isfinite(loss) else None,
        "kind_of_network": kind_of_network(lab),
    }
    tensors = {
        f"{epoch}/{name}": value
        for epoch, weights in training.snapshots.items()
        for name, value in weights.items()
    }
    if isinstance(training, WatchedTraining):
        noted = training.dynamics.tensors()
        tensors |= {f"{DYNAMICS}/{name}": value for name, value in noted.items()}
    return facts, tensors
