"""The rules of measurement: who learns which labels by which recipe, scored on what."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.data import dataset
from ddbench.data.registry import DATASETS
from ddbench.distilling.loop import distil
from ddbench.errors import UserError
from ddbench.models.model import Model
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.runtime.randomness import RandomStream
from ddbench.scoring import students
from ddbench.scoring.finished_run import FinishedRun
from ddbench.scoring.protocols import (
    LABEL_TEACHER,
    PROTOCOLS,
    Matched,
    protocol_named,
    soft_rate,
)
from ddbench.scoring.training_sets import NotScorable, training_set
from ddbench.teachers.pool import labeller, stored_labeller
from ddbench.teachers.train import train_networks
from ddbench.training.lab import Lab
from ddbench.training.loop import Training, predict
from ddbench.training.loss import Loss
from ddbench.training.recipe import Examples
from ddbench.training.schedule import Schedule


def finished_run(request: RunRequest, lab: Lab) -> FinishedRun:
    subjects = {request.method.name: distil(request.method, request.task, lab).distilled}
    if request.control is not None:
        subjects[request.control.name] = distil(request.control, request.task, lab).distilled
    protocols = tuple(PROTOCOLS.values())
    return FinishedRun(request.task, request.budget, protocols, subjects, False, lab)


@pytest.fixture(scope="module")
def apm(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinishedRun]:
    root = tmp_path_factory.mktemp("protocols")
    request = tiny(root, "method=apm", "method.teachers=2", "model.width=8", "ipc=2")
    with opened(request, quiet=True) as (lab, _):
        yield finished_run(request, lab)


@pytest.fixture(scope="module")
def hard_labels_only(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinishedRun]:
    """Random, by itself."""
    request = tiny(tmp_path_factory.mktemp("random"), "method=random", "model.width=8")
    with opened(request, quiet=True) as (lab, _):
        yield finished_run(request, lab)


def test_paper_gives_the_method_its_own_labels_and_recipe(apm: FinishedRun) -> None:
    own, made = apm.training_set("apm", PROTOCOLS["paper"]), apm.distilled
    assert made.soft_labels is not None
    assert made.evaluation is not None
    assert torch.equal(own.targets, made.soft_labels)
    assert own.regime == "own logits"
    assert own.recipe.loss is Loss.l1
    assert own.recipe.learning_rate == made.evaluation.learning_rate
    assert own.recipe == apm.budget.evaluation_recipe(made.evaluation)


def test_paper_gives_the_control_the_methods_kind_of_labels_and_recipe(apm: FinishedRun) -> None:
    control, own = (apm.training_set(name, PROTOCOLS["paper"]) for name in ("random", "apm"))
    assert control.recipe == own.recipe
    assert control.regime == own.regime
    for made, subject in ((own, "apm"), (control, "random")):
        images = apm.subjects[subject].images
        assert torch.equal(made.targets, predict(labelling_network(apm), images))


def labelling_network(run: FinishedRun) -> Model:
    assert run.distilled.labeller is not None
    network = labeller(run.lab, run.distilled.labeller)
    assert network is not None
    return network


def test_control_cannot_take_labels_of_an_unknown_network(apm: FinishedRun) -> None:
    stranger = dataclasses.replace(apm.distilled, labeller="0" * 24 + "@1")
    with pytest.raises(NotScorable, match="not in this store"):
        training_set(
            apm.subjects["random"], PROTOCOLS["paper"], apm.budget, apm.lab, 2, like=stranger
        )


@pytest.mark.parametrize("reference", ["", "abc", "../x@1", "abc@", "abc@x", "a/b@2"])
def test_labeller_that_is_no_reference_is_refused_in_one_line(
    reference: str, apm: FinishedRun
) -> None:
    with pytest.raises(UserError, match="KEY@EPOCH"):
        labeller(apm.lab, reference)


def test_labeller_of_other_data_or_another_space_is_not_taken(
    apm: FinishedRun, tiny: Callable[..., RunRequest]
) -> None:
    assert apm.distilled.labeller is not None
    root = apm.lab.runtime.store.root
    for other in ("input_space=zca", "validation=0.1"):
        with opened(tiny(root, "method=apm", "model.width=8", other), quiet=True) as (lab, _):
            assert labeller(lab, apm.distilled.labeller) is None


def test_labeller_of_another_model_is_built_as_the_store_says(
    apm: FinishedRun, tiny: Callable[..., RunRequest]
) -> None:
    reference = apm.distilled.labeller
    assert reference is not None
    own = labelling_network(apm)
    with opened(tiny(apm.lab.runtime.store.root, "method=apm", "model=resnet18"), quiet=True) as (
        lab,
        _,
    ):
        found = stored_labeller(lab, reference)
        assert found is not None
        model, _ = found
        assert model == apm.lab.model
        network, images = labeller(lab, reference), apm.distilled.images
        assert network is not None
        assert torch.equal(predict(network, images), predict(own, images))


@pytest.mark.parametrize("changed", [{"name": "nothing_like_it"}, {"version": 99}, {"code": "abc"}])
def test_labeller_whose_model_has_changed_is_not_taken(
    apm: FinishedRun, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    assert apm.distilled.labeller is not None
    store = apm.lab.runtime.store
    artefact = store.by_key("network", apm.distilled.labeller.partition("@")[0])
    assert artefact is not None
    kind = artefact.facts["kind_of_network"]
    other = {**kind, "model": {**kind["model"], **changed}}
    stranger = dataclasses.replace(artefact, facts={**artefact.facts, "kind_of_network": other})
    monkeypatch.setattr(type(store), "by_key", lambda *given: stranger)
    assert stored_labeller(apm.lab, apm.distilled.labeller) is None


def test_row_of_random_itself_is_hard_labels_under_paper(hard_labels_only: FinishedRun) -> None:
    own = hard_labels_only.training_set("random", PROTOCOLS["paper"])
    assert own.regime == "class ids"
    assert own.recipe.loss is Loss.cross_entropy
    assert torch.equal(own.targets, hard_labels_only.distilled.labels)


@pytest.mark.parametrize("subject", ["apm", "random"])
@pytest.mark.parametrize(("protocol", "augment"), [("hard", True), ("noaug", False)])
def test_hard_and_noaug_give_class_ids_at_the_published_rate(
    protocol: str, augment: bool, subject: str, apm: FinishedRun
) -> None:
    made = apm.training_set(subject, PROTOCOLS[protocol])
    assert torch.equal(made.targets, apm.subjects[subject].labels)
    recipe = made.recipe
    assert (recipe.learning_rate, recipe.momentum, recipe.weight_decay) == (0.01, 0.9, 5e-4)
    assert (recipe.optimiser, recipe.batch_size) == ("sgd", 256)
    assert recipe.loss is Loss.cross_entropy
    assert recipe.augment is augment
    full = PROTOCOLS[protocol].recipe
    assert full is not None
    assert (full.epochs, full.milestones, full.decay) == (1000, (500,), 0.1)


@pytest.mark.parametrize("subject", ["apm", "random"])
def test_soft_gives_everyone_the_logits_of_the_label_teacher(
    subject: str, apm: FinishedRun
) -> None:
    made = apm.training_set(subject, PROTOCOLS["soft"])
    recipe = apm.budget.teacher_recipe(LABEL_TEACHER, len(apm.lab.real))
    teacher = train_networks(apm.lab, "label-teacher", recipe, [0])[0]
    assert torch.equal(made.targets, predict(teacher, apm.subjects[subject].images))
    assert made.regime == "label teacher"
    assert made.recipe.loss is Loss.l1
    assert made.recipe.augment
    assert made.recipe.learning_rate == soft_rate("digits", apm.task.ipc)


def test_label_teacher_is_in_no_pool_of_the_method(apm: FinishedRun) -> None:
    """Not even when it is trained by the same recipe."""
    recipe = apm.budget.teacher_recipe(LABEL_TEACHER, len(apm.lab.real))
    pools = [train_networks(apm.lab, name, recipe, [0]) for name in ("label-teacher", "teacher")]
    first, second = (pool.weights(0, recipe.epochs) for pool in pools)
    assert pools[0].artefacts[0].key != pools[1].artefacts[0].key
    assert not torch.equal(first["classifier.weight"], second["classifier.weight"])


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_epochs_scale_with_the_budget_and_the_rate_still_falls_halfway(
    protocol: str, apm: FinishedRun
) -> None:
    rules = PROTOCOLS[protocol]
    epochs = 100 if rules.matched is Matched.images else 20  # as many images at ipc 2 as at 10
    for subject in apm.subjects:
        recipe = apm.training_set(subject, rules).recipe
        assert recipe.epochs == epochs
        assert recipe.rate_at_step(epochs - 1, 1) < recipe.learning_rate / 9
        if recipe.schedule is Schedule.milestones:
            assert recipe.milestones == (epochs // 2,)
        assert recipe.kept_epochs == (epochs,)


@pytest.mark.parametrize("ipc", [1, 3, 10, 50, 200])
@pytest.mark.parametrize("classes", [10, 100])
def test_matched_protocols_give_as_many_steps_or_images_as_at_ipc_10(
    ipc: int, classes: int
) -> None:
    recipe, own = PROTOCOLS["hard"].recipe, ipc * classes
    assert recipe is not None
    steps, images = (
        PROTOCOLS[name].of_length(recipe, own, classes) for name in ("hard_steps", "hard_images")
    )
    wanted = recipe.epochs * recipe.steps_per_epoch(10 * classes)
    # To within half an epoch, as an epoch is not cut.
    each = steps.steps_per_epoch(own)
    assert abs(steps.epochs * each - wanted) <= each / 2
    assert abs(images.epochs * own - recipe.epochs * 10 * classes) <= own / 2
    for one in (steps, images):
        assert one.milestones[0] == pytest.approx(one.epochs / 2, abs=1)


@pytest.mark.parametrize("protocol", ["hard", "soft", "kd"])
def test_other_protocols_have_their_epochs_whatever_the_size(protocol: str) -> None:
    recipe = PROTOCOLS[protocol].recipe
    assert recipe is not None
    assert PROTOCOLS[protocol].of_length(recipe, 10, 10) is recipe


def test_images_are_scored_as_they_were_distilled(apm: FinishedRun) -> None:
    for protocol in PROTOCOLS.values():
        for name, subject in apm.subjects.items():
            assert apm.training_set(name, protocol).images is subject.images


def test_evaluation_network_starts_alike_for_every_set_and_protocol(
    apm: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[torch.Tensor] = []

    class Noted(students.Training):
        def __init__(self, network: Any, *arguments: Any) -> None:
            starts.append(network.classifier.weight.detach().clone())
            super().__init__(network, *arguments)

    monkeypatch.setattr(students, "Training", Noted)
    with apm.lab.dataset.scoring():
        for protocol in ("hard", "noaug"):
            for subject in apm.subjects:
                apm.scores(subject, PROTOCOLS[protocol], 2)
    assert len(starts) == 8
    assert all(torch.equal(start, starts[0]) for start in starts[::2])
    assert all(torch.equal(start, starts[1]) for start in starts[1::2])
    assert not torch.equal(starts[0], starts[1])


def test_score_is_that_of_the_last_step_on_the_test_split(apm: FinishedRun) -> None:
    made = apm.training_set("random", PROTOCOLS["hard"])
    network = apm.lab.new_network(RandomStream(0, ("evaluation", "convnet", 0, "weights")))
    stream = RandomStream(0, ("evaluation", "convnet", 0))
    Training(network, Examples(made.images, made.targets), made.recipe, stream).run()
    with apm.lab.dataset.scoring():
        score = apm.scores("random", PROTOCOLS["hard"], 1)[0]
        test = apm.lab.dataset.test
    logits = predict(network, apm.lab.space.transform(test.images))
    assert score.accuracy == float((logits.argmax(1) == test.labels).double().mean())
    assert score.split == "test"


def test_nothing_is_scored_while_the_test_split_is_locked(
    hard_labels_only: FinishedRun,
) -> None:
    with pytest.raises(dataset.TestSplitLocked):
        hard_labels_only.scores("random", PROTOCOLS["hard"], 1)


def test_whole_control_is_trained_once_for_all_runs(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    few = ("method=random", "protocols=[hard]", "whole=true", "model.width=8")
    first = execute(tiny(tmp_path, *few, "budget.networks=2"), quiet=True).record
    networks = {path: path.stat().st_mtime_ns for path in tmp_path.glob("artefacts/network/*")}
    second = execute(tiny(tmp_path, *few, "budget.networks=2", "seed=1"), quiet=True).record
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("artefacts/network/*")} == networks
    (one,), (other,) = (
        [m for m in record.measurements if m.coordinates["protocol"] == "whole/1"]
        for record in (first, second)
    )
    assert one == other
    assert len(one.values) == 2
    assert [(pool.stream, pool.networks) for pool in first.networks] == [("whole", 2)]
    whole = [[cost for cost in record.costs if cost.phase == "whole"] for record in (first, second)]
    assert whole[0] == whole[1] != []


def test_held_out_images_are_scored_and_the_test_split_is_never_loaded(
    tiny: Callable[..., RunRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    source = DATASETS["digits"]
    load = source.load

    def noted(self: Any, split: Any) -> Any:
        loaded.append(split)
        return load(self, split)

    monkeypatch.setattr(source, "load", noted)
    request = tiny(
        tmp_path, "method=random", "protocols=[hard,soft]", "validation=0.2", "model.width=8"
    )
    record = execute(request, quiet=True).record
    assert loaded == ["train"]
    assert record.data.scored_split == "validation"
    assert {one.coordinates["split"] for one in record.measurements} == {"validation"}
    with opened(request, quiet=True) as (lab, _):
        assert lab.dataset.validation is not None
        assert record.data.scored_hash == lab.dataset.validation.hash


def test_soft_rate_is_that_of_the_nearest_published_ipc() -> None:
    assert soft_rate("cifar100", 10) == 0.02
    assert soft_rate("cifar100", 50) == 0.04
    assert soft_rate("cifar100", 1) == 0.02
    assert soft_rate("cifar100", 10_000) == 0.04


@pytest.mark.parametrize("text", ["hard", "hard/1"])
def test_protocol_is_found_by_name_and_version(text: str) -> None:
    assert protocol_named(text) is PROTOCOLS["hard"]


@pytest.mark.parametrize("text", ["herd", "hard/2", "hard/", "", "hard/1/1"])
def test_other_protocols_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError) as refused:
        protocol_named(text)
    assert "\n" not in str(refused.value)


def test_learned_rate_of_a_set_is_used_under_its_own_protocol_alone(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=random", "protocols=[paper,hard]")
    with opened(request, quiet=True) as (lab, _):
        distilled = distil(request.method, request.task, lab).distilled
        distilled.learned_rate = 0.123
        paper, hard = (
            training_set(distilled, protocol, request.budget, lab, request.task.ipc)
            for protocol in request.protocols
        )
    assert paper.recipe.learning_rate == 0.123
    assert hard.recipe.learning_rate == 0.01
