"""Number, size and cost of the networks that a piece of work used, for records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..records.cost import PhaseCost
from ..runtime.ledger import Used
from ..runtime.runtime import Runtime
from ..store.store import Artefact
from ..training.recipe import TrainingRecipe
from .pool import DYNAMICS, KIND


def add_by_key(runtime: Runtime, keys: Mapping[str, Sequence[str]]) -> None:
    """Count as used the networks that an interrupted process of the same work requested.

    Args:
        runtime: whose store and ledger.
        keys: of the networks, by stream.
    """
    for stream, own in keys.items():
        found = [runtime.store.by_key(KIND, key) for key in own]
        runtime.ledger.add(stream, [network for network in found if network is not None])


def pools(used: Used) -> list[dict[str, Any]]:
    """Number, size and cost (whenever it was paid) of networks, by stream, for records.

    `epochs` and `snapshots` of each network are included if they are the same for all and only
    weights are kept, and with them `trajectory_bytes`: the size of the same networks if all epochs
    and the initial weights were kept, as in expert trajectories.
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
    recipes = [TrainingRecipe.from_plain(one.identity["recipe"]) for one in networks]
    lengths = {(recipe.epochs, len(recipe.kept_epochs)) for recipe in recipes}
    if len(lengths) != 1 or any(DYNAMICS in one.identity for one in networks):
        return {"bytes": held}
    ((epochs, snapshots),) = lengths
    return {
        "bytes": held,
        "epochs": epochs,
        "snapshots": snapshots,
        "trajectory_bytes": round(held * (epochs + 1) / snapshots),
    }
