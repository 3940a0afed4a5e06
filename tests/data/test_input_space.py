"""Input spaces against their definitions, written out naively in NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from closeness import assert_close
from numpy.typing import NDArray

from ddbench.data.fit_input_space import _image_moments, fit_input_space
from ddbench.data.input_space import INPUT_SPACES, InputSpace, input_space_definition
from ddbench.errors import UserError

pytestmark = pytest.mark.numerical
EPS = 0.1
TERMS = 3 * 4 * 4 + 4
"""Terms of a whitened pixel: one per pixel of the image, and the roundings of scaling."""


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


def test_whitening_per_image_equals_the_naive_computation_of_its_definition() -> None:
    flat = IMAGES.astype(np.float64).reshape(len(IMAGES), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.sqrt((flat**2).sum(axis=1, keepdims=True))
    flat = flat / np.where(length < 1e-6, 1, length)  # images of one colour become 0
    covariance = flat.T @ flat / len(flat)
    values, vectors = np.linalg.eigh(covariance)
    matrix = vectors @ np.diag((values + EPS * values.mean()) ** -0.5) @ vectors.T
    ours = FITTED["zca_per_image"].transform(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(ours, (flat @ matrix).reshape(IMAGES.shape), atol=1e-4)


def test_whitening_per_image_does_not_see_brightness_and_contrast() -> None:
    space = FITTED["zca_per_image"]
    images = torch.from_numpy(IMAGES[:50]) // 4
    other = space.transform(images * 3 + 10)
    torch.testing.assert_close(space.transform(images), other, atol=1e-3, rtol=1e-3)


def test_pixels_come_back_from_whitening_per_image_up_to_brightness_and_contrast() -> None:
    images = torch.from_numpy(IMAGES[:50] // 2 + 60)
    back = FITTED["zca_per_image"].inverse(FITTED["zca_per_image"].transform(images))
    for image, again in zip(images.float(), back, strict=True):
        if again.min() > 0 and again.max() < 1 and image.std() > 0:  # not clamped
            both = torch.stack([image.flatten(), again.flatten()])
            assert torch.corrcoef(both)[0, 1] > 0.9999


@pytest.mark.parametrize("name", ["normalised:imagenet", "normalised:.5,.4,.3/.25,.2,.1"])
def test_a_normalisation_with_other_figures_is_a_space_of_its_own(name: str) -> None:
    space = fit_input_space(name, IMAGES, (0.1,) * 3, (0.2,) * 3)
    definition = input_space_definition(name)
    assert space.channel_statistics() == tuple(
        pytest.approx(definition[part]) for part in ("mean", "std")
    )
    images = torch.from_numpy(IMAGES[:50])
    back = space.inverse(space.transform(images))
    torch.testing.assert_close(back, images.float() / 255, atol=1e-5, rtol=0)
    assert not space.matches(FITTED["normalised"].fingerprint())


@pytest.mark.parametrize("name", ["normalised:imagenett", "normalised:1,2/3", "normalised:.5/0"])
def test_figures_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"\A.*normalis.*\Z"):
        fit_input_space(name, IMAGES, None, None)


def test_the_two_whitenings_are_different_spaces() -> None:
    assert not FITTED["zca"].matches(FITTED["zca_relative"].fingerprint())


@pytest.mark.parametrize("name", INPUT_SPACES)
def test_pixel_std_is_that_of_the_transformed_training_images(name: str) -> None:
    space = FITTED[name]
    transformed = space.transform(torch.from_numpy(IMAGES)).double().numpy()
    expected = transformed.std(axis=(0, 2, 3))
    condition = float(np.abs(transformed).max() / expected.max())
    assert_close(space.pixel_std, expected, terms=TERMS, condition=condition)


INVERTIBLE = [name for name in INPUT_SPACES if not FITTED[name].is_per_image]


@pytest.mark.parametrize("name", INVERTIBLE)
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
        moments.append(_image_moments(torch.from_numpy(IMAGES)))
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
