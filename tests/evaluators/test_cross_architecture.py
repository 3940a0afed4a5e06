"""Transfer to other architectures: its arithmetic, its refusals, its picture and its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ddbench.api import evaluate
from ddbench.errors import UserError
from ddbench.figures import png
from ddbench.models.model import Model
from ddbench.models.spec import ModelSpec, model_named
from ddbench.records.measurement import Measurement
from ddbench.records.report import other_tables
from ddbench.runs.evaluate_all import finished_run
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.runtime.progress import Progress
from ddbench.runtime.randomness import RandomStream
from ddbench.scoring.finished_run import FinishedRun
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.registry import EVALUATORS
from ddbench.scoring.training_sets import NotScorable
from ddbench.training.budget import Budget
from ddbench.training.loss import Loss
from ddbench.training.recipe import TrainingRecipe

CrossArchitecture = EVALUATORS["cross_architecture"]
HARD = TrainingRecipe(epochs=1, learning_rate=0.5)
SOFT = TrainingRecipe(epochs=1, learning_rate=0.7, loss=Loss.l1)
# accuracy of each network of a subject on an architecture
SCORES = {
    "apm": {"convnet": [0.8, 0.6], "mlp": [0.5, 0.5], "vgg11": [0.3, 0.1], "alexnet": [0.4, 0.6]},
    "random": {
        "convnet": [0.5, 0.5],
        "mlp": [0.4, 0.5],
        "vgg11": [0.3, 0.3],
        "alexnet": [0.4, 0.2],
    },
}
TARGETS = ["mlp", "vgg11", "alexnet"]


@cache
def network_of(name: str, settings: tuple[tuple[str, Any], ...], resolution: int) -> Model:
    return ModelSpec(name, dict(settings)).build(1, resolution, 10, RandomStream(0))


class Finished(SimpleNamespace):
    """A finished run whose scores are given; it keeps the recipes that it is asked to train by."""

    budget = Budget(networks=2)
    split = "test"
    subjects = dict.fromkeys(SCORES, range(100))
    progress = Progress(quiet=True)
    task = SimpleNamespace(model=model_named("convnet", "cpu"))
    distilled = SimpleNamespace(classes=10)
    resolution = 8

    device_type = "cpu"

    def new_network(self, model: Any) -> Any:
        return network_of(model.name, tuple(model.settings.items()), self.resolution)

    def training_set(self, subject: str, protocol: Any) -> Any:
        if protocol.name == "paper":
            raise NotScorable("the set names no published evaluation")
        return SimpleNamespace(recipe=SOFT if protocol.name == "soft" else HARD)

    def scores(
        self, subject: str, protocol: Any, networks: int, model: Any, recipe: Any
    ) -> list[Any]:
        self.asked[protocol.name, model.name] = recipe
        values = SCORES[subject][model.name]
        return [SimpleNamespace(accuracy=accuracy, diverged=False) for accuracy in values]


def measured(*protocols: str, **changes: Any) -> tuple[list[Measurement], Any]:
    settings = {key: changes.pop(key) for key in ("targets", "trial_rate") if key in changes}
    evaluator = CrossArchitecture(CrossArchitecture.Settings(**{"targets": TARGETS, **settings}))
    chosen = tuple(PROTOCOLS[name] for name in protocols or ("hard",))
    run: Any = Finished(protocols=chosen, asked={}, **changes)
    return evaluator.evaluate(run), run


def values(measurements: list[Measurement], metric: str, **where: str) -> dict[str, float | None]:
    """Values of a metric by architecture, or by subject where it has none."""
    return {
        str(one.coordinates.get("architecture", one.coordinates["subject"])): one.value
        for one in measurements
        if one.metric == metric and where.items() <= one.coordinates.items()
    }


def test_summaries_are_those_computed_by_hand() -> None:
    measurements, _ = measured()
    assert values(measurements, "transfer_accuracy", subject="apm") == pytest.approx(
        {"convnet-width32": 0.7, "mlp": 0.5, "vgg11": 0.2, "alexnet": 0.5}
    )
    assert values(measurements, "transfer_mean") == pytest.approx({"apm": 0.4, "random": 0.35})
    assert values(measurements, "transfer_worst") == pytest.approx({"apm": 0.2, "random": 0.3})
    assert values(measurements, "transfer_gap") == pytest.approx({"apm": 0.3, "random": 0.15})
    assert values(measurements, "transfer_mean_difference") == pytest.approx({"apm": 0.05})
    assert values(measurements, "transfer_accuracy_difference") == pytest.approx(
        {"convnet-width32": 0.2, "mlp": 0.05, "vgg11": -0.1, "alexnet": 0.2}
    )


def test_values_are_paired_network_by_network() -> None:
    measurements, _ = measured()
    (gap,) = [
        one
        for one in measurements
        if one.metric == "transfer_gap" and one.coordinates["subject"] == "apm"
    ]
    assert gap.values == pytest.approx((0.8 - 1.2 / 3, 0.6 - 1.2 / 3))


def test_set_below_its_control_and_result_near_chance_are_flagged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(SCORES["random"], "mlp", [0.1, 0.11])
    notes = [one.note for one in measured()[0]]
    assert "apm is below random on vgg11 under hard/1" in notes
    assert "random on mlp under hard/1 is near chance (10.0%)" in notes


def test_target_that_cannot_take_the_images_says_why_and_is_left_out_of_the_mean() -> None:
    measurements, _ = measured(resolution=4)
    refused = [one for one in measurements if one.coordinates.get("architecture") == "alexnet"]
    assert [one.value for one in refused] == [None, None]
    assert "alexnet halves images three times" in refused[0].note
    assert values(measurements, "transfer_mean")["apm"] == pytest.approx(0.35)
    assert {one.coordinates.get("targets") for one in measurements} == {None, 2}


def test_change_of_an_architecture_is_recorded() -> None:
    measurements, _ = measured()
    notes = {one.note for one in measurements if one.coordinates.get("architecture") == "vgg11"}
    assert any("vgg11: 2 of 5 poolings left out" in note for note in notes)


def test_protocol_that_cannot_score_a_set_says_why() -> None:
    measurements, _ = measured("paper", "hard")
    assert measurements[0].value is None
    assert measurements[0].note == "the set names no published evaluation"
    assert values(measurements, "transfer_mean", protocol="hard/1")


def test_source_keeps_the_rate_of_the_protocol_and_targets_have_the_frozen_one() -> None:
    _, run = measured("hard", "soft")
    assert run.asked["hard", "convnet"] == HARD
    assert run.asked["soft", "convnet"] == SOFT
    assert run.asked["hard", "mlp"] == dataclasses.replace(
        HARD, learning_rate=run.asked["hard", "mlp"].learning_rate
    )
    assert run.asked["hard", "mlp"].learning_rate != HARD.learning_rate


def test_rate_on_trial_is_that_of_targets_alone() -> None:
    _, run = measured(trial_rate=0.25)
    assert run.asked["hard", "mlp"].learning_rate == 0.25
    assert run.asked["hard", "convnet"].learning_rate == 0.5


def test_source_among_the_targets_is_measured_once() -> None:
    measurements, _ = measured(targets=["mlp", "convnet"])
    assert list(values(measurements, "transfer_accuracy")) == ["convnet-width32", "mlp"]


def test_batch_norm_is_spared_a_last_batch_of_one_image() -> None:
    targets = ["mlp", "timm:mobilenetv3_small_050"]
    measurements, _ = measured(targets=targets, subjects=dict.fromkeys(SCORES, range(257)))
    accuracies = values(measurements, "transfer_accuracy", subject="apm")
    assert accuracies["timm:mobilenetv3_small_050"] is None
    assert accuracies["mlp"] is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": ["resnet81"]}, "unknown model 'resnet81': did you mean"),
        ({"targets": ["timm:convnxt_atto"]}, "unknown timm model 'convnxt_atto': did you mean"),
        ({"targets": []}, r"targets=\[\]: name at least one"),
        ({"trial_rate": 0.0}, "trial_rate=0.0: must be above 0"),
    ],
)
def test_mistake_is_said_in_one_line_before_work(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as mistake:
        CrossArchitecture.Settings(**change)
    assert "\n" not in str(mistake.value)


def test_rate_is_never_tried_on_test_images() -> None:
    evaluator = CrossArchitecture(CrossArchitecture.Settings(trial_rate=0.1))
    with pytest.raises(UserError, match="tried on held-out images alone"):
        evaluator.skip(SimpleNamespace(split="test"))
    assert evaluator.skip(SimpleNamespace(split="validation")) is None


def test_picture_holds_every_number_and_is_a_function_of_the_measurements() -> None:
    measurements, _ = measured("hard", "soft", resolution=4)
    evaluator = CrossArchitecture(CrossArchitecture.Settings())
    figure = evaluator.figure(measurements)
    upper, lower, _ = figure.axes
    written = [text.get_text() for text in upper.texts]
    assert written[:4] == ["70.0\n(+20.0)", "50.0\n(+5.0)", "20.0\n(-10.0)", "n/a"]
    assert [text.get_text() for text in lower.get_xticklabels()] == [
        "convnet-width32 (source)",
        *TARGETS,
    ]
    assert png(figure) == png(evaluator.figure(measurements))
    assert evaluator.figure([]) is None


def test_report_sets_subjects_and_their_difference_beside_each_other() -> None:
    measurements, _ = measured()
    first, second, notes = other_tables(measurements)
    (line,) = [line for line in first.splitlines() if " mlp " in line]
    assert line.split()[3:] == [
        "0.01",
        "50.0",
        "±",
        "0.0",
        "45.0",
        "±",
        "63.5",
        "+5.0",
        "±",
        "63.5",
    ]
    assert "transfer_gap" in second
    assert "note: vgg11: 2 of 5 poolings left out" in notes


@pytest.fixture(scope="module")
def made(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FinishedRun, Path]]:
    """A finished run of Random in a store, and the folder that its record is in."""
    root = tmp_path_factory.mktemp("transfer")
    request = tiny(root, "method=random", "model.width=8", "protocols=[hard]", "evaluators=[]")
    folder = execute(request, quiet=True).folder
    with opened(request, quiet=True) as (lab, _):
        from ddbench.distilling.distilled_set import DistilledSet

        distilled = DistilledSet.load(folder / "distilled.safetensors")
        with lab.dataset.scoring():
            yield finished_run(request, lab, "random", distilled, {})[0], folder


def test_score_of_another_model_is_another_artefact_and_is_found_again(
    made: tuple[FinishedRun, Path],
) -> None:
    run, _ = made
    own = run.scores("random", PROTOCOLS["hard"], 1)[0]
    mlp = run.scores("random", PROTOCOLS["hard"], 1, model_named("mlp", "cpu"))[0]
    assert mlp.key != own.key
    assert run.lab.model.name == "convnet"
    assert run.scores("random", PROTOCOLS["hard"], 1)[0] == own
    assert run.scores("random", PROTOCOLS["hard"], 1, model_named("mlp", "cpu"))[0] == mlp
    assert set(run.scored) == {own.key, mlp.key}


def test_labels_of_another_models_students_come_from_the_source(
    made: tuple[FinishedRun, Path],
) -> None:
    run, _ = made
    with run.lab.runtime.ledger.recording() as used:
        run.scores("random", PROTOCOLS["soft"], 1, model_named("mlp", "cpu"))
    (teachers,) = used.values()
    assert [
        artefact.facts["kind_of_network"]["model"]["name"] for artefact in teachers.values()
    ] == ["convnet"]


def test_set_from_a_file_is_measured_too(made: tuple[FinishedRun, Path], tmp_path: Path) -> None:
    _, folder = made
    record = evaluate(
        folder / "distilled.safetensors",
        ["model=narrow", "evaluators=[cross_architecture]"],
        quiet=True,
        budget="smoke",
        protocols=["hard"],
        device="cpu",
        threads=1,
        runs_root=str(tmp_path),
        **{"evaluators.cross_architecture.targets": ["mlp"]},
    )
    accuracies = values(record.measurements, "transfer_accuracy", subject=record.method.name)
    assert list(accuracies) == ["convnet-width32", "mlp"]
    assert values(record.measurements, "transfer_gap")[record.method.name] == pytest.approx(
        accuracies["convnet-width32"] - accuracies["mlp"]  # type: ignore[operator]
    )
    (picture,) = tmp_path.glob("*-released-*/cross_architecture.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
