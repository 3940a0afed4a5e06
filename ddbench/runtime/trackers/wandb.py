"""Weights & Biases: one run there for each run; its own variables choose project and mode."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..tracking import NetworkScored, RunBegun, Tracker, means

if TYPE_CHECKING:
    from ...records.record import Record

PROJECT = "ddbench"
"""The default of `WANDB_PROJECT`."""


class WeightsAndBiases(Tracker):
    """Logs to the project of `WANDB_PROJECT`; a resumed run continues the same run there."""

    needs = "wandb"

    def begun(self, run: RunBegun) -> None:
        import wandb

        self.folder, self.image = run.folder, wandb.Image
        self.run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.name,
            id=run.key,
            resume="allow",
            config=dict(run.configuration),
            dir=str(run.folder),
        )

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        told = {f"distil/{name}": value for name, value in scalars.items()}
        self.run.log({**told, "distil/step": step})

    def scored(self, score: NetworkScored) -> None:
        told = {f"accuracy/{score.title}": score.accuracy, "network": score.network}
        self.run.log(told)

    def recorded(self, record: Record) -> None:
        self.run.summary.update(means(record))
        self.run.log({"gallery": self.image(str(self.folder / "gallery.png"))})

    def ended(self, error: BaseException | None) -> None:
        self.run.finish(exit_code=int(error is not None))
