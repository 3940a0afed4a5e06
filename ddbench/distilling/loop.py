"""The distilling loop: the harness's half of the contract of a method."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..data.registry import DATASETS
from ..errors import UserError
from ..records.cost import PhaseCost
from ..runtime.checkpoint import Checkpoint
from ..runtime.ledger import Used
from ..runtime.progress import as_text
from ..runtime.resumable import run_resumably
from ..runtime.runtime import Product
from ..runtime.step_times import StepSummary, StepTimes
from ..store.files import digest
from ..store.store import Artefact, key_of
from ..teachers.ledger import add_by_key, pools
from ..training.lab import Lab
from .distilled_set import DistilledSet
from .method_choice import MethodChoice
from .registry import METHODS
from .task import Task, TaskSpec

KIND = "distilled"
CURVE_POINTS = 200
CLOCK = ("step", "wall_seconds")


class MethodSkips(UserError):
    """The method cannot do the task; the message names the method and the reason."""


def check_possible(choice: MethodChoice, task: Task) -> None:
    """Check that a method can do a task.

    Raises:
        MethodSkips: if it cannot, with the method's own reason.
    """
    reason = METHODS[choice.name].reason_to_skip(task)
    if reason:
        raise MethodSkips(f"method {choice.name} cannot do this task: {reason}")


@dataclass(frozen=True)
class Distillation:
    """A distilled set in the store.

    Args:
        distilled: the set.
        artefact: its file and facts (cost, curve, pools of networks).
        sha256: SHA-256 of its file.
    """

    distilled: DistilledSet
    artefact: Artefact
    sha256: str

    @property
    def cost(self) -> PhaseCost:
        """The cost of distilling alone, without teachers and experts."""
        return PhaseCost(**self.artefact.facts["cost"])

    @property
    def parts(self) -> dict[str, PhaseCost]:
        """The cost of each part of the work that was done; see `ddbench.runtime.resumable`."""
        return {name: PhaseCost(**plain) for name, plain in self._told("parts", {}).items()}

    @property
    def step_summary(self) -> StepSummary | None:
        """Summary of the seconds per step; None if there was no step."""
        told = self._told("step_seconds", None)
        return StepSummary(**told) if told else None

    @property
    def pools(self) -> list[dict[str, Any]]:
        """Number, bytes and cost of the teachers and experts used, one entry per stream."""
        return list(self.artefact.facts["pools"])

    @property
    def state_bytes(self) -> int | None:
        """Bytes of the tensors in the method's checkpoint; None if unknown."""
        told: int | None = self._told("state_bytes", None)
        return told

    def _told(self, name: str, otherwise: Any) -> Any:
        """A fact that sets stored by earlier versions may lack."""
        return self.artefact.facts.get(name, otherwise)


def identity_of(choice: MethodChoice, spec: TaskSpec, lab: Lab) -> dict[str, Any]:
    """Everything that determines a distilled set's values, for its key."""
    return {
        **lab.identity,
        "method": choice.name,
        "method_version": METHODS[choice.name].version,
        "settings": choice.settings.plain(),
        "ipc": spec.ipc,
        "seed": spec.seed,
        "group": spec.group,
        **_counts(spec),
        **METHODS.code_identity(choice.name),
        **_dataset_code(spec),
    }


def _dataset_code(spec: TaskSpec) -> dict[str, Any]:
    """The code of another package's dataset, since the set depends on more than its pixels."""
    found = DATASETS.code_identity(spec.dataset)
    return {"dataset_code": found["code"]} if found else {}


def _counts(spec: TaskSpec) -> dict[str, Any]:
    """Images of each class if classes differ; empty if ipc says it all."""
    return {} if spec.class_counts is None else {"class_counts": list(spec.class_counts)}


def distil(choice: MethodChoice, spec: TaskSpec, lab: Lab) -> Distillation:
    """Make a distilled set, or find it in the store.

    Raises:
        MethodSkips: if the method cannot do the task.
        StopRequested: when asked to stop; the state after the last finished step is kept.
        FloatingPointError: if a scalar that the method logs is no longer finite.
    """
    runtime, task = lab.runtime, Task(spec, lab)
    check_possible(choice, task)
    artefact = runtime.make_once(
        KIND,
        identity_of(choice, spec, lab),
        f"the same set of {choice.name}",
        partial(_distil, choice, task, lab),
        [METHODS.code(choice.name), *lab.code],
    )
    distilled = DistilledSet.load(runtime.store.file(artefact))
    return Distillation(distilled, artefact, artefact.facts["sha256"])


