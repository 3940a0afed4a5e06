"""Input spaces against their definitions, written out naively in NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from closeness import assert_close
from numpy.typing import NDArray

from ddbench.data import fit_input_space as module
from ddbench.data.fit_input_space import fit_input_space
from ddbench.data.input_space import (
    _DEFINITIONS,
    INPUT_SPACES,
    InputSpace,
    check_memory,
    input_space_definition,
)
from ddbench.errors import UserError

pytestmark = pytest.mark.numerical
EPS = 0.1
TERMS = 3 * 4 * 4 + 4
"""Of a whitened pixel: one a pixel of the image, and the roundings of scaling."""


def photographs(count: int = 3000, size: int = 4, seed: int = 0) -> NDArray[np.uint8]:
    """Random images whose neighbouring pixels and channels are alike, as in photographs."""
    numbers = np.random.RandomState(seed)
    brightness = numbers.normal(size=(count, 1, 1, 1)) * 60
    tint = numbers.normal(size=(count, 3, 1, 1)) * 15
    detail = numbers.normal(size=(count, 3, size, size)) * 20
    offset = np.array([120, 110, 100]).reshape(1, 3, 1, 1)
    return np.clip(offset + brightness + tint + detail, 0, 255).astype(np.uint8)


IMAGES = photographs()
FITTED = {name: fit_input_space(name, IMAGES, None, None) for name in INPUT_SPACES}


def naive_whitening(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Whitened training images, the matrix and the condition, straight from the definitions."""
    x = IMAGES.astype(np.float64) / 255
    if name == "zca_relative":
        x = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / x.std(axis=(0, 2, 3), keepdims=True)
    flat = x.reshape(len(x), -1)
    flat = flat - flat.mean(axis=0)
    if name == "zca":
        u, s, _ = np.linalg.svd(flat.T @ flat / (len(flat) - 1))
        matrix = u @ np.diag((s + EPS) ** -0.5) @ u.T
    else:
        covariance = flat.T @ flat / len(flat)
        reg = EPS * np.trace(covariance) / len(covariance)
        u, s, _ = np.linalg.svd(covariance + reg * np.eye(len(covariance)))
        matrix = u @ np.diag(s**-0.5) @ u.T
    whitened = flat @ matrix
    condition = np.max(np.abs(flat) @ np.abs(matrix)) / np.abs(whitened).max()
    return whitened.reshape(x.shape), matrix, float(condition)


@pytest.mark.parametrize("name", ["zca", "zca_relative"])
def test_whitening_equals_the_naive_computation_of_its_definition(name: str) -> None:
    whitened, matrix, condition = naive_whitening(name)
    space = FITTED[name]
    assert space.whitening is not None
    assert_close(space.whitening, matrix, terms=1)  # float64 that is kept as float32
    ours = space.transform(torch.from_numpy(IMAGES))
    assert_close(ours, whitened, terms=TERMS, condition=condition)


def test_the_two_whitenings_are_different_spaces() -> None:
    assert not FITTED["zca"].matches(FITTED["zca_relative"].fingerprint())


@pytest.mark.parametrize("name", INPUT_SPACES)
def test_pixel_std_is_that_of_the_transformed_training_images(name: str) -> None:
    space = FITTED[name]
    transformed = space.transform(torch.from_numpy(IMAGES)).double().numpy()
    expected = transformed.std(axis=(0, 2, 3))
    condition = float(np.abs(transformed).max() / expected.max())
    assert_close(space.pixel_std, expected, terms=TERMS, condition=condition)


@pytest.mark.parametrize("name", INPUT_SPACES)
def test_inverse_returns_the_pixels(name: str) -> None:
    images = torch.from_numpy(IMAGES[:50])
    pixels = FITTED[name].inverse(FITTED[name].transform(images))
    assert torch.equal((pixels * 255).round().to(torch.uint8), images)


