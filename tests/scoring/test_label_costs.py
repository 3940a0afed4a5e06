"""What labels weigh, by hand, at a size that is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from ddbench.distilling.loop import distil
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.scoring.finished_run import FinishedRun
from ddbench.scoring.label_costs import LabelCost
from ddbench.scoring.protocols import FIXED_SOFT, PROTOCOLS, Labels
from ddbench.scoring.registry import EVALUATORS
from ddbench.scoring.training_sets import NotScorable
from ddbench.teachers.pool import KIND as NETWORK
from ddbench.training.loss import Loss

IPC, CLASSES, EPOCHS = 2, 10, 20
"""For digits at the budget smoke, which takes a fiftieth of a thousand epochs."""
IMAGES = IPC * CLASSES


@contextmanager
def finished(tiny: Callable[..., RunRequest], root: Path) -> Iterator[FinishedRun]:
    """Two real images per class, in a new store."""
    request = tiny(root, "method=random", "model.width=8", f"ipc={IPC}")
    with opened(request, quiet=True) as (lab, _):
        made = distil(request.method, request.task, lab).distilled
        chosen = tuple(PROTOCOLS[name] for name in ("paper", "hard", "soft", "kd"))
        yield FinishedRun(request.task, request.budget, chosen, {"random": made}, False, lab)


@pytest.fixture(scope="module")
def run(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinishedRun]:
    with finished(tiny, tmp_path_factory.mktemp("costs")) as made:
        yield made


def networks(run: FinishedRun) -> list[Path]:
    return list((run.lab.runtime.store.root / "artefacts" / NETWORK).rglob("*.safetensors"))


def test_labels_of_a_protocol_weigh_what_is_counted_by_hand_and_nothing_is_trained(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    storage = EVALUATORS["storage"]
    with finished(tiny, tmp_path) as run:
        found = storage(storage.Settings()).evaluate(run)  # type: ignore[arg-type]
        parameters = run.new_network(run.lab.model).parameters()
        assert networks(run) == []
    weights = {
        (m.coordinates["protocol"], m.coordinates["of"]): m.value
        for m in found
        if m.metric == "label_bytes"
    }
    seen = {m.coordinates["protocol"]: m.value for m in found if m.metric == "labelled_images"}
    assert weights == {
        ("paper/1", "stored"): 8 * IMAGES,
        ("hard/1", "stored"): 8 * IMAGES,
        ("soft/1", "stored"): 4 * CLASSES * IMAGES,
        ("kd/1", "stored"): 8 * IMAGES,
        ("kd/1", "every epoch"): 2 * CLASSES * IMAGES * EPOCHS,
        ("kd/1", "teacher"): sum(4 * p.numel() for p in parameters),
    }
    assert seen == {"kd/1": IMAGES * EPOCHS}


def test_what_is_said_of_a_teacher_is_so_of_the_one_that_is_trained(run: FinishedRun) -> None:
    cost = run.label_cost(PROTOCOLS["kd"])
    made = run.training_set("random", PROTOCOLS["kd"])
    assert made.teacher is not None
    assert cost.teacher == made.teacher.nbytes
    assert cost.labelled_images == made.images_labelled
    assert networks(run) != []


@pytest.mark.parametrize("protocol", [p for p in PROTOCOLS.values() if p.labels is not Labels.own])
def test_stored_bytes_are_those_of_targets_that_do_not_follow_from_class_ids(
    protocol: object, run: FinishedRun
) -> None:
    made = run.training_set("random", protocol)  # type: ignore[arg-type]
    cost = run.label_cost(protocol)  # type: ignore[arg-type]
    fixed = protocol.labels in FIXED_SOFT  # type: ignore[attr-defined]
    assert cost.stored == (made.targets.nbytes if fixed else 8 * IMAGES)
    assert (cost.teacher is None) == (made.teacher is None)


def with_set(run: FinishedRun, **parts: object) -> FinishedRun:
    changed = dataclasses.replace(run.distilled, **parts)
    return dataclasses.replace(run, subjects={"random": changed}, _training_sets={})


def test_soft_labels_of_tiles_are_of_every_image_that_students_see(run: FinishedRun) -> None:
    """Decoding tiles is a rule, from which class ids follow, too."""
    tiles = with_set(run, tile_factor=2)
    assert tiles.label_cost(PROTOCOLS["hard"]).stored == 8 * IMAGES
    assert tiles.label_cost(PROTOCOLS["soft"]).stored == 4 * CLASSES * 4 * IMAGES
    assert tiles.label_cost(PROTOCOLS["kd"]).labelled_images == 4 * IMAGES * EPOCHS


def test_own_soft_labels_are_weighed_as_they_are_kept(run: FinishedRun) -> None:
    logits = torch.zeros(IMAGES, CLASSES)
    own = with_set(run, soft_labels=logits, soft_label_kind="logits")
    assert own.label_cost(PROTOCOLS["paper"]) == LabelCost(logits.nbytes, None, 0, CLASSES)


def test_set_that_names_no_evaluation_has_no_label_bytes_of_its_own(run: FinishedRun) -> None:
    foreign = with_set(run, evaluation=None)
    with pytest.raises(NotScorable, match="no published evaluation"):
        foreign.label_cost(PROTOCOLS["paper"])
    storage = EVALUATORS["storage"]
    found = storage(storage.Settings()).evaluate(foreign)  # type: ignore[arg-type]
    (unknown,) = [m for m in found if m.value is None]
    assert unknown.metric == "label_bytes"
    assert unknown.note == "paper/1: the set names no published evaluation"


def test_set_whose_labeller_is_not_in_the_store_has_no_label_bytes(run: FinishedRun) -> None:
    recipe = dataclasses.replace(run.distilled.evaluation, loss=Loss.kl)  # type: ignore[type-var]
    foreign = with_set(run, evaluation=recipe, labeller="0" * 16 + "@3")
    with pytest.raises(NotScorable, match="not in this store"):
        foreign.label_cost(PROTOCOLS["paper"])
