"""The comparison that tests of formulas use."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from closeness import assert_agrees, assert_close, summed_terms
from torch import Tensor, nn

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sums_in_any_order_are_close_and_a_wrong_term_is_not(dtype: torch.dtype) -> None:
    terms = torch.rand(1000, generator=torch.Generator().manual_seed(0), dtype=dtype)
    one_by_one = terms.new_zeros(())
    for term in terms:
        one_by_one = one_by_one + term
    assert_close(one_by_one, terms.sum(), terms=1000)
    with pytest.raises(AssertionError, match="1000 terms"):
        assert_close(
            one_by_one + 2000 * torch.finfo(dtype).eps * terms.sum(), terms.sum(), terms=1000
        )


def test_coarser_format_counts_and_numbers_of_python_are_float64() -> None:
    assert_close(torch.tensor(1 / 3), 1 / 3, terms=1)
    assert_close(np.float32(1 / 3), 1 / 3, terms=1)
    with pytest.raises(AssertionError, match=r"eps 2\.22e-16"):
        assert_close(1 / 3, float(np.float32(1 / 3)), terms=1)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 0.0])
def test_what_is_no_number_is_never_close(wrong: float) -> None:
    with pytest.raises(AssertionError):
        assert_close(torch.tensor([1.0, wrong]), torch.tensor([1.0, 1.0]), terms=100)


def test_shapes_are_compared() -> None:
    with pytest.raises(AssertionError):
        assert_close(torch.ones(3), torch.ones(1), terms=1)


def test_condition_of_a_difference_is_measured_and_inputs_come_back() -> None:
    a, b = torch.full((9,), 1.001, dtype=torch.float64), torch.ones(9, dtype=torch.float64)
    kept = a.clone()

    def formula() -> list[Tensor]:
        return [a - b]

    assert_agrees([np.full(9, 0.001)], formula, [a, b], terms=1)
    with pytest.raises(AssertionError, match=r"condition 2e\+03"):
        assert_agrees([np.full(9, 0.001 * (1 + 1e-12))], formula, [a, b], terms=1)
    assert torch.equal(a, kept)


def test_terms_of_a_network_are_those_of_its_layers() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.GroupNorm(4, 4), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 2)
    )
    assert summed_terms(network, torch.zeros(2, 3, 8, 8)) == 27 + 2 * 36 + 4 + 1 + 36
