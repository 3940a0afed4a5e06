"""Opening a lab: in this process, and again in another one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..runtime.device import Execution
from ..runtime.interrupt import StopFlag
from ..runtime.meters import CostMeter
from ..runtime.progress import Progress
from ..runtime.runtime import Context
from ..store.store import Store
from .lab import Lab


@dataclass(frozen=True)
class Surroundings:
    """What another process needs to open the same lab."""

    arguments: dict[str, Any]
    store: Path
    device: str
    checkpoint_seconds: float

    @classmethod
    def of(cls, lab: Lab) -> Surroundings:
        """Those of a lab of this process."""
        dataset, context = lab.dataset, lab.context
        source = dataset.source
        arguments = {
            "dataset": dataset.name,
            "dataset_settings": source.settings.plain(),
            "data_root": source.root,
            "validation": dataset.validation_fraction,
            "model": lab.model,
            "space_name": lab.space_name,
            "network_seed": lab.network_seed,
        }
        device = str(context.execution.device)
        return cls(arguments, context.store.root, device, context.checkpoint_seconds)

    def open(self) -> Lab:
        """The lab, with one thread, and without words."""
        execution = Execution.start(self.device, threads=1)
        context = Context(
            Store(self.store),
            execution,
            CostMeter(execution.device),
            Progress(quiet=True),
            StopFlag(),
            self.checkpoint_seconds,
        )
        return Lab.open(**self.arguments, context=context)
