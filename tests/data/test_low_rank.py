"""Low-rank whitening against full whitening, and against torch's own SVD."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from closeness import assert_close
from numpy.typing import NDArray

from ddbench.data.fit_input_space import fit_input_space
from ddbench.data.input_space import _DEFINITIONS, InputSpace
from ddbench.data.low_rank import fit_low_rank
from ddbench.errors import UserError

pytestmark = pytest.mark.numerical
EPS = 0.1


def photographs(count: int = 3000, size: int = 6) -> NDArray[np.uint8]:
    """Smooth random images, whose neighbours are alike, with a falling spectrum."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(count, 3, size, size)).cumsum(axis=2).cumsum(axis=3)
    return np.clip(128 + 20 * noise, 0, 255).astype(np.uint8)


IMAGES = photographs()
WHOLE = fit_input_space("zca", IMAGES, None, None)


def fitted(rank: int, monkeypatch: pytest.MonkeyPatch) -> InputSpace:
    monkeypatch.setitem(_DEFINITIONS["zca_low_rank"], "rank", rank)
    return fit_input_space("zca_low_rank", IMAGES, None, None)


def test_all_directions_are_the_whole_whitening() -> None:
    space = fit_input_space("zca_low_rank", IMAGES, None, None)
    images = torch.from_numpy(IMAGES[:200])
    assert_close(space.transform(images), WHOLE.transform(images), terms=108, condition=100)
    assert_close(space.pixel_std, WHOLE.pixel_std, terms=108, condition=100)


@pytest.mark.parametrize("rank", [1, 4, 12, 60])
def test_it_differs_from_the_whole_one_by_no_more_than_its_bound(
    rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = fitted(rank, monkeypatch)
    flat = IMAGES.reshape(len(IMAGES), -1) / 255
    values = np.linalg.eigvalsh(np.cov(flat.T))
    bound = EPS**-0.5 - (values[-rank - 1] + EPS) ** -0.5
    apart = space.transform(torch.from_numpy(IMAGES)) - WHOLE.transform(torch.from_numpy(IMAGES))
    sizes = np.linalg.norm(flat - flat.mean(axis=0), axis=1)
    distance = np.linalg.norm(apart.flatten(1).double().numpy(), axis=1)
    assert distance.max() > 0
    assert (distance <= bound * sizes + 1e-3).all()


@pytest.mark.parametrize("rank", [1, 4, 12, 60, 200])
def test_pixels_come_back(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    space = fitted(rank, monkeypatch)
    images = torch.from_numpy(IMAGES[:300])
    assert torch.equal((space.inverse(space.transform(images)) * 255).round().byte(), images)


def test_leading_directions_and_factors_are_those_of_an_svd(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = fitted(4, monkeypatch)
    assert space.basis is not None
    assert space.gains is not None
    flat = torch.from_numpy(IMAGES).flatten(1).double() / 255
    theirs = torch.linalg.svd(flat - flat.mean(dim=0), full_matrices=False)
    leading = theirs.Vh[:4].T
    inside = space.basis.double().T @ leading
    torch.testing.assert_close(inside.T @ inside, torch.eye(4).double(), atol=1e-4, rtol=0)
    factors = (theirs.S[:4].square() / (len(flat) - 1) + EPS).rsqrt().flip(0)
    torch.testing.assert_close(space.gains.double(), factors, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("rank", [1, 3, 200])
def test_pixel_std_is_that_of_the_transformed_images(
    rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = fitted(rank, monkeypatch)
    seen = space.transform(torch.from_numpy(IMAGES)).double().std(dim=(0, 2, 3), correction=0)
    torch.testing.assert_close(space.pixel_std.double(), seen, atol=0, rtol=1e-3)


def test_fewer_images_than_the_rank_are_whitened_along_all_they_span() -> None:
    few = photographs(count=20)
    tensors = fit_low_rank(torch.from_numpy(few), EPS, 512)
    assert tensors["basis"].shape == (108, 19)
    whole = fit_input_space("zca", few, None, None).transform(torch.from_numpy(few))
    ours = InputSpace("zca_low_rank", **tensors).transform(torch.from_numpy(few))
    torch.testing.assert_close(ours, whole, atol=1e-3, rtol=1e-3)


def test_bits_do_not_depend_on_the_global_generator() -> None:
    torch.manual_seed(1)
    first = fit_low_rank(torch.from_numpy(IMAGES), EPS, 5)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    again = fit_low_rank(torch.from_numpy(IMAGES), EPS, 5)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_large_images_are_gone_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit_low_rank(torch.from_numpy(IMAGES), EPS, 5)
    monkeypatch.setattr("ddbench.data.low_rank._CHUNK_VALUES", 1000)  # nine images
    parts = fit_low_rank(torch.from_numpy(IMAGES), EPS, 5)
    torch.testing.assert_close(parts["pixel_std"], whole["pixel_std"], atol=0, rtol=1e-4)
    torch.testing.assert_close(parts["gains"], whole["gains"], atol=0, rtol=1e-4)


def test_damaged_tensors_are_refused_in_one_line() -> None:
    tensors = fit_input_space("zca_low_rank", IMAGES, None, None).tensors()
    for name in ("basis", "gains"):
        with pytest.raises(UserError, match=r"damaged tensor '(basis|gains)'"):
            InputSpace.from_tensors("zca_low_rank", tensors | {name: torch.zeros(3)})
        rest = {key: value for key, value in tensors.items() if key != name}
        with pytest.raises(UserError, match="consists of basis, centre, gains"):
            InputSpace.from_tensors("zca_low_rank", rest)
    with pytest.raises(UserError, match="consists of"):
        InputSpace.from_tensors("zca", tensors)