def test_inverse_is_clamped_to_the_range_of_pixels() -> None:
    pixels = FITTED["zca"].inverse(torch.randn(5, 3, 4, 4) * 100)
    assert pixels.min() == 0
    assert pixels.max() == 1


def test_normalised_uses_published_statistics_where_there_are_any() -> None:
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    space = fit_input_space("normalised", IMAGES, mean, std)
    assert_close(torch.tensor(space.channel_statistics()), [mean, std], terms=1)
    expected = (IMAGES[7, 1] / 255 - 0.4) / 0.25
    ours = space.transform(torch.from_numpy(IMAGES[7:8]))[0, 1]
    condition = float((0.4 / 0.25 + np.abs(expected).max()) / np.abs(expected).max())
    assert_close(ours, expected, terms=4, condition=condition)


def test_normalised_computes_statistics_where_none_are_published() -> None:
    mean, std = map(torch.tensor, FITTED["normalised"].channel_statistics())
    assert_close(mean, (IMAGES / 255).mean(axis=(0, 2, 3)), terms=1)
    assert_close(std, (IMAGES / 255).std(axis=(0, 2, 3)), terms=1)


def test_whitenings_do_not_depend_on_published_statistics() -> None:
    published = fit_input_space("zca_relative", IMAGES, (0.5,) * 3, (0.5,) * 3)
    assert published.matches(FITTED["zca_relative"].fingerprint(), tolerance=0)


@pytest.mark.parametrize("name", INPUT_SPACES)
def test_space_comes_back_unchanged_from_its_tensors(name: str) -> None:
    space = FITTED[name]
    again = InputSpace.from_tensors(name, space.tensors()).to("cpu")
    images = torch.from_numpy(IMAGES[:5])
    assert all(tensor.dtype == torch.float32 for tensor in space.tensors().values())
    assert torch.equal(again.transform(images), space.transform(images))
    assert again.definition == space.definition == input_space_definition(name)
    assert json.loads(json.dumps(space.definition)) == space.definition


@pytest.mark.parametrize("name", INPUT_SPACES)
def test_fingerprint_is_small_and_leaves_global_random_state_alone(name: str) -> None:
    before = torch.get_rng_state()
    fingerprint = FITTED[name].fingerprint()
    assert torch.equal(torch.get_rng_state(), before)
    assert fingerprint.shape == (64,)
    assert fingerprint.dtype == torch.float32
    assert torch.equal(fingerprint, FITTED[name].fingerprint())


@pytest.mark.parametrize("name", ["zca", "zca_relative"])
def test_fingerprint_tolerates_rounding_but_not_other_images(name: str) -> None:
    space = FITTED[name]
    rounded = {key: value.half().float() for key, value in space.tensors().items()}
    assert InputSpace.from_tensors(name, rounded).matches(space.fingerprint())
    other = fit_input_space(name, photographs(seed=1) // 2, None, None)
    assert not other.matches(space.fingerprint())
    assert not space.matches(space.fingerprint()[:10])
    assert not space.matches(torch.full((64,), float("nan")))


def test_covariance_is_the_same_whatever_the_number_of_threads() -> None:
    threads = torch.get_num_threads()
    moments = []
    for count in (1, 2):
        torch.set_num_threads(count)
        moments.append(module._image_moments(torch.from_numpy(IMAGES)))
    torch.set_num_threads(threads)
    assert torch.equal(moments[0][0], moments[1][0])
    assert torch.equal(moments[0][1], moments[1][1])


@pytest.mark.parametrize("name", INPUT_SPACES)
def test_fewer_images_than_pixels_can_be_fitted(name: str) -> None:
    few = photographs(count=10)
    space = fit_input_space(name, few, None, None)
    assert bool(space.transform(torch.from_numpy(few)).isfinite().all())


def test_mistakes_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="unknown input space 'zcaa': did you mean zca"):
        fit_input_space("zcaa", IMAGES, None, None)
    with pytest.raises(UserError, match="positive standard deviation in every channel"):
        fit_input_space("normalised", np.full_like(IMAGES, 9), None, None)
    with pytest.raises(UserError, match="cannot be fitted to 1 images"):
        fit_input_space("zca", IMAGES[:1], None, None)
    with pytest.raises(UserError, match="consists of"):
        InputSpace.from_tensors("zca", FITTED["normalised"].tensors())
    broken = FITTED["zca"].tensors() | {"whitening": torch.zeros(3, 3)}
    with pytest.raises(UserError, match="damaged tensor 'whitening'"):
        InputSpace.from_tensors("zca", broken)
    with pytest.raises(TypeError, match="uint8"):
        FITTED["zca"].transform(torch.zeros(1, 3, 4, 4))


