"""Groups that are merged: taken from the store, scored as one set, timed one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.records.measurement import Measurement
from ddbench.records.record import Record
from ddbench.runs.evaluate_all import finished_run
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.registry import EVALUATORS

APM = (
    "method=apm",
    "method.iterations=2",
    "method.student_epochs=5",
    "method.teachers=2",
    "model.width=8",
    "protocols=[hard,paper]",
)
MERGE = ("evaluators=[accuracy,parallel_merge]", "evaluators.parallel_merge.groups=2")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("merge")


@pytest.fixture(scope="module")
def record(root: Path, tiny: Callable[..., RunRequest]) -> Record:
    """Of a run that merged two groups and one set of as many images."""
    joint = "evaluators.parallel_merge.joint=true"
    return execute(tiny(root, *APM, *MERGE, joint), quiet=True).record


def merged_accuracies(record: Record, **where: Any) -> dict[tuple[Any, ...], Measurement]:
    return {
        (m.coordinates["protocol"], m.coordinates["subject"], m.coordinates["ipc"]): m
        for m in record.measurements
        if m.metric == "merged_accuracy"
        and all(m.coordinates[name] == value for name, value in where.items())
    }


def test_one_group_scores_as_the_set_itself(record: Record) -> None:
    own = {
        (m.coordinates["protocol"], m.coordinates["subject"], 1): m.values
        for m in record.measurements
        if m.metric == "accuracy"
    }
    ones = merged_accuracies(record, groups=1, of="union of groups")
    assert len(ones) == 4
    assert {place: m.values for place, m in ones.items()} == own


def test_each_union_is_scored_for_method_and_control_under_every_protocol(record: Record) -> None:
    places = {(p, s, 2) for p in ("hard/1", "paper/1") for s in ("apm", "random")}
    assert merged_accuracies(record, groups=2).keys() == places
    joint = merged_accuracies(record, of="one set of ipc 2")
    assert joint.keys() == {("hard/1", "apm", 2), ("paper/1", "apm", 2)}


def test_workers_are_timed_one_by_one(record: Record) -> None:
    took = {
        m.coordinates["of"]: m.value for m in record.measurements if m.metric == "merged_wall_time"
    }
    assert took.keys() == {
        "all 2 groups",
        "longest group",
        "teachers, shared by all groups",
        "one set of ipc 2",
    }
    assert took["longest group"] >= record.distilling.wall_seconds - 1e-9
    assert took["longest group"] <= took["all 2 groups"] <= 2 * took["longest group"]


def test_union_that_is_scored_is_that_of_the_groups_own_runs(
    record: Record, root: Path, tiny: Callable[..., RunRequest]
) -> None:
    """The score of the union is found again from a concatenation made here by hand."""
    made = sorted((root / "artefacts" / "distilled").glob("*.safetensors"))
    for group in (0, 1):
        execute(tiny(root, *APM, f"group={group}"), quiet=True)
    assert sorted((root / "artefacts" / "distilled").glob("*.safetensors")) == made  # all found
    names = ("seed0-", "seed0-group1-")
    files = [next(root.glob(f"apm-*{name}[0-9a-f]*/distilled.safetensors")) for name in names]
    first, second = (DistilledSet.load(file) for file in files)
    assert not torch.equal(first.images, second.images)
    by_hand = dataclasses.replace(
        first,
        images=torch.cat([first.images, second.images]),
        labels=torch.cat([first.labels, second.labels]),
        soft_labels=None,
        soft_label_kind=None,
    )
    request = tiny(root, *APM, "control=null")
    scores = set((root / "artefacts" / "score").glob("*.json"))
    with opened(request, quiet=True) as (lab, _):
        finished, _ = finished_run(request, lab, "apm", by_hand, {})
        with lab.dataset.scoring():
            score = finished.scores("apm", PROTOCOLS["hard"], 1)[0]
    assert set((root / "artefacts" / "score").glob("*.json")) == scores  # found, not made again
    assert score.accuracy == merged_accuracies(record, groups=2)["hard/1", "apm", 2].values[0]


def evaluator(**settings: Any) -> Any:
    return EVALUATORS["parallel_merge"](EVALUATORS["parallel_merge"].Settings(**settings))


def finished(
    group: int = 0,
    ipc: int = 1,
    making: Any = True,
    class_counts: tuple[int, ...] | None = None,
) -> Any:
    dataset = SimpleNamespace(class_counts=(5, 6, 7))
    task = SimpleNamespace(group=group, ipc=ipc, class_counts=class_counts, dataset="digits")
    return SimpleNamespace(task=task, making=making, dataset=dataset)


def test_what_cannot_be_merged_is_skipped_with_its_reason() -> None:
    assert evaluator().skip(finished()) is None
    assert "not made here" in evaluator().skip(finished(making=None))
    assert "run of group 0" in evaluator().skip(finished(group=1))
    uneven = finished(class_counts=(2, 1, 1))
    assert (
        evaluator().skip(uneven) == "only groups with equally many images per class can be merged"
    )
    reason = evaluator(groups=3).skip(finished(ipc=2))
    assert reason == (
        "3 groups of ipc 2 need 6 training images per class, and digits has a class of 5"
    )


def test_curve_has_a_panel_for_each_protocol(record: Record) -> None:
    figure = evaluator().figure(record.measurements)
    assert [axes.get_title() for axes in figure.axes] == ["hard/1", "paper/1"]
    assert figure.axes[0].get_xlabel() == "groups merged (ipc 1 each)"
    assert figure.axes[0].get_ylabel() == "test accuracy in %"
    assert evaluator().figure([]) is None
