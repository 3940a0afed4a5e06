"""The union of distilled sets, such as groups that were distilled independently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import torch
from torch import Tensor

from ..errors import UserError
from ..training.recipe import TrainingRecipe
from .distilled_set import DistilledSet


def merged(sets: Sequence[DistilledSet]) -> DistilledSet:
    """Concatenate distilled sets, images and labels, in the given order.

    Students of the union train at the mean of the sets' learned rates, if there are any. The union
    names a labeller only if all sets name the same one.

    Args:
        sets: at least one set.

    Raises:
        UserError: if they differ in classes, shape, input space, kind of labels or evaluation.
    """
    first, *others = sets
    if not others:
        return first
    for one in others:
        problem = _difference(first, one)
        if problem:
            raise UserError(f"these sets cannot be merged: their {problem} differ")
    rates = [one.learned_rate for one in sets if one.learned_rate is not None]
    soft = [one.soft_labels for one in sets if one.soft_labels is not None]
    return replace(
        first,
        images=torch.cat([one.images for one in sets]),
        labels=torch.cat([one.labels for one in sets]),
        soft_labels=torch.cat(soft) if soft else None,
        labeller=first.labeller if len({one.labeller for one in sets}) == 1 else None,
        learned_rate=fmean(rates) if rates else None,
        provenance={"merged": [one.provenance for one in sets]},
    )


def with_counts_of(control: DistilledSet, distilled: DistilledSet) -> DistilledSet:
    """A control cut to a set's number of images per class, keeping the first of each class.

    The Random method's larger sets begin with the images of its smaller ones, so this is what it
    would have drawn. A class without images in the set has none in the control either.

    Args:
        control: has at least as many images of each class.
        distilled: may have a different number of images in each class.
    """
    left = distilled.class_counts
    if torch.equal(control.class_counts, left):
        return control
    chosen = [
        (control.labels == class_id).nonzero().flatten()[: int(count)]
        for class_id, count in enumerate(left)
    ]
    index = torch.cat(chosen)
    soft = None if control.soft_labels is None else control.soft_labels[index]
    return replace(
        control, images=control.images[index], labels=control.labels[index], soft_labels=soft
    )


def _difference(a: DistilledSet, b: DistilledSet) -> str | None:
    """The first property in which two sets differ, in words, or None."""
    for words, name in (
        ("datasets", "dataset"),
        ("classes", "class_names"),
        ("input spaces", "input_space"),
        ("kinds of soft labels", "soft_label_kind"),
        ("decoders", "tile_factor"),
    ):
        if getattr(a, name) != getattr(b, name):
            return words
    if a.images.shape[1:] != b.images.shape[1:]:
        return "shapes of images"
    if _published_recipe(a) != _published_recipe(b):
        return "evaluations"
    if (a.learned_rate is None) != (b.learned_rate is None):
        return "learned rates (some have none)"
    if not _same_space(a.space_fingerprint, b.space_fingerprint):
        return "whitenings"
    return None


def _published_recipe(one: DistilledSet) -> TrainingRecipe | None:
    """The recipe of students, without a learning rate that was distilled with the images."""
    if one.evaluation is None or one.learned_rate is None:
        return one.evaluation
    return replace(one.evaluation, learning_rate=1.0)


def _same_space(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    # The same comparison as `InputSpace.matches`, which takes a fingerprint and a space.
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-2, atol=1e-2)
