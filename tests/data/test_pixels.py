"""Images in several memory-mapped files are the same images as in one array."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from closeness import assert_close

from ddbench.data.dataset import ImageSplit
from ddbench.data.fit_input_space import SAMPLE, SAMPLED_BYTES, fit_input_space
from ddbench.data.pixels import PartedImages, evenly_spaced, pixel_hash, sampled_hash
from ddbench.data.real_images import RealImages
from ddbench.errors import UserError

IMAGES = np.random.RandomState(0).randint(0, 256, (50, 3, 4, 4)).astype(np.uint8)
LABELS = torch.arange(50) % 5
WHOLE = torch.from_numpy(IMAGES)


@pytest.fixture(params=["mapped", "in memory", "a part of a map", "mapped and in memory"])
def parted(request: pytest.FixtureRequest, tmp_path: Path) -> PartedImages:
    parts: list[np.ndarray] = [IMAGES[:7], IMAGES[7:30], IMAGES[30:]]
    for number, part in enumerate(parts):
        if request.param != "in memory" and (number or "and" not in request.param):
            # A header as in a pickle: no part begins at the beginning of its file.
            extra = 2 if "part" in request.param else 0
            file = tmp_path / f"{number}"
            file.write_bytes(b"head" + IMAGES[:extra].tobytes() + part.tobytes())
            shape = (len(part) + extra, *part.shape[1:])
            parts[number] = np.memmap(file, np.uint8, "r", 4, shape)[extra:]
            if not extra:
                parts[number] = np.memmap(file, np.uint8, "r", 4, shape)
    return PartedImages(parts)


@pytest.mark.parametrize("index", [[], [0], [49, 0, 0, 7, 6], list(range(50)), [8, 9, 31, 32, 10]])
def test_selected_images_are_those_of_the_whole(parted: PartedImages, index: list[int]) -> None:
    chosen = torch.tensor(index, dtype=torch.int64)
    assert torch.equal(parted.index_select(0, chosen), WHOLE[chosen])


def test_shapes_pieces_hash_and_extremes_are_those_of_the_whole(parted: PartedImages) -> None:
    assert (len(parted), parted.shape, parted.numel()) == (50, (50, 3, 4, 4), IMAGES.size)
    assert torch.equal(torch.cat(list(parted.split(11))), WHOLE)
    assert pixel_hash(parted, LABELS) == pixel_hash(WHOLE, LABELS)
    assert sampled_hash(parted, LABELS, 5) == sampled_hash(WHOLE, LABELS, 5)
    assert (parted.min(), parted.max()) == (IMAGES.min(), IMAGES.max())


def test_subset_of_a_subset_is_read_from_the_right_places(parted: PartedImages) -> None:
    odd = torch.arange(1, 50, 2)
    subset = parted.subset(odd).subset(torch.tensor([3, 20]))
    assert torch.equal(subset.index_select(0, torch.tensor([1, 0])), WHOLE[[41, 7]])


@pytest.mark.parametrize("position", [-1, 50])
def test_position_that_is_not_there_is_an_index_error(parted: PartedImages, position: int) -> None:
    with pytest.raises(IndexError):
        parted.index_select(0, torch.tensor([position]))


def test_file_cut_short_after_opening_is_an_error_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(IMAGES.tobytes())
    parted = PartedImages([np.memmap(tmp_path / "images", np.uint8, "r", shape=IMAGES.shape)])
    with (tmp_path / "images").open("r+b") as file:
        file.truncate(100)
    with pytest.raises(UserError, match="cut short"):
        parted.index_select(0, torch.tensor([40]))


def test_parts_that_do_not_agree_are_refused() -> None:
    for wrong in ([], [IMAGES, IMAGES[:, :1]], [IMAGES.astype(np.int64)], [IMAGES[0]]):
        with pytest.raises(ValueError, match="parts must be"):
            PartedImages(wrong)


@pytest.mark.parametrize("space", ["normalised", "zca", "zca_relative", "zca_low_rank"])
def test_input_spaces_and_real_images_are_bit_for_bit_those_of_the_whole(
    parted: PartedImages, space: str
) -> None:
    fitted = [fit_input_space(space, images, None, None) for images in (parted, WHOLE)]
    for name, tensor in fitted[0].tensors().items():
        assert torch.equal(tensor, fitted[1].tensors()[name])
    real = [
        RealImages(ImageSplit(images, LABELS), fitted[0], torch.device("cpu"))
        for images in (parted, WHOLE)
    ]
    index = real[0].class_indices(2)
    assert torch.equal(real[0].images(index), real[1].images(index))


def test_cut_of_a_fingerprinted_split_depends_on_split_and_cut(parted: PartedImages) -> None:
    mask = LABELS == 1
    cuts = [
        ImageSplit(parted, LABELS, "one").subset(mask),
        ImageSplit(parted, LABELS, "one").subset(~mask),
        ImageSplit(parted, LABELS, "two").subset(mask),
    ]
    assert len({cut.hash for cut in cuts} | {"one", "two"}) == 5
    assert isinstance(cuts[0].images, PartedImages)
    assert cuts[0].labels.tolist() == [1] * 10
    assert cuts[0].hash == ImageSplit(WHOLE, LABELS, "one").subset(mask).hash


def test_sampled_hash_sees_labels_shape_and_sampled_pixels() -> None:
    changed = WHOLE.clone()
    changed[-1, 0, 0, 0] ^= 1
    hashes = {
        sampled_hash(WHOLE, LABELS, 5),
        sampled_hash(changed, LABELS, 5),
        sampled_hash(WHOLE, LABELS.flip(0), 5),
        sampled_hash(WHOLE.view(50, 3, 2, 8), LABELS, 5),
    }
    assert len(hashes) == 4


def test_evenly_spaced_positions_include_both_ends_and_never_repeat() -> None:
    assert evenly_spaced(3, 8).tolist() == [0, 1, 2]
    chosen = evenly_spaced(1_281_167, SAMPLE)
    assert (int(chosen[0]), int(chosen[-1]), len(chosen)) == (0, 1_281_166, SAMPLE)
    assert int(chosen.diff().min()) > 0


def test_published_statistics_of_a_large_set_need_only_a_sample() -> None:
    class Counted(PartedImages):
        read = 0

        def index_select(self, dim: int, index: torch.Tensor) -> torch.Tensor:
            Counted.read += len(index)
            return super().index_select(dim, index)

        def split(self, size: int) -> None:  # type: ignore[override]
            raise AssertionError("a pass over everything")

    noise = np.random.RandomState(1).randint(0, 256, (8, 3, 64, 64)).astype(np.uint8)
    count = SAMPLED_BYTES // noise[0].size + 8
    large = Counted([np.broadcast_to(noise[:1], (count, *noise.shape[1:]))])
    space = fit_input_space("normalised", large, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    exact = fit_input_space("normalised", noise[[0, 0]], (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    assert Counted.read == SAMPLE
    assert_close(space.pixel_std, exact.pixel_std, terms=2)  # kept as float32, and divided


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's figures")
@pytest.mark.parametrize(
    "images", [20_000, pytest.param(1_281_167, marks=pytest.mark.slow)], ids=["part", "full"]
)
def test_imagenet64_of_full_size_is_sampled_by_class_within_2_gb(
    images: int, tmp_path: Path
) -> None:
    program = [sys.executable, str(Path(__file__).with_name("scale.py")), tmp_path, images]
    done = subprocess.run(list(map(str, program)), capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["images"] == images
    assert told["resident_peak_bytes"] < 2e9
    assert told["resident_peak_bytes"] - told["imported_peak_bytes"] < 1e9
    on_disk = sum(512 * f.stat().st_blocks for f in (tmp_path / "imagenet64").iterdir())
    assert on_disk < 50e6
