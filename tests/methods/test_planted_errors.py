"""The comparison with naive formulas catches a gradient with an error of a millionth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from agreements import Given, adam_unroll, soft_student, tiles
from closeness import assert_agrees, summed_terms
from naive import (
    apm_loss,
    dm_loss,
    implicit_loss,
    regression_loss,
    trajectory_gradients,
    with_gradient,
)
from torch import Tensor
from torch.func import functional_call

ERROR = 1e-6
LABELS = torch.tensor([0, 1, 2, 0, 1])

Check = Callable[[Tensor], None]


def apm(given: Given) -> tuple[Tensor, Check]:
    matching, shown = given.room("_prediction_matching"), given.images(5)
    teacher, *students = (given.network(seed).requires_grad_(False) for seed in range(3))
    objective = matching.Objective(matching.Distance.l1, True, 0.3, True)
    gradient, _ = matching.matching_gradient(objective, shown, LABELS, teacher, students, 2)

    def loss(leaf: Tensor) -> Tensor:
        return apm_loss(leaf, LABELS, teacher, students, 0.3, True)

    def check(found: Tensor) -> None:
        weights = [p for one in (teacher, *students) for p in one.parameters()]
        terms = 3 * summed_terms(teacher, shown) + 5 + 2 + 3
        inputs = [shown, *weights]
        assert_agrees([found], lambda: with_gradient(loss, shown)[1:], inputs, terms=terms)

    return gradient, check


def dm(given: Given) -> tuple[Tensor, Check]:
    seen, real, shown = (
        given.network().requires_grad_(False),
        [given.images(3, c) for c in (1, 2, 3)],
        given.images(6),
    )
    means = given.room("dm").real_means(seen.features, real, list)
    _, gradient = given.room("dm").matching_gradient(seen.features, means, shown.split(2), list)

    def check(found: Tensor) -> None:
        loss = partial(dm_loss, real=real, features=seen.features, augment=[lambda x: x] * 3)
        terms = 3 * summed_terms(seen, shown) + 3 + seen.features(shown).shape[1] + 3
        inputs = [shown, *real, *seen.parameters()]
        assert_agrees([found], lambda: with_gradient(loss, shown)[1:], inputs, terms=terms)

    return gradient, check


def mtt(given: Given) -> tuple[Tensor, Check]:
    matching, walker, order = (
        given.room("_trajectory_matching"),
        given.network(),
        [[0, 1, 2], [3, 4], [4, 0]],
    )
    names = [name for name, _ in walker.named_parameters()]

    def loss(step: int, parameters: list[Tensor], batch: Tensor) -> Tensor:
        weights = dict(zip(names, parameters, strict=True))
        return F.cross_entropy(functional_call(walker, weights, batch), LABELS[order[step]])

    start, target = ([p.detach() for p in given.network(seed).parameters()] for seed in (1, 2))
    steps, step_size = [torch.tensor(positions) for positions in order], torch.tensor(0.3).double()
    student = matching.Student(loss, given.images(5), steps, start, target, step_size)

    def check(found: Tensor) -> None:
        assert_agrees(
            [found],
            lambda: [trajectory_gradients(student, order, detached=False)[1]],
            [student.images, step_size, *start, *target],
            terms=6 * len(order) * summed_terms(walker, student.images),
        )

    return matching.unrolled_gradient(student).images, check


def frepo(given: Given) -> tuple[Tensor, Check]:
    seen, shown, real = given.network().requires_grad_(False), given.images(5), given.images(4, 1)
    targets, wanted = (F.one_hot(one, 3).double() - 1 / 3 for one in (LABELS, LABELS[:4]))
    found = given.room("frepo").regression_gradient(
        seen.features, shown, targets, (real, wanted), 0.01, False, 2
    )

    def check(gradient: Tensor) -> None:
        def loss(leaf: Tensor) -> Tensor:
            return regression_loss(leaf, targets, real, wanted, seen.features, 0.01, False)

        terms = 3 * summed_terms(seen, shown) + 2 * (seen.features(shown).shape[1] + 10) + 12
        inputs = [shown, real, *seen.parameters()]
        assert_agrees([gradient], lambda: with_gradient(loss, shown)[1:], inputs, terms=terms)

    return found.images, check


def rcig(given: Given) -> tuple[Tensor, Check]:
    linear, implicit = given.room("_linearised_network"), given.room("_implicit_gradient")
    seen, shown = linear.smooth(given.network(), 3.0), given.images(5)
    targets, scale = F.one_hot(LABELS, 3).double() - 1 / 3, torch.tensor(0.4).double()
    real = (given.images(4, 1), LABELS[:4])
    found = implicit.gradients(
        linear.LinearisedNetwork(seen, 100),
        implicit.Regression(shown, targets, 0.5, 2000, 1e-13),
        scale,
        real,
    )

    def check(gradient: Tensor) -> None:
        def loss(leaf: Tensor) -> Tensor:
            return implicit_loss(leaf, targets, scale, real, seen, 0.5)

        terms = 6 * summed_terms(seen, shown) + 2 * 450
        inputs = [shown, real[0], *seen.parameters()]
        assert_agrees([gradient], lambda: with_gradient(loss, shown)[1:], inputs, terms=terms)

    return found.direct[0] + found.implicit[0], check


def datm(given: Given) -> tuple[Tensor, Check]:
    """The gradient of labels, the others being those of mtt."""
    found, check = soft_student(given)
    before, after = found[:2], found[3:]
    return found[2], lambda gradient: check((*before, gradient, *after))


def idc(given: Given) -> tuple[Tensor, Check]:
    (distance, found), check = tiles(given)
    return found, lambda gradient: check((distance, gradient))


def rat_bptt(given: Given) -> tuple[Tensor, Check]:
    found, check = adam_unroll(given)
    return found[1], lambda gradient: check((found[0], gradient))


def everywhere(gradient: Tensor) -> Tensor:
    return gradient * (1 + ERROR)


def one_image(gradient: Tensor) -> Tensor:
    changed = gradient.clone()
    changed[-1] *= 1 + ERROR
    return changed


def one_pixel(gradient: Tensor) -> Tensor:
    """The pixel of median magnitude."""
    changed = gradient.clone().flatten()
    changed[changed.abs().argsort()[changed.numel() // 2]] *= 1 + ERROR
    return changed.view_as(gradient)


@pytest.mark.parametrize("plant", [everywhere, one_image, one_pixel])
@pytest.mark.parametrize("method", [apm, dm, mtt, frepo, rcig, datm, idc, rat_bptt])
def test_error_of_a_millionth_in_a_gradient_is_caught(
    method: Callable[..., tuple[Tensor, Check]],
    plant: Callable[[Tensor], Tensor],
    given: Given,
) -> None:
    gradient, check = method(given)
    check(gradient)
    with pytest.raises(AssertionError, match="is allowed"):
        check(plant(gradient))
