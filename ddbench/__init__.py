"""ddbench: a benchmark that compares dataset distillation methods.

`ddbench.run(method="apm", dataset="digits", ipc=1)` distils, scores and returns a record;
`ddbench.evaluate("set.safetensors", dataset="digits")` scores a set that somebody else made.

A plugin is one class that uses the names of this module: `from ddbench import Method, setting`.
`ddbench test NAME` checks that it keeps the contract of its kind. Besides these names, a plugin may
use the following modules; everything else may change without notice.

* `ddbench.training.loop`: `predict`, the logits of many images in batches
* `ddbench.runtime.randomness`: `RandomStream`, random numbers named by their use
* `ddbench.data.real_images`: `RealImages`, the type of `Task.real`
* `ddbench.data.augmentation.dsa`: `DSA`, the type of `Task.augmentation`, and its draws
* `ddbench.data.augmentation.choices`: `Augmentation`, which a training recipe names
* `ddbench.distilling.tiles`: images composed of several smaller ones
* `ddbench.training.dynamics`: `TrainingDynamics`, how networks learned the real images
* `ddbench.training.schedule`: `Schedule`, a learning rate schedule that a training recipe names
* `ddbench.training.lab`: `Lab`, for scoring with other architectures
* `ddbench.models.spec`: `ModelSpec`, an architecture by name with its settings
* `ddbench.models.nas_bench_201`: the cells of NAS-Bench-201 and their accuracies
* `ddbench.scoring.protocols`: the protocols by name
* `ddbench.scoring.curves`: `Curve`, the result of `FinishedRun.curves`
* `ddbench.scoring.students`: `Score`, the result of `FinishedRun.score`, and scoring by hand
* `ddbench.store.files`: digests of what an evaluator's numbers depend on
* `ddbench.records.cost`: `PhaseCost`, the cost of one phase of making a set
* `ddbench.records.statistics`, `ddbench.records.units`: intervals; seconds and bytes as text
* `ddbench.distilling.importing.importer`, `ddbench.distilling.importing.source`: what an importer
  reads, and checks of untrusted arrays
* `ddbench.figures`, `ddbench.distilling.method_style`: the style of figures
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

# Idle threads soon sleep and leave the core to others. Before that they spin for about a tenth of a
# millisecond: without spinning, a step of a small network takes twice as long on an otherwise idle
# machine. OpenMP reads these variables when torch is imported, which nothing has done before this
# line. Variables that the user has set are kept.
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "0"}
if not _WAITING.keys() & os.environ.keys():
    os.environ.update(_WAITING)

# The plugin folders are beside this package in the repository, and inside it once installed.
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


if not TYPE_CHECKING:  # otherwise a type checker would accept any name of this module

    def __getattr__(name: str) -> Any:
        """Import a name when it is used, so that importing the package does not import torch."""
        if name == "__version__":
            from importlib.metadata import version

            return version("ddbench")
        if name not in _MODULES:
            raise AttributeError(f"module 'ddbench' has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
        globals()[name] = value  # found directly next time
        return value


def __dir__() -> list[str]:
    """The public names and everything already imported."""
    return sorted({*globals(), *__all__})
