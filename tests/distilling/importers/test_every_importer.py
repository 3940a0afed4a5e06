"""What is promised of every importer: exact content, and no trust in any file."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import resource

import pytest
import torch

from ddbench.data.dataset import Dataset
from ddbench.distilling.importing.choice import ImportChoice
from ddbench.distilling.importing.convert import import_set
from ddbench.distilling.importing.recognising import importer_of, read_set
from ddbench.distilling.importing.registry import IMPORTERS
from ddbench.distilling.importing.source import Source
from ddbench.errors import UserError

from .examples import CLASSES, EXAMPLES, NOT_FILES, content
from .hostile import HOSTILE

MAX_GROWTH_BYTES = 600 * 2**20


def test_every_importer_has_an_example():
    assert set(EXAMPLES) | NOT_FILES == set(IMPORTERS.names())


@pytest.fixture(params=sorted(EXAMPLES))
def name(request):
    example = EXAMPLES[request.param]
    if example.needs and importlib.util.find_spec(example.needs) is None:
        pytest.skip(f"{example.needs} is not installed")
    return request.param


def written(name, folder, spoilt=None):
    """An example in a folder, and every file of it."""
    parts = content() if spoilt is None else dataclasses.replace(content(), **spoilt)
    path = EXAMPLES[name].write(folder, parts)
    return path, sorted(file for file in folder.rglob("*") if file.is_file())


def imported(path, name, digits):
    return import_set(path, ImportChoice(dataset="digits", **EXAMPLES[name].said), digits)


def test_its_example_is_recognised_by_it_and_comes_back_exactly(name, tmp_path):
    path, _ = written(name, tmp_path)
    assert importer_of(Source(path))[0] == name
    made = read_set(Source(path))[1]
    expected = content()
    if EXAMPLES[name].exact:
        images = made.images
        if tuple(images.shape[1:]) == (8, 8, 1):
            images = images.permute(0, 3, 1, 2)
        assert torch.equal(images, expected.images)
    labels = expected.soft if EXAMPLES[name].soft else expected.ids
    if made.labels is not None:
        assert torch.equal(made.labels, labels)
    else:
        assert [int(folder.removeprefix("new")) for folder in made.folders] == labels.tolist()


def test_its_example_becomes_a_set_in_the_space_that_was_said(name, tmp_path, digits):
    path, _ = written(name, tmp_path)
    if not EXAMPLES[name].exact:  # pictures have three channels, digits one
        with pytest.raises(UserError, match=r"shape \(3, 8, 8\)"):
            imported(path, name, digits)
        return
    made = imported(path, name, digits).distilled
    assert made.input_space == "normalised:half"
    assert torch.equal(made.images, content().images)
    assert (made.soft_labels is not None) == EXAMPLES[name].soft


def test_what_a_format_does_not_say_is_asked_for_in_one_line(name, tmp_path, digits):
    path, _ = written(name, tmp_path)
    for option in EXAMPLES[name].said:
        said = {key: value for key, value in EXAMPLES[name].said.items() if key != option}
        with pytest.raises(UserError) as caught:
            import_set(path, ImportChoice(dataset="digits", **said), digits)
        assert f"{option}= " in str(caught.value)
        assert "\n" not in str(caught.value)


def refused(path, name, digits):
    """The one line by which an import is refused."""
    with pytest.raises(UserError) as caught:
        imported(path, name, digits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_cut_short_is_refused_wherever_it_is_cut(name, tmp_path, digits):
    path, files = written(name, tmp_path)
    for file in files[:4]:
        whole = file.read_bytes()
        for share in (0.02, 0.3, 0.6, 0.95):
            file.write_bytes(whole[: int(share * len(whole))])
            assert str(tmp_path) in refused(path, name, digits)
        file.write_bytes(whole)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(value, name, tmp_path, digits):
    if not EXAMPLES[name].exact:
        return  # 8 bits have none
    images = content().images
    images[3, 0, 2, 2] = value
    path, _ = written(name, tmp_path, {"images": images})
    assert "not finite" in refused(path, name, digits)


def test_labels_of_another_number_of_images_are_refused(name, tmp_path, digits):
    if not EXAMPLES[name].exact:
        return  # the folder is the label
    fewer = {"ids": content().ids[:-1], "soft": content().soft[:-1]}
    path, _ = written(name, tmp_path, fewer)
    assert "20 images" in refused(path, name, digits)


def test_images_of_another_shape_are_refused(name, tmp_path, digits):
    if not EXAMPLES[name].exact:
        return  # told above
    path, _ = written(name, tmp_path, {"images": torch.randn(2 * CLASSES, 1, 7, 7)})
    assert "(7, 7)" in refused(path, name, digits).replace("1, 7, 7", "7, 7").replace(
        "7, 7, 1", "7, 7"
    )


def test_soft_labels_of_another_number_of_classes_are_refused(name, tmp_path, digits):
    wider = {"soft": torch.randn(2 * CLASSES, 7), "ids": content().ids + 3}
    path, _ = written(name, tmp_path, wider)
    refused(path, name, digits)


@pytest.mark.parametrize("twin", HOSTILE)
def test_a_hostile_twin_is_refused_and_runs_nothing(twin, name, tmp_path, digits):
    canary = tmp_path / "canary"
    place = tmp_path / "set"
    place.mkdir()
    path, files = written(name, place)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for file in files[:3]:
        whole = file.read_bytes()
        file.write_bytes(HOSTILE[twin](canary))
        refused(path, name, digits)
        file.write_bytes(whole)
    assert not canary.exists()
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MAX_GROWTH_BYTES


def test_objects_in_memory_are_imported(digits: Dataset):
    expected = content()
    choice = ImportChoice(dataset="digits", input_space="normalised:half")
    pair = (expected.images, expected.ids)
    for given in (pair, torch.utils.data.TensorDataset(*pair)):
        made = import_set(given, choice, digits).distilled
        assert torch.equal(made.images, expected.images)
        assert torch.equal(made.labels, expected.ids)
