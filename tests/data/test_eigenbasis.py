"""The eigenbasis of a covariance from few rows is that of the covariance itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ddbench.data.eigenbasis import (
    eigenbasis_of_covariance,
    eigenbasis_of_rows,
    has_few_rows,
)
from ddbench.data.fit_input_space import fit_input_space
from ddbench.data.input_space import InputSpace

pytestmark = pytest.mark.numerical
NAMES = ("zca", "zca_relative", "zca_per_image")
FEW, OTHERS = np.random.RandomState(0).randint(0, 256, (2, 24, 3, 6, 6), dtype=np.uint8)
EPS = 0.3


def rows(count: int = 5, columns: int = 12) -> torch.Tensor:
    numbers = np.random.RandomState(1)
    return torch.from_numpy(numbers.normal(size=(count, columns)))


def matrix(tensors: dict[str, torch.Tensor], inverse: bool = False) -> torch.Tensor:
    """A whitening as one matrix, from either form of its tensors."""
    if "whitening" in tensors:
        return tensors["colouring" if inverse else "whitening"].double()
    basis, power = tensors["basis"].double(), -1 if inverse else 1
    rest = tensors["rest"].double() ** power
    gains = tensors["gains"].double() ** power
    return rest * torch.eye(len(basis)).double() + (basis * (gains - rest)) @ basis.T


@pytest.mark.parametrize("repeated", [1, 2])
def test_few_rows_give_the_whitening_of_their_covariance(repeated: int) -> None:
    x = rows().repeat(repeated, 1)  # repeated rows add nothing: their eigenvalues are 0
    few, whole = eigenbasis_of_rows(x), eigenbasis_of_covariance(x.T @ x / len(x))
    assert len(few.values) == 5
    assert not few.is_complete
    assert whole.is_complete
    torch.testing.assert_close(few.vectors.T @ few.vectors, torch.eye(5).double())
    for inverse in (False, True):
        ours, theirs = (matrix(one.whitening(EPS), inverse) for one in (few, whole))
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(few.whitened_variance(EPS), whole.whitened_variance(EPS))
    torch.testing.assert_close(few.whitened(x, EPS), x @ matrix(whole.whitening(EPS)))


def test_rows_of_zeros_have_no_direction() -> None:
    none = eigenbasis_of_rows(torch.zeros(3, 8, dtype=torch.float64))
    assert none.vectors.shape == (8, 0)
    torch.testing.assert_close(matrix(none.whitening(4.0)), torch.eye(8).double() / 2)


@pytest.mark.parametrize("name", NAMES)
def test_space_of_few_images_is_that_of_the_whole_matrix(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert has_few_rows(len(FEW), FEW[0].size)
    few = fit_input_space(name, FEW, None, None)
    for place in ("fit_input_space", "per_image"):
        monkeypatch.setattr(f"ddbench.data.{place}.has_few_rows", lambda *sizes: False)
    whole = fit_input_space(name, FEW, None, None)
    assert few.whitening is None
    assert whole.whitening is not None
    pixels = torch.from_numpy(np.concatenate([FEW, OTHERS]))
    torch.testing.assert_close(few.transform(pixels), whole.transform(pixels), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(few.pixel_std, whole.pixel_std)
    back = few.inverse(few.transform(pixels))
    torch.testing.assert_close(back, whole.inverse(whole.transform(pixels)), atol=1e-4, rtol=0)
    assert few.matches(whole.fingerprint())


@pytest.mark.parametrize("name", NAMES)
def test_space_of_few_images_comes_back_from_its_tensors(name: str) -> None:
    space = fit_input_space(name, FEW, None, None)
    again = InputSpace.from_tensors(name, space.tensors())
    assert torch.equal(again.fingerprint(), space.fingerprint())
    stored = sum(tensor.numel() for tensor in space.tensors().values())
    assert stored < FEW[0].size * (len(FEW) + 3)
