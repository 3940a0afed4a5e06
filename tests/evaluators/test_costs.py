"""What memory, runtime and storage measure on a tiny finished run, and on given costs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ddbench.data.dataset import ImageSplit
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.records.cost import DATA, DISTIL, PhaseCost
from ddbench.records.record import Record
from ddbench.runs.execute import execute
from ddbench.runs.request import RunRequest
from ddbench.runtime.step_times import StepSummary
from ddbench.scoring.registry import EVALUATORS

APM = ("method.iterations=4", "method.student_epochs=5", "method.teachers=2", "model.width=8")


@pytest.fixture(scope="module")
def record(tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Of a run of APM whose costs were measured."""
    root = tmp_path_factory.mktemp("costs")
    chosen = ("evaluators=[memory,runtime,storage]", "protocols=[hard]", "control=null")
    return execute(tiny(root, "method=apm", *APM, *chosen), quiet=True).record


def measured(record: Record, metric: str, **where: Any) -> list[float]:
    return [
        m.value
        for m in record.measurements
        if m.metric == metric
        and m.value is not None
        and all(m.coordinates.get(name) == value for name, value in where.items())
    ]


def evaluator(name: str) -> Any:
    return EVALUATORS[name](EVALUATORS[name].Settings())


def test_every_phase_has_a_peak_and_seconds_of_its_own(record: Record) -> None:
    phases: list[dict[str, str]] = [
        {"phase": "data"},
        {"phase": "teacher"},
        *({"phase": "distil", "part": part} for part in ("begin", "steps", "finish")),
    ]
    peaks = [measured(record, "peak_memory", **phase, of="resident set") for phase in phases]
    assert all(len(peak) == 1 and peak[0] > 1e6 for peak in peaks)
    seconds = [measured(record, "wall_time", **phase) for phase in phases]
    assert all(len(one) == 1 and one[0] > 0 for one in seconds)
    total = sum(one[0] for one in seconds)
    assert measured(record, "wall_time", phase="all phases") == pytest.approx([total])


def test_parts_of_distilling_make_up_what_the_record_says_of_it(record: Record) -> None:
    parts = ("begin", "steps", "checkpoints", "finish")
    seconds = sum(sum(measured(record, "wall_time", part=part)) for part in parts)
    assert seconds == pytest.approx(record.distilling.wall_seconds)
    peak = max(max(measured(record, "peak_memory", part=part), default=0) for part in parts)
    assert peak == record.distilling.resident_peak_bytes


def test_steps_are_timed_without_the_first(record: Record) -> None:
    steps = [m for m in record.measurements if m.metric == "step_time"]
    counted = {m.coordinates["statistic"]: m.coordinates["steps"] for m in steps}
    assert counted == {
        "first": 1,
        "mean": 3,
        "median": 3,
        "lower quartile": 3,
        "upper quartile": 3,
        "longest": 3,
    }
    (steps_phase,) = measured(record, "wall_time", phase="distil", part="steps")
    (first,), (mean,) = (measured(record, "step_time", statistic=s) for s in ("first", "mean"))
    assert first + 3 * mean <= steps_phase
    assert all(m.coordinates["on"] == record.environment.device_name for m in steps)


def test_networks_and_state_are_weighed(record: Record) -> None:
    (pool,) = record.networks
    assert measured(record, "kept", of="teacher") == [pool.bytes]
    (state,) = measured(record, "kept", of="state of the method in a checkpoint")
    assert state > 2 * 4 * 10 * 64  # at least images and velocities, float32


def test_storage_is_counted_by_hand() -> None:
    distilled = DistilledSet(
        images=torch.zeros(20, 3, 4, 4),
        labels=torch.arange(10).repeat_interleave(2),
        class_names=tuple("abcdefghij"),
        dataset="digits",
        input_space="normalised",
        soft_labels=torch.zeros(20, 10),
        soft_label_kind="logits",
    )
    images = torch.zeros(500, 3, 4, 4, dtype=torch.uint8)
    train = ImageSplit(images, torch.zeros(500, dtype=torch.int64))
    dataset = SimpleNamespace(train=train)
    found = evaluator("storage").evaluate(
        SimpleNamespace(distilled=distilled, dataset=dataset, protocols=())
    )
    values = {(m.metric, m.coordinates["of"], m.coordinates["coding"]): m.value for m in found}
    assert values["storage", "images", "float32"] == 20 * 48 * 4
    assert values["storage", "images", "uint8"] == 20 * 48
    assert values["storage", "labels", "float32"] == 160
    assert values["storage", "soft labels", "uint8"] == 800
    assert values["storage", "all", "float32"] == 3840 + 160 + 800 == distilled.storage_bytes
    assert values["storage_a_class", "all", "float32"] == 480
    assert values["storage", "all", "real, uint8"] == 500 * 48 + 4000
    assert values["storage_share", "all", "uint8"] == pytest.approx((960 + 160 + 800) / 28_000)


def finished(**others: Any) -> Any:
    return SimpleNamespace(device_name="an accelerator", **others)


def test_accelerator_has_what_was_allocated_and_what_was_reserved() -> None:
    costs = {DATA: PhaseCost(1, 10, 20, 30), DISTIL: PhaseCost(2, 11, 21, 31)}
    making = SimpleNamespace(parts={}, pools=[], state_bytes=None)  # from before they were kept
    found = evaluator("memory").evaluate(finished(costs=costs, making=making))
    values = {(m.coordinates["phase"], m.coordinates["of"]): m.value for m in found}
    assert values["distil", "allocated"] == 21
    assert values["distil", "reserved"] == 31
    assert values["data", "resident set"] == 10
    figure = evaluator("memory").figure(found)
    assert figure.axes[0].get_xlabel() == "peak memory of the phase in GB"


@pytest.mark.parametrize("name", ["memory", "runtime"])
def test_set_that_was_made_elsewhere_is_skipped(name: str) -> None:
    assert "not made here" in evaluator(name).skip(finished(making=None))


def test_spread_of_a_step_is_drawn() -> None:
    summary = StepSummary(100, 3.0, 99, 0.5, 0.4, 0.3, 0.6, 1.2)
    parts = {"begin": PhaseCost(1.0), "steps": PhaseCost(50.0)}
    making = SimpleNamespace(parts=parts, pools=[], state_bytes=1, step_summary=summary)
    costs = {DISTIL: PhaseCost(51.0)}
    runtime = evaluator("runtime")
    figure = runtime.figure(runtime.evaluate(finished(costs=costs, making=making)))
    assert [axes.get_ylabel() for axes in figure.axes] == ["", "seconds per step"]
    assert runtime.figure([]) is None
