"""Effects of a factorial design against orthogonal contrasts and a least-squares fit."""

from __future__ import annotations

import dataclasses
from itertools import combinations, product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ddbench.errors import UserError
from ddbench.records.measurement import Measurement
from ddbench.records.statistics import half_width
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.registry import EVALUATORS
from ddbench.scoring.training_sets import NotScorable
from ddbench.training.budget import Budget
from ddbench.training.recipe import TrainingRecipe

NETWORKS = 3
FACTORS = ("images", "labels", "augmentation", "budget")
EPOCHS = 100
CELLS = list(product((True, False), repeat=4))
RESPONSES = np.random.default_rng(0).uniform(0.2, 0.9, (16, NETWORKS))
SIGNS = np.array([[1 if level else -1 for level in cell] for cell in CELLS])  # (16, 4)
"""The design, one row a cell."""


class Finished(SimpleNamespace):
    """A finished run in which the students of each cell have given accuracies."""

    budget = Budget(networks=NETWORKS)
    split = "test"
    protocols = (PROTOCOLS["hard"],)
    subjects = {"own": None, "beside": None}  # noqa: RUF012
    without: tuple[str, str] | None = None
    asked: tuple[Any, ...] = ()

    def training_set(self, subject: str, protocol: Any) -> Any:
        if self.without == (subject, protocol.name):
            raise NotScorable("it lacks a label")
        recipe = protocol.recipe or TrainingRecipe(epochs=EPOCHS, learning_rate=0.02)
        recipe = recipe.scaled(EPOCHS / recipe.epochs)
        return SimpleNamespace(recipe=recipe, regime=f"labels of {protocol.name}")

    def scores(self, subject: str, protocol: Any, recipe: TrainingRecipe) -> list[Any]:
        drawn = recipe.augment or recipe.cutmix > 0
        cell = (subject == "own", protocol.name != "hard", drawn, recipe.epochs == EPOCHS)
        self.asked += ((cell, recipe),)
        return [SimpleNamespace(accuracy=float(v)) for v in RESPONSES[CELLS.index(cell)]]


def evaluator(**settings: Any) -> Any:
    cls = EVALUATORS["label_attribution"]
    return cls(cls.Settings(**settings))


def measured(run: Finished | None = None, **settings: Any) -> list[Measurement]:
    return evaluator(**settings).evaluate(run or Finished())  # type: ignore[no-any-return]


def found(measurements: list[Measurement], metric: str, **where: Any) -> dict[str, Measurement]:
    """Measurements by factor, or pair of factors."""
    return {
        str(m.coordinates.get("factor", m.coordinates.get("factors"))): m
        for m in measurements
        if m.metric == metric and all(m.coordinates.get(k) == v for k, v in where.items())
    }


def test_effects_and_interactions_over_both_sets_are_orthogonal_contrasts() -> None:
    measurements = measured()
    effects = found(measurements, "attribution_effect", over="both sets")
    assert list(effects) == list(FACTORS)
    for place, name in enumerate(FACTORS):
        contrast = SIGNS[:, place] @ RESPONSES / 8
        assert effects[name].values == pytest.approx(contrast)
        assert effects[name].value == pytest.approx(contrast.mean())
    interactions = found(measurements, "attribution_interaction", over="both sets")
    assert len(interactions) == 6
    for a, b in combinations(range(4), 2):
        contrast = (SIGNS[:, a] * SIGNS[:, b]) @ RESPONSES / 8
        one = interactions[f"{FACTORS[a]} x {FACTORS[b]}"]
        assert one.values == pytest.approx(contrast)


def test_effects_are_twice_the_coefficients_of_a_linear_model() -> None:
    """With all products of factors in it, fitted to the mean over networks."""
    columns, names = [np.ones(16)], ["mean"]
    for size in range(1, 5):
        for chosen in combinations(range(4), size):
            columns.append(SIGNS[:, chosen].prod(axis=1).astype(float))
            names.append(" x ".join(FACTORS[i] for i in chosen))
    fitted = np.linalg.lstsq(np.stack(columns, 1), RESPONSES.mean(1), rcond=None)[0]
    expected = dict(zip(names, 2 * fitted, strict=True))
    measurements = measured()
    for metric in ("attribution_effect", "attribution_interaction"):
        for name, one in found(measurements, metric, over="both sets").items():
            assert one.value == pytest.approx(expected[name])


