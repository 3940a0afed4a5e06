"""Labels that protocols give: each against its formula, written out another way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from ddbench.data.augmentation.mixing import cutmix
from ddbench.distilling.loop import distil
from ddbench.errors import UserError
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.runtime.randomness import RandomStream
from ddbench.scoring.finished_run import FinishedRun
from ddbench.scoring.labels import (
    label_teacher,
    logits_of,
    online_label_teacher,
    smoothed,
)
from ddbench.scoring.protocols import EARLY_TEACHER, PROTOCOLS, Labels, label_epoch
from ddbench.scoring.ridge_labels import RIDGE, ridge_labels
from ddbench.teachers.train import train_networks
from ddbench.training.loop import Training, predict
from ddbench.training.recipe import Examples


@pytest.fixture(scope="module")
def run(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinishedRun]:
    """Random, with a control of its own name's kind left out."""
    request = tiny(tmp_path_factory.mktemp("labels"), "method=random", "model.width=8", "ipc=2")
    with opened(request, quiet=True) as (lab, _):
        made = distil(request.method, request.task, lab).distilled
        protocols = tuple(PROTOCOLS.values())
        yield FinishedRun(request.task, request.budget, protocols, {"random": made}, False, lab)


def test_smoothed_labels_keep_the_rest_of_the_weight_on_the_class() -> None:
    made = smoothed(torch.tensor([2, 0]), 4, 0.1)
    assert made.tolist() == [
        pytest.approx([0.025, 0.025, 0.925, 0.025]),
        pytest.approx([0.925, 0.025, 0.025, 0.025]),
    ]


def test_softened_labels_are_probabilities_of_the_label_teacher(run: FinishedRun) -> None:
    made = run.training_set("random", PROTOCOLS["softened"])
    teacher = label_teacher(run.lab, run.budget)
    logits = predict(teacher, run.distilled.images).double().numpy()
    weights = np.exp(logits / 4)
    expected = weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(made.targets.numpy(), expected, rtol=1e-4)


def test_ridge_labels_are_least_squares_of_kernel_ridge_regression(run: FinishedRun) -> None:
    """Written with the whole kernel matrices, and as one least-squares problem."""
    lab, images = run.lab, run.distilled.images
    network = label_teacher(lab, run.budget)
    made = run.training_set("random", PROTOCOLS["ridge"]).targets
    real, labels = lab.real.batch(torch.arange(len(lab.real)))
    with torch.no_grad():
        own, theirs = (network.features(x).double().numpy() for x in (images, real))
    count, classes = len(own), run.distilled.classes
    kernel = own @ own.T
    kernel += RIDGE * np.trace(kernel) / count * np.eye(count)
    predicts = theirs @ own.T @ np.linalg.inv(kernel)  # (n, N)
    wanted = np.eye(classes)[labels.numpy()] - 1 / classes
    weight = np.sqrt(RIDGE * (predicts**2).sum() / count)
    stacked = np.vstack([predicts, weight * np.eye(count)])
    padded = np.vstack([wanted, np.zeros((count, classes))])
    expected = np.linalg.lstsq(stacked, padded, rcond=None)[0]
    np.testing.assert_allclose(made.numpy(), expected, rtol=1e-3, atol=1e-4)


def test_ridge_labels_predict_real_images_better_than_class_ids(run: FinishedRun) -> None:
    lab, images, ids = run.lab, run.distilled.images, run.distilled.labels
    network, classes = label_teacher(lab, run.budget), run.distilled.classes
    learned = ridge_labels(network, images, lab.real, classes).double()
    real, labels = lab.real.batch(torch.arange(len(lab.real)))
    with torch.no_grad():
        own, theirs = (network.features(x).double() for x in (images, real))
    kernel = own @ own.T
    kernel += RIDGE * kernel.diagonal().mean() * torch.eye(len(own))
    predicts = theirs @ own.T @ torch.linalg.inv(kernel)
    wanted = torch.nn.functional.one_hot(labels, classes).double() - 1 / classes
    given = torch.nn.functional.one_hot(ids, classes).double() - 1 / classes
    errors = [(predicts @ targets - wanted).square().sum() for targets in (learned, given)]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("epoch", [1, 3])
def test_early_labels_are_probabilities_after_that_epoch(epoch: int, run: FinishedRun) -> None:
    protocol = dataclasses.replace(PROTOCOLS["early"], label_epoch=epoch)
    made = run.training_set("random", protocol)
    recipe = dataclasses.replace(EARLY_TEACHER, epochs=3, snapshot_epochs=(1, 3))
    longer = train_networks(run.lab, "early-teacher", recipe, [0])
    teacher = run.lab.frozen(longer.weights(0, epoch))
    assert torch.equal(made.targets, predict(teacher, run.distilled.images).softmax(1))
    assert made.regime == f"teacher after epoch {epoch}"
    assert protocol.label == f"early/1 at epoch {epoch}"


