"""The union of distilled sets is their concatenation, and only of sets that belong together."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.merging import merged, with_counts_of
from ddbench.errors import UserError
from ddbench.training.recipe import TrainingRecipe


def made(first: float, **others: Any) -> DistilledSet:
    parts: dict[str, Any] = {
        "images": torch.full((4, 1, 2, 2), first),
        "labels": torch.tensor([0, 0, 1, 1]),
        "class_names": ("a", "b"),
        "dataset": "digits",
        "input_space": "normalised",
        "soft_labels": torch.full((4, 2), first),
        "soft_label_kind": "logits",
        "labeller": "abc@5",
        "learned_rate": first,
        "space_fingerprint": torch.tensor([1.0, 2.0]),
        "provenance": {"group": int(first)},
    }
    return DistilledSet(**{**parts, **others})


def test_union_is_one_set_after_the_other() -> None:
    union = merged([made(1.0), made(2.0), made(3.0)])
    assert union.images.flatten(1)[:, 0].tolist() == [1] * 4 + [2] * 4 + [3] * 4
    assert union.labels.tolist() == [0, 0, 1, 1] * 3
    assert union.soft_labels is not None
    assert union.soft_labels[:, 0].tolist() == [1] * 4 + [2] * 4 + [3] * 4
    assert union.learned_rate == 2
    assert union.labeller == "abc@5"
    assert [one["group"] for one in union.provenance["merged"]] == [1, 2, 3]


def test_union_of_one_set_is_that_set() -> None:
    one = made(1.0)
    assert merged([one]) is one


def test_sets_of_several_labellers_have_none_in_common() -> None:
    assert merged([made(1.0), made(2.0, labeller="def@5")]).labeller is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dataset": "mnist5k"}, "datasets"),
        ({"class_names": ("b", "a")}, "classes"),
        ({"input_space": "zca"}, "input spaces"),
        ({"space_fingerprint": torch.tensor([1.0, 2.5])}, "whitenings"),
        ({"space_fingerprint": None}, "whitenings"),
        ({"soft_label_kind": "probabilities"}, "kinds of soft labels"),
        ({"images": torch.zeros(4, 1, 3, 3)}, "shapes of images"),
        ({"learned_rate": None}, "learned rates"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_sets_that_do_not_belong_together_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=f"cannot be merged: their {told}"):
        merged([made(1.0), dataclasses.replace(made(2.0), **change)])


def test_union_trains_by_the_published_recipe_at_the_mean_of_the_learned_rates() -> None:
    """A method that learns its rate puts it in the recipe, where each set has a different one."""
    recipes = [TrainingRecipe(10, rate) for rate in (1.0, 3.0)]
    union = merged([made(one.learning_rate, evaluation=one) for one in recipes])
    assert union.learned_rate == 2
    assert union.evaluation is not None
    assert dataclasses.replace(union.evaluation, learning_rate=1.0) == recipes[0]
    others = [made(1.0, evaluation=recipes[0]), made(1.0, evaluation=TrainingRecipe(11, 1.0))]
    fixed = [made(1.0, evaluation=one, learned_rate=None) for one in recipes]
    for sets in (others, fixed):
        with pytest.raises(UserError, match="their evaluations differ"):
            merged(sets)


def test_a_control_takes_the_counts_of_a_set_class_by_class() -> None:
    control = made(3.0, images=torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 2, 2))
    uneven = made(
        1.0,
        images=torch.zeros(3, 1, 2, 2),
        labels=torch.tensor([0, 1, 1]),
        soft_labels=torch.zeros(3, 2),
    )
    beside = with_counts_of(control, uneven)
    assert beside.labels.tolist() == [0, 1, 1]
    assert beside.images[:, 0, 0, 0].tolist() == [0, 2, 3]
    only_ones = made(
        1.0,
        images=torch.zeros(2, 1, 2, 2),
        labels=torch.tensor([1, 1]),
        soft_labels=torch.zeros(2, 2),
    )
    assert with_counts_of(control, only_ones).labels.tolist() == [1, 1]
    assert with_counts_of(control, made(5.0)) is control
