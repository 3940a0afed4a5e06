"""What a recipe may hold, how its rate falls, and how it is shortened."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from ddbench.errors import UserError
from ddbench.training.loss import Loss
from ddbench.training.recipe import SnapshotFormat, TrainingRecipe

RECIPE = TrainingRecipe(
    epochs=100, learning_rate=0.05, milestones=(50,), snapshot_epochs=(0, 10, 100), loss=Loss.l1
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": 1.5},
        {"epochs": True},
        {"epochs": "10"},
        {"batch_size": 0},
        {"learning_rate": 0},
        {"learning_rate": -1.0},
        {"learning_rate": math.inf},
        {"learning_rate": math.nan},
        {"learning_rate": None},
        {"decay": 0.0},
        {"momentum": 1.0},
        {"momentum": -0.1},
        {"weight_decay": -1e-4},
        {"weight_decay": math.nan},
        {"optimiser": "lion"},
        {"augment": 1},
        {"milestones": (1.5,)},
        {"milestones": ("1",)},
        {"snapshot_epochs": (11,)},
        {"snapshot_epochs": (-1,)},
        {"snapshot_epochs": (5, 2)},
        {"snapshot_epochs": (5, 5)},
        {"version": 0},
        {"epoch_steps": -1},
        {"epoch_steps": 1.5},
        {"snapshot_format": "float16"},
    ],
)
def test_recipe_that_cannot_be_trained_is_refused_in_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError) as refused:
        TrainingRecipe(**{"epochs": 10, "learning_rate": 0.1, **wrong})
    assert "\n" not in str(refused.value)


def test_absurdly_long_recipe_from_a_file_costs_nothing_to_read() -> None:
    recipe = TrainingRecipe(epochs=10**6, learning_rate=0.1, snapshot_epochs=(10**5,))
    assert recipe.kept_epochs == (10**5,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 1e300),
        pytest.param("learning_rate", 10**5000, id="learning_rate-of-5000-digits"),
        ("weight_decay", 1e308),
        ("decay", 1e200),
        ("epochs", 10**9),
        ("batch_size", 10**12),
        ("epoch_steps", 10**12),
        ("momentum", 1.0),
        ("epochs", "9" * 10_000),
        ("optimiser", "adam" * 10_000),
        ("learning_rate", [0.1] * 10_000),
        ("snapshot_format", "half\n" * 1_000),
        ("snapshot_epochs", tuple(range(100_000))),
        ("snapshot_epochs", tuple(range(20_000))),
    ],
)
def test_absurd_number_is_refused_in_a_short_line_that_names_it(name: str, value: Any) -> None:
    with pytest.raises(UserError) as refused:
        TrainingRecipe(**{"epochs": 50_000, "learning_rate": 0.1, name: value})
    assert name.partition("_")[0] in str(refused.value)
    assert len(str(refused.value)) < 250
    assert "\n" not in str(refused.value)


def test_unknown_names_of_a_recipe_are_not_echoed_at_length() -> None:
    with pytest.raises(UserError) as refused:
        TrainingRecipe.from_plain({**RECIPE.plain(), "x" * 10_000: 1})
    assert len(str(refused.value)) < 250


def test_rate_falls_at_the_start_of_each_milestone_epoch() -> None:
    recipe = TrainingRecipe(epochs=6, learning_rate=1.0, milestones=(2, 4), decay=0.5)
    assert [recipe.rate_at(epoch) for epoch in range(6)] == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_last_epoch_is_kept_unless_others_are_asked_for() -> None:
    assert TrainingRecipe(epochs=7, learning_rate=1.0).kept_epochs == (7,)
    assert RECIPE.kept_epochs == (0, 10, 100)


@pytest.mark.parametrize("fraction", [1.0, 0.5, 0.2, 0.02])
def test_shortened_recipe_still_falls_halfway_and_keeps_its_ends(fraction: float) -> None:
    short = RECIPE.scaled(fraction)
    assert short.epochs == round(100 * fraction)
    assert short.milestones == (short.epochs // 2,)
    assert short.snapshot_epochs[0] == 0
    assert short.snapshot_epochs[-1] == short.epochs
    assert short.learning_rate == RECIPE.learning_rate


def test_shortest_recipe_has_one_epoch() -> None:
    assert RECIPE.scaled(1e-9).epochs == 1


SHORT_EPOCHS = replace(RECIPE, epoch_steps=3, snapshot_format=SnapshotFormat.float16)


@pytest.mark.parametrize("recipe", [RECIPE, SHORT_EPOCHS])
def test_recipe_survives_json(recipe: TrainingRecipe) -> None:
    assert TrainingRecipe.from_plain(json.loads(json.dumps(recipe.plain()))) == recipe


def test_plain_recipe_names_what_is_unusual_about_epochs_and_snapshots_alone() -> None:
    """So that the keys of networks trained before these options existed stay valid."""
    added = SHORT_EPOCHS.plain().keys() - RECIPE.plain().keys()
    assert added == {"epoch_steps", "snapshot_format"}


@pytest.mark.parametrize(
    ("epoch_steps", "steps", "images"), [(0, 40, 10_000), (39, 39, 9_984), (41, 40, 10_000)]
)
def test_epoch_ends_after_its_steps_or_all_examples(
    epoch_steps: int, steps: int, images: int
) -> None:
    recipe = replace(RECIPE, epoch_steps=epoch_steps)
    assert recipe.steps_per_epoch(10_000) == steps
    assert recipe.images_per_epoch(10_000) == images


@pytest.mark.parametrize(
    "values",
    [
        None,
        3,
        [],
        {},
        {**RECIPE.plain(), "loss": "l3"},
        {**RECIPE.plain(), "loss": []},
        {**RECIPE.plain(), "optimiser": []},
        {**RECIPE.plain(), "epochs": "many"},
        {**RECIPE.plain(), "milestones": 3},
        {**RECIPE.plain(), "milestones": "50"},
        {**RECIPE.plain(), "surprise": 1},
    ],
)
def test_what_is_no_recipe_is_refused_in_one_line(values: Any) -> None:
    with pytest.raises(UserError) as refused:
        TrainingRecipe.from_plain(values)
    assert "\n" not in str(refused.value)


def test_operations_of_the_augmentation_are_named_where_they_are_not_all():
    few = TrainingRecipe(epochs=1, learning_rate=0.1, operations=("crop", "color"))
    assert "operations" not in TrainingRecipe(epochs=1, learning_rate=0.1).plain()
    assert TrainingRecipe.from_plain(few.plain()) == few
    with pytest.raises(UserError, match="unknown augmentation operation 'spin'"):
        TrainingRecipe(epochs=1, learning_rate=0.1, operations=("spin",))
