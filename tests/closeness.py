"""How close two calculations of the same numbers must be.

Processors add in different orders, with and without fused multiply-adds, and so do different
numbers of threads. The difference allowed follows from the number format, from how many terms are
summed and from how the result depends on its inputs, never from what one machine gave.

Numbers worked out by hand, such as the mean of three accuracies, are compared with
`pytest.approx`: Python's own floats are rounded in the same way on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def assert_close(actual: Any, expected: Any, *, terms: float, condition: float = 1.0) -> None:
    """Assert that two calculations differ by no more than their rounding.

    With u = eps / 2, a sum of n terms is computed with an error of at most about n u times the sum
    of the terms' magnitudes, in whatever order they are added, and a chain of n roundings has a
    relative error of at most about n u (N. J. Higham, "Accuracy and stability of numerical
    algorithms", sections 3.1, 3.3 and 4.2). Cancellation and amplification multiply that by the
    condition number. Two calculations are each that far from the exact result, so they may differ
    by twice as much:

        max |actual - expected| <= terms * eps * condition * max |expected|

    The largest number sets the scale, since a small one may be the difference of large ones. In
    float64 with a thousand terms and a condition of 100 this allows 2e-11.

    Args:
        actual: a tensor, an array or a number.
        expected: the same, calculated in another way; of different formats the coarser one counts.
        terms: numbers that are summed, or successive roundings, on the longest path from the
            inputs to the result; one of a number k times as large as the result counts k times.
        condition: the relative change of the result over that of the inputs.
    """
    found, wanted = tensor(actual), tensor(expected)
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    eps = max(torch.finfo(one.dtype).eps for one in (found, wanted))
    error = float((found.double() - wanted.double()).abs().max())
    scale = float(wanted.abs().max())
    allowed = terms * eps * condition * scale
    assert error <= allowed, (
        f"differs by {error:.3g} where {allowed:.3g} is allowed: {terms} terms, eps {eps:.3g}, "
        f"condition {condition:.3g}, largest number {scale:.3g}"
    )


def tensor(value: Any) -> Tensor:
    """A detached tensor on the CPU; Python's numbers are float64."""
    given = value if isinstance(value, Tensor) else torch.as_tensor(np.asarray(value))
    return given.detach().cpu()


def assert_agrees(
    found: Sequence[Any],
    formula: Callable[[], Sequence[Tensor]],
    inputs: Iterable[Tensor],
    *,
    terms: float,
) -> None:
    """Assert that results are those of a formula, each within the formula's condition.

    A calculation with rounding is as good as an exact one with slightly changed inputs (backward
    error). So the condition is measured: all inputs are changed by a relative sqrt(eps), which is
    far above rounding and far below 1, each number up or down at random, and the largest of three
    such changes of a result counts.

    Args:
        found: results to judge.
        formula: computes the same results from the inputs, which it reads again at each call.
        inputs: everything that the results depend on, including the parameters of networks.
        terms: as for `assert_close`.
    """
    inputs = list(inputs)
    kept = [value.detach().clone() for value in inputs]
    expected = [value.detach() for value in formula()]
    conditions = [1.0] * len(expected)
    step = torch.finfo(expected[0].dtype).eps ** 0.5
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        with torch.no_grad():
            for value in inputs:
                signs = 2 * torch.randint(2, value.shape, generator=generator).to(value.dtype) - 1
                value.mul_(1 + step * signs)
        changed = formula()
        with torch.no_grad():
            for value, before in zip(inputs, kept, strict=True):
                value.copy_(before)
        for k, (before, after) in enumerate(zip(expected, changed, strict=True)):
            change = (after.detach() - before).abs().max() / before.abs().max()
            conditions[k] = max(conditions[k], float(change) / step)
    for actual, wanted, condition in zip(found, expected, conditions, strict=True):
        assert_close(actual, wanted, terms=terms, condition=condition)


def summed_terms(network: nn.Module, images: Tensor) -> int:
    """The number of terms that a network sums for one logit, over all layers."""
    counts: list[int] = []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            counts.append(layer.weight[0].numel())
        elif isinstance(layer, nn.GroupNorm):  # a mean and a variance
            counts.append(2 * inputs[0][0].numel() // layer.num_groups)
        else:
            counts.append(max(1, inputs[0][0].numel() // output[0].numel()))

    leaves = [layer for layer in network.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(count) for layer in leaves]
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    return sum(counts)
