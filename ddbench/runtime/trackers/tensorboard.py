"""TensorBoard: curves, scores and the gallery, in the folder `tensorboard` of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from ...records.report import report
from ..tracking import NetworkScored, RunBegun, Tracker

if TYPE_CHECKING:
    from ...records.record import Record


class TensorBoard(Tracker):
    """Writes event files that `tensorboard --logdir runs` shows."""

    needs = "tensorboard"

    def begun(self, run: RunBegun) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.folder = run.folder
        self.writer: Any = SummaryWriter(str(run.folder / "tensorboard"))
        self.writer.add_text("configuration", _verbatim(yaml.safe_dump(dict(run.configuration))))

    def step(self, step: int, scalars: Mapping[str, float]) -> None:
        for name, value in scalars.items():
            self.writer.add_scalar(f"distil/{name}", value, step)

    def scored(self, score: NetworkScored) -> None:
        self.writer.add_scalar(f"accuracy/{score.title}", score.accuracy, score.network)

    def recorded(self, record: Record) -> None:
        import numpy as np
        from PIL import Image

        self.writer.add_text("report", _verbatim(report(record)))
        with Image.open(self.folder / "gallery.png") as picture:
            pixels = np.asarray(picture.convert("RGB"))
        self.writer.add_image("gallery", pixels, dataformats="HWC")

    def ended(self, error: BaseException | None) -> None:
        self.writer.close()


def _verbatim(text: str) -> str:
    """A text as a Markdown code block."""
    return "\n".join(f"    {line}" for line in text.splitlines())