@pytest.mark.parametrize("dataset", ["digits", "cifar10", "somewhere else"])
@pytest.mark.parametrize("ipc", [1, 10, 50])
def test_early_epoch_of_the_table_is_at_most_what_the_label_teacher_gets(
    dataset: str, ipc: int
) -> None:
    protocol = PROTOCOLS["early"]
    frozen = protocol.early_recipe(dataset, ipc, 10**6)
    assert frozen.epochs == label_epoch(dataset, ipc)
    assert protocol.early_recipe(dataset, ipc, 1).epochs == 1
    given = dataclasses.replace(protocol, label_epoch=7)
    assert given.early_recipe(dataset, ipc, 1).epochs == 7


@pytest.mark.parametrize("name", ["kd", "hybrid"])
def test_online_student_learns_what_the_teacher_says_of_each_mixed_batch(
    name: str, run: FinishedRun
) -> None:
    """A naive loop in float64: mix, ask the teacher, the loss from its formula, torch's AdamW."""
    made = run.training_set("random", PROTOCOLS[name])
    recipe = dataclasses.replace(made.recipe, epochs=3, augment=False)
    lab, stream = run.lab, RandomStream(0, ("evaluation", "convnet", 0))
    assert made.teacher is not None
    teacher, images = made.teacher.network(lab).double(), made.images.double()
    trained, expected = (lab.new_network(stream / "weights").double() for _ in range(2))
    Training(trained, Examples(images, made.targets), recipe, stream, teacher=teacher).run()
    optimiser = torch.optim.AdamW(expected.parameters(), lr=0.01, weight_decay=0.01)
    for step in range(3):
        order = torch.randperm(len(made.images), generator=(stream / "order" / step).generator())
        place = stream / "step" / step / 0 / "cutmix"
        inputs, mixing = cutmix(images[order], 1.0, place.generator())
        assert mixing is not None
        for group in optimiser.param_groups:
            group["lr"] = 0.01 * (1 + np.cos(np.pi * step / 3)) / 2
        logits, said = expected.train()(inputs), predict(teacher, inputs)
        t = recipe.temperature
        q, p = (logits / t).softmax(1), (said / t).softmax(1)
        loss = t**2 * (p * (p.log() - q.log())).sum(1).mean()
        if name == "hybrid":
            ids = made.targets[order]
            each = -logits.log_softmax(1)
            rows = torch.arange(len(ids))
            mixed = (
                mixing.share * each[rows, ids] + (1 - mixing.share) * each[rows, ids[mixing.order]]
            )
            loss = (loss + mixed.mean()) / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    outputs = [predict(network, images) for network in (trained, expected)]
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
    before = predict(lab.new_network(stream / "weights").double(), images)
    assert (outputs[0] - before).abs().max() > 1e-3


def test_teacher_of_a_student_is_part_of_the_key_of_its_score(run: FinishedRun) -> None:
    made = run.training_set("random", PROTOCOLS["kd"])
    assert made.teacher is not None
    assert made.teacher.reference == online_label_teacher(run.lab, run.budget).reference
    network = made.teacher.network(run.lab)
    images = run.distilled.images
    assert torch.equal(
        logits_of(network, images, run.lab),
        logits_of(label_teacher(run.lab, run.budget), images, run.lab),
    )
    with run.lab.dataset.scoring():
        (kd,), (hard,) = (run.scores("random", PROTOCOLS[p], 1) for p in ("kd", "hard"))
        assert run.scores("random", PROTOCOLS["kd"], 1) == [kd]
    assert kd.key != hard.key


def test_images_that_a_teacher_labels_are_counted(run: FinishedRun) -> None:
    made = run.training_set("random", PROTOCOLS["kd"])
    assert made.images_labelled == made.recipe.epochs * len(made.images)
    assert run.training_set("random", PROTOCOLS["soft"]).images_labelled == 0


@pytest.mark.parametrize("protocol", [p for p in PROTOCOLS.values() if p.labels is not Labels.own])
def test_every_protocol_says_where_its_labels_come_from(protocol: object, run: FinishedRun) -> None:
    made = run.training_set("random", protocol)  # type: ignore[arg-type]
    assert made.regime
    assert len(made.targets) == len(made.images)
    assert torch.isfinite(made.targets.double()).all()


@pytest.mark.parametrize("keys", [("label_epoch=5",), ("label_epoch=5", "protocols=[hard,soft]")])
def test_epoch_without_a_protocol_that_has_one_is_refused(
    keys: tuple[str, ...], tiny: Callable[..., RunRequest], tmp_path: object
) -> None:
    with pytest.raises(UserError, match=r"label_epoch=5: only the protocol early"):
        tiny(tmp_path, "method=random", *keys)


def test_epoch_below_one_is_refused(tiny: Callable[..., RunRequest], tmp_path: object) -> None:
    with pytest.raises(UserError, match=r"label_epoch=0: must be at least 1"):
        tiny(tmp_path, "method=random", "protocols=[early]", "label_epoch=0")