@pytest.mark.parametrize(("subject", "own"), [("own", True), ("beside", False)])
def test_effects_within_a_set_are_over_its_cells_alone(subject: str, own: bool) -> None:
    rows = [i for i, cell in enumerate(CELLS) if cell[0] is own]
    measurements = measured()
    effects = found(measurements, "attribution_effect", over="one set", subject=subject)
    assert list(effects) == list(FACTORS[1:])
    for place, name in enumerate(FACTORS[1:], 1):
        contrast = SIGNS[rows, place] @ RESPONSES[rows] / 4
        assert effects[name].values == pytest.approx(contrast)
    pairs = found(measurements, "attribution_interaction", over="one set", subject=subject)
    for (a, b), one in zip(combinations(range(1, 4), 2), pairs.values(), strict=True):
        contrast = (SIGNS[rows, a] * SIGNS[rows, b]) @ RESPONSES[rows] / 4
        assert one.values == pytest.approx(contrast)


def test_interval_is_paired_by_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What all cells of a network have in common widens no interval."""
    before = found(measured(), "attribution_effect", over="both sets")
    shifts = np.array([-5.0, 0.0, 7.0])
    monkeypatch.setattr(f"{__name__}.RESPONSES", RESPONSES + shifts)
    after = found(measured(), "attribution_effect", over="both sets")
    for name, one in before.items():
        assert half_width(after[name].values) == pytest.approx(half_width(one.values))


def test_every_cell_is_trained_once_with_its_own_recipe() -> None:
    run = Finished()
    cells = [m for m in measured(run, labels="kd", part=0.25) if m.metric == "attribution_cell"]
    assert sorted(cell for cell, _ in run.asked) == sorted(CELLS)
    assert len({tuple(sorted(m.coordinates.items(), key=str)) for m in cells}) == 16
    for (_, other, drawn, whole), recipe in run.asked:
        assert recipe.epochs == (EPOCHS if whole else 25)
        assert (recipe.augment, recipe.cutmix) == (drawn, 1.0 if other and drawn else 0.0)


def test_levels_say_what_is_trained_with() -> None:
    measurements = measured(labels="kd", part=0.1)
    of_sets = [m for m in measurements if m.metric != "attribution_cell"]
    levels = {
        "labels": "kd/1 less hard/1",
        "augmentation": "dsa, cutmix or dsa less none",
        "budget": "100 epochs less 10 epochs",
    }
    assert len(of_sets) == 10 + 6 + 6
    assert all(m.coordinates.items() >= levels.items() for m in of_sets)
    assert {m.note for m in of_sets if m.coordinates.get("factor") == "labels"} == {
        "kd/1 is labels of kd, kl, adamw at 0.01; "
        "hard/1 is labels of hard, cross entropy, sgd at 0.01"
    }


def test_set_that_lacks_labels_leaves_the_effects_within_the_other() -> None:
    measurements = measured(Finished(without=("own", "soft")))
    (cell,) = [m for m in measurements if m.metric == "attribution_cell" and m.value is None]
    assert cell.note == "own under soft/1: it lacks a label"
    unknown = [m for m in measurements if m.metric == "attribution_effect" and m.value is None]
    assert [(m.coordinates["over"], m.coordinates["subject"]) for m in unknown] == [
        ("both sets", "own"),
        ("one set", "own"),
    ]
    assert all(m.note == cell.note for m in unknown)
    whole = found(measurements, "attribution_effect", subject="beside", over="one set")
    assert list(whole) == list(FACTORS[1:])


def test_protocol_of_the_run_gives_the_labels() -> None:
    early = dataclasses.replace(PROTOCOLS["early"], label_epoch=7)
    measurements = measured(Finished(protocols=(early,)), labels="early")
    labels = {m.coordinates["labels"] for m in measurements if m.metric == "attribution_cell"}
    assert labels == {"hard/1", "early/1 at epoch 7"}


@pytest.mark.parametrize(
    ("labels", "why"), [("hard", "these are the low level"), ("sotf", "unknown protocol 'sotf'")]
)
def test_labels_that_are_no_other_level_are_refused(labels: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        evaluator(labels=labels)


def test_run_without_a_control_is_skipped() -> None:
    assert "control=random" in evaluator().skip(Finished(subjects={"own": None}))
    assert evaluator().skip(Finished()) is None


def test_effects_are_drawn_above_interactions() -> None:
    figure = evaluator().figure(measured())
    (axes,) = figure.axes
    titles = [label.get_text() for label in axes.get_yticklabels()]
    assert titles[0] == "images: own less beside"
    assert titles[1] == "labels: soft/1 less hard/1"
    assert titles[4:] == [" x ".join(pair) for pair in combinations(FACTORS, 2)]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["both sets", "own", "beside"]
    assert evaluator().figure([]) is None