def low_rank(rank: int, monkeypatch: pytest.MonkeyPatch) -> InputSpace:
    monkeypatch.setitem(_DEFINITIONS["zca_low_rank"], "rank", rank)
    return fit_input_space("zca_low_rank", IMAGES, None, None)


def test_low_rank_whitening_of_small_images_is_the_whole_one() -> None:
    images = torch.from_numpy(IMAGES[:200])
    ours, whole = FITTED["zca_low_rank"].transform(images), FITTED["zca"].transform(images)
    assert torch.allclose(ours, whole, rtol=0, atol=1e-4)
    assert torch.allclose(
        FITTED["zca_low_rank"].pixel_std, FITTED["zca"].pixel_std, rtol=1e-5, atol=0
    )


@pytest.mark.parametrize("rank", [1, 4, 12])
def test_low_rank_whitening_differs_by_no_more_than_its_bound(
    rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = low_rank(rank, monkeypatch)
    flat = IMAGES.reshape(len(IMAGES), -1) / 255
    values, vectors = np.linalg.eigh(np.cov(flat.T))
    bound = EPS**-0.5 - (values[-rank - 1] + EPS) ** -0.5
    assert space.whitening is None
    ours = space.transform(torch.from_numpy(IMAGES)).flatten(1).double().numpy()
    whole = (flat - flat.mean(axis=0)) @ (vectors / np.sqrt(values + EPS)) @ vectors.T
    sizes = np.linalg.norm(flat - flat.mean(axis=0), axis=1)
    assert (np.linalg.norm(ours - whole, axis=1) <= bound * sizes + 1e-3).all()


@pytest.mark.parametrize("rank", [1, 4, 12])
def test_low_rank_whitening_is_inverted_exactly(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    space = low_rank(rank, monkeypatch)
    images = torch.from_numpy(IMAGES)
    assert torch.equal((space.inverse(space.transform(images)) * 255).round().byte(), images)


def test_low_rank_directions_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    space = low_rank(4, monkeypatch)
    flat = torch.from_numpy(IMAGES).flatten(1).double() / 255
    theirs = torch.linalg.svd(flat - flat.mean(dim=0), full_matrices=False).Vh[:1].T.float()
    assert space.basis is not None
    assert torch.allclose(space.basis.T @ space.basis, torch.eye(4), atol=1e-5)
    within = space.basis @ (space.basis.T @ theirs)  # the leading direction lies in the subspace
    assert torch.allclose(within, theirs, atol=1e-4)


def test_pixel_std_of_low_rank_is_that_of_the_transformed_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = low_rank(3, monkeypatch)
    seen = space.transform(torch.from_numpy(IMAGES)).double().numpy().std(axis=(0, 2, 3))
    assert np.allclose(space.pixel_std.numpy(), seen, rtol=1e-3)


def test_whitening_that_needs_more_than_the_machine_has_is_refused_with_the_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ddbench.data.input_space.machine_memory_bytes", lambda: 25e9)
    for name in ("zca", "zca_relative"):
        check_memory(name, 3, 64)
        with pytest.raises(UserError, match=r"96\.6 GB .*49,152.*19\.3 GB each.* has 25\.0 GB"):
            check_memory(name, 3, 128)
    for name in ("normalised", "zca_low_rank"):
        check_memory(name, 3, 1024)
