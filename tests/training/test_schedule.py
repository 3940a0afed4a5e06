"""The course of the learning rate against its formula."""

from __future__ import annotations

import math

import pytest

from ddbench.errors import UserError
from ddbench.training.recipe import TrainingRecipe
from ddbench.training.schedule import Schedule


def recipe(**changes) -> TrainingRecipe:
    return TrainingRecipe(epochs=10, learning_rate=2.0, schedule=Schedule.cosine, **changes)


def test_milestones_hold_the_rate_through_an_epoch() -> None:
    stepped = TrainingRecipe(epochs=10, learning_rate=2.0, milestones=(3, 6), decay=0.5)
    rates = [stepped.rate_at_step(step, steps_per_epoch=4) for step in range(40)]
    assert rates == [stepped.rate_at(step // 4) for step in range(40)]
    assert rates[11:13] == [2.0, 1.0]


def test_a_cosine_warms_up_and_ends_at_its_final_fraction() -> None:
    warm = recipe(warmup_steps=8, final_fraction=0.01)
    rates = [warm.rate_at_step(step, 4) for step in range(40)]
    assert rates[:8] == pytest.approx([2.0 * step / 8 for step in range(8)])
    for step in range(8, 40):
        wave = (1 + math.cos(math.pi * (step - 8) / 32)) / 2
        assert rates[step] == pytest.approx(2.0 * (0.01 + 0.99 * wave))
    assert warm.rate_at_step(40, 4) == pytest.approx(0.02)


def test_half_a_cosine_ends_at_half_the_rate() -> None:
    half = TrainingRecipe(epochs=10, learning_rate=2.0, schedule=Schedule.half_cosine)
    assert half.rate_at_step(0, 4) == 2.0
    assert half.rate_at_step(40, 4) == pytest.approx(1.0)


def test_a_shorter_budget_shortens_the_warm_up_alike() -> None:
    assert recipe(warmup_steps=20).scaled(0.1).warmup_steps == 2


def test_what_older_recipes_do_not_say_is_left_out_of_keys_and_comes_back() -> None:
    plain = TrainingRecipe(epochs=3, learning_rate=0.1).plain()
    assert (
        not {"schedule", "warmup_steps", "augmentation", "cutmix", "mirrored", "mixup"}
        & plain.keys()
    )
    assert "teacher_parts" not in plain
    full = recipe(warmup_steps=8, final_fraction=0.01, cutmix=0.5, mirrored=True)
    assert TrainingRecipe.from_plain(full.plain()) == full
    mixed = recipe(mixup=0.8, teacher_parts=2)
    assert TrainingRecipe.from_plain(mixed.plain()) == mixed


@pytest.mark.parametrize(
    "wrong",
    [
        {"cutmix": 1.5},
        {"warmup_steps": -1},
        {"final_fraction": 1.0},
        {"mirrored": "yes"},
        {"mixup": -0.1},
        {"teacher_parts": -1},
        {"teacher_parts": 0.5},
        {"cutmix": 0.5, "mixup": 0.8},
    ],
)
def test_what_cannot_be_is_refused(wrong) -> None:
    with pytest.raises(UserError, match="a training recipe"):
        recipe(**wrong)