class _Distilling:
    """A method in progress: runs its steps with seeding, timing and logging of the curve.

    Args:
        choice: the method with its settings.
        task: what it works on.
        lab: the task's lab.
        used: the networks that it uses.
    """

    def __init__(self, choice: MethodChoice, task: Task, lab: Lab, used: Used) -> None:
        self.name, self.task, self.lab, self.used = choice.name, task, lab, used
        self.curve: list[dict[str, Any]] = []
        self.times = StepTimes()
        self.steps_done = 0
        task.stream("begin").seed_global()
        self.method = METHODS[choice.name](task, choice.settings)
        self.method.begin()

    @property
    def total_steps(self) -> int:
        """Number of steps of the method."""
        return self.method.steps

    def step(self) -> dict[str, float | Tensor]:
        """Run one step of the method, and log a point of the curve at regular intervals."""
        i, last = self.steps_done, self.total_steps - 1
        self.task.stream("step", i).seed_global()
        with self.times.step(self.task.device):
            scalars = self.method.step(i)
        if i % max(1, self.total_steps // CURVE_POINTS) == 0 or i == last:
            seconds = math.fsum(self.times.seconds)
            point = _curve_point(self.name, i, seconds, scalars)
            self.curve.append(point)
            told = {name: value for name, value in point.items() if name not in CLOCK}
            self.lab.runtime.tell(lambda tracker: tracker.step(i, told))
        self.steps_done = i + 1
        return scalars

    def state_dict(self) -> dict[str, Any]:
        """The method's state and the harness's own."""
        return {
            "method": self.method.state_dict(),
            "done": self.steps_done,
            "curve": self.curve,
            "step_times": self.times.plain(),
            "used": {stream: list(networks) for stream, networks in self.used.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        self.method.load_state_dict(state["method"])
        self.steps_done, self.curve = state["done"], state["curve"]
        self.times = StepTimes.continued(state["step_times"])
        add_by_key(self.lab.runtime, state["used"])

    def finish(self) -> DistilledSet:
        """The method's distilled set, checked."""
        self.task.stream("finish").seed_global()
        distilled = self.method.finish()
        _check(distilled, self.task)
        return distilled


def _distil(choice: MethodChoice, task: Task, lab: Lab, checkpoint: Checkpoint) -> Product:
    runtime, identity = lab.runtime, identity_of(choice, task.spec, lab)
    with runtime.ledger.recording() as used:
        work, parts = run_resumably(
            lambda: _Distilling(choice, task, lab, used),
            f"{choice.name} distils",
            runtime,
            checkpoint,
        )
        with runtime.meter.measure(parts["finish"]):
            distilled = work.finish()
    provenance = {
        "method": choice.name,
        "method_version": identity["method_version"],
        "settings": choice.settings.plain(),
        "key": key_of(identity),
        "ipc": task.ipc,
        "seed": task.spec.seed,
        "group": task.spec.group,
        "model": task.spec.model.label,
        **_counts(task.spec),
    }
    distilled = replace(distilled, provenance=provenance)
    data = distilled.to_bytes()
    summary = work.times.summary()
    facts = {
        "sha256": digest(data),
        "cost": PhaseCost.total(part.plain() for part in parts.values()).plain(),
        "parts": {name: part.plain() for name, part in parts.items() if part.wall_seconds},
        "step_seconds": summary.plain() if summary else None,
        "state_bytes": _tensor_bytes(work.method.state_dict()),
        "curve": work.curve,
        "storage_bytes": distilled.storage_bytes,
        "pools": pools(used),
    }
    done = "distilled" if work.total_steps else "chosen"
    last = work.curve[-1] if work.curve else {}
    scalars = as_text({name: value for name, value in last.items() if name not in CLOCK})
    runtime.progress.say(f"{choice.name}: {len(distilled)} images {done}; {scalars}".rstrip("; "))
    return facts, data


def _curve_point(
    name: str, step: int, seconds: float, scalars: dict[str, float | Tensor]
) -> dict[str, Any]:
    values = {key: float(value) for key, value in scalars.items()}
    wrong = [key for key, value in values.items() if not math.isfinite(value)]
    if wrong:
        raise FloatingPointError(
            f"{name} diverged: {wrong[0]} is {values[wrong[0]]} at step {step}; "
            "a smaller learning rate may help"
        )
    return {"step": step, "wall_seconds": round(seconds, 3), **values}


def _tensor_bytes(state: Any) -> int:
    """Bytes of the tensors in nested dicts and lists."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, dict):
        return sum(map(_tensor_bytes, state.values()))
    return sum(map(_tensor_bytes, state)) if isinstance(state, list | tuple) else 0


def _check(distilled: DistilledSet, task: Task) -> None:
    """Check that a method made what the task asked for; anything else is the method's fault.

    Raises:
        TypeError: if the product is not a distilled set.
        ValueError: if its images, classes or dataset are not the task's.
    """
    if not isinstance(distilled, DistilledSet):
        raise TypeError(f"the method made no distilled set, but a {type(distilled).__name__}")
    made = {
        "images of shape": (tuple(distilled.images.shape[1:]), task.image_shape),
        "a set of the dataset": (distilled.dataset, task.spec.dataset),
        "a set in the input space": (distilled.input_space, task.spec.input_space),
        "a set whose number of classes is": (distilled.classes, task.classes),
    }
    for what, (found, asked) in made.items():
        if found != asked:
            raise ValueError(f"the method made {what} {found}, not {asked}")
    counts = distilled.class_counts
    wrong = (counts != torch.tensor(task.class_counts)).nonzero().flatten().tolist()
    if wrong:
        c = wrong[0]
        raise ValueError(
            f"the method made {int(counts[c])} images of the class {distilled.class_names[c]!r}, "
            f"not {task.class_counts[c]}; so with {len(wrong)} of {len(counts)} classes"
        )
