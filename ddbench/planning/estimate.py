"""What one run would take, phase by phase: seconds, peak memory, bytes on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..distilling.method_choice import MethodChoice
from ..distilling.task import TaskSpec
from ..records.cost import DISTIL, SCORE, Phase
from ..runs.request import RunRequest
from ..scoring.protocols import LABEL_TEACHER, OF_LABEL_TEACHER, PROTOCOLS, Labels, Protocol
from ..training.lab import LabSpec
from ..training.loop import images_at_once
from ..training.recipe import SnapshotFormat, TrainingRecipe
from .data_shape import DataShape
from .measured import FORWARD, StepMeasured, TrainingCost
from .planned_task import PlannedTask, Pool, Work, work_of

LABEL_TEACHERS = Phase("label-teacher", "scored")
EARLY_TEACHERS = Phase("early-teacher", "scored")
WHOLE = Phase("whole", "scored")
BYTES = {SnapshotFormat.float32: 4, SnapshotFormat.float16: 2}


@dataclass(frozen=True)
class Estimate:
    """What a phase would take.

    Args:
        phase: the phase of the run.
        what: the amount of work, in words.
        seconds: its time; None if unknown.
        peak_bytes: peak memory of the process on a CPU, of tensors on an accelerator; None if
            unknown.
        disk_bytes: bytes that stay on disk.
        pool: the networks that are trained, which other runs may need as well.
        made: the method whose set is made, which other runs may need as well.
        skips: why that method cannot do the task.
    """

    phase: Phase
    what: str
    seconds: float | None
    peak_bytes: int | None
    disk_bytes: int = 0
    pool: Pool | None = None
    made: MethodChoice | None = None
    skips: str | None = None


def estimates(
    request: RunRequest,
    shape: DataShape,
    training: TrainingCost,
    step: StepMeasured | None,
    seconds_per_image: float | None,
) -> list[Estimate]:
    """The phases of a run, in their order.

    Args:
        request: the request of the run.
        shape: the shape of its data.
        training: the cost of training its network.
        step: the cost of a step of its method, if it was measured.
        seconds_per_image: seconds per image passed through networks in distilling, from runs of
            the same method here; None if unknown.
    """
    return list(_estimates(request, shape, training, step, seconds_per_image))


def _estimates(
    request: RunRequest,
    shape: DataShape,
    training: TrainingCost,
    step: StepMeasured | None,
    seconds_per_image: float | None,
) -> Iterator[Estimate]:
    task, rate = request.task, training.seconds_per_image
    base = training.process_bytes + shape.bytes_in(task.input_space)
    for choice in filter(None, (request.method, request.control)):
        work = work_of(choice, task, shape)
        if work.pool is not None and work.training:
            yield _pool(work, task, shape, base, training)
        yield _distilling(
            choice, work, task, shape, base, training,
            step if choice is request.method else None,
            seconds_per_image if choice is request.method else None,
        )  # fmt: skip
    label_teacher = request.budget.teacher_recipe(LABEL_TEACHER, shape.images)
    if any(protocol.labels in OF_LABEL_TEACHER for protocol in request.protocols):
        pool = Pool(LABEL_TEACHERS.name, label_teacher, 1)
        yield _networks(LABEL_TEACHERS, pool, task.lab, shape, base, training)
    for protocol in request.protocols:
        if protocol.labels is Labels.early_teacher:
            recipe = protocol.early_recipe(task.dataset, task.ipc, label_teacher.epochs)
            pool = Pool(EARLY_TEACHERS.name, recipe, 1)
            yield _networks(EARLY_TEACHERS, pool, task.lab, shape, base, training)
    if request.whole:
        pool = Pool(WHOLE.name, label_teacher, request.budget.whole_networks)
        yield _networks(WHOLE, pool, task.lab, shape, base, training)
    yield _scoring(request, shape, base, training, rate)


def _pool(
    work: Work, task: TaskSpec, shape: DataShape, base: int, training: TrainingCost
) -> Estimate:
    assert work.pool is not None
    pool = work.pool
    return _networks(Phase(pool.stream, "made"), pool, task.lab, shape, base, training)


def _networks(
    phase: Phase,
    pool: Pool,
    lab: LabSpec,
    shape: DataShape,
    base: int,
    training: TrainingCost,
) -> Estimate:
    recipe, count = pool.recipe, pool.networks
    images = recipe.epochs * recipe.images_per_epoch(shape.images)
    kept, stored = len(recipe.kept_epochs), BYTES[recipe.snapshot_format]
    snapshot = stored * _parameters(lab, shape)
    return Estimate(
        phase,
        f"{count} network{'s' * (count != 1)}, {recipe.epochs} epochs",
        count * images * training.seconds_per_image,
        base + training.bytes_of(recipe.batch_size) + kept * snapshot,
        count * kept * snapshot,
        pool=pool,
    )


def _distilling(
    choice: MethodChoice,
    work: Work,
    task: TaskSpec,
    shape: DataShape,
    base: int,
    training: TrainingCost,
    step: StepMeasured | None,
    seconds_per_image: float | None,
) -> Estimate:
    images = task.class_counts or (task.ipc,) * shape.classes
    set_bytes = 4 * shape.image_values * sum(images)
    seconds = None if step is None else work.steps * step.seconds  # at least
    if work.distilling is not None:
        seconds = work.distilling * (seconds_per_image or training.seconds_per_image)
    extra = step.bytes if step else (0 if not work.steps else None)
    what = f"{work.steps} steps" if work.steps else "no steps"
    return Estimate(
        DISTIL,
        f"{choice.name}: {what}",
        seconds,
        None if extra is None else base + set_bytes + extra,
        set_bytes,
        made=choice,
        skips=work.skips,
    )


def _scoring(
    request: RunRequest, shape: DataShape, base: int, training: TrainingCost, rate: float
) -> Estimate:
    networks, task = request.budget.networks, request.task
    images = sum(task.class_counts or (task.ipc,) * shape.classes)
    sets = 1 if request.control is None else 2
    seconds, batch = 0.0, 1
    for protocol in request.protocols:
        recipe = protocol.of_length(_recipe(request, protocol), images, shape.classes)
        recipe = request.budget.evaluation_recipe(recipe)
        seen = recipe.epochs * recipe.images_per_epoch(images)
        looked_at = shape.scored + (seen if protocol.labels is Labels.online_teacher else 0)
        passes = seen + FORWARD * looked_at
        seconds += sets * networks * passes * rate
        batch = max(batch, min(images, recipe.batch_size))
    testing = training.testing_bytes * min(1.0, shape.scored / images_at_once(torch.device("cpu")))
    protocols = len(request.protocols)
    return Estimate(
        SCORE,
        f"{protocols} protocol{'s' * (protocols != 1)} x {sets} set{'s' * (sets != 1)} x {networks}"
        f" network{'s' * (networks != 1)}",
        seconds,
        base + max(training.bytes_of(batch), round(testing)),
    )


def _recipe(request: RunRequest, protocol: Protocol) -> TrainingRecipe:
    """How students are trained; hard/1 stands in for a recipe of the method's authors."""
    given = protocol.recipe_for(request.task.dataset, request.task.ipc)
    recipe = given or PROTOCOLS["hard"].recipe
    assert recipe is not None
    return recipe


def _parameters(lab: LabSpec, shape: DataShape) -> int:
    """Number of values in the network's state."""
    network = PlannedTask(TaskSpec(lab, 1), shape).new_network("structure")
    return sum(value.numel() for value in network.state_dict().values())
