"""The distilling loop: the harness's half of the contract of a method."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import StopRequested, UserError
from ..records.cost import PhaseCost
from ..runtime.progress import as_text
from ..runtime.step_times import StepSummary, StepTimes
from ..store.files import digest
from ..store.store import Artefact, key_of
from ..teachers.ledger import note_networks, pools
from ..training.lab import Lab
from .distilled_set import DistilledSet
from .method_choice import MethodChoice
from .registry import METHODS
from .task import Task, TaskSpec

KIND = "distilled"
CURVE_POINTS = 200
CLOCK = ("step", "wall_seconds")
PARTS = ("begin", "steps", "checkpoints", "finish")
"""What distilling is made of; each part has a cost, and with it a peak, of its own."""


class MethodSkips(UserError):
    """The method cannot do the task; the message says which and why."""


def check_possible(choice: MethodChoice, task: Task) -> None:
    """Refuse a task that a method cannot do.

    Raises:
        MethodSkips: with the method's own reason.
    """
    reason = METHODS[choice.name].skip(task)
    if reason:
        raise MethodSkips(f"method {choice.name} cannot do this task: {reason}")


@dataclass(frozen=True)
class Distillation:
    """A distilled set in the store.

    Args:
        distilled: the set.
        artefact: its file and facts (cost, curve, pools of networks).
        sha256: of its file.
    """

    distilled: DistilledSet
    artefact: Artefact
    sha256: str

    @property
    def cost(self) -> PhaseCost:
        """Of distilling alone, teachers and experts apart."""
        return PhaseCost(**self.artefact.facts["cost"])

    @property
    def parts(self) -> dict[str, PhaseCost]:
        """The cost of each of `PARTS` that took place."""
        return {name: PhaseCost(**plain) for name, plain in self._told("parts", {}).items()}

    @property
    def step_summary(self) -> StepSummary | None:
        """Seconds of single steps; None where there was no step."""
        told = self._told("step_seconds", None)
        return StepSummary(**told) if told else None

    @property
    def pools(self) -> list[dict[str, Any]]:
        """Number, bytes and cost of the teachers and experts that it was made with, by stream."""
        return list(self.artefact.facts["pools"])

    @property
    def state_bytes(self) -> int | None:
        """Bytes of tensors that a checkpoint of the method holds; None where that is not known."""
        told: int | None = self._told("state_bytes", None)
        return told

    def _told(self, name: str, otherwise: Any) -> Any:
        """A fact, which sets in the store from earlier versions may lack."""
        return self.artefact.facts.get(name, otherwise)


def determinants_of(choice: MethodChoice, spec: TaskSpec, lab: Lab) -> dict[str, Any]:
    """Everything that determines a distilled set's numbers, for its key."""
    return {
        **lab.identity,
        "method": choice.name,
        "method_version": METHODS[choice.name].version,
        "settings": choice.settings.plain(),
        "ipc": spec.ipc,
        "seed": spec.seed,
        "group": spec.group,
    }


def distil(choice: MethodChoice, spec: TaskSpec, lab: Lab) -> Distillation:
    """Make a distilled set, or find it in the store.

    Raises:
        MethodSkips: when the method cannot do the task.
        StopRequested: when asked to stop; the state of the last finished step is kept.
        FloatingPointError: when the loss is not a number any more.
    """
    context, determinants = lab.context, determinants_of(choice, spec, lab)
    task = Task(spec, lab)
    check_possible(choice, task)
    with context.locked(KIND, determinants, f"the same set of {choice.name}"):
        artefact = context.store.find(KIND, determinants)
        if artefact is None:
            artefact = _distil(choice, task, lab, determinants)
    distilled = DistilledSet.load(context.store.file(artefact))
    return Distillation(distilled, artefact, artefact.facts["sha256"])


def _distil(choice: MethodChoice, task: Task, lab: Lab, determinants: dict[str, Any]) -> Artefact:
    context = lab.context
    checkpoint = context.checkpoint(KIND, determinants)
    saved = checkpoint.load()
    done = saved["done"] if saved else 0
    curve: list[dict[str, Any]] = saved["curve"] if saved else []
    parts = {name: PhaseCost(**(saved["parts"][name] if saved else {})) for name in PARTS}
    times = StepTimes.continued(saved["step_times"]) if saved else StepTimes()
    measure, device = context.meter.measure, context.execution.device
    with lab.noting_networks() as used:
        with measure(parts["begin"]):
            task.stream("begin").seed_global()
            method = METHODS[choice.name](task, choice.settings)
            method.begin()
            if saved:
                method.load_state_dict(saved["method"])
                for stream, keys in saved["used"].items():
                    note_networks(lab, stream, keys)
        total = method.steps
        every = max(1, total // CURVE_POINTS)

        def state() -> dict[str, Any]:
            context.meter.update()
            return {
                "method": method.state_dict(),
                "done": done,
                "curve": curve,
                "parts": {name: part.plain() for name, part in parts.items()},
                "step_times": times.plain(),
                "used": {stream: list(artefacts) for stream, artefacts in used.items()},
            }

        with (
            measure(parts["steps"]),
            context.progress.phase(f"{choice.name} distils", total, done) as phase,
        ):
            for i in range(done, total):
                try:
                    context.stop.check()
                    task.stream("step", i).seed_global()
                    with times.step(device):
                        scalars = method.step(i)
                except StopRequested:  # perhaps in the middle of a step, which is then redone
                    with measure(parts["checkpoints"]):
                        checkpoint.save(state())
                    raise
                done = i + 1
                phase.advance(done, scalars)
                if i % every == 0 or done == total:
                    context.meter.update()
                    spent = parts["begin"].wall_seconds + parts["steps"].wall_seconds
                    curve.append(_curve_point(choice.name, i, spent, scalars))
                if checkpoint.due:
                    with measure(parts["checkpoints"]):
                        checkpoint.save(state())
        with measure(parts["finish"]):
            task.stream("finish").seed_global()
            distilled = method.finish()
    _check(distilled, task)
    distilled.provenance = {
        "method": choice.name,
        "method_version": determinants["method_version"],
        "settings": choice.settings.plain(),
        "key": key_of(determinants),
        "ipc": task.ipc,
        "seed": task.spec.seed,
        "group": task.spec.group,
        "model": task.spec.model.label,
    }
    data = distilled.to_bytes()
    summary = times.summary()
    facts = {
        "sha256": digest(data),
        "cost": PhaseCost.total(part.plain() for part in parts.values()).plain(),
        "parts": {name: part.plain() for name, part in parts.items() if part.wall_seconds},
        "step_seconds": summary.plain() if summary else None,
        "state_bytes": _tensor_bytes(method.state_dict()),
        "curve": curve,
        "storage_bytes": distilled.storage_bytes,
        "pools": pools(used),
    }
    artefact = context.store.save(KIND, determinants, facts, data)
    checkpoint.remove()
    done_what = "distilled" if total else "chosen"
    last = {key: curve[-1][key] for key in curve[-1] if key not in CLOCK} if curve else {}
    news = f"{choice.name}: {len(distilled)} images {done_what}; {as_text(last)}"
    context.progress.say(news.rstrip("; "))
    return artefact


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
    """A method's product is what the task asked for; anything else is a fault of the method."""
    counts = torch.bincount(distilled.labels, minlength=task.classes)
    if not bool((counts == task.ipc).all()):
        raise ValueError(f"the method made {counts.tolist()} images a class, not {task.ipc}")
