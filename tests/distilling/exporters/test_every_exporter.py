"""What is promised of every exporter: imported again, the set is the same."""

from __future__ import annotations

import pytest
import torch

from ddbench.data.dataset import Dataset
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.exporting.registry import EXPORTERS
from ddbench.distilling.exporting.write import exported
from ddbench.distilling.importing.choice import ImportChoice
from ddbench.distilling.importing.convert import import_set
from ddbench.errors import UserError


@pytest.fixture(scope="module")
def coloured(tmp_path_factory):
    said = {"channels": 3, "resolution": 8, "classes": 12, "images": 240}
    return Dataset.open("random_pixels", said, tmp_path_factory.mktemp("none"))


@pytest.fixture(params=["hard", "soft"])
def distilled(request, coloured):
    """Two images per class, out of order, within the range of pixels."""
    numbers = torch.Generator().manual_seed(0)
    labels = torch.arange(12).repeat(2)
    levels = torch.randint(0, 256, (24, 3, 8, 8), generator=numbers).byte()
    parts = {"learned_rate": 0.0123}
    if request.param == "soft":
        soft = torch.randn(24, 12, generator=numbers)
        parts |= {"soft_labels": soft, "soft_label_kind": "logits", "tile_factor": 2}
    return DistilledSet.from_tensors(
        levels, labels, dataset=coloured, input_space="normalised:imagenet", **parts
    )


@pytest.mark.parametrize("name", EXPORTERS.names())
def test_a_set_that_is_exported_and_imported_is_the_same(name, distilled, coloured, tmp_path):
    exporter = EXPORTERS[name]
    target = tmp_path / f"set{exporter.suffix}"
    lost = set(exported(distilled, name, target, tmp_path))
    # Only what the format has no place for is said again.
    said = {"students_see": distilled.input_space}
    if not exporter.is_pixels:
        said = {"input_space": distilled.input_space}
    has_soft = distilled.soft_labels is not None and "soft_labels" not in lost
    if has_soft and "ids" in lost:
        said |= {"label_kind": "logits", "ids": "argmax"}
    again = import_set(target, ImportChoice(dataset="random_pixels", **said), coloured).distilled

    before, after = distilled, again
    if exporter.is_pixels:  # they come back by class
        before = torch.argsort(distilled.labels, stable=True)
        after = torch.argsort(again.labels, stable=True)
        half_a_level = 0.5 / 255 / float(distilled.channel_std.min()) + 1e-5
        difference = (distilled.images[before] - again.images[after]).abs().max()
        assert difference <= half_a_level
        assert torch.equal(distilled.labels[before], again.labels[after])
        return
    assert torch.equal(again.images, distilled.images)
    if not ("ids" in lost and has_soft):
        assert torch.equal(again.labels, distilled.labels)
    if has_soft:
        assert torch.equal(again.soft_labels, distilled.soft_labels)
        assert again.soft_label_kind == "logits"
    kept_rate = None if "learned_rate" in lost else distilled.learned_rate
    assert again.learned_rate == kept_rate
    assert again.tile_factor == (1 if "tiles" in lost else distilled.tile_factor)


@pytest.mark.parametrize("name", EXPORTERS.names())
def test_equal_sets_are_not_written_over_anything_in_a_folder(name, distilled, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="folder"):
        exported(distilled, name, tmp_path / "set", tmp_path)


def test_what_a_format_has_no_place_for_is_named(coloured, tmp_path):
    labels = torch.arange(12)
    distilled = DistilledSet.from_tensors(
        torch.zeros(12, 3, 8, 8), labels, dataset=coloured, input_space="normalised",
        soft_labels=torch.zeros(12, 12), soft_label_kind="logits", learned_rate=0.1,
    )  # fmt: skip
    lost = exported(distilled, "dc", tmp_path / "set.pt", tmp_path)
    assert lost == ["input_space", "learned_rate", "soft_labels"]
    assert exported(distilled, "npz", tmp_path / "set.npz", tmp_path) == ["input_space"]


@pytest.mark.parametrize("name", [n for n in EXPORTERS.names() if EXPORTERS[n].is_pixels])
def test_values_outside_the_range_of_pixels_are_said_to_be_lost(name, coloured, tmp_path):
    images = torch.zeros(12, 3, 8, 8)
    for brightest, clipped in ((0.9, False), (1.5, True)):
        images[3, 1, 2, 2] = brightest
        distilled = DistilledSet.from_tensors(
            images, torch.arange(12), dataset=coloured, input_space="normalised:pixels"
        )
        lost = exported(distilled, name, tmp_path / str(clipped), tmp_path)
        assert ("values outside the range of pixels" in lost) is clipped
