"""ddbench: an instrument that compares methods of dataset distillation.

`ddbench.run(method="apm", dataset="digits", ipc=1)` distils, scores and returns a record;
`ddbench.evaluate("set.safetensors", dataset="digits")` scores a set that somebody else made.

A plugin is one class, written with the names of this module: `from ddbench import Method, setting`.
`ddbench test NAME` says whether it keeps the promises of its kind. Besides these names a plugin may
use the following modules; everything else may move without notice.

* `ddbench.training.loop`: `predict`, the logits of many images in batches
* `ddbench.runtime.randomness`: `RandomStream`, random numbers by the name of their use
* `ddbench.data.real_images`: `RealImages`, what `Task.real` is
* `ddbench.data.augmentation.dsa`: `DSA`, what `Task.augmentation` is, and its draws
* `ddbench.data.augmentation.choices`: `Augmentation`, which a training recipe names
* `ddbench.distilling.tiles`: images that are several smaller ones
* `ddbench.training.dynamics`: `TrainingDynamics`, how networks came to know the real images
* `ddbench.training.schedule`: `Schedule`, the course of a rate, which a training recipe names
* `ddbench.training.lab`: `Lab`, by which other architectures are scored
* `ddbench.models.spec`: `ModelSpec`, an architecture by name with its settings
* `ddbench.models.nas_bench_201`: the cells of NAS-Bench-201 and their accuracies
* `ddbench.scoring.protocols`: the protocols by name
* `ddbench.scoring.curves`: `Curve`, what `FinishedRun.curves` gives
* `ddbench.scoring.students`: `Score`, what `FinishedRun.score` gives, and scoring by hand
* `ddbench.store.files`: digests of what an evaluator's numbers depend on
* `ddbench.records.cost`: `PhaseCost`, what a phase of making a set cost
* `ddbench.records.statistics`, `ddbench.records.units`: intervals; seconds and bytes as text
* `ddbench.distilling.importing.importer`, `ddbench.distilling.importing.source`: what an importer
  reads, and the checks of arrays that come from anybody
* `ddbench.figures`, `ddbench.distilling.method_style`: the look of pictures
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# Threads that have nothing to do soon sleep, and leave the core to others. They look for work about
# a tenth of a millisecond before: without that, a step of a small network takes twice as long on a
# machine of one's own. OpenMP reads this when torch is imported, which nothing here does before; a
# choice of one's own stands.
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "0"}
if not _WAITING.keys() & os.environ.keys():
    os.environ.update(_WAITING)

# In the repository the rooms of plugins lie beside this package; where it is installed, in it.
if not os.path.isdir(os.path.join(__path__[0], "methods")):
    __path__.append(os.path.dirname(__path__[0]))

if TYPE_CHECKING:
    from .api import evaluate, run
    from .data.source import DatasetSettings, DatasetSource
    from .distilling.distilled_set import DistilledSet
    from .distilling.importing.importer import ImportedSet, Importer
    from .distilling.loop import MethodSkips
    from .distilling.method import ImagePasses, Method, MethodSettings
    from .distilling.task import Task
    from .errors import StopRequested, UserError
    from .models.model import Model, ModelSettings
    from .plugins.settings import StepCost, setting
    from .records.measurement import Coordinates, Measurement
    from .runtime.tracking import NetworkScored, RunBegun, Tracker
    from .scoring.evaluator import Evaluator, EvaluatorSettings
    from .scoring.finished_run import FinishedRun
    from .scoring.training_sets import NotScorable
    from .training.loss import Loss
    from .training.recipe import Examples, SnapshotFormat, TrainingRecipe

    __version__: str

__all__ = [
    "Coordinates",
    "DatasetSettings",
    "DatasetSource",
    "DistilledSet",
    "Evaluator",
    "EvaluatorSettings",
    "Examples",
    "FinishedRun",
    "ImagePasses",
    "ImportedSet",
    "Importer",
    "Loss",
    "Measurement",
    "Method",
    "MethodSettings",
    "MethodSkips",
    "Model",
    "ModelSettings",
    "NetworkScored",
    "NotScorable",
    "RunBegun",
    "SnapshotFormat",
    "StepCost",
    "StopRequested",
    "Task",
    "Tracker",
    "TrainingRecipe",
    "UserError",
    "__version__",
    "evaluate",
    "run",
    "setting",
]

_MODULES = {
    "Coordinates": "records.measurement",
    "DatasetSettings": "data.source",
    "DatasetSource": "data.source",
    "DistilledSet": "distilling.distilled_set",
    "Evaluator": "scoring.evaluator",
    "EvaluatorSettings": "scoring.evaluator",
    "Examples": "training.recipe",
    "FinishedRun": "scoring.finished_run",
    "ImagePasses": "distilling.method",
    "ImportedSet": "distilling.importing.importer",
    "Importer": "distilling.importing.importer",
    "Loss": "training.loss",
    "Measurement": "records.measurement",
    "Method": "distilling.method",
    "MethodSettings": "distilling.method",
    "MethodSkips": "distilling.loop",
    "Model": "models.model",
    "ModelSettings": "models.model",
    "NetworkScored": "runtime.tracking",
    "NotScorable": "scoring.training_sets",
    "RunBegun": "runtime.tracking",
    "SnapshotFormat": "training.recipe",
    "StepCost": "plugins.settings",
    "StopRequested": "errors",
    "Task": "distilling.task",
    "Tracker": "runtime.tracking",
    "TrainingRecipe": "training.recipe",
    "UserError": "errors",
    "evaluate": "api",
    "run": "api",
    "setting": "plugins.settings",
}
"""Where each name is defined."""


if not TYPE_CHECKING:  # a type checker would take any name at all for one of the module's

    def __getattr__(name: str) -> Any:
        """Import a name when it is used, so that importing the package does not import torch."""
        if name == "__version__":
            from importlib.metadata import version

            return version("ddbench")
        if name not in _MODULES:
            raise AttributeError(f"module 'ddbench' has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
        globals()[name] = value  # found at once the next time
        return value


def __dir__() -> list[str]:
    """The public names beside what is imported already."""
    return sorted({*globals(), *__all__})
