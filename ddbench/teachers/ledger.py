"""Which trained networks a piece of work used, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..records.cost import PhaseCost
from ..store.store import Artefact
from ..training.lab import Lab
from ..training.recipe import TrainingRecipe
from .pool import KIND


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
